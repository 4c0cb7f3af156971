"""A killed run goes on where its last checkpoint left off and ends the same, bit by bit."""

import shutil
import signal
import subprocess
import sys
import time

import pytest
import torch

from hyspec import pack
from hyspec.errors import DataError, UsageError
from hyspec_tools import train
from hyspec_training import checkpoint, config, packing, recipe
from hyspec_training.sampling import PatchSampler
from training_fixtures import write_recipe

torch.set_num_threads(1)


def state(work):
    return torch.load(work / "low.pt", weights_only=True)


def command(recipe, trained, work, packs):
    arguments = [recipe, "--data", trained.data, "--work", work, "--out", packs]
    return [*map(str, arguments), "--threads", "1", "--quiet"]


def test_killed_and_resumed_equals_uninterrupted(trained, tmp_path):
    """The program itself, killed at some moment after its first step, perhaps while it writes."""
    work, packs = tmp_path / "work", tmp_path / "packs"
    often = write_recipe(tmp_path, ("checkpoint_every = 50", "checkpoint_every = 1"))
    program = [sys.executable, "-m", "hyspec_tools.train", *command(often, trained, work, packs)]
    with subprocess.Popen(program) as process:
        deadline = time.monotonic() + 300
        while not (work / "low.pt").exists() and time.monotonic() < deadline:
            time.sleep(0.001)
        process.send_signal(signal.SIGKILL)
        assert process.wait() == -signal.SIGKILL
    assert state(work)["step"] < 120
    assert not packs.exists()

    assert train.main(command(trained.recipe, trained, work, packs)) == 0
    found, expected = state(work), state(trained.work)
    assert found["step"] == expected["step"] == 120
    assert found["history"] == expected["history"]
    assert found["model"].keys() == expected["model"].keys()
    for name, values in expected["model"].items():
        assert torch.equal(found["model"][name], values), name
    assert pack.load(packs / "pocket").id == pack.load(trained.pack).id
    history = (work / "history.json").read_bytes()
    assert history == (trained.work / "history.json").read_bytes()


@pytest.mark.parametrize("step", [50, 51, 119])
def test_any_checkpoint_will_do(trained, tmp_path, monkeypatch, step):
    """Also the first after another, and the last before the end."""
    monkeypatch.setattr(packing, "write", lambda *_, **__: None)
    draw = PatchSampler.batch

    def interrupted(self, at, *arguments):
        if at == step:
            raise KeyboardInterrupt
        return draw(self, at, *arguments)

    changed = config.load(write_recipe(tmp_path, ("checkpoint_every = 50", "checkpoint_every = 1")))
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(PatchSampler, "batch", interrupted)
        recipe.run(changed, trained.data, tmp_path, tmp_path / "packs", threads=1, quiet=True)
    assert state(tmp_path)["step"] == step
    recipe.run(changed, trained.data, tmp_path, tmp_path / "packs", threads=1, quiet=True)
    found, expected = state(tmp_path)["model"], state(trained.work)["model"]
    assert all(torch.equal(found[name], values) for name, values in expected.items())


def test_a_finished_stage_is_not_trained_again(trained, tmp_path, monkeypatch):
    shutil.copytree(trained.work, tmp_path / "work")
    before = state(tmp_path / "work")
    monkeypatch.setattr(packing, "write", lambda *_, **__: None)
    monkeypatch.setattr(PatchSampler, "batch", None)  # any draw would fail
    loaded = config.load(trained.recipe)
    recipe.run(loaded, trained.data, tmp_path / "work", tmp_path / "packs", quiet=True)
    after = state(tmp_path / "work")
    assert all(
        torch.equal(after["model"][name], values) for name, values in before["model"].items()
    )


