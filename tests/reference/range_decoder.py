"""The entropy decoder in plain Python, in the order of docs/entropy_coder.md.

Written from the document alone and as slow as it likes, so that two readings of the document can be
compared.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from itertools import accumulate

import numpy as np
import numpy.typing as npt


class MessageError(ValueError):
    """Words or bytes that break a MUST of the document."""


def require(holds: bool, text: str) -> None:
    if not holds:
        raise MessageError(text)


# 1 Range coder ------------------------------------------------------------------------------------

MASK = 2**64 - 1


def top(x: int) -> int:
    return x >> 32


class RangeDecoder:
    """1.4: decodes one message."""

    def __init__(self, words: Sequence[int]) -> None:
        self.words = words
        self.read = 0
        self.symbols = 0
        self.range = MASK
        self.offset = self.next_word() << 32
        self.offset += self.next_word()

    def next_word(self) -> int:
        self.read += 1
        return self.words[self.read - 1] if self.read <= len(self.words) else 0

    def quantile(self) -> int:
        """Where in [0, 2^24) the message points."""
        require(self.read <= len(self.words) + 1, "the message ends too early")
        quantile = self.offset // (self.range >> 24)
        require(quantile < 2**24, "the message points to no symbol")
        return quantile

    def consume(self, start: int, freq: int) -> None:
        """Step over the symbol that owns [start, start + freq) of [0, 2^24)."""
        scale = self.range >> 24
        self.symbols += 1
        self.offset -= scale * start
        self.range = scale * freq
        if self.range < 2**32:
            self.offset = (self.offset << 32) + self.next_word()
            self.range <<= 32

    def uniform(self, bits: int) -> int:
        """1.5: a number of 0 to 16 equally likely bits."""
        if bits == 0:
            return 0
        freq = 1 << (24 - bits)
        value = self.quantile() // freq
        self.consume(value * freq, freq)
        return value

    def finish(self) -> None:
        """1.4, after the last symbol."""
        count = len(self.words)
        if self.symbols == 0:
            require(count == 0, "words without symbols")
            return
        require(count in (self.read, self.read - 1), "the message is too long or too short")
        require(self.offset < 2**32, "the message is not sealed")
        zero_word = count == self.read
        require(not zero_word or self.words[-1] == 0, "the message goes on after the last symbol")
        lower = ((self.words[self.read - 2] << 32) - self.offset) & MASK
        point = (lower + 2**32 - 1) & MASK
        require(
            zero_word == (top((lower + self.range) & MASK) == top(point)), "a wrong number of words"
        )


# 2 Tables -----------------------------------------------------------------------------------------


class Table:
    """Shares of successive integers, the escape symbol last."""

    def __init__(self, first: int, freq: Sequence[int]) -> None:
        require(len(freq) >= 2 and min(freq) >= 1 and sum(freq) == 65536, "not a table")
        self.first = first
        self.freq = freq
        require(first >= -(2**31) and self.last < 2**31, "not a table of int32")
        self.start = [0, *accumulate(freq)]

    @property
    def last(self) -> int:
        return self.first + len(self.freq) - 2


# 3 Symbols ----------------------------------------------------------------------------------------


def decode_symbol(decoder: RangeDecoder, table: Table) -> int:
    entry = bisect_right(table.start, decoder.quantile() >> 8) - 1
    decoder.consume(table.start[entry] << 8, table.freq[entry] << 8)
    if entry < len(table.freq) - 1:
        return table.first + entry
    above = decoder.uniform(1)
    k = decoder.uniform(5)
    low = decoder.uniform(k - 16) << 16 if k > 16 else 0
    low += decoder.uniform(min(k, 16))
    distance = (1 << k) + low
    value = table.last + distance if above else table.first - distance
    require(-(2**31) <= value < 2**31, "an escaped value that is not an int32")
    return value


# 4 Masks ------------------------------------------------------------------------------------------


def to_words(data: bytes) -> list[int]:
    """4.1: each word as four bytes, the least significant one first."""
    require(len(data) % 4 == 0, "not whole words")
    return [int.from_bytes(data[k : k + 4], "little") for k in range(0, len(data), 4)]


def decode_masks(data: bytes, count: int, rows: int, columns: int) -> npt.NDArray[np.uint8]:
    """Return planes of shape (count, rows, columns), 1 for valid."""
    decoder = RangeDecoder(to_words(data))
    models: dict[int, tuple[int, int]] = {}
    # A margin of valid pixels on all sides: what lies outside the plane counts as valid.
    before = np.ones((rows + 4, columns + 4), np.uint8)
    planes = np.empty((count, rows, columns), np.uint8)
    for number in range(count):
        plane = np.ones_like(before)
        inside = plane[2 : 2 + rows, 2 : 2 + columns]
        match decoder.uniform(2):
            case 0:
                plane = before
            case 1:
                pass
            case 2:
                inside[:] = 0
            case _:
                decode_pixels(decoder, models, plane, before, rows, columns)
        planes[number] = plane[2 : 2 + rows, 2 : 2 + columns]
        before = plane
    decoder.finish()
    return planes


def decode_pixels(
    decoder: RangeDecoder,
    models: dict[int, tuple[int, int]],
    plane: npt.NDArray[np.uint8],
    before: npt.NDArray[np.uint8],
    rows: int,
    columns: int,
) -> None:
    """4.3 and 4.4; both planes have a margin of two pixels."""
    for y in range(2, rows + 2):
        for x in range(2, columns + 2):
            known = [
                *plane[y - 2, x - 1 : x + 2],
                *plane[y - 1, x - 2 : x + 3],
                *plane[y, x - 2 : x],
                *before[y, x : x + 2],
                before[y + 1, x],
            ]
            model = int("".join(str(bit) for bit in known), 2)
            f, n = models.get(model, (2**23, 0))
            valid = decoder.quantile() < f
            s = min(7, (n + 2).bit_length() - 1)
            if valid:
                decoder.consume(0, f)
                f += (2**24 - f) >> s
            else:
                decoder.consume(f, 2**24 - f)
                f -= f >> s
            models[model] = f, n + 1
            plane[y, x] = valid
