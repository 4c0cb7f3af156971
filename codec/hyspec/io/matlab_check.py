"""Structure check of MATLAB files of version 5, before SciPy sees them.

SciPy's reader uses type codes as indices without a bound and expects an imaginary part where a
flag announces one, so that one wrong byte in an uncompressed file can end the process.
Compressed variables carry a checksum of their own, which SciPy checks.

Source: MATLAB MAT-File Format (The MathWorks), chapter 1, "Level 5 MAT-File Format".
"""

from __future__ import annotations

import mmap
import struct
from pathlib import Path

_HEADER_BYTES = 128
_MATRIX, _COMPRESSED = 14, 15
#: Data types that an array element may consist of: numbers, texts, and arrays in arrays.
_PARTS = frozenset({1, 2, 3, 4, 5, 6, 7, 9, 12, 13, _MATRIX, 16, 17, 18})
_NUMBERS = frozenset({1, 2, 3, 4, 5, 6, 7, 9, 12, 13})
#: How many parts follow flags, dimensions and name, by array class: character (4) and numeric
#: arrays (6-15) have their values, sparse ones (5) row and column indices before them. The
#: complex flag adds one.
_VALUE_PARTS = {4: 1, 5: 3} | dict.fromkeys(range(6, 16), 1)
_COMPLEX_FLAG = 0x0800
_MAX_DEPTH = 32


def is_version_5(path: Path) -> bool:
    """Tell whether a file has the header of version 5; the only other kind here is version 4."""
    with path.open("rb") as file:
        start = file.read(_HEADER_BYTES)
    return start[126:128] in (b"IM", b"MI")


def check_structure(path: Path) -> None:
    """Check type and size of every data element that is not compressed.

    Raises
    ------
    ValueError
        An element has an unknown type or reaches beyond what holds it.
    """
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        order = "<" if data[126:128] == b"IM" else ">"
        tag = struct.Struct(order + "II")
        position, end = _HEADER_BYTES, len(data)
        while position < end:
            if end - position < tag.size:
                raise ValueError(f"{end - position} stray bytes at the end")
            kind, size = tag.unpack_from(data, position)
            start, position = position + tag.size, position + tag.size + size
            if kind not in (_MATRIX, _COMPRESSED) or position > end:
                raise ValueError(f"element of type {kind} and {size} bytes at byte {start}")
            if kind == _MATRIX:
                _check_parts(data, start, position, tag, 0)


def _check_parts(data: mmap.mmap, position: int, end: int, tag: struct.Struct, depth: int) -> None:
    """Check the elements of which an array between two bytes consists."""
    if depth > _MAX_DEPTH:
        raise ValueError(f"arrays within arrays deeper than {_MAX_DEPTH}")
    kinds: list[int] = []
    first = position
    while position < end:
        if end - position < tag.size:
            raise ValueError(f"element cut short at byte {position}")
        kind, size = tag.unpack_from(data, position)
        start, following = position + tag.size, position + tag.size + -(-size // 8) * 8
        if kind >> 16:  # small form: the size in the upper half, up to four bytes in the tag
            kind, size, following = kind & 0xFFFF, kind >> 16, start
            start = position + 4
        if kind not in _PARTS or start + size > min(end, following):
            raise ValueError(f"element of type {kind} and {size} bytes at byte {position}")
        if kind == _MATRIX:
            _check_parts(data, start, start + size, tag, depth + 1)
        kinds.append(kind)
        position = following
    if not kinds:
        return  # an empty array within another
    flags, _ = tag.unpack_from(data, first + tag.size)
    values = _VALUE_PARTS.get(flags & 0xFF)
    if values is None:
        return
    values += bool(flags & _COMPLEX_FLAG)
    numeric = flags & 0xFF == 4 or _NUMBERS.issuperset(kinds[3:])
    if kinds[:2] != [6, 5] or len(kinds) != 3 + values or not numeric:
        raise ValueError(f"array of class {flags & 0xFF} with parts of types {kinds}")
