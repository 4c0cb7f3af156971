"""Streams that lie behind correct checksums: both readers refuse them, or read the same."""

import time

import pytest

from hyspec import _core
from reference import container
from reference import container_builder as b
from script_cases import bound_memory, needs_proc, run_alone
from small_containers import (
    FIELDS,
    PARTS,
    PREAMBLE,
    ROWS,
    STREAM,
    agreed_verdict,
    error_name,
    read,
    same_header,
)

HUGE = [0, 1, 2**31 - 1, 2**31, 2**32, 2**53, 2**62, 2**63 - 1, 2**63, 2**64 - 1]


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


def test_lying_headers() -> None:
    read_at_all = sum(same_header(data) for data in lying_preambles())
    assert 0 < read_at_all < len(lying_preambles())


def test_lying_indexes() -> None:
    assert agreed_verdict(STREAM) is not None
    for data in lying_indexes():
        agreed_verdict(data)


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


def count_refused() -> int:
    streams = lying_preambles() + lying_indexes() + lying_chunks()
    bound_memory(32 << 20)
    refused = 0
    for data in streams:
        try:
            read(data)
        except _core.CoreError as error:
            error_name(error)
            refused += 1
    return refused


@needs_proc
def test_memory_is_bounded() -> None:
    """The same lies, with only 32 MiB of memory more than the interpreter has already."""
    assert run_alone(count_refused, timeout=60) > 100


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
        assert agreed_verdict(data) is None
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
