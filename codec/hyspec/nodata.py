"""Which samples hold a measurement: the one definition that codec, metrics and statistics share."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt


def validity(block: npt.NDArray[Any], nodata: float | None) -> npt.NDArray[np.bool_] | None:
    """Mark the samples that hold a measurement.

    NaN is never a measurement. ``nodata`` is compared in the block's own sample type, so that a
    ``nodata`` of -9999.9 matches the nearest ``float32``. A ``nodata`` that an integer type cannot
    hold (a fraction, NaN, or out of range) matches nothing.

    Parameters
    ----------
    block : ndarray of any shape, integer or floating point
        Samples.
    nodata
        Value of samples without a measurement, or ``None``; may be NaN.

    Returns
    -------
    ndarray of bool with the shape of ``block``, or None
        True where the sample is valid. ``None`` when the type and ``nodata`` already say that
        every sample is valid: integers with no ``nodata`` that they could equal.
    """
    dtype = block.dtype
    if dtype.kind != "f":
        if nodata is None or not float(nodata).is_integer():
            return None
        value = int(nodata)
        limits = np.iinfo(dtype)
        if not limits.min <= value <= limits.max:
            return None
        return np.asarray(block != dtype.type(value))
    valid: npt.NDArray[np.bool_] = np.isnan(block)
    np.logical_not(valid, out=valid)
    if nodata is not None and not np.isnan(nodata):
        with np.errstate(over="ignore"):  # a sentinel beyond float32 becomes an infinity
            sentinel = np.asarray(nodata).astype(dtype)
        valid &= block != sentinel
    return valid
