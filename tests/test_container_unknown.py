"""Fields, chunks and versions that no reader knows yet: passed over, or refused by name."""

import pytest

from hyspec import _core
from reference import container
from reference import container_builder as b
from small_containers import error_name, read


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


@pytest.mark.parametrize("kind", [0, 4, 0x7F])
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
