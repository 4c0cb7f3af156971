"""hyspec-compare: the metrics of two cubes, or of a cube and its stream."""

from pathlib import Path

import numpy as np
import pytest

import hyspec
from hyspec import Cube, io, metrics
from hyspec_tools import common, measure, report
from hyspec_tools.compare import main, parser
from hyspec_tools.encode import main as encode_main


@pytest.fixture
def pair(tmp_path, scene_cube):
    """Two ENVI cubes that differ by noise."""
    noise = np.random.default_rng(0).integers(-5, 6, scene_cube.shape)
    other = Cube((scene_cube.array + noise).clip(0).astype("u2"))
    io.write(tmp_path / "a.hdr", scene_cube)
    io.write(tmp_path / "b.hdr", other)
    return tmp_path / "a.hdr", tmp_path / "b.hdr"


def test_json(run, pair):
    record = run(main, *pair, "--json").json
    found = metrics.compare(io.read(pair[0]), io.read(pair[1]))
    assert list(record) == list(report.KEYS)
    for key in ("psnr_db", "psnr_peak", "rmse", "max_abs_error", "sam_deg", "snr_db"):
        assert record[key] == getattr(found, key)
    assert record["max_abs_error"] == 5
    assert record["samples"] == 40 * 36 * 24
    for key in ("bytes", "bps", "encode_seconds", "decode_seconds", "profile", "pack"):
        assert record[key] is None


def test_table(run, pair):
    done = run(main, *pair)
    assert (done.code, done.err) == (0, "")
    assert "maximum error    5" in done.out
    assert "rate" not in done.out


def test_identical_cubes(run, pair):
    record = run(main, pair[0], pair[0], "--json").json
    assert record["psnr_db"] is None
    assert record["snr_db"] is None
    assert record["rmse"] == 0
    assert "infinite" in run(main, pair[0], pair[0]).out


def test_identical_cubes_have_no_negative_zero(run, pair):
    assert "-0" not in run(main, pair[0], pair[0], "--json").out.replace("e-0", "")


@pytest.mark.parametrize("limit", [1, 3 * 36 * 24 * 2, 1 << 30])
def test_blocks(run, pair, monkeypatch, limit):
    """The numbers do not depend on how many rows are compared at a time."""
    seen = []
    monkeypatch.setattr(measure, "_BLOCK_BYTES", limit)
    monkeypatch.setattr(common.ProgressBars, "__call__", lambda _, *report: seen.append(report))
    record = run(main, *pair, "--json").json
    found = metrics.compare(io.read(pair[0]), io.read(pair[1]))
    for key in ("psnr_db", "psnr_peak", "rmse", "max_abs_error", "sam_deg", "snr_db"):
        assert record[key] == pytest.approx(getattr(found, key), rel=1e-12)
    assert seen[-1] == ("comparing", 40, 40)
    assert len(seen) == {1: 40, 3 * 36 * 24 * 2: 14}.get(limit, 1)


def test_variable_of_the_decoded_cube(run, tmp_path, scene_cube):
    h5py = pytest.importorskip("h5py")
    with h5py.File(tmp_path / "b.h5", "w") as file:
        file["first"] = scene_cube.array
        file["second"] = scene_cube.array + 2
    np.save(tmp_path / "a.npy", scene_cube.array)
    for name, error in (("/first", 0), ("/second", 2)):
        done = run(
            main, tmp_path / "a.npy", tmp_path / "b.h5", "--decoded-variable", name, "--json"
        )
        assert done.json["rmse"] == error


def test_a_stream_has_no_variables(run, scene_hdr, scene_hyc):
    done = run(main, scene_hdr, scene_hyc, "--decoded-variable", "cube")
    assert done.code == 2
    assert "hint: leave out --decoded-variable" in done.err


def test_shape_of_a_stream(run, tmp_path, scene_hyc, tiny_pack):
    np.save(tmp_path / "a.npy", np.zeros((40, 36, 23), "u2"))
    done = run(main, tmp_path / "a.npy", scene_hyc, "--pack", tiny_pack)
    assert (done.code, done.out) == (1, "")
    assert "has shape (40, 36, 24); the original has (40, 36, 23)" in done.err


