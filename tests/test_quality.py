"""The static checks: formatting, lint, types, layers. Each tool prints what it minds."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
CXX = sorted(
    p for p in ROOT.glob("**/*.[ch]pp") if p.relative_to(ROOT).parts[0] in ("csrc", "tests")
)


def run(*command: str) -> None:
    tool = shutil.which(command[0], path=str(Path(sys.executable).parent)) or shutil.which(
        command[0]
    )
    assert tool is not None, f"{command[0]} is not installed: pip install 'hyspec[test]'"
    done = subprocess.run([tool, *command[1:]], cwd=ROOT, capture_output=True, text=True)
    if done.returncode:
        pytest.fail(f"{' '.join(command[:2])}\n{done.stdout}{done.stderr}", pytrace=False)


def test_ruff_check() -> None:
    run("ruff", "check", "--no-cache", ".")


def test_ruff_format() -> None:
    run("ruff", "format", "--no-cache", "--check", ".")


def test_mypy() -> None:
    run("mypy")


def test_layers() -> None:
    run("lint-imports", "--no-cache")


def test_clang_format() -> None:
    assert CXX
    run("clang-format", "--dry-run", "--Werror", *map(str, CXX))
