"""hyspec-partition: intervals of one scene and of several, their table, and the figure."""

import itertools
import sys

import numpy as np
import pytest

import hyspec
from hyspec import Cube, io
from hyspec.intervals import (
    BestPartitions,
    band_correlation,
    parse_intervals,
    pool_correlations,
)
from hyspec_tools import common, encode, partition
from hyspec_tools.partition import main

#: Two spectrometers: their ends overlap at 750 nm.
CENTRES = np.concatenate([np.linspace(400, 760, 10), np.linspace(740, 990, 6)])


def groups(seed=0, bands=(10, 6), rows=30, columns=20):
    """Groups of bands that each follow one field; int16, shape (rows, columns, bands)."""
    rng = np.random.default_rng(seed)
    fields = rng.normal(size=(rows, columns, len(bands)))
    group = np.repeat(np.arange(len(bands)), bands)
    noise = rng.normal(scale=0.1, size=(rows, columns, sum(bands)))
    return np.rint(1000 + 100 * (fields[:, :, group] + noise)).astype(np.int16)


@pytest.fixture
def scene(tmp_path):
    """ENVI header of a scene of two groups of bands."""
    path = tmp_path / "a.hdr"
    io.write(path, Cube(groups(), wavelengths=CENTRES, wavelength_unit="Nanometers"))
    return path


def test_table(run, scene):
    done = run(main, scene)
    assert (done.code, done.err) == (0, "")
    lines = done.out.splitlines()
    assert "intervals        2, chosen with penalty 0.0625" in lines
    assert lines[-1] == "table            1-10,11-16"
    (first,) = [line for line in lines if line.startswith("1-10 ")]
    assert first.split()[1:5] == ["10", "400.0", "-", "760.0"]


def test_json(run, scene):
    record = run(main, scene, "--json").json
    best = BestPartitions.search(band_correlation(io.read(scene)), most=8)
    assert record["table"] == "1-10,11-16"
    assert record["scenes"] == [str(scene)]
    assert record["bands"] == 16
    assert record["without_variance"] == ""
    assert record["penalty"] == 1 / 16
    assert [part["bands"] for part in record["intervals"]] == ["1-10", "11-16"]
    assert [part["wavelengths_nm"] for part in record["intervals"]] == [[400, 760], [740, 990]]
    parts = sum(part["scatter"] for part in record["intervals"])
    assert record["scatter"] == pytest.approx(parts, abs=1e-12)
    assert record["scatter_by_number"] == pytest.approx(best.scatter.tolist(), abs=1e-12)


def test_the_encoder_takes_the_table_unchanged(run, scene, tiny_pack):
    table = run(main, scene, "--table", "--intervals", "3").out
    assert table.count("\n") == 1
    output = scene.with_name("a.hyc")
    done = run(encode.main, scene, output, "--pack", tiny_pack, "--intervals", table.strip())
    assert done.code == 0
    with hyspec.open(output, pack=tiny_pack) as stream:
        assert tuple(stream.intervals) == parse_intervals(table.strip(), 16)
        assert len(stream.intervals) == 3


def test_number_of_intervals(run, scene):
    def number(*arguments):
        return len(run(main, scene, "--json", *arguments).json["intervals"])

    assert number("--intervals", 1) == 1
    assert number("--intervals", 9) == 9  # more than would be chosen at most
    assert number("--penalty", 0) == 8
    assert number("--penalty", "0", "--max", "12") == 12
    assert number("--penalty", "0.9") == 1
    assert number("--max", "1") == 1
    assert number("--penalty", "0", "--min-bands", "6") == 2
    record = run(main, scene, "--json", "--intervals", "3", "--min-bands", "5").json
    assert record["penalty"] is None
    assert min(map(len, parse_intervals(record["table"], 16))) == 5
    assert record["scatter_by_number"][3] is None  # four of five bands do not fit
    assert "\n4 " not in run(main, scene, "--min-bands", "5").out


