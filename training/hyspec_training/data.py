"""Scenes of a training set: memory maps with the statistics of their bands."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from hyspec import io
from hyspec.cube import Cube
from hyspec.errors import DataError, UsageError
from hyspec.intervals import seed_intervals
from hyspec.nodata import validity

Float32Array = npt.NDArray[np.float32]

#: Cubes are read in blocks of rows of about this many bytes.
BLOCK_BYTES = 1 << 25


@dataclass
class Scene:
    """One scene with the statistics of its usable bands.

    Attributes
    ----------
    name : str
        Path relative to the data folder.
    array : ndarray, shape (rows, columns, bands)
        Samples, possibly memory-mapped.
    bands : ndarray of int64, shape (usable,)
        Bands that are valid everywhere and not constant.
    mean, std : ndarray of float64, shape (bands,)
        Statistics per band; only those of usable bands have a meaning.
    models : ndarray of int64, shape (bands,)
        Which of the five AVIRIS intervals each band belongs to.
    """

    name: str
    array: npt.NDArray[Any]
    bands: npt.NDArray[np.int64]
    mean: npt.NDArray[np.float64]
    std: npt.NDArray[np.float64]
    models: npt.NDArray[np.int64]

    def plane(self, band: int, row: int, column: int, rows: int, columns: int) -> Float32Array:
        """Normalised crop of one band, shape (rows, columns)."""
        crop = self.array[row : row + rows, column : column + columns, band]
        scaled = (np.asarray(crop, np.float64) - self.mean[band]) / self.std[band]
        return np.asarray(scaled, np.float32)


def load_scene(path: Path, name: str) -> Scene:
    """Open a scene and measure its bands.

    Raises
    ------
    DataError
        The file cannot be read as a cube, or no band is usable.
    """
    return measured(io.read(path), name)


def measured(cube: Cube, name: str) -> Scene:
    """Measure the bands of a cube, which is read once, block by block.

    Raises
    ------
    DataError
        No band is usable.
    """
    moments = [_Moments() for _ in range(cube.bands)]
    for rows in row_blocks(cube.array):
        for band, so_far in enumerate(moments):
            if so_far.valid:
                so_far.add(cube.array[rows, :, band], cube.nodata)
    bands = [b for b, m in enumerate(moments) if m.valid and m.varies and 0 < m.variance < np.inf]
    if not bands:
        raise DataError(
            f"{name} has no band that is valid everywhere and not constant",
            hint="crop the scene to its valid part, or leave it out of the recipe",
        )
    mean, std = np.zeros(cube.bands), np.ones(cube.bands)
    for band in bands:
        mean[band], std[band] = moments[band].mean, np.sqrt(moments[band].variance)
    return Scene(name, cube.array, np.array(bands, np.int64), mean, std, _seed_models(cube))


def row_blocks(array: npt.NDArray[Any]) -> list[slice]:
    """Rows of a cube in blocks of about ``BLOCK_BYTES``."""
    rows = array.shape[0]
    step = max(1, BLOCK_BYTES * rows // array.nbytes)
    return [slice(row, min(row + step, rows)) for row in range(0, rows, step)]


class _Moments:
    """Mean and variance of a band from its blocks.

    Chan, Golub, LeVeque, "Algorithms for computing the sample variance", The American Statistician
    37 (1983), equation 2.1.
    """

    def __init__(self) -> None:
        self.valid, self.varies = True, False
        self.first: Any = None
        self.count = 0
        self.mean = self.variance = 0.0

    def add(self, block: npt.NDArray[Any], nodata: float | None) -> None:
        """Add a block, or find that the band is not valid everywhere."""
        valid = validity(block, nodata)
        if valid is not None and not valid.all():
            self.valid = False
            return
        # Variances of constants are not exactly zero.
        self.first = block[0, 0] if self.first is None else self.first
        self.varies = self.varies or bool((block != self.first).any())
        with np.errstate(invalid="ignore", over="ignore"):  # infinite samples
            mean = float(np.mean(block, dtype=np.float64))
            variance = float(np.var(block, dtype=np.float64))
            total = self.count + block.size
            share = block.size / total
            apart = mean - self.mean
            if self.count:
                self.mean += share * apart
                self.variance += share * (variance - self.variance + (1 - share) * apart**2)
            else:
                self.mean, self.variance = mean, variance
            self.count = total


def _seed_models(cube: Cube) -> npt.NDArray[np.int64]:
    models = np.zeros(cube.bands, np.int64)
    seed = seed_intervals(cube.bands, cube.wavelengths, cube.wavelength_unit)
    for interval, model in zip(seed.intervals, seed.models, strict=True):
        models[interval.start : interval.stop] = model
    return models


def find_scenes(folder: Path, patterns: Sequence[str]) -> list[tuple[Path, str]]:
    """Resolve glob patterns to (path, name) pairs, sorted by name, without repetition.

    Raises
    ------
    DataError
        A pattern matches nothing.
    UsageError
        A pattern is empty or absolute.
    """
    found: dict[str, Path] = {}
    for pattern in patterns:
        try:
            paths = sorted(folder.glob(pattern))
        except (NotImplementedError, ValueError):
            raise UsageError(
                f"scene pattern {pattern!r} is not relative to the data folder",
                hint="write it as 'flight-1/*.hdr' and give the folder with --data",
            ) from None
        if not paths:
            raise DataError(
                f"no scene matches {pattern!r} in {folder}",
                hint="point --data (or HYSPEC_DATA) at the folder that holds the scenes",
            )
        found.update({p.relative_to(folder).as_posix(): p for p in paths})
    return [(found[name], name) for name in sorted(found)]
