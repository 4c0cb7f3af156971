"""Several processes, started by torchrun: one pack, equal weights, nearly those of one process."""

import contextlib
import json
import os
import re
import subprocess
import sys

import numpy as np
import pytest
import torch

from hyspec.errors import UsageError
from hyspec_training import config, recipe
from hyspec_training.distributed import Processes, choose_device, processes
from training_fixtures import write_recipe

torch.set_num_threads(1)

#: hyspec-train, which leaves a file with the weights of each process and an empty pack.
PROGRAM = """
import os, sys
from pathlib import Path
import torch
from hyspec_tools import train
from hyspec_training import packing, recipe

packing.write = lambda folder, *_, **__: folder.mkdir(parents=True)
train_stage = recipe.train_stage

def noted(net, *arguments, **options):
    history = train_stage(net, *arguments, **options)
    torch.save(net.state_dict(), sys.argv[1] + os.environ["RANK"])
    return history

recipe.train_stage = noted
raise SystemExit(train.main(sys.argv[2:]))
"""


def torchrun(*arguments):
    # The usual launcher looks for a free port itself.
    command = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    return subprocess.run(
        [sys.executable, *command, *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=300,
        env=environment,
    )


@pytest.fixture(scope="module")
def two_processes(trained, tmp_path_factory):
    folder = tmp_path_factory.mktemp("two")
    (folder / "program.py").write_text(PROGRAM)
    arguments = [trained.recipe, "--data", trained.data, "--work", folder / "work"]
    arguments += ["--out", folder / "packs", "--quiet"]
    done = torchrun(folder / "program.py", folder / "weights-", *arguments)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder, done.stdout


def test_all_processes_end_with_the_same_weights(two_processes):
    folder, _ = two_processes
    first, second = (torch.load(folder / f"weights-{k}", weights_only=True) for k in range(2))
    written = torch.load(folder / "work" / "low.pt", weights_only=True)["model"]
    assert first.keys() == second.keys() == written.keys()
    for name in first:
        assert torch.equal(first[name], second[name]), name
        assert torch.equal(first[name], written[name]), name


def test_one_process_writes_and_prints(two_processes, trained):
    folder, output = two_processes
    assert output == f"{folder / 'packs' / 'pocket'}\n"
    assert sorted(p.name for p in (folder / "packs").iterdir()) == ["pocket"]
    names = sorted(p.name for p in (folder / "work").iterdir())
    assert names == sorted(p.name for p in trained.work.iterdir())
    assert len(list((folder / "work" / "tensorboard" / "low").iterdir())) == 1


def test_two_processes_learn_what_one_does(two_processes, trained):
    """The planes are the same, the noise in place of rounding is not."""
    folder, _ = two_processes
    found, expected = (
        json.loads((work / "history.json").read_text())["low"][-3:]
        for work in (folder / "work", trained.work)
    )
    for two, one in zip(found, expected, strict=True):
        assert two["bps"] == pytest.approx(one["bps"], rel=0.1)
        assert two["snr_db"] == pytest.approx(one["snr_db"], abs=0.5)


def test_processes_share_a_batch_in_equal_parts():
    parts = [Processes(rank, 3, torch.device("cpu")).part(12) for rank in range(3)]
    np.testing.assert_array_equal(np.concatenate([np.arange(12)[p] for p in parts]), np.arange(12))


def test_the_batch_is_a_multiple_of_the_processes(trained, tmp_path, monkeypatch):
    alone = Processes(0, 3, torch.device("cpu"))
    monkeypatch.setattr(recipe, "processes", lambda _: contextlib.nullcontext(alone))
    with pytest.raises(UsageError, match="batch 4; expected a multiple of the 3 processes"):
        recipe.run(config.load(trained.recipe), trained.data, tmp_path, tmp_path, quiet=True)


# ---- devices ------------------------------------------------------------------------------------


def test_auto_falls_back_to_the_processor(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert choose_device("auto") == torch.device("cpu")
    assert choose_device("cpu") == torch.device("cpu")
    with processes("auto") as alone:
        assert (alone.rank, alone.size, alone.device.type) == (0, 1, "cpu")
        assert alone.leads


def test_auto_takes_a_device_for_each_process(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    assert [str(choose_device("auto", k)) for k in range(2)] == ["cuda:0", "cuda:1"]
    assert str(choose_device("cuda", 1)) == "cuda:1"
    assert str(choose_device("cpu", 1)) == "cpu"
    with pytest.raises(UsageError, match="finds 2 CUDA devices here, and process 2 needs one"):
        choose_device("cuda", 2)


def test_cuda_without_a_device(trained, tmp_path, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    loaded = config.load(write_recipe(tmp_path))
    with pytest.raises(UsageError, match="finds 0 CUDA devices") as caught:
        recipe.run(loaded, trained.data, tmp_path / "work", tmp_path, device="cuda", quiet=True)
    assert "--device cpu" in caught.value.hint
    assert not (tmp_path / "work").exists()


def test_unknown_devices():
    with pytest.raises(UsageError, match=re.escape("expected one of auto, cpu, cuda")):
        choose_device("tpu")
