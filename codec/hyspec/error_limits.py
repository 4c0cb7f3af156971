"""Error limits in whole numbers: how far what is decoded may be off so that a promise holds."""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
import numpy.typing as npt

from hyspec.errors import DataError
from hyspec.sample_type import SampleType

#: Largest limit of the format; docs/bounded_profile.md, section 8.
MOST_LIMIT = 2**32 - 1
#: Spacings of numbers that a product which is not exact takes off a limit: half of one for each
#: rounding, of the sample, of what is decoded, and of what moves away from the nodata value.
ROUNDED_PRODUCTS = 3
#: Rows of a tile that are compared at once hold about so many samples.
_BLOCK_SAMPLES = 1 << 20


@dataclass(frozen=True)
class RelativeLimit:
    """Largest error in proportion to a sample; docs/bounded_profile.md, section 5.6.

    Attributes
    ----------
    share : Fraction
        The proportion, less than 1, with a denominator of at most ``_core.MAX_DENOMINATOR``; 0 for
        none.
    zero : int
        The whole number of a sample of 0.
    """

    share: Fraction = Fraction(0)
    zero: int = 0


@dataclass(frozen=True)
class ErrorLimits:
    """What a stream says of its errors.

    Attributes
    ----------
    max_error : float or None
        Largest error of any sample in sample units, 0 for lossless; ``None`` for no limit. Those of
        floating-point samples count from the nearest multiple of their quantisation step.
    max_relative_error : float or None
        Largest error in proportion to the sample; ``None`` for no limit.
    """

    max_error: float | None
    max_relative_error: float | None


def sample_limits(
    counts: npt.NDArray[np.int32], limit: int, relative: RelativeLimit
) -> npt.NDArray[np.int64]:
    """Limits of samples in whole numbers, any shape, where both kinds of limits hold."""
    if not relative.share:
        return np.broadcast_to(np.int64(limit), counts.shape)
    magnitudes = np.abs(counts.astype(np.int64) - relative.zero)
    numerator, denominator = relative.share.as_integer_ratio()
    shares: npt.NDArray[np.int64] = magnitudes * numerator // denominator
    return np.minimum(shares, np.int64(limit))


def whole_limits(
    samples: npt.NDArray[Any],
    valid: npt.NDArray[np.bool_] | None,
    counts: npt.NDArray[np.int32],
    sample_type: SampleType,
    max_error: npt.NDArray[np.float64],
) -> npt.NDArray[np.uint32]:
    """Limits of the bands of a tile in whole numbers.

    Integer samples are whole numbers already. Floating-point samples are off by what their
    quantisation step rounded away before anything is coded, and the product of step and whole
    number may be rounded again: what is left of the error is counted in steps, and rounded down.

    Parameters
    ----------
    samples
        Samples of the cube, shape (rows, columns, bands).
    valid
        Mask of measurements of the same shape; ``None`` if all are.
    counts
        The samples in whole numbers, shape (bands, rows, columns).
    sample_type
        How the two follow from each other.
    max_error
        Largest error of each band in sample units, shape (bands,); 0 for lossless, infinite for
        none.

    Returns
    -------
    ndarray of uint32, shape (bands,)

    Raises
    ------
    DataError
        The quantisation step itself rounds a sample by more than its band allows.
    """
    if not sample_type.is_float or np.isinf(max_error).all():
        return np.minimum(np.floor(max_error), MOST_LIMIT).astype(np.uint32)
    rounded, largest = _rounding(samples, valid, counts, sample_type)
    if (rounded > max_error).any():
        raise _too_coarse(rounded, max_error, sample_type.step)
    left = max_error - rounded
    # A difference that is rounded up would promise too much.
    left = np.where(rounded > 0, np.maximum(np.nextafter(left, 0.0), 0.0), left)
    steps = np.floor(left / sample_type.step)
    if not exact_products(sample_type, largest / sample_type.step + float(steps.max())):
        widest = np.minimum(largest + max_error, np.finfo(sample_type.dtype).max)
        spacing = np.spacing(widest.astype(sample_type.dtype)).astype(np.float64)
        left = left - ROUNDED_PRODUCTS * spacing
        steps = np.maximum(np.floor(left / sample_type.step), 0.0)
    return np.minimum(steps, MOST_LIMIT).astype(np.uint32)


