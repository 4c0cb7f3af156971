"""hyspec-train: from a recipe and a data folder to a pack, and errors that help."""

import os
import re
import shlex
import shutil
import subprocess
import sys
from dataclasses import fields
from pathlib import Path

import pytest
import torch

import hyspec
from hyspec import io, pack, synthetic
from hyspec_tools import export, refine
from hyspec_tools.train import main, parser
from hyspec_training import config, refinement_config
from training_fixtures import write_recipe, write_scenes

torch.set_num_threads(1)

PAGE = Path(__file__).parents[1] / "docs" / "training.md"


@pytest.fixture
def fails(capsys):
    """Run the program, expecting an exit code; return what it says on stderr."""

    def run(exit_code, *arguments):
        assert main([str(argument) for argument in arguments]) == exit_code
        captured = capsys.readouterr()
        assert captured.out == ""
        assert captured.err.startswith("error: ")
        assert captured.err.count("error: ") == 1
        return captured.err

    return run


def test_it_writes_a_pack_that_works(trained, scene_cube):
    assert trained.exit_code == 0
    assert trained.output == f"{trained.pack}\n"
    loaded = pack.load(trained.pack)
    assert (loaded.name, loaded.profile) == ("pocket", "band")
    [model] = loaded.models
    [network] = model.networks
    assert (model.name, network.name) == ("any", "low")
    assert (network.stride, network.channels) == (16, 4)
    data = hyspec.encode(scene_cube, pack=trained.pack, quality=60)
    decoded = hyspec.decode(data, pack=trained.pack)
    assert hyspec.metrics.psnr_db(scene_cube.array, decoded.array) > 22


def test_it_leaves_checkpoints_and_the_history(trained):
    names = sorted(path.name for path in trained.work.iterdir())
    assert names == [
        "cache",
        "history.json",
        "low.pt",
        "rate_distortion.pdf",
        "rate_distortion.png",
        "tensorboard",
    ]
    assert sorted(path.name for path in trained.pack.parent.iterdir()) == ["pocket"]


def test_the_data_folder_may_come_from_the_environment(fails, tmp_path, monkeypatch):
    (tmp_path / "scenes").mkdir()
    monkeypatch.setenv("HYSPEC_DATA", str(tmp_path / "scenes"))
    said = fails(1, write_recipe(tmp_path), "--work", tmp_path / "work", "--out", tmp_path)
    assert f"no scene matches 'scene-*.npy' in {tmp_path / 'scenes'}" in said


def test_no_data_folder(fails, tmp_path, monkeypatch):
    monkeypatch.delenv("HYSPEC_DATA", raising=False)
    said = fails(2, write_recipe(tmp_path))
    assert "hint: use --data DIR or set HYSPEC_DATA" in said


def test_a_data_folder_that_does_not_exist(fails, tmp_path):
    missing = tmp_path / "nowhere"
    said = fails(1, write_recipe(tmp_path), "--data", missing, "--work", tmp_path / "work")
    assert str(missing) in said
    assert "hint: point --data" in said
    assert not (tmp_path / "work").exists()


def test_an_unknown_setting(fails, tmp_path):
    recipe = write_recipe(tmp_path, ("batch = 4", "batch = 4\nbatches = 5"))
    said = fails(2, recipe, "--data", tmp_path)
    assert "[[network]] 1: unknown setting 'batches'" in said
    assert "hint: known settings: name, steps, kind," in said


def test_a_missing_recipe(fails, tmp_path):
    said = fails(1, tmp_path / "none.toml", "--data", tmp_path)
    assert "none.toml" in said


def test_a_scene_that_is_no_scene(fails, tmp_path, grid):
    write_scenes(tmp_path, grid)
    (tmp_path / "scene-1.npy").write_bytes(b"nothing")
    said = fails(1, write_recipe(tmp_path), "--data", tmp_path, "--work", tmp_path / "work")
    assert "scene-1.npy" in said


