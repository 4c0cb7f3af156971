"""Golden streams, valid and invalid: two readers agree with what is written down of them."""

import json
from pathlib import Path

import pytest

from container_cases import describe, describe_chunks, describe_reference, error_name
from golden import make_container
from hyspec import _core
from reference import container

GOLDEN = Path(make_container.FOLDER)
EXPECTED = json.loads((GOLDEN / make_container.EXPECTED).read_text(encoding="utf-8"))
VALID = [name for name, what in EXPECTED.items() if "header" in what]
INVALID = [name for name, what in EXPECTED.items() if "header" not in what]


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
