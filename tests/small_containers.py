"""A small stream to spoil, and what the C++ reader and the plain Python one find in any bytes."""

from typing import Any

import pytest

from hyspec import _core
from reference import container
from reference import container_builder as b

ERRORS = {"not-a-stream", "unsupported-version", "truncated", "corrupt", "checksum-mismatch"}

Chunks = dict[tuple[int, int], tuple[int, int, bytes]]


def error_name(error: _core.CoreError) -> str:
    name: str = error.args[2]
    assert name in ERRORS
    return name


def read(data: bytes) -> tuple[bytes, int, Chunks]:
    """What a decoder gets from a stream: preamble, rows, and the chunks that are intact."""
    header, size = _core.parse_preamble(data)
    try:
        index = _core.read_index(data, header, size)
    except _core.CoreError as error:
        error_name(error)
        index = _core.rebuild_index(data, header, size)
    chunks: Chunks = {}
    for entry in index.chunks:
        try:
            info = _core.check_chunk(data, entry)
        except _core.CoreError as error:
            error_name(error)
            continue
        payload = data[info.payload_offset : info.payload_offset + info.payload_length]
        assert len(payload) == info.payload_length
        chunks[entry.tile, entry.interval] = (entry.rows, info.symbols_crc, payload)
    return _core.serialize_preamble(header), index.rows, chunks


def small_stream(rows: int = 7, stated: int = 7) -> list[bytes]:
    """The parts of a stream of 2 x 2 tiles and 2 intervals."""
    header = _core.Header(
        rows=stated,
        columns=5,
        bands=3,
        sample_type="uint16",
        tile_rows=4,
        tile_columns=4,
        profile=1,
        profile_version=1,
        intervals=[(1, 0), (2, 1)],
        wavelengths=[400.5, 410.5, 420.5],
        pack=(bytes(32), "example"),
        nodata=-1.0,
    )
    writer = _core.StreamWriter(header)
    parts = [writer.begin()]
    for tile in range(4):
        for interval in range(2):
            payload = bytes([16 * tile + interval]) * (3 + 2 * tile + interval)
            tile_rows = 4 if tile < 2 else rows - 4
            parts.append(writer.chunk(tile, interval, tile_rows, 99 * tile + interval, payload))
    parts.append(writer.finish())
    return parts


PARTS = small_stream()
STREAM = b"".join(PARTS)
PREAMBLE, ROWS, CHUNKS = read(STREAM)
#: Fields of a preamble of the same shape.
FIELDS = b.required((7, 5, 3), (4, 4), [(1, 0), (2, 1)])


def core_verdict(data: bytes) -> Any:
    """What the C++ reader says of header and index: their content, or None."""
    try:
        header, size = _core.parse_preamble(data)
        index = _core.read_index(data, header, size)
    except _core.CoreError as error:
        error_name(error)
        return None
    return index.rows, [(c.tile, c.interval, c.rows, c.offset, c.length) for c in index.chunks]


def plain_verdict(data: bytes) -> Any:
    """The same of the plain Python reader."""
    try:
        header, size = container.parse_preamble(data)
        rows, chunks = container.read_index(data, header, size)
    except container.FormatError:
        return None
    return rows, [tuple(chunk.values()) for chunk in chunks]


def agreed_verdict(data: bytes) -> Any:
    """What both readers say of header and index, which must be the same."""
    found = core_verdict(data)
    assert found == plain_verdict(data)
    return found


def same_header(data: bytes) -> bool:
    """Whether both readers refuse a preamble, or both read it; true if they read it."""
    try:
        header, size = _core.parse_preamble(data)
    except _core.CoreError as error:
        error_name(error)
        with pytest.raises(container.FormatError):
            container.parse_preamble(data)
        return False
    assert _core.serialize_preamble(header) == data[:size]
    second, second_size = container.parse_preamble(data)
    assert second_size == size
    assert (header.rows, header.columns, header.bands) == (
        second["rows"],
        second["columns"],
        second["bands"],
    )
    assert repr(header.wavelengths) == repr(second.get("wavelengths"))
    return True
