"""Memory of the encoder does not grow with the lines of the cube."""

import tracemalloc

import numpy as np
import pytest

from hyspec import Cube, EncodeOptions, encode_to, step_search

COLUMNS, BANDS, TILE = 32, 24, 32


@pytest.fixture
def cube(tmp_path):
    """A memory-mapped cube of so many lines, made block by block."""

    def make(lines: int) -> Cube:
        path = tmp_path / f"{lines}.npy"
        mapped = np.lib.format.open_memmap(path, "w+", np.uint16, (lines, COLUMNS, BANDS))
        rng = np.random.default_rng(1)
        spectra = rng.uniform(200, 3000, (4, BANDS))
        for first in range(0, lines, TILE):
            shares = rng.dirichlet(np.ones(4), (TILE, COLUMNS))
            mapped[first : first + TILE] = shares @ spectra + rng.normal(0, 4, (COLUMNS, BANDS))
        mapped.flush()
        return Cube(np.load(path, mmap_mode="r"))

    return make


def peak(cube: Cube, **target: float) -> int:
    """Most bytes that Python and NumPy held at a time."""
    tracemalloc.start()
    try:
        encode_to(cube, len, EncodeOptions(tile=TILE, threads=1, **target))
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("target", [{"quality": 50.0}, {"bps": 0.5}, {"rmse": 6.0}], ids=str)
def test_memory_does_not_grow_with_lines(cube, monkeypatch, target):
    # A search works on three tiles.
    monkeypatch.setattr(step_search, "CACHE_BYTES", 3 * 4 * TILE * COLUMNS * BANDS)
    peak(cube(4 * TILE), **target)  # what is kept for ever is made by now
    few, many = peak(cube(8 * TILE), **target), peak(cube(32 * TILE), **target)
    assert many < 1.3 * few
