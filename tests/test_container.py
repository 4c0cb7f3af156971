"""Streams that writers make: round trips, a second reader, and what is not written."""

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from container_cases import describe, describe_chunks, describe_reference, error_name
from hyspec import _core
from reference import container

# ---- round trips

texts = st.text(st.characters(exclude_categories=("Cc", "Cs")), max_size=60)
decimals = st.builds(lambda k, d: k / 10**d, st.integers(-(10**9), 10**9), st.integers(0, 12))
any_floats = st.floats(allow_nan=True, allow_infinity=True)


@st.composite
def headers(draw: st.DrawFn) -> _core.Header:
    sizes = draw(st.lists(st.integers(1, 9), min_size=1, max_size=4))
    bands = sum(sizes)
    sample_type = draw(st.sampled_from(container.TYPES))
    step = draw(st.floats(min_value=0, exclude_min=True, allow_infinity=False))

    def per_band(values: st.SearchStrategy[Any]) -> Any:
        return draw(st.none() | st.lists(values, min_size=bands, max_size=bands))

    unknown = st.integers(7, 2**63 - 1).map(lambda n: 2 * n)
    return _core.Header(
        rows=draw(st.integers(0, 40)),
        columns=draw(st.integers(1, 40)),
        bands=bands,
        sample_type=sample_type,
        step=step if sample_type.startswith("float") else None,
        tile_rows=draw(st.integers(1, 64)),
        tile_columns=draw(st.integers(1, 64)),
        profile=draw(st.integers(0, 255)),
        profile_version=draw(st.integers(0, 255)),
        intervals=[(size, draw(st.integers(0, 65535))) for size in sizes],
        pack=draw(st.none() | st.tuples(st.binary(min_size=32, max_size=32), texts)),
        nodata=draw(st.none() | any_floats),
        wavelengths=per_band(decimals | any_floats),
        fwhm=per_band(decimals),
        wavelength_unit=draw(texts),
        bad_bands=per_band(st.booleans()),
        metadata=draw(st.binary(max_size=50)),
        software=draw(texts),
        unknown=draw(
            st.dictionaries(unknown, st.binary(min_size=1, max_size=9), max_size=2).map(
                lambda fields: sorted(fields.items())
            )
        ),
        minor_version=draw(st.integers(0, 255)),
    )


@given(headers())
def test_header_round_trip(header: _core.Header) -> None:
    data = _core.serialize_preamble(header)
    parsed, size = _core.parse_preamble(data + b"more")
    assert size == len(data) == _core.preamble_size(data[: _core.PREAMBLE_PREFIX])
    assert describe(parsed) == describe(header)
    assert _core.serialize_preamble(parsed) == data
    second, second_size = container.parse_preamble(data)
    assert second_size == size
    assert describe_reference(second) == describe(header)


