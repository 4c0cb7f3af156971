"""Errors of unmixing: abundances, reconstructed spectra, and endmembers.

Names and definitions are those of the unmixing models of the hypernet project (KP Labs and ESA). N
pixels, K endmembers, B bands; a true, â estimated abundances, x spectra, E the endmembers.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from hyspec.analysis.spectral_angle import spectral_angles
from hyspec.errors import DataError
from hyspec.io.optional import require

_Float = npt.NDArray[np.float64]
_Array = npt.NDArray[Any]

#: Samples below this count as this where the logarithm of a spectrum is taken.
SID_FLOOR = 1e-7


@dataclass(frozen=True)
class AbundanceScore:
    """Errors of abundances.

    Attributes
    ----------
    a_rmse : float
        ``mean_n sqrt(mean_k (a - â)^2)``.
    overall_rmse : float
        ``sqrt(mean_nk (a - â)^2)``.
    class_rmse : ndarray of float64, shape (endmembers,)
        ``sqrt(mean_n (a_k - â_k)^2)``.
    class_rmse_sum : float
        Sum of ``class_rmse``.
    a_sam : float
        Mean over the pixels of the angle between a and â, in radians.
    rms_aad : float
        Root mean square of these angles, in radians.
    """

    a_rmse: float
    overall_rmse: float
    class_rmse: _Float
    class_rmse_sum: float
    a_sam: float
    rms_aad: float


@dataclass(frozen=True)
class ReconstructionScore:
    """Errors of the spectra that abundances and endmembers make up.

    Attributes
    ----------
    r_rmse : float
        ``mean_n sqrt(mean_b (x - E â)^2)``, in the unit of the spectra.
    r_sid : float
        Spectral information divergence of x and E â, summed over the pixels, in bits.
    r_sid_per_pixel : float
        The same divided by the number of pixels.
    """

    r_rmse: float
    r_sid: float
    r_sid_per_pixel: float


@dataclass(frozen=True)
class Match:
    """Estimated endmembers that are assigned to true ones.

    Attributes
    ----------
    order : ndarray of int64, shape (endmembers,)
        ``estimated[order[k]]`` belongs to ``true[k]``; abundances are put in order by
        ``abundances[..., order]``.
    angles : ndarray of float64, shape (endmembers,)
        Spectral angle of each pair, in radians.
    """

    order: npt.NDArray[np.int64]
    angles: _Float


def abundance_score(true: _Array, estimated: _Array) -> AbundanceScore:
    """Compare estimated abundances with true ones.

    Parameters
    ----------
    true, estimated : ndarray, shape (..., endmembers)
        Of the same order of endmembers (:func:`match_endmembers`).

    Raises
    ------
    DataError
        The shapes differ, or there is no pixel.
    """
    a, b = _pixels("abundances", true, estimated)
    squares = (a - b) ** 2  # (pixels, endmembers)
    class_rmse: _Float = np.sqrt(squares.mean(axis=0))
    angles = spectral_angles(a, b)
    return AbundanceScore(
        a_rmse=float(np.sqrt(squares.mean(axis=1)).mean()),
        overall_rmse=float(np.sqrt(squares.mean())),
        class_rmse=class_rmse,
        class_rmse_sum=float(class_rmse.sum()),
        a_sam=float(angles.mean()),
        rms_aad=float(np.sqrt((angles**2).mean())),
    )


def reconstruction_score(
    spectra: _Array, abundances: _Array, endmembers: _Array
) -> ReconstructionScore:
    """Compare spectra with the mixtures of endmembers by abundances.

    Parameters
    ----------
    spectra : ndarray, shape (..., bands)
    abundances : ndarray, shape (..., endmembers)
    endmembers : ndarray, shape (endmembers, bands)

    Raises
    ------
    DataError
        The shapes do not fit, or there is no pixel.
    """
    endmembers = np.asarray(endmembers, np.float64)
    abundances = np.asarray(abundances, np.float64)
    if endmembers.ndim != 2 or abundances.shape[-1:] != endmembers.shape[:1]:
        raise DataError(
            f"abundances of shape {abundances.shape} do not fit endmembers of shape "
            f"{endmembers.shape}; expected (..., endmembers) and (endmembers, bands)"
        )
    x, y = _pixels("spectra", spectra, abundances @ endmembers)
    sid = spectral_information_divergence(x, y)
    return ReconstructionScore(
        r_rmse=float(np.sqrt(((x - y) ** 2).mean(axis=1)).mean()),
        r_sid=float(sid.sum()),
        r_sid_per_pixel=float(sid.mean()),
    )


def spectral_information_divergence(first: _Array, second: _Array) -> _Float:
    """Symmetric Kullback-Leibler divergence of spectra along the last axis, in bits.

    ``sum p log2(p / q) + sum q log2(q / p)`` with p and q the spectra divided by their sums (C.-I
    Chang, "An information-theoretic approach to spectral variability, similarity, and
    discrimination for hyperspectral image analysis", IEEE Trans. Inf. Theory 46, 2000). Samples
    below :data:`SID_FLOOR` count as that, so spectra are expected in units in which it is small.
    """
    p = np.maximum(np.asarray(first, np.float64), SID_FLOOR)
    q = np.maximum(np.asarray(second, np.float64), SID_FLOOR)
    p = p / p.sum(axis=-1, keepdims=True)
    q = q / q.sum(axis=-1, keepdims=True)
    divergence: _Float = ((p - q) * np.log2(p / q)).sum(axis=-1)
    return divergence


def match_endmembers(true: _Array, estimated: _Array) -> Match:
    """Assign estimated endmembers to true ones so that the sum of angles is least.

    The assignment is that of Kuhn's Hungarian method (SciPy's ``linear_sum_assignment``).

    Parameters
    ----------
    true, estimated : ndarray, shape (endmembers, bands)

    Raises
    ------
    DataError
        The shapes differ, or a value is not finite.
    MissingDependencyError
        SciPy is not installed.
    """
    true, estimated = np.asarray(true, np.float64), np.asarray(estimated, np.float64)
    if true.ndim != 2 or true.shape != estimated.shape:
        raise DataError(
            f"true endmembers have shape {true.shape}, estimated {estimated.shape}; expected two "
            "matrices of the same number of endmembers and bands"
        )
    if not (np.isfinite(true).all() and np.isfinite(estimated).all()):
        raise DataError("endmembers hold NaN or infinity; expected finite spectra")
    optimize = require("scipy.optimize", "matching endmembers", extra="analysis")
    angles = spectral_angles(true[:, None], estimated[None])  # (true, estimated)
    rows, order = optimize.linear_sum_assignment(angles)
    return Match(np.asarray(order, np.int64), np.asarray(angles[rows, order], np.float64))


def _pixels(name: str, first: _Array, second: _Array) -> tuple[_Float, _Float]:
    """Check two arrays and return them as (pixels, channels)."""
    first, second = np.asarray(first, np.float64), np.asarray(second, np.float64)
    if first.shape != second.shape:
        raise DataError(f"estimated {name} have shape {second.shape}; the true {first.shape}")
    if first.ndim < 1 or first.size == 0:
        raise DataError(f"no {name} to compare: found shape {first.shape}")
    return first.reshape(-1, first.shape[-1]), second.reshape(-1, first.shape[-1])
