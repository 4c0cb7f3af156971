"""The fuzz targets build with any compiler and pass on golden files and random bytes."""

import os
import random
import subprocess
import sysconfig
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
GOLDEN = ROOT / "tests" / "golden"


def run(*command: str | Path) -> str:
    path = os.pathsep.join([sysconfig.get_path("scripts"), os.environ.get("PATH", os.defpath)])
    result = subprocess.run(
        [str(part) for part in command],
        env={**os.environ, "PATH": path},
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout


@pytest.fixture(scope="module")
def build(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("fuzz")
    run("cmake", "-S", ROOT, "-B", folder, "-G", "Ninja", "-DHYSPEC_FUZZ=ON")
    run("cmake", "--build", folder)
    return folder


@pytest.mark.slow
@pytest.mark.parametrize(
    "target",
    [
        "fuzz_band_payload",
        "fuzz_bounded_payload",
        "fuzz_container",
        "fuzz_corrected_payload",
        "fuzz_spectral_payload",
    ],
)
def test_replay(target: str, build: Path, tmp_path: Path) -> None:
    chance = random.Random(5)
    for number in range(200):
        (tmp_path / f"{number}").write_bytes(chance.randbytes(chance.choice([0, 9, 90, 900])))
    inputs = [*GOLDEN.glob("*/*.hyc"), *tmp_path.iterdir()]
    assert len(inputs) > 220
    # libFuzzer, which Clang brings, reports elsewhere.
    assert run(build / target, *inputs) in ("", f"{len(inputs)} inputs replayed\n")
