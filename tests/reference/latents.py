"""Latents in plain Python, in the order of docs/band_profile.md, section 4.

Written from the document alone and as slow as it likes, so that two readings of the document can be
compared.
"""

from __future__ import annotations

from collections.abc import Callable
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


def context_sizes(channels: int) -> list[int]:
    return [256, 16 * channels, 320, 512, 200, 512, 256]


class State:
    """Adaptive state of one chunk, at first that of the pack."""

    def __init__(self, network: Network) -> None:
        slots = [Slot(int(p), int(n)) for p, n in zip(*network.slots, strict=True)]
        self.contexts = []
        for size in context_sizes(network.channels):
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


# 4.2 Silent planes --------------------------------------------------------------------------------


def silent_slot(before: int, silent: list[int], spread: int) -> int:
    """Number of the slot, from which of the channels before are silent."""
    left, left2 = (silent[-k] if len(silent) >= k else 1 for k in (1, 2))
    return ((before * 2 + left) * 2 + left2) * 16 + magnitude_class(spread >> 1, 15)


def decode_silent(decoder: RangeDecoder, slot: Slot) -> int:
    return adaptive.decode_lone(decoder, slot, 64, adaptive.MIXED_LIMIT)


# 4.3, 4.4 Linear prediction -----------------------------------------------------------------------


def taps_within(plane: Plane, y: int, x: int, unit: int = 16) -> list[int]:
    """4.3: those of band 0; ``unit`` is what a latent counts in sixteenths."""
    return [held(unit * at(plane, *place)) for place in ((y, x - 1), (y - 1, x), (y - 1, x - 1))]


def predict(weights: list[int], taps: list[int]) -> int:
    """4.3: in sixteenths."""
    return held(sum(w * t for w, t in zip(weights, taps, strict=True)) + 32768 >> 16)


def adapt_weights(weights: list[int], taps: list[int], miss: int) -> None:
    """4.4."""
    energy = 64 + sum(t * t for t in taps)
    shift = energy.bit_length() - 1
    if shift >= 7 and energy >> (shift - 7) > 181:
        shift += 1
    for k, tap in enumerate(taps):
        weight = weights[k] + (1966 * miss * tap >> shift)
        weights[k] = min(max(weight, -(2**20)), 2**20)


def adapted_spread(spread: int, size: int) -> int:
    """4.4."""
    return spread + (64 * min(size, 100) - spread >> 4)


# 4.6 Numbers --------------------------------------------------------------------------------------


def int32_latent(value: int) -> int:
    if not -(2**31) <= value < 2**31:
        raise MessageError("a latent that is not an int32")
    return value


def raw(decoder: RangeDecoder, bits: int) -> int:
    """Up to 32 equally likely bits, sixteen at a time."""
    value = 0
    while bits > 16:
        value = value << 16 | decoder.uniform(16)
        bits -= 16
    return value << bits | decoder.uniform(bits)


def decode_size(decoder: RangeDecoder, more: Callable[[int], int], low_bits: int) -> int:
    """Steps 3 to 5; ``more`` decodes a bit of the unary part after so many ones."""
    high = 0
    while high < 14 and more(high):
        high += 1
    if high == 14:
        length = decoder.uniform(6)
        if length > 32:
            raise MessageError("a latent that is not an int32")
        high += (1 << length) + raw(decoder, length) - 1
    return (high << low_bits) + raw(decoder, low_bits) + 1


# One chunk ----------------------------------------------------------------------------------------


class LatentDecoder:
    """Decodes the active bands of a chunk one after the other."""

    def __init__(self, decoder: RangeDecoder, network: Network, grid: tuple[int, int]) -> None:
        self.decoder = decoder
        self.network = network
        self.rows, self.columns = grid
        self.state = State(network)
        self.sizes = context_sizes(network.channels)
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
        before = self.past[0].silent[c] if self.past else 2
        number = silent_slot(before, band.silent, self.state.spread[c])
        return decode_silent(self.decoder, self.state.silent[number])


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
            return taps_within(q, y, x)
        west = held(16 * q[y][x - 1] - self.reference(0, y, x - 1)) if x > 0 else 0
        north = held(16 * q[y - 1][x] - self.reference(0, y - 1, x)) if y > 0 else 0
        return [*(self.reference(age, y, x) for age in range(3)), west, north]

    def position(self, y: int, x: int) -> None:
        taps = self.taps(y, x)
        prediction = predict(self.weights, taps)
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
        if near == behind == centre == 0 and lean <= 3:
            number = ((self.c * 16 + spread) * 4 + lean) * 8 + min(active, 7)
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
            if significant is None:
                significant = self.decide(0, base, mixer)
            if significant:
                left = self.value(base, mixer)

        self.values[y][x] = int32_latent(centre + sign * left)
        self.errors[y][x] = held(sign * left)
        self.adapt(y, x, taps, prediction, abs(left))

    def adapt(self, y: int, x: int, taps: list[int], prediction: int, size: int) -> None:
        """4.4."""
        active = self.activity[y][x] + 4 * min(size, 20)
        self.activity[y][x] = active - (active >> 3)
        self.state.spread[self.c] = adapted_spread(self.state.spread[self.c], size)
        adapt_weights(self.weights, taps, held(16 * self.values[y][x] - prediction))

    def decide(self, decision: int, base: list[int], mixer: int) -> int:
        """4.5: a bit of the mixed models."""
        slots = [
            table[decision * size + place]
            for table, size, place in zip(self.state.contexts, self.chunk.sizes, base, strict=True)
        ]
        weights = self.state.mixers[decision * 16 + mixer]
        return adaptive.decode_mixed(self.chunk.decoder, slots, weights)

    def value(self, base: list[int], mixer: int) -> int:
        """4.6: one that is not zero."""
        negative = self.decide(1, base, mixer)
        octaves = max(1, self.state.spread[self.c] // 64).bit_length() - 1

        def more(ones: int) -> int:
            return self.decide(min(7, 2 + ones), base, mixer)

        size = decode_size(self.chunk.decoder, more, max(0, octaves - 2))
        return -size if negative else size
