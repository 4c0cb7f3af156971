"""The core builds and installs as the README says, without Python, for other projects to use."""

import subprocess
from pathlib import Path

import numpy as np

from document_commands import ROOT, commands, environment
from hyspec import _core

#: As every test builds it: quickly.
SETTINGS = {"CMAKE_GENERATOR": "Ninja", "CMAKE_BUILD_TYPE": "Debug"}


def run(*command: str | Path, folder: Path | None = None, **variables: str) -> None:
    # cmake and ninja come with the test dependencies, whose scripts need not be on the path.
    result = subprocess.run(
        list(map(str, command)),
        cwd=folder,
        env={**environment(), **SETTINGS, **variables},
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stdout + result.stderr


def cmake(*arguments: str | Path, **variables: str) -> None:
    run("cmake", *arguments, **variables)


def test_consumer_project(tmp_path: Path) -> None:
    for name in ("CMakeLists.txt", "csrc"):
        (tmp_path / name).symlink_to(ROOT / name)
    [command] = [c for c in commands(ROOT / "README.md") if c.startswith("cmake")]
    run("bash", "-euc", command, folder=tmp_path, CXXFLAGS="-Werror")
    prefix = tmp_path / "prefix"
    installed = {path.name for path in prefix.rglob("*") if path.is_file()}
    assert {"range_coder.hpp", "libhyspec_core.a", "hyspecConfig.cmake"} <= installed

    source = ROOT / "tests" / "consumer"
    cmake("-S", source, "-B", tmp_path / "consumer", f"-DCMAKE_PREFIX_PATH={prefix}")
    cmake("--build", tmp_path / "consumer")
    output = subprocess.run(
        [tmp_path / "consumer" / "consumer"], capture_output=True, text=True, check=True
    ).stdout

    tables = _core.CdfTables(
        np.array([60000, 5000, 535, 1], np.uint16),
        np.array([0, 4], np.uint32),
        np.array([-1], np.int32),
    )
    symbols = np.array([-1, 0, 1, -1, 2147483647, -1, 0, -7], np.int32)
    words = _core.encode_symbols(tables, symbols, np.zeros(8, np.uint16))
    assert [int(line) for line in output.split()] == words.tolist()


def test_build_types(tmp_path: Path) -> None:
    """Optimised unless the user says otherwise; inside another project that one decides."""

    def build_type(source: Path, *arguments: str) -> str:
        build = tmp_path / f"build-{len(list(tmp_path.iterdir()))}"
        cmake("-S", source, "-B", build, *arguments, CMAKE_BUILD_TYPE="")
        lines = (build / "CMakeCache.txt").read_text().splitlines()
        [found] = [line for line in lines if line.startswith("CMAKE_BUILD_TYPE:")]
        return found.partition("=")[2]

    assert build_type(ROOT) == "Release"
    assert build_type(ROOT, "-DCMAKE_BUILD_TYPE=Debug") == "Debug"
    parent = tmp_path / "parent"
    parent.mkdir()
    (parent / "CMakeLists.txt").write_text(
        "cmake_minimum_required(VERSION 3.24)\n"
        "project(parent LANGUAGES CXX)\n"
        f'add_subdirectory("{ROOT}" hyspec)\n'
    )
    assert build_type(parent) == ""
