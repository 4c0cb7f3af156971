"""hyspec-export: from the checkpoints of a run to the pack that hyspec-train would have written."""

import json
import shutil
import sys

import pytest
import torch

from hyspec import pack
from hyspec_tools.export import main
from hyspec_training import checkpoint, config, packing, recipe
from training_fixtures import write_recipe, write_scenes

torch.set_num_threads(1)

FIVE = (
    ('models = ["any"]', 'models = ["a", "b", "c", "d", "e"]\njoint_name = "all"'),
    ("steps = 120", "steps = 2\nfinetune_steps = 1"),
)


@pytest.fixture
def fails(run):
    """Run the program, expecting an exit code; return what it says on stderr."""

    def fails(code, *arguments):
        done = run(main, *arguments)
        assert (done.code, done.out) == (code, "")
        assert done.err.splitlines()[0].startswith("error: ")
        return done.err

    return fails


@pytest.fixture(scope="module")
def five(tmp_path_factory, grid):
    """Work folder of a run of five models, whose packs were not written."""
    folder = tmp_path_factory.mktemp("five")
    data = write_scenes(folder / "data", grid)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(packing, "write", lambda *_, **__: None)
        loaded = config.load(write_recipe(folder, *FIVE))
        recipe.run(loaded, data, folder / "work", folder / "packs", threads=1, quiet=True)
    return folder


@pytest.fixture
def written(monkeypatch):
    """Write no packs, but note what they would have been made of."""
    calls = []

    def note(folder, recipe, checkpoints, scenes, **options):
        calls.append((folder, recipe, checkpoints, scenes, options))

    monkeypatch.setattr(packing, "write", note)
    return calls


def test_the_pack_is_that_of_the_training(trained, tmp_path, run):
    """Also in place of another, of which nothing is left."""
    folder = tmp_path / "p"
    (folder / "low").mkdir(parents=True)
    (folder / "low" / "left-over").touch()
    done = run(main, trained.work, folder, "--data", trained.data, "--quiet", "--force")
    assert (done.code, done.out, done.err) == (0, f"{folder}\n", "")
    assert pack.load(folder).id == pack.load(trained.pack).id
    files = sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file())
    listed = json.loads((folder / "manifest.json").read_text())["files"]
    assert files == sorted(["manifest.json", *listed])
    assert [p.name for p in tmp_path.iterdir()] == ["p"]


def test_another_name(trained, tmp_path, run):
    source = trained.work / "low.pt"
    done = run(main, source, tmp_path / "p", "--data", trained.data, "--name", "new")
    assert (done.code, done.out) == (0, f"{tmp_path / 'p'}\n")
    found, expected = pack.load(tmp_path / "p"), pack.load(trained.pack)
    assert found.name == "new"
    assert found.manifest["files"] == expected.manifest["files"]


def test_five_models_and_the_joint_one(five, tmp_path, run, written):
    data = ["--data", five / "data", "--int8", "--force", "--quiet"]
    assert run(main, five / "work", tmp_path / "five", *data).code == 0
    assert run(main, five / "work" / "low.pt", tmp_path / "joint", *data).code == 0
    (folder, whole, checkpoints, scenes, options), joint = written
    assert folder == tmp_path / "five"
    assert (whole.pack.name, whole.pack.models) == ("pocket", tuple("abcde"))
    assert len(checkpoints) == 6
    assert [scene.name for scene in scenes] == ["scene-0.npy", "scene-1.npy"]
    assert options == {"int8": True, "force": True, "quiet": True}
    assert (joint[1].pack.name, joint[1].pack.models) == ("all", ("any",))
    assert [c.stage for c in joint[2]] == ["low"]


def test_an_unfinished_run_is_mentioned(trained, tmp_path, run, written):
    unfinished = checkpoint.load(trained.work / "low.pt")
    unfinished.step = 70
    unfinished.save(tmp_path / "low.pt")
    done = run(main, tmp_path, tmp_path / "p", "--data", trained.data)
    assert done.err == "note: low has done 70 of 120 steps\n"
    done = run(main, tmp_path, tmp_path / "p", "--data", trained.data, "--quiet")
    assert done.err == ""
    assert len(written) == 2


