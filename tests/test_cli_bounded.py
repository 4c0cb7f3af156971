"""The programs with the bounded profile: its options, what they report, and what they refuse."""

import io
import sys

import numpy as np
import pytest

import hyspec
from hyspec_tools import decode, info, report
from hyspec_tools.encode import main
from stream_cases import with_byte_flipped


@pytest.fixture
def bounded(run, scene_hdr, out):
    """Run hyspec-encode on the scene."""
    return lambda *arguments: run(main, scene_hdr, out, *arguments)


@pytest.mark.parametrize("profile", [(), ("--profile", "bounded")])
def test_lossless(bounded, profile, out, scene_cube):
    record = bounded("--lossless", *profile, "--json", "--verify").json
    assert list(record) == list(report.KEYS)
    assert (record["profile"], record["pack"]) == ("bounded", None)
    assert (record["max_abs_error"], record["rmse"], record["psnr_db"]) == (0, 0, None)
    assert record["bytes"] == out.stat().st_size
    assert np.array_equal(hyspec.decode(out.read_bytes()).array, scene_cube.array)


@pytest.mark.parametrize("profile", [(), ("--profile", "bounded")])
def test_max_error(bounded, profile, out, scene_hdr):
    record = bounded("--max-error", "1", *profile, "--json", "--verify").json
    assert (record["max_abs_error"], record["pack"]) == (1, None)
    assert record["ways"] == {"prediction": 1}
    assert out.read_bytes() == hyspec.encode(hyspec.io.read(scene_hdr), max_error=1)


def test_corrections(bounded, run, out, tiny_spectral_pack):
    """Of one of two tiles; both programs say so."""
    limit = ("--max-error", 170, "--tile", 20, "--force")
    shown = bounded(*limit, "--pack", tiny_spectral_pack).out
    assert "1 corrections, 1 prediction\n" in shown
    record = bounded(*limit, "--pack", tiny_spectral_pack, "--json", "--verify").json
    ways = {"corrections": 1, "prediction": 1}
    assert (record["pack"], record["ways"]) == ("tiny-spectral", ways)
    assert 100 < record["max_abs_error"] <= 170
    assert run(info.main, out, "--json").json["ways"] == ways
    assert "2 chunks: 1 corrections, 1 prediction\n" in run(info.main, out).out
    assert run(info.main, out, "--check", "--pack", tiny_spectral_pack).code == 0
    predicted = bounded(*limit, "--fast", "--json").json
    assert (predicted["pack"], predicted["ways"]) == (None, {"prediction": 2})


def test_corrections_of_large_errors_make_small_streams(bounded, tiny_spectral_pack):
    limit = ("--max-error", 400, "--json", "--force")
    record = bounded(*limit, "--pack", tiny_spectral_pack).json
    assert record["ways"] == {"corrections": 1}
    assert record["bytes"] < bounded(*limit, "--fast").json["bytes"]


def test_other_profiles_have_one_way(run, out, scene_hdr, scene_hyc, tiny_spectral_pack):
    done = run(main, scene_hdr, out, "--pack", tiny_spectral_pack, "--json")
    assert done.json["ways"] == {}
    assert run(info.main, scene_hyc, "--json").json["ways"] == {}
    done = run(main, scene_hdr, out, "--pack", tiny_spectral_pack, "--force")
    assert "chunks" not in done.out


def test_max_relative_error(bounded, out, scene_hdr, scene_cube):
    assert bounded("--max-relative-error", "0.02", "--max-error", "30", "--verify").code == 0
    source = hyspec.io.read(scene_hdr)
    expected = hyspec.encode(source, max_relative_error=0.02, max_error=30)
    assert out.read_bytes() == expected
    found = hyspec.decode(expected).array.astype(int)
    errors = np.abs(found - scene_cube.array)
    assert np.all(errors <= np.minimum(0.02 * scene_cube.array, 30))
    assert errors.max() == 30


def test_an_error_for_each_band(bounded, out, scene_hdr, scene_cube):
    limits = [band % 4 for band in range(24)]  # some are too small for corrections
    assert bounded("--max-error", ",".join(map(str, limits))).code == 0
    assert out.read_bytes() == hyspec.encode(hyspec.io.read(scene_hdr), max_error=limits)
    found = hyspec.decode(out.read_bytes()).array.astype(int)
    assert np.abs(found - scene_cube.array).max((0, 1)).tolist() == limits


