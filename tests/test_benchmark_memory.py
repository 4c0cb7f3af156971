"""The benchmark of memory: what it measures, and that it prints it."""

import json
import subprocess
import sys

import pytest

from hyspec_bench import memory, turns

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="memory is what Linux counts")

GROWTH = """
import numpy as np
from hyspec_bench import memory

before = memory.anonymous()
held = np.ones(64 << 20, np.uint8)
print((memory.anonymous() - before) / held.size)
"""


def test_anonymous_memory_counts_arrays():
    """In a process of its own: what others have freed would be taken first."""
    grown = subprocess.run(
        [sys.executable, "-c", GROWTH], capture_output=True, text=True, check=True
    ).stdout
    assert 0.9 < float(grown) < 1.2


def test_rows_are_those_of_the_cubes(monkeypatch, capsys):
    for name, value in turns.ONE_THREAD.items():
        monkeypatch.setenv(name, value)
    size = ["--lines", "8", "16", "--columns", "16", "--bands", "6"]
    assert memory.main([*size, "--targets", "quality=30", "--json"]) == 0
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [row["lines"] for row in rows] == [8, 16]
    assert [row["cube"] for row in rows] == [2 * 8 * 16 * 6, 2 * 16 * 16 * 6]
    assert all(row["peak"] > row["added"] >= 0 and row["bps"] > 0 for row in rows)
