"""Speed of several functions on a machine that does other things as well: they take turns."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from typing import Any

#: Makes every library use one thread, if it is set before a process starts.
ONE_THREAD = {f"{name}_NUM_THREADS": "1" for name in ("OMP", "OPENBLAS", "MKL", "OPJ", "NUMEXPR")}


def in_turns(
    functions: Sequence[Callable[[], Any]],
    rounds: int,
    clock: Callable[[], float] = time.perf_counter,
) -> list[list[float]]:
    """Seconds of each function in each round (A B A B ...), after one untimed round.

    The ratio of two medians is worth more than either: what slows the machine down for a while
    slows both.
    """
    seconds: list[list[float]] = [[] for _ in functions]
    for turn in range(-1, rounds):
        for function, taken in zip(functions, seconds, strict=True):
            start = clock()
            function()
            if turn >= 0:
                taken.append(clock() - start)
    return seconds


def medians(
    functions: Sequence[Callable[[], Any]],
    rounds: int,
    clock: Callable[[], float] = time.perf_counter,
) -> list[float]:
    """Median seconds of each function; see `in_turns`."""
    return [statistics.median(taken) for taken in in_turns(functions, rounds, clock)]


def is_one_thread() -> bool:
    """Whether this process was started with `ONE_THREAD`."""
    return all(os.environ.get(name) == value for name, value in ONE_THREAD.items())


def again_with_one_thread(module: str, arguments: Sequence[str]) -> int:
    """Run a module as a program of its own with `ONE_THREAD`; return its exit status."""
    command = [sys.executable, "-m", module, *arguments]
    return subprocess.run(command, env={**os.environ, **ONE_THREAD}, check=False).returncode
