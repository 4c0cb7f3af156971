"""Bad use and bad data of all programs: exit codes, ``error:`` and ``hint:`` lines."""

import os
import sys

import numpy as np
import pytest

import hyspec
from hyspec_tools import compare, decode, encode, info

# ---- bad use: exit code 2 ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("main", "arguments"),
    [
        (encode.main, []),
        (encode.main, ["a.hdr"]),
        (encode.main, ["a.hdr", "b.hyc", "--colour"]),
        (encode.main, ["a.hdr", "b.hyc", "--profile", "wavelet"]),
        (encode.main, ["a.hdr", "b.hyc", "--quality", "good"]),
        (encode.main, ["a.hdr", "b.hyc", "--interleave", "bib"]),
        (encode.main, ["a.hdr", "b.hyc", "c.hyc"]),
        (decode.main, []),
        (decode.main, ["a.hyc"]),
        (decode.main, ["a.hyc", "b.npy", "--rows"]),
        (decode.main, ["a.hyc", "b.npy", "--threads", "many"]),
        (info.main, []),
        (compare.main, ["a.hdr"]),
    ],
)
def test_usage(run, main, arguments):
    done = run(main, *arguments)
    assert (done.code, done.out) == (2, "")
    error, hint = done.err.splitlines()
    assert error.startswith("error: ")
    assert hint == f"hint: see {sys.modules[main.__module__].parser().prog} --help"


RAW = ["--shape", "2x3x4", "--dtype", "uint8", "--interleave", "bil"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--quality", "101"], "quality is 101"),
        (["--quality", "-1"], "quality is -1"),
        (["--quality", "nan"], "quality is nan"),
        (["--bps", "0"], "bps is 0"),
        (["--psnr", "-3"], "psnr is -3"),
        (["--rmse", "inf"], "rmse is inf"),
        (["--bps", "1", "--psnr", "40"], "found 2 targets (bps, psnr)"),
        (["--float-step", "0"], "step is 0"),
        (["--float-step", "2"], "for floating-point cubes"),
        (["--threads", "0"], "argument --threads: found '0'; expected a whole number of at least"),
        (["--threads", "²"], "found '²'"),
        (["--tile", "0"], "tile is (0,)"),
        (["--tile", "16x"], "--tile is '16x'"),
        (["--tile", "²"], "--tile is '²'"),
        (["--tile", "8x²"], "--tile is '8x²'"),
        (["--tile", "٣"], "--tile is '٣'"),
        (["--tile", "9" * 5000], "--tile is '999"),
        (["--shape", "2x3x²", *RAW[2:]], "--shape is '2x3x²'"),
        (["--tile", "1x2x3"], "--tile is '1x2x3'"),
        (["--intervals", "1-3"], "intervals end at band 3"),
        (["--joint"], "no transform that intervals could share"),
        (["--bad-bands", "skip"], "bad_bands is 'skip'"),
        (["--intervals", "many"], "'many'"),
        (["--shape", "2x3", *RAW[2:]], "--shape is '2x3'"),
        (["--shape", "0x3x4", *RAW[2:]], "--shape is '0x3x4'"),
        (RAW[:2], "its type and order"),
        (RAW[:4], "its type and order"),
        (RAW[2:], "describe raw data"),
        ([*RAW[:3], "text", *RAW[4:]], "'text'"),
        ([*RAW, "--offset", "-1"], "offset -1"),
        (["--axes", "xyz"], "'xyz'"),
    ],
)
def test_bad_use_of_encode(run, tmp_path, tiny_pack, arguments, message):
    np.save(tmp_path / "a.npy", np.zeros((2, 3, 4), np.uint8))
    done = run(encode.main, tmp_path / "a.npy", tmp_path / "b.hyc", "--pack", tiny_pack, *arguments)
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith("error: ")
    assert message in done.err
    assert [path.name for path in tmp_path.iterdir()] == ["a.npy"]


def test_bad_use_of_decode(run, tmp_path, scene_hyc, tiny_pack):
    target = tmp_path / "a.npy"
    done = run(decode.main, scene_hyc, target, "--pack", tiny_pack, "--threads", "0")
    assert done.code == 2
    assert done.err.startswith("error: argument --threads: found '0'; expected a whole number")
    assert not target.exists()


# ---- bad data: exit code 1 -----------------------------------------------------------------------


def absent(_):
    pass


def empty(path):
    path.write_bytes(b"")


def folder(path):
    path.mkdir()


def not_an_array(path):
    path.write_bytes(b"\x93NUMPY and so on")


