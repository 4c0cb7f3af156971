"""Angles between vectors: spectra, or abundances."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt

_Float = npt.NDArray[np.float64]


def spectral_angles(first: npt.NDArray[Any], second: npt.NDArray[Any]) -> _Float:
    """Angle in radians between vectors along the last axis (Kruse et al., 1993).

    ``2 atan2(|u - v|, |u + v|)`` of the unit vectors u and v (Kahan, "How futile are mindless
    assessments of roundoff in floating-point computation?", 2006, section 12) is as accurate for
    small angles as for large ones, unlike an arc cosine. Two zero vectors give 0, a zero vector
    against another pi / 2.

    Parameters
    ----------
    first, second : ndarray, shapes (..., n) that broadcast

    Returns
    -------
    ndarray of float64, shape (...)
    """
    u, v = _unit(first), _unit(second)
    zeros = ~np.any(u, axis=-1) ^ ~np.any(v, axis=-1)
    opposite = np.linalg.norm(u - v, axis=-1)
    adjacent = np.linalg.norm(u + v, axis=-1)
    angles: _Float = np.where(zeros, math.pi / 2, 2 * np.arctan2(opposite, adjacent))
    return angles


def _unit(vectors: npt.NDArray[Any]) -> _Float:
    values = np.asarray(vectors, np.float64)
    length = np.linalg.norm(values, axis=-1, keepdims=True)
    unit: _Float = np.divide(values, length, out=np.zeros_like(values), where=length > 0)
    return unit
