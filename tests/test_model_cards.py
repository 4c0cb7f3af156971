"""What the model cards say of the shipped packs: their figures, and the commands that make them."""

import json
import re
import shlex
from pathlib import Path

import pytest
import torch

from hyspec import pack
from hyspec_tools import export, train
from training_fixtures import write_scenes

ROOT = Path(__file__).parents[1]
CARDS = (ROOT / "docs" / "packs.md").read_text(encoding="utf-8")
SPECTRAL_CARD, BAND_CARDS = CARDS.split("## The packs of the band profile")
RECIPES = ROOT / "training" / "configs"
RECIPE = RECIPES / "aviris-band-5.toml"
SPECTRAL = "generic-spectral"
NAMES = ("generic-band", "aviris-band-5")

pytestmark = pytest.mark.skipif(
    not {*NAMES, SPECTRAL} <= set(pack.shipped()), reason="this copy of hyspec ships no packs"
)


def manifest_of(folder):
    return json.loads((folder / "manifest.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("name", [*NAMES, SPECTRAL])
def test_the_recipe_is_the_one_in_the_repository(name):
    recipe = RECIPES / f"{SPECTRAL}.toml" if name == SPECTRAL else RECIPE
    assert manifest_of(pack.SHIPPED / name)["recipe"] == recipe.read_text(encoding="utf-8")


def test_the_refinement_is_that_of_its_recipe():
    """And loses nothing that counts on any validation scene, at any rate."""
    about = manifest_of(pack.SHIPPED / SPECTRAL)["refinement"]
    recipe = RECIPES / f"{SPECTRAL}-refinement.toml"
    assert about["recipe"] == recipe.read_text(encoding="utf-8")
    kept = {record["scene"] for record in about["validation"]}
    assert len(kept) == 5
    assert not kept & set(about["scenes"])
    assert min(record["gain_db"] for record in about["validation"]) > -0.02


@pytest.mark.parametrize(
    ("name", "card", "networks"),
    [("generic-band", BAND_CARDS, {"low", "high"}), (SPECTRAL, SPECTRAL_CARD, {"high"})],
)
def test_rates_and_distortions_are_those_of_the_manifest(name, card, networks):
    row = r"^\| `(low|high)` \| (\d+) \| ([\d.]+) \| ([\d.]+) \| ([\d.]+) \|$"
    found = re.findall(row, card, re.M)
    records = {
        (r["network"], r["quality"]): r for r in manifest_of(pack.SHIPPED / name)["validation"]
    }
    for network, quality, *figures in found:
        record = records[network, int(quality)]
        expected = f"{record['bps']:.3f} {record['snr_db']:.2f} {record['ms_ssim']:.3f}"
        assert " ".join(figures) == expected, (network, quality)
    assert {network for network, *_ in found} == networks


def test_sizes():
    stated = re.findall(r"([\d.]+) MB", "".join(re.findall(r"^\| size \|.*$", CARDS, re.M)))
    for name, figure in zip((SPECTRAL, *NAMES), stated, strict=True):
        files = [p for p in (pack.SHIPPED / name).rglob("*") if p.is_file()]
        assert f"{sum(p.stat().st_size for p in files) / 1e6:.1f}" == figure


def small_recipe():
    """The recipe of the packs, for small scenes, in a few steps of small networks."""
    text = RECIPE.read_text(encoding="utf-8")
    text = re.sub(r"scenes = \[.*?\n\]", 'scenes = ["scene-*.npy"]', text, flags=re.S)
    text = re.sub(r"validation = \[.*?\]", 'validation = ["scene-2.npy"]', text)
    for name, value in (("patch", 32), ("filters", 4), ("steps", 2), ("finetune_steps", 1)):
        text, count = re.subn(rf"^{name} = \d+$", f"{name} = {value}", text, flags=re.M)
        assert count
    return re.sub(r"^batch = \d+$", "batch = 2", text, flags=re.M)


@pytest.mark.slow
def test_the_commands_make_packs_like_the_shipped_ones(tmp_path, grid, run, monkeypatch):
    """From a short form of the recipe: the same models, networks, files and texts."""
    torch.set_num_threads(1)
    monkeypatch.setenv("HYSPEC_DATA", str(write_scenes(tmp_path / "data", grid)))
    monkeypatch.chdir(tmp_path)
    config = tmp_path / RECIPE.relative_to(ROOT)
    config.parent.mkdir(parents=True)
    config.write_text(small_recipe())
    commands = [shlex.split(line) for line in re.findall(r"^hyspec-\w+ .*$", BAND_CARDS, re.M)]
    assert [program for program, *_ in commands] == ["hyspec-train", "hyspec-export"]
    for main, (_, *arguments) in zip((train.main, export.main), commands, strict=True):
        assert run(main, *arguments, "--quiet").code == 0
    for name in NAMES:
        made, shipped = manifest_of(tmp_path / "packs" / name), manifest_of(pack.SHIPPED / name)
        for key in ("name", "description", "sensor", "licence", "models"):
            assert made[key] == shipped[key], key
        assert [n["name"] for n in made["networks"]] == [n["name"] for n in shipped["networks"]]
        assert sorted(made["files"]) == sorted(shipped["files"])
    again = tmp_path / "again"
    assert run(export.main, "runs/aviris-band-5", again, "--quiet").code == 0
    assert pack.load(again).id == pack.load(tmp_path / "packs" / "aviris-band-5").id
