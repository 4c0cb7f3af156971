"""Structural similarity of cubes: that of images, band by band, averaged.

Z. Wang, A. C. Bovik, H. R. Sheikh and E. P. Simoncelli, "Image quality assessment: from error
visibility to structural similarity", IEEE Trans. Image Process. 13, 2004: Gaussian window of
11 x 11 samples, K1 = 0.01, K2 = 0.03, windows that lie inside the image alone.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from hyspec.errors import DataError

_Float = npt.NDArray[np.float64]

#: Side of the window in samples.
WINDOW_SIZE = 11
_WINDOW_SIGMA = 1.5
_K1, _K2 = 0.01, 0.03


def ssim(
    original: npt.NDArray[Any],
    decoded: npt.NDArray[Any],
    *,
    dynamic_range: float | None = None,
) -> float:
    """Mean over bands and windows of the structural similarity; 1 for identical cubes.

    Parameters
    ----------
    original, decoded : ndarray, shape (rows, columns, bands)
    dynamic_range
        L in sample units; by default the maximum minus the minimum of the original cube, as for
        :func:`hyspec.metrics.psnr_db`.

    Returns
    -------
    float
        NaN where a side is shorter than the window.

    Raises
    ------
    DataError
        The shapes differ or are not three-dimensional, or the original is constant and no
        dynamic range is given.
    """
    if original.shape != decoded.shape or original.ndim != 3:
        raise DataError(
            f"found shapes {original.shape} and {decoded.shape}; expected two equal ones of "
            "(rows, columns, bands)"
        )
    if min(original.shape[:2]) < WINDOW_SIZE:
        return math.nan
    if dynamic_range is None:
        dynamic_range = float(original.max()) - float(original.min())
    if not dynamic_range > 0:
        raise DataError(
            f"the dynamic range is {dynamic_range}; expected a positive number",
            hint="give dynamic_range, such as the largest possible sample",
        )
    total = 0.0
    for band in range(original.shape[2]):
        x = original[:, :, band].astype(np.float64)
        y = decoded[:, :, band].astype(np.float64)
        luminance, contrast = similarity_terms(x, y, dynamic_range)
        total += float((luminance * contrast).mean())
    return total / int(original.shape[2])


def similarity_terms(x: _Float, y: _Float, dynamic_range: float) -> tuple[_Float, _Float]:
    """Luminance term, and product of contrast and structure terms, at each window of an image.

    Parameters
    ----------
    x, y : ndarray of float64, shape (rows, columns)
        Both sides at least :data:`WINDOW_SIZE`.
    dynamic_range
        L of the paper, in sample units.

    Returns
    -------
    two ndarrays of float64, shape (rows - 10, columns - 10)
    """
    c1, c2 = (_K1 * dynamic_range) ** 2, (_K2 * dynamic_range) ** 2
    mean_x, mean_y = _windowed(x), _windowed(y)
    xx = _windowed(x * x) - mean_x**2
    yy = _windowed(y * y) - mean_y**2
    xy = _windowed(x * y) - mean_x * mean_y
    luminance = (2 * mean_x * mean_y + c1) / (mean_x**2 + mean_y**2 + c1)
    return luminance, (2 * xy + c2) / (xx + yy + c2)


def _windowed(image: _Float) -> _Float:
    """Gaussian mean of each window that lies inside the image."""
    offsets = np.arange(WINDOW_SIZE) - WINDOW_SIZE // 2
    window = np.exp(-0.5 * (offsets / _WINDOW_SIGMA) ** 2)
    window /= window.sum()
    rows, columns = (side - WINDOW_SIZE + 1 for side in image.shape)
    down = sum(weight * image[i : i + rows] for i, weight in enumerate(window))
    across: _Float = sum(weight * down[:, i : i + columns] for i, weight in enumerate(window))
    return across