def test_scenes_are_pooled(run, scene, tmp_path):
    """The limits of either scene; without pooling of the correlation each has its own."""
    other = tmp_path / "b.npy"
    np.save(other, groups(1, (5, 11)))
    assert run(main, other, "--table").out == "1-5,6-16\n"
    record = run(main, scene, other, "--json").json
    assert record["table"] == "1-5,6-10,11-16"
    assert record["scenes"] == [str(scene), str(other)]
    assert record["intervals"][0]["wavelengths_nm"] == [400, 560]  # b.npy has none
    assert run(main, other, scene, "--json").json["intervals"] == record["intervals"]
    pooled = pool_correlations([band_correlation(io.read(path)) for path in (scene, other)])
    expected = BestPartitions.search(pooled, most=8).scatter.tolist()
    assert record["scatter_by_number"] == pytest.approx(expected, abs=1e-12)


def test_means_of_scenes_are_no_correlation(run, tmp_path):
    """Scenes that differ in brightness, with independent bands: nothing to be found."""
    rng = np.random.default_rng(3)
    for name, level in (("a", 0), ("b", 10_000)):
        np.save(tmp_path / f"{name}.npy", level + rng.integers(0, 100, (40, 40, 8)))
    record = run(main, tmp_path / "a.npy", tmp_path / "b.npy", "--json").json
    assert record["scatter_by_number"][0] > 0.8


def test_bands_that_do_not_vary(run, tmp_path):
    """Constant in one, NaN in another, all nodata in a third: listed, and nothing is poisoned."""
    array = groups().astype(np.float32)
    array[:, :, 2] = 7
    array[:, :, 9] = np.nan
    array[:, :, 10:12] = -9999
    array[4] = -9999
    np.save(tmp_path / "a.npy", array)
    done = run(main, tmp_path / "a.npy", "--nodata", "-9999", "--json")
    assert done.err == ""
    assert done.json["without_variance"] == "3,10-12"
    assert done.json["table"] == "1-11,12-16"  # each with the nearest band that varies
    assert "without variance 3,10-12\n" in run(main, tmp_path / "a.npy", "--nodata", "-9999").out


def test_sample_of_pixels(run, scene):
    full = run(main, scene, "--json").json
    sampled = [run(main, scene, "--json", "--pixels", "100").json for _ in range(2)]
    assert sampled[0] == sampled[1]
    assert sampled[0]["table"] == full["table"]
    assert sampled[0]["scatter"] != full["scatter"]


def test_inputs_are_described_as_for_the_other_programs(run, tmp_path):
    groups().tofile(tmp_path / "a.raw")
    layout = ["--shape", "30x20x16", "--dtype", "int16", "--interleave", "bip"]
    assert run(main, tmp_path / "a.raw", *layout, "--table").out == "1-10,11-16\n"
    np.save(tmp_path / "b.npy", groups().transpose(2, 0, 1))
    assert run(main, tmp_path / "b.npy", "--axes", "brc", "--table").out == "1-10,11-16\n"


def test_progress(run, scene, monkeypatch):
    seen = []
    monkeypatch.setattr(common.ProgressBars, "__call__", lambda _, *report: seen.append(report))
    assert run(main, scene, scene).code == 0
    assert [report for report in seen if report[1] == report[2]] == [("survey", 30, 30)] * 2


# Errors


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "arguments are required: CUBE"),
        (["a.hdr", "--intervals", "0"], "found '0'; expected a whole number of at least 1"),
        (["a.hdr", "--intervals", "17"], "found 16 bands; expected at least 17, for 17 x 1"),
        (["a.hdr", "--intervals", "4", "--min-bands", "5"], "expected at least 20, for 4 x 5"),
        (["a.hdr", "--min-bands", "17"], "expected at least 17, for 1 x 17"),
        (["a.hdr", "--penalty", "-0.1"], "found '-0.1'; expected a number of at least 0"),
        (["a.hdr", "--penalty", "nan"], "found 'nan'"),
        (["a.hdr", "--penalty", "much"], "found 'much'"),
        (["a.hdr", "--penalty", "0.1", "--intervals", "2"], "not allowed with argument"),
        (["a.hdr", "--max", "3", "--intervals", "2"], "found --intervals and --max"),
        (["a.hdr", "--table", "--json"], "found --table and --json"),
        (
            ["a.hdr", "--figure", "a.xyz"],
            "a.xyz is no name of a figure; expected .pdf, .png or .svg",
        ),
        (["a.hdr", "--figure", "a.hdr"], "a.hdr is no name of a figure"),
        (["a.hdr", "--figure", "none/a.png"], "directory none does not exist"),
    ],
)
@pytest.mark.usefixtures("scene")
def test_bad_use(run, tmp_path, monkeypatch, arguments, message):
    monkeypatch.chdir(tmp_path)
    before = sorted(tmp_path.iterdir())
    done = run(main, *arguments)
    assert (done.code, done.out) == (2, "")
    assert message in done.err
    assert done.err.startswith("error: ")
    assert "\nhint: " in done.err
    assert sorted(tmp_path.iterdir()) == before


