"""The `bounded` profile by prediction in plain Python, in the order of docs/bounded_profile.md.

Written from the documents alone and as slow as it likes, so that two readings of them can be
compared.
"""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import dataclass, field

import numpy as np

from reference.adaptive import LONE_LIMIT, Slot, decode_lone
from reference.band import Array, Tile, require
from reference.container import Reader, crc32c
from reference.range_decoder import RangeDecoder, decode_masks, to_words

Pixel = tuple[int, int]
Tap = tuple[int, int, int]  # band before, down, across


def log2(x: int) -> int:
    return x.bit_length() - 1


def held(x: int, low: int, high: int) -> int:
    return min(max(x, low), high)


# 2 Payload ----------------------------------------------------------------------------------------


@dataclass
class Samples:
    """What a payload says: samples of the bands that are present, row by row, by band."""

    samples: dict[int, list[list[int]]]
    limits: list[int]
    relative: tuple[int, int, int] | None
    checksum: int
    valid: Array | None


def decode(payload: bytes, tile: Tile) -> Samples:
    reader = Reader(payload)
    require(reader.varint() == 0, "another way than prediction")
    lowest, span = reader.svarint(), reader.varint()
    require(lowest >= -(2**31) and lowest + span < 2**31, "samples that are no int32")
    order, options, limit_count = reader.varint(), reader.varint(), reader.varint()
    require(order <= 32 and options <= 3 and limit_count in (1, tile.bands), "settings")
    limits = [reader.varint() for _ in range(limit_count)]
    require(max(limits) < 2**32, "error limit")
    if limit_count == 1:
        limits *= tile.bands
    relative = None
    if options & 2:
        relative = reader.varint(), reader.varint(), reader.svarint()
        require(1 <= relative[0] < relative[1] <= 2**24, "relative error limit")
        require(-(2**31) <= relative[2] < 2**31, "zero is no int32")
    mask = reader.take(reader.varint())
    masks = decode_masks(mask, tile.bands, tile.rows, tile.columns) if mask else None
    valid = None if masks is None else masks.tolist()
    decoder = RangeDecoder(to_words(reader.take(reader.left)))
    chunk = Chunk(decoder, tile, span, order, options & 1 == 1)
    if relative:
        chunk.relative = relative[0], relative[1], relative[2] - lowest
    found = {}
    for band in range(tile.bands):
        there = valid[band] if valid else [[1] * tile.columns] * tile.rows
        if not any(map(any, there)):
            continue
        if span == 0:  # 3
            levels = [[0] * tile.columns] * tile.rows
        else:
            levels = chunk.decode_band(limits[band], there)
        found[band] = [
            [level + lowest if v else 0 for level, v in zip(*row, strict=True)]
            for row in zip(levels, there, strict=True)
        ]
    decoder.finish()
    data = b"".join(
        x.to_bytes(4, "little", signed=True) for b in found.values() for row in b for x in row
    )
    return Samples(found, limits, relative, crc32c(data), masks)  # 6


def values(_: None, tile: Tile, symbols: Samples) -> Array:
    """6: whole numbers, shape (bands, rows, columns); 0 in bands that are not present."""
    result = np.zeros((tile.bands, tile.rows, tile.columns))
    for band, rows in symbols.samples.items():
        result[band] = rows
    return result


# 4.1 Bands and what lies outside ------------------------------------------------------------------


@dataclass
class Band:
    """The planes of a band: u through level, centre and shift; f; e; g."""

    rows: int
    columns: int
    centre: int
    shift: int
    level: dict[Pixel, int] = field(default_factory=dict)
    e: dict[Pixel, int] = field(default_factory=dict)
    g: dict[Pixel, int] = field(default_factory=dict)
    complete: bool = False

    def inside(self, y: int, x: int) -> Pixel | None:
        """Where to look for what is at a pixel; None where it is 0."""
        if self.complete:
            return held(y, 0, self.rows - 1), held(x, 0, self.columns - 1)
        if x < 0:
            return (y - 1, 0) if y > 0 else None
        return y, min(x, self.columns - 1)

    def u(self, y: int, x: int) -> int:
        at = self.inside(y, x)
        return self.level[at] - self.centre if at else 0

    def f(self, y: int, x: int) -> int:
        half = 1 << self.shift >> 1
        return held((self.u(y, x) + half) >> self.shift, -8191, 8191)

    def magnitude(self, y: int, x: int) -> int:
        at = self.inside(y, x)
        return self.g[at] if at else 0

    def finish(self) -> None:
        n = self.rows * self.columns
        self.centre += sum(v - self.centre for v in self.level.values()) // n
        spread = sum(abs(v - self.centre) for v in self.level.values()) // n
        self.shift = max(0, log2(max(1, spread)) - 9)
        self.complete = True


