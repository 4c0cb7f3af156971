"""Tests that need a process of their own, because they bound its memory or measure it."""

import inspect
import json
import resource
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

needs_proc = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="needs /proc")


def run_alone(function: Callable[[], object], *, timeout: float) -> Any:
    """What a function of a test module returns in a new Python, as JSON; seconds to wait."""
    path = Path(inspect.getfile(function))
    script = f"""
import json, sys, warnings
sys.path.insert(0, {str(path.parent)!r})
from {path.stem} import {function.__name__} as function
warnings.simplefilter("error")
print(json.dumps(function()))
"""
    command = [sys.executable, "-c", script]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=timeout)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def memory(field: str) -> int:
    """Bytes that /proc tells of this process, for instance VmSize, VmRSS or its peak VmHWM."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) << 10 for line in lines if line.startswith(f"{field}:"))


def bound_memory(more: int) -> None:
    """Refuse this process more bytes than it has now and these."""
    limit = memory("VmSize") + more
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))


def peak_growth(function: Callable[[], object]) -> int:
    """Bytes of memory that this process has in use at most during a call, beyond those before."""
    Path("/proc/self/clear_refs").write_text("5")  # resets the peak
    before = memory("VmRSS")
    function()
    return memory("VmHWM") - before
