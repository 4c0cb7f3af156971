"""Smooth values for samples that do not count, so that coding them costs little."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float32]


def fill_invalid(plane: FloatArray, valid: npt.NDArray[np.bool_]) -> FloatArray:
    """Replace invalid samples by averages of the valid ones around them.

    The push-pull method (Gortler et al., "The lumigraph", SIGGRAPH 1996): averages of
    valid samples at ever coarser scales, taken from the finest scale that has any.

    Parameters
    ----------
    plane, valid
        Samples and their validity, shape (rows, columns).

    Returns
    -------
    ndarray
        Copy of ``plane``, shape (rows, columns); zeros if nothing is valid.
    """
    if valid.all():
        return plane.copy()
    if min(plane.shape) == 0 or plane.shape == (1, 1) or not valid.any():
        return np.where(valid, plane, 0).astype(plane.dtype)
    rows, columns = plane.shape
    pad = [(0, rows % 2), (0, columns % 2)]
    weight = np.pad(valid.astype(plane.dtype), pad)
    value = np.pad(np.where(valid, plane, 0).astype(plane.dtype), pad)

    def pool(a: FloatArray) -> FloatArray:
        return np.asarray(
            a[::2, ::2] + a[1::2, ::2] + a[::2, 1::2] + a[1::2, 1::2], dtype=plane.dtype
        )

    count = pool(weight)
    average = (pool(value) / np.maximum(count, 1)).astype(plane.dtype)
    coarse = fill_invalid(average, count > 0)
    up = coarse.repeat(2, 0).repeat(2, 1)[:rows, :columns]
    return np.where(valid, plane, up).astype(plane.dtype)
