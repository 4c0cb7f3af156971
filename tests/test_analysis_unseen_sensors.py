"""Encoders for any sensor: left-out sensors are not trained on, and few labels are apart."""

import dataclasses
import math
from pathlib import Path

import numpy as np
import pytest
import torch

from hyspec import analysis, inference
from hyspec.analysis import local_sets, pack, sensor_scenes
from hyspec.analysis.labelled import LabelledScene
from hyspec.analysis.sensor_scenes import SensorScene, _Source
from hyspec.cube import Cube
from hyspec.errors import DataError, UsageError
from hyspec_bench import shared_encoder as bench
from hyspec_training.analysis import config, fine_tuning, runs, unseen_sensors

torch.set_num_threads(1)

RECIPE = """
[analysis]
name = "{name}"
task = "shared-encoder"
[[scene]]
source = "train/a"
[[scene]]
source = "train/b"
[[scene]]
source = "train/c"
[split]
train = 0.6
validation = 0.2
patch = 1
candidates = 4
[scaling]
kind = "level"
[model]
name = "{name}"
options = {{ latents = 4, {extra} }}
[training]
epochs = 4
batch = 32
learning_rate = 1e-2
loss = "mse"
"""
#: Sensors by file: their centres in nanometres.
SENSORS = {
    "train/a": np.linspace(420, 1000, 24),
    "train/b": np.linspace(400, 2400, 40),
    "train/c": np.linspace(500, 900, 16),
    "test/d": np.linspace(450, 1300, 31),
}


def fields(file: str) -> tuple[Cube, np.ndarray]:
    """A scene of three kinds of ground, as a sensor sees it, and which ground is where."""
    centres = SENSORS[file]
    rng = np.random.default_rng(len(file) + len(centres))
    ground = rng.integers(3, size=(5, 4)).repeat(4, 0).repeat(5, 1)
    w = centres / 1000
    kinds = np.stack([0.2 + 0.1 * w, 0.5 / (1 + np.exp(-30 * (w - 0.7))) + 0.05, 0.3 / w**2])
    light = rng.uniform(0.7, 1.3, (*ground.shape, 1))
    samples = kinds[ground] * light * 4000 + rng.normal(0, 10, (*ground.shape, len(w)))
    cube = Cube(samples.astype(np.float32), centres, wavelength_unit="nm")
    return cube, ground + 1


@pytest.fixture(autouse=True)
def sensors(monkeypatch):
    """Four sensors in place of those of the folder; the list of files that were read."""
    read = []

    def load(file, _=None):
        read.append(file)
        return sensor_scenes.of_cube(
            fields(file)[0], file, sensor_scenes.SCENES[file].sensor, file.partition("/")[0]
        )

    monkeypatch.setattr(sensor_scenes, "SCENES", {f: _Source(f[-1].upper()) for f in SENSORS})
    monkeypatch.setattr(sensor_scenes, "load", load)
    monkeypatch.setattr(unseen_sensors, "SAME_GROUND", (("A", "C"),))
    return read


SMALL = {"wavelength-encoder": "functions = 8", "shared-encoder": "filters = [8, 8]"}


def recipe(name="wavelength-encoder"):
    return config.parse(RECIPE.format(name=name, extra=SMALL[name]), "recipe.toml")


def test_sensors_of_the_same_ground_are_left_out_together():
    assert unseen_sensors.folds(recipe()) == [(), ("A", "C"), ("B",)]
    kept = unseen_sensors.without(recipe(), ("A", "C"))
    assert [scene.source for scene in kept.scenes] == ["train/b"]
    with pytest.raises(UsageError, match="no scene is left"):
        unseen_sensors.without(recipe(), ("A", "B", "C"))


