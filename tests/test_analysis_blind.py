"""Unmixing without truth: archetypes, the blind autoencoder by recipe, noise, and the table."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from analysis_scenes import known_scene, no_export, recipe, scene
from hyspec import Cube
from hyspec.analysis import archetypes, fcls, local_sets, scaling, spectral_angles, vca
from hyspec.analysis.abundance_metrics import abundance_score, match_endmembers
from hyspec.errors import DataError, UsageError
from hyspec_bench import unmixing_models
from hyspec_training.analysis import config, noise, preparation, runs, scenes

__all__ = ["known_scene", "no_export"]
torch.set_num_threads(1)

RECIPES = Path(__file__).parents[1] / "training" / "configs" / "analysis"
BLIND = (
    ('"classification"\ntarget = "dominant"', '"unmixing"\ntarget = "spectra"'),
    ("[split]\n", '[scaling]\nkind = "rms"\n\n[split]\nmethod = "whole"\n'),
    ('name = "hu"', 'name = "blind-unmixing"\nendmembers = "archetypes"'),
    ("epochs = 6", 'epochs = 30\nloss = "shaded-angle"\ndecay = "cosine"'),
)


def mixtures(seed, endmembers=3, bands=30, pixels=900, noise=0.003):
    """Endmembers, abundances with few nearly pure pixels, and shaded spectra."""
    random = np.random.default_rng(seed)
    steps = random.normal(0, 0.25, (endmembers, bands))
    e = np.abs(np.cumsum(steps, axis=1)) + 0.1
    a = random.dirichlet(np.full(endmembers, 0.4), pixels)
    shade = random.uniform(0.6, 1.3, (pixels, 1))
    return e, a, shade * (a @ e) + random.normal(0, noise, (pixels, bands))


# ---- archetypes ----------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(3))
def test_archetypes_are_near_the_endmembers(seed):
    e, _, x = mixtures(seed)
    found = archetypes(x, 3, seed=0)
    match = match_endmembers(e, found.endmembers)
    assert match.angles.max() < 0.06
    lengths = np.linalg.norm(found.endmembers[match.order], axis=1) / np.linalg.norm(e, axis=1)
    assert np.all((lengths > 0.6) & (lengths < 1.3))  # as bright as pixels
    unit = x / np.linalg.norm(x, axis=1, keepdims=True)
    assert found.error < 0.2 * float(((unit - unit.mean(axis=0)) ** 2).sum(axis=1).mean())


def test_more_noise_harms_archetypes_less_than_vertices():
    """Averages of pixels against single ones."""
    ours, theirs = [], []
    for seed in range(3):
        e, _, x = mixtures(seed, noise=0.08)
        ours.append(
            match_endmembers(e, archetypes(x, 3, seed=0, restarts=4).endmembers).angles.mean()
        )
        theirs.append(match_endmembers(e, vca(x, 3, seed=0).endmembers).angles.mean())
    assert np.mean(ours) < 0.8 * np.mean(theirs)


def test_seeds_decide():
    _, _, x = mixtures(5)
    one, again = (archetypes(x, 3, seed=1, restarts=1).endmembers for _ in range(2))
    assert np.array_equal(one, again)


def test_a_scene_is_as_good_as_its_pixels():
    _, _, x = mixtures(6)
    image = x.reshape(30, 30, -1)
    assert np.array_equal(
        archetypes(image, 3, seed=0, restarts=1).endmembers,
        archetypes(x, 3, seed=0, restarts=1).endmembers,
    )


def test_unusable():
    _, _, x = mixtures(0)
    with pytest.raises(UsageError, match="0 restarts"):
        archetypes(x, 3, seed=0, restarts=0)
    with pytest.raises(UsageError, match="2 to 30"):
        archetypes(x, 31, seed=0)
    with pytest.raises(DataError, match="finite"):
        archetypes(np.full((9, 5), np.nan), 2, seed=0)
    with pytest.raises(UsageError, match="fewer than 3 different corners"):
        archetypes(np.ones((9, 5)), 3, seed=0)


# ---- the blind autoencoder -----------------------------------------------------------------------


def shaded():
    """Scene of a dark, a middle and a bright endmember, with light and shade."""
    e, a, x = mixtures(1)
    known = scene()
    cube = Cube((x * 1000).reshape(30, 30, -1).astype(np.float32))
    return replace(known, cube=cube, abundances=a.reshape(30, 30, 3), endmembers=e)


@pytest.fixture
def shaded_scene(monkeypatch):
    monkeypatch.setattr(local_sets, "load", lambda *_, **__: [shaded()])
    return Path("nowhere")


@pytest.mark.usefixtures("no_export")
def test_blind_training_beats_least_squares_with_vertices(shaded_scene, tmp_path):
    found = recipe(*BLIND)
    written = runs.run(found, shaded_scene, tmp_path, tmp_path / "packs", threads=1, quiet=True)
    [result] = json.loads(written[0].read_text())["runs"]
    known = shaded()
    x = known.spectra()
    corners = vca(x, 3, seed=0).endmembers
    corners = corners[match_endmembers(known.endmembers, corners).order]
    baseline = abundance_score(known.abundances, fcls(x, corners)).a_rmse
    assert result["test"]["a_rmse"] < 0.6 * baseline
    assert result["test"]["endmember_angle"] < 0.06
    assert "whole scene, unmixed blindly: 900 pixels" in result["split"]

    subjects = scenes.load(found, shaded_scene)
    prepared = preparation.prepare(found, subjects, 0, shaded_scene)
    judged = noise.judged(found, prepared, 0, tmp_path, snrs=(None, 40.0, 10.0))
    for name in ("a_rmse", "endmember_angle", "r_rmse", "loss"):
        assert judged[None][name] == pytest.approx(result["test"][name], rel=1e-4), name
    assert judged[None]["a_rmse"] < judged[10.0]["a_rmse"] > judged[40.0]["a_rmse"]


@pytest.mark.usefixtures("no_export")
def test_scenes_without_truth_are_unmixed(tmp_path, monkeypatch):
    bare = replace(shaded(), abundances=None, endmembers=None)
    monkeypatch.setattr(local_sets, "load", lambda *_, **__: [bare])
    quick = (*BLIND[:3], ("epochs = 6", 'epochs = 1\nloss = "shaded-angle"'))
    found = recipe(*quick, ('"archetypes"', '"archetypes"\nclasses = 4'))
    prepared = preparation.prepare(found, scenes.load(found, tmp_path), 0, tmp_path)
    model = preparation.initial(found, prepared, 0)
    assert model.endmembers.shape == (4, 30)
    written = runs.run(found, tmp_path, tmp_path, tmp_path / "packs", threads=1, quiet=True)
    assert set(json.loads(written[0].read_text())["test"]) == {"loss"}


def test_whole_scenes_are_for_models_without_truth():
    with pytest.raises(UsageError, match="method is 'whole' for the target dominant"):
        recipe(("[split]\n", '[split]\nmethod = "whole"\n'))


def test_noise_has_the_power_asked_for(shaded_scene):
    found = recipe(*BLIND)
    prepared = preparation.prepare(found, scenes.load(found, shaded_scene), 0, shaded_scene)
    [field] = prepared.fields
    changed = noise.noisy(field, prepared.scalers[field.bands], 20.0, 0)
    added = np.mean((changed.planes - field.planes) ** 2)
    assert added == pytest.approx(0.01 * np.mean(field.planes**2), rel=0.05)
    with pytest.raises(UsageError, match="spectrum by spectrum"):
        noise.noisy(field, scaling.fit("minmax", np.eye(3)), 20.0, 0)


def test_judging_needs_a_training(shaded_scene, tmp_path):
    found = recipe(*BLIND)
    prepared = preparation.prepare(found, scenes.load(found, shaded_scene), 0, shaded_scene)
    with pytest.raises(DataError, match="no checkpoint"):
        noise.judged(found, prepared, 0, tmp_path, snrs=(None,))


def test_a_scaler_that_keeps_angles():
    x = np.random.default_rng(0).random((40, 6)) * 300
    scaler = scaling.fit("rms", x)
    assert np.mean(scaler(x) ** 2) == pytest.approx(1)
    assert spectral_angles(x, scaler(x)) == pytest.approx(0, abs=1e-6)


# ---- the table -----------------------------------------------------------------------------------


@pytest.mark.parametrize("path", sorted(RECIPES.glob("unmix-*.toml")), ids=lambda p: p.stem)
def test_shipped_recipes_are_valid(path):
    found = config.load(path)
    assert found.analysis.task == "unmixing"
    assert found.training.runs == 5
    assert (found.split.method == "whole") == (found.model.name == "blind-unmixing")


@pytest.mark.usefixtures("known_scene", "no_export")
def test_the_table(run, tmp_path):
    options = ("--data", tmp_path, "--out", tmp_path, "--runs", "2", "--epochs", "2")
    recipes = [RECIPES / "unmix-compact.toml", RECIPES / "unmix-blind.toml"]
    done = run(unmixing_models.main, *recipes, *options, "--threads", "1", "--snr", "30")
    assert done.code == 0, done.err
    rows = [line.strip("| ").split(" | ") for line in done.out.splitlines() if "|" in line]
    assert tuple(rows[0]) == unmixing_models.HEADER
    assert [row[1] for row in rows[2:6]] == [
        "FCLS, true endmembers",
        "compact-unmixing",
        "FCLS, true endmembers",
        "blind-unmixing",
    ]
    assert [row[3] for row in rows[2:6:2]] == ["0.0 %", "no truth seen"]
    assert float(rows[2][5].split(" ± ")[0]) < 0.1
    assert rows[6] == ["scene", "method", "aRMSE", "30 dB"]
    assert len(rows) == 10
    classes = recipe()
    assert classes.analysis.task == "classification"
    with pytest.raises(UsageError, match="a recipe of the task classification"):
        unmixing_models.of_set(classes, "samson", None, None)
