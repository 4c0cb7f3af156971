"""hyspec-encode: the files that it reads and writes."""

import dataclasses
import os
import shutil
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

import hyspec
from hyspec import io, metrics
from hyspec_tools.encode import main
from hyspec_tools.inputs import join_negative_values

# ---- inputs --------------------------------------------------------------------------------------


@pytest.mark.parametrize("suffix", [".hdr", ".tif", ".npy", ".mat", ".h5"])
def test_formats(encode, tmp_path, scene_cube, tiny_pack, out, suffix):
    io.write(tmp_path / f"in{suffix}", scene_cube)
    assert encode(tmp_path / f"in{suffix}").code == 0
    decoded = hyspec.decode(out.read_bytes(), pack=tiny_pack)
    expected = hyspec.decode(hyspec.encode(scene_cube.array, pack=tiny_pack), pack=tiny_pack)
    if suffix == ".npy":  # has no wavelengths, and the intervals follow from them
        assert np.array_equal(decoded.array, expected.array)
    else:
        assert np.array_equal(decoded.wavelengths, scene_cube.wavelengths)
    assert metrics.psnr_db(scene_cube, decoded) > 25


def test_data_file_of_an_envi_cube(encode, scene_hdr, out):
    assert encode(scene_hdr.with_suffix(".img"), "--quiet").code == 0
    first = out.read_bytes()
    assert encode(scene_hdr, "--quiet", "--force").code == 0
    assert out.read_bytes() == first


def test_dataset_of_an_hdf5_file(encode, tmp_path, out, tiny_pack):
    h5py = pytest.importorskip("h5py")
    samples = np.random.default_rng(0).integers(0, 99, (9, 8, 7)).astype("u2")
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["group/first"] = samples
        file["group/second"] = samples + 500
    for arguments in (["a.h5:/group/second"], ["a.h5", "--variable", "/group/second"]):
        assert encode(tmp_path / arguments[0], *arguments[1:], "--force").code == 0
        assert hyspec.decode(out.read_bytes(), pack=tiny_pack).array.min() > 300


def test_fill_value_of_a_netcdf_file(encode, tmp_path, out):
    """NaN is the usual one, and has no place in the JSON of the metadata."""
    h5py = pytest.importorskip("h5py")
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["cube"] = np.random.default_rng(0).normal(size=(9, 8, 7)).astype("f4")
        file["cube"].attrs["_FillValue"] = np.float32("nan")
        file["cube"].attrs["valid_range"] = np.array([0.0, np.inf])
    assert encode(tmp_path / "a.h5").code == 0
    attributes = hyspec.Stream(out.read_bytes()).metadata["hdf5"]["attributes"]
    assert attributes == {"_FillValue": "nan", "valid_range": [0.0, "inf"]}


def test_variable_of_a_matlab_file(encode, tmp_path, out, tiny_pack):
    scipy_io = pytest.importorskip("scipy.io")
    samples = np.random.default_rng(0).integers(0, 99, (9, 8, 7)).astype("u2")
    scipy_io.savemat(tmp_path / "a.mat", {"first": samples, "second": samples + 500})
    done = encode(tmp_path / "a.mat")
    assert done.code == 1
    assert "--variable" in done.err
    assert encode(tmp_path / "a.mat", "--variable", "second").code == 0
    assert hyspec.decode(out.read_bytes(), pack=tiny_pack).array.min() > 300


@pytest.mark.parametrize(
    ("interleave", "axes"), [("bsq", (2, 0, 1)), ("bil", (0, 2, 1)), ("bip", (0, 1, 2))]
)
@pytest.mark.parametrize("order", ["little", "big"])
def test_raw(encode, tmp_path, scene_cube, tiny_pack, out, interleave, axes, order):
    stored = scene_cube.array.transpose(axes).astype(">u2" if order == "big" else "<u2")
    (tmp_path / "a.raw").write_bytes(b"header" + stored.tobytes())
    layout = ["--shape", "40x36x24", "--dtype", "uint16", "--interleave", interleave]
    done = encode(tmp_path / "a.raw", *layout, "--byte-order", order, "--offset", "6")
    assert done.code == 0
    assert out.read_bytes() == hyspec.encode(scene_cube.array, pack=tiny_pack)


