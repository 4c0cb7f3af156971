"""Picture of a band partition: the squared correlation between bands, with the limits drawn in."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from hyspec.errors import UsageError
from hyspec.intervals import BandInterval, BestPartitions, format_intervals
from hyspec_tools.picture import pyplot

#: Suffixes of figures.
FORMATS = (".pdf", ".png", ".svg")

#: Most ticks of the wavelength axis.
_WAVELENGTH_TICKS = 8


def check_figure_name(path: Path) -> None:
    """Refuse names that do not say what kind of picture to write.

    Raises
    ------
    UsageError
        The suffix is not one of :data:`FORMATS`.
    """
    if path.suffix.lower() not in FORMATS:
        raise UsageError(
            f"{path} is no name of a figure; expected {', '.join(FORMATS[:-1])} or {FORMATS[-1]}",
            hint=f"call it {path.with_suffix('.png')}",
        )


def partition_figure(
    correlation: npt.NDArray[np.float64],
    partitions: BestPartitions,
    intervals: Sequence[BandInterval],
    path: Path,
    *,
    penalty: float | None,
    wavelengths: npt.NDArray[np.float64] | None = None,
) -> None:
    """Draw a partition into the correlation matrix, beside the scatter of other numbers.

    Parameters
    ----------
    correlation : ndarray, shape (bands, bands)
        What the partition was found in; bands without variance have 0 on the diagonal.
    partitions
        The best partition for each number of intervals.
    intervals
        The one to draw.
    path
        File to write; the suffix gives the format.
    penalty
        What the number of intervals was chosen with, or ``None`` where it was given.
    wavelengths : ndarray, shape (bands,), or None
        Band centres in nm.

    Raises
    ------
    MissingDependencyError
        matplotlib is not installed.
    """
    plt = pyplot()
    figure, (matrix, curve) = plt.subplots(
        1, 2, figsize=(12, 6), layout="constrained", width_ratios=(3, 2), dpi=110
    )
    table = format_intervals(intervals)
    figure.suptitle(textwrap.fill(table.replace(",", ", "), 100))
    shown = _draw_matrix(matrix, correlation, intervals)
    figure.colorbar(shown, ax=matrix, shrink=0.7, label="squared correlation (grey: no variance)")
    if wavelengths is not None:
        _add_wavelengths(matrix, wavelengths)
    _draw_curve(curve, partitions.scatter, len(intervals), penalty)
    figure.savefig(path)
    plt.close(figure)


def _draw_matrix(
    axis: Any, correlation: npt.NDArray[np.float64], intervals: Sequence[BandInterval]
) -> Any:
    varies = np.diagonal(correlation) > 0
    squared = np.ma.masked_where(~np.outer(varies, varies), correlation**2)
    bands = len(correlation)
    limits = (0.5, bands + 0.5)
    axis.set_facecolor("0.6")
    shown = axis.imshow(
        squared,
        vmin=0,
        vmax=1,
        cmap="viridis",
        extent=(*limits, *limits[::-1]),
        interpolation="none",
    )
    for interval in intervals:
        low, high = interval.start + 0.5, interval.stop + 0.5
        square = ((low, high, high, low, low), (low, low, high, high, low))
        axis.plot(*square, color="white", lw=2.6, clip_on=False)
        axis.plot(*square, color="tab:red", lw=1.6, clip_on=False)
        if interval.stop < bands:
            axis.axhline(high, color="tab:red", lw=0.7)
            axis.axvline(high, color="tab:red", lw=0.7)
    axis.set_xlim(*limits)
    axis.set_ylim(*limits[::-1])
    axis.set_xlabel("band")
    axis.set_ylabel("band")
    return shown


def _add_wavelengths(axis: Any, wavelengths: npt.NDArray[np.float64]) -> None:
    """Label the upper edge at the bands that are nearest to round wavelengths."""
    from matplotlib.ticker import MaxNLocator

    low, high = wavelengths.min(), wavelengths.max()
    round_ones = MaxNLocator(_WAVELENGTH_TICKS).tick_values(low, high)
    round_ones = round_ones[(round_ones >= low) & (round_ones <= high)]
    # Where spectrometers overlap the centres are not monotonic, so a scale would not do.
    nearest = [int(np.abs(wavelengths - value).argmin()) + 1 for value in round_ones]
    upper = axis.secondary_xaxis("top")
    upper.set_xticks(nearest, [f"{value:g}" for value in round_ones])
    upper.set_xlabel("wavelength, nm")


def _draw_curve(
    axis: Any, scatter: npt.NDArray[np.float64], chosen: int, penalty: float | None
) -> None:
    numbers = np.arange(1, scatter.size + 1)
    percent = 100 * scatter
    axis.plot(numbers, percent, "o-", color="tab:blue", label="scatter")
    if penalty is not None:
        axis.plot(
            numbers,
            percent + 100 * penalty * numbers,
            "o--",
            color="0.5",
            ms=3,
            label=f"with {100 * penalty:.3g} % per interval",
        )
    axis.axvline(chosen, color="tab:red", lw=1, label="this partition")
    axis.set_xticks(numbers)
    axis.set_ylim(bottom=0)
    axis.set_xlabel("number of intervals")
    axis.set_ylabel("scatter, % of the bands that vary")
    axis.legend()
    axis.grid(alpha=0.3)
