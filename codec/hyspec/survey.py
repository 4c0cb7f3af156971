"""One pass over a cube before encoding: range, spread, and whether there is anything to code."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from hyspec.cube import Cube
from hyspec.errors import DataError
from hyspec.nodata import validity

_BLOCK_SAMPLES = 1 << 22
#: Samples that are converted to floating point at once: few enough for the caches.
_PIECE_SAMPLES = 1 << 16
#: Pixels that give a value close to the mean.
_MEAN_PIXELS = 1 << 10
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
        Root mean square over the bands of their standard deviations, without bad bands.
    brightness : float
        Root mean square over the bands of their root mean squares.
    spread : float
        Interquartile range of floating-point samples, estimated from some; NaN for integers.
    smallest : float
        Smallest magnitude of floating-point samples other than 0; infinite if there are none, and
        for integers.
    """

    valid: int
    lowest: float
    highest: float
    integers: bool
    deviation: float
    brightness: float
    spread: float
    smallest: float


def survey(
    cube: Cube,
    progress: Callable[[str, int, int], None] | None = None,
    bad: npt.NDArray[np.bool_] | None = None,
) -> Survey:
    """Measure a cube, block of rows by block of rows.

    Parameters
    ----------
    cube
        The cube.
    progress
        Called with ("survey", rows done, rows in all).
    bad
        Bands that have no part in ``deviation``, shape (bands,), or ``None``.

    Raises
    ------
    DataError
        A valid sample is infinite or beyond :data:`LARGEST_SAMPLE`, or a floating-point cube has
        both NaN and another nodata value.
    """
    moments = _Moments(cube.bands)
    lowest, highest, smallest, integers = math.inf, -math.inf, math.inf, True
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
        if valid is not None and valid.all():
            valid = None
        chosen = block if valid is None else block[valid]
        if chosen.size:
            lowest = min(lowest, float(chosen.min()))
            highest = max(highest, float(chosen.max()))
            _check_range(lowest, highest)
            if floating:
                integers = integers and bool((chosen == np.rint(chosen)).all())
                sizes = np.abs(chosen)
                smallest = min(smallest, float(sizes.min(initial=np.inf, where=sizes > 0)))
                some = chosen.reshape(-1)[:: max(1, chosen.size // _DRAWN_PER_BLOCK)]
                drawn.append(some.astype(np.float64))
            moments.add(block, valid)
        if progress is not None:
            progress("survey", min(row + step, cube.rows), cube.rows)
    valid_samples = int(moments.count.sum())
    if not valid_samples:
        return Survey(0, math.nan, math.nan, True, 0.0, 0.0, math.nan, math.inf)
    ends = np.percentile(np.concatenate(drawn), (25, 75)) if floating else (math.nan, math.nan)
    spread = float(ends[1] - ends[0])
    deviation, brightness = moments.deviation(bad), moments.brightness()
    return Survey(valid_samples, lowest, highest, integers, deviation, brightness, spread, smallest)


class _Moments:
    """Counts, sums and sums of squares of the bands, a few pixels at a time.

    They are taken about values close to the first pixels, so that no digits are lost to a large
    mean: whole numbers for integers, of which the sums are exact up to 2^53.

    Attributes
    ----------
    count, total, squares : ndarray of float64, shape (bands,)
        Valid samples of each band, and the sums of their differences from the value of the band
        and of the squares of these.
    """

    def __init__(self, bands: int) -> None:
        self.count = np.zeros(bands)
        self.total = np.zeros(bands)
        self.squares = np.zeros(bands)
        self._about: npt.NDArray[np.float64] | None = None

    def add(self, block: npt.NDArray[Any], valid: npt.NDArray[np.bool_] | None) -> None:
        """Take in samples, shape (rows, columns, bands), and their mask of the same shape."""
        bands = block.shape[2]
        pixels = block.reshape(-1, bands)
        mask = None if valid is None else valid.reshape(-1, bands)
        if self._about is None:
            self._about = _about(pixels, mask)
        step = max(1, _PIECE_SAMPLES // bands)
        centred = np.empty((min(step, len(pixels)), bands))
        for first in range(0, len(pixels), step):
            piece = pixels[first : first + step]
            here = None if mask is None else mask[first : first + step]
            values, ones = centred[: len(piece)], np.ones(len(piece))
            np.subtract(piece, self._about, out=values)
            if here is None:
                self.count += len(piece)
            else:
                values[~here] = 0.0
                self.count += here.sum(0)
            # Products with ones: sums over the pixels at the speed of the linear algebra library.
            self.total += ones @ values
            np.square(values, out=values)
            self.squares += ones @ values

    def deviation(self, bad: npt.NDArray[np.bool_] | None = None) -> float:
        """Root mean square of the standard deviations of the bands that have valid samples.

        Bad ones do not count, unless there are no others.
        """
        present = self.count > 0
        if bad is not None and (present & ~bad).any():
            present &= ~bad
        mean = self.total[present] / self.count[present]
        variance = self.squares[present] / self.count[present] - mean**2
        return math.sqrt(float(np.maximum(variance, 0).mean()))

    def brightness(self) -> float:
        """Root mean square of the root mean squares of these bands."""
        present = self.count > 0
        if self._about is None or not present.any():
            return 0.0
        about, count = self._about[present], self.count[present]
        squares = self.squares[present] + 2 * about * self.total[present]
        return math.sqrt(float(np.maximum(squares / count + about**2, 0).mean()))


def _about(pixels: npt.NDArray[Any], mask: npt.NDArray[np.bool_] | None) -> npt.NDArray[np.float64]:
    """Means of the bands, shape (bands,), over some of the pixels, 0 where none is valid."""
    if mask is None:
        mean = pixels[:_MEAN_PIXELS].mean(0, dtype=np.float64)
    else:
        total = pixels.sum(0, dtype=np.float64, where=mask)
        mean = total / np.maximum(mask.sum(0), 1)
    return np.asarray(np.rint(mean) if pixels.dtype.kind != "f" else mean)


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
