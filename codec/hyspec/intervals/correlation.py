"""Correlation between the bands of a scene, and what several scenes have in common of it."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from hyspec.cube import Cube
from hyspec.errors import UsageError
from hyspec.nodata import validity

#: Called with (phase, rows done, rows in all).
Progress = Callable[[str, int, int], None]

#: Fewest pixels taken from a row that is visited at all, so that few rows of a file are read.
_PIXELS_PER_ROW = 64

#: Samples of a block of rows; some temporary arrays of this many float64 exist at a time.
_BLOCK_SAMPLES = 1 << 20

#: Relative to that of the whole band, a variance this small is rounding.
_ROUNDING = 1e-12


class CorrelationSums:
    """Correlation between bands, summed up block of pixels by block of pixels.

    Each pair of bands uses the pixels at which both are valid. The memory is that of a few
    matrices of bands x bands, however many pixels are added.

    Parameters
    ----------
    bands
        Number of bands.
    """

    def __init__(self, bands: int) -> None:
        square = (bands, bands)
        # At [i, j], over the pixels at which bands i and j are valid:
        self._pairs = np.zeros(square)  # their number
        self._sums = np.zeros(square)  # sum of band i
        self._squares = np.zeros(square)  # sum of squares of band i
        self._products = np.zeros(square)  # sum of products of bands i and j
        # Sums are of differences to a value of the band's own size, so that they stay accurate.
        self._anchor = np.zeros(bands)
        self._low = np.full(bands, np.inf)
        self._high = np.full(bands, -np.inf)

    def add(self, samples: npt.NDArray[Any], nodata: float | None = None) -> None:
        """Add pixels.

        Parameters
        ----------
        samples : ndarray, shape (pixels, bands)
            Samples of any type. NaN and infinite ones count as invalid.
        nodata
            Value of samples without a measurement.
        """
        valid = validity(samples, nodata)
        values = samples.astype(np.float64)
        finite = np.isfinite(values)
        valid = finite if valid is None else valid & finite
        # A band of one value must come out constant in spite of the rounding of its mean.
        seen = self._low <= self._high
        np.minimum(self._low, values.min(0, where=valid, initial=np.inf), out=self._low)
        np.maximum(self._high, values.max(0, where=valid, initial=-np.inf), out=self._high)
        with np.errstate(over="ignore", invalid="ignore"):  # such bands come out without variance
            values[~valid] = 0.0
            means = values.sum(0) / np.maximum(valid.sum(0), 1)
            self._anchor[~seen] = means[~seen]
            values -= self._anchor
            used = np.flatnonzero(valid.any(0))
            complete = valid[:, used].all(1)
            self._add_complete(values[np.ix_(complete, used)], used)
            partial = valid.any(1) & ~complete
            if partial.any():
                self._add_partial(values[partial], valid[partial])

    def _add_complete(self, values: npt.NDArray[np.float64], bands: npt.NDArray[np.intp]) -> None:
        """Add pixels at which these bands are valid and no others are: one product instead of 4."""
        block = np.ix_(bands, bands)
        self._pairs[block] += len(values)
        self._sums[block] += values.sum(0)[:, None]
        self._squares[block] += (values**2).sum(0)[:, None]
        self._products[block] += values.T @ values

    def _add_partial(self, values: npt.NDArray[np.float64], valid: npt.NDArray[np.bool_]) -> None:
        values[~valid] = 0.0
        weights = valid.astype(np.float64)
        self._pairs += weights.T @ weights
        self._sums += values.T @ weights
        self._squares += (values**2).T @ weights
        self._products += values.T @ values

    def correlation(self) -> npt.NDArray[np.float64]:
        """Return the correlation of what was added so far.

        Returns
        -------
        ndarray of float64, shape (bands, bands)
            Symmetric, within [-1, 1]; the diagonal is 1, or 0 for a band without variance, that is
            one that is constant, never valid, or beyond what float64 can square.
        """
        pairs = np.maximum(self._pairs, 1)
        with np.errstate(over="ignore", invalid="ignore"):
            mean = self._sums / pairs  # mean[i, j]: of band i where band j is valid
            covariance = self._products / pairs - mean * mean.T
            variance = np.maximum(self._squares / pairs - mean**2, 0)
            own = np.diagonal(variance)  # over all valid pixels of the band
            varies = (self._low < self._high) & np.isfinite(own) & (own > 0)
            usable = np.outer(varies, varies)
            large = variance > _ROUNDING * own[:, None]
            usable &= large & large.T
            deviation = np.sqrt(variance)
            spread = deviation * deviation.T
        correlation = np.divide(covariance, spread, out=np.zeros_like(spread), where=usable)
        correlation = np.asarray(np.clip((correlation + correlation.T) / 2, -1, 1))
        np.fill_diagonal(correlation, varies)
        return correlation


def band_correlation(
    cube: Cube,
    *,
    max_pixels: int | None = 20_000,
    seed: int = 0,
    progress: Progress | None = None,
) -> npt.NDArray[np.float64]:
    """Correlation between the bands of a cube over its valid pixels.

    Each pair of bands uses the pixels at which both are valid. A band that is constant or without
    valid samples correlates 0 with all bands, itself included. Some rows are in memory at a time.

    Parameters
    ----------
    cube
        The cube.
    max_pixels
        Take a random sample of at most this many pixels; of a large memory-mapped cube only a few
        hundred rows are then read. ``None`` takes all.
    seed
        Seed of the sample.
    progress
        Called with ("survey", rows done, rows in all); those in all are an estimate where a sample
        is taken.

    Returns
    -------
    ndarray of float64, shape (bands, bands)
        Symmetric, within [-1, 1]; the diagonal is 1, or 0 for a band without variance.

    Raises
    ------
    UsageError
        ``max_pixels`` is not positive.
    """
    if max_pixels is not None and max_pixels < 1:
        raise UsageError(f"found max_pixels={max_pixels}; expected at least 1")
    sums = CorrelationSums(cube.bands)
    blocks = _rows(cube) if max_pixels is None else _sample(cube, max_pixels, seed)
    for samples, done, total in blocks:
        sums.add(samples, cube.nodata)
        if progress is not None:
            progress("survey", done, total)
    return sums.correlation()


def pool_correlations(
    correlations: Sequence[npt.NDArray[np.float64]],
) -> npt.NDArray[np.float64]:
    r"""Root mean square of the correlations of several scenes of one sensor.

    The scatter of a partition (:func:`hyspec.intervals.auto_intervals`) is linear in the squared
    correlations. Their mean therefore gives the partition with the least mean scatter over the
    scenes. Every scene has the same weight whatever its size: its pixels depend on each other, so
    that a large scene is hardly more evidence of what the sensor will see next than a small one.
    Correlations are taken within scenes, because a common one would also count how scenes differ
    in their means, which no interval model can use.

    Parameters
    ----------
    correlations : sequence of ndarray, each of shape (bands, bands)
        As :func:`band_correlation` returns them. A pair of bands is averaged over the scenes in
        which both vary.

    Returns
    -------
    ndarray of float64, shape (bands, bands)
        Symmetric, within [0, 1]; the diagonal is 1, or 0 for a band that varies in no scene.

    Raises
    ------
    UsageError
        There is no matrix, or they are not square and of equal size.
    """
    shapes = {correlation.shape for correlation in correlations}
    square = len(shapes) == 1 and all(len(s) == 2 and s[0] == s[1] for s in shapes)
    if not square:
        raise UsageError(
            f"found correlation matrices of shapes {sorted(shapes)}; expected one or more of the "
            "same shape (bands, bands)"
        )
    (shape,) = shapes
    total, scenes = np.zeros(shape), np.zeros(shape)
    for correlation in correlations:
        varies = np.diagonal(correlation) > 0
        total += correlation**2
        scenes += np.outer(varies, varies)
    return np.sqrt(total / np.maximum(scenes, 1))


def _rows(cube: Cube) -> Iterator[tuple[npt.NDArray[Any], int, int]]:
    """Blocks of all pixels, shape (pixels, bands), with the rows done and the rows in all."""
    step = max(1, _BLOCK_SAMPLES // (cube.columns * cube.bands))
    for top in range(0, cube.rows, step):
        block = np.asarray(cube.array[top : top + step])
        yield block.reshape(-1, cube.bands), min(top + step, cube.rows), cube.rows


def _sample(cube: Cube, max_pixels: int, seed: int) -> Iterator[tuple[npt.NDArray[Any], int, int]]:
    """Pixels with a valid sample from random rows, as :func:`_rows` yields them."""
    rng = np.random.Generator(np.random.PCG64(seed))
    per_row = max(math.ceil(max_pixels / cube.rows), _PIXELS_PER_ROW)
    expected = math.ceil(max_pixels / min(per_row, cube.columns))
    wanted = max_pixels
    for done, row in enumerate(rng.permutation(cube.rows), start=1):
        line = np.asarray(cube.array[row])
        valid = validity(line, cube.nodata)
        finite = np.isfinite(line)
        valid = finite if valid is None else valid & finite
        measured = np.flatnonzero(valid.any(axis=1))
        columns = rng.permutation(measured)[: min(per_row, wanted)]
        yield line[columns], done, min(expected, cube.rows)
        wanted -= columns.size
        if wanted == 0:
            break
