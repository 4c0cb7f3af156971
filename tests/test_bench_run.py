"""The program of the benchmark: measurements, their folder, and the report."""

import contextlib
import csv
import json
import re
import subprocess
import sys
from importlib import resources
from io import StringIO
from pathlib import Path

import numpy as np
import pytest

from hyspec import io
from hyspec.cube import Cube
from hyspec.errors import DataError, UsageError
from hyspec_bench import (
    cli,
    machine,
    measurement,
    registry,
    results,
    scenes,
    tasks,
    turns,
)
from hyspec_bench.codecs.codec import Kind, Target


@pytest.fixture
def scene(tmp_path, scene_cube):
    path = tmp_path / "crop.npy"
    np.save(path, scene_cube.array[:36, :34])
    return path


def arguments(scene, out, *more):
    codecs = "j2k_mc_ns,klt_j2k_ns,jpegls"
    return ("run", "--scenes", scene, "--codecs", codecs, "--out", out, "--quiet", *more)


def test_run_resume_report(run, scene, tmp_path):
    out = tmp_path / "out"
    first = run(cli.main, *arguments(scene, out, "--rates", "0.5,1", "--max-errors", "3"))
    assert first.code == 0, first.err
    with (out / "results.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == list(results.COLUMNS)
    # Two codecs at two rates, JPEG-LS at one limit, and JPEG-LS and JPEG 2000 lossless.
    assert sorted((r["codec"], r["kind"]) for r in rows) == [
        ("j2k_mc_ns", "lossless"),
        ("j2k_mc_ns", "rate"),
        ("j2k_mc_ns", "rate"),
        ("jpegls", "lossless"),
        ("jpegls", "max_error"),
        ("klt_j2k_ns", "rate"),
        ("klt_j2k_ns", "rate"),
    ]
    about = json.loads((out / "about.json").read_text())
    assert len(about["scenes"]["crop"]["sha256"]) == 64
    assert about["machine"]["versions"]["openjpeg"].startswith("2.")
    assert {"charls", "libaec", "sz3"} <= set(about["machine"]["versions"])
    assert about["machine"]["threads"] == 1
    assert about["codecs"] == {
        "j2k_mc_ns": {"resolutions": [4], "searches": []},
        "jpegls": {"searches": []},
        "klt_j2k_ns": {"search": False, "searches": []},
    }

    lines = (out / "results.jsonl").read_text()
    again = run(cli.main, *arguments(scene, out, "--rates", "0.5,1", "--max-errors", "3"))
    assert again.code == 0
    assert (out / "results.jsonl").read_text() == lines  # nothing was measured twice

    third = run(cli.main, *arguments(scene, out, "--rates", "0.5", "--no-lossless", "--again"))
    assert third.code == 0
    assert (out / "results.jsonl").read_text().startswith(lines)
    assert len(results.Results(out).records) > lines.count("\n")  # and the default error limits

    report_arguments = ("report", out, "--anchors", "j2k_mc_ns,jpegls")
    report_arguments += ("--document", tmp_path / "page.md")
    report = run(cli.main, *report_arguments)
    assert report.code == 0
    assert "BD-PSNR" in report.out
    page = (out / "report.html").read_text()
    assert page.count("<svg") == 2
    assert page.count('<img src="data:') == 1
    assert not re.search(r'src="(?!data:)|<link|<script|url\(http', page)  # nothing is fetched
    document = (tmp_path / "page.md").read_text()
    assert "klt_j2k_ns" in document.partition("## Results")[2]
    assert "### crop: PSNR in dB of each band interval at 0.5 / 1 bit/sample" in document
    assert "<h2>crop: PSNR in dB of each band interval at 0.5 / 1 bit/sample" in page
    assert "against klt_j2k_ns" in run(cli.main, "report", out).out  # a default anchor
    (out / "report.html").unlink()
    again = run(cli.main, *report_arguments)
    assert again.out == report.out
    assert (out / "report.html").read_text() == page
    assert (tmp_path / "page.md").read_text() == document


def test_changed_scenes_are_measured_again(run, scene, tmp_path):
    out = tmp_path / "out"
    more = ("--codecs", "jpegls", "--max-errors", "3", "--no-lossless")
    assert run(cli.main, *arguments(scene, out, *more)).code == 0
    np.save(scene, np.load(scene) // 2)
    assert run(cli.main, *arguments(scene, out, *more)).code == 0
    lines = (out / "results.jsonl").read_text().splitlines()
    hashes = [json.loads(line)["scene_sha256"] for line in lines]
    assert len(set(hashes)) == 2
    assert len(results.Results(out).measured()) == 1


def test_changed_settings_are_measured_again(run, scene, tmp_path, monkeypatch):
    out = tmp_path / "out"
    more = ("--codecs", "j2k_mc_ns,c123_default", "--rates", "1", "--max-errors", "3")
    assert run(cli.main, *arguments(scene, out, *more)).code == 0
    monkeypatch.setitem(
        registry._RIVALS, "j2k_mc_ns", ("jpeg2000", "ManyComponents", {"resolutions": (3,)})
    )
    assert run(cli.main, *arguments(scene, out, *more)).code == 0
    lines = (out / "results.jsonl").read_text().splitlines()
    assert [json.loads(line)["codec"] for line in lines] == [
        *["j2k_mc_ns"] * 2,
        *["c123_default"] * 2,
        *["j2k_mc_ns"] * 2,
    ]
    assert json.loads(lines[-1])["settings"]["resolutions"] == [3]


def test_targets_out_of_reach_are_recorded(run, scene, tmp_path, tiny_pack):
    out = tmp_path / "out"
    more = ("--codecs", f"hyspec_band@{tiny_pack}", "--rates", "20", "--quiet")
    first = run(cli.main, *arguments(scene, out, *more))
    assert first.code == 2
    assert "TargetError" in first.err
    assert results.Results(out).measured() == []


def test_interrupted_line_is_dropped(tmp_path):
    folder = results.Results(tmp_path)
    record = {"scene": "a", "codec": "b", "kind": "rate", "setting": 1.0, "error": "none"}
    folder.add(record)
    with (tmp_path / "results.jsonl").open("a") as file:
        file.write('{"scene": "a", "co')
    assert list(results.Results(tmp_path).records.values()) == [record]
    with (tmp_path / "results.jsonl").open("a") as file:
        file.write("nonsense\n")
    with pytest.raises(DataError, match="line 2"):
        results.Results(tmp_path)


def test_broken_limit_is_an_error(scene, monkeypatch):
    loaded = scenes.load(scene)

    class Careless(type(registry.create("jpegls"))):
        def decode(self, data):
            return super().decode(data) + 1

    monkeypatch.setattr(registry, "create", lambda _: Careless())
    with pytest.raises(DataError, match="left an error of 1"):
        measurement.measure(loaded, "jpegls", Target(Kind.LOSSLESS))
    with pytest.raises(UsageError, match="no target rate"):
        measurement.measure(loaded, "jpegls", Target(Kind.RATE, 1))


def test_tasks(scene):
    loaded = scenes.load(scene)
    record = measurement.measure(
        loaded,
        "jpegls",
        Target(Kind.MAX_ERROR, 2),
        tasks={"mean shift": mean_shift},
    )
    assert 0 < record["tasks"]["mean shift"] < 2


def mean_shift(scene, decoded):
    """A task: how far the mean has moved."""
    return float(abs(decoded.mean() - scene.cube.array.mean()))


def test_tasks_of_a_run(run, scene, tmp_path, monkeypatch):
    """Tasks are measured in the processes of the measurements, later ones are added."""
    source = "def samples(scene, decoded):\n    return float((scene.cube.array >= 0).sum())\n"
    (tmp_path / "my_tasks.py").write_text(source + source.replace("samples", "pixels", 1))
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    out = tmp_path / "out"
    more = ("--codecs", "j2k_mc_ns", "--rates", "0.5", "--no-lossless")
    for count, names in ((1, "my_tasks:samples"), (2, "my_tasks:samples,my_tasks:pixels")):
        assert run(cli.main, *arguments(scene, out, *more, "--tasks", names)).code == 0
        (record,) = results.Results(out).measured()
        assert record["tasks"] == dict.fromkeys(names.split(","), 36 * 34 * 24)
        assert len((out / "results.jsonl").read_text().splitlines()) == count
    report = run(cli.main, "report", out)
    assert "my_tasks:pixels: bit/sample / figure" in report.out
    assert re.search(r"crop \| j2k_mc_ns \| 0\.\d+ / 2\.938e\+04", report.out)


@pytest.mark.parametrize("name", ["nothing", "no_such_module:task", "math:nothing", "math:pi"])
def test_tasks_that_are_none(name):
    with pytest.raises(UsageError, match="task"):
        tasks.load([name])


def test_pairs(run, scene, tmp_path, monkeypatch):
    for name, value in turns.ONE_THREAD.items():
        monkeypatch.setenv(name, value)
    out = tmp_path / "out"
    codecs = ("--codecs", "c123_default,jpegls")
    given = ("pairs", "--scenes", scene, "--out", out, "--rounds", "2", *codecs)
    first = run(cli.main, *given, "--max-errors", "3", "--lossless")
    assert first.code == 0, first.err
    assert "ratios to c123_default" in first.out
    records = list(results.Results(out).pairs.values())
    assert [(r["codec"], r["kind"], r["rounds"]) for r in records] == [
        ("c123_default", "max_error", 2),
        ("jpegls", "max_error", 2),
        ("c123_default", "lossless", 2),
        ("jpegls", "lossless", 2),
    ]
    assert records[0]["encode_ratio"] == 1
    ratio = records[0]["encode_seconds"] / records[1]["encode_seconds"]
    assert records[1]["encode_ratio"] == pytest.approx(ratio)
    assert "ratios to c123_default" in run(cli.main, "report", out).out
    assert run(cli.main, *given, "--rates", "1").code == 1  # neither has rates
    assert run(cli.main, *given).code == 1  # no target
    assert run(cli.main, *given, "--codecs", "jpegls", "--lossless").code == 1


MEMORY = """
import numpy as np
from hyspec_bench import measurement

found = measurement._timed(lambda: np.ones(8 << 20).sum())[1]
print("unknown" if found.memory_mib is None else found.memory_mib - found.memory_before_mib)
"""


def test_memory():
    """What an operation takes is seen: 64 MiB that it holds while it runs.

    In a process of its own: what others have freed would be taken first.
    """
    found = subprocess.run(
        [sys.executable, "-c", MEMORY], capture_output=True, text=True, check=True
    ).stdout.strip()
    if found == "unknown":
        pytest.skip("the operating system does not tell")
    assert 60 < float(found) < 70


def test_floating_point_scenes(tmp_path):
    counts = np.random.default_rng(6).integers(0, 1403, (20, 21, 5))
    np.save(tmp_path / "calibrated.npy", counts / 1402)
    loaded = scenes.load(tmp_path / "calibrated.npy")
    assert loaded.multiplier == 1402
    assert np.array_equal(loaded.cube.array, counts)
    assert loaded.cube.array.dtype == np.uint16
    np.save(tmp_path / "real.npy", np.random.default_rng(7).normal(size=(9, 9, 5)))
    with pytest.raises(DataError, match="common fraction"):
        scenes.load(tmp_path / "real.npy")


def test_scenes_with_nodata(tmp_path):
    array = np.ones((9, 9, 5), np.int16)
    array[0, 0] = -9999
    io.write(tmp_path / "holes.hdr", Cube(array, nodata=-9999))
    with pytest.raises(DataError, match="5 samples hold nodata"):
        scenes.load(tmp_path / "holes.hdr")


def test_find(tmp_path):
    for name in ("a.npy", "b.npy"):
        np.save(tmp_path / name, np.ones(3))
    pattern = str(tmp_path / "*.npy")
    assert [p.stem for p in scenes.find([pattern, str(tmp_path / "a.npy")])] == ["a", "b"]
    with pytest.raises(UsageError, match="no file"):
        scenes.find([str(tmp_path / "c*")])
    (tmp_path / "a.tif").touch()
    with pytest.raises(UsageError, match="share the name"):
        scenes.find([str(tmp_path / "a.*")])


def test_usage_errors(run, scene, tmp_path):
    assert run(cli.main, *arguments(scene, tmp_path, "--codecs", "nothing")).code == 1
    assert run(cli.main, *arguments(scene, tmp_path, "--rates", "-1")).code == 2
    assert run(cli.main, "report", tmp_path / "none").code == 1


def test_quick_codecs_exist():
    assert set(registry.QUICK) <= set(registry.NAMES)


def test_every_option_is_documented():
    page = resources.files("hyspec_bench").joinpath("method.md").read_text("utf-8")
    for arguments in (["run", "--help"], ["pairs", "--help"], ["report", "--help"]):
        with pytest.raises(SystemExit), contextlib.redirect_stdout(help_text := StringIO()):
            cli.parser().parse_args(arguments)
        options = set(re.findall(r"--[a-z][a-z-]+", help_text.getvalue()))
        assert len(options) > 4
        missing = [name for name in options - {"--help", "--lossless"} if name not in page]
        assert not missing


def test_page_is_generated():
    method = resources.files("hyspec_bench").joinpath("method.md").read_text("utf-8")
    page = (Path(__file__).parents[1] / "docs" / "benchmarks.md").read_text("utf-8")
    assert page.startswith(f"{method}\n## Results\n"), "run hyspec-bench report --document"


def test_every_codec_is_documented():
    page = resources.files("hyspec_bench").joinpath("method.md").read_text("utf-8")
    for name in registry.NAMES:
        assert f"`{name}`" in page or name.startswith("hyspec_")


def test_turns_alternate():
    calls = []
    seconds = turns.in_turns((lambda: calls.append("a"), lambda: calls.append("b")), 3)
    assert "".join(calls) == "ab" * 4
    assert [len(taken) for taken in seconds] == [3, 3]


def test_machine():
    described = machine.describe()
    assert described["processor"]
    assert {"hyspec", "python", "numpy", "openjpeg"} <= set(described["versions"])
