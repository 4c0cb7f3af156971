"""A killed run goes on where its last checkpoint left off and ends the same, bit by bit."""

import json
import shutil
import signal
import subprocess
import sys

import pytest
import torch

from hyspec import pack
from hyspec.errors import DataError, UsageError
from hyspec_training import config, recipe
from training_fixtures import write_recipe

torch.set_num_threads(1)

#: Runs the recipe and kills itself in the middle of a step: no handler, no clean-up.
KILLED_RUN = """
import os, signal, sys
from pathlib import Path
from hyspec_training import config, data, recipe

draw = data.PatchSampler.batch

def batch(self, step, size):
    if step == 70:
        os.kill(os.getpid(), signal.SIGKILL)
    return draw(self, step, size)

data.PatchSampler.batch = batch
paths = [Path(argument) for argument in sys.argv[1:]]
recipe.run(config.load(paths[0]), *paths[1:], threads=1, quiet=True)
"""


def state(work):
    return torch.load(work / "joint.pt", weights_only=True)


def test_killed_and_resumed_equals_uninterrupted(trained, tmp_path):
    work, packs = tmp_path / "work", tmp_path / "packs"
    arguments = [str(path) for path in (trained.recipe, trained.data, work, packs)]
    killed = subprocess.run([sys.executable, "-c", KILLED_RUN, *arguments], timeout=60)
    assert killed.returncode == -signal.SIGKILL
    assert state(work)["step"] == 50  # between this checkpoint and the next, at 100
    assert not packs.exists()

    loaded = config.load(trained.recipe)
    written = recipe.run(loaded, trained.data, work, packs, threads=1, quiet=True)
    assert written == [packs / "pocket"]
    found, expected = state(work), state(trained.work)
    assert found["step"] == expected["step"] == 120
    assert found["history"] == expected["history"]
    assert found["model"].keys() == expected["model"].keys()
    for name, values in expected["model"].items():
        assert torch.equal(found["model"][name], values), name
    assert pack.load(written[0]).id == pack.load(trained.pack).id
    history = (work / "history.json").read_bytes()
    assert history == (trained.work / "history.json").read_bytes()


def test_a_finished_stage_is_not_trained_again(trained, tmp_path, monkeypatch):
    shutil.copytree(trained.work, tmp_path / "work")
    saved = []
    monkeypatch.setattr(recipe, "write_pack", lambda *args, **_: saved.append(args))
    monkeypatch.setattr(recipe.PatchSampler, "batch", None)  # any draw would fail
    loaded = config.load(trained.recipe)
    recipe.run(loaded, trained.data, tmp_path / "work", tmp_path / "packs", quiet=True)
    [(_, _, [net])] = saved
    expected = trained.network().state_dict()
    for name, values in net.state_dict().items():
        assert torch.equal(values, expected[name])


@pytest.mark.parametrize(
    ("old", "new", "key"),
    [
        ("seed = 11", "seed = 12", "seed"),
        ("filters = 4", "filters = 6", "filters"),
        ("steps = 120", "steps = 240", "steps"),
        ("patch = 32", "patch = 48", "patch"),
        ('validation = ["scene-2.npy"]', 'validation = ["scene-1.npy"]', "scenes"),
    ],
)
def test_checkpoints_of_another_recipe_are_refused(trained, tmp_path, old, new, key):
    work = tmp_path / "work"
    shutil.copytree(trained.work, work)
    changed = config.load(write_recipe(tmp_path, (old, new)))
    with pytest.raises(UsageError, match=f"with {key} = ") as caught:
        recipe.run(changed, trained.data, work, tmp_path / "packs", quiet=True)
    assert "--work" in caught.value.hint
    assert state(work)["step"] == 120
    assert not (tmp_path / "packs").exists()


def test_texts_and_frequencies_may_change(trained, tmp_path, monkeypatch):
    work = tmp_path / "work"
    shutil.copytree(trained.work, work)
    monkeypatch.setattr(recipe, "write_pack", lambda *_, **__: None)
    changes = (('description = "A tiny', 'description = "A small'), ("every = 50", "every = 10"))
    changed = config.load(write_recipe(tmp_path, *changes))
    recipe.run(changed, trained.data, work, tmp_path / "packs", quiet=True)


def test_the_work_folder_says_what_it_is_for(trained):
    noted = json.loads((trained.work / "settings.json").read_text())
    assert noted["scenes"] == ["scene-0.npy", "scene-1.npy"]
    assert noted["validation"] == ["scene-2.npy"]
    assert (noted["seed"], noted["steps"], noted["filters"]) == (11, 120, 4)


def spoilt(kind, checkpoint):
    data = checkpoint.read_bytes()
    if kind == "another network":
        content = state(checkpoint.parent)
        content["model"].popitem()
        torch.save(content, checkpoint)
    elif kind == "no state":
        torch.save([1, 2], checkpoint)
    else:
        texts = {"empty": b"", "cut off": data[: len(data) // 2], "text": b"not a checkpoint"}
        checkpoint.write_bytes(texts[kind])


@pytest.mark.parametrize("kind", ["empty", "cut off", "text", "no state", "another network"])
def test_a_damaged_checkpoint_is_named(trained, tmp_path, kind):
    work = tmp_path / "work"
    shutil.copytree(trained.work, work)
    spoilt(kind, work / "joint.pt")
    with pytest.raises(DataError, match=r"joint\.pt is damaged") as caught:
        recipe.run(config.load(trained.recipe), trained.data, work, tmp_path / "packs", quiet=True)
    assert "delete it" in caught.value.hint
