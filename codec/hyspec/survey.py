"""One pass over a cube before encoding: range, spread, and whether there is anything to code."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from hyspec.cube import Cube
from hyspec.errors import DataError
from hyspec.nodata import validity

_BLOCK_SAMPLES = 1 << 22
_DRAWN_PER_BLOCK = 4096
#: Floating-point samples up to here have squares and sums of squares that stay finite.
LARGEST_SAMPLE = 1e140


@dataclass(frozen=True)
class Survey:
    """Statistics of the valid samples of a cube.

    Attributes
    ----------
    valid : int
        Number of valid samples.
    lowest, highest : float
        Range of the valid samples; NaN if there are none.
    integers : bool
        Whether all valid samples are whole numbers.
    deviation : float
        Root mean square over the bands of their standard deviations.
    spread : float
        Interquartile range of floating-point samples, estimated from some; NaN for integers.
    """

    valid: int
    lowest: float
    highest: float
    integers: bool
    deviation: float
    spread: float


def survey(cube: Cube, progress: Callable[[str, int, int], None] | None = None) -> Survey:
    """Measure a cube, block of rows by block of rows.

    Parameters
    ----------
    cube
        The cube.
    progress
        Called with ("survey", rows done, rows in all).

    Raises
    ------
    DataError
        A valid sample is infinite or beyond :data:`LARGEST_SAMPLE`, or a floating-point cube has
        both NaN and another nodata value.
    """
    count = np.zeros(cube.bands)
    total = np.zeros(cube.bands)
    squares = np.zeros(cube.bands)
    anchor: np.ndarray[tuple[int], np.dtype[np.float64]] | None = None
    lowest, highest, integers = math.inf, -math.inf, True
    drawn: list[npt.NDArray[np.float64]] = []
    floating = cube.array.dtype.kind == "f"
    sentinel = cube.nodata is not None and not math.isnan(cube.nodata)
    step = max(1, _BLOCK_SAMPLES // (cube.columns * cube.bands))
    for row in range(0, cube.rows, step):
        block = cube.array[row : row + step]
        valid = validity(block, cube.nodata)
        if floating and sentinel and np.isnan(block).any():
            raise DataError(
                f"the cube has NaN samples although its nodata value is {cube.nodata:g}",
                hint=f"replace NaN by {cube.nodata:g}, or mark all nodata with NaN",
            )
        samples = np.asarray(block, np.float64)
        mask = np.ones(samples.shape, bool) if valid is None else valid
        if not mask.any():
            continue
        lowest = min(lowest, float(samples.min(where=mask, initial=math.inf)))
        highest = max(highest, float(samples.max(where=mask, initial=-math.inf)))
        _check_range(lowest, highest)
        if floating:
            chosen = samples[mask]
            integers = integers and bool((chosen == np.rint(chosen)).all())
            drawn.append(chosen[:: max(1, chosen.size // _DRAWN_PER_BLOCK)])
        # Sums about a value of the first block: no digits are lost to a large mean.
        if anchor is None:
            anchor = np.where(mask, samples, 0).sum((0, 1)) / np.maximum(mask.sum((0, 1)), 1)
        centred = np.where(mask, samples, anchor) - anchor
        count += mask.sum((0, 1))
        total += centred.sum((0, 1))
        squares += np.einsum("rcb,rcb->b", centred, centred)
        if progress is not None:
            progress("survey", min(row + step, cube.rows), cube.rows)
    valid_samples = int(count.sum())
    if not valid_samples:
        return Survey(0, math.nan, math.nan, True, 0.0, math.nan)
    present = count > 0
    variance = squares[present] / count[present] - (total[present] / count[present]) ** 2
    deviation = math.sqrt(float(np.maximum(variance, 0).mean()))
    ends = np.percentile(np.concatenate(drawn), (25, 75)) if floating else (math.nan, math.nan)
    spread = float(ends[1] - ends[0])
    return Survey(valid_samples, lowest, highest, integers, deviation, spread)


def _check_range(lowest: float, highest: float) -> None:
    largest = max(abs(lowest), abs(highest))
    if math.isinf(largest):
        raise DataError(
            "the cube holds infinite samples that are not marked as nodata",
            hint="replace them, or declare them with --nodata inf (nodata= in Python)",
        )
    if largest > LARGEST_SAMPLE:
        raise DataError(
            f"the cube holds a sample of magnitude {largest:.3g}; at most {LARGEST_SAMPLE:g} "
            "is possible",
            hint="declare it as nodata with --nodata, or rescale the cube",
        )