def test_an_existing_pack_is_not_replaced(fails, trained):
    before = (trained.pack / "manifest.json").read_bytes()
    arguments = ["--data", trained.data, "--work", trained.work, "--out", trained.pack.parent]
    said = fails(2, trained.recipe, *arguments)
    assert f"{trained.pack} exists already" in said
    assert "--force" in said
    assert (trained.pack / "manifest.json").read_bytes() == before


def test_threads_are_positive(fails, trained, tmp_path):
    arguments = ["--data", trained.data, "--work", tmp_path, "--out", tmp_path, "--threads", 0]
    assert "--threads: found '0'" in fails(2, trained.recipe, *arguments)


def test_cuda_without_a_device(fails, trained, tmp_path, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    arguments = ["--data", trained.data, "--work", tmp_path, "--out", tmp_path, "--device", "cuda"]
    said = fails(2, trained.recipe, *arguments)
    assert "finds 0 CUDA devices" in said
    assert "hint: use --device cpu" in said


def test_without_pytorch(fails, tmp_path, monkeypatch):
    for name in [n for n in sys.modules if n.startswith("hyspec_training")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.delattr("hyspec_training.config", raising=False)
    monkeypatch.setitem(sys.modules, "torch", None)
    said = fails(1, write_recipe(tmp_path), "--data", tmp_path)
    assert "training needs torch" in said
    assert "hint: pip install 'hyspec[train]'" in said


# ---- docs/training.md ---------------------------------------------------------------------------


def blocks(language):
    found = re.findall(r"^```(\w*)\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), re.M | re.S)
    return [text for name, text in found if name == language]


def test_the_documented_recipe_is_valid(tmp_path):
    [text] = blocks("toml")
    path = tmp_path / "my-sensor.toml"
    path.write_text(text, encoding="utf-8")
    assert config.load(path).pack.name == "my-sensor"


def test_every_setting_is_documented():
    page = PAGE.read_text(encoding="utf-8")
    classes = (
        config.PackConfig,
        config.DataConfig,
        config.AugmentationConfig,
        config.NetworkConfig,
        config.TrainingConfig,
        refinement_config.RefinementConfig,
    )
    for field in (field for cls in classes for field in fields(cls)):
        assert re.search(rf"^\| .*\b{field.name}\b.*\|.*\|", page, re.M), field.name


def test_the_documented_commands_run(trained, grid, tmp_path):
    """The long ones are parsed; the others run with the tiny pack."""
    io.write(tmp_path / "scene.hdr", synthetic.scene(48, 40, sensor=grid, seed=1).cube)
    scripts = str(Path(sys.executable).parent)
    environment = {**os.environ, "PATH": scripts + os.pathsep + os.environ["PATH"]}
    seen = set()
    for command in "".join(blocks("")).splitlines():
        program = re.search(r"hyspec-\w+|zipfile|tensorboard|torchrun", command).group()
        seen.add(program)
        words = shlex.split(command)
        if program in ("hyspec-train", "torchrun"):
            start = words.index("hyspec_tools.train") if program == "torchrun" else 0
            arguments = parser().parse_args(words[start + 1 :])
            target = tmp_path / arguments.out / arguments.config.stem
            shutil.copytree(trained.pack, target, dirs_exist_ok=True)
            continue
        if program == "hyspec-export":
            arguments = export.parser().parse_args(words[1:])
            assert arguments.checkpoints == [Path("runs/my-sensor")]
            continue
        if program == "hyspec-refine":
            arguments = refine.parser().parse_args(words[1:])
            assert (PAGE.parents[1] / arguments.config).is_file()
            assert arguments.source == "packs/my-sensor"
            continue
        if program == "tensorboard":  # a server
            assert words[2:] == ["runs/my-sensor/tensorboard"]
            assert (trained.work / "tensorboard").is_dir()
            continue
        done = subprocess.run(
            ["bash", "-euc", command], cwd=tmp_path, env=environment, capture_output=True, text=True
        )
        assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
    programs = {
        f"hyspec-{name}" for name in ("train", "export", "refine", "encode", "decode", "info")
    }
    assert seen == {*programs, "torchrun", "tensorboard", "zipfile"}