class Chunk:
    """4: the bands of a message, one after the other."""

    def __init__(
        self, decoder: RangeDecoder, tile: Tile, span: int, order: int, wide: bool
    ) -> None:
        self.tile = tile
        self.span = span
        self.order = order
        self.wide = wide
        self.bands: list[Band] = []
        self.weights: dict[Tap, int] = {}
        self.mean_error = span // 4
        self.residuals = Residuals(decoder)
        self.relative: tuple[int, int, int] | None = None  # R, Q, and the level of zero

    def decode_band(self, limit: int, valid: list[list[int]]) -> list[list[int]]:
        rows, columns = self.tile.rows, self.tile.columns
        if self.bands:
            centre, shift = self.bands[-1].centre, self.bands[-1].shift
        else:
            centre, shift = (self.span + 1) // 2, max(0, log2(self.span) - 12)
        band = Band(rows, columns, centre, shift)
        m = min(limit, self.span)
        first = FirstPrediction(self, band)
        errors = 0
        second = SecondPrediction(self, band)
        self.bands.append(band)
        for block in blocks(rows, columns):
            of_block = 0
            for y in block.rows:
                second.set_gain(y, block.columns)
                for x in block.columns:
                    p1 = first.predict(y, x)
                    p, correction = second.predict(y, x, p1)
                    place = Place(self, y, x, p, m, correction)
                    level = self.residuals.decode(place, valid[y][x] == 1)
                    band.level[y, x] = level
                    band.g[y, x] = place.g
                    error = 16 * level - p1
                    of_block += min(abs(error), 2**31)
                    second.learn(y, x, error)
            errors += of_block
            first.learn(block, of_block)
        band.finish()
        self.weights = dict(zip(first.taps, first.w, strict=True))
        self.mean_error = errors // (rows * columns)
        return [[band.level[y, x] for x in range(columns)] for y in range(rows)]


# 4.4 Blocks ---------------------------------------------------------------------------------------


@dataclass
class Block:
    rows: range
    columns: range


