"""hyspec-encode: inputs, settings, what it prints and what it writes."""

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
from hyspec_tools import common, measure, report
from hyspec_tools.encode import main, parser
from hyspec_tools.inputs import join_negative_values

KEYS = [
    "samples",
    "bytes",
    "bps",
    "psnr_db",
    "psnr_peak",
    "rmse",
    "max_abs_error",
    "sam_deg",
    "snr_db",
    "encode_seconds",
    "decode_seconds",
    "profile",
    "pack",
]


@pytest.fixture
def encode(run, tmp_path, tiny_pack):
    """Run hyspec-encode with the tiny pack, to out.hyc."""

    def encode(source, *arguments, output=tmp_path / "out.hyc"):
        return run(main, source, output, "--pack", tiny_pack, *arguments)

    return encode


@pytest.fixture
def out(tmp_path):
    return tmp_path / "out.hyc"


# ---- what it prints ------------------------------------------------------------------------------


def test_the_keys_are_fixed():
    assert list(report.KEYS) == KEYS


def test_json(encode, scene_hdr, scene_cube, out):
    done = encode(scene_hdr, "--json")
    record = done.json
    assert (done.code, done.err) == (0, "")
    assert list(record) == KEYS
    assert record["samples"] == scene_cube.array.size
    assert record["bytes"] == out.stat().st_size
    assert record["bps"] == 8 * record["bytes"] / record["samples"]
    assert record["encode_seconds"] > 0
    assert (record["profile"], record["pack"]) == ("band", "tiny")
    unknown = [key for key, value in record.items() if value is None]
    assert unknown == ["psnr_db", "psnr_peak", "rmse", "max_abs_error", "sam_deg", "snr_db",
                       "decode_seconds"]  # fmt: skip


def test_verify(encode, scene_hdr, scene_cube, tiny_pack, out):
    record = encode(scene_hdr, "--json", "--verify").json
    assert list(record) == KEYS
    decoded = hyspec.decode(out.read_bytes(), pack=tiny_pack)
    found = metrics.compare(scene_cube, decoded)
    assert record["psnr_db"] == found.psnr_db
    assert record["psnr_peak"] == float(np.ptp(scene_cube.array))
    assert record["rmse"] == found.rmse
    assert record["max_abs_error"] == found.max_abs_error
    assert record["sam_deg"] == pytest.approx(found.sam_deg, rel=1e-12)  # summed block by block
    assert record["snr_db"] == found.snr_db
    assert record["samples"] == scene_cube.array.size
    assert record["decode_seconds"] > 0


def opened_with(monkeypatch):
    """Note the settings and parts that streams are opened and read with."""
    found = []
    real = hyspec.Stream.read

    def opened(path, **settings):
        found.append(settings)
        return hyspec.Stream(path.read_bytes(), **settings)

    def read(self, *area, **settings):
        found.append(area)
        return real(self, *area, **settings)

    monkeypatch.setattr(hyspec, "open", opened)
    monkeypatch.setattr(hyspec.Stream, "read", read)
    return found


@pytest.mark.parametrize(
    ("limit", "blocks"),
    [
        (1 << 30, [((0, 40), (0, 36))]),
        (2 * 16 * 36 * 24 * 2, [((0, 32), (0, 36)), ((32, 40), (0, 36))]),
        (16 * 36 * 24 * 2, [((r, min(r + 16, 40)), (0, 36)) for r in (0, 16, 32)]),
        (1, [((r, min(r + 16, 40)), (c, c + 12)) for r in (0, 16, 32) for c in (0, 12, 24)]),
    ],
)
def test_verify_takes_little_memory(encode, scene_hdr, monkeypatch, limit, blocks):
    """It decodes blocks of whole tiles, with the threads asked for, and compares all of them."""
    arguments = (scene_hdr, "--json", "--force", "--verify", "--tile", "16x12", "--threads", "2")
    expected = encode(*arguments).json
    monkeypatch.setattr(measure, "_BLOCK_BYTES", limit)
    found = opened_with(monkeypatch)
    record = encode(*arguments).json
    assert found[0]["threads"] == 2
    assert found[1:] == blocks
    for key in set(KEYS) - {"encode_seconds", "decode_seconds"}:
        if isinstance(expected[key], float):
            assert record[key] == pytest.approx(expected[key], rel=1e-12), key
        else:
            assert record[key] == expected[key], key


def test_verify_of_a_cube_beyond_the_memory_limit(encode, scene_hdr, monkeypatch):
    """The limit protects from streams of others; this one is not thrown away for it."""
    monkeypatch.setattr(hyspec.decoder, "DEFAULT_MAX_BYTES", 1000)
    monkeypatch.setitem(hyspec.Stream.__init__.__kwdefaults__, "max_bytes", 1000)
    done = encode(scene_hdr, "--verify")
    assert (done.code, done.err) == (0, "")


