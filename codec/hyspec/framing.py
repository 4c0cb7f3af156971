"""How many bytes a stream has beside its payloads, for the search of a rate.

docs/container_format.md, sections 5 and 6.
"""

from __future__ import annotations

from collections.abc import Iterable

#: Marker, kind and three checksums of a chunk.
_CHUNK_FIXED = 4 + 1 + 3 * 4
_TRAILER = 8


def chunk_size(tile: int, interval: int, rows: int, payload: int) -> int:
    """Bytes of a chunk with a payload of ``payload`` bytes."""
    numbers = (tile, interval, rows, payload)
    return _CHUNK_FIXED + sum(map(_varint_size, numbers)) + payload


def entry_size(chunk: int) -> int:
    """Bytes that a chunk of ``chunk`` bytes takes in the index, if chunks come in order."""
    return 1 + _varint_size(chunk)


def stream_size(preamble: int, rows: int, chunks: Iterable[int]) -> int:
    """Bytes of a stream.

    Parameters
    ----------
    preamble
        Bytes of the preamble.
    rows
        Rows of the cube.
    chunks
        Bytes of each chunk, as :func:`chunk_size` gives them.
    """
    count = total = entries = 0
    for chunk in chunks:
        count += 1
        total += chunk
        entries += entry_size(chunk)
    index = chunk_size(0, 0, 0, _varint_size(rows) + _varint_size(count) + entries)
    return preamble + total + index + _TRAILER


def _varint_size(value: int) -> int:
    return max(1, (value.bit_length() + 6) // 7)
