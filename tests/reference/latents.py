"""Latents in plain Python, in the order of docs/band_profile.md, section 4.

Written from the document alone and as slow as it likes, so that two readings of the document can be
compared.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from reference import adaptive
from reference.adaptive import Slot
from reference.pack import Network
from reference.range_decoder import MessageError, RangeDecoder

Array = npt.NDArray[Any]
Plane = list[list[int]]

# 4.1 State and ratios -----------------------------------------------------------------------------


def context_sizes(channels: int, planes: bool) -> list[int]:
    if planes:
        return [512, 16 * channels, 256, 512, 200, 512, 512]
    return [256, 16 * channels, 320, 512, 200, 512, 256]


class State:
    """Adaptive state of one chunk, at first that of the pack."""

    def __init__(self, network: Network) -> None:
        slots = [Slot(int(p), int(n)) for p, n in zip(*network.slots, strict=True)]
        self.contexts = []
        for size in context_sizes(network.channels, network.surroundings is not None):
            self.contexts.append(slots[: 8 * size])
            del slots[: 8 * size]
        self.quiet = slots[: 512 * network.channels]
        self.silent = slots[512 * network.channels :]
        assert len(self.silent) == 192
        self.mixers = [[int(w) for w in row] for row in network.mixers.reshape(128, 8)]
        intra = network.intra.reshape(network.channels, 3)
        self.intra = [[int(w) for w in row] for row in intra]
        self.temporal = [[45875, 13107, 6554, 0, 0] for _ in range(network.channels)]
        self.spread = [64] * network.channels


def power(k: int) -> int:
    """65536 * 2^(k / 256), rounded: the largest n with (2 n - 1)^256 <= 2^(17 * 256 + k)."""
    low, high = 65536, 131072
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if (2 * middle - 1) ** 256 <= 2 ** (4352 + k) else (low, middle)
    return low


POWERS = [power(k) for k in range(256)]


def ratio(code: int) -> int:
    code = min(max(code, -3072), 3072)
    octaves = code // 256
    return POWERS[code % 256] << octaves if octaves >= 0 else POWERS[code % 256] >> -octaves


def held(value: int) -> int:
    return min(max(value, -(2**24)), 2**24)


def magnitude_class(value: int, most: int) -> int:
    if value == 0:
        return 0
    octave = value.bit_length() - 1
    half = value >> (octave - 1) & 1 if octave > 0 else 0
    return min(2 * octave + half + 1, most)


@dataclass
class Band:
    """A decoded band: level, integers and errors by channel, and which channels are silent."""

    level: int
    values: list[Plane]
    errors: list[Plane]
    silent: list[int]


def at(plane: Plane, y: int, x: int) -> int:
    """An entry, 0 outside."""
    return plane[y][x] if 0 <= y < len(plane) and 0 <= x < len(plane[0]) else 0


# One chunk ----------------------------------------------------------------------------------------


class LatentDecoder:
    """Decodes the active bands of a chunk one after the other."""

    def __init__(self, decoder: RangeDecoder, network: Network, grid: tuple[int, int]) -> None:
        self.decoder = decoder
        self.network = network
        self.rows, self.columns = grid
        self.state = State(network)
        self.sizes = context_sizes(network.channels, network.surroundings is not None)
        self.past: list[Band] = []  # latest first, three at most

    def zeros(self) -> Plane:
        return [[0] * self.columns for _ in range(self.rows)]

    def band(self, level: int) -> Array:
        """Latents of the next band, shape (channels, h, w)."""
        band = Band(level, [], [], [])
        activity = self.zeros()
        for c in range(self.network.channels):
            silent = self.silent(c, band)
            band.silent.append(silent)
            band.values.append(self.zeros())
            band.errors.append(self.zeros())
            if silent:
                for row in activity:
                    row[:] = [a - (a >> 3) for a in row]
                self.state.spread[c] -= self.state.spread[c] >> 2
            else:
                Channel(self, c, band, activity).decode()
        self.past = [band, *self.past[:2]]
        return np.array(band.values, np.int64).astype(np.int32)

    def silent(self, c: int, band: Band) -> int:
        """4.2."""
        before = self.past[0].silent[c] if self.past else 2
        left = band.silent[c - 1] if c >= 1 else 1
        left2 = band.silent[c - 2] if c >= 2 else 1
        spread = magnitude_class(self.state.spread[c] >> 1, 15)
        slot = self.state.silent[((before * 2 + left) * 2 + left2) * 16 + spread]
        return adaptive.decode_lone(self.decoder, slot, 64, adaptive.MIXED_LIMIT)


class Channel:
    """One channel of one band."""

    def __init__(self, chunk: LatentDecoder, c: int, band: Band, activity: Plane) -> None:
        self.chunk = chunk
        self.state = chunk.state
        self.c = c
        self.values, self.errors = band.values[c], band.errors[c]
        self.activity = activity
        self.first = not chunk.past
        self.weights = (self.state.intra if self.first else self.state.temporal)[c]
        self.before: list[tuple[Plane, int]] = []
        for age in range(3 if chunk.past else 0):
            past = chunk.past[min(age, len(chunk.past) - 1)]
            gains = chunk.network.gain
            apart = int(gains[band.level][c]) - int(gains[past.level][c])
            self.before.append((past.values[c], ratio(apart)))
        self.last_errors = chunk.past[0].errors[c] if chunk.past else chunk.zeros()
        self.surroundings: Surroundings | None = None
        if chunk.network.surroundings is not None:
            self.surroundings = Surroundings(chunk, c, band)

    def decode(self) -> None:
        for y in range(self.chunk.rows):
            for x in range(self.chunk.columns):
                self.position(y, x)

    def reference(self, age: int, y: int, x: int) -> int:
        plane, factor = self.before[age]
        return held(plane[y][x] * factor >> 12)

    def taps(self, y: int, x: int) -> list[int]:
        """4.3: what the prediction is a weighted sum of."""
        q = self.values
        if self.first:
            return [held(16 * at(q, *place)) for place in ((y, x - 1), (y - 1, x), (y - 1, x - 1))]
        west = held(16 * q[y][x - 1] - self.reference(0, y, x - 1)) if x > 0 else 0
        north = held(16 * q[y - 1][x] - self.reference(0, y - 1, x)) if y > 0 else 0
        return [*(self.reference(age, y, x) for age in range(3)), west, north]

    def position(self, y: int, x: int) -> None:
        taps = self.taps(y, x)
        total = sum(w * t for w, t in zip(self.weights, taps, strict=True))
        prediction = held(total + 32768 >> 16)
        centre = prediction + 8 >> 4
        fraction = prediction - 16 * centre
        second = 0 if self.first else taps[1]
        flip = fraction < 0 or (fraction == 0 and not self.first and taps[1] < taps[0])
        sign, lean = (-1, -fraction) if flip else (1, fraction)

        # 4.5
        e, e1 = self.errors, self.last_errors
        near = 2 * (abs(at(e, y, x - 1)) + abs(at(e, y - 1, x)))
        near += abs(at(e, y - 1, x - 1)) + abs(at(e, y - 1, x + 1))
        behind = 2 * abs(e1[y][x]) + abs(at(e1, y, x + 1)) + abs(at(e1, y + 1, x))
        spread = magnitude_class(self.state.spread[self.c] >> 2, 15)
        active = magnitude_class(self.activity[y][x], 15)
        left = 0
        significant = None
        expected = self.surroundings.expected(y, x) if self.surroundings else None
        alone = near == behind == 0 if expected is None else expected < 8
        if alone and centre == 0 and lean <= 3:
            rest = min(active, 7) if expected is None else expected
            number = ((self.c * 16 + spread) * 4 + lean) * 8 + rest
            slot = self.state.quiet[number]
            significant = adaptive.decode_lone(self.chunk.decoder, slot, 16, adaptive.LONE_LIMIT)
        if significant != 0:
            near, behind = magnitude_class(near, 7), magnitude_class(behind, 7)
            opinion = sum(
                sign * (second - 16 * centre) >= edge for edge in (-24, -12, -4, 5, 13, 25)
            )
            size, half = min(3, abs(centre)), int(lean > 3)

            def small(error: int) -> int:
                return min(max(sign * error, -2), 2) + 2

            west, north = small(at(e, y, x - 1)), small(at(e, y - 1, x))
            base = [
                lean * 16 + near + 8 * self.first,
                self.c * 16 + spread,
                (small(e1[y][x]) * 8 + behind) * 8 + near,
                ((size * 8 + opinion) * 8 + behind) * 2 + half,
                (west * 5 + north) * 8 + spread // 2,
                (active * 8 + behind) * 4 + size,
                spread * 16 + behind + 8 * half,
            ]
            mixer = spread // 2 * 2 + self.first
            octaves = max(1, self.state.spread[self.c] // 64).bit_length() - 1
            low_bits = max(0, octaves - 2)
            if expected is not None:
                size_class = magnitude_class(expected >> 4, 31)
                base[0] = lean * 32 + size_class
                base[2] = size_class * 8 + near
                base[5] = size_class * 16 + active
                base[6] = spread * 32 + size_class
                mixer = size_class >> 1
                low_bits = max(1, expected >> 8).bit_length() - 1
            if significant is None:
                significant = self.decide(0, base, mixer)
            if significant:
                left = self.magnitude(base, mixer, low_bits)

        found = centre + sign * left
        if not -(2**31) <= found < 2**31:
            raise MessageError("a latent that is not an int32")
        self.values[y][x] = found
        self.errors[y][x] = held(sign * left)
        self.adapt(y, x, taps, prediction, abs(left))

    def adapt(self, y: int, x: int, taps: list[int], prediction: int, size: int) -> None:
        """4.4."""
        active = self.activity[y][x] + 4 * min(size, 20)
        self.activity[y][x] = active - (active >> 3)
        spread = self.state.spread[self.c]
        self.state.spread[self.c] = spread + (64 * min(size, 100) - spread >> 4)
        energy = 64 + sum(t * t for t in taps)
        miss = held(16 * self.values[y][x] - prediction)
        shift = energy.bit_length() - 1
        if shift >= 7 and energy >> (shift - 7) > 181:
            shift += 1
        for k, tap in enumerate(taps):
            weight = self.weights[k] + (1966 * miss * tap >> shift)
            self.weights[k] = min(max(weight, -(2**20)), 2**20)

    def decide(self, decision: int, base: list[int], mixer: int) -> int:
        """4.5: a bit of the mixed models."""
        slots = [
            table[decision * size + place]
            for table, size, place in zip(self.state.contexts, self.chunk.sizes, base, strict=True)
        ]
        weights = self.state.mixers[decision * 16 + mixer]
        return adaptive.decode_mixed(self.chunk.decoder, slots, weights)

    def magnitude(self, base: list[int], mixer: int, low_bits: int) -> int:
        """4.6: a value that is not zero."""
        negative = self.decide(1, base, mixer)
        high = 0
        while high < 14 and self.decide(min(7, 2 + high), base, mixer):
            high += 1
        if high == 14:
            length = self.chunk.decoder.uniform(6)
            if length > 32:
                raise MessageError("a latent that is not an int32")
            high += (1 << length) + self.raw(length) - 1
        size = (high << low_bits) + self.raw(low_bits) + 1
        return -size if negative else size

    def raw(self, bits: int) -> int:
        """4.6: up to 32 equally likely bits, sixteen at a time."""
        value = 0
        while bits > 16:
            value = value << 16 | self.chunk.decoder.uniform(16)
            bits -= 16
        return value << bits | self.chunk.decoder.uniform(bits)


# 4.7 Component planes -----------------------------------------------------------------------------


class Surroundings:
    """How large the errors of one channel of one plane are expected to be."""

    def __init__(self, chunk: LatentDecoder, c: int, band: Band) -> None:
        assert chunk.network.surroundings is not None
        row = [int(v) for v in chunk.network.surroundings[c]]
        before = [past.errors[c] for past in chunk.past[:2]]
        #: Errors of the same place, with their weights.
        self.planes = [
            (band.errors[k], w) for k, w in zip(row[:5], row[5:10], strict=True) if k >= 0
        ]
        self.planes += list(zip(before, row[13:], strict=False))
        self.own = band.errors[c]
        self.west, self.north, self.diagonal = row[10:13]

    def expected(self, y: int, x: int) -> int:
        def size(plane: Plane, y: int, x: int) -> int:
            return min(abs(at(plane, y, x)), 4095)

        total = sum(weight * size(plane, y, x) for plane, weight in self.planes)
        total += self.west * size(self.own, y, x - 1) + self.north * size(self.own, y - 1, x)
        both = size(self.own, y - 1, x - 1) + size(self.own, y - 1, x + 1)
        return total + self.diagonal * both
