"""Fixtures that many tests share: the tiny pack, a small scene, and ways to damage a stream."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from hyspec import Cube, synthetic

TINY_PACK = Path(__file__).parent / "golden" / "packs" / "tiny-v1"


@pytest.fixture(scope="session")
def tiny_pack() -> Path:
    """Directory of a trained pack with one model of four filters: quick, and of poor quality."""
    return TINY_PACK


@pytest.fixture(scope="session")
def grid() -> synthetic.SensorGrid:
    """Sensor of 24 bands."""
    return synthetic.SensorGrid(np.linspace(420.0, 2400.0, 24), np.full(24, 90.0), name="24 bands")


@pytest.fixture(scope="session")
def scene_cube(grid) -> Cube:
    """Scene of 40 x 36 pixels and 24 bands, uint16, without nodata; read-only."""
    cube = synthetic.scene(40, 36, sensor=grid, seed=3).cube
    cube.array.flags.writeable = False
    return cube


@pytest.fixture(scope="session")
def nodata_cube(grid) -> Cube:
    """The same with nodata beside the swath and in single pixels, int16."""
    cube = synthetic.scene(40, 36, sensor=grid, seed=3, nodata=True, dtype="int16").cube
    assert 0 < (cube.array == cube.nodata).mean() < 1
    cube.array.flags.writeable = False
    return cube


@pytest.fixture(scope="session")
def trained(tmp_path_factory, grid):
    """A tiny pack, trained and exported by hyspec-train, with all that went into it."""
    from training_fixtures import train_tiny  # imports PyTorch

    return train_tiny(tmp_path_factory.mktemp("trained"), grid)
