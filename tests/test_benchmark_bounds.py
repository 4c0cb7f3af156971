"""The benchmark of largest errors: what is measured, and what its tables say of it."""

import importlib
import json
import math
import re
import shlex
from importlib import resources
from pathlib import Path

import numpy as np
import pytest

from hyspec import Cube, decode, encode, io
from hyspec_bench import (
    bound_figure,
    bound_tables,
    bounds,
    cli,
    measurement,
    registry,
    runner,
    thread_scaling,
)
from hyspec_bench.codecs.codec import Kind
from hyspec_bench.results import Results
from hyspec_bench.scenes import load

DOCUMENTS = Path(__file__).parents[1] / "docs"


@pytest.fixture(scope="module")
def scene(tmp_path_factory):
    rng = np.random.default_rng(3)
    smooth = np.add.outer(np.arange(20) ** 2, 7 * np.arange(30))[:, :, None] * np.arange(1, 13)
    array = (smooth // 4 + rng.integers(0, 9, smooth.shape)).astype(np.uint16)
    path = tmp_path_factory.mktemp("scenes") / "crop.hdr"
    io.write(path, Cube(array))
    return path


@pytest.fixture
def one_process(monkeypatch):
    """Measurements of this process, which start at once."""

    def measure(job, *_):
        scene, codec, kind, setting = job.key
        found = measurement.measure(load(job.path), job.codec, job.target)
        key = {"scene": scene, "codec": codec, "kind": kind, "setting": setting}
        return {**key, "scene_sha256": load(job.path).sha256, **found}

    monkeypatch.setattr(runner, "_measure", measure)


def record(scene, codec, m, bps, mse=1.0):
    return {
        "scene": scene,
        "codec": codec,
        "max_error": m,
        "bps": bps,
        "mse": mse,
        "psnr_db": 50.0 - 10 * math.log10(mse),
    }


RECORDS = [
    record("a", "hyspec_bounded", 0, 3.0),
    record("a", "hyspec_bounded", 5, 0.6, mse=0.5),
    record("a", "c123_tuned", 0, 4.0),
    record("a", "c123_tuned", 5, 0.8),
    record("a", "c123_default_sa", 0, 3.75),
    record("a", "sperr", 5, 0.5),
    record("b", "hyspec_bounded", 0, 5.0),
    record("b", "hyspec_bounded", 5, 2.0, mse=2.0),
    record("b", "c123_tuned", 0, 4.0),
    record("b", "c123_tuned", 5, 4.0),
    record("b", "sperr", 5, 8.0),
]


def rows(table):
    return [list(row) for row in table.rows]


def test_savings():
    standard, tuned, every = bound_tables.saving_tables(RECORDS)
    assert list(standard.header) == ["scene", "lossless", "m = 5"]
    assert rows(standard) == [
        ["a", "20.0", "25.0"],  # against the sample-adaptive coder, lossless
        ["b", "-25.0", "50.0"],
        ["mean", "-2.5", "37.5"],
        ["least", "-25.0", "25.0"],
    ]
    assert rows(tuned)[0] == ["a", "25.0", "25.0"]
    assert rows(every)[0] == ["a", "20.0", "-20.0"]  # SPERR is smaller


def test_rates_and_means():
    assert rows(bound_tables.rate_table(RECORDS, "a")) == [
        ["hyspec_bounded", "3.000", "0.600"],
        ["c123_tuned", "4.000", "0.800"],
        ["c123_default_sa", "3.750", "-"],
        ["sperr", "-", "0.500"],
    ]
    means = {row[0]: row[1:] for row in rows(bound_tables.mean_table(RECORDS))}
    assert means["hyspec_bounded"] == ["4.000", "1.300"]
    assert means["c123_default_sa"] == ["-", "-"]  # not of all scenes


def test_errors_that_are_left():
    table = bound_tables.quality_table(RECORDS)
    assert list(table.header) == ["scene", "m = 5"]
    assert rows(table) == [
        ["a", "53.01 / 50.00 (-50.0 %)"],
        ["b", "46.99 / 50.00 (+100.0 %)"],
    ]
    assert not bound_tables.quality_table([r for r in RECORDS if r["codec"] != "c123_tuned"]).rows


def test_speeds():
    measured = [
        {**r, "bytes": 1e6 * r["bps"], "encode_seconds": 2.0, "decode_seconds": 0.5}
        for r in RECORDS  # eight million samples
    ]
    table = bound_tables.speed_table(measured)
    header = ["codec", "encode, lossless", "decode, lossless", "encode, m = 5", "decode, m = 5"]
    assert list(table.header) == header
    assert rows(table)[0] == ["hyspec_bounded", "4.0", "16.0", "4.0", "16.0"]
    assert rows(table)[2] == ["c123_default_sa", "4.0", "16.0", "-", "-"]


def test_figure(tmp_path):
    bound_figure.write(RECORDS, tmp_path / "rates.svg")
    text = (tmp_path / "rates.svg").read_text()
    assert text.count('<g id="axes_') == 2
    bound_figure.write(RECORDS[:1], tmp_path / "one.png")
    assert (tmp_path / "one.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.usefixtures("one_process")
def test_program(scene, tmp_path, run, monkeypatch):
    def arguments(*more):
        folder = ("--limits", "0", "3", "--rivals", "jpegls", "sz3", "--out", tmp_path / "out")
        return (scene, *folder, "--quiet", *more)

    drawn = ("--figure", tmp_path / "images" / "rates.png", "--document", tmp_path / "page.md")
    first = run(bounds.main, *arguments(*drawn))
    assert first.code == 0, first.err
    assert "crop: bit/sample" in first.out
    page = (tmp_path / "page.md").read_text()
    assert "![Rates over limits](images/rates.png)" in page
    assert (tmp_path / "images" / "rates.png").stat().st_size > 0
    found = re.findall(r"^\| hyspec_bounded \| ([\d.]+) \| ([\d.]+) \|$", page, re.M)
    cube = load(scene).cube
    sizes = [len(encode(cube, max_error=m, threads=1)) for m in (0, 3)]
    expected = tuple(f"{8 * size / cube.array.size:.3f}" for size in sizes)
    assert found == [expected]  # and no mean of one scene

    lines = (tmp_path / "out" / "results.jsonl").read_text().splitlines()
    monkeypatch.setattr(
        thread_scaling, "cube", lambda _: Cube(np.zeros((70, 3, 4), np.uint16) + np.uint16(7))
    )
    again = run(bounds.main, *arguments("--json", "--threads", "1", "2"))
    records = [json.loads(line) for line in again.out.splitlines()]
    assert [(r["codec"], r["max_error"]) for r in records] == [
        (codec, m) for codec in ("hyspec_bounded", "jpegls", "sz3") for m in (0, 3)
    ]
    assert all(r["max_abs_error"] <= r["max_error"] for r in records)
    more = (tmp_path / "out" / "results.jsonl").read_text().splitlines()[len(lines) :]
    assert {json.loads(line)["codec"] for line in more} == {"hyspec_bounded"}


def test_arguments(scene, run):
    assert "j3k" in run(bounds.main, scene, "--rivals", "j3k", "--quiet").err
    with pytest.raises(SystemExit):
        bounds.main([str(scene), "--limits", "-1"])


def test_rivals_have_limits():
    """JPEG XL is lossless alone; all others have a limit as well."""
    for name in registry.available(bounds.RIVALS):
        kinds = registry.create(name).kinds
        assert Kind.LOSSLESS in kinds
        assert (Kind.MAX_ERROR in kinds) == (name != "jpegxl")


@pytest.mark.usefixtures("one_process")
def test_only_what_was_asked_for(scene, tmp_path):
    results = Results(tmp_path)
    bounds.measure([scene], ["jpegls"], [0, 2], results, quiet=True)
    found = bounds.chosen(results, [scene], ["jpegls"], [2])
    assert [(r["codec"], r["max_error"]) for r in found] == [("hyspec_bounded", 2), ("jpegls", 2)]
    assert bounds.chosen(results, [scene], [], [0])[0]["mse"] == 0


@pytest.mark.parametrize("page", ["benchmarks_bounded.md", "design_bounded.md"])
def test_documented_commands_are_understood(page):
    text = (DOCUMENTS / page).read_text("utf-8")
    blocks = "".join(re.findall(r"^```sh\n(.*?)^```$", text, re.M | re.S))
    commands = [shlex.split(line) for line in blocks.replace("\\\n", " ").splitlines()]
    assert commands
    for command in commands:
        if command[:2] == ["python", "-m"]:
            importlib.import_module(command[2]).parser().parse_args(command[3:])
        else:
            assert command[0] == "hyspec-bench"
            cli.parser().parse_args(command[1:])


def test_page_is_generated():
    method = resources.files("hyspec_bench").joinpath("bound_method.md").read_text("utf-8")
    page = (DOCUMENTS / "benchmarks_bounded.md").read_text("utf-8")
    assert page.startswith(f"{method}\n## Results\n"), "run hyspec_bench.bounds --document"


def test_threads(run, monkeypatch):
    rng = np.random.default_rng(1)
    cube = Cube(rng.integers(0, 50, (150, 4, 3)).astype(np.uint16))
    row = thread_scaling.measure(cube, 2, [1, 2], rounds=1)
    stream = encode(cube, max_error=2, tile=thread_scaling.TILE_ROWS)
    assert row.bps == 8 * len(stream) / cube.array.size
    assert len(row.encode_seconds) == len(row.decode_seconds) == 2
    assert min(row.encode_cpu_seconds + row.decode_cpu_seconds) > 0
    assert all(0 < share <= 1 for share in row.encode_alone + row.decode_alone)
    clock, cpu = ([9.0, 4.5], [9.0, 6.0]), ([2.0, 2.5], [3.0, 4.0])
    lossless = thread_scaling.Row(0, 1.0, [1, 2], *clock, *cpu, [1.0, 0.25], [1.0, 0.125])
    table = thread_scaling.table([lossless], Cube(np.zeros((1000, 1000, 6), np.uint8)))
    assert list(table.header) == [*("", "1 thread", "2 threads", "times as fast", "calling thread")]
    assert rows(table) == [
        ["encoding, lossless", "3.0", "2.4", "2.00", "25.0 %"],
        ["decoding, lossless", "2.0", "1.5", "1.50", "12.5 %"],
    ]
    monkeypatch.setattr(thread_scaling, "cube", lambda _: cube)
    done = run(thread_scaling.main, "--limits", "1", "--rounds", "1", "--json")
    assert json.loads(done.out)["threads"] == [1, 2]


def test_threads_check_the_limit(monkeypatch):
    cube = Cube(np.arange(24, dtype=np.uint8).reshape(2, 3, 4))
    monkeypatch.setattr(
        thread_scaling.hyspec, "decode", lambda stream, **_: Cube(decode(stream).array + 2)
    )
    with pytest.raises(AssertionError, match="off by 2; expected at most 0"):
        thread_scaling.measure(cube, 0, [1], rounds=1)
