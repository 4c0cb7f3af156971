"""hyspec-info: what a stream says of itself, and its check."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest

import hyspec
from hyspec_tools.info import main, parser


@pytest.fixture
def info(run, scene_hyc, tiny_pack):
    def info(*arguments, source=scene_hyc, pack=("--pack", tiny_pack)):
        return run(main, source, *arguments, *pack)

    return info


def spoil(path, position):
    data = bytearray(path.read_bytes())
    data[position] ^= 1
    path.write_bytes(data)


def test_json(info, scene_hyc, scene_cube, tiny_pack):
    record = info("--json").json
    assert [record[key] for key in ("rows", "columns", "bands")] == list(scene_cube.shape)
    assert (record["dtype"], record["step"]) == ("uint16", None)
    assert record["samples"] == scene_cube.array.size
    assert record["bytes"] == scene_hyc.stat().st_size
    assert record["bps"] == 8 * record["bytes"] / record["samples"]
    assert (record["profile"], record["pack"]) == ("band", "tiny")
    assert record["pack_id"] == hyspec.pack.identifier(tiny_pack).hex()
    assert [entry["bands"] for entry in record["intervals"]] == ["1-8", "9-20", "21-24"]
    assert (record["tile"], record["chunks"]) == ([16, 12], 27)
    assert record["nodata"] is None
    assert record["bad_bands"] == scene_cube.bad_bands.sum()
    assert record["wavelengths"] == scene_cube.wavelengths.tolist()
    assert record["wavelength_unit"] == "Nanometers"
    assert record["metadata"] == scene_cube.metadata
    assert record["format"] == "1.0"
    assert "damage" not in record


def test_needs_no_pack_without_check(info):
    assert info(pack=()).code == 0
    done = info("--check", pack=())
    assert done.code == 1
    assert "--pack" in done.err


def test_table(info):
    done = info()
    assert (done.code, done.err) == (0, "")
    lines = dict(line.split(maxsplit=1) for line in done.out.splitlines())
    assert lines["cube"] == "40 x 36 x 24 uint16"
    assert lines["tiles"] == "16 x 12; 27 chunks"
    assert lines["intervals"].startswith("1-8 (model 0), 9-20")
    assert lines["wavelengths"] == "420 to 2400 Nanometers"
    assert lines["metadata"] == "envi"


@pytest.mark.parametrize("nodata", [-9999.0, float("nan"), float("-inf")])
def test_numbers_that_json_lacks(info, run, tmp_path, tiny_pack, scene_cube, nodata):
    samples = scene_cube.array.astype("f4")
    samples[0] = nodata
    wavelengths = scene_cube.wavelengths.copy()
    wavelengths[3] = np.nan
    cube = dataclasses.replace(scene_cube, array=samples, nodata=nodata, wavelengths=wavelengths)
    path = tmp_path / "a.hyc"
    path.write_bytes(hyspec.encode(cube, pack=tiny_pack))
    record = info("--json", source=path).json
    assert record["nodata"] == (nodata if nodata == -9999 else str(nodata))
    assert record["wavelengths"][2:4] == [scene_cube.wavelengths[2], None]
    assert record["step"] == 1
    assert f"nodata       {nodata}" in run(main, path).out


def test_threads(info, monkeypatch):
    found = []

    def opened(*arguments, **settings):
        found.append(settings["threads"])
        return hyspec.Stream(Path(arguments[0]).read_bytes(), **settings)

    monkeypatch.setattr(hyspec, "open", opened)
    assert info("--check", "--threads", "2").code == 0
    assert found == [2]


def test_nothing_but_samples(info, tmp_path, tiny_pack):
    path = tmp_path / "a.hyc"
    path.write_bytes(hyspec.encode(np.ones((3, 3, 3), "u1"), pack=tiny_pack))
    done = info(source=path)
    assert done.code == 0
    for line in ("wavelengths  none", "nodata       none", "metadata     none"):
        assert line in done.out


# ---- check ---------------------------------------------------------------------------------------


def test_sound_stream(info):
    done = info("--check")
    assert done.code == 0
    assert "index        sound" in done.out
    assert "damage       none" in done.out
    record = info("--check", "--json").json
    assert (record["index"], record["damage"]) == ("sound", [])


def test_damaged_chunks(info, scene_hyc):
    chunks = hyspec.Stream(scene_hyc.read_bytes()).index.chunks
    for number in (4, 26):
        spoil(scene_hyc, chunks[number].offset + chunks[number].length - 1)
    done = info("--check")
    assert done.code == 1
    assert "damage       2 chunks" in done.out
    assert "  rows 0:16, columns 12:24, bands 8:20: tile 1, bands 9-20: " in done.out
    done = info("--check", "--json")
    assert done.code == 1
    first, second = done.json["damage"]
    assert {key: first[key] for key in ("tile", "rows", "columns", "bands")} == {
        "tile": 1,
        "rows": [0, 16],
        "columns": [12, 24],
        "bands": [8, 20],
    }
    assert second["tile"] == 8
    assert "checksum" in second["reason"]


def test_damaged_index(info, scene_hyc):
    size = scene_hyc.stat().st_size
    spoil(scene_hyc, size - 12)
    plain = info()
    assert plain.code == 1
    assert plain.err.startswith("error: cannot read the index")
    done = info("--check", "--json")
    assert done.code == 1
    assert (done.json["index"], done.json["damage"]) == ("rebuilt", [])


def test_cut_off_stream(info, scene_hyc):
    data = scene_hyc.read_bytes()
    chunks = hyspec.Stream(data).index.chunks
    scene_hyc.write_bytes(data[: chunks[20].offset + 5])
    done = info("--check", "--json")
    assert done.code == 1
    assert done.json["chunks"] == 20
    assert len(done.json["damage"]) == 7


@pytest.mark.parametrize("content", [b"", b"short", b"no stream " * 100])
@pytest.mark.parametrize("arguments", [[], ["--check"], ["--json"]])
def test_no_stream(info, tmp_path, content, arguments):
    path = tmp_path / "a.hyc"
    path.write_bytes(content)
    done = info(*arguments, source=path)
    assert (done.code, done.out) == (1, "")
    assert done.err.startswith("error: ")
    assert "\nhint: " in done.err


def test_damaged_header(info, scene_hyc):
    spoil(scene_hyc, 40)
    for arguments in ([], ["--check"]):
        done = info(*arguments)
        assert (done.code, done.out) == (1, "")


def test_help_mentions_every_option(run):
    done = run(main, "--help")
    assert done.code == 0
    for action in parser()._actions:
        assert all(option in done.out for option in action.option_strings)
        assert action.help, action
