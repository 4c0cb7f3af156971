"""Other byte orders and instruction sets write the same words; they run under emulation."""

import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
SOURCES = [
    ROOT / "tests" / "emulation" / "entropy_coder.cpp",
    *(
        ROOT / "csrc" / "src" / name
        for name in (
            "cdf_tables.cpp",
            "error.cpp",
            "mask_coder.cpp",
            "range_coder.cpp",
            "symbol_coder.cpp",
        )
    ),
]

# aarch64 is what most onboard computers are; s390x has the other byte order.
TARGETS = [
    ("aarch64-linux-gnu-g++", "qemu-aarch64-static"),
    ("s390x-linux-gnu-g++", "qemu-s390x-static"),
]


def tool(*names: str) -> str:
    """Path of the first of these programs that is installed; skips the test if there is none."""
    path = next(filter(None, map(shutil.which, names)), None)
    if path is None:
        pytest.skip(f"needs {' or '.join(names)}")
    return path


def run(compiler: str, build: Path, *emulator: str) -> str:
    program = build / "entropy_coder"
    options = ["-std=c++17", "-O1", "-static", f"-I{ROOT / 'csrc' / 'include'}"]
    subprocess.run([compiler, *options, *SOURCES, "-o", program], check=True)
    return subprocess.run([*emulator, program], check=True, capture_output=True, text=True).stdout


@pytest.fixture(scope="module")
def native(tmp_path_factory: pytest.TempPathFactory) -> str:
    return run(tool("c++", "g++", "clang++"), tmp_path_factory.mktemp("native"))


@pytest.mark.emulation
@pytest.mark.parametrize(("compiler", "emulator"), TARGETS, ids=["aarch64", "s390x"])
def test_same_words(compiler: str, emulator: str, native: str, tmp_path: Path) -> None:
    assert native.startswith("symbols ")
    assert run(tool(compiler), tmp_path, tool(emulator)) == native
