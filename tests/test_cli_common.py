"""What all programs have in common: help, exit codes, signals, progress bars."""

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

import pytest

from hyspec import errors
from hyspec_tools import common, encode
from hyspec_tools.arguments import byte_count

PROGRAMS = sorted(
    (entry.name, entry.value)
    for entry in importlib.metadata.entry_points(group="console_scripts")
    if entry.value.startswith("hyspec_tools.")
)


def test_all_programs_are_known():
    assert {name for name, _ in PROGRAMS} >= {
        "hyspec-encode", "hyspec-decode", "hyspec-info", "hyspec-compare", "hyspec-demo",
        "hyspec-train", "hyspec-export", "hyspec-partition", "hyspec-refine",
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


def test_version(run):
    from hyspec_tools import encode

    done = run(encode.main, "--version")
    assert (done.code, done.err) == (0, "")
    assert done.out.startswith("hyspec ")


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


# ---- progress bars and numbers -------------------------------------------------------------------


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


def test_progress_bars_are_for_terminals(run, scene_hdr, tiny_pack, monkeypatch):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    arguments = [encode.main, scene_hdr, scene_hdr.with_name("b.hyc"), "--pack", tiny_pack]
    assert run(*arguments, "--quiet").err == ""
    assert run(*arguments, "--force", "--json").err == ""


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
