"""Distortion between a cube and its decoded version, over the samples that hold a measurement.

All sums are accumulated in 64-bit floating point, block by block, so that memory stays bounded
for memory-mapped cubes of any size. A sample counts when it is valid in the *original*
(:func:`hyspec.nodata.validity`); a decoded NaN at such a sample is an error that must not hide,
and makes the metrics NaN. With no valid sample at all, every metric is NaN.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from hyspec.cube import Cube
from hyspec.errors import DataError
from hyspec.nodata import validity

#: Samples per block: a handful of float64 blocks of this size stay within a processor's cache.
_BLOCK_SAMPLES = 1 << 17

_Samples = Cube | npt.NDArray[Any]


@dataclass(frozen=True)
class Comparison:
    """Distortion of a decoded cube; see the function of the same name for each definition.

    Attributes
    ----------
    samples : int
        Number of valid samples compared.
    psnr_db : float
        Peak signal-to-noise ratio in dB; infinite for identical cubes.
    psnr_peak : float
        The peak that ``psnr_db`` refers to, in sample units.
    rmse : float
        Root mean squared error in sample units.
    max_abs_error : float
        Largest absolute error in sample units.
    sam_deg : float
        Mean spectral angle in degrees.
    snr_db : float
        Signal-to-noise ratio in dB, the signal being the energy of the original.
    """

    samples: int
    psnr_db: float
    psnr_peak: float
    rmse: float
    max_abs_error: float
    sam_deg: float
    snr_db: float


@dataclass
class _Totals:
    """Sums over the valid samples and pixels seen so far."""

    samples: int = 0
    squared_error: float = 0.0
    energy: float = 0.0
    minimum: float = math.inf
    maximum: float = -math.inf
    max_abs_error: float = 0.0
    pixels: int = 0
    angle: float = 0.0

    @property
    def mse(self) -> float:
        return self.squared_error / self.samples if self.samples else math.nan

    @property
    def peak(self) -> float:
        return self.maximum - self.minimum if self.samples else math.nan

    @property
    def sam_deg(self) -> float:
        return math.degrees(self.angle / self.pixels) if self.pixels else math.nan


def mse(original: _Samples, decoded: _Samples, *, nodata: float | None = None) -> float:
    """Mean squared error over the valid samples, in squared sample units.

    Parameters
    ----------
    original, decoded : Cube or ndarray, shape (rows, columns, bands)
        The cubes to compare.
    nodata
        Value of samples without a measurement; by default that of ``original``, where it is a
        :class:`~hyspec.cube.Cube`.

    Raises
    ------
    DataError
        The shapes differ, or are not three-dimensional.
    """
    return _totals(original, decoded, nodata).mse


def rmse(original: _Samples, decoded: _Samples, *, nodata: float | None = None) -> float:
    """Root mean squared error in sample units; parameters as for :func:`mse`."""
    return math.sqrt(mse(original, decoded, nodata=nodata))


def snr_db(original: _Samples, decoded: _Samples, *, nodata: float | None = None) -> float:
    """Signal-to-noise ratio in dB, by energy; parameters as for :func:`mse`.

    ``10 log10(sum(x^2) / sum((x - y)^2))`` over the valid samples: the signal is the energy of the
    original, not its variance, so adding an offset to both cubes changes the result. Infinite for
    identical cubes, minus infinity for a wrongly decoded cube of zeros.
    """
    totals = _totals(original, decoded, nodata)
    return _decibels(totals.energy, totals.squared_error) if totals.samples else math.nan


def psnr_db(
    original: _Samples,
    decoded: _Samples,
    *,
    peak: float | None = None,
    nodata: float | None = None,
) -> float:
    """Peak signal-to-noise ratio in dB, ``10 log10(peak^2 / mse)``; see :func:`mse`.

    ``peak`` is in sample units; by default the range of the original, its maximum minus its
    minimum over the valid samples. Infinite for identical cubes, minus infinity for a wrongly
    decoded constant cube.
    """
    totals = _totals(original, decoded, nodata)
    peak = totals.peak if peak is None else peak
    return _decibels(peak * peak, totals.mse)  # unlike ** 2, never raises OverflowError


def max_abs_error(original: _Samples, decoded: _Samples, *, nodata: float | None = None) -> float:
    """Largest absolute error over the valid samples, in sample units; see :func:`mse`."""
    totals = _totals(original, decoded, nodata)
    return totals.max_abs_error if totals.samples else math.nan


def spectral_angle_deg(
    original: _Samples, decoded: _Samples, *, nodata: float | None = None
) -> float:
    """Mean spectral angle in degrees; parameters as for :func:`mse`.

    The mean over pixels of the angle between the original and the decoded spectrum (the spectral
    angle mapper of Kruse et al., 1993), each restricted to the bands valid in both cubes. Pixels
    without such a band are left out. Identical spectra give exactly 0, two zero spectra as well; a
    zero spectrum against one that is not zero gives 90. The rounding error is below 1e-5 degrees.
    """
    return _totals(original, decoded, nodata, angles=True).sam_deg


def compare(original: _Samples, decoded: _Samples, *, nodata: float | None = None) -> Comparison:
    """Compute all metrics in one pass over the cubes; parameters and errors as for :func:`mse`."""
    accumulator = Accumulator(nodata=nodata)
    accumulator.add(original, decoded)
    return accumulator.result()


class Accumulator:
    """All metrics of a cube that arrives in blocks of whole spectra; see :func:`compare`.

    Parameters
    ----------
    nodata
        Value of samples without a measurement; by default that of each original block, where it is
        a :class:`~hyspec.cube.Cube`.
    """

    def __init__(self, *, nodata: float | None = None) -> None:
        self._nodata = nodata
        self._totals = _Totals()

    def add(self, original: _Samples, decoded: _Samples) -> None:
        """Add a block of pixels and its decoded version.

        Parameters
        ----------
        original, decoded : Cube or ndarray, shape (rows, columns, bands)
            Any part of the rows and columns, with all bands: the spectral angle needs them.

        Raises
        ------
        DataError
            The shapes differ, or are not three-dimensional.
        """
        _add(self._totals, original, decoded, self._nodata, angles=True)

    def result(self) -> Comparison:
        """Return the metrics of all blocks so far."""
        totals = self._totals
        any_valid = totals.samples > 0
        return Comparison(
            samples=totals.samples,
            psnr_db=_decibels(totals.peak * totals.peak, totals.mse),
            psnr_peak=totals.peak,
            rmse=math.sqrt(totals.mse),
            max_abs_error=totals.max_abs_error if any_valid else math.nan,
            sam_deg=totals.sam_deg,
            snr_db=_decibels(totals.energy, totals.squared_error) if any_valid else math.nan,
        )


def _decibels(signal: float, noise: float) -> float:
    if math.isnan(signal) or math.isnan(noise):
        return math.nan
    if noise == 0:
        return math.inf
    if signal == 0:
        return -math.inf
    # A difference of logarithms neither overflows nor underflows as the quotient may.
    return 10 * (math.log10(signal) - math.log10(noise))


def _totals(
    original: _Samples, decoded: _Samples, nodata: float | None, *, angles: bool = False
) -> _Totals:
    totals = _Totals()
    _add(totals, original, decoded, nodata, angles=angles)
    return totals


def _add(
    totals: _Totals,
    original: _Samples,
    decoded: _Samples,
    nodata: float | None,
    *,
    angles: bool,
) -> None:
    decoded_nodata = nodata
    if isinstance(original, Cube):
        nodata = original.nodata if nodata is None else nodata
        original = original.array
    if isinstance(decoded, Cube):
        decoded_nodata = decoded.nodata if decoded_nodata is None else decoded_nodata
        decoded = decoded.array
    elif decoded_nodata is None:
        decoded_nodata = nodata
    if original.shape != decoded.shape:
        raise DataError(
            f"the decoded cube has shape {decoded.shape}; the original has {original.shape}",
            hint="compare cubes of equal rows, columns and bands",
        )
    if original.ndim != 3:
        raise DataError(
            f"expected cubes of shape (rows, columns, bands); found {original.shape}",
            hint="add a band axis with array[..., None]",
        )
    # Infinite samples make infinite or NaN sums; that is the result, not an accident to report.
    with np.errstate(over="ignore", invalid="ignore"):
        for part in _blocks(original.shape):
            _add_block(totals, original[part], decoded[part], nodata, decoded_nodata, angles)


def _blocks(shape: tuple[int, ...]) -> Iterator[tuple[slice, slice]]:
    """Cut the pixels into blocks of whole rows, or of parts of a row where rows are long."""
    rows, columns, bands = shape
    pixels = max(1, _BLOCK_SAMPLES // max(1, bands))
    width = min(max(1, columns), pixels)
    height = max(1, pixels // width)
    for top in range(0, rows, height):
        for left in range(0, columns, width):
            yield slice(top, top + height), slice(left, left + width)


def _add_block(
    totals: _Totals,
    original: npt.NDArray[Any],
    decoded: npt.NDArray[Any],
    nodata: float | None,
    decoded_nodata: float | None,
    angles: bool,
) -> None:
    if original.size == 0:
        return
    original = np.ascontiguousarray(original)
    decoded = np.ascontiguousarray(decoded)
    x = original.astype(np.float64)  # (rows, columns, bands) of the block, as all that follow
    y = decoded.astype(np.float64)
    valid = validity(original, nodata)
    if valid is not None and bool(valid.all()):
        valid = None
    if valid is None:
        samples = original.size
        low, high = original.min(), original.max()
    else:
        samples = int(np.count_nonzero(valid))
        if samples == 0:
            return
        measured = original[valid]
        low, high = measured.min(), measured.max()
        x[~valid] = 0.0
        y[~valid] = 0.0
    error = x - y
    totals.samples += samples
    totals.minimum = min(totals.minimum, float(low))
    totals.maximum = max(totals.maximum, float(high))
    # np.maximum, not max: a NaN must win. The sum makes 0 of -0.
    largest = np.maximum(error.max(), -error.min()) + 0.0
    totals.max_abs_error = float(np.maximum(totals.max_abs_error, largest))
    squared_error = np.einsum("rcb,rcb->rc", error, error)
    energy = np.einsum("rcb,rcb->rc", x, x)
    totals.squared_error += float(squared_error.sum())
    totals.energy += float(energy.sum())
    if not angles:
        return

    both = validity(decoded, decoded_nodata)
    if both is not None and bool(both.all() if valid is None else both[valid].all()):
        both = None  # every sample that counts is valid in the decoded cube as well
    if both is not None:
        both &= True if valid is None else valid
        x[~both] = 0.0
        y[~both] = 0.0
        np.subtract(x, y, out=error)
        squared_error = np.einsum("rcb,rcb->rc", error, error)
        energy = np.einsum("rcb,rcb->rc", x, x)
        valid = both
    theta = _angle(energy, np.einsum("rcb,rcb->rc", y, y), squared_error)
    if valid is None:
        totals.pixels += theta.size
        totals.angle += float(theta.sum())
    else:
        compared = valid.any(axis=2)
        totals.pixels += int(np.count_nonzero(compared))
        totals.angle += float(theta[compared].sum())


def _angle(
    xx: npt.NDArray[np.float64], yy: npt.NDArray[np.float64], dd: npt.NDArray[np.float64]
) -> npt.NDArray[np.float64]:
    """Return the angle in radians between x and y from |x|^2, |y|^2 and |x - y|^2.

    By the law of cosines, tan^2(angle / 2) = (|d|^2 - (|x| - |y|)^2) / ((|x| + |y|)^2 - |d|^2).
    Unlike an arc cosine this keeps small angles accurate, and gives 0 for equal spectra.
    """
    x, y = np.sqrt(xx), np.sqrt(yy)
    opposite = np.maximum(dd - (x - y) ** 2, 0.0)
    adjacent = np.maximum((x + y) ** 2 - dd, 0.0)
    angle = 2.0 * np.arctan2(np.sqrt(opposite), np.sqrt(adjacent))
    angle[(x == 0) != (y == 0)] = math.pi / 2
    return np.asarray(angle)
