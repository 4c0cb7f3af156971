"""What all programs have in common: exit codes, ``error:`` and ``hint:`` lines, help."""

import argparse
import errno
import importlib
import importlib.metadata
import io
import os
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import hyspec
from hyspec import errors
from hyspec_tools import common, compare, decode, encode, info
from hyspec_tools.arguments import byte_count

PROGRAMS = sorted(
    (entry.name, entry.value)
    for entry in importlib.metadata.entry_points(group="console_scripts")
    if entry.value.startswith("hyspec_tools.")
)


def test_all_programs_are_known():
    assert {name for name, _ in PROGRAMS} >= {
        "hyspec-encode", "hyspec-decode", "hyspec-info", "hyspec-compare", "hyspec-demo",
        "hyspec-train", "hyspec-export", "hyspec-partition",
    }  # fmt: skip


@pytest.mark.parametrize(("name", "where"), PROGRAMS)
def test_help(run, name, where):
    """Every option is mentioned under the program's own name; nothing heavy is needed for it."""
    module = importlib.import_module(where.partition(":")[0])
    done = run(module.main, "--help")
    assert (done.code, done.err) == (0, "")
    assert f"usage: {name} " in done.out
    for action in module.parser()._actions:
        assert all(option in done.out for option in action.option_strings)


def test_help_needs_no_optional_package():
    script = f"""
import importlib, sys
for name in {[where.partition(":")[0] for _, where in PROGRAMS]!r}:
    try:
        importlib.import_module(name).main(["--help"])
    except SystemExit:
        pass
heavy = {{"torch", "onnx", "matplotlib", "h5py", "scipy"}} & set(sys.modules)
assert not heavy, heavy
"""
    subprocess.run([sys.executable, "-c", script], check=True, capture_output=True)


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


# ---- the wrapper ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("raised", "code", "message"),
    [
        (errors.UsageError("u", hint="h"), 2, "error: u\nhint: h\n"),
        (errors.DataError("d"), 1, "error: d\n"),
        (errors.LimitError("l", hint="h"), 1, "error: l\nhint: h\n"),
        (errors.PackNotFoundError("p"), 1, "error: p\n"),
        (errors.MissingDependencyError("m", hint="pip"), 1, "error: m\nhint: pip\n"),
        (OSError(errno.ENOSPC, "No space", "f.hyc"), 1, "error: f.hyc: No space\n"),
        (OSError("unusual"), 1, "error: unusual\n"),
        (KeyboardInterrupt(), 130, "error: interrupted\n"),
    ],
)
def test_exceptions_and_exit_codes(capsys, raised, code, message):
    @common.program
    def main():
        raise raised

    assert main() == code
    captured = capsys.readouterr()
    assert (captured.out, captured.err) == ("", message)


def test_memory_that_runs_out(capsys):
    @common.program
    def main():
        raise MemoryError

    assert main() == 1
    assert "--tile" in capsys.readouterr().err


def test_bugs_are_not_hidden():
    @common.program
    def main():
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        main()


def test_json_has_no_nan():
    record = {"a": float("nan"), "b": [1, float("inf"), {"c": -float("inf")}], "d": "NaN", "e": 1.5}
    assert (
        common.to_json(record) == '{"a": null, "b": [1, null, {"c": null}], "d": "NaN", "e": 1.5}'
    )


@pytest.mark.parametrize("buffered", [[], ["-u"]])
@pytest.mark.parametrize("arguments", [[], ["--json"], ["--help"]])
def test_output_that_nobody_reads(scene_hyc, buffered, arguments):
    """A closed pipe is no news: as if SIGPIPE had ended the program."""
    reading, writing = os.pipe()
    os.close(reading)
    script = "from hyspec_tools.info import main; raise SystemExit(main())"
    process = subprocess.Popen(
        [sys.executable, *buffered, "-c", script, str(scene_hyc), *arguments],
        stdout=writing,
        stderr=subprocess.PIPE,
        text=True,
        env={key: value for key, value in os.environ.items() if key != "PYTHONUNBUFFERED"},
    )
    os.close(writing)
    _, message = process.communicate(timeout=60)
    overlooked = "--help" in arguments and buffered  # by argparse
    assert (process.returncode, message) == (0 if overlooked else 141, "")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_signals_clean_up(capsys, number):
    """In the main thread; a second signal does not disturb it, and all is as before afterwards."""
    cleaned = []

    @common.program
    def main():
        try:
            signal.raise_signal(number)
        finally:
            signal.raise_signal(signal.SIGTERM)
            signal.raise_signal(signal.SIGHUP)
            cleaned.append(True)

    before = [signal.getsignal(n) for n in (signal.SIGTERM, signal.SIGHUP)]
    assert main() == 128 + number
    assert cleaned
    assert capsys.readouterr().err == f"error: stopped by {number.name}\n"
    assert [signal.getsignal(n) for n in (signal.SIGTERM, signal.SIGHUP)] == before


def test_signals_that_are_taken_care_of_stay_so():
    """nohup ignores SIGHUP; an application may have handlers of its own."""

    @common.program
    def main():
        signal.raise_signal(signal.SIGHUP)
        return 0

    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        assert main() == 0
        assert signal.getsignal(signal.SIGHUP) == signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)


def test_programs_run_in_other_threads():
    @common.program
    def main():
        return 7

    with ThreadPoolExecutor(1) as executor:
        assert executor.submit(main).result() == 7


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


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_progress_bars_follow_estimates(monkeypatch):
    """A total may grow, shrink and be exceeded; each phase has its own bar."""
    monkeypatch.setattr(sys, "stderr", Terminal())
    seen = []
    with common.ProgressBars(True) as bars:
        for phase, done, total in [
            ("searching", 1, 10), ("searching", 2, 5), ("searching", 6, 5), ("searching", 7, 9),
            ("encoding", 1, 3), ("searching", 1, 4),
        ]:  # fmt: skip
            bars(phase, done, total)
            seen.append((bars._bar.desc.strip(": "), bars._bar.n, bars._bar.total))
    assert seen == [
        ("searching", 1, 10), ("searching", 2, 5), ("searching", 6, 6), ("searching", 7, 9),
        ("encoding", 1, 3), ("searching", 1, 4),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "value"),
    [("4096", 4096), ("3k", 3072), ("500M", 500 << 20), ("64G", 64 << 30), ("2T", 2 << 40)],
)
def test_byte_counts(text, value):
    assert byte_count(text) == value


@pytest.mark.parametrize("text", ["", "k", "1.5G", "-1", "1K", "64GB", "²", "9" * 5000])
def test_what_is_no_byte_count(text):
    with pytest.raises(argparse.ArgumentTypeError, match="expected a number of bytes"):
        byte_count(text)


def test_progress_bars_are_for_terminals(run, scene_hdr, tiny_pack, monkeypatch):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    arguments = [encode.main, scene_hdr, scene_hdr.with_name("b.hyc"), "--pack", tiny_pack]
    assert run(*arguments, "--quiet").err == ""
    assert run(*arguments, "--force", "--json").err == ""


def test_version(run):
    from hyspec_tools import encode

    done = run(encode.main, "--version")
    assert (done.code, done.err) == (0, "")
    assert done.out.startswith("hyspec ")