def test_the_table_names_no_pack(bounded):
    done = bounded("--lossless")
    assert "bounded" in done.out
    assert "None" not in done.out


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["--profile", "bounded"], "--lossless or --max-error"),
        (["--profile", "bounded", "--bps", "1"], "--lossless or --max-error"),
        (["--lossless", "--bps", "1"], "2 targets (bps, lossless)"),
        (["--lossless", "--psnr", "50"], "2 targets (psnr, lossless)"),
        (["--max-error", "2", "--rmse", "1"], "2 targets (rmse, max_error)"),
        (["--max-error", "2", "--quality", "1"], "2 targets (quality, max_error)"),
        (["--max-error", "2", "--lossless"], "2 targets (max_error, lossless)"),
        (["--lossless", "--profile", "spectral"], "needs the profile 'bounded', not 'spectral'"),
        (["--max-error", "2", "--profile", "band"], "needs the profile 'bounded', not 'band'"),
        (["--max-error", "-1"], "expected a number of at least 0"),
        (["--max-error", "nan"], "expected a number of at least 0"),
        (["--max-error", "1,2"], "2 values; expected one, or 24"),
        (["--max-error", "1,x"], "one for each band"),
        (["--max-error", ""], "one for each band"),
        (["--max-relative-error", "0.1", "--lossless"], "2 targets (max_relative_error, lossless)"),
        (["--max-relative-error", "0.1", "--bps", "1"], "2 targets (bps, max_relative_error)"),
        (["--max-relative-error", "0"], "expected a number above 0 and below 1"),
        (["--max-relative-error", "1"], "expected a number above 0 and below 1"),
        (["--max-relative-error", "nan"], "expected a number above 0 and below 1"),
        (["--max-relative-error", "0.1", "--profile", "band"], "needs the profile 'bounded'"),
        (["--lossless", "--network", "0"], "no networks"),
        (["--lossless", "--precision", "int8"], "no networks"),
        (["--lossless", "--bad-bands", "drop"], "none is dropped"),
        (["--lossless", "--metric", "sam"], "no metric"),
        (["--lossless", "--joint"], "no transform"),
        (["--lossless", "--float-step", "1"], "floating-point"),
    ],
)
def test_what_is_refused(bounded, out, arguments, text):
    done = bounded(*arguments)
    assert done.code == 2
    assert text in done.err
    assert not out.exists()


def test_a_pack_of_another_profile(bounded, out, tiny_pack):
    done = bounded("--max-error", "9", "--pack", tiny_pack)
    assert done.code == 1
    assert "serves profile 'band'" in done.err
    assert not out.exists()


def test_floats_that_cannot_be_lossless(run, tmp_path, out, scene_cube):
    np.save(tmp_path / "f.npy", scene_cube.array.astype("f4") / 7)
    done = run(main, tmp_path / "f.npy", out, "--lossless")
    assert done.code == 1
    assert "not all whole numbers" in done.err
    assert "--float-step" in done.err
    assert not out.exists()
    bound = ("--max-error", "0.01", "--fast")
    record = run(main, tmp_path / "f.npy", out, *bound, "--json", "--verify").json
    assert 0 < record["max_abs_error"] <= 0.01


def test_info(bounded, run, out):
    bounded("--lossless", "--tile", "16", "--intervals", "1-8,9-24")
    done = run(info.main, out, "--json", "--check")
    assert done.code == 0
    values = done.json
    assert (values["profile"], values["pack"], values["pack_id"]) == ("bounded", None, None)
    assert (values["chunks"], values["damage"], values["index"]) == (6, [], "sound")
    assert values["error_limits"] == {"max_error": 0, "max_relative_error": None}
    text = run(info.main, out).out
    assert "bounded" in text
    assert "errors       none" in text
    assert "pack" not in text
    out.write_bytes(with_byte_flipped(out.read_bytes(), out.stat().st_size // 2))
    assert run(info.main, out, "--check").code == 1


def test_info_of_limits(bounded, run, out):
    bounded("--max-relative-error", "0.25", "--max-error", "3")
    assert run(info.main, out, "--json").json["error_limits"] == {
        "max_error": 3,
        "max_relative_error": 0.25,
    }
    assert "errors       at most 3 and at most 0.25 of the sample" in run(info.main, out).out


def test_decode(bounded, run, out, tmp_path, scene_cube):
    bounded("--lossless", "--tile", "16")
    area = ("--rows", "3:30", "--cols", "5:9", "--bands", "2:4")
    assert run(decode.main, out, tmp_path / "part.npy", *area).code == 0
    assert np.array_equal(np.load(tmp_path / "part.npy"), scene_cube.array[3:30, 5:9, 2:4])
    entry = hyspec.Stream(out.read_bytes()).index.chunks[1]
    out.write_bytes(with_byte_flipped(out.read_bytes(), entry.offset + entry.length - 1))
    assert run(decode.main, out, tmp_path / "whole.npy").code == 1
    done = run(decode.main, out, tmp_path / "whole.npy", "--recover")
    assert "tile 1" in done.err
    found = np.load(tmp_path / "whole.npy")
    assert not found[16:32].any()
    found[16:32] = scene_cube.array[16:32]
    assert np.array_equal(found, scene_cube.array)


@pytest.fixture
def piped(run, out, scene_cube, monkeypatch):
    """Run hyspec-encode on the lines of the scene."""
    lines = np.ascontiguousarray(scene_cube.array.transpose(0, 2, 1), "<u2")
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(lines.tobytes())))
    shape = ("--shape", "36x24", "--dtype", "uint16", "--interleave", "bil")
    return lambda *arguments: run(main, "-", out, *shape, *arguments)


def test_corrected_lines_from_a_pipe(piped, out, scene_cube, tiny_spectral_pack):
    record = piped("--max-error", 170, "--tile", 20, "--pack", tiny_spectral_pack, "--json").json
    assert record["ways"] == {"corrections": 1, "prediction": 1}
    found = hyspec.decode(out.read_bytes(), pack=tiny_spectral_pack).array.astype(int)
    assert np.abs(found - scene_cube.array).max() <= 170


def test_lines_from_a_pipe(piped, out, scene_cube):
    record = piped("--lossless", "--tile", 16, "--json").json
    assert (record["profile"], record["pack"]) == ("bounded", None)
    assert np.array_equal(hyspec.decode(out.read_bytes()).array, scene_cube.array)
