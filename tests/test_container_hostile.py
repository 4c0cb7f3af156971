"""Damaged, cut off and lying streams: a clear error or the right content, never anything else."""

import subprocess
import sys
import textwrap
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hyspec import _core
from reference import container
from reference import container_builder as b

ERRORS = {"not-a-stream", "unsupported-version", "truncated", "corrupt", "checksum-mismatch"}

Chunks = dict[tuple[int, int], tuple[int, int, bytes]]


def error_name(error: _core.CoreError) -> str:
    name = error.args[2]
    assert name in ERRORS
    return str(name)


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
STARTS = [sum(map(len, PARTS[:i])) for i in range(len(PARTS) + 1)]


def part_at(offset: int) -> int:
    return max(i for i, start in enumerate(STARTS) if start <= offset)


def lost(chunks: Chunks) -> set[int]:
    """Numbers of the parts whose chunk is missing; all others are as they were written."""
    assert all(CHUNKS[key] == chunk for key, chunk in chunks.items())
    return {1 + 2 * tile + i for tile, i in CHUNKS if (tile, i) not in chunks}


# ---- damage


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


# ---- lies behind correct checksums

HUGE = [0, 1, 2**31 - 1, 2**31, 2**32, 2**53, 2**62, 2**63 - 1, 2**63, 2**64 - 1]
FIELDS = b.required((7, 5, 3), (4, 4), [(1, 0), (2, 1)])


def lying_preambles() -> list[bytes]:
    """Preambles that declare any size anywhere."""
    bodies: list[bytes] = []
    for n in HUGE:
        v = b.varint(n)
        lies: tuple[dict[int, bytes], ...] = (
            {1: v + b"\5\3"},
            {1: b"\7" + v + b"\3"},
            {1: b"\7\5" + v},
            {1: b"\7\5\xff\xff\3"},
            {2: b"\0" + v},
            {2: b"\0" + v * 3},
            {4: b"\1" + v * 2000},
            {5: v + b"\4"},
            {5: b"\4" + v},
            {5: v + v},
            {8: v},
            {11: v + b"\1\0\2\1"},
            {11: b"\2" + v + b"\0\2\1"},
            {11: b"\2\1" + v + b"\2\1"},
        )
        bodies += [b.body({**FIELDS, **lie}) for lie in lies]
        start = b.body(FIELDS)
        bodies += [start + b"\x0c" + v, start + v + b"\1x", v + start, start + b"\x0c" + v + b"x"]
        bodies.append(b"\1" + v + start[2:])
    return [b.preamble(content) for content in bodies]


def lying_indexes() -> list[bytes]:
    """Streams whose index declares any size anywhere."""
    streams: list[bytes] = []
    start = PREAMBLE
    whole = b"".join(PARTS[:9])
    entries = [b.entry(0, len(part)) for part in PARTS[1:9]]
    unknown = b.preamble(b.body({**FIELDS, 1: b"\0\5\3"}))
    for n in HUGE:
        v = b.varint(n)
        for preamble in (start, unknown):
            streams.append(preamble + b.index(preamble, n, []))
            streams.append(preamble + b.index(preamble, n, [], count=n))
            streams.append(preamble + b.index(preamble, 7, [], count=n))
            streams.append(preamble + b.index(preamble, 7, [v + b"\0"] * 8))
        streams.append(whole + b.index(start, 7, entries, count=n))
        streams.append(whole + b.index(start, 7, [*entries[:-1], b"\1" + v]))
        streams.append(whole + b.index(start, 7, [b"\1" + v, *entries[1:]]))
        streams.append(whole + b.index(start, 7, [*entries[:-1], v + b"\1"]))
        streams.append(whole + b.index(start, 7, [b"\0\x80" + v, *entries]))
        payload = b.varint(7) + b.varint(8) + b"".join(entries)
        for numbers in ({"tile": n}, {"interval": n}, {"rows": n}, {"length": n}):
            if n > 0:
                chunk = b.chunk(start, payload, kind=2, **numbers)
                streams.append(whole + chunk + b.u32(len(chunk)) + b"HYE\n")
        end = b.u32(min(n, 2**32 - 1)) + b"HYE\n"
        streams.append(STREAM[:-8] + end)
    # Rows that give the same tiles.
    streams += [whole + b.index(start, rows, entries) for rows in (5, 6, 8)]
    # One chunk twice, and another one not at all.
    streams.append(
        whole + b.index(start, 7, [entries[0], b.entry(-1, len(PARTS[2])), *entries[2:]])
    )
    # As many chunks as a cube can have.
    large = b.preamble(b.body({**FIELDS, 1: b.varint(2**31 - 1) + b"\1\3", 5: b"\1\1"}))
    streams += [large + b.index(large, 2**31 - 1, entries, count=n) for n in HUGE]
    # Lengths whose sum is right only modulo 2^64.
    twice = [b.entry(0, 2**63), b.entry(0, 2**63)]
    short = b.preamble(b.body({**FIELDS, 1: b"\1\1\3"}))
    streams.append(short + b.index(short, 1, twice))
    return streams