def test_a_checkpoint_that_cannot_be_written_leaves_the_last_one(trained, tmp_path, monkeypatch):
    path = tmp_path / "low.pt"
    shutil.copy(trained.work / "low.pt", path)
    before = path.read_bytes()

    def disk_full(_, target):
        target.write_bytes(b"half")
        raise OSError(28, "No space left on device")

    loaded = checkpoint.load(path)
    monkeypatch.setattr(torch, "save", disk_full)
    with pytest.raises(OSError, match="No space"):
        loaded.save(path)
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    ("old", "new", "key"),
    [
        ("seed = 11", "seed = 12", "seed"),
        ("filters = 4", "filters = 6", "filters"),
        ("steps = 120", "steps = 240", "steps"),
        ("patch = 32", "patch = 48", "patch"),
        ("batch = 4", "batch = 8", "batch"),
        ("batch = 4", "batch = 4\nrate_slope = 1.0", "rate_slope"),
        ("seed = 11", 'seed = 11\noptimiser = "adamw"', "optimiser"),
        ("[training]", "[augmentation]\nnoise = 0.1\n[training]", "noise"),
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


@pytest.mark.parametrize(
    "change",
    [
        ('description = "A tiny', 'description = "A small'),
        ("every = 50", "every = 10"),
        ("batch = 4", "batch = 4\nfinetune_steps = 7"),  # there is no fine-tuning
        ("[training]", '[[network]]\nname = "more"\nsteps = 1\nfilters = 2\n[training]'),
    ],
)
def test_what_does_not_decide_the_weights_may_change(trained, tmp_path, monkeypatch, change):
    work = tmp_path / "work"
    shutil.copytree(trained.work, work)
    before = (work / "low.pt").read_bytes()
    monkeypatch.setattr(packing, "write", lambda *_, **__: None)
    changed = config.load(write_recipe(tmp_path, change))
    recipe.run(changed, trained.data, work, tmp_path / "packs", quiet=True)
    assert (work / "low.pt").read_bytes() == before


def test_checkpoints_say_what_they_are(trained):
    found = checkpoint.load(trained.work / "low.pt")
    assert (found.stage, found.network, found.interval) == ("low", "low", None)
    assert found.scenes == ["scene-0.npy", "scene-1.npy"]
    assert found.recipe == trained.recipe.read_text()
    assert (found.settings["seed"], found.settings["steps"], found.settings["filters"]) == (
        11,
        120,
        4,
    )
    assert found.finished


def spoilt(kind, checkpoint):
    data = checkpoint.read_bytes()
    if kind == "no checkpoint":
        torch.save([1, 2], checkpoint)
    elif kind == "another format":
        torch.save({**state(checkpoint.parent), "format": "of-tomorrow"}, checkpoint)
    elif kind == "a part is missing":
        content = state(checkpoint.parent)
        del content["optimiser"]
        torch.save(content, checkpoint)
    else:
        texts = {"empty": b"", "cut off": data[: len(data) // 2], "text": b"not a checkpoint"}
        checkpoint.write_bytes(texts[kind])


@pytest.mark.parametrize(
    "kind",
    ["empty", "cut off", "text", "no checkpoint", "another format", "a part is missing"],
)
def test_a_damaged_checkpoint_is_named(trained, tmp_path, kind):
    work = tmp_path / "work"
    shutil.copytree(trained.work, work)
    spoilt(kind, work / "low.pt")
    with pytest.raises(DataError, match=r"low\.pt is damaged") as caught:
        recipe.run(config.load(trained.recipe), trained.data, work, tmp_path / "packs", quiet=True)
    assert "delete it" in caught.value.hint


def test_a_checkpoint_of_another_network_is_named(trained, tmp_path):
    work = tmp_path / "work"
    shutil.copytree(trained.work, work)
    content = state(work)
    content["model"].popitem()
    torch.save(content, work / "low.pt")
    with pytest.raises(DataError, match=r"low\.pt is of another network") as caught:
        recipe.run(config.load(trained.recipe), trained.data, work, tmp_path / "packs", quiet=True)
    assert "delete it" in caught.value.hint
