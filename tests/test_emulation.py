"""Other byte orders and instruction sets write the same words and decode the same symbols.

The programs run under emulation; the tests skip where a cross compiler or emulator is missing.
"""

import shutil
import subprocess
from pathlib import Path

import pytest

from golden import make_streams

TESTS = Path(__file__).resolve().parent
CORE = TESTS.parent / "csrc"

# aarch64 is what most onboard computers are; s390x has the other byte order.
TARGETS = {
    "native": ("c++", None),
    "aarch64": ("aarch64-linux-gnu-g++", "qemu-aarch64-static"),
    "s390x": ("s390x-linux-gnu-g++", "qemu-s390x-static"),
}
FOREIGN = [pytest.param(name, marks=pytest.mark.emulation) for name in ("aarch64", "s390x")]


def tool(name: str) -> str:
    path = shutil.which(name)
    if path is None:
        pytest.skip(f"needs {name}")
    return path


@pytest.fixture(scope="module")
def output(tmp_path_factory: pytest.TempPathFactory):
    """What a program of tests/emulation prints on a target; the core is built once per target."""
    libraries: dict[str, Path] = {}

    def build(target: str) -> Path:
        compiler = tool(TARGETS[target][0])
        if target not in libraries:
            folder = tmp_path_factory.mktemp(target)
            options = ["-std=c++17", "-O0", "-ffp-contract=off", f"-I{CORE / 'include'}", "-c"]
            sources = sorted((CORE / "src").glob("*.cpp"))
            subprocess.run([compiler, *options, *sources], check=True, cwd=folder)
            libraries[target] = folder
        return libraries[target]

    def run(target: str, program: str, *arguments: Path | str) -> str:
        compiler, emulator = TARGETS[target]
        command = [] if emulator is None else [tool(emulator)]
        folder = build(target)
        binary = folder / program
        subprocess.run(
            [
                *(tool(compiler), "-std=c++17", "-O0", "-static", f"-I{CORE / 'include'}"),
                *(TESTS / "emulation" / f"{program}.cpp", *sorted(folder.glob("*.o"))),
                *("-o", binary),
            ],
            check=True,
        )
        done = subprocess.run([*command, binary, *arguments], capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    return run


@pytest.mark.parametrize("target", FOREIGN)
def test_same_words(target, output):
    expected = output("native", "entropy_coder")
    assert expected.startswith("symbols ")
    assert output(target, "entropy_coder") == expected


@pytest.mark.parametrize("target", FOREIGN)
def test_same_bounded_payloads(target, output):
    """Predictions in floating point, where there are any, round the same everywhere."""
    expected = output("native", "bounded_payload")
    assert expected.count("samples") == 7
    assert output(target, "bounded_payload") == expected


@pytest.mark.parametrize("target", FOREIGN)
def test_same_corrections(target, output):
    expected = output("native", "corrected_payload")
    assert expected.count("corrections") == 4
    assert output(target, "corrected_payload") == expected


@pytest.mark.parametrize("target", ["native", *FOREIGN])
@pytest.mark.parametrize(
    "pack",
    [make_streams.PACK, make_streams.SPECTRAL_PACK, None],
    ids=lambda p: "no pack" if p is None else p.name,
)
def test_golden_streams_decode_to_the_stored_symbols(target, pack, output):
    streams = (p for p in make_streams.FOLDER.glob("*.hyc") if "invalid" not in p.name)
    valid = sorted(p for p in streams if make_streams.pack_of(p.name) == pack)
    assert len(valid) > 5
    # The program compares each chunk's symbols with the checksum in the stream.
    printed = output(target, "decode_stream", pack or "-", *valid)
    assert {line.split()[0] for line in printed.splitlines()} == {p.name for p in valid}