def truncated(path):
    np.save(path, np.zeros((8, 8, 8), np.uint8))
    path.write_bytes(path.read_bytes()[:-1])


def one_axis(path):
    np.save(path, np.zeros(8))


def infinite(path):
    np.save(path, np.full((4, 4, 4), np.inf))


def complex_samples(path):
    np.save(path, np.zeros((4, 4, 4), np.complex64))


@pytest.mark.parametrize(
    "make",
    [absent, empty, folder, not_an_array, truncated, one_axis, infinite, complex_samples],
)
def test_bad_inputs(run, tmp_path, tiny_pack, make):
    make(tmp_path / "a.npy")
    before = sorted(tmp_path.iterdir())
    done = run(encode.main, tmp_path / "a.npy", tmp_path / "b.hyc", "--pack", tiny_pack)
    assert (done.code, done.out) == (1, "")
    lines = done.err.splitlines()
    assert lines[0].startswith("error: ")
    assert all(line.startswith("hint: ") for line in lines[1:])
    assert len(lines) <= 2
    assert sorted(tmp_path.iterdir()) == before


@pytest.mark.parametrize("change", [-1, 1, -1000])
def test_envi_header_that_disagrees_with_its_data(run, scene_hdr, tiny_pack, change):
    data = scene_hdr.with_suffix(".img")
    content = data.read_bytes() + bytes(8)
    data.write_bytes(content[: len(content) - 8 + change])
    done = run(encode.main, scene_hdr, scene_hdr.with_name("b.hyc"), "--pack", tiny_pack)
    assert done.code == 1
    assert f"found {len(content) - 8 + change} bytes; expected {len(content) - 8} bytes" in done.err
    assert not scene_hdr.with_name("b.hyc").exists()


def test_raw_file_of_another_size(run, tmp_path, tiny_pack):
    (tmp_path / "a.raw").write_bytes(bytes(25))
    done = run(encode.main, tmp_path / "a.raw", tmp_path / "b.hyc", "--pack", tiny_pack, *RAW)
    assert done.code == 1
    assert "found 25 bytes; expected 24 bytes" in done.err


def test_target_out_of_reach(run, scene_hdr, tiny_pack):
    target = scene_hdr.with_name("b.hyc")
    done = run(encode.main, scene_hdr, target, "--pack", tiny_pack, "--bps", "30")
    assert done.code == 1
    assert "hint: what can be reached is " in done.err
    assert not target.exists()


@pytest.mark.parametrize(
    ("main", "arguments"),
    [
        (encode.main, ["scene.hdr", "b.hyc"]),
        (decode.main, ["scene.hyc", "b.npy"]),
        (info.main, ["scene.hyc", "--check"]),
        (compare.main, ["scene.hdr", "scene.hyc"]),
    ],
)
@pytest.mark.usefixtures("scene_hdr", "scene_hyc")
def test_unknown_pack(run, tmp_path, monkeypatch, main, arguments):
    monkeypatch.chdir(tmp_path)
    done = run(main, *arguments, "--pack", "no-such-pack")
    assert (done.code, done.out) == (1, "")
    assert "error: no pack 'no-such-pack'" in done.err
    assert "hint: shipped packs: " in done.err


def test_package_that_is_not_installed(run, tmp_path, tiny_pack, monkeypatch, scene_cube):
    pytest.importorskip("scipy.io")
    hyspec.io.write(tmp_path / "a.mat", scene_cube)
    monkeypatch.setitem(sys.modules, "scipy.io", None)
    monkeypatch.setitem(sys.modules, "scipy", None)
    done = run(encode.main, tmp_path / "a.mat", tmp_path / "b.hyc", "--pack", tiny_pack)
    assert done.code == 1
    assert "hyspec[formats]" in done.err


@pytest.mark.parametrize(
    ("main", "arguments"),
    [
        (encode.main, ["pipe", "b.hyc"]),
        (encode.main, ["/dev/zero", "b.hyc", *RAW]),
        (decode.main, ["pipe", "b.npy"]),
        (info.main, ["pipe"]),
        (info.main, ["folder"]),
        (info.main, ["/dev/null"]),
    ],
)
def test_no_regular_file(run, tmp_path, monkeypatch, main, arguments):
    monkeypatch.chdir(tmp_path)
    os.mkfifo("pipe")
    (tmp_path / "folder").mkdir()
    done = run(main, *arguments)
    assert (done.code, done.out) == (1, "")
    assert done.err.startswith(f"error: {arguments[0]} is not a regular file\nhint: ")
