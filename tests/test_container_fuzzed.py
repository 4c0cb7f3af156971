"""Streams changed at random: the C++ reader and the plain Python one agree on them."""

from hypothesis import given
from hypothesis import strategies as st

from hyspec import _core
from reference import container
from reference import container_builder as b
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
    agreed_verdict(data)


@given(mutations(STREAM))
def test_readers_agree_on_streams(data: bytes) -> None:
    agreed_verdict(data)
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
