"""Band intervals found in the data: contiguous groups of mutually correlated bands."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from hyspec.cube import Cube
from hyspec.errors import UsageError
from hyspec.intervals.correlation import band_correlation
from hyspec.intervals.partition import BandInterval

#: What one more interval must gain, as a fraction of the bands that vary, where that is more than
#: one band; see :func:`auto_intervals`.
DEFAULT_PENALTY = 0.01

#: Most intervals that :func:`auto_intervals` chooses by itself.
DEFAULT_MAX_INTERVALS = 8


def auto_intervals(
    source: Cube | npt.NDArray[Any],
    *,
    count: int | None = None,
    penalty: float | None = None,
    max_intervals: int = DEFAULT_MAX_INTERVALS,
    min_bands: int = 1,
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

    Bands without variance correlate with nothing and count neither in :math:`n` and :math:`n_I`
    nor in the sums; each goes along with the nearest band that varies, by band number, and with
    the lower one of two.

    Parameters
    ----------
    source : Cube, or ndarray of shape (bands, bands)
        The cube, of which :func:`band_correlation` takes a sample, or a correlation matrix whose
        diagonal is 1, or 0 for bands without variance.
    count
        Number of intervals; ``None`` to let ``penalty`` choose.
    penalty
        Scatter that an additional interval must remove to be worth having, as a fraction of the
        number of bands that vary. By default ``DEFAULT_PENALTY``, but at least one band: the
        representative of an interval is one itself.
    max_intervals
        Upper limit on the number chosen; not applied to ``count``.
    min_bands
        Fewest bands of an interval, those without variance counted.

    Returns
    -------
    tuple of BandInterval
        Contiguous and covering all bands.

    Raises
    ------
    UsageError
        The matrix is not square, an argument is out of range, or ``count`` intervals of
        ``min_bands`` bands do not fit.
    """
    correlation = band_correlation(source) if isinstance(source, Cube) else source
    best = BestPartitions.search(
        correlation, most=max_intervals if count is None else count, min_bands=min_bands
    )
    return best.intervals(best.choose(penalty) if count is None else count)


@dataclass(frozen=True, eq=False)
class BestPartitions:
    """The partitions into 1, 2, ... intervals that have the least scatter.

    Attributes
    ----------
    scatter : ndarray of float64, shape (most,)
        Sum of the scatters of the best partition into 1, 2, ... intervals, as a fraction of the
        bands that vary; infinite where there is no such partition.
    varying : ndarray of intp
        The bands that vary, counted from 0.
    """

    scatter: npt.NDArray[np.float64]
    varying: npt.NDArray[np.intp]
    _limits: npt.NDArray[np.intp]
    _cost: npt.NDArray[np.float64]
    _starts: list[npt.NDArray[np.intp]]

    @classmethod
    def search(cls, correlation: npt.ArrayLike, *, most: int, min_bands: int = 1) -> BestPartitions:
        """Find them, by dynamic programming over the interval limits.

        Parameters
        ----------
        correlation : array_like, shape (bands, bands)
            Correlation matrix whose diagonal is 1, or 0 for bands without variance.
        most
            Largest number of intervals to look at; at most one per band that varies is.
        min_bands
            Fewest bands of an interval, those without variance counted.

        Raises
        ------
        UsageError
            The matrix is not square, or ``most`` or ``min_bands`` is out of range.
        """
        squared = np.nan_to_num(np.asarray(correlation, dtype=np.float64)) ** 2
        if squared.ndim != 2 or squared.shape[0] != squared.shape[1] or not squared.size:
            raise UsageError(
                f"found a correlation matrix of shape {squared.shape}; expected (bands, bands)"
            )
        bands = squared.shape[0]
        if most < 1:
            raise UsageError(f"found {most} intervals; expected at least 1")
        if not 1 <= min_bands <= bands:
            raise UsageError(
                f"found at least {min_bands} bands in an interval; expected 1 to {bands}, the "
                "number of bands"
            )
        varying = np.flatnonzero(np.diagonal(squared))
        # limits[k]: first band of an interval that begins with the band of number k that varies
        between = (varying[:-1] + varying[1:]) // 2 + 1
        limits = np.concatenate([[0], between, [bands]]).astype(np.intp)
        if varying.size:
            cost = _scatter(squared[np.ix_(varying, varying)]) / varying.size
        else:
            cost = np.array([[np.inf, 0.0], [np.inf, np.inf]])  # one interval without scatter
        allowed = cost.copy()
        allowed[limits[None, :] - limits[:, None] < min_bands] = np.inf
        totals, starts = _search(allowed, min(most, len(cost) - 1))
        return cls(totals, varying, limits, cost, starts)

    @property
    def default_penalty(self) -> float:
        """``DEFAULT_PENALTY``, or one band as a fraction of those that vary if that is more."""
        return max(DEFAULT_PENALTY, 1 / max(self.varying.size, 1))

    def choose(self, penalty: float | None = None) -> int:
        """Return the number of intervals that minimises scatter plus ``penalty`` per interval.

        The smaller number of two that are equally good; :attr:`default_penalty` where ``penalty``
        is ``None``.

        Raises
        ------
        UsageError
            ``penalty`` is negative or no number.
        """
        if penalty is None:
            penalty = self.default_penalty
        if not penalty >= 0:
            raise UsageError(
                f"found a penalty of {penalty} per interval; expected a fraction of the bands, "
                "0 or more"
            )
        return 1 + int(np.argmin(self.scatter + penalty * np.arange(1, self.scatter.size + 1)))

    def intervals(self, count: int) -> tuple[BandInterval, ...]:
        """Return the best partition into ``count`` intervals.

        Raises
        ------
        UsageError
            There is none.
        """
        possible = np.flatnonzero(np.isfinite(self.scatter)) + 1
        if count not in possible:
            raise UsageError(
                f"found {count} intervals; expected 1 to {possible[-1]}",
                hint="every interval holds a band that varies, and no fewer bands than were asked "
                "for",
            )
        ends = [len(self._limits) - 1]
        for start in reversed(self._starts[:count]):
            ends.append(int(start[ends[-1]]))
        positions = [int(self._limits[end]) for end in reversed(ends)]
        return tuple(map(BandInterval, positions[:-1], positions[1:]))

    def scatter_of(self, interval: BandInterval) -> float:
        """Return the scatter of any interval as a fraction of all bands that vary."""
        start, stop = np.searchsorted(self.varying, (interval.start, interval.stop))
        return float(self._cost[start, stop]) if start < stop else 0.0


def _scatter(squared: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Return the scatter of bands i to j - 1 at [i, j], infinite where that is no interval."""
    bands = squared.shape[0]
    table = np.zeros((bands + 1, bands + 1))
    table[1:, 1:] = squared.cumsum(axis=0).cumsum(axis=1)
    corner = np.diagonal(table)
    pairs = corner[None, :] + corner[:, None] - table - table.T  # sum over the square [i, j)^2
    size = np.arange(bands + 1.0)
    size = size[None, :] - size[:, None]
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
