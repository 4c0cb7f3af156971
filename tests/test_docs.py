"""Every command and every piece of Python in the documentation is run as it stands there."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

from analysis_packs import classifier, encoder, two_layers, unmixer
from document_commands import PAGES, ROOT, blocks, commands, environment
from hyspec import Cube, io, synthetic
from hyspec.analysis import pack, scaling
from hyspec_tools import (
    classify,
    compare,
    decode,
    demo,
    encode,
    export,
    features,
    info,
    partition,
    quantise,
    refine,
    train,
    unmix,
)

PROGRAMS = {
    p.parser().prog: p
    for p in (
        classify,
        compare,
        decode,
        demo,
        encode,
        export,
        features,
        info,
        partition,
        quantise,
        refine,
        train,
        unmix,
    )
}

#: Commands that another test runs, or that set up what this test runs in.
ELSEWHERE = {
    "python3 -m venv .venv &&": "test_setup_commands",
    "python3 -m venv .venv-test &&": ".ci/run, which runs this very test",
    "python3.11 -m venv .venv": "installs what this test runs in",
    ".venv/bin/pip install": "installs what this test runs in",
    ".venv/bin/pre-commit install": "installs the hooks",
    "cmake -S . -B build": "test_consumer.py",
    "hyspec-train": "test_cli_train.py",
    "hyspec-export": "test_cli_export.py",
    "hyspec-refine": "test_training_refinement.py",
    "torchrun": "test_training_distributed.py",
}


@pytest.fixture
def workplace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    cube = synthetic.scene(80, 72, seed=3).cube
    io.write(tmp_path / "scene.hdr", cube)
    dump = cube.array[:32, :48, 10:34:2].transpose(0, 2, 1)  # interleaved by line
    np.ascontiguousarray(dump, "<u2").tofile(tmp_path / "dump.raw")
    common = {
        "bands": cube.bands,
        "wavelengths": cube.wavelengths,  # nanometres
        "scaler": scaling.fit("standard", cube.array),
    }
    layers = {"scores": two_layers(cube.bands, 3)}
    pack.save(classifier(**common, patch=1, graphs=layers), tmp_path / "minerals.zip")
    pack.save(unmixer(**common), tmp_path / "endmembers.zip")
    pack.save(encoder(**common), tmp_path / "encoder.zip")
    truth = np.ones((80, 72, 1), np.uint8)
    io.write(tmp_path / "truth.tif", Cube(truth))
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    "page",
    [page for page in PAGES if page.name != "training.md"],  # needs a pack: test_cli_train.py
    ids=lambda p: p.name,
)
@pytest.mark.usefixtures("workplace")
def test_commands_run(page: Path) -> None:
    for command in commands(page):
        if any(command.startswith(start) for start in ELSEWHERE):
            continue
        done = subprocess.run(
            ["bash", "-euc", command], capture_output=True, text=True, env=environment()
        )
        assert done.returncode == 0, f"{page.name}: {command}\n{done.stdout}{done.stderr}"


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.name)
def test_python_runs(page: Path, workplace: Path) -> None:
    code = "".join(blocks(page, "python"))
    if not code:
        return
    encode.main(["scene.hdr", "scene.hyc", "--quiet"])
    assert (workplace / "scene.hyc").exists()
    exec(compile(code, page.name, "exec"), {})


def test_readme_example_in_the_package_docstring() -> None:
    import doctest

    import hyspec

    failures, tried = doctest.testmod(hyspec)
    assert tried > 0
    assert failures == 0


@pytest.mark.parametrize("name", sorted(PROGRAMS))
def test_every_option_is_documented(name: str) -> None:
    pages = ("command_line.md", "partition.md", "training.md")
    page = "".join((ROOT / "docs" / page).read_text() for page in pages)
    for action in PROGRAMS[name].parser()._actions:
        for option in action.option_strings:
            if option.startswith("--") and option != "--help":
                assert re.search(rf"{option}\b", page), f"{name} {option}"


def test_links_lead_somewhere() -> None:
    for page in PAGES:
        for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text()):
            assert (page.parent / target).exists(), f"{page.name}: {target}"


@pytest.mark.slow
def test_setup_commands(tmp_path: Path) -> None:
    """The README's first command, in a fresh clone."""
    clone = tmp_path / "clone"
    subprocess.run(["git", "clone", "-q", str(ROOT), str(clone)], check=True)
    command = commands(ROOT / "README.md")[0]
    assert command.startswith("python3 -m venv .venv &&")
    bare = {k: v for k, v in os.environ.items() if k not in ("VIRTUAL_ENV", "PYTHONPATH")}
    done = subprocess.run(
        ["bash", "-euc", command], cwd=clone, capture_output=True, text=True, env=bare
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "PSNR" in done.stdout
    assert (clone / "demo" / "comparison.png").stat().st_size > 10_000


def test_ci_runs_the_command_for_tests() -> None:
    script = ROOT / ".ci" / "run"
    assert os.access(script, os.X_OK)
    assert shutil.which("bash") is not None
    second = blocks(ROOT / "README.md", "")[1]
    assert second.count("\n") == 1
    assert second.endswith("pytest -n 2\n")
