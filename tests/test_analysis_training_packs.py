"""The pack at the end of a training: what it says of the model, and that it computes the same."""

import numpy as np
import pytest
import torch

from analysis_scenes import BANDS, ENDMEMBERS, known_scene, recipe, scene
from hyspec import analysis, inference
from hyspec.analysis import local_sets, pack
from hyspec.errors import UsageError
from hyspec_training.analysis import preparation, runs, scenes
from hyspec_training.analysis.prediction import predict

torch.set_num_threads(1)

__all__ = ["known_scene"]

LEARNED = recipe(
    ('name = "hu"', 'name = "spectral-spatial"\noptions = { patch = 3, width = 8 }'),
    ("epochs = 6", "epochs = 2\nruns = 2"),
)


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """Folders of a training of two runs on a scene with a bad band: work and pack."""
    folder = tmp_path_factory.mktemp("trained")
    bad = scene()
    bad.cube.bad_bands = np.arange(BANDS) == 4
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(local_sets, "load", lambda *_, **__: [bad])
        runs.run(LEARNED, folder, folder / "work", folder / "packs", threads=1, quiet=True)
        subjects = scenes.load(LEARNED, folder)
    return folder, subjects


def test_it_says_what_it_was_made_from(trained):
    folder, _ = trained
    found = pack.load(folder / "packs" / "pocket")
    assert (found.task, found.model, found.patch) == ("classification", "spectral-spatial", 3)
    assert [each.name for each in found.classes] == ["class 1", "class 2", "class 3"]
    assert found.source_bands == BANDS
    assert found.selected == (0, 1, 2, 3, *range(5, BANDS))
    np.testing.assert_allclose(found.wavelengths[[0, -1]], [450, 2300])
    assert found.about["recipe"] == LEARNED.text
    assert found.about["training"]["leakage"] == 0
    assert 0 <= found.about["measured"]["overall_accuracy"] <= 1


def test_its_graph_gives_what_the_model_gives(trained):
    """Samples as the file has them, through the pack's scaler and graph, against the checkpoint."""
    folder, subjects = trained
    found = pack.load(folder / "packs" / "pocket")
    number = found.about["training"]["seed"]
    prepared = preparation.prepare(LEARNED, subjects, number, folder)
    model = preparation.initial(LEARNED, prepared, number)
    model.load_state_dict(torch.load(folder / "work" / f"run-{number + 1}.pt")["best"])
    samples = subjects[0].scene.cube.array[5:15, 3:11][..., list(found.selected)]
    x = found.scaler(samples).astype(np.float32).transpose(2, 0, 1)[None]
    scores = inference.network(found.graphs["scores"])(x)[0]  # (classes, 8, 6)
    pixels = np.argwhere(np.ones((8, 6), bool)) + np.array([6, 4])
    expected, _ = predict(model, prepared.fields[0], pixels, torch.device("cpu"))
    np.testing.assert_allclose(scores.reshape(ENDMEMBERS, -1).T, expected, atol=1e-4)


def test_an_existing_pack_is_not_replaced(trained, known_scene):
    folder, _ = trained
    with pytest.raises(UsageError, match="exists already"):
        runs.run(LEARNED, known_scene, folder / "other", folder / "packs", quiet=True)
    assert not (folder / "other").exists()


def test_maps_are_what_the_model_gives_for_every_pixel(trained):
    """Edges and left out bands included, on the cube as it was read."""
    folder, subjects = trained
    found = pack.load(folder / "packs" / "pocket")
    number = found.about["training"]["seed"]
    prepared = preparation.prepare(LEARNED, subjects, number, folder)
    model = preparation.initial(LEARNED, prepared, number)
    model.load_state_dict(torch.load(folder / "work" / f"run-{number + 1}.pt")["best"])
    cube = subjects[0].scene.cube
    pixels = np.argwhere(np.ones(cube.shape[:2], bool))
    expected, _ = predict(model, prepared.fields[0], pixels, torch.device("cpu"))
    best = np.sort(expected, axis=1)
    clear = (best[:, -1] - best[:, -2] > 1e-4).reshape(cube.shape[:2])
    classes = analysis.classify(cube, found)
    want = expected.argmax(axis=1).reshape(cube.shape[:2]) + 1
    np.testing.assert_array_equal(classes[clear], want[clear])
    assert clear.mean() > 0.95
    assert len(np.unique(classes)) > 1
