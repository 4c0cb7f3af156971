"""Damaged and cut off streams: what is intact is found, as it was written."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hyspec import _core
from reference import container
from reference import container_builder as b
from small_containers import (
    CHUNKS,
    PARTS,
    PREAMBLE,
    ROWS,
    STREAM,
    Chunks,
    error_name,
    read,
    small_stream,
)

STARTS = [sum(map(len, PARTS[:i])) for i in range(len(PARTS) + 1)]


def part_at(offset: int) -> int:
    return max(i for i, start in enumerate(STARTS) if start <= offset)


def lost(chunks: Chunks) -> set[int]:
    """Numbers of the parts whose chunk is missing; all others are as they were written."""
    assert all(CHUNKS[key] == chunk for key, chunk in chunks.items())
    return {1 + 2 * tile + i for tile, i in CHUNKS if (tile, i) not in chunks}


def test_intact() -> None:
    assert (PREAMBLE, ROWS, len(CHUNKS)) == (PARTS[0], 7, 8)


def test_every_truncation() -> None:
    for length in range(len(STREAM)):
        data = STREAM[:length]
        if length < len(PREAMBLE):
            with pytest.raises(_core.CoreError) as caught:
                read(data)
            assert error_name(caught.value) == "truncated"
            continue
        with pytest.raises(_core.CoreError):
            header, size = _core.parse_preamble(data)
            _core.read_index(data, header, size)
        preamble, rows, chunks = read(data)
        assert (preamble, rows) == (PREAMBLE, ROWS)
        assert lost(chunks) == {part for part in range(1, 9) if STARTS[part + 1] > length}


def test_every_bit_flip() -> None:
    for bit in range(8 * len(STREAM)):
        data = bytearray(STREAM)
        data[bit // 8] ^= 1 << bit % 8
        part = part_at(bit // 8)
        if part == 0:
            with pytest.raises(_core.CoreError) as caught:
                read(bytes(data))
            name = error_name(caught.value)
            assert name == "not-a-stream" if bit // 8 < 8 else name != "not-a-stream"
            continue
        preamble, rows, chunks = read(bytes(data))
        assert (preamble, rows) == (PREAMBLE, ROWS)
        assert lost(chunks) == ({part} if part <= 8 else set())


@pytest.mark.parametrize("gap", [1, 5, 40])
def test_bytes_lost_or_inserted_anywhere(gap: int) -> None:
    for at in range(len(PREAMBLE), len(STREAM)):
        end = min(at + gap, len(STREAM))
        _, rows, chunks = read(STREAM[:at] + STREAM[end:])
        assert rows == ROWS
        assert lost(chunks) <= set(range(part_at(at), part_at(end - 1) + 1)) & set(range(1, 9))
        _, rows, chunks = read(STREAM[:at] + b"\xc7" * gap + STREAM[at:])
        assert rows == ROWS
        assert lost(chunks) <= {part_at(at)}


@given(st.binary(max_size=60))
def test_bytes_appended(more: bytes) -> None:
    _, rows, chunks = read(STREAM + more)
    assert rows == ROWS
    assert not lost(chunks)


def test_unknown_rows_survive_the_loss_of_the_last_tiles() -> None:
    parts = small_stream(stated=0)
    data = bytearray(b"".join(parts))
    assert read(bytes(data))[1:] == (ROWS, CHUNKS)
    last = data.rindex(container.MARKER)
    data[last - 1] ^= 1  # payload of tile 3, interval 1
    first_of_last_row = len(b"".join(parts[:5]))
    del data[first_of_last_row : first_of_last_row + 4]  # marker of tile 2, interval 0
    _, rows, chunks = read(bytes(data))
    assert rows == ROWS
    assert lost(chunks) == {5, 8}
    # All of the last tile row is gone: only the index knows how many rows there were.
    data = bytearray(b"".join(parts[:5] + parts[9:]))
    assert read(bytes(data))[1] == ROWS
    data[-9] ^= 1
    assert read(bytes(data))[1] == 4


@pytest.mark.parametrize("stated", [1, 4, 5, 6, 8, 2**31 - 1, 2**31])
def test_an_index_chunk_that_contradicts_the_tiles(stated: int) -> None:
    parts = small_stream(stated=0)
    data = b"".join(parts[:9]) + b.index(parts[0], stated, [])
    assert read(data)[1] == ROWS
    # Without the last tile row, more rows are possible and fewer are not.
    data = b"".join(parts[:5]) + b.index(parts[0], stated, [])
    assert read(data)[1] == (stated if 4 <= stated < 2**31 else 4)


def test_chunks_of_another_stream_do_not_count() -> None:
    """Such as what lies behind the end when storage is used a second time."""
    other = small_stream(rows=8, stated=8)
    data = b"".join(PARTS[:4]) + b"".join(other[4:])
    _, rows, chunks = read(data)
    assert rows == ROWS
    assert lost(chunks) == {4, 5, 6, 7, 8}
    entry = _core.rebuild_index(STREAM, *_core.parse_preamble(STREAM)).chunks[3]
    with pytest.raises(_core.CoreError, match="another stream"):
        _core.check_chunk(other[0] + STREAM[len(PREAMBLE) :], entry)


def test_an_entry_that_names_another_chunk() -> None:
    header, size = _core.parse_preamble(STREAM)
    chunks = [PARTS[0], PARTS[2], PARTS[1], *PARTS[3:9]]
    entries = [b.entry(0, len(part)) for part in chunks[1:]]
    data = b"".join(chunks) + b.index(PREAMBLE, ROWS, entries)
    index = _core.read_index(data, header, size)
    for entry in index.chunks[:2]:
        with pytest.raises(_core.CoreError, match="not the one that the index names"):
            _core.check_chunk(data, entry)
    for entry in index.chunks[2:]:
        _core.check_chunk(data, entry)


def test_marker_and_stream_inside_a_payload() -> None:
    """A scan does not stop at what looks like a chunk inside an intact chunk."""
    header, _ = _core.parse_preamble(PREAMBLE)
    header.rows, header.columns, header.intervals = 4, 8, [(3, 0)]
    writer = _core.StreamWriter(header)
    start = writer.begin()
    inner = b.chunk(start, b"inner", tile=1, rows=4)
    data = start + writer.chunk(0, 0, 4, 0, b"\xc7\x48\x59\x4b" + inner + b"\xc7")
    data += writer.chunk(1, 0, 4, 0, b"outer") + writer.finish()
    header, size = _core.parse_preamble(data)
    index = _core.rebuild_index(data, header, size)
    assert [c.offset for c in index.chunks] == [
        c.offset for c in _core.read_index(data, header, size).chunks
    ]