def test_threads(run, scene_hdr, scene_hyc, tiny_pack, monkeypatch):
    found = []

    def opened(path, **settings):
        found.append(settings["threads"])
        return hyspec.Stream(Path(path).read_bytes(), **settings)

    monkeypatch.setattr(hyspec, "open", opened)
    assert run(main, scene_hdr, scene_hyc, "--pack", tiny_pack, "--threads", "2").code == 0
    assert found == [2]


@pytest.mark.parametrize("name", ["a.hyc", "a.HYC"])
def test_stream(run, scene_hdr, tmp_path, tiny_pack, name):
    """The same numbers as those of hyspec-encode --verify."""
    path = tmp_path / name
    verified = run(encode_main, scene_hdr, path, "--pack", tiny_pack, "--verify", "--json").json
    done = run(main, scene_hdr, path, "--pack", tiny_pack, "--json")
    assert done.code == 0
    for key in set(report.KEYS) - {"encode_seconds", "decode_seconds"}:
        assert done.json[key] == verified[key], key
    assert done.json["encode_seconds"] is None
    assert done.json["decode_seconds"] > 0


def test_stream_with_nodata(run, tmp_path, nodata_cube, tiny_pack):
    """Rates count every sample, metrics the valid ones."""
    io.write(tmp_path / "a.hdr", nodata_cube)
    data = hyspec.encode(nodata_cube, pack=tiny_pack)
    (tmp_path / "a.hyc").write_bytes(data)
    record = run(main, tmp_path / "a.hdr", tmp_path / "a.hyc", "--pack", tiny_pack, "--json").json
    assert record["samples"] == nodata_cube.array.size
    assert record["bps"] == 8 * len(data) / nodata_cube.array.size
    decoded = hyspec.decode(data, pack=tiny_pack)
    assert record["rmse"] == metrics.rmse(nodata_cube, decoded)
    assert record["rmse"] < 1000  # -9999 is not among what is compared


def test_nodata_of_the_original(run, tmp_path):
    first = np.full((4, 4, 2), 10, np.int16)
    second = first + 1
    first[0] = -1
    np.save(tmp_path / "a.npy", first)
    np.save(tmp_path / "b.npy", second)
    for nodata in (["--nodata", "-1"], ["--nodata=-1"]):
        assert (
            run(main, tmp_path / "a.npy", tmp_path / "b.npy", *nodata, "--json").json["rmse"] == 1
        )


def test_raw_original(run, tmp_path, scene_cube):
    (tmp_path / "a.raw").write_bytes(scene_cube.array.tobytes())
    np.save(tmp_path / "b.npy", scene_cube.array)
    layout = ["--shape", "40x36x24", "--dtype", "uint16", "--interleave", "bip"]
    assert run(main, tmp_path / "a.raw", tmp_path / "b.npy", *layout, "--json").json["rmse"] == 0


@pytest.mark.parametrize("shape", [(39, 36, 24), (36, 40, 24), (40, 36, 1)])
@pytest.mark.parametrize("arguments", [[], ["--json"]])
def test_different_shapes(run, tmp_path, pair, shape, arguments):
    np.save(tmp_path / "c.npy", np.zeros(shape, "u2"))
    done = run(main, pair[0], tmp_path / "c.npy", *arguments)
    assert (done.code, done.out) == (1, "")
    assert str(shape) in done.err
    assert "(40, 36, 24)" in done.err
    assert "\nhint: " in done.err


def test_damaged_stream(run, scene_hdr, scene_hyc, tiny_pack):
    scene_hyc.write_bytes(scene_hyc.read_bytes()[:-30])
    done = run(main, scene_hdr, scene_hyc, "--pack", tiny_pack)
    assert (done.code, done.out) == (1, "")


def test_help_mentions_every_option(run):
    done = run(main, "--help")
    assert done.code == 0
    for action in parser()._actions:
        assert all(option in done.out for option in action.option_strings)
        assert action.help, action
