"""The benchmark of parts of hyspec: what it compares, and the signs of what it reports."""

import json
import re
import shlex
import shutil
import tomllib
from pathlib import Path
from unittest import mock

import pytest

import hyspec
from hyspec import io, metrics
from hyspec.spectral_profile import SpectralCoder
from hyspec_bench import ablations, cli, curves, memory, precision, registry, throughput

ROOT = Path(__file__).parents[1]
QUALITIES = (10.0, 20.0, 30.0, 40.0)
ENCODER = ["one interval", "each band alone", "plain rounding"]
SPECTRAL_ENCODER = [
    "fast",
    "metric sam",
    "five intervals",
    "five intervals, joint",
    "tiles of 64 x 64",
    "tiles of 64 x 64, a basis each",
    "tiles of 32 x 32",
    "tiles of 32 x 32, a basis each",
]


@pytest.fixture
def cube(scene_hdr):
    """The scene with what its file says of it, which the streams hold, too."""
    return io.read(scene_hdr)


@pytest.fixture
def compare(run, scene_hdr):
    """Run the program on the scene; return its records by the name of what was compared."""

    def compare(*arguments):
        given = (scene_hdr, "--qualities", *QUALITIES, "--json", *arguments)
        found = run(ablations.main, *given)
        assert found.code == 0, found.err
        records = [json.loads(line) for line in found.out.splitlines()]
        assert {(r["scene"], tuple(r["qualities"])) for r in records} == {("scene", QUALITIES)}
        return {r["variant"]: r for r in records}

    return compare


def points(cube, pack, **settings):
    """Rate and PSNR at each quality, through the public interface."""
    found = []
    for quality in QUALITIES:
        data = hyspec.encode(cube, pack=pack, quality=quality, **settings)
        psnr = metrics.compare(cube, hyspec.decode(data, pack=pack)).psnr_db
        found.append([8 * len(data) / cube.array.size, psnr])
    return found


def rows_of(table):
    lines = [line for line in table.splitlines() if line.startswith("| ")]
    return [line.strip("| ").split(" | ") for line in lines]


def test_curve_counts_all_samples(nodata_cube, each_pack):
    found = curves.curve(nodata_cube, {"pack": each_pack}, QUALITIES)
    assert [list(point) for point in found] == points(nodata_cube, each_pack)


def test_a_pack_against_its_copy_differs_in_nothing(compare, cube, tiny_pack, pack_copy):
    (record,) = compare("--pack", pack_copy, "--against", tiny_pack).values()
    assert (record["variant"], record["reference"]) == (str(pack_copy), str(tiny_pack))
    assert record["curve"] == record["reference_curve"] == points(cube, tiny_pack)
    assert record["gains_db"] == pytest.approx([0] * 4, abs=1e-9)
    assert record["bd_rate"] == pytest.approx(0, abs=1e-9)


def test_networks_of_a_pack(compare, cube, tiny_pack, pack_copy):
    """All tiles go through the network of the given number, in both packs."""
    for network in (0, 1):
        more = ("--pack", pack_copy, "--against", tiny_pack, "--network", network)
        (record,) = compare(*more).values()
        expected = points(cube, tiny_pack, network=network)
        assert record["curve"] == record["reference_curve"] == expected


def test_signs_of_packs(compare, tiny_pack, tiny_spectral_pack):
    """The better pack has a lower rate at equal PSNR, and a higher PSNR at equal rate."""
    band, spectral = str(tiny_pack), str(tiny_spectral_pack)
    forth = compare("--pack", spectral, "--against", band)[spectral]
    back = compare("--pack", band, "--against", spectral)[band]
    assert forth["curve"] == back["reference_curve"]
    assert forth["psnr_db"] == back["psnr_db"]
    assert (1 + forth["bd_rate"] / 100) * (1 + back["bd_rate"] / 100) == pytest.approx(1)
    signs = {gain > 0 for gain in forth["gains_db"] if gain is not None}
    assert signs == {forth["bd_rate"] < 0}


def test_variants_of_the_encoder(compare, cube, tiny_pack):
    found = compare("--pack", tiny_pack)
    assert list(found) == ENCODER
    assert {r["reference"] for r in found.values()} == {"default"}
    default = points(cube, tiny_pack)
    assert all(r["reference_curve"] == default for r in found.values())
    assert found["one interval"]["curve"] == points(cube, tiny_pack, intervals="all")
    # Fewer chunks at each quality.
    one = found["one interval"]["curve"]
    assert all(a < b for (a, _), (b, _) in zip(one, default, strict=True))
    assert found["each band alone"]["bd_rate"] > 10
    # More bits and less error: latents that are rounded to the nearest are nearer.
    plain = found["plain rounding"]
    for (rate, psnr), (default_rate, default_psnr) in zip(plain["curve"], default, strict=True):
        assert rate > default_rate
        assert psnr > default_psnr
    assert plain["bd_rate"] > 0


