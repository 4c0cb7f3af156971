"""The benchmark of memory: what it measures, and that it prints it."""

import json
import sys

import numpy as np
import pytest

from hyspec_bench import memory, turns

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="memory is what Linux counts")


def test_anonymous_memory_counts_arrays():
    before = memory.anonymous()
    held = np.ones(32 << 20, np.uint8)
    assert memory.anonymous() - before > 0.9 * held.size


def test_rows_are_those_of_the_cubes(monkeypatch, capsys):
    for name, value in turns.ONE_THREAD.items():
        monkeypatch.setenv(name, value)
    size = ["--lines", "8", "16", "--columns", "16", "--bands", "6"]
    assert memory.main([*size, "--targets", "quality=30", "--json"]) == 0
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [row["lines"] for row in rows] == [8, 16]
    assert [row["cube"] for row in rows] == [2 * 8 * 16 * 6, 2 * 16 * 16 * 6]
    assert all(row["peak"] > row["added"] >= 0 and row["bps"] > 0 for row in rows)
