"""Streams that writers make: round trips, golden files, and a second reader."""

import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from golden import make_container
from hyspec import _core
from reference import container

GOLDEN = Path(make_container.FOLDER)
EXPECTED = json.loads((GOLDEN / make_container.EXPECTED).read_text(encoding="utf-8"))
VALID = [name for name, what in EXPECTED.items() if "header" in what]
INVALID = [name for name, what in EXPECTED.items() if "header" not in what]

# ---- helpers


def describe(header: _core.Header) -> dict[str, Any]:
    """The header's values as in the golden files: what is absent left out, floats by repr."""
    floats = (header.wavelengths, header.fwhm)
    wavelengths, fwhm = ([repr(v) for v in values] if values else None for values in floats)
    values = {
        "minor_version": header.minor_version,
        "rows": header.rows,
        "columns": header.columns,
        "bands": header.bands,
        "sample_type": header.sample_type,
        "step": repr(header.step) if header.step is not None else None,
        "tile_rows": header.tile_rows,
        "tile_columns": header.tile_columns,
        "profile": header.profile,
        "profile_version": header.profile_version,
        "intervals": [list(interval) for interval in header.intervals],
        "wavelengths": wavelengths,
        "fwhm": fwhm,
        "wavelength_unit": header.wavelength_unit,
        "bad_bands": header.bad_bands,
        "pack": [header.pack[0].hex(), header.pack[1]] if header.pack else None,
        "metadata": header.metadata.hex(),
        "software": header.software,
        "nodata": repr(header.nodata) if header.nodata is not None else None,
        "unknown": [[tag, content.hex()] for tag, content in header.unknown],
    }
    return {name: value for name, value in values.items() if value not in (None, "", [])}


def describe_reference(header: dict[str, Any]) -> dict[str, Any]:
    """The same of what the plain-Python reader returns."""
    values = dict(header)
    for name in ("wavelengths", "fwhm"):
        if name in values:
            values[name] = [repr(v) for v in values[name]]
    for name in ("step", "nodata"):
        if name in values:
            values[name] = repr(values[name])
    if "pack" in values:
        values["pack"] = [values["pack"][0].hex(), values["pack"][1]]
    if "metadata" in values:
        values["metadata"] = values["metadata"].hex()
    values["intervals"] = [list(interval) for interval in values["intervals"]]
    values["unknown"] = [[tag, content.hex()] for tag, content in values["unknown"]]
    return {name: value for name, value in values.items() if value not in (None, "", [])}


def describe_chunks(data: bytes, index: _core.Index) -> list[dict[str, Any]]:
    result = []
    for entry in index.chunks:
        info = _core.check_chunk(data, entry)
        payload = data[info.payload_offset : info.payload_offset + info.payload_length]
        result.append(
            {
                "tile": entry.tile,
                "interval": entry.interval,
                "rows": entry.rows,
                "offset": entry.offset,
                "length": entry.length,
                "symbols_crc": info.symbols_crc,
                "payload": payload.hex(),
            }
        )
    return result


def error_name(error: _core.CoreError) -> str:
    code, offset, name, text = error.args
    assert isinstance(code, int)
    assert offset >= 0
    assert len(text) > 10
    return str(name)


# ---- golden files


def test_golden_files_are_those_that_the_script_makes() -> None:
    made = make_container.files()
    kept = {path.name: path.read_bytes() for path in GOLDEN.glob("v1.0-*")}
    assert kept == made


@pytest.mark.parametrize("name", VALID)
def test_golden_valid(name: str) -> None:
    data = (GOLDEN / name).read_bytes()
    expected = EXPECTED[name]
    header, size = _core.parse_preamble(data)
    assert describe(header) == expected["header"]
    assert _core.serialize_preamble(header) == data[:size]
    index = _core.read_index(data, header, size)
    assert not index.rebuilt
    assert index.rows == expected["rows"]
    assert describe_chunks(data, index) == expected["chunks"]


@pytest.mark.parametrize("name", VALID)
def test_golden_valid_with_second_reader(name: str) -> None:
    data = (GOLDEN / name).read_bytes()
    expected = EXPECTED[name]
    header, size = container.parse_preamble(data)
    assert describe_reference(header) == expected["header"]
    rows, entries = container.read_index(data, header, size)
    assert rows == expected["rows"]
    wanted = [[chunk[key] for key in ("tile", "interval", "rows")] for chunk in expected["chunks"]]
    assert [[e["tile"], e["interval"], e["rows"]] for e in entries] == wanted
    for entry, chunk in zip(entries, expected["chunks"], strict=True):
        found = container.parse_chunk_header(data, entry["offset"])
        assert container.payload(data, found).hex() == chunk["payload"]
        assert found["symbols_crc"] == chunk["symbols_crc"]
    scanned = [chunk["offset"] for chunk in container.scan(data, size) if chunk["kind"] == 1]
    assert scanned == [entry["offset"] for entry in entries]


@pytest.mark.parametrize("name", ["v1.0-minimal.hyc", "v1.0-full.hyc", "v1.0-unknown-rows.hyc"])
def test_golden_written_again(name: str) -> None:
    data = (GOLDEN / name).read_bytes()
    header, _ = _core.parse_preamble(data)
    writer = _core.StreamWriter(header)
    again = writer.begin()
    for chunk in EXPECTED[name]["chunks"]:
        again += writer.chunk(
            chunk["tile"],
            chunk["interval"],
            chunk["rows"],
            chunk["symbols_crc"],
            bytes.fromhex(chunk["payload"]),
        )
        assert writer.size == len(again)
    again += writer.finish()
    assert again == data
    assert writer.size == len(data)
    assert writer.rows == EXPECTED[name]["rows"]


def test_golden_metadata() -> None:
    header, _ = container.parse_preamble((GOLDEN / "v1.0-full.hyc").read_bytes())
    assert json.loads(container.metadata_text(header)) == {"envi": {"sensor type": "example"}}


@pytest.mark.parametrize("name", INVALID)
def test_golden_invalid(name: str) -> None:
    data = (GOLDEN / name).read_bytes()
    expected = EXPECTED[name]
    if expected["in"] == "header":
        with pytest.raises(_core.CoreError) as caught:
            _core.parse_preamble(data)
        assert error_name(caught.value) == expected["error"]
        with pytest.raises(container.FormatError):
            container.parse_preamble(data)
        return
    header, size = _core.parse_preamble(data)
    if expected["in"] == "chunk":
        index = _core.read_index(data, header, size)
        for number, entry in enumerate(index.chunks):
            if number != expected["chunk"]:
                _core.check_chunk(data, entry)
                continue
            with pytest.raises(_core.CoreError) as caught:
                _core.check_chunk(data, entry)
            assert error_name(caught.value) == expected["error"]
        return
    with pytest.raises(_core.CoreError) as caught:
        _core.read_index(data, header, size)
    assert error_name(caught.value) == expected["error"]
    with pytest.raises(container.FormatError):
        container.read_index(data, container.parse_preamble(data)[0], size)
    if "rebuilt" in expected:
        index = _core.rebuild_index(data, header, size)
        found = {"rows": index.rows, "tiles": [entry.tile for entry in index.chunks]}
        assert found == expected["rebuilt"]


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
