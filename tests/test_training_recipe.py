"""What a recipe makes: stages, packs and their records; and what is refused before training."""

import json

import numpy as np
import pytest
import torch

from hyspec.errors import DataError, UsageError
from hyspec_training import config, export, recipe
from training_fixtures import write_recipe, write_scenes

torch.set_num_threads(1)

FIVE = (
    ('models = ["any"]', 'models = ["a", "b", "c", "d", "e"]\njoint_name = "all"'),
    ("steps = 120", "steps = 6\nfinetune_steps = 3"),
    ("validate_every = 60", "validate_every = 3"),
)


@pytest.fixture
def packs_written(monkeypatch):
    """Write no packs, but note what they would have been made of."""
    calls = []

    def note(folder, recipe, networks, *, scenes, validation, **_):
        calls.append((folder, recipe, networks, scenes, validation))

    monkeypatch.setattr(recipe, "write_pack", note)
    return calls


@pytest.fixture
def data(tmp_path, grid):
    return write_scenes(tmp_path / "data", grid)


def test_five_models_and_the_joint_one(tmp_path, data, packs_written):
    loaded = config.load(write_recipe(tmp_path, *FIVE))
    work, packs = tmp_path / "work", tmp_path / "packs"
    written = recipe.run(loaded, data, work, packs, threads=1, quiet=True)
    assert written == [packs / "all", packs / "pocket"]
    joint, five = packs_written
    assert (joint[0], five[0]) == tuple(written)
    assert joint[1].pack.models == ("any",)
    assert len(joint[2]) == 1
    assert len(five[2]) == 5
    weights = [net.analysis[0].weight for net in (*joint[2], *five[2])]
    for k, first in enumerate(weights):  # fine-tuned, each on other planes
        assert not any(torch.equal(first, second) for second in weights[:k])
    assert joint[3] == five[3] == ["scene-0.npy", "scene-1.npy"]
    assert [(r["step"], r["quality"]) for r in joint[4]] == [(6, 0), (6, 1), (6, 2)]
    assert {r["model"] for r in five[4]} == set("abcde")
    assert {(r["step"], r["quality"]) for r in five[4]} == {(3, 0), (3, 1), (3, 2)}
    history = json.loads((work / "history.json").read_text())
    assert list(history) == ["joint", *(f"model-{k}" for k in range(5))]
    assert sorted({r["step"] for r in history["joint"]}) == [3, 6]
    assert sorted(p.stem for p in work.glob("*.pt")) == sorted(history)


def test_existing_packs_are_noticed_before_training(tmp_path, data, packs_written):
    loaded = config.load(write_recipe(tmp_path, *FIVE))
    (tmp_path / "packs" / "all").mkdir(parents=True)
    with pytest.raises(UsageError, match="all exists already"):
        recipe.run(loaded, data, tmp_path / "work", tmp_path / "packs", quiet=True)
    assert not (tmp_path / "work").exists()
    assert not packs_written


def test_validation_records_are_finite_and_improve_with_quality(trained):
    records = json.loads((trained.work / "history.json").read_text())["joint"]
    assert [r["step"] for r in records] == [60] * 3 + [120] * 3
    for at_step in (records[:3], records[3:]):
        rates = [r["bps"] for r in at_step]
        assert rates == sorted(rates)
        assert rates[0] > 0
        assert np.isfinite([r["snr_db"] for r in at_step]).all()


def test_no_validation_scenes_are_no_error(tmp_path, data, packs_written):
    changes = (('validation = ["scene-2.npy"]', "validation = []"), ("steps = 120", "steps = 2"))
    loaded = config.load(write_recipe(tmp_path, *changes))
    recipe.run(loaded, data, tmp_path / "work", tmp_path / "packs", threads=1, quiet=True)
    [(_, _, _, scenes, validation)] = packs_written
    assert scenes == ["scene-0.npy", "scene-1.npy", "scene-2.npy"]
    assert validation == []


def test_divergence_is_an_error(tmp_path, data, packs_written):
    changes = (("learning_rate = 1e-2", "learning_rate = 1e30"), ("steps = 120", "steps = 50"))
    loaded = config.load(write_recipe(tmp_path, *changes))
    with pytest.raises(DataError, match="diverged") as caught:
        recipe.run(loaded, data, tmp_path / "work", tmp_path / "packs", threads=1, quiet=True)
    assert "learning rate" in caught.value.hint
    assert not packs_written


@pytest.mark.parametrize("threads", [0, -1])
def test_threads_are_positive(trained, tmp_path, threads):
    loaded = config.load(trained.recipe)
    with pytest.raises(UsageError, match="threads"):
        recipe.run(loaded, trained.data, tmp_path, tmp_path, threads=threads)


def test_a_pack_needs_one_network_per_model(trained, tmp_path):
    net = trained.network()
    with pytest.raises(UsageError, match="2 networks for 1 models"):
        export.write_pack(
            tmp_path / "p", config.load(trained.recipe), [net, net], scenes=[], validation=[]
        )


def test_a_pack_replaces_another_only_by_force(trained, tmp_path, monkeypatch):
    monkeypatch.setattr(export, "to_onnx", lambda *_: b"graph")
    loaded, net, folder = config.load(trained.recipe), trained.network(), tmp_path / "p"
    (folder / "model-9").mkdir(parents=True)
    (folder / "model-9" / "left-over").touch()
    with pytest.raises(UsageError, match="exists already"):
        export.write_pack(folder, loaded, [net], scenes=[], validation=[])
    assert (folder / "model-9" / "left-over").exists()
    first = export.write_pack(folder, loaded, [net], scenes=[], validation=[], force=True)
    files = sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file())
    listed = json.loads((folder / "manifest.json").read_text())["files"]
    assert files == sorted(["manifest.json", *listed])
    assert [p.name for p in tmp_path.iterdir()] == ["p"]  # and nothing beside it
    again = export.write_pack(tmp_path / "q", loaded, [net], scenes=[], validation=[])
    assert first == again
