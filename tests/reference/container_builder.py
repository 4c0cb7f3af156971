"""Streams put together byte by byte, valid or not, as docs/container_format.md describes them."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Sequence

from reference.container import MARKER, SIGNATURE, crc32c, preamble_checksum


def varint(value: int) -> bytes:
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*out, value])


def zigzag(value: int) -> int:
    return 2 * value if value >= 0 else -2 * value - 1


def svarints(values: Iterable[int]) -> bytes:
    return b"".join(varint(zigzag(v)) for v in values)


def u32(value: int) -> bytes:
    return value.to_bytes(4, "little")


def f64(value: float) -> bytes:
    return struct.pack("<d", value)


def field(tag: int, content: bytes) -> bytes:
    return varint(tag) + varint(len(content)) + content


def body(fields: dict[int, bytes]) -> bytes:
    return b"".join(field(tag, fields[tag]) for tag in sorted(fields))


def preamble(content: bytes, *, major: int = 1, minor: int = 0) -> bytes:
    start = bytes([major, minor]) + u32(len(content))
    return SIGNATURE + start + u32(crc32c(start + content)) + content


def required(
    shape: Sequence[int],
    tiling: Sequence[int],
    intervals: Sequence[tuple[int, int]],
    *,
    sample_type: bytes = b"\2",
    profile: tuple[int, int] = (1, 1),
) -> dict[int, bytes]:
    """The fields that every stream has, uint16 unless told otherwise."""
    return {
        1: b"".join(map(varint, shape)),
        3: sample_type,
        5: b"".join(map(varint, tiling)),
        7: bytes(profile),
        11: varint(len(intervals)) + b"".join(varint(b) + varint(m) for b, m in intervals),
    }


def chunk(
    start: bytes,
    content: bytes,
    *,
    kind: int = 1,
    tile: int = 0,
    interval: int = 0,
    rows: int = 0,
    symbols_crc: int = 0,
    length: int | None = None,
) -> bytes:
    """A chunk of the stream that begins with the preamble ``start``."""
    numbers = (tile, interval, rows, len(content) if length is None else length)
    head = MARKER + bytes([kind]) + b"".join(map(varint, numbers))
    head += u32(crc32c(content)) + u32(symbols_crc)
    return head + u32(crc32c(head, preamble_checksum(start))) + content


def entry(step: int, length: int) -> bytes:
    """An index entry of a chunk of kind 1, ``step`` positions from the expected one."""
    return varint(zigzag(step) + 1) + varint(length)


def other_entry(kind: int, length: int) -> bytes:
    return bytes([0, kind]) + varint(length)


def index(start: bytes, rows: int, entries: Sequence[bytes], count: int | None = None) -> bytes:
    """Index chunk and trailer."""
    content = varint(rows) + varint(len(entries) if count is None else count) + b"".join(entries)
    whole = chunk(start, content, kind=2)
    return whole + u32(len(whole)) + b"HYE\n"