def test_left_out_sensors_are_not_read(sensors, tmp_path):
    found = unseen_sensors.trained(recipe(), ("A", "C"), tmp_path, tmp_path, quiet=True)
    assert set(sensors) == {"train/b"}
    assert found.seen_psnr_db > 20
    before = {k: v.clone() for k, v in found.model.state_dict().items()}
    again = unseen_sensors.trained(recipe(), ("A", "C"), tmp_path, tmp_path, quiet=True)
    for key, value in again.model.state_dict().items():
        assert torch.equal(value, before[key]), key


def test_places_of_bands_help_on_unseen_sensors(tmp_path):
    scene = sensor_scenes.load("test/d")
    psnr = {}
    for name in SMALL:
        found = unseen_sensors.trained(recipe(name), (), tmp_path, tmp_path / name, quiet=True)
        psnr[name] = unseen_sensors.reconstruction(found.model, scene).psnr_db
    assert psnr["wavelength-encoder"] > psnr["shared-encoder"] + 6


def test_the_paper_s_form_says_what_it_can_take():
    model = unseen_sensors.initial(recipe("shared-encoder"))
    for bands in range(1, 30):
        x = torch.rand(2, bands)
        if model.takes(bands):
            assert model.spectra(x).shape == x.shape
        else:
            with pytest.raises(RuntimeError, match=r"[Pp]adding"):
                model.spectra(x)


def test_figures_of_a_reconstruction():
    rng = np.random.default_rng(1)
    array = rng.random((14, 15, 3), np.float32)
    measured = np.ones((14, 15), np.bool_)
    measured[0, 0] = False
    scene = SensorScene("x", "X", "test", array, np.ones((3, 3), np.float32), measured)
    decoded = array + np.float32(0.1)
    decoded[0, 0] = 1e6  # counts for nothing
    found = unseen_sensors.compared(scene, decoded)
    peak = float(np.ptp(array[measured]))
    assert found.psnr_db == pytest.approx(20 * math.log10(peak / 0.1), abs=1e-3)
    assert 0.8 < found.ssim < 1
    assert unseen_sensors.compared(scene, array).ssim == pytest.approx(1)


def test_few_labels_lie_in_the_training_area_alone():
    labels = fields("test/d")[1]
    few = fine_tuning.few_labels(labels, 0.05, seed=3)
    assert not (few.drawn & ~few.split.train).any()
    assert few.split.overlap() == 0
    for label in (1, 2, 3):
        wanted = max(fine_tuning.LEAST_PIXELS, round(0.05 * np.count_nonzero(labels == label)))
        assert np.count_nonzero(few.drawn & (labels == label)) == wanted


def test_fine_tuning_learns_and_leaves_the_encoder_as_it_is():
    scene, labels = sensor_scenes.load("test/d"), fields("test/d")[1]
    model = unseen_sensors.initial(recipe())
    before = {k: v.clone() for k, v in model.state_dict().items()}
    few = fine_tuning.few_labels(labels, 0.05, seed=0)
    found = fine_tuning.classified(model, scene, labels, few, seed=0)
    assert found.overall_accuracy > 0.9
    assert found.confusion.sum() == np.count_nonzero(few.split.test)
    plain = dataclasses.replace(fine_tuning.Settings(), standardised=False)
    other = fine_tuning.classified(model, scene, labels, few, 0, plain)
    assert other.confusion.sum() == found.confusion.sum()
    untrained = dataclasses.replace(fine_tuning.Settings(), steps=0)
    assert fine_tuning.classified(model, scene, labels, few, 0, untrained).overall_accuracy < 0.7
    for key, value in model.state_dict().items():
        assert torch.equal(value, before[key]), key


