"""Training planes: random crops of normalised bands, drawn by step number alone.

The draw of step n depends on the seed and on n, not on what was drawn before: training resumes
exactly from any checkpoint without saving a generator's state.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from hyspec.errors import DataError, UsageError
from hyspec_training.augment import augmented_planes
from hyspec_training.config import AugmentationConfig
from hyspec_training.data import Float32Array, Scene
from hyspec_training.limits import PLANE_MULTIPLE

#: Validation planes have at most this many rows and columns.
_VALIDATION_SIDE = 512


@dataclass(frozen=True)
class _Crop:
    """What was drawn for one stack: where it is cut, and how it is turned and mirrored."""

    scene: Scene
    bands: npt.NDArray[np.int64]
    stack: npt.NDArray[np.int64]
    place: tuple[int, int, int, int]  # row, column, rows, columns
    turns: int
    mirrored: bool


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
    augmentation
        What else is done to the crops; it has random numbers of its own, so that turning it off
        changes no other draw.
    depth
        Neighbouring usable bands that are cut from the same place.

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
        augmentation: AugmentationConfig | None = None,
        depth: int = 1,
    ) -> None:
        if patch % PLANE_MULTIPLE:
            raise UsageError(f"patch is {patch}; expected a multiple of {PLANE_MULTIPLE}")
        self._scenes = scenes
        self._patch = patch
        self._depth = depth
        self._seed = seed
        self._own_share = own_share if own_model is not None else 0.0
        self._all = self._weights([s.bands for s in scenes])
        self._own_bands = [s.bands[s.models[s.bands] == own_model] for s in scenes]
        self._own = self._weights(self._own_bands) if own_model is not None else self._all
        self._augmentation = augmentation or AugmentationConfig()
        self._augments = any(dataclasses.astuple(self._augmentation))

    def _weights(self, bands: Sequence[npt.NDArray[np.int64]]) -> npt.NDArray[np.float64]:
        sizes = [
            len(b) * s.array.shape[0] * s.array.shape[1]
            for b, s in zip(bands, self._scenes, strict=True)
        ]
        weights = np.sqrt(np.array(sizes, np.float64))
        if weights.sum() == 0:
            raise DataError("no training scene has a usable band in this interval")
        return np.asarray(weights / weights.sum())

    def batch(self, step: int, size: int, part: slice = slice(None)) -> Float32Array:
        """Draw the batch of one step, or a part of it.

        Parameters
        ----------
        step
            Number of the step.
        size
            Stacks in the whole batch.
        part
            Stacks of the batch to cut: the share of one of several processes.

        Returns
        -------
        ndarray of float32, shape (stacks, depth, patch, patch)
        """
        # The generator counts up the first words of its counter: the others tell streams apart.
        rng = np.random.Generator(np.random.Philox(key=self._seed, counter=[0, 0, 0, step]))
        crops = list(enumerate([self._draw(rng) for _ in range(size)]))[part]
        batch = np.empty((len(crops), self._depth, self._patch, self._patch), np.float32)
        for planes, (k, crop) in zip(batch, crops, strict=True):
            counter = [0, 0, k + 1, step]
            self._cut(crop, np.random.Philox(key=self._seed, counter=counter), planes)
        return batch

    def _draw(self, rng: np.random.Generator) -> _Crop:
        own = rng.random() < self._own_share
        which = int(rng.choice(len(self._scenes), p=self._own if own else self._all))
        scene = self._scenes[which]
        bands = self._own_bands[which] if own else scene.bands
        stack = neighbours(bands, int(rng.integers(len(bands))), self._depth)
        rows, columns = (min(self._patch, n) for n in scene.array.shape[:2])
        row, column = (
            int(rng.integers(n - size + 1))
            for n, size in zip(scene.array.shape[:2], (rows, columns), strict=True)
        )
        turns, mirrored = int(rng.integers(4)), bool(rng.random() < 0.5)
        return _Crop(scene, bands, stack, (row, column, rows, columns), turns, mirrored)

    def _cut(self, crop: _Crop, bits: np.random.Philox, out: Float32Array) -> None:
        if self._augments:
            planes = augmented_planes(
                crop.scene,
                crop.bands,
                crop.stack,
                crop.place,
                self._patch,
                self._augmentation,
                np.random.Generator(bits),
            )
        else:
            planes = np.stack([crop.scene.plane(int(b), *crop.place) for b in crop.stack])
        if planes.shape != out.shape:
            missing = [(0, self._patch - n) for n in planes.shape[1:]]
            planes = np.pad(planes, [(0, 0), *missing], mode="symmetric")
        planes = np.rot90(planes, crop.turns, (1, 2))
        out[:] = planes[:, :, ::-1] if crop.mirrored else planes


def neighbours(bands: npt.NDArray[np.int64], at: int, depth: int) -> npt.NDArray[np.int64]:
    """Return ``depth`` successive bands around ``bands[at]``; edges are repeated if too few."""
    first = max(0, min(at - depth // 2, len(bands) - depth))
    return bands[np.minimum(np.arange(first, first + depth), len(bands) - 1)]


def validation_planes(
    scenes: Sequence[Scene], per_scene: int = 8, model: int | None = None, depth: int = 1
) -> Iterator[tuple[str, Float32Array]]:
    """Yield (scene name, planes padded to multiples of 16) for evenly spaced bands of each scene.

    Planes have the shape (depth, rows, columns), and are those of neighbouring bands.

    Planes are whole, but of scenes with more than 512 rows or columns only the middle.
    """
    for scene in scenes:
        bands = scene.bands if model is None else scene.bands[scene.models[scene.bands] == model]
        if not len(bands):
            continue
        picks = np.linspace(0, len(bands) - 1, min(per_scene, len(bands))).round().astype(int)
        for pick in picks:
            rows, columns = (min(n, _VALIDATION_SIDE) for n in scene.array.shape[:2])
            row, column = ((n - _VALIDATION_SIDE) // 2 for n in scene.array.shape[:2])
            place = max(row, 0), max(column, 0), rows, columns
            stack = neighbours(bands, int(pick), depth)
            planes = np.stack([scene.plane(int(band), *place) for band in stack])
            padding = [(0, -n % PLANE_MULTIPLE) for n in (rows, columns)]
            yield scene.name, np.pad(planes, [(0, 0), *padding], "edge")