@st.composite
def streams(draw: st.DrawFn) -> tuple[_core.Header, int, list[tuple[int, int, int, int, bytes]]]:
    """A header, the rows of the cube, and its chunks in any order."""
    header = draw(headers())
    rows = header.rows or draw(st.integers(1, 40))
    header.tile_rows = max(header.tile_rows, rows // 4)
    header.tile_columns = max(header.tile_columns, header.columns // 3)
    across = math.ceil(header.columns / header.tile_columns)
    down = math.ceil(rows / header.tile_rows)
    chunks = [
        (
            tile,
            interval,
            min(header.tile_rows, rows - tile // across * header.tile_rows),
            draw(st.integers(0, 2**32 - 1)),
            draw(st.binary(max_size=40)),
        )
        for tile in range(across * down)
        for interval in range(len(header.intervals))
    ]
    return header, rows, draw(st.permutations(chunks))


def write(header: _core.Header, chunks: list[tuple[int, int, int, int, bytes]]) -> Iterator[bytes]:
    writer = _core.StreamWriter(header)
    yield writer.begin()
    for chunk in chunks:
        yield writer.chunk(*chunk)
    yield writer.finish()


@given(streams())
def test_stream_round_trip(
    stream: tuple[_core.Header, int, list[tuple[int, int, int, int, bytes]]],
) -> None:
    header, rows, chunks = stream
    data = b"".join(write(header, chunks))
    parsed, size = _core.parse_preamble(data)
    indexes = [
        _core.read_index(memoryview(data), parsed, size),
        _core.rebuild_index(data, parsed, size),
    ]
    assert [index.rebuilt for index in indexes] == [False, True]
    for index in indexes:
        assert index.rows == rows
        assert [
            (c["tile"], c["interval"], c["rows"], c["symbols_crc"], bytes.fromhex(c["payload"]))
            for c in describe_chunks(data, index)
        ] == chunks
    second, _ = container.parse_preamble(data)
    second_rows, entries = container.read_index(data, second, size)
    assert second_rows == rows
    assert [
        container.payload(data, container.parse_chunk_header(data, e["offset"])) for e in entries
    ] == [chunk[4] for chunk in chunks]


# ---- details


def small_header(**changes: Any) -> _core.Header:
    values: dict[str, Any] = {
        "rows": 7,
        "columns": 5,
        "bands": 3,
        "sample_type": "uint16",
        "tile_rows": 4,
        "tile_columns": 4,
        "profile": 1,
        "profile_version": 1,
        "intervals": [(1, 0), (2, 1)],
    }
    return _core.Header(**{**values, **changes})


def test_a_stream_is_small() -> None:
    header = small_header()
    chunks = [(tile, i, 4 if tile < 2 else 3, 0, b"") for tile in range(4) for i in range(2)]
    sizes = [len(part) for part in write(header, chunks)]
    assert sizes[0] == 18 + 23  # no optional field
    assert set(sizes[1:-1]) == {21}
    assert sizes[-1] == 21 + 2 + 2 * 8 + 8  # two bytes per chunk, three where it has a payload


def test_arrays_as_band_values() -> None:
    wavelengths = np.array([400.0, 410.25, 420.5])
    header = small_header(wavelengths=wavelengths, bad_bands=np.array([True, False, True]))
    assert header.wavelengths == wavelengths.tolist()
    assert header.bad_bands == [True, False, True]
    header.fwhm = wavelengths / 100
    header.wavelengths = None
    assert header.wavelengths is None
    assert header.fwhm == [4.0, 4.1025, 4.205]


@pytest.mark.parametrize(
    ("values", "extra"),
    [
        ([400.0, 410.0, 420.0], 1 + 2 + 1 + 1),
        ([400.5, 410.5, 420.5], 1 + 2 + 2 + 1),
        ([0.4005, 0.4105, 0.42051], 1 + 3 + 2 + 1),
        ([1e-9, 0.0, 0.0], 1 + 1 + 1 + 1),
        ([1e-10, 0.0, 0.0], 1 + 24),
        ([1 / 3, 0.5, 0.5], 1 + 24),
        ([-0.0, 0.5, 0.5], 1 + 24),
        ([2.0**50 - 1, 0.0, 0.0], 1 + 8 + 8 + 8),
        ([2.0**50, 0.0, 0.0], 1 + 24),
        ([math.inf, 0.0, math.nan], 1 + 24),
    ],
)
def test_band_values_take_the_fewest_decimals(values: list[float], extra: int) -> None:
    plain = _core.serialize_preamble(small_header())
    data = _core.serialize_preamble(small_header(wavelengths=values))
    assert len(data) - len(plain) == 2 + extra
    parsed, _ = _core.parse_preamble(data)
    assert repr(parsed.wavelengths) == repr(values)


@pytest.mark.parametrize(
    "changes",
    [
        {"columns": 0},
        {"bands": 0, "intervals": []},
        {"rows": 2**31},
        {"bands": 65536, "intervals": [(65536, 0)]},
        {"intervals": []},
        {"intervals": [(1, 0), (1, 0)]},
        {"intervals": [(0, 0), (3, 0)]},
        {"intervals": [(3, 65536)]},
        {"tile_rows": 0},
        {"tile_rows": 2**14, "tile_columns": 2**13},
        {"rows": 2**20, "columns": 2**20, "tile_rows": 1, "tile_columns": 1},
        {"step": 0.5},
        {"sample_type": "float32"},
        {"sample_type": "float64", "step": -1.0},
        {"sample_type": "float64", "step": math.nan},
        {"sample_type": "float64", "step": math.inf},
        {"wavelengths": [1.0]},
        {"bad_bands": [True] * 4},
        {"wavelength_unit": "a\nb"},
        {"software": "x" * 256},
        {"pack": (bytes(32), "\x9b31m")},
        {"metadata": bytes(2**24)},
        {"unknown": [(15, b"x")]},
        {"unknown": [(2, b"x")]},
        {"unknown": [(14, b"")]},
        {"unknown": [(16, b"x"), (14, b"x")]},
    ],
)
def test_bad_headers_are_not_written(changes: dict[str, Any]) -> None:
    header = small_header(**changes)
    for make in (_core.serialize_preamble, _core.StreamWriter):
        with pytest.raises(_core.CoreError) as caught:
            make(header)
        assert error_name(caught.value) == "bad-argument"


@pytest.mark.parametrize("changes", [{"sample_type": "uint12"}, {"pack": (b"short", "x")}])
def test_unspeakable_values(changes: dict[str, Any]) -> None:
    with pytest.raises(_core.CoreError):
        small_header(**changes)


@pytest.mark.parametrize(
    ("chunk", "text"),
    [
        ((4, 0, 3), "tile does not exist"),
        ((0, 2, 4), "interval does not exist"),
        ((0, 0, 3), "rows"),
        ((2, 0, 4), "rows"),
        ((0, 0, 0), "rows"),
        ((1, 1, 4), "already"),
    ],
)
def test_chunks_that_do_not_fit_are_not_written(chunk: tuple[int, int, int], text: str) -> None:
    writer = _core.StreamWriter(small_header())
    writer.begin()
    writer.chunk(1, 1, 4, 0, b"")
    with pytest.raises(_core.CoreError, match=text) as caught:
        writer.chunk(*chunk, 0, b"")
    assert error_name(caught.value) == "bad-argument"


@pytest.mark.parametrize(
    ("before", "chunk", "text"),
    [
        ([(0, 4), (4, 3)], (6, 4), "after the last"),
        ([(0, 4), (4, 3)], (5, 4), "contradicts"),
        ([(0, 4), (4, 3)], (5, 2), "contradicts"),
        ([(0, 4), (4, 3)], (2, 3), "contradicts"),
        ([(0, 4), (4, 4)], (5, 3), "short"),
        ([(4, 4)], (1, 3), "short"),
        ([], (2**30 - 2, 4), "too many rows"),
        ([], (2**31, 4), "tile does not exist"),
        ([], (2**31 - 1, 4), "tile does not exist"),
        ([], (2**30, 4), "tile does not exist"),
    ],
)
def test_unknown_rows_have_to_agree(
    before: list[tuple[int, int]], chunk: tuple[int, int], text: str
) -> None:
    writer = _core.StreamWriter(small_header(rows=0, intervals=[(3, 0)]))
    writer.begin()
    for tile, rows in before:
        writer.chunk(tile, 0, rows, 0, b"")
    with pytest.raises(_core.CoreError, match=text):
        writer.chunk(chunk[0], 0, chunk[1], 0, b"")


def test_writer_wants_every_chunk_once_and_in_turn() -> None:
    writer = _core.StreamWriter(small_header(rows=0, intervals=[(3, 0)]))
    with pytest.raises(_core.CoreError, match="between begin and finish"):
        writer.chunk(0, 0, 4, 0, b"")
    writer.begin()
    with pytest.raises(_core.CoreError, match="already"):
        writer.begin()
    with pytest.raises(_core.CoreError, match="0 chunks"):
        writer.finish()
    writer.chunk(3, 0, 4, 0, b"")
    writer.chunk(0, 0, 4, 0, b"")
    with pytest.raises(_core.CoreError, match="2 chunks; expected 4"):
        writer.finish()
    writer.chunk(1, 0, 4, 0, b"")
    writer.chunk(2, 0, 4, 0, b"")
    assert writer.rows == 8
    writer.finish()
    with pytest.raises(_core.CoreError, match="finished"):
        writer.finish()
    with pytest.raises(_core.CoreError, match="between begin and finish"):
        writer.chunk(4, 0, 4, 0, b"")
