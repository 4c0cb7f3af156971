"""Corrections of a base in plain Python, in the order of docs/bounded_profile.md, from section 11.

Written from the documents alone and as slow as it likes, so that two readings of them can be
compared.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from reference import spectral
from reference.adaptive import LONE_LIMIT, Slot, decode_lone, decode_twice_mixed
from reference.band import Array, Tile, require
from reference.container import Reader, crc32c
from reference.latents import decode_size, magnitude_class
from reference.pack import Network
from reference.range_decoder import RangeDecoder, to_words

#: Neighbours in the band at hand, as (down, across): weight in `near`; bit k of p in this order.
NEAR = {(0, -1): 3, (-1, 0): 3, (-1, -1): 2, (-1, 1): 2, (0, -2): 1, (-2, 0): 1}
FOUR = ((0, -1), (0, 1), (-1, 0), (1, 0))


@dataclass
class Symbols:
    """What a payload says; corrections have the shape (bands, rows, columns)."""

    tolerance: int
    limits: list[int]
    base: spectral.Symbols
    corrections: Array
    checksum: int

    @property
    def valid(self) -> Array | None:
        return self.base.valid

    @property
    def network(self) -> int:
        return self.base.network


# 11 Payload ---------------------------------------------------------------------------------------


@dataclass
class Header:
    tolerance: int
    limits: list[int]
    base: bytes


def decode_header(reader: Reader, tile: Tile) -> Header:
    require(reader.varint() == 1, "way")
    tolerance = reader.varint()
    require(tolerance < 2**31, "tolerance")
    count = reader.varint()
    require(count in (1, tile.bands), "error limits")
    limits = [reader.varint() for _ in range(count)]
    require(max(limits) < 2**31, "error limit")
    require(tolerance <= 2 * min(limits), "no step")
    if count == 1:
        limits *= tile.bands
    return Header(tolerance, limits, reader.take(reader.varint()))


def decode(payload: bytes, networks: Sequence[Network], tile: Tile) -> Symbols:
    reader = Reader(payload)
    header = decode_header(reader, tile)
    require(spectral.tiles_back(header.base) == 0, "a base that borrows")
    base = spectral.decode(header.base, networks, tile)
    corrections, checksum = decode_corrections(reader, tile, base.valid, base.checksum)
    return Symbols(header.tolerance, header.limits, base, corrections, checksum)


def decode_corrections(
    reader: Reader, tile: Tile, valid: Array | None, checksum: int
) -> tuple[Array, int]:
    """What follows the base."""
    there = np.ones((tile.bands, tile.rows, tile.columns), bool) if valid is None else valid == 1
    message = Message(RangeDecoder(to_words(reader.take(reader.left))), tile)
    found = np.zeros(there.shape, np.int64)
    data = b""
    for band in range(tile.bands):
        if there[band].any():
            found[band] = message.band(there[band])
            data += found[band].astype("<i4").tobytes()
    message.decoder.finish()
    return found, crc32c(data, checksum)


# 12 Message ---------------------------------------------------------------------------------------


def half_octaves(v: int) -> int:
    """class(v)."""
    return magnitude_class(v, 23)


class Plane:
    """Integers of the pixels of a tile, 0 outside."""

    def __init__(self, rows: int, columns: int) -> None:
        self.values = [[0] * columns for _ in range(rows)]

    def at(self, y: int, x: int) -> int:
        inside = 0 <= y < len(self.values) and 0 <= x < len(self.values[0])
        return self.values[y][x] if inside else 0

    def size(self, y: int, x: int) -> int:
        return min(abs(self.at(y, x)), 100)

    def sign(self, y: int, x: int) -> int:
        return (self.at(y, x) > 0) - (self.at(y, x) < 0)


def rare() -> Slot:
    """One that is marked by *."""
    return Slot(2048)


def weights() -> list[int]:
    return [19660] * 4 + [0]


class Message:
    """Slots and sets of weights are kept by the name of their table or list, and number."""

    def __init__(self, decoder: RangeDecoder, tile: Tile) -> None:
        self.decoder = decoder
        self.rows, self.columns = tile.rows, tile.columns
        self.history, self.rate = Plane(tile.rows, tile.columns), 0
        self.done: list[Plane] = []  # bands that are not all 0, latest first
        self.rare: defaultdict[tuple[str, int], Slot] = defaultdict(rare)
        self.even: defaultdict[tuple[str, int], Slot] = defaultdict(Slot)
        self.weights: defaultdict[tuple[str, int], list[int]] = defaultdict(weights)

    def alone(self, slot: Slot) -> int:
        return decode_lone(self.decoder, slot, 16, LONE_LIMIT)

    def band(self, there: Array) -> list[list[int]]:
        now = Plane(self.rows, self.columns)
        if not self.alone(self.even["band", 0]):
            return now.values
        for y in range(self.rows):
            for x in range(self.columns):
                if there[y, x]:
                    now.values[y][x] = self.correction(now, y, x)
        self.done = [now, *self.done[:1]]
        return now.values

    def correction(self, now: Plane, y: int, x: int) -> int:
        none = Plane(self.rows, self.columns)
        last, second = (*self.done, none, none)[:2]
        around = [now.size(y + down, x + across) for down, across in NEAR]
        b, c = last.size(y, x), second.size(y, x)
        s = sum(last.size(y + down, x + across) for down, across in FOUR)
        near = sum(w * a for w, a in zip(NEAR.values(), around, strict=True))
        before = 4 * b + 2 * c + s
        p = sum((a > 0) << k for k, a in enumerate([*around, b, c])) + 256 * min(3, s)
        r = half_octaves(self.rate >> 4)
        h = self.history.at(y, x)
        nearby = sum(self.history.at(y + down, x + across) for down, across in FOUR)
        n = half_octaves(near)
        if near + before == 0 and h + nearby < 16:
            found = self.alone(self.rare["quiet", r])
        else:
            found = self.mixed(
                [
                    self.rare["zero 0", 24 * n + half_octaves(before)],
                    self.rare["zero 1", 24 * half_octaves(h >> 3) + r],
                    self.rare["zero 2", p],
                    self.rare[
                        "zero 3", 24 * half_octaves(nearby >> 4) + half_octaves(near + before)
                    ],
                ],
                ("zero rate", r),
                ("zero near", n),
            )
        value = 0
        if found:
            number = 9 * (now.sign(y, x - 1) + 1) + 3 * (now.sign(y - 1, x) + 1)
            negative = self.alone(self.even["sign", number + last.sign(y, x) + 1])

            def more(ones: int) -> int:
                return self.mixed(
                    [
                        self.rare["size 0", 15 * n + ones],
                        self.rare["size 1", 15 * half_octaves(h >> 3) + ones],
                        self.rare["size 2", 15 * half_octaves(before) + ones],
                        self.rare["size 3", ones],
                    ],
                    ("size near", n),
                    ("size ones", ones),
                )

            value = decode_size(self.decoder, more, 0)
            require(value < 2**30, "a correction")
            value = -value if negative else value
        a = min(abs(value), 100)
        self.history.values[y][x] = h + (2**11 * min(a, 8) - h >> 4)
        self.rate += 2**13 * min(a, 4) - self.rate >> 8
        return value

    def mixed(self, slots: list[Slot], first: tuple[str, int], second: tuple[str, int]) -> int:
        return decode_twice_mixed(self.decoder, slots, self.weights[first], self.weights[second])


# 13 Samples ---------------------------------------------------------------------------------------


def values(network: Network, tile: Tile, symbols: Symbols) -> Array:
    """Whole numbers, shape (bands, rows, columns)."""
    rounded = np.rint(spectral.values(network, tile, symbols.base))
    steps = 2 * np.array(symbols.limits) + 1 - symbols.tolerance
    moved: Array = np.nan_to_num(rounded) + symbols.corrections * steps[:, None, None]
    return moved
