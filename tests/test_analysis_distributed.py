"""Analysis models trained by two processes: what one process learns, written once."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from analysis_scenes import RECIPE, known_scene, no_export, recipe
from hyspec_training.analysis import runs

__all__ = ["known_scene", "no_export"]

#: Trains the recipe of the command line on the scene that stands for the data set.
PROGRAM = """
import sys
from analysis_scenes import scene
from hyspec.analysis import local_sets
from hyspec_tools import train
from hyspec_training.analysis import export, packing

local_sets.load = lambda *_, **__: [scene()]
packing.export_model = lambda model: dict.fromkeys(export.parts(model), b"graph")
raise SystemExit(train.main(sys.argv[1:]))
"""


@pytest.mark.usefixtures("known_scene", "no_export")
def test_two_processes_learn_what_one_does(tmp_path):
    runs.run(recipe(), tmp_path, tmp_path / "one", tmp_path / "packs-one", threads=1, quiet=True)
    (tmp_path / "program.py").write_text(PROGRAM)
    (tmp_path / "recipe.toml").write_text(RECIPE)
    command = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    command += ["program.py", "recipe.toml", "--data", ".", "--work", "two", "--out", "packs-two"]
    path = os.pathsep.join([str(Path(__file__).parent), os.environ.get("PYTHONPATH", "")])
    done = subprocess.run(
        [sys.executable, *command, "--quiet"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=300,
        env={**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": path},
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("run 1: spatially disjoint") == 1
    one, two = (json.loads((tmp_path / n / "results.json").read_text()) for n in ("one", "two"))
    assert two["runs"][0]["split"] == one["runs"][0]["split"]
    assert two["test"]["loss"][0] == pytest.approx(one["test"]["loss"][0], rel=0.02)
    accuracy = one["test"]["overall_accuracy"][0]
    assert two["test"]["overall_accuracy"][0] == pytest.approx(accuracy, abs=0.01)
    assert [p.name for p in (tmp_path / "packs-two").iterdir()] == ["pocket"]