def blocks(rows: int, columns: int) -> list[Block]:
    found = []
    x = 0
    while x < columns:
        end = min(columns, x + max(8, x))
        found.append(Block(range(1), range(x, end)))
        x = end
    y = 1
    while y < rows:
        end = min(rows, y + max(1, math.ceil(min(96, y * columns // 8) / columns)))
        found.append(Block(range(y, end), range(columns)))
        y = end
    return found


# 4.2 Taps -----------------------------------------------------------------------------------------


def taps_of(n: int, wide: bool) -> list[Tap]:
    wide = wide or n < 6
    taps = [(k, 0, 0) for k in range(1, n + 1)]
    taps += [(0, 0, -1), (0, -1, 0)]
    if wide:
        taps += [(0, -1, -1), (0, -1, 1)]
    for k in range(1, min(n, 2 if wide else 1) + 1):
        taps += [(k, 0, -1), (k, -1, 0), (k, 0, 1), (k, 1, 0)]
    return taps


START = {
    (0, 0, -1): 2**13,
    (0, -1, 0): 2**13,
    (1, 0, 0): 2**14,
    (1, 0, -1): -(2**13),
    (1, -1, 0): -(2**13),
}


# 4.3 First prediction -----------------------------------------------------------------------------


class FirstPrediction:
    def __init__(self, chunk: Chunk, band: Band) -> None:
        before = chunk.bands
        self.taps = taps_of(min(len(before), chunk.order), chunk.wide)
        self.of = [band, *reversed(before)]
        known = START if len(before) < 2 else chunk.weights
        self.w = [known.get(tap, 0) for tap in self.taps]
        self.expected = [w / 2**14 for w in self.w]
        self.v = 0
        size = len(self.taps) + 2
        self.sums = [[0] * size for _ in range(size)]
        self.total = self.count = 0

    @staticmethod
    def place(tap: Tap, y: int) -> Tap:
        return (0, 0, -1) if tap[0] == 0 and y == 0 else tap

    def predict(self, y: int, x: int) -> int:
        band = self.of[0]
        total = 256 * self.v * 2**band.shift
        for tap, w in zip(self.taps, self.w, strict=True):
            k, down, across = self.place(tap, y)
            total += w * self.of[k].u(y + down, x + across)
        return ((total + 2**9) >> 10) + 16 * band.centre

    # 4.5 Sums of products -------------------------------------------------------------------------

    def learn(self, block: Block, errors: int) -> None:
        if block.rows.start > 0:
            self.sums = [[q - (q >> 4) for q in row] for row in self.sums]
        for y in block.rows:
            for x in block.columns:
                factors = []
                for tap in self.taps:
                    k, down, across = self.place(tap, y)
                    factors.append(self.of[k].f(y + down, x + across))
                factors += [256, self.of[0].f(y, x)]
                for i, a in enumerate(factors):
                    for j, b in enumerate(factors):
                        self.sums[i][j] += a * b
        self.total += errors
        self.count += len(block.rows) * len(block.columns)
        band = self.of[0]
        if block.rows.stop < band.rows or block.columns.stop < band.columns:
            self.solve()
        self.total -= self.total >> 1
        self.count -= self.count >> 1

    # 4.6 Weights ----------------------------------------------------------------------------------

    def solve(self) -> None:
        t = len(self.taps)
        s = self.of[0].shift
        a = float(self.total) / float(self.count)
        noise = math.ldexp(1.5 * (a * a), -2 * (s + 4))
        h = [math.ldexp(1.0, self.of[tap[0]].shift - s) for tap in self.taps] + [1.0]
        q = [[float(self.sums[i][j]) for j in range(i + 1)] for i in range(t + 1)]
        b = []
        for i in range(t + 1):
            pull, expected = 1.0, 0.0
            if i < t:
                spectral = self.taps[i][0] > 0 and self.taps[i][1:] == (0, 0)
                pull = 1.0 + noise * (8.0 if spectral else 128.0)
                expected = self.expected[i] * h[i]
            q[i][i] += pull
            b.append(float(self.sums[t + 1][i]) + pull * expected)
        solve(q, b)
        self.w = [weight(b[i] / h[i]) for i in range(t)]
        self.v = weight(b[t])


def solve(q: list[list[float]], b: list[float]) -> None:
    """Replace b by the solution; q becomes the factors L."""
    n = len(b)
    d = []
    for j in range(n):
        d.append(1.0 / q[j][j] if q[j][j] > 0.5 else 2.0**-100)
        column = [q[i][j] for i in range(j + 1, n)]
        for i in range(j + 1, n):
            factor = q[i][j] * d[j]
            for k in range(j + 1, i + 1):
                q[i][k] -= factor * column[k - j - 1]
            q[i][j] = factor
            b[i] -= factor * b[j]
    for i in range(n):
        b[i] *= d[i]
    for i in range(n - 1, 0, -1):
        for k in range(i):
            b[k] -= q[i][k] * b[i]


def weight(x: float) -> int:
    if math.isnan(x):
        return 0
    return math.floor(min(max(x * 2.0**14, -(2.0**20)), 2.0**20) + 0.5)


# 4.7 Second prediction ----------------------------------------------------------------------------


class SecondPrediction:
    def __init__(self, chunk: Chunk, band: Band) -> None:
        self.of = [band, *reversed(chunk.bands)]
        self.limit = 16 * chunk.span
        self.o = max(0, log2(max(1, chunk.mean_error)) - 5)
        self.k = [0] * 16
        self.gain = 0

    def error(self, back: int, y: int, x: int) -> int:
        return self.of[back].e.get((y, x), 0) if back < len(self.of) else 0

    def inputs(self, y: int, x: int) -> list[int]:
        spectral = [self.error(back, y, x) for back in range(1, 9)]
        above = [self.error(0, y - 1, x + across) for across in (-1, 0, 1)]
        around = [self.error(1, y + j, x + i) for j, i in ((0, -1), (0, 1), (-1, 0), (1, 0))]
        return [*spectral, *above, *around, self.error(0, y, x - 1)]

    def set_gain(self, y: int, columns: range) -> None:
        power = sum(a * a for x in columns for a in self.inputs(y, x)[:15])
        self.gain = min(2**19, 2**33 // (power // len(columns) + 16))

    def predict(self, y: int, x: int, p1: int) -> tuple[int, int]:
        self.a = self.inputs(y, x)
        self.t0 = (sum(k * a for k, a in zip(self.k, self.a, strict=True)) + 2**13) >> 14
        correction = self.t0 * 2**self.o
        return held(p1 + correction, 0, self.limit), correction

    def learn(self, y: int, x: int, error: int) -> None:
        half = 1 << self.o >> 1
        e = held((error + half) >> self.o, -2047, 2047)
        self.of[0].e[y, x] = e
        t = held((e - held(self.t0, -4096, 4095)) * self.gain >> 8, -32767, 32767)
        self.k = [
            held(k + ((a * t + 2**15) >> 16), -32768, 32767)
            for k, a in zip(self.k, self.a, strict=True)
        ]


# 5 Residuals --------------------------------------------------------------------------------------


def half(x: int) -> int:
    return 2 * log2(x) + (x >> (log2(x) - 1) & 1)


class RelativeSteps:
    """5.6: with v counted from zero."""

    def __init__(self, r: int, q: int, most: int) -> None:
        self.r = r
        self.q = q
        self.most = most

    def limit(self, v: int) -> int:
        return min(self.most, self.r * abs(v) // self.q)

    def away(self, a: int) -> int:
        n = a + min(self.most, self.r * a // (self.q - self.r)) + 1
        return n + self.limit(n)

    def towards(self, a: int) -> int:
        n = a - min(self.most, self.r * a // (self.q + self.r)) - 1
        return n - self.limit(n)

    def up(self, v: int) -> int:
        return self.away(v) if v >= 0 else -self.towards(-v)

    def moved(self, v: int, q: int) -> int:
        if q < 0:
            return -self.moved(-v, -q)
        for _ in range(min(q, 128)):
            v = self.up(v)
        return v + max(0, q - 128)


class Place:
    """5.1, 5.3: what is known of a sample before its residual; g of it when this is known."""

    def __init__(self, chunk: Chunk, y: int, x: int, p: int, m: int, correction: int) -> None:
        self.span = chunk.span
        self.b = (p + 8) >> 4
        self.fraction = p - 16 * self.b
        self.steps = None
        if chunk.relative:
            *share, self.zero = chunk.relative
            self.steps = RelativeSteps(*share, m)
            m = self.steps.limit(self.b - self.zero)
        self.step = 2 * m + 1
        if self.steps:
            self.down, self.up = self.b, chunk.span - self.b
        else:
            self.down = (self.b + m) // self.step
            self.up = (chunk.span - self.b + m) // self.step
        bands = chunk.bands[::-1]
        g = bands[0].magnitude
        west = g(y, x - 1)
        if y == 0:
            north = west
            self.near = 3 * g(0, x - 2) + 5 * west
        else:
            north = g(y - 1, x)
            self.near = 2 * west + g(y, x - 2) + 2 * north + g(y - 1, x - 1) + g(y - 1, x + 1)
            self.near += g(max(y - 2, 0), x)
        before = 0
        if len(bands) > 1:
            g = bands[1].magnitude
            before = 2 * g(y, x) + g(y, x - 1) + g(y, x + 1) + g(y - 1, x) + g(y + 1, x)
            before += 2 * bands[min(2, len(bands) - 1)].magnitude(y, x)
        if len(bands) == 1:
            expected = 8 * self.near + 32
        elif (y, x) == (0, 0):
            expected = 8 * before + 32
        else:
            expected = 5 * self.near + 3 * before + 32
        j = log2(expected)
        f = expected >> (j - 2) & 3
        self.k = max(0, j - 10) if j > 11 else 0
        self.size = 4 * (j - 5) + f if j <= 11 else 28 + f + 4 * min(j - 12, 2)
        lossless = self.step == 1
        self.f = min(3, abs(self.fraction) // 2) if lossless and self.k == 0 else 0
        near = half(self.near + 8)
        ratio = held(near - half(before + 8), -4, 4)
        u, v = (held(half(8 * w + 8) - near, -4, 1) for w in (west, north))
        h = held(half(64 * abs(correction) + 32) - half(expected), -8, 1) + 8 if lossless else 0
        coarse = self.size // 2
        self.models = [
            ("size", self.size, self.f),
            ("ratio", coarse, ratio, self.f),
            ("texture", coarse, u, v),
            ("correction", coarse, h),
        ]
        self.g = 0

    def finish(self, q: int) -> int:
        """5.5; return the level."""
        steps = (2 * abs(self.fraction) + self.step) // (2 * self.step)
        self.g = min(abs(16 * q - (steps if self.fraction > 0 else -steps)), 2**28 - 1)
        level = self.b + q * self.step
        if self.steps:
            level = self.steps.moved(self.b - self.zero, q) + self.zero
        return held(level, 0, self.span)


class Model:
    """5.2: one of sixteen symbols."""

    def __init__(self) -> None:
        self.b = [2048 * i for i in range(16)]
        self.n = 0

    def learn(self, symbol: int) -> None:
        rate = 2 + sum(self.n >= n for n in (2, 6, 16, 40, 120))
        for i, b in enumerate(self.b):
            target = 2 * i if i <= symbol else 2**15 - 2 * (16 - i)
            self.b[i] = b + ((target - b) >> rate)
        self.n = min(self.n + 1, 255)


class Residuals:
    def __init__(self, decoder: RangeDecoder) -> None:
        self.decoder = decoder
        self.models: defaultdict[tuple[object, ...], Model] = defaultdict(Model)
        self.signs: defaultdict[tuple[int, int, int], Slot] = defaultdict(Slot)
        self.lengths = [Slot() for _ in range(32)]

    def symbol(self, models: list[Model]) -> int:
        edges = [(sum(column) + 1) >> 1 for column in zip(*(m.b for m in models), strict=True)]
        edges.append(2**16)
        quantile = self.decoder.quantile() >> 8
        s = max(i for i in range(16) if edges[i] <= quantile)
        self.decoder.consume(edges[s] << 8, (edges[s + 1] - edges[s]) << 8)
        for model in models:
            model.learn(s)
        return s

    def bit(self, slot: Slot) -> int:
        return decode_lone(self.decoder, slot, 64, LONE_LIMIT)

    def uniform(self, bits: int) -> int:
        high = self.decoder.uniform(bits - 16) << 16 if bits > 16 else 0
        return high + self.decoder.uniform(min(bits, 16))

    def decode(self, place: Place, valid: bool) -> int:
        """5.4, 5.5."""
        if not valid:
            place.g = place.near // 8
            return place.b
        q = self.residual(place)
        require(-place.down <= q <= place.up, "a residual leaves the range of the samples")
        return place.finish(q)

    def residual(self, place: Place) -> int:
        high = self.symbol([self.models[key] for key in place.models])
        if high == 15:
            d = 0
            while d < 32 and self.bit(self.lengths[d]):
                d += 1
            high = (1 << d) + self.uniform(d) + 14
        n = (high << place.k) + self.uniform(place.k)
        both = min(place.down, place.up)
        one_sided = n > (2 * both if place.k else both)
        size = n - both if one_sided else (n + 1) // 2
        if place.k == 0:
            size = n
        if size == 0:
            return 0
        if one_sided:
            negative = place.down > place.up
        elif place.k:
            negative = n % 2 == 1
        else:
            slot = self.signs[place.size, place.f, min(4, size)]
            negative = (self.bit(slot) == 1) == (place.fraction < 0)
        return -size if negative else size
