"""Latents of component planes in plain Python, in the order of docs/spectral_profile.md, section 4.

Written from the documents alone and as slow as it likes, so that two readings of them can be
compared.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from reference import adaptive
from reference.adaptive import Slot
from reference.latents import (
    Plane,
    adapt_weights,
    adapted_spread,
    at,
    decode_silent,
    decode_size,
    held,
    int32_latent,
    magnitude_class,
    predict,
    silent_slot,
    taps_within,
)
from reference.pack import Network
from reference.range_decoder import RangeDecoder

Array = npt.NDArray[Any]


def quarter(value: int, most: int) -> int:
    if value < 4:
        return 0
    octave = value.bit_length() - 1
    return min(4 * (octave - 2) + (value >> (octave - 2) & 3), most)


# 4.1 What a network brings ------------------------------------------------------------------------


@dataclass(frozen=True)
class Term:
    """A magnitude that tells how large a latent is."""

    c: int
    group: int
    age: int
    source: int  # "from"
    down: int
    across: int
    weight: int

    def is_valid(self, channels: int) -> bool:
        in_range = (
            0 <= self.c < channels
            and 0 <= self.group <= 2
            and 0 <= self.age <= 2
            and 0 <= self.source < channels
            and -1 <= self.down <= 1
            and -1 <= self.across <= 1
            and 1 <= self.weight <= 1024
        )
        if not in_range or self.age > 0 or self.source < self.c:
            return in_range
        decoded = ((0, -1), (-1, -1), (-1, 0), (-1, 1))
        return self.source == self.c and (self.down, self.across) in decoded


def terms_by_channel(network: Network) -> list[list[Term]]:
    """Terms of each channel; ValueError if one is not valid or there are too many."""
    assert network.surroundings is not None
    terms = [Term(*(int(v) for v in row)) for row in network.surroundings]
    found = [[term for term in terms if term.c == c] for c in range(network.channels)]
    if not all(term.is_valid(network.channels) for term in terms) or max(map(len, found)) > 32:
        raise ValueError("terms")
    return found


def context_sizes(channels: int) -> list[int]:
    """4.6."""
    return [48 * channels, 4096, 768, 576]


#: Decisions that are told apart, 4.6.
DECISIONS = 10


class State:
    """Adaptive state of one chunk, at first that of the pack."""

    def __init__(self, network: Network) -> None:
        slots = [Slot(int(p), int(n)) for p, n in zip(*network.slots, strict=True)]
        self.contexts = []
        for size in context_sizes(network.channels):
            self.contexts.append(slots[: DECISIONS * size])
            del slots[: DECISIONS * size]
        self.quiet = slots[: 256 * network.channels]
        self.silent = slots[256 * network.channels :]
        assert len(self.silent) == 192
        mixers = [[int(w) for w in row] for row in network.mixers.reshape(-1, 5)]
        self.first, self.second = mixers[: 48 * DECISIONS], mixers[48 * DECISIONS :]
        assert len(self.second) == DECISIONS * network.channels
        self.intra = [int(w) for w in network.intra]
        self.spread = [64] * network.channels


# 4.3 Quantisers -----------------------------------------------------------------------------------

#: Turn after each turn: after an even level, and after an odd one.
TURNS = ((0, 2), (5, 7), (1, 3), (6, 4), (2, 0), (4, 6), (3, 1), (7, 5))


def half_steps(level: int, quantiser: int) -> int:
    """H(d, n)."""
    sign = (level > 0) - (level < 0)
    return 2 * level - quantiser * sign


# One chunk ----------------------------------------------------------------------------------------


class PlaneDecoder:
    """Decodes the planes of a chunk one after the other."""

    def __init__(
        self,
        decoder: RangeDecoder,
        network: Network,
        grid: tuple[int, int],
        *,
        take_turns: bool,
    ) -> None:
        self.decoder = decoder
        self.take_turns = take_turns
        self.turn = 0
        self.rows, self.columns = grid
        self.state = State(network)
        self.terms = terms_by_channel(network)
        self.sizes = context_sizes(network.channels)
        self.silent: list[int] = []  # by channel, of the plane before
        #: Errors by channel: of this plane, the one before, and the one before that.
        self.errors: list[list[Plane]] = []

    def zeros(self) -> Plane:
        return [[0] * self.columns for _ in range(self.rows)]

    def plane(self) -> Array:
        """Latents of the next plane, shape (channels, h, w)."""
        values: list[Plane] = []
        silent: list[int] = []
        self.errors = [[], *self.errors[:2]]
        for c in range(len(self.terms)):
            spread = self.state.spread[c]
            number = silent_slot(self.silent[c] if self.silent else 2, silent, spread)
            silent.append(decode_silent(self.decoder, self.state.silent[number]))
            values.append(self.zeros())
            self.errors[0].append(self.zeros())
            if silent[c]:  # 4.2
                self.state.spread[c] = spread - (spread >> 2)
            else:
                self.channel(c, values[c])
        self.silent = silent
        return np.array(values, np.int64).astype(np.int32)

    def channel(self, c: int, values: Plane) -> None:
        for y in range(self.rows):
            for x in range(self.columns):
                if c == 0:
                    self.predicted(y, x, values)
                else:
                    self.alone(c, y, x, values)

    def predicted(self, y: int, x: int, values: Plane) -> None:
        """4.4: a latent of channel 0."""
        weights, taps = self.state.intra, taps_within(values, y, x, unit=8)
        prediction = predict(weights, taps)
        level = self.level(0, 0, y, x)
        values[y][x] = int32_latent(2 * ((prediction + 8 >> 4) + level))
        self.errors[0][0][y][x] = 2 * level
        adapt_weights(weights, taps, held(8 * values[y][x] - prediction))

    def alone(self, c: int, y: int, x: int, values: Plane) -> None:
        """4.3, 4.4: one of another channel."""
        quantiser = self.turn & 1
        level = self.level(c, quantiser, y, x)
        values[y][x] = int32_latent(half_steps(level, quantiser))
        self.errors[0][c][y][x] = values[y][x]
        if self.take_turns:
            self.turn = TURNS[self.turn][abs(level) & 1]

    def expected(self, c: int, y: int, x: int) -> list[int]:
        """4.5: the sums N, F and A."""
        sums = [0, 0, 0]
        for term in self.terms[c]:
            if term.age < len(self.errors):
                error = at(self.errors[term.age][term.source], y + term.down, x + term.across)
                sums[term.group] += term.weight * min(4095, abs(error))
        return [v // 2 for v in sums]

    def level(self, c: int, quantiser: int, y: int, x: int) -> int:
        """What is coded of a latent."""
        sums = self.expected(c, y, x)
        expected = sum(sums)

        # 4.6
        size_class = quarter(expected, 47)
        spread = magnitude_class(self.state.spread[c] >> 2, 15)
        coarse = [magnitude_class(v >> 5, 15) for v in sums]
        fine = [magnitude_class(v >> 4, 23) for v in sums]
        base = [
            c * 48 + size_class,
            (coarse[0] * 16 + coarse[1]) * 16 + coarse[2],
            spread * 48 + size_class,
            fine[1] * 24 + fine[2],
        ]

        def decide(decision: int) -> int:
            slots = [
                table[decision * size + place]
                for table, size, place in zip(self.state.contexts, self.sizes, base, strict=True)
            ]
            first = self.state.first[decision * 48 + size_class]
            second = self.state.second[decision * len(self.terms) + c]
            return adaptive.decode_twice_mixed(self.decoder, slots, first, second)

        if expected < 8:
            slot = self.state.quiet[((c * 16 + spread) * 8 + expected) * 2 + quantiser]
            significant = adaptive.decode_lone(self.decoder, slot, 16, adaptive.LONE_LIMIT)
        else:
            significant = decide(8 if quantiser else 0)  # 4.7

        def more(ones: int) -> int:
            return decide(9 if quantiser and ones == 0 else min(7, 1 + ones))

        found = 0
        if significant:
            negative = self.decoder.uniform(1)
            low_bits = (max(expected, 256) >> 8).bit_length() - 1
            found = decode_size(self.decoder, more, low_bits)
            found = -found if negative else found
        self.state.spread[c] = adapted_spread(self.state.spread[c], abs(found))
        return found
