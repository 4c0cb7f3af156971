"""Band intervals found in the data: contiguous groups of mutually correlated bands."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from hyspec.cube import Cube
from hyspec.errors import UsageError
from hyspec.intervals.partition import BandInterval
from hyspec.nodata import validity

#: What one more interval must gain, as a fraction of the bands; see :func:`auto_intervals`. This
#: one gives about five intervals for an AVIRIS scene.
DEFAULT_PENALTY = 0.01

#: Fewest pixels taken from a row that is visited at all, so that few rows of a file are read.
_PIXELS_PER_ROW = 64


def auto_intervals(
    source: Cube | npt.NDArray[Any],
    *,
    count: int | None = None,
    penalty: float = DEFAULT_PENALTY,
    max_intervals: int = 8,
) -> tuple[BandInterval, ...]:
    r"""Partition the bands so that those of one interval are as correlated as possible.

    With the squared correlation :math:`r_{ij}^2`, an interval :math:`I` of :math:`n_I` bands has
    the scatter

    .. math:: S(I) = n_I - \frac{1}{n_I} \sum_{i \in I} \sum_{j \in I} r_{ij}^2,

    which is 0 where all bands are copies of each other and :math:`n_I - 1` where none is like any
    other: the number of bands that one representative does not account for. The partition
    minimises the sum of the scatters, exactly, by dynamic programming over the interval limits.
    Dividing by :math:`n_I` rather than by the number of pairs is what keeps it from splitting off
    tiny intervals. (In terms of clustering this is the kernel k-means, or ratio association,
    criterion with :math:`r^2` as the kernel, restricted to contiguous clusters.)

    The scatter falls as intervals are added. Where ``count`` is not given, the number of
    intervals :math:`k` therefore minimises :math:`\sum S(I) / n + \mathrm{penalty} \cdot k`, with
    :math:`n` bands in all: a sensor of the same range with twice the bands gets the same limits.

    Bands without variance correlate with nothing and count neither in :math:`n_I` nor in the
    sums: they go along with whatever interval surrounds them.

    Parameters
    ----------
    source : Cube, or ndarray of shape (bands, bands)
        The cube, of which :func:`band_correlation` takes a sample, or a correlation matrix whose
        diagonal is 1, or 0 for bands without variance.
    count
        Number of intervals; ``None`` to let ``penalty`` choose.
    penalty
        Scatter that an additional interval must remove to be worth having, as a fraction of the
        number of bands.
    max_intervals
        Upper limit on the number chosen; not applied to ``count``.

    Returns
    -------
    tuple of BandInterval
        Contiguous and covering all bands.

    Raises
    ------
    UsageError
        The matrix is not square, or ``count``, ``penalty`` or ``max_intervals`` is out of range.
    """
    correlation = band_correlation(source) if isinstance(source, Cube) else np.asarray(source)
    if correlation.ndim != 2 or correlation.shape[0] != correlation.shape[1]:
        raise UsageError(
            f"found a correlation matrix of shape {correlation.shape}; expected (bands, bands)"
        )
    bands = correlation.shape[0]
    if count is not None and not 1 <= count <= bands:
        raise UsageError(f"found count={count}; expected 1 to {bands}, the number of bands")
    if max_intervals < 1:
        raise UsageError(f"found max_intervals={max_intervals}; expected at least 1")
    if not penalty >= 0:
        raise UsageError(f"found penalty={penalty}; expected a fraction of the bands, 0 or more")

    scatter = _scatter(correlation)
    totals, starts = _search(scatter, count or min(max_intervals, bands))
    if count is None:
        count = 1 + int(np.argmin(totals + penalty * bands * np.arange(1, totals.size + 1)))
    limits = [bands]
    for best_start in reversed(starts[:count]):
        limits.append(int(best_start[limits[-1]]))
    limits.reverse()
    return tuple(map(BandInterval, limits[:-1], limits[1:]))


def band_correlation(
    cube: Cube, *, max_pixels: int = 20_000, seed: int = 0
) -> npt.NDArray[np.float64]:
    """Correlation between the bands of a cube, from a random sample of its valid pixels.

    Each pair of bands uses the sampled pixels at which both are valid. A band that is constant or
    without valid samples correlates 0 with all bands, itself included.

    Parameters
    ----------
    cube
        The cube; of a large memory-mapped one only a few hundred rows are read.
    max_pixels
        Number of pixels to sample at most.
    seed
        Seed of the sample.

    Returns
    -------
    ndarray of float64, shape (bands, bands)
        Symmetric, within [-1, 1]; the diagonal is 1, or 0 for a band without variance.

    Raises
    ------
    UsageError
        ``max_pixels`` is not positive.
    """
    if max_pixels < 1:
        raise UsageError(f"found max_pixels={max_pixels}; expected at least 1")
    samples, valid = _sample(cube, max_pixels, seed)  # (pixels, bands), (pixels, bands)
    with np.errstate(over="ignore", invalid="ignore"):  # such bands come out as not live
        return _pairwise_correlation(samples, valid)


def _pairwise_correlation(
    samples: npt.NDArray[np.float64], valid: npt.NDArray[np.bool_]
) -> npt.NDArray[np.float64]:
    weights = valid.astype(np.float64)
    values = np.where(valid, samples, 0.0)
    counts = weights.sum(axis=0)
    # Centring first keeps the products below small, so that their differences stay accurate.
    values -= weights * (values.sum(axis=0) / np.maximum(counts, 1))
    # A band of one value must come out constant in spite of the rounding of its mean.
    low = samples.min(axis=0, where=valid, initial=np.inf)
    high = samples.max(axis=0, where=valid, initial=-np.inf)
    scale = np.sqrt((values**2).sum(axis=0) / np.maximum(counts, 1))
    live = (low < high) & np.isfinite(scale) & (scale > 0)
    values = np.divide(values, scale, out=np.zeros_like(values), where=live)

    pairs = np.maximum(weights.T @ weights, 1)  # (bands, bands): pixels at which both are valid
    mean = (values.T @ weights) / pairs  # mean[i, j]: of band i where band j is valid
    square = ((values**2).T @ weights) / pairs
    covariance = (values.T @ values) / pairs - mean * mean.T
    variance = np.maximum(square - mean**2, 0)
    # Scaled to 1 over all pixels of the band, a variance this small is rounding.
    varies = (variance > 1e-12) & (variance.T > 1e-12)
    spread = np.sqrt(variance * variance.T)
    correlation = np.divide(covariance, spread, out=np.zeros_like(covariance), where=varies)
    correlation = np.asarray(np.clip((correlation + correlation.T) / 2, -1, 1))
    np.fill_diagonal(correlation, live)
    return correlation


def _sample(
    cube: Cube, max_pixels: int, seed: int
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.bool_]]:
    """Draw pixels with a valid sample, and mark their valid samples."""
    rng = np.random.Generator(np.random.PCG64(seed))
    per_row = max(math.ceil(max_pixels / cube.rows), _PIXELS_PER_ROW)
    samples, masks = [], []
    wanted = max_pixels
    for row in rng.permutation(cube.rows):
        line = np.asarray(cube.array[row])
        valid = validity(line, cube.nodata)
        if valid is None:
            valid = np.ones(line.shape, dtype=np.bool_)
        with np.errstate(invalid="ignore"):
            valid &= np.isfinite(line)
        measured = np.flatnonzero(valid.any(axis=1))
        columns = rng.permutation(measured)[: min(per_row, wanted)]
        samples.append(line[columns].astype(np.float64))
        masks.append(valid[columns])
        wanted -= columns.size
        if wanted == 0:
            break
    return np.concatenate(samples), np.concatenate(masks)


def _scatter(correlation: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
    """Return the scatter of bands i to j - 1 at [i, j], infinite where that is no interval."""
    squared = np.nan_to_num(np.asarray(correlation, dtype=np.float64)) ** 2
    bands = squared.shape[0]
    table = np.zeros((bands + 1, bands + 1))
    table[1:, 1:] = squared.cumsum(axis=0).cumsum(axis=1)
    corner = np.diagonal(table)
    pairs = corner[None, :] + corner[:, None] - table - table.T  # sum over the square [i, j)^2
    sizes = np.concatenate([[0.0], np.cumsum(np.diagonal(squared))])
    size = sizes[None, :] - sizes[:, None]
    scatter = size - np.divide(pairs, size, out=np.zeros_like(pairs), where=size > 0)
    scatter = np.asarray(np.maximum(scatter, 0))  # rounding
    scatter[np.tril_indices(bands + 1)] = np.inf
    return scatter


def _search(
    cost: npt.NDArray[np.float64], most: int
) -> tuple[npt.NDArray[np.float64], list[npt.NDArray[np.intp]]]:
    """Find the cheapest partitions into 1 to ``most`` intervals.

    Returns
    -------
    totals : ndarray, shape (most,)
        Cost of the best partition into 1, 2, ... intervals.
    starts : list of ndarray, each of shape (bands + 1,)
        ``starts[k][j]`` is where the last of k + 1 intervals that cover bands 0 to j - 1 starts.
    """
    best = cost[0]
    totals = [best[-1]]
    starts = [np.zeros(best.size, dtype=np.intp)]
    for _ in range(1, most):
        candidates = best[:, None] + cost  # [start of the last interval, its stop]
        starts.append(candidates.argmin(axis=0))
        best = candidates.min(axis=0)
        totals.append(best[-1])
    return np.array(totals), starts
