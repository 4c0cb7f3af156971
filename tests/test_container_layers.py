"""Layers in the container: written, found by index and by scan, refused where they are wrong."""

from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hyspec import _core
from reference import container
from reference import container_builder as b
from small_containers import error_name

#: 2 x 1 tiles and 2 intervals.
FIELDS = b.required((7, 5, 3), (4, 5), [(1, 0), (2, 0)])
HEADER, _ = _core.parse_preamble(b.preamble(b.body(FIELDS)))
POSITIONS = [(0, 0), (0, 1), (1, 0), (1, 1)]
ROWS = (4, 3)

Written = tuple[bool, int, bytes]


def written(order: Sequence[Written]) -> bytes:
    """A stream of chunks and layers, each (is a layer, position, payload), in this order."""
    writer = _core.StreamWriter(HEADER)
    data = writer.begin()
    for is_layer, position, payload in order:
        tile, interval = POSITIONS[position]
        make = writer.layer if is_layer else writer.chunk
        data += make(tile, interval, ROWS[tile], 7 + position, payload)
    data += writer.finish()
    assert writer.size == len(data)
    return data


def natural() -> list[Written]:
    return [(layer, p, bytes([p]) * (p + layer)) for layer in (False, True) for p in range(4)]


def found(data: bytes, *, scan: bool = False) -> list[list[tuple[int, int, int, bytes]]]:
    header, size = _core.parse_preamble(data)
    index = (_core.rebuild_index if scan else _core.read_index)(data, header, size)
    result = []
    for kind, entries in ((1, index.chunks), (3, index.layers)):
        assert all(entry.kind == kind for entry in entries)
        infos = [_core.check_chunk(data, entry) for entry in entries]
        result.append(
            [
                (i.tile, i.interval, i.rows, data[i.payload_offset :][: i.payload_length])
                for i in infos
            ]
        )
    return result


@settings(max_examples=60)
@given(st.permutations(range(4)), st.permutations(range(4)), st.data())
def test_any_order(chunks: list[int], layers: list[int], data: st.DataObject) -> None:
    order: list[Written] = []
    waiting = list(layers)
    for position in chunks:
        order.append((False, position, bytes([position])))
        ready = [p for p in waiting if any(not layer and q == p for layer, q, _ in order)]
        if ready and data.draw(st.booleans()):
            waiting.remove(ready[0])
            order.append((True, ready[0], bytes([ready[0], 9])))
    order += [(True, p, bytes([p, 9])) for p in waiting]
    stream = written(order)
    expected = [
        [
            (*POSITIONS[p], ROWS[POSITIONS[p][0]], payload)
            for layer, p, payload in order
            if layer == k
        ]
        for k in (False, True)
    ]
    assert found(stream) == found(stream[:-1], scan=True) == expected
    header, size = container.parse_preamble(stream)
    _, reference_chunks, reference_layers = container.read_layered_index(stream, header, size)
    parsed, length = _core.parse_preamble(stream)
    index = _core.read_index(stream, parsed, length)
    for mine, theirs in ((index.chunks, reference_chunks), (index.layers, reference_layers)):
        assert [(e.tile, e.interval, e.rows, e.offset, e.length) for e in mine] == [
            (t["tile"], t["interval"], t["rows"], t["offset"], t["length"]) for t in theirs
        ]


def test_a_scan_of_what_arrived() -> None:
    stream = written(natural())
    header, size = _core.parse_preamble(stream)
    layers = _core.read_index(stream, header, size).layers
    for count, entry in enumerate(layers):
        chunks, arrived = found(stream[: entry.offset + 3], scan=True)
        assert (len(chunks), len(arrived)) == (4, count)


def test_what_a_writer_refuses() -> None:
    writer = _core.StreamWriter(HEADER)
    with pytest.raises(_core.CoreError, match="between begin"):
        writer.layer(0, 0, 4, 0, b"")
    writer.begin()
    with pytest.raises(_core.CoreError, match="after its samples"):
        writer.layer(0, 0, 4, 0, b"")
    writer.chunk(0, 0, 4, 0, b"")
    with pytest.raises(_core.CoreError, match="rows"):
        writer.layer(0, 0, 3, 0, b"")
    writer.layer(0, 0, 4, 0, b"")
    with pytest.raises(_core.CoreError, match="once"):
        writer.layer(0, 0, 4, 0, b"")
    for tile, interval in POSITIONS[1:]:
        writer.chunk(tile, interval, ROWS[tile], 0, b"")
    with pytest.raises(_core.CoreError, match="1 layers; expected one for each"):
        writer.finish()


def layer_entry(step: int, length: int) -> bytes:
    return bytes([0, 3]) + b.varint(b.zigzag(step)) + b.varint(length)


@pytest.mark.parametrize(
    ("steps", "message"),
    [
        ([0, 0, 0], "layers are missing"),
        ([0, 0, 0, -2], "twice"),
        ([0, 0, 0, 1], "does not exist"),
        ([-1, 0, 0, 0], "does not exist"),
        ([0, 0, 0, 0, -1], "twice"),
    ],
)
def test_wrong_entries(steps: list[int], message: str) -> None:
    start = b.preamble(b.body(FIELDS))
    data, entries, expected = start, [], 0
    for tile, interval in POSITIONS:
        chunk = b.chunk(start, b"x", tile=tile, interval=interval, rows=ROWS[tile])
        data, entries = data + chunk, [*entries, b.entry(0, len(chunk))]
    for step in steps:
        expected += step
        tile, interval = POSITIONS[expected % 4]
        chunk = b.chunk(start, b"y", kind=3, tile=tile, interval=interval, rows=ROWS[tile])
        data, entries = data + chunk, [*entries, layer_entry(step, len(chunk))]
        expected += 1
    data += b.index(start, 7, entries)
    header, size = _core.parse_preamble(data)
    with pytest.raises(_core.CoreError, match=message) as caught:
        _core.read_index(data, header, size)
    assert error_name(caught.value) == "corrupt"
    with pytest.raises(container.FormatError):
        container.read_index(data, container.parse_preamble(data)[0], size)


def test_an_entry_of_a_layer_that_is_none() -> None:
    """The header of the chunk is compared with what the index says of its kind."""
    start = b.preamble(b.body(b.required((1, 1, 1), (1, 1), [(1, 0)])))
    first, second = b.chunk(start, b"x", rows=1), b.chunk(start, b"y", rows=1)
    entries = [b.entry(0, len(first)), layer_entry(0, len(second))]
    data = start + first + second + b.index(start, 1, entries)
    header, size = _core.parse_preamble(data)
    index = _core.read_index(data, header, size)
    with pytest.raises(_core.CoreError, match="not the one"):
        _core.check_chunk(data, index.layers[0])


@settings(max_examples=300)
@given(st.data())
def test_spoilt_streams(data: st.DataObject) -> None:
    """Both readers find the same in a stream with any byte changed, or refuse it alike."""
    stream = bytearray(written(natural()))
    _, size = _core.parse_preamble(bytes(stream))
    at = data.draw(st.integers(size, len(stream) - 1))
    stream[at] ^= data.draw(st.integers(1, 255))
    spoilt = bytes(stream)
    header, _ = _core.parse_preamble(spoilt)
    for find in (_core.read_index, _core.rebuild_index):
        try:
            index = find(spoilt, header, size)
        except _core.CoreError as error:
            error_name(error)
            continue
        for entry in (*index.chunks, *index.layers):
            try:
                _core.check_chunk(spoilt, entry)
            except _core.CoreError as error:
                error_name(error)
