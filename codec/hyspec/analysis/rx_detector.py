"""RX detector: how unlikely each spectrum is among those of the scene, or of its surroundings.

I. S. Reed and X. Yu, "Adaptive multiple-band CFAR detection of an optical pattern with unknown
spectral distribution", IEEE Trans. Acoust. Speech Signal Process. 38, 1990, in the usual form of
one pixel under test: the squared Mahalanobis distance ``(x - m)' C^-1 (x - m)``.

The covariance is regularised as ``C + r tr(C) / B I``: a direction whose variance is far below r
times the mean variance of a band, which is mostly noise, counts less than its share. With r = 1e-8
the detector is that of the paper but for scenes whose bands depend on each other.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from hyspec.errors import DataError, UsageError

_Float = npt.NDArray[np.float64]

#: Default of r: of the powers of ten from 1e-8 to 0.1, the one of the largest mean area below the
#: ROC over seven Airport-Beach-Urban scenes and San Diego.
REGULARISATION = 1e-3


def rx(
    cube: npt.NDArray[Any],
    *,
    windows: tuple[int, int] | None = None,
    regularisation: float = REGULARISATION,
) -> _Float:
    """Anomaly score of each pixel: its squared Mahalanobis distance.

    Parameters
    ----------
    cube : ndarray, shape (rows, columns, bands)
        Pixels with a NaN or infinite sample are left out of the statistics and score NaN.
    windows
        Sides of an inner and an outer square around each pixel, odd: mean and covariance are those
        of the pixels in the outer one and not in the inner one. By default those of the scene.
    regularisation
        r, above 0.

    Returns
    -------
    ndarray of float64, shape (rows, columns)

    Raises
    ------
    UsageError
        The windows are no two odd numbers, the inner one smaller, or r is not above 0.
    DataError
        The cube has no three axes, or fewer than two pixels count.
    """
    if cube.ndim != 3:
        raise DataError(f"found shape {cube.shape}; expected (rows, columns, bands)")
    if not regularisation > 0:
        raise UsageError(f"regularisation {regularisation}; expected a number above 0")
    values = cube.astype(np.float64)
    valid = np.asarray(np.isfinite(values).all(axis=2))
    if np.count_nonzero(valid) < 2:
        raise DataError(f"{np.count_nonzero(valid)} pixels are finite; expected at least 2")
    scores = np.full(valid.shape, np.nan)
    if windows is None:
        background = values[valid]
        scores[valid] = _distances(background, background, regularisation)
        return scores
    inner, outer = windows
    if not (inner % 2 == outer % 2 == 1 and 0 < inner < outer):
        raise UsageError(
            f"windows {inner} and {outer}; expected two odd numbers, the first one smaller"
        )
    for row, column in zip(*np.nonzero(valid), strict=True):
        background = _surroundings(values, valid, int(row), int(column), inner, outer)
        if len(background) > 1:
            pixel = values[row, column][None]
            scores[row, column] = _distances(pixel, background, regularisation)[0]
    return scores


def _surroundings(
    values: _Float, valid: npt.NDArray[np.bool_], row: int, column: int, inner: int, outer: int
) -> _Float:
    """Valid pixels of the outer window that are not in the inner one, shape (pixels, bands)."""
    reach, hole = outer // 2, inner // 2
    top, left = max(0, row - reach), max(0, column - reach)
    part = (slice(top, row + reach + 1), slice(left, column + reach + 1))
    chosen = valid[part].copy()
    rows = slice(max(0, row - hole - top), row + hole + 1 - top)
    chosen[rows, max(0, column - hole - left) : column + hole + 1 - left] = False
    return np.asarray(values[part][chosen])


def _distances(pixels: _Float, background: _Float, regularisation: float) -> _Float:
    """Squared Mahalanobis distances of pixels from a background, shape (pixels,)."""
    mean = background.mean(axis=0)
    centred = background - mean
    covariance = centred.T @ centred / (len(background) - 1)
    bands = len(covariance)
    ridge = regularisation * np.trace(covariance) / bands
    if ridge == 0:  # a constant background: whatever differs from it is infinitely unlikely
        return np.where(np.any(pixels != mean, axis=1), np.inf, 0.0)
    covariance[np.arange(bands), np.arange(bands)] += ridge
    lower = np.linalg.cholesky(covariance)
    white = np.linalg.solve(lower, (pixels - mean).T)
    return np.asarray((white**2).sum(axis=0))
