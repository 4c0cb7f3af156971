"""Augmentations that keep planes physical: neighbouring bands mixed, coarser pixels, sensor noise.

Gains and offsets are missing on purpose, because planes are normalised, and so is the inversion of
the sign, because no sensor sees dark clouds over bright shadows.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from hyspec_training.config import AugmentationConfig
from hyspec_training.data import Float32Array, Scene


def augmented_planes(
    scene: Scene,
    bands: npt.NDArray[np.int64],
    stack: npt.NDArray[np.int64],
    place: tuple[int, int, int, int],
    patch: int,
    settings: AugmentationConfig,
    rng: np.random.Generator,
) -> Float32Array:
    """Cut planes of neighbouring bands and augment them alike.

    Parameters
    ----------
    scene
        Where to cut.
    bands
        Bands that may be mixed in, ascending; those of ``stack`` are among them.
    stack
        The bands to cut.
    place
        First row, first column, rows and columns of the crop that was drawn; where the plane is to
        have half the scale, another place of twice the size is drawn.
    patch
        Largest number of rows and columns of the result.
    settings
        Shares and levels.
    rng
        Source of all choices.

    Returns
    -------
    ndarray of float32, shape (len(stack), rows, columns)
        At most ``patch`` rows and columns.
    """
    mixed, halved = rng.random(2) < (settings.band_mixing, settings.half_scale)
    halved = halved and min(scene.array.shape[:2]) > 1
    if halved:
        place = _larger_place(scene, patch, rng)
    planes: Float32Array = np.stack([scene.plane(int(band), *place) for band in stack])
    if mixed:
        share, side = np.float32(rng.random()), 1 if rng.random() < 0.5 else -1
        others = [scene.plane(_neighbour(bands, int(band), side), *place) for band in stack]
        planes = share * planes
        planes += (1 - share) * np.stack(others)
    if halved:  # the mean of four pixels, as a sensor of twice the ground sampling distance sees
        left, right = planes[:, :, ::2], planes[:, :, 1::2]
        planes = left[:, ::2] + left[:, 1::2] + right[:, ::2] + right[:, 1::2]
        planes /= 4
    if settings.noise > 0:
        level = np.float32(settings.noise * rng.random())
        planes += level * rng.standard_normal(planes.shape, np.float32)
    return planes


def _larger_place(scene: Scene, patch: int, rng: np.random.Generator) -> tuple[int, int, int, int]:
    rows, columns = (min(2 * patch, n - n % 2) for n in scene.array.shape[:2])
    row, column = (
        int(rng.integers(n - size + 1))
        for n, size in zip(scene.array.shape[:2], (rows, columns), strict=True)
    )
    return row, column, rows, columns


def _neighbour(bands: npt.NDArray[np.int64], band: int, side: int) -> int:
    """The usable band before or after, or the band itself where it has no neighbour."""
    at = int(np.searchsorted(bands, band)) + side
    return int(bands[at]) if 0 <= at < len(bands) else band