def lying_chunks() -> list[bytes]:
    """Streams without an index and a chunk that declares any size anywhere."""
    streams: list[bytes] = []
    for n in HUGE:
        for kind in (1, 2, 0x80):
            for numbers in ({"tile": n}, {"interval": n}, {"rows": n}, {"length": n}):
                values = {"tile": 1, "interval": 1, "rows": 4, **numbers}
                streams.append(PREAMBLE + b.chunk(PREAMBLE, b"x" * 30, kind=kind, **values))
    return streams


def verdict(data: bytes) -> Any:
    """What the C++ reader says of header and index: their content, or None."""
    try:
        header, size = _core.parse_preamble(data)
        index = _core.read_index(data, header, size)
    except _core.CoreError as error:
        error_name(error)
        return None
    return index.rows, [(c.tile, c.interval, c.rows, c.offset, c.length) for c in index.chunks]


def second_verdict(data: bytes) -> Any:
    """The same of the plain-Python reader."""
    try:
        header, size = container.parse_preamble(data)
        rows, chunks = container.read_index(data, header, size)
    except container.FormatError:
        return None
    return rows, [tuple(chunk.values()) for chunk in chunks]


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


def test_lying_headers() -> None:
    read_at_all = sum(same_header(data) for data in lying_preambles())
    assert 0 < read_at_all < len(lying_preambles())


def test_lying_indexes() -> None:
    assert verdict(STREAM) == second_verdict(STREAM)
    for data in lying_indexes():
        assert verdict(data) == second_verdict(data)


def test_lying_chunks() -> None:
    for data in lying_chunks():
        _, rows, chunks = read(data)
        assert rows == ROWS
        try:
            container.parse_chunk_header(data, len(PREAMBLE))
        except container.FormatError:
            with pytest.raises(_core.CoreError):
                _core.parse_chunk_header(data, len(PREAMBLE))
        else:
            _core.parse_chunk_header(data, len(PREAMBLE))
        assert set(chunks) <= {(1, 1), (0, 1), (1, 0)}


