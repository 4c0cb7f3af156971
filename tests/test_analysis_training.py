"""Training of analysis models: every task, splits that leak nothing, runs that can be resumed."""

import json
import math
import re
from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pytest
import torch

from analysis_scenes import BANDS, ENDMEMBERS, RECIPE, known_scene, no_export, recipe, scene
from hyspec.analysis import local_sets
from hyspec.errors import DataError, UsageError
from hyspec_tools.train import main
from hyspec_training.analysis import config, preparation, runs, scenes
from hyspec_training.analysis.fitting import rate_of_epoch
from hyspec_training.tracking import Tracker

torch.set_num_threads(1)

__all__ = ["known_scene", "no_export"]

pytestmark = pytest.mark.usefixtures("no_export")

UNMIXING = ('task = "classification"\ntarget = "dominant"', 'task = "unmixing"')
BLIND = (UNMIXING[0], UNMIXING[1] + '\ntarget = "spectra"')
SPECTRA = (UNMIXING[0], 'task = "autoencoder"')
PLAIN = ("[training]", '[scaling]\nkind = "none"\n[training]')


def model(name, extra=""):
    return ('name = "hu"', f'name = "{name}"\n{extra}')


def trained(folder, *changes, data):
    options = {"threads": 1, "quiet": True, "force": True}
    written = runs.run(recipe(*changes), data, folder, folder / "packs", **options)
    return json.loads(written[0].read_text())


@pytest.mark.parametrize(
    ("changes", "measure", "least", "most"),
    [
        ((), "overall_accuracy", 0.9, 1.0),
        ((model("svm"),), "overall_accuracy", 0.95, 1.0),
        ((model("sgd"),), "overall_accuracy", 0.9, 1.0),
        ((model("knn"),), "overall_accuracy", 0.95, 1.0),
        ((UNMIXING, model("compact-unmixing")), "a_rmse", 0.0, 0.12),
        ((BLIND, PLAIN, model("blind-unmixing", 'endmembers = "vca"')), "a_rmse", 0.0, 0.25),
        ((SPECTRA, model("deephyp-mlp-autoencoder")), "psnr_db", 15.0, 90.0),
        (
            (SPECTRA, PLAIN, model("wavelength-encoder"), ('"autoencoder"', '"shared-encoder"')),
            "psnr_db",
            15.0,
            90.0,
        ),
    ],
    ids=lambda v: "" if not isinstance(v, tuple) else str(v[-1][-1]).split('"')[1] if v else "hu",
)
def test_every_task_learns(changes, measure, least, most, known_scene, tmp_path):
    found = trained(tmp_path, *changes, data=known_scene)
    mean, deviation = found["test"][measure]
    assert least <= mean <= most
    assert deviation == 0
    assert found["runs"][0]["test"][measure] == mean
    assert found["runs"][0]["overlap"] == 0


def test_semi_supervised_models_see_pixels_without_class(known_scene, tmp_path):
    few = ("patch = 3", "patch = 9\nper_class = 10")
    share = ("epochs = 6", "epochs = 2\nunlabelled = 0.5")
    found = trained(tmp_path, model("liu"), few, share, data=known_scene)
    assert len(found["runs"][0]["validation"]["recall"]) == ENDMEMBERS


def test_several_runs_have_a_mean_and_a_spread(known_scene, tmp_path):
    several = ("epochs = 6", "epochs = 2\nruns = 3")
    found = trained(tmp_path, several, ("patch = 3", "patch = 3\nvaried = true"), data=known_scene)
    values = [run["test"]["overall_accuracy"] for run in found["runs"]]
    assert found["test"]["overall_accuracy"] == pytest.approx(
        [np.mean(values), np.std(values, ddof=1)]
    )
    assert [run["seed"] for run in found["runs"]] == [0, 1, 2]
    assert len({run["split"] for run in found["runs"]}) == 3


class StopHere(BaseException):
    pass


RESUMED = {
    "augmented": (
        model("spectral-spatial", "options = { patch = 3, width = 8 }"),
        ("[model]", "[augmentation]\nflips = true\nradiation = 0.5\nmixture = 0.5\n[model]"),
    ),
    "pretrained": (
        SPECTRA,
        model("deephyp-mlp-autoencoder"),
        ("epochs =", "pretraining = 2\nepochs ="),
    ),
    "patient": (("epochs = 6", "epochs = 30\npatience = 2"),),
}


