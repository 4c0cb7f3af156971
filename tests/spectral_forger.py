"""Messages of the spectral profile that say anything: an encoder that knows no limits.

It steers the plain Python decoder: where that would decode a bit, the wanted one is coded with the
interval that the decoder knows for it. Only tables of one row that are cheap to steer are made.
"""

from __future__ import annotations

from collections.abc import Iterable

from reference.latents import LatentDecoder
from reference.spectral import side_network

#: Intervals out of 2^24: start and frequency.
Coded = list[tuple[int, int]]


def uniform(value: int, bits: int) -> Coded:
    """Section 1.5 of docs/entropy_coder.md."""
    return [(value << (24 - bits), 1 << (24 - bits))]


class Steered:
    """Stands in for a range decoder: decodes the given answers and notes their intervals."""

    def __init__(self, answers: Iterable[tuple[int, int]]) -> None:
        self.answers = iter(answers)
        self.coded: Coded = []
        self.next = 0

    def quantile(self) -> int:
        """A one owns the lowest interval, which is never empty nor everything."""
        bits, value = next(self.answers)
        assert bits == 1
        return 0 if value else 2**24 - 1

    def consume(self, start: int, freq: int) -> None:
        self.coded.append((start, freq))

    def uniform(self, bits: int) -> int:
        if bits == 0:
            return 0
        wanted, value = next(self.answers)
        assert wanted == bits
        self.coded += uniform(value, bits)
        return value


def answers(*values: int) -> list[tuple[int, int]]:
    """Bits of a row of numbers: (number of bits, value).

    Section 4 of docs/band_profile.md; the first number may be any, the others equal it.
    """
    first = values[0]
    assert set(values) == {first}
    if first == 0:
        return [(1, 1)]  # a silent plane
    size = abs(first) - 1
    bits = [(1, 0), (1, 1), (1, int(first < 0))]
    bits += [(1, 1)] * min(size, 14) + [(1, 0)] * (size < 14)
    if size >= 14:
        length = (size - 13).bit_length() - 1
        rest = size - 13 - (1 << length)
        bits.append((6, length))
        for shift in range(length, 0, -16):
            part = 16 if shift > 16 else shift
            bits.append((part, rest >> (shift - part) & (1 << part) - 1))
    return bits + [(1, 0)] * (len(values) - 1)


def numbers(*values: int) -> Coded:
    """A table of one row."""
    steered = Steered(answers(*values))
    decoder = LatentDecoder(steered, side_network(), (1, len(values)))  # type: ignore[arg-type]
    try:
        assert decoder.band(0).ravel().tolist() == list(values)
    except ValueError:  # beyond int32
        assert max(map(abs, values)) >= 2**31
    assert next(steered.answers, None) is None
    return steered.coded


def message(tables: Iterable[Coded]) -> bytes:
    """Sections 1.2 and 1.3 of docs/entropy_coder.md."""
    lower, size, number, count = 0, 2**64 - 1, 0, 0  # all words as one number
    for start, freq in (interval for table in tables for interval in table):
        scale = size >> 24
        lower += scale * start
        number, lower = number + (lower >> 64), lower % 2**64
        size = scale * freq
        if size < 2**32:
            number, lower, count = (number << 32) + (lower >> 32), (lower << 32) % 2**64, count + 1
            size <<= 32
    point = lower + 2**32 - 1
    number += point >> 64
    top = point % 2**64 >> 32
    number, count = (number << 32) + top, count + 1
    if (lower + size) % 2**64 >> 32 == top:
        number, count = number << 32, count + 1
    words = [number >> (32 * k) & 0xFFFFFFFF for k in reversed(range(count))]
    return b"".join(word.to_bytes(4, "little") for word in words)