def test_memory_is_bounded() -> None:
    """The same lies, with only 32 MiB of memory more than the interpreter has already."""
    script = """
        import resource
        from pathlib import Path
        import test_container_hostile as t

        streams = t.lying_preambles() + t.lying_indexes() + t.lying_chunks()
        pages = int(Path("/proc/self/statm").read_text().split()[0])
        limit = pages * resource.getpagesize() + (32 << 20)
        resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
        refused = 0
        for data in streams:
            try:
                t.read(data)
            except t._core.CoreError as error:
                t.error_name(error)
                refused += 1
        print(refused)
    """
    if not sys.platform.startswith("linux"):
        pytest.skip("needs /proc")
    folder = str(__file__).rpartition("/")[0]
    result = subprocess.run(
        [
            sys.executable,
            "-c",
            f"import sys; sys.path.insert(0, {folder!r})" + textwrap.dedent(script),
        ],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert result.returncode == 0, result.stderr
    assert int(result.stdout) > 100


def test_scanning_takes_linear_time() -> None:
    """Megabytes of markers, and of headers that each claim all that follows."""
    header, size = _core.parse_preamble(PREAMBLE)
    single = b.chunk(PREAMBLE, b"", kind=0x80, length=40_000_000)
    start = time.perf_counter()
    for filling in (container.MARKER, b"\xc7", single):
        data = PREAMBLE + filling * (8_000_000 // len(filling))
        assert _core.rebuild_index(data, header, size).chunks == []
    nested = b"".join(
        b.chunk(PREAMBLE, b"", tile=i % 4, interval=i % 2, rows=4, length=100_000 - 30 * i)
        for i in range(3000)
    )
    assert len(_core.rebuild_index(PREAMBLE + nested + bytes(100_000), header, size).chunks) == 2
    assert time.perf_counter() - start < 5


BAD_VARINTS = [b"\x80\0", b"\x81\x80\0", b"\x80" * 9 + b"\2", b"\xff" * 10 + b"\1", b"\x80" * 20]


@pytest.mark.parametrize("bad", BAD_VARINTS)
def test_varints_that_are_too_long(bad: bytes) -> None:
    """Each stands for a value that would do, if only the lowest 64 bits counted."""
    for lie in ({14: b"x"}, {1: bad + b"\5\3"}, {11: b"\2\1" + bad + b"\2\1"}):
        data = b.preamble(b.body({**FIELDS, **lie}))
        assert same_header(data) == (14 in lie)
    assert not same_header(b.preamble(b.body(FIELDS) + b"\x0e" + bad))
    assert not same_header(b.preamble(bad + b"\1x" + b.body(FIELDS)))
    entries = b"".join(b.entry(0, len(part)) for part in PARTS[1:9])
    for content in (bad + b"\x08" + entries, b"\7\x08" + entries[:-1] + bad):
        chunk = b.chunk(PREAMBLE, content, kind=2)
        data = b"".join(PARTS[:9]) + chunk + b.u32(len(chunk)) + b"HYE\n"
        assert verdict(data) is second_verdict(data) is None
    head = container.MARKER + b"\1" + bad + bytes(11)
    crc = b.u32(container.crc32c(head, container.preamble_checksum(PREAMBLE)))
    with pytest.raises(_core.CoreError, match="out of range"):
        _core.parse_chunk_header(PREAMBLE + head + crc + bytes(9), len(PREAMBLE))


@pytest.mark.parametrize(
    ("text", "fine"),
    [
        ("µm".encode(), True),
        ("\U0010ffff\ud7ff\ue000\xa0".encode(), True),
        (b"x" * 255, True),
        (b"x" * 256, False),
        (b"\xb5m", False),  # Latin-1
        (b"a\0b", False),
        (b"\x1b[31m", False),
        (b"\x7f", False),
        (b"\xc2\x9b31m", False),  # U+009B begins a terminal sequence
        (b"\xc0\xaf", False),  # overlong
        (b"\xe0\x80\xaf", False),
        (b"\xf0\x80\x80\xaf", False),
        (b"\xed\xa0\x80", False),  # surrogate
        (b"\xf4\x90\x80\x80", False),  # above U+10FFFF
        (b"\xf8\x88\x80\x80\x80", False),
        (b"\xe2\x82", False),  # cut off
        (b"\xe2\x82x", False),
    ],
)
def test_texts(text: bytes, fine: bool) -> None:
    for lie in ({6: text}, {12: text}, {9: bytes(32) + text}):
        assert same_header(b.preamble(b.body({**FIELDS, **lie}))) == fine


# ---- unknown things


def finished(preamble: bytes, extra: list[tuple[int, bytes]]) -> bytes:
    """A stream of one sample with more chunks behind the one it needs."""
    chunk = b.chunk(preamble, b"x", rows=1)
    data, entries = preamble + chunk, [b.entry(0, len(chunk))]
    for kind, payload in extra:
        chunk = b.chunk(preamble, payload, kind=kind, tile=9, interval=9, rows=9)
        entries.append(b.other_entry(kind, len(chunk)))
        data += chunk
    return data + b.index(preamble, 1, entries)


ONE = b.required((1, 1, 1), (1, 1), [(1, 0)])


@pytest.mark.parametrize("tag", [0, 14, 2**63, 2**64 - 2])
def test_unknown_ancillary_field(tag: int) -> None:
    data = finished(b.preamble(b.body({**ONE, tag: b"abc"})), [])
    header, size = _core.parse_preamble(data)
    assert header.unknown == [(tag, b"abc")]
    assert _core.serialize_preamble(header) == data[:size]
    assert len(read(data)[2]) == 1


@pytest.mark.parametrize("tag", [15, 2**63 + 1, 2**64 - 1])
def test_unknown_critical_field(tag: int) -> None:
    with pytest.raises(_core.CoreError, match=f"critical field {tag}") as caught:
        _core.parse_preamble(b.preamble(b.body({**ONE, tag: b"abc"})))
    assert error_name(caught.value) == "unsupported-version"


@pytest.mark.parametrize("kind", [0x80, 0xFF])
def test_unknown_ancillary_chunk(kind: int) -> None:
    data = finished(b.preamble(b.body(ONE)), [(kind, b"abc"), (kind, b"")])
    header, size = _core.parse_preamble(data)
    assert len(_core.read_index(data, header, size).chunks) == 1
    assert len(_core.rebuild_index(data[:-1], header, size).chunks) == 1


@pytest.mark.parametrize("kind", [0, 3, 0x7F])
def test_unknown_critical_chunk(kind: int) -> None:
    data = finished(b.preamble(b.body(ONE)), [(kind, b"abc")])
    header, size = _core.parse_preamble(data)
    for find in (_core.read_index, _core.rebuild_index):
        with pytest.raises(_core.CoreError, match=f"unknown kind {kind}") as caught:
            find(data, header, size)
        assert error_name(caught.value) == "unsupported-version"


@pytest.mark.parametrize("major", [0, 2, 255])
def test_unknown_major_version_is_refused_before_anything_else(major: int) -> None:
    for data in (b.preamble(b"nonsense", major=major), container.SIGNATURE + bytes([major])):
        with pytest.raises(_core.CoreError, match=f"version {major}") as caught:
            _core.parse_preamble(data)
        assert error_name(caught.value) == "unsupported-version"


def test_later_minor_version() -> None:
    data = finished(b.preamble(b.body(ONE), minor=200), [])
    header, size = _core.parse_preamble(data)
    assert header.minor_version == 200
    assert _core.serialize_preamble(header) == data[:size]


@pytest.mark.parametrize("data", [b"PK\3\4", b"\x89PNG\r\n\x1a\n", b"ENVI\n", bytes(100)])
def test_other_files(data: bytes) -> None:
    with pytest.raises(_core.CoreError) as caught:
        _core.parse_preamble(data)
    assert error_name(caught.value) == "not-a-stream"


# ---- both readers agree on whatever a fuzzer makes


@st.composite
def mutations(draw: st.DrawFn, original: bytes) -> bytes:
    data = bytearray(original)
    for _ in range(draw(st.integers(1, 3))):
        at = draw(st.integers(0, len(data)))
        match draw(st.integers(0, 3)):
            case 0:
                data[at : at + 1] = draw(st.binary(min_size=1, max_size=1))
            case 1:
                data[at:at] = draw(st.binary(min_size=1, max_size=3))
            case 2:
                del data[at : at + draw(st.integers(1, 3))]
            case _:
                data[at : at + 1] = b.varint(draw(st.integers(0, 2**64 - 1)))
    return bytes(data)


FULL_BODY = b.body(
    {
        **FIELDS,
        2: b"\1" + b.svarints([4005, 54, 0]),
        4: b"\xff" + b.f64(0.1) + b.f64(1 / 3) + b.f64(5.0),
        6: b"nm",
        8: b"\5",
        9: bytes(32) + b"name",
        10: b"metadata",
        12: b"software",
        13: b.f64(-1.0),
        14: b"?",
    }
)


@given(mutations(FULL_BODY))
def test_readers_agree_on_headers(content: bytes) -> None:
    same_header(b.preamble(content))


@given(mutations(b"".join(b.entry(0, len(part)) for part in PARTS[1:9])), st.integers(6, 9))
def test_readers_agree_on_indexes(entries: bytes, count: int) -> None:
    data = b"".join(PARTS[:9]) + b.index(PREAMBLE, ROWS, [entries], count=count)
    assert verdict(data) == second_verdict(data)


@given(mutations(STREAM))
def test_readers_agree_on_streams(data: bytes) -> None:
    assert verdict(data) == second_verdict(data)
    try:
        header, size = _core.parse_preamble(data)
    except _core.CoreError:
        return
    found = {(c.tile, c.interval, c.offset) for c in _core.rebuild_index(data, header, size).chunks}
    scanned = {(c["tile"], c["interval"], c["offset"]) for c in container.scan(data, size)}
    assert found <= scanned
    assert {key[:2] for key in found} >= set(read(data)[2])


@given(st.binary(max_size=200))
def test_any_bytes(data: bytes) -> None:
    for content in (data, container.SIGNATURE + data, b.preamble(data), PREAMBLE + data):
        try:
            read(content)
        except _core.CoreError as error:
            error_name(error)