def test_missing_interval_models(five, tmp_path, fails):
    work = tmp_path / "work"
    shutil.copytree(five / "work", work)
    (work / "low-interval-3.pt").unlink()
    said = fails(2, work, tmp_path / "p", "--data", five / "data")
    assert "the pack needs checkpoint low-interval-3.pt; found low-interval-0.pt" in said
    assert not (tmp_path / "p").exists()


def test_checkpoints_of_different_runs(trained, five, tmp_path, fails):
    sources = [trained.work / "low.pt", five / "work" / "low-interval-0.pt"]
    said = fails(2, *sources, tmp_path / "p", "--data", trained.data)
    assert "with steps = 120" in said or "is no stage of the recipe" in said


def test_a_recipe_that_grew(trained, tmp_path, run, written):
    """A network that was appended later: the newest recipe describes both."""
    work = tmp_path / "work"
    shutil.copytree(trained.work, work)
    more = '[[network]]\nname = "more"\nsteps = 1\nfilters = 2\noctaves = 1\nbatch = 2\n[training]'
    grown = config.load(write_recipe(tmp_path, ("[training]", more)))
    recipe.run(grown, trained.data, work, tmp_path / "packs", threads=1, quiet=True)
    written.clear()
    assert run(main, work, tmp_path / "p", "--data", trained.data).code == 0
    [(_, found, checkpoints, _, _)] = written
    assert [network.name for network in found.networks] == ["low", "more"]
    assert [c.stage for c in checkpoints] == ["low", "more"]


def test_scenes_that_are_not_there(trained, tmp_path, fails):
    said = fails(1, trained.work, tmp_path / "p", "--data", tmp_path)
    assert f"training scene scene-0.npy is not in {tmp_path}" in said
    assert "hint: point --data" in said


def test_no_data_folder(trained, tmp_path, fails, monkeypatch):
    monkeypatch.delenv("HYSPEC_DATA", raising=False)
    assert "no data folder was given" in fails(2, trained.work, tmp_path / "p")


def test_no_checkpoints(trained, tmp_path, fails):
    data = ["--data", trained.data]
    assert f"{tmp_path} holds no checkpoint" in fails(1, tmp_path, tmp_path / "p", *data)
    said = fails(1, tmp_path / "none.pt", tmp_path / "p", *data)
    assert "none.pt does not exist" in said
    (tmp_path / "text.pt").write_text("nothing")
    assert "text.pt is damaged" in fails(1, tmp_path / "text.pt", tmp_path / "p", *data)


def test_an_existing_pack_is_not_replaced(trained, tmp_path, fails):
    (tmp_path / "p").mkdir()
    said = fails(2, trained.work, tmp_path / "p", "--data", trained.data)
    assert f"{tmp_path / 'p'} exists already" in said
    assert "--force" in said


def test_names_are_plain(trained, tmp_path, fails):
    said = fails(2, trained.work, tmp_path / "p", "--data", trained.data, "--name", "a/b")
    assert "pack name is 'a/b'" in said


def test_without_pytorch(fails, tmp_path, monkeypatch):
    for name in [n for n in sys.modules if n.startswith("hyspec_training")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.delattr("hyspec_training.packing", raising=False)
    monkeypatch.setitem(sys.modules, "torch", None)
    said = fails(1, tmp_path, tmp_path / "p", "--data", tmp_path)
    assert "exporting needs torch" in said
    assert "hint: pip install 'hyspec[train]'" in said


def test_records_name_network_and_model(trained):
    manifest = json.loads((trained.pack / "manifest.json").read_text())
    assert [(r["network"], r["model"], r["quality"]) for r in manifest["validation"]] == [
        ("low", "any", quality) for quality in (0, 1, 2)
    ]
    history = json.loads((trained.work / "history.json").read_text())["low"][-3:]
    assert [r["bps"] for r in manifest["validation"]] == [r["bps"] for r in history]
