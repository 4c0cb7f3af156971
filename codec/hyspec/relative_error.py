"""Relative error limits in whole numbers: what is left of a proportion after quantisation."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

import numpy as np
import numpy.typing as npt

from hyspec import _core
from hyspec.error_limits import ROUNDED_PRODUCTS, RelativeLimit, exact_products
from hyspec.errors import DataError
from hyspec.sample_type import SampleType

#: What is taken off proportions of floating-point samples for the roundings of this computation.
_SLACK = 2.0**-48
#: Rows of a tile that are looked at together hold about so many samples.
_BLOCK_SAMPLES = 1 << 20


def relative_limit(
    samples: npt.NDArray[Any],
    valid: npt.NDArray[np.bool_] | None,
    counts: npt.NDArray[np.int32],
    sample_type: SampleType,
    max_relative_error: float,
) -> RelativeLimit:
    """Relative limit of a tile in whole numbers.

    Integer samples are whole numbers already. A floating-point sample x has been rounded to a
    whole number c of steps, and what is decoded is rounded again: the share s of c is such that

        s |c| step + |c step - x| + later roundings <= max_relative_error |x|

    for every sample of the tile. Samples of 0 stay 0.

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
    max_relative_error
        Largest error in proportion to a sample, above 0 and below 1.

    Raises
    ------
    DataError
        The quantisation step itself rounds a sample by more than its proportion.
    """
    zero = int(sample_type.whole(0.0))
    share = _at_most(Fraction(str(float(max_relative_error))))
    if sample_type.is_float:
        left = _share_of_steps(samples, valid, counts, sample_type, max_relative_error)
        share = min(share, _at_most(Fraction(left)))
    return RelativeLimit(share, zero)


def _at_most(share: Fraction) -> Fraction:
    """Share with a denominator of the format: itself, or the multiple of the finest below it."""
    if share.denominator <= _core.MAX_DENOMINATOR:
        return share
    return Fraction(math.floor(share * _core.MAX_DENOMINATOR), _core.MAX_DENOMINATOR)


def _share_of_steps(
    samples: npt.NDArray[Any],
    valid: npt.NDArray[np.bool_] | None,
    counts: npt.NDArray[np.int32],
    sample_type: SampleType,
    max_relative_error: float,
) -> float:
    """Smallest share that a sample of a floating-point tile leaves if it is rounded; 1 for none."""
    rows, columns, bands = samples.shape
    most = float(np.abs(counts.astype(np.float64)).max()) * (1 + max_relative_error) + 1
    spacings = 0 if exact_products(sample_type, most) else ROUNDED_PRODUCTS
    smallest = 1.0
    step = max(1, _BLOCK_SAMPLES // (columns * bands))
    for row in range(0, rows, step):
        block = samples[row : row + step]
        whole = counts[:, row : row + step].transpose(1, 2, 0)
        decoded = sample_type.from_integers(whole)
        here = decoded != block if not spacings else block != 0
        if valid is not None:
            here &= valid[row : row + step]
        kept, again = block[here].astype(np.float64), decoded[here].astype(np.float64)
        if not kept.size:
            continue
        widest = np.minimum(
            np.abs(kept) * (1 + max_relative_error), np.finfo(sample_type.dtype).max
        )
        later = spacings * np.spacing(widest.astype(sample_type.dtype)).astype(np.float64)
        left = (
            max_relative_error * np.abs(kept) * (1 - _SLACK)
            - np.abs(again - kept) * (1 + _SLACK)
            - later
        )
        if left.min() < 0:
            raise _too_coarse(kept[left < 0], sample_type.step, max_relative_error)
        steps = np.abs(whole[here].astype(np.float64)) * sample_type.step
        smallest = min(smallest, float((left / steps).min()))
    return smallest


def _too_coarse(samples: npt.NDArray[np.float64], step: float, share: float) -> DataError:
    sample = samples[np.argmin(np.abs(samples))]
    return DataError(
        f"the quantisation step of {step:g} alone is off by more than {share:g} times a sample of "
        f"{sample:g}",
        hint="use a smaller --float-step, mark samples near 0 with --nodata, or use --max-error",
    )