def without_nodata(
    limits: npt.NDArray[np.uint32],
    counts: npt.NDArray[np.int32],
    valid: npt.NDArray[np.bool_] | None,
    nodata: float,
    relative: RelativeLimit,
) -> npt.NDArray[np.uint32]:
    """Limits one smaller where a decoded sample may have to move away from the nodata value.

    A decoder moves a sample that happens to equal nodata by one whole number. With relative limits,
    the smallest one of the samples that it may happen to becomes that of their band, less one.

    Parameters
    ----------
    limits
        Limits of the bands, shape (bands,).
    counts, valid
        Samples in whole numbers and their mask, shape (bands, rows, columns); ``None`` for a mask
        that is all true.
    nodata
        The nodata value in whole numbers, which need not be one itself.
    relative
        Relative limit, which holds besides those of the bands.
    """
    smaller = limits.copy()
    for band in np.flatnonzero(limits):
        allowed = sample_limits(counts[band], int(limits[band]), relative)
        distance = np.abs(counts[band] - nodata)  # double precision: nodata is a float
        near = (allowed > 0) & (distance <= allowed.astype(np.float64) + 1)
        if valid is not None:
            near &= valid[band]
        if near.any():
            smaller[band] = int(allowed[near].min()) - 1
    return smaller


def check_nodata(
    limits: npt.NDArray[np.uint32],
    counts: npt.NDArray[np.int32],
    valid: npt.NDArray[np.bool_] | None,
    sample_type: SampleType,
    nodata: Any,
    relative: RelativeLimit,
) -> None:
    """Refuse samples that their step alone rounds to nodata, if they have nothing to spare.

    Parameters
    ----------
    limits, counts, valid, relative
        As for :func:`without_nodata`.
    sample_type
        How whole numbers become samples.
    nodata
        The nodata value, of the sample type.

    Raises
    ------
    DataError
        There is such a sample.
    """
    if not sample_type.is_float:
        return
    for band in range(len(limits)) if relative.share else np.flatnonzero(limits == 0):
        met = sample_type.from_integers(counts[band]) == nodata
        met &= sample_limits(counts[band], int(limits[band]), relative) == 0
        if valid is not None:
            met &= valid[band]
        if met.any():
            raise DataError(
                f"the quantisation step of {sample_type.step:g} rounds a sample of band "
                f"{band + 1} to the nodata value {nodata:g}",
                hint="use a smaller --float-step",
            )


def _rounding(
    samples: npt.NDArray[Any],
    valid: npt.NDArray[np.bool_] | None,
    counts: npt.NDArray[np.int32],
    sample_type: SampleType,
) -> tuple[npt.NDArray[np.float64], float]:
    """Largest error of each band when nothing but the step rounds, and the largest magnitude."""
    rows, columns, bands = samples.shape
    worst, largest = np.zeros(bands), 0.0
    step = max(1, _BLOCK_SAMPLES // (columns * bands))
    for row in range(0, rows, step):
        block = np.asarray(samples[row : row + step], np.float64)
        again = sample_type.from_integers(counts[:, row : row + step].transpose(1, 2, 0))
        error, size = np.abs(again.astype(np.float64) - block), np.abs(block)
        if valid is not None:
            error[~valid[row : row + step]] = 0.0
            size[~valid[row : row + step]] = 0.0
        worst = np.maximum(worst, error.max((0, 1)))
        largest = max(largest, float(size.max()))
    return worst, largest


def exact_products(sample_type: SampleType, most: float) -> bool:
    """Whether the step times any whole number up to ``most`` has its exact value."""
    digits = np.finfo(sample_type.dtype).nmant + 1
    return math.frexp(sample_type.step)[0] == 0.5 and most < 2.0**digits


def _too_coarse(
    rounded: npt.NDArray[np.float64], max_error: npt.NDArray[np.float64], step: float
) -> DataError:
    band = int(np.argmax(rounded - max_error))
    if max_error[band] == 0:
        return DataError(
            f"lossless coding of floating-point samples needs multiples of the quantisation step; "
            f"a sample of band {band + 1} is {rounded[band]:.3g} off one of {step:g}",
            hint="give a --float-step that all samples are multiples of, or --max-error",
        )
    return DataError(
        f"the quantisation step of {step:g} alone is off by {rounded[band]:.3g} in band "
        f"{band + 1}; {max_error[band]:g} are allowed",
        hint="use a smaller --float-step, or leave it out",
    )