def test_markdown(run, scene_hdr, tiny_pack, tiny_spectral_pack, tmp_path):
    """The tables hold the figures of the records."""
    copy = shutil.copytree(tiny_pack, tmp_path / "copy")
    given = [scene_hdr, "--pack", copy, tiny_spectral_pack, "--against", tiny_pack]
    given += ["--qualities", 20, 40]
    records = [json.loads(line) for line in run(ablations.main, *given, "--json").out.splitlines()]
    out = run(ablations.main, *given).out
    first, second, third = re.split("^BD-rate|^Spectral angle", out, flags=re.M)
    header, *rows = rows_of(first)
    assert header[-1] == f"dB above {tiny_pack} at this rate"
    forms = [(str(tiny_pack), records[0]["reference_curve"], [None, None])]
    forms += [(r["variant"], r["curve"], r["gains_db"]) for r in records]
    assert rows == [
        [
            "scene",
            name,
            quality,
            f"{rate:.4f}",
            f"{psnr:.2f}",
            "-" if gain is None else f"{gain:+.2f}",
        ]
        for name, curve, gains in forms
        for quality, (rate, psnr), gain in zip(("20", "40"), curve, gains, strict=True)
    ]
    header, row, mean = rows_of(second)
    assert header == ["scene", *(r["variant"] for r in records)]
    assert row == [
        "scene",
        *(f"{r['bd_rate']:+.1f} ({r['psnr_db'][0]:.1f} to {r['psnr_db'][1]:.1f})" for r in records),
    ]
    assert mean == ["mean", *(f"{r['bd_rate']:+.1f}" for r in records)]
    header, row, mean = rows_of(third)
    assert header == ["scene", *(r["variant"] for r in records)]
    changes = [f"{r['angle_change']:+.1f}" for r in records]
    assert (row, mean) == (["scene", *changes], ["mean", *changes])


def row(scene, bd_rate):
    nan = float("nan")
    curve = [(0.1, 30.0), (0.2, 33.0)]
    return ablations.Row(
        scene, "b", "a", [1.0, 2.0], curve, curve, [nan, nan], bd_rate, (30.0, 33.0), -bd_rate
    )


def test_means():
    """The mean is that of all scenes, and a dash where one has no difference."""
    rows = [row("x", 2.0), row("y", 4.0)]
    assert ablations.rate_table(rows).rows[-1] == ["mean", "+3.0"]
    assert ablations.angle_table(rows).rows == [["x", "-2.0"], ["y", "-4.0"], ["mean", "-3.0"]]
    rows.append(row("z", float("nan")))
    assert ablations.rate_table(rows).rows[-2:] == [["z", "-"], ["mean", "-"]]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--qualities", "10", "10"], "found one quality"),
        (["--pack", "generic-band", "aviris-band-5"], "without --against"),
        (["--pack", "generic-band", "--against", "generic-band"], "a pack twice"),
    ],
)
def test_bad_use(run, scene_hdr, arguments, message):
    found = run(ablations.main, scene_hdr, *arguments)
    assert found.code == 2
    assert message in found.err


def test_variants_of_the_spectral_profile(compare, cube, tiny_spectral_pack):
    found = compare("--pack", tiny_spectral_pack)
    assert list(found) == SPECTRAL_ENCODER
    default = points(cube, tiny_spectral_pack)
    assert all(r["reference_curve"] == default for r in found.values())
    assert found["fast"]["curve"] == points(cube, tiny_spectral_pack, fast=True)
    assert found["fast"]["bd_rate"] > 0
    assert found["metric sam"]["curve"] == points(cube, tiny_spectral_pack, metric="sam")
    assert found["metric sam"]["angle_change"] < 0
    assert found["five intervals"]["bd_rate"] > 0
    joint = points(cube, tiny_spectral_pack, intervals="seed", joint=True)
    assert found["five intervals, joint"]["curve"] == joint
    assert found["five intervals, joint"]["bd_rate"] < found["five intervals"]["bd_rate"]
    # The scene has 40 x 36 pixels.
    assert found["tiles of 64 x 64"]["curve"] == default
    assert found["tiles of 64 x 64, a basis each"]["curve"] == default
    small = found["tiles of 32 x 32"]
    assert small["bd_rate"] > 0
    assert small["curve"] == points(cube, tiny_spectral_pack, tile=(32, 32))
    with mock.patch.object(SpectralCoder, "by_row", new=False):
        alone = points(cube, tiny_spectral_pack, tile=(32, 32))
    assert found["tiles of 32 x 32, a basis each"]["curve"] == alone


def test_without_the_file(run, tmp_path, tiny_pack):
    found = run(ablations.main, tmp_path / "missing.hdr", "--pack", tiny_pack)
    assert found.code == 1
    assert found.err.startswith(str(tmp_path / "missing.hdr"))


def commands(pattern):
    """Commands of the model cards and the design page whose line begins so, as (name, words)."""
    pages = "".join((ROOT / "docs" / f"{n}.md").read_text() for n in ("packs", "design_spectral"))
    found = re.findall(rf"^ *{pattern} (.*)$", pages.replace("\\\n", " "), re.M)
    return [(name, shlex.split(words)) for name, words in found]


def test_commands_of_the_model_cards():
    """The programs take the commands, and recipes of the repository make the packs they name."""
    parsers = {
        "ablations": ablations,
        "memory": memory,
        "precision": precision,
        "throughput": throughput,
    }
    packs, programs = set(), []
    for name, words in commands(r"python -m hyspec_bench\.(\w+)"):
        options = parsers[name].parser().parse_args(words)
        programs.append(name)
        if name == "ablations" and options.against:
            packs |= {*options.pack, options.against}
    assert [programs.count(name) for name in parsers] == [6, 1, 1, 2]
    recipes = {pack for pack in packs if pack.startswith("packs/")}
    assert packs - recipes == {"aviris-band-5", "generic-band"}
    for pack in recipes:
        name = pack.removeprefix("packs/")
        recipe = tomllib.loads((ROOT / "training" / "configs" / f"{name}.toml").read_text())
        assert recipe["pack"]["name"] == name
    assert len(recipes) == 4


def test_runs_of_the_model_cards():
    """And so does `hyspec-bench`, whose codecs exist."""
    found = commands(r"hyspec-bench (\w+)")
    assert [name for name, _ in found] == ["run", "run", "report"]
    for name, words in found:
        options = cli.parser().parse_args([name, *words])
        for codec in options.codecs if name == "run" else options.anchors:
            registry.create(codec)