@pytest.mark.parametrize("name", RESUMED)
def test_an_interrupted_run_ends_with_the_same_weights(name, known_scene, tmp_path, monkeypatch):
    whole = trained(tmp_path / "whole", *RESUMED[name], data=known_scene)
    step, seen = Tracker.step, []

    def stops(tracker, done, *rest):
        seen.append(done)
        if len(seen) == 40:
            raise StopHere
        step(tracker, done, *rest)

    monkeypatch.setattr(Tracker, "step", stops)
    with pytest.raises(StopHere):
        trained(tmp_path / "parts", *RESUMED[name], data=known_scene)
    found = trained(tmp_path / "parts", *RESUMED[name], data=known_scene)
    assert found == whole
    files = sorted(path.name for path in (tmp_path / "whole").glob("*.pt"))
    for file in files:
        one, other = (
            torch.load(tmp_path / part / file, weights_only=True) for part in ("whole", "parts")
        )
        assert one["history"] == other["history"]
        for key in one["best"]:
            assert torch.equal(one["best"][key], other["best"][key]), (file, key)


def test_a_run_ends_with_its_best_validation(known_scene, tmp_path):
    found = trained(tmp_path, ("epochs = 6", "epochs = 12\npatience = 4"), data=known_scene)
    kept = torch.load(tmp_path / "run-1.pt", weights_only=True)
    history = kept["history"]
    best = min(history, key=lambda scores: (-scores["average_accuracy"], scores["loss"]))
    assert found["runs"][0]["validation"] == best
    assert history[-1]["epoch"] == min(12, best["epoch"] + 4)


def test_checkpoints_of_other_settings_are_refused(known_scene, tmp_path):
    trained(tmp_path, ("epochs = 6", "epochs = 1"), data=known_scene)
    with pytest.raises(UsageError, match="made with training"):
        trained(tmp_path, ("epochs = 6", "epochs = 2"), data=known_scene)


def test_only_training_pixels_decide_the_scaling(known_scene):
    found = recipe()
    subjects = scenes.load(found, known_scene)
    before = preparation.prepare(found, subjects, 0, known_scene)
    other = before.division.parts[0]["train"]
    subjects[0].scene.cube.array[~other] *= 7
    after = preparation.prepare(found, subjects, 0, known_scene)
    np.testing.assert_array_equal(after.scalers[BANDS].offset, before.scalers[BANDS].offset)
    np.testing.assert_array_equal(after.scalers[BANDS].scale, before.scalers[BANDS].scale)
    inside = after.fields[0].planes[:, other]
    np.testing.assert_allclose(inside.mean(axis=1), 0, atol=1e-5)


def test_patches_of_the_parts_share_no_pixel(known_scene):
    """Counted here by marking the pixels of patches one by one."""
    found = recipe()
    [parts] = preparation.prepare(
        found, scenes.load(found, known_scene), 0, known_scene
    ).division.parts
    touched = {}
    for part in ("train", "validation", "test"):
        assert parts[part].any()
        mask = np.zeros(parts[part].shape, bool)
        for row, column in np.argwhere(parts[part]):
            mask[max(row - 1, 0) : row + 2, max(column - 1, 0) : column + 2] = True
        touched[part] = mask
    assert not (touched["train"] & touched["test"]).any()
    assert not (touched["train"] & touched["validation"]).any()
    assert not (touched["validation"] & touched["test"]).any()


def test_the_program_tells_splits_and_results(known_scene, tmp_path, capsys):
    path = tmp_path / "recipe.toml"
    path.write_text(RECIPE.replace("epochs = 6", "epochs = 1"))
    arguments = ["--data", str(known_scene), "--work", str(tmp_path / "work"), "--quiet"]
    assert main([str(path), *arguments, "--out", str(tmp_path)]) == 0
    said = capsys.readouterr().out
    assert "run 1: spatially disjoint, buffer of 2 pixels" in said
    assert "0.0 % of test patches hold a training pixel" in said
    assert "overall_accuracy" in said
    assert str(tmp_path / "work" / "results.json") in said


def test_a_scene_without_endmembers_has_none_to_begin_with(known_scene, tmp_path, monkeypatch):
    bare = replace(scene(), endmembers=None)
    monkeypatch.setattr(local_sets, "load", lambda *_, **__: [bare])
    blind = model("blind-unmixing", 'endmembers = "true"')
    with pytest.raises(DataError, match="no endmembers are known"):
        trained(tmp_path, BLIND, blind, data=known_scene)


