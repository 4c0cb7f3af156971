"""The stub ``_core.pyi`` says what the compiled module has."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]

# What pybind11 gives every class and no stub can say: its own metaclass and, where no constructor
# is bound, an initialiser that takes anything and refuses it.
UNSAYABLE = (
    "is inconsistent, metaclass differs",
    '.__init__ is inconsistent, stub does not have *args parameter "args"',
    '.__init__ is inconsistent, stub does not have **kwargs parameter "kwargs"',
)


def test_stub_matches_module() -> None:
    command = [sys.executable, "-m", "mypy.stubtest", "hyspec._core", "--concise"]
    command += ["--mypy-config-file", str(ROOT / "pyproject.toml")]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    problems = [line for line in result.stdout.splitlines() if not line.endswith(UNSAYABLE)]
    assert not problems, "\n".join(problems)
    # Without a line of output something else went wrong, such as the module not being found.
    assert result.returncode == 0 or result.stdout, result.stderr
