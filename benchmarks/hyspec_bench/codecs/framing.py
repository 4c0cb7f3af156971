"""Numbers and parts in a row of bytes: what rivals need beside their codestreams, kept small."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from hyspec.errors import StreamError


def number(value: int) -> bytes:
    """Unsigned integer in groups of seven bits, the lowest first (LEB128)."""
    groups = bytearray()
    while value >= 0x80:
        groups.append(value & 0x7F | 0x80)
        value >>= 7
    groups.append(value)
    return bytes(groups)


def signed(value: int) -> bytes:
    """Signed integer as the unsigned one 2 v, or -2 v - 1 where it is negative."""
    return number(2 * value if value >= 0 else -2 * value - 1)


def numbers(values: Iterable[int]) -> bytes:
    """Several unsigned integers."""
    return b"".join(map(number, values))


def parts(pieces: Iterable[bytes]) -> bytes:
    """Return pieces in a row, each after its length."""
    return b"".join(number(len(piece)) + piece for piece in pieces)


class Reader:
    """Reads what the functions of this module wrote.

    Raises
    ------
    StreamError
        By every method: the bytes end too early.
    """

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._position = 0

    def number(self) -> int:
        """Return the next unsigned integer."""
        value = shift = 0
        while True:
            group = self.take(1)[0]
            value |= (group & 0x7F) << shift
            shift += 7
            if group < 0x80:
                return value

    def signed(self) -> int:
        """Return the next signed integer."""
        value = self.number()
        return value // 2 if value % 2 == 0 else -(value + 1) // 2

    def take(self, size: int) -> bytes:
        """Return the next ``size`` bytes."""
        piece = self._data[self._position : self._position + size]
        if len(piece) < size:
            raise StreamError(
                f"found {len(piece)} bytes; expected {size} more", offset=self._position
            )
        self._position += size
        return piece

    def part(self) -> bytes:
        """Return the next piece of `parts`."""
        return self.take(self.number())

    def rest(self) -> bytes:
        """Return all bytes that are left."""
        return self.take(len(self._data) - self._position)

    def parts(self) -> Iterator[bytes]:
        """Pieces up to the end."""
        while self._position < len(self._data):
            yield self.part()