# ---- learning rates -----------------------------------------------------------------------------


def rates(text, epochs):
    training = recipe(("epochs = 6", f"epochs = 10\n{text}")).training
    return [rate_of_epoch(training, epoch) for epoch in epochs]


def test_learning_rates_fall_as_the_recipe_says():
    assert rates("", [0, 9]) == [1e-2, 1e-2]
    steps = 'decay = "exponential"\ndecay_factor = 0.5\ndecay_every = 2'
    assert rates(steps, [0, 1.9, 2, 5]) == pytest.approx([1e-2, 1e-2, 5e-3, 2.5e-3])
    smooth = rates(steps + "\nstaircase = false", [0, 1, 5])
    assert smooth == pytest.approx([1e-2, 1e-2 * 0.5**0.5, 1e-2 * 0.5**2.5])
    pieces = 'decay = "piecewise"\ndecay_epochs = [3, 6]\ndecay_rates = [1e-3, 1e-4]'
    assert rates(pieces, [2.9, 3, 6]) == [1e-2, 1e-3, 1e-4]
    assert rates('decay = "cosine"', [0, 5, 10]) == pytest.approx([1e-2, 5e-3, 0])


# ---- recipes ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('"hu"', '"blind-unmixing"', "a model of the task unmixing"),
        ('"hu"', '"hew"', "no model is called 'hew'"),
        ('target = "dominant"', 'target = "spectra"', "expected one of labels, dominant"),
        ("epochs = 6", 'loss = "sid"', "loss is 'sid' for the task classification"),
        ("epochs = 6", 'decay = "piecewise"', "expected rising epochs"),
        ("epochs = 6", 'decay_epochs = ["a"]', "expected a list of whole numbers"),
        ("train = 0.4", "train = 0.8", "expected fractions with something left"),
        ("train = 0.4", 'method = "masks"', "train_mask is missing"),
        ("patch = 3", "per_class = 5\nkept = 0.1", "expected one of them"),
        ('source = "jasper-ridge"', "", "expected either a source or a cube"),
        ("[[scene]]", "[scene]", "write \\[\\[scene\\]\\]"),
        ("[model]", "[modell]", "expected \\['analysis', 'model', 'scene'\\]"),
    ],
)
def test_recipes_that_make_no_sense(old, new, message):
    with pytest.raises(UsageError) as caught:
        recipe((old, new))
    assert message.replace("\\", "") in f"{caught.value} {caught.value.hint}"


def test_a_recipe_says_what_is_not_the_default():
    found = recipe(("epochs = 6", "epochs = 6\ndecay_rates = [1, 0.5]"))
    assert found.training.decay_rates == (1.0, 0.5)
    assert (found.target, found.loss) == ("dominant", "cross-entropy")
    assert config.parse(found.text, "again") == found
    assert math.isclose(found.split.train, 0.4)


# ---- docs/analysis.md ---------------------------------------------------------------------------

PAGE = Path(__file__).parents[1] / "docs" / "analysis.md"


def test_the_documented_recipe_is_valid():
    [text] = re.findall(r"^```toml\n(.*?)^```$", PAGE.read_text("utf-8"), re.M | re.S)
    found = config.parse(text, "my-field.toml")
    assert (found.analysis.name, found.target) == ("my-field", "labels")


def test_the_documented_command_names_a_recipe_that_exists():
    [command] = re.findall(r"^hyspec-train (\S+) --data", PAGE.read_text("utf-8"), re.M)
    assert config.load(PAGE.parents[1] / command).analysis.task == "classification"


def test_every_setting_is_documented():
    page = PAGE.read_text(encoding="utf-8")
    classes = (
        config.AnalysisConfig, config.SceneConfig, config.SplitConfig, config.ScalingConfig,
        config.AugmentationConfig, config.ModelConfig, config.TrainingConfig,
    )  # fmt: skip
    for field in (field for cls in classes for field in fields(cls)):
        assert re.search(rf"^\| .*`[^`]*\b{field.name}`.*\|.*\|", page, re.M), field.name


def test_shipped_recipes_are_valid():
    recipes = sorted((PAGE.parents[1] / "training" / "configs" / "analysis").glob("*.toml"))
    assert recipes
    for path in recipes:
        assert config.load(path).analysis.name
