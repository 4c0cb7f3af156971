"""Training planes: random crops of normalised bands, drawn by step number alone.

The draw of step n depends on the seed and on n, not on what was drawn before: training resumes
exactly from any checkpoint without saving a generator's state.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
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
from hyspec_training.balle import STRIDE

Float32Array = npt.NDArray[np.float32]


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
    cube = io.read(path)
    bands, mean, std = [], np.zeros(cube.bands), np.ones(cube.bands)
    for band in range(cube.bands):
        plane = cube.array[:, :, band]
        valid = validity(plane, cube.nodata)
        if valid is not None and not valid.all():
            continue
        mean[band], std[band] = np.mean(plane, dtype=np.float64), np.std(plane, dtype=np.float64)
        if std[band] > 0:
            bands.append(band)
    if not bands:
        raise DataError(
            f"{name} has no band that is valid everywhere and not constant",
            hint="crop the scene to its valid part, or leave it out of the recipe",
        )
    return Scene(name, cube.array, np.array(bands, np.int64), mean, std, _seed_models(cube))


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


class PatchSampler:
    """Draws batches of normalised crops.

    Parameters
    ----------
    scenes
        Scenes to draw from; larger ones are drawn more often, by the square root of their size.
    patch
        Side of the crops in samples, a multiple of 16; smaller scenes are extended by reflection.
    seed
        Seed of all draws.
    own_model, own_share
        If given, this share of the crops comes from bands of that interval model, and the others
        from all bands.

    Raises
    ------
    DataError
        No scene has a band of that interval model.
    """

    def __init__(
        self,
        scenes: Sequence[Scene],
        patch: int,
        seed: int,
        own_model: int | None = None,
        own_share: float = 0.0,
    ) -> None:
        if patch % STRIDE:
            raise UsageError(f"patch is {patch}; expected a multiple of {STRIDE}")
        self._scenes = scenes
        self._patch = patch
        self._seed = seed
        self._own_share = own_share if own_model is not None else 0.0
        self._all = self._weights([s.bands for s in scenes])
        self._own_bands = [s.bands[s.models[s.bands] == own_model] for s in scenes]
        self._own = self._weights(self._own_bands) if own_model is not None else self._all

    def _weights(self, bands: Sequence[npt.NDArray[np.int64]]) -> npt.NDArray[np.float64]:
        sizes = [
            len(b) * s.array.shape[0] * s.array.shape[1]
            for b, s in zip(bands, self._scenes, strict=True)
        ]
        weights = np.sqrt(np.array(sizes, np.float64))
        if weights.sum() == 0:
            raise DataError("no training scene has a usable band in this interval")
        return np.asarray(weights / weights.sum())

    def batch(self, step: int, size: int) -> Float32Array:
        """Draw the batch of one step, shape (size, 1, patch, patch)."""
        # The generator counts up the first word of its counter: a step has the last one to itself.
        rng = np.random.Generator(np.random.Philox(key=self._seed, counter=[0, 0, 0, step]))
        batch = np.empty((size, 1, self._patch, self._patch), np.float32)
        for k in range(size):
            batch[k, 0] = self._draw(rng)
        return batch

    def _draw(self, rng: np.random.Generator) -> Float32Array:
        own = rng.random() < self._own_share
        which = int(rng.choice(len(self._scenes), p=self._own if own else self._all))
        scene = self._scenes[which]
        bands = self._own_bands[which] if own else scene.bands
        band = int(bands[rng.integers(len(bands))])
        size = [min(self._patch, n) for n in scene.array.shape[:2]]
        row, column = (
            int(rng.integers(n - s + 1)) for n, s in zip(scene.array.shape[:2], size, strict=True)
        )
        plane = scene.plane(band, row, column, size[0], size[1])
        plane = np.pad(plane, [(0, self._patch - s) for s in size], mode="symmetric")
        plane = np.rot90(plane, int(rng.integers(4)))
        return np.ascontiguousarray(plane[:, ::-1] if rng.random() < 0.5 else plane)


def validation_planes(
    scenes: Sequence[Scene], per_scene: int = 8, model: int | None = None
) -> Iterator[tuple[str, Float32Array]]:
    """Yield (scene name, whole plane padded to multiples of 16) for evenly spaced bands."""
    for scene in scenes:
        bands = scene.bands if model is None else scene.bands[scene.models[scene.bands] == model]
        if not len(bands):
            continue
        picks = np.linspace(0, len(bands) - 1, min(per_scene, len(bands))).round().astype(int)
        for band in bands[picks]:
            rows, columns = scene.array.shape[:2]
            plane = scene.plane(int(band), 0, 0, rows, columns)
            yield scene.name, np.pad(plane, [(0, -n % STRIDE) for n in (rows, columns)], "edge")