def test_tables(tmp_path, monkeypatch, capsys):
    cube, ground = fields("test/d")
    known = LabelledScene("field", cube, labels=ground.astype(np.int64))
    monkeypatch.setattr(local_sets, "load", lambda *_, **__: [known])
    monkeypatch.setattr(bench, "LABELLED", {"field": "test/d"})
    paths = []
    for name in ("shared-encoder", "wavelength-encoder"):
        paths.append(tmp_path / f"{name}.toml")
        paths[-1].write_text(RECIPE.format(name=name, extra=SMALL[name]))
    common = [*map(str, paths), "--data", str(tmp_path), "--work", str(tmp_path / "work")]
    assert bench.main(common) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split(" | ")[0] for line in lines[2:]] == [
        *(f"| {sensor}" for sensor in "ABCD"),
        "| mean of sensors that all take",
        "| sensors seen, other ground",
    ]
    assert all(line.count("|") == 5 for line in lines)
    assert float(lines[6].split("|")[4]) > 6
    assert bench.main([*common, "--classify", "--seeds", "2"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split(" | ")[1] for line in lines[2:]] == ["shared-encoder", "wavelength-encoder"]
    assert bench.main([str(tmp_path / "none.toml"), "--data", str(tmp_path)]) == 1
    assert "cannot read" in capsys.readouterr().err


def test_a_pack_takes_scenes_of_other_sensors_and_any_unit(tmp_path):
    """Features of a scene in counts are those of the model for the scene at its level."""
    _, folder = runs.run(recipe(), tmp_path, tmp_path / "without-none", tmp_path, quiet=True)
    found = unseen_sensors.trained(recipe(), (), tmp_path, tmp_path, quiet=True)
    made = pack.load(folder)
    assert made.bands is None
    assert made.scaler.kind == "level"
    cube = fields("test/d")[0]
    latents = analysis.features(cube, made)
    scene = sensor_scenes.load("test/d")
    code = torch.from_numpy(scene.code)
    planes = torch.from_numpy(scene.array.transpose(2, 0, 1))[None]
    with torch.no_grad():
        want = found.model.encode(planes, code)[0].numpy().transpose(1, 2, 0)
    np.testing.assert_allclose(latents, want, atol=1e-4)
    brighter = Cube(cube.array * 3, cube.wavelengths / 1000, wavelength_unit="um")
    np.testing.assert_allclose(analysis.features(brighter, made), latents, atol=1e-4)
    dark = Cube(np.zeros_like(cube.array), cube.wavelengths, wavelength_unit="nm")
    with pytest.raises(DataError, match="no brightness"):
        analysis.features(dark, made)


def test_both_forms_learn_from_the_same_by_the_same_rules(monkeypatch):
    """Recipes that are compared differ in name and model alone, and never see scenes to test on."""
    monkeypatch.undo()
    folder = Path(__file__).parent.parent / "training" / "configs" / "analysis"
    found = [config.load(folder / f"{name}.toml") for name in SMALL]
    for one in found:
        assert all(scene.source.startswith("train/") for scene in one.scenes)
        assert one.model.options["latents"] == 16
    same = [
        dataclasses.replace(one, text="", analysis=found[0].analysis, model=found[0].model)
        for one in found
    ]
    assert same[0] == same[1]
    left_out = [sensor for fold in unseen_sensors.folds(found[0]) for sensor in fold]
    assert len(left_out) == len(set(left_out)) == 7


def test_the_shipped_pack_decodes_what_it_encodes():
    """Spectra of a sensor that it was not trained on; its graphs are those of its recipe."""
    made = pack.load("wavelength-encoder")
    assert pack.shipped() == ("wavelength-encoder",)
    folder = Path(__file__).parent.parent / "training" / "configs" / "analysis"
    assert made.about["recipe"] == (folder / "wavelength-encoder.toml").read_text()
    assert made.latents == 16
    scene = sensor_scenes.load("test/d")
    latents = analysis.features(scene.cube, made)
    assert latents.shape == (20, 20, 16)
    decode = inference.network(made.graphs["decoder"])
    decoded = decode(np.ascontiguousarray(latents.transpose(2, 0, 1))[None], scene.code)
    found = unseen_sensors.compared(scene, decoded[0].transpose(1, 2, 0))
    assert found.psnr_db > 25