@pytest.mark.parametrize("axes", ["brc", "cbr"])
def test_axes(encode, tmp_path, scene_cube, out, axes):
    stored = scene_cube.array.transpose(["rcb".index(name) for name in axes])
    np.save(tmp_path / "a.npy", stored)
    assert encode(tmp_path / "a.npy", "--axes", axes).code == 0
    assert hyspec.Stream(out.read_bytes()).shape == scene_cube.shape


@pytest.mark.parametrize("text", ["-9999", "-9999.0", "-3.4028235e+38", "-inf", "nan", "1e3"])
@pytest.mark.parametrize("joined", [False, True])
def test_nodata(encode, tmp_path, out, text, joined):
    """Also in a form that argparse by itself takes for an option."""
    samples = np.random.default_rng(0).normal(size=(8, 8, 3)).astype("f4")
    samples[2, 3] = np.float32(text)
    np.save(tmp_path / "a.npy", samples)
    done = encode(tmp_path / "a.npy", *([f"--nodata={text}"] if joined else ["--nodata", text]))
    assert done.code == 0
    found = hyspec.Stream(out.read_bytes()).nodata
    assert found == np.float32(text) or (text == "nan" and np.isnan(found))


def test_only_values_are_joined():
    words = ["-x", "--nodata", "-1e9", "--quiet", "--rows", "-3:", "--bands", "--json", "-1"]
    joined = ["-x", "--nodata=-1e9", "--quiet", "--rows=-3:", "--bands", "--json", "-1"]
    assert join_negative_values(words) == joined


# ---- outputs -------------------------------------------------------------------------------------


def files(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}


def test_nothing_but_the_output_is_written(encode, scene_hdr, tmp_path):
    before = files(tmp_path)
    encode(scene_hdr, "--verify")
    after = files(tmp_path)
    assert after.pop("out.hyc")
    assert after == before


def test_existing_output(encode, scene_hdr, out):
    out.write_bytes(b"precious")
    done = encode(scene_hdr)
    assert done.code == 2
    assert "exists already" in done.err
    assert "--force" in done.err
    assert out.read_bytes() == b"precious"
    assert encode(scene_hdr, "--force").code == 0
    assert out.read_bytes() != b"precious"


@pytest.mark.parametrize("name", ["scene.hdr", "scene.img", "link", "hard", "./sub/../scene.img"])
@pytest.mark.parametrize("source", ["scene.hdr", "scene.img"])
@pytest.mark.parametrize("force", [[], ["--force"]])
@pytest.mark.usefixtures("scene_hdr")
def test_the_input_is_never_overwritten(encode, tmp_path, name, source, force):
    """Under whatever name, and an ENVI cube is two files."""
    (tmp_path / "sub").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "scene.img")
    os.link(tmp_path / "scene.img", tmp_path / "hard")
    before = files(tmp_path)
    done = encode(tmp_path / source, *force, output=tmp_path / name)
    assert done.code == 2
    assert "is the input itself" in done.err
    assert files(tmp_path) == before


def test_the_input_is_never_overwritten_with_a_dataset_in_its_name(encode, tmp_path, scene_cube):
    io.write(tmp_path / "a.h5", scene_cube)
    before = files(tmp_path)
    for source in ("a.h5", "a.h5:/cube", "a.h5:cube"):
        done = encode(tmp_path / source, "--force", output=tmp_path / "a.h5")
        assert (done.code, files(tmp_path)) == (2, before)


@pytest.mark.parametrize("output", ["no/such/folder/a.hyc", "."])
def test_outputs_that_cannot_be(encode, scene_hdr, tmp_path, output):
    done = encode(scene_hdr, output=tmp_path / output)
    assert done.code == 2
    assert done.err.startswith("error: ")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_folder_that_is_read_only(encode, scene_hdr, tmp_path):
    folder = tmp_path / "locked"
    folder.mkdir(mode=0o500)
    done = encode(scene_hdr, output=folder / "a.hyc")
    assert done.code == 1
    assert "Permission denied" in done.err