def test_more_intervals_than_bands_that_vary(run, tmp_path):
    array = groups()
    array[:, :, 3:] = 0
    np.save(tmp_path / "a.npy", array)
    done = run(main, tmp_path / "a.npy", "--intervals", "4")
    assert (done.code, done.out) == (2, "")
    assert (
        "error: found 4 intervals; expected 1 to 3\nhint: every interval holds a band" in done.err
    )


def test_scenes_of_different_bands(run, scene, tmp_path):
    np.save(tmp_path / "b.npy", groups(1, (5, 10)))
    done = run(main, scene, tmp_path / "b.npy")
    assert (done.code, done.out) == (1, "")
    assert f"b.npy has 15 bands; {scene} has 16\nhint: pool scenes of one sensor" in done.err


@pytest.mark.parametrize(("shift", "code"), [(3.0, 0), (200.0, 1)])
def test_scenes_of_different_sensors(run, scene, tmp_path, shift, code):
    """A calibration may move the bands a little; micrometres compare with nanometres."""
    waves = (CENTRES + shift) / 1000
    io.write(tmp_path / "b.hdr", Cube(groups(), wavelengths=waves, wavelength_unit="um"))
    done = run(main, scene, tmp_path / "b.hdr")
    assert done.code == code
    if code:
        assert "differ by up to 200 nm; expected less than the distance of bands" in done.err


@pytest.mark.parametrize("value", [5, -1])
def test_scenes_without_information(run, tmp_path, value):
    np.save(tmp_path / "a.npy", np.full((4, 5, 6), value, np.int16))
    done = run(main, tmp_path / "a.npy", "--nodata", "-1")
    assert (done.code, done.out) == (1, "")
    assert "a.npy varies over its valid samples\nhint: check --nodata" in done.err


def test_missing_file(run, scene):
    done = run(main, scene, scene.with_name("none.hdr"))
    assert (done.code, done.out) == (1, "")
    assert "none.hdr" in done.err


# The figure


@pytest.mark.parametrize("name", ["a.png", "a.svg", "a.PDF"])
@pytest.mark.parametrize("arguments", [[], ["--intervals", "3"]])
def test_figure(run, scene, name, arguments):
    target = scene.with_name(name)
    done = run(main, scene, "--figure", target, *arguments)
    assert (done.code, done.err) == (0, "")
    assert target.stat().st_size > 5000
    assert sorted(path.name for path in target.parent.iterdir()) == sorted(["a.hdr", "a.img", name])


def test_an_existing_figure_is_replaced_only_on_demand(run, scene):
    target = scene.with_name("a.png")
    target.write_bytes(b"mine")
    done = run(main, scene, "--figure", target)
    assert (done.code, done.out) == (2, "")
    assert "exists already" in done.err
    assert target.read_bytes() == b"mine"
    assert run(main, scene, "--figure", target, "--force").code == 0
    assert target.read_bytes().startswith(b"\x89PNG")


def test_a_scene_is_not_replaced_by_its_figure(run, tmp_path):
    """Under whatever name."""
    np.save(tmp_path / "a.npy", groups())
    before = (tmp_path / "a.npy").read_bytes()
    (tmp_path / "a.png").symlink_to("a.npy")
    done = run(main, tmp_path / "a.npy", "--figure", tmp_path / "a.png", "--force")
    assert done.code == 2
    assert "is the input itself" in done.err
    assert (tmp_path / "a.png").read_bytes() == before