def test_decoding_time_leaves_out_the_comparison(encode, scene_hdr, monkeypatch):
    real = metrics.Accumulator.add

    def slow(self, *blocks):
        time.sleep(0.5)
        real(self, *blocks)

    quick = encode(scene_hdr, "--verify", "--json").json["decode_seconds"]
    monkeypatch.setattr(metrics.Accumulator, "add", slow)
    record = encode(scene_hdr, "--verify", "--json", "--force").json
    assert 0 < record["decode_seconds"] < quick + 0.5


def test_progress_of_verification(encode, scene_hdr, monkeypatch):
    """Its phase counts every chunk of the stream once, and says so under its own name."""
    seen = []
    monkeypatch.setattr(common.ProgressBars, "__call__", lambda _, *report: seen.append(report))
    monkeypatch.setattr(measure, "_BLOCK_BYTES", 1)
    assert encode(scene_hdr, "--verify", "--tile", "16x12", "--intervals", "1-8,9-24").code == 0
    comparing = [report[1:] for report in seen if report[0] == "comparing"]
    assert comparing == [(k, 18) for k in range(1, 19)]
    assert "decoding" not in {report[0] for report in seen}


@pytest.mark.parametrize("value", [7, -9999])
def test_undefined_and_infinite_metrics_are_null(encode, tmp_path, value):
    np.save(tmp_path / "flat.npy", np.full((8, 8, 4), value, np.int16))
    record = encode(tmp_path / "flat.npy", "--nodata", -9999, "--json", "--verify").json
    assert list(record) == KEYS
    assert record["psnr_db"] is None
    assert record["rmse"] == (0 if value == 7 else None)
    table = encode(tmp_path / "flat.npy", "--nodata", -9999, "--verify", "--force").out
    assert ("infinite" if value == 7 else "undefined") in table


def test_table(encode, scene_hdr, out):
    done = encode(scene_hdr, "--verify")
    assert done.code == 0
    lines = dict(line.split(maxsplit=1) for line in done.out.splitlines())
    assert lines["samples"] == "34,560"
    assert lines["bytes"] == f"{out.stat().st_size:,}"
    assert lines["rate"].endswith("bit/sample")
    assert lines["PSNR"].endswith("dB")
    assert lines["pack"] == "tiny"
    assert "nan" not in done.out.lower()
    plain = encode(scene_hdr, "--force").out
    assert "PSNR" not in plain
    assert "decoding" not in plain


def test_quiet(encode, scene_hdr, out):
    done = encode(scene_hdr, "--quiet", "--verify")
    assert (done.code, done.out, done.err) == (0, "", "")
    assert out.exists()


def test_help_mentions_every_option(run):
    done = run(main, "--help")
    assert done.code == 0
    for action in parser()._actions:
        assert all(option in done.out for option in action.option_strings)
        assert action.help, action


# ---- settings ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "settings"),
    [
        ([], {}),
        (["--profile", "band", "--quality", "30"], {"quality": 30}),
        (["--bps", "0.2"], {"bps": 0.2}),
        (["--psnr", "28"], {"psnr": 28}),
        (["--rmse", "200"], {"rmse": 200}),
        (["--intervals", "auto"], {"intervals": "auto"}),
        (["--intervals", "1-4,5-24"], {"intervals": "1-4,5-24"}),
        (["--intervals", "seed"], {"intervals": "seed"}),
        (["--tile", "16"], {"tile": 16}),
        (["--tile", "16x8"], {"tile": (16, 8)}),
        (["--threads", "1"], {"threads": 1}),
    ],
)
def test_settings_reach_the_encoder(encode, scene_hdr, tiny_pack, out, arguments, settings):
    assert encode(scene_hdr, *arguments).code == 0
    assert out.read_bytes() == hyspec.encode(io.read(scene_hdr), pack=tiny_pack, **settings)


def test_float_step(encode, tmp_path, out, scene_cube):
    np.save(tmp_path / "f.npy", scene_cube.array.astype("f4") / 7)
    assert encode(tmp_path / "f.npy", "--float-step", "0.5").code == 0
    assert hyspec.Stream(out.read_bytes()).header.step == 0.5


@pytest.mark.parametrize("profile", ["spectral", "bounded"])
def test_profiles_that_do_not_exist_yet(encode, scene_hdr, out, profile):
    done = encode(scene_hdr, "--profile", profile)
    assert done.code == 2
    assert done.err.startswith(f"error: the {profile!r} profile is not implemented")
    assert "\nhint: use --profile band" in done.err
    assert not out.exists()


@pytest.mark.parametrize(
    "arguments",
    [
        ["--lossless"],
        ["--max-error", "3"],
        ["--profile", "bounded", "--lossless"],
        ["--profile", "bounded", "--max-error", "3"],
    ],
)
def test_bounded_errors_do_not_exist_yet(encode, scene_hdr, out, arguments):
    done = encode(scene_hdr, *arguments)
    assert done.code == 2
    assert "not implemented" in done.err
    assert not out.exists()


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