@pytest.mark.parametrize("previous", [None, b"precious"])
@pytest.mark.parametrize("failure", [OSError(28, "No space left on device"), KeyboardInterrupt()])
@pytest.mark.parametrize("after", [0, 1, 5])
def test_interrupted_writing_leaves_nothing(
    monkeypatch, encode, scene_hdr, tmp_path, out, previous, failure, after
):
    real = hyspec.encode_to

    def failing(cube, write, *rest):
        pieces = [0]

        def limited(data):
            pieces[0] += 1
            if pieces[0] > after:
                raise failure
            write(data)

        return real(cube, limited, *rest)

    monkeypatch.setattr(hyspec, "encode_to", failing)
    if previous:
        out.write_bytes(previous)
    before = files(tmp_path)
    done = encode(scene_hdr, "--force", "--tile", "8")
    if isinstance(failure, OSError):
        assert done.code == 1
        assert done.err.startswith(f"error: cannot write {out}: No space left on device\nhint: ")
    else:
        assert (done.code, done.err) == (130, "error: interrupted\n")
    assert files(tmp_path) == before


def test_a_target_between_two_steps_is_a_warning(monkeypatch, encode, scene_hdr, out):
    real = hyspec.encode_to
    told = "no rate near 2 bit/sample exists for this cube: 1.9 bit/sample was taken"
    monkeypatch.setattr(
        hyspec, "encode_to", lambda *all_: dataclasses.replace(real(*all_), missed=told)
    )
    done = encode(scene_hdr, "--quiet")
    assert (done.code, done.err) == (0, f"warning: {told}\n")
    assert out.exists()


def test_failed_verification_leaves_nothing(monkeypatch, encode, scene_hdr, tmp_path):
    """A stream that does not decode is not handed over."""

    def broken(*_args, **_kwargs):
        raise hyspec.errors.StreamError("tile 0: damaged")

    monkeypatch.setattr(hyspec, "open", broken)
    before = files(tmp_path)
    done = encode(scene_hdr, "--verify")
    assert (done.code, files(tmp_path)) == (1, before)


# ---- as a program --------------------------------------------------------------------------------


def program(*arguments, **options):
    name = shutil.which("hyspec-encode", path=os.path.dirname(sys.executable))  # noqa: PTH120
    assert name, "install the package to have its programs"
    return subprocess.run([name, *map(str, arguments)], capture_output=True, text=True, **options)


@pytest.mark.usefixtures("scene_hdr")
def test_installed_program(tmp_path, tiny_pack):
    done = program("scene.hdr", "a.hyc", "--pack", tiny_pack, cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")  # no progress bar: stderr is no terminal
    assert "bit/sample" in done.stdout
    again = program("scene.hdr", "a.hyc", "--pack", tiny_pack, cwd=tmp_path)
    assert again.returncode == 2
    assert again.stderr.startswith("error: a.hyc exists already\nhint: ")


@pytest.mark.parametrize(
    ("number", "code", "message"),
    [
        (signal.SIGINT, 130, "interrupted"),
        (signal.SIGTERM, 143, "stopped by SIGTERM"),
        (signal.SIGHUP, 129, "stopped by SIGHUP"),
    ],
)
def test_signal_leaves_nothing(tmp_path, tiny_pack, number, code, message):
    np.save(tmp_path / "a.npy", np.random.default_rng(0).integers(0, 999, (600, 600, 60), "u2"))
    script = "from hyspec_tools.encode import main; raise SystemExit(main())"
    process = subprocess.Popen(
        [sys.executable, "-c", script, "a.npy", "a.hyc", "--pack", str(tiny_pack),
         "--tile", "4", "--threads", "1"],
        cwd=tmp_path, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    deadline = time.monotonic() + 60
    while not any(path.stat().st_size for path in tmp_path.glob(".a.*.hyc")):
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.01)
    process.send_signal(number)
    _, said = process.communicate(timeout=30)
    assert (process.returncode, said) == (code, f"error: {message}\n")
    assert [path.name for path in tmp_path.iterdir()] == ["a.npy"]


@pytest.mark.parametrize("name", ["out.hdr", "out.tif", "out.npy", "out.mat"])
def test_a_stream_does_not_get_the_name_of_a_cube(scene_hdr, tiny_pack, tmp_path, capsys, name):
    assert main([str(scene_hdr), str(tmp_path / name), "--pack", str(tiny_pack)]) == 2
    assert "out.hyc" in capsys.readouterr().err
    assert not (tmp_path / name).exists()