def test_errors_leave_no_figure(run, scene, monkeypatch):
    def fails(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(partition, "partition_figure", fails)
    done = run(main, scene, "--figure", scene.with_name("a.png"))
    assert (done.code, done.out) == (1, "")
    assert f"error: cannot write {scene.with_name('a.png')}: No space left" in done.err
    assert sorted(path.name for path in scene.parent.iterdir()) == ["a.hdr", "a.img"]


def test_figures_need_matplotlib(run, tmp_path, monkeypatch):
    """Which is found out before a scene is read."""
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    done = run(main, tmp_path / "none.hdr", "--figure", tmp_path / "a.png")
    assert done.code == 1
    assert "hyspec[plot]" in done.err


@pytest.fixture
def drawn(monkeypatch):
    """The figures that were written."""
    from matplotlib.figure import Figure

    figures = []
    save = Figure.savefig

    def savefig(figure, *arguments, **settings):
        figures.append(figure)
        save(figure, *arguments, **settings)

    monkeypatch.setattr(Figure, "savefig", savefig)
    return figures


def test_what_the_figure_shows(run, scene, drawn):
    array = groups()
    array[:, :, 12] = 0
    io.write(scene, Cube(array, wavelengths=CENTRES, wavelength_unit="nm"), force=True)
    assert run(main, scene, "--figure", scene.with_name("a.png")).code == 0
    (figure,) = drawn
    matrix, curve = figure.axes[:2]
    (image,) = matrix.get_images()
    shown = image.get_array()
    expected = band_correlation(io.read(scene)) ** 2
    live = np.delete(np.arange(16), 12)
    assert np.asarray(shown[np.ix_(live, live)]) == pytest.approx(expected[np.ix_(live, live)])
    assert shown.mask[12].all()
    assert shown.mask[:, 12].all()
    assert not shown.mask[np.ix_(live, live)].any()
    assert image.get_extent() == [0.5, 16.5, 16.5, 0.5]
    horizontal = {line.get_ydata()[0] for line in matrix.lines if len(line.get_ydata()) == 2}
    assert {10.5} <= horizontal
    squares = {
        (min(line.get_xdata()), max(line.get_xdata()), min(line.get_ydata()), max(line.get_ydata()))
        for line in matrix.lines
        if len(line.get_xdata()) == 5
    }
    assert squares == {(0.5, 10.5, 0.5, 10.5), (10.5, 16.5, 10.5, 16.5)}
    (upper,) = matrix.child_axes
    for band, label in zip(upper.get_xticks(), upper.get_xticklabels(), strict=True):
        nearest = np.abs(CENTRES - float(label.get_text())).min()
        assert abs(CENTRES[int(band) - 1] - float(label.get_text())) == nearest
    assert len(upper.get_xticks()) >= 3
    assert curve.lines[0].get_xdata().tolist() == list(range(1, 9))
    assert {line.get_xdata()[0] for line in curve.lines if len(line.get_xdata()) == 2} == {2}


def test_the_figure_of_a_given_number_shows_no_penalty(run, tmp_path, drawn):
    """And without wavelengths there is no axis for them."""
    np.save(tmp_path / "a.npy", groups())
    arguments = [main, tmp_path / "a.npy", "--figure", tmp_path / "a.png", "--force"]
    for choice, curves in (([], 2), (["--intervals", "3"], 1)):
        assert run(*arguments, *choice).code == 0
        matrix, curve = drawn[-1].axes[:2]
        assert not matrix.child_axes
        assert sum(len(line.get_xdata()) == 8 for line in curve.lines) == curves


def test_help_mentions_every_option(run):
    done = run(main, "--help")
    assert done.code == 0
    for action in partition.parser()._actions:
        assert all(option in done.out for option in action.option_strings)
        assert action.help, action


def test_runs_of_bands():
    assert partition._runs(np.array([], int)) == ""
    for bands in itertools.chain.from_iterable(
        itertools.combinations(range(6), size) for size in range(1, 7)
    ):
        listed = []
        for piece in partition._runs(np.array(bands)).split(","):
            first, _, last = piece.partition("-")
            listed += range(int(first) - 1, int(last or first))
        assert listed == list(bands)
