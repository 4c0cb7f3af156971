"""Vertex component analysis: finds endmembers among the pixels of a scene.

J. M. P. Nascimento and J. M. Bioucas-Dias, "Vertex component analysis: a fast algorithm to unmix
hyperspectral data", IEEE Trans. Geosci. Remote Sens. 43, 2005. The pixels are projected to as many
dimensions as there are endmembers; then the endmember furthest from those found so far is taken,
along a random direction that is orthogonal to them, until all are found.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from hyspec.errors import DataError, UsageError

_Float = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Vertices:
    """Endmembers that were found.

    Attributes
    ----------
    endmembers : ndarray of float64, shape (endmembers, bands)
        Spectra of the pixels in the subspace of the signal, that is with less noise.
    pixels : ndarray of int64, shape (endmembers,)
        Their numbers in the flattened scene.
    snr_db : float
        Estimated signal-to-noise ratio, which decides the kind of projection.
    """

    endmembers: _Float
    pixels: npt.NDArray[np.int64]
    snr_db: float


def vca(
    spectra: npt.NDArray[Any], endmembers: int, *, seed: int, snr_db: float | None = None
) -> Vertices:
    """Find endmembers; another seed draws other directions, and may find others.

    Parameters
    ----------
    spectra : ndarray, shape (..., bands)
    endmembers
        How many to find, from 2 to the number of bands.
    seed
        Of the random directions.
    snr_db
        Signal-to-noise ratio; by default estimated as in the paper. Above ``15 + 10 log10 K`` dB
        the projection is projective, else it is to principal components.

    Raises
    ------
    UsageError
        The number of endmembers is out of range.
    DataError
        There are fewer pixels than endmembers, or a sample is not finite.
    """
    y = np.asarray(spectra, np.float64)
    if y.ndim < 2 or y.shape[-1] == 0:
        raise DataError(f"spectra have shape {y.shape}; expected (..., bands)")
    y = y.reshape(-1, y.shape[-1])  # (pixels, bands)
    if not 2 <= endmembers <= y.shape[1]:
        raise UsageError(f"{endmembers} endmembers; expected 2 to {y.shape[1]}, that is, the bands")
    if len(y) < endmembers:
        raise DataError(f"found {len(y)} pixels; expected at least {endmembers}, one per endmember")
    if not np.isfinite(y).all():
        raise DataError(
            "spectra hold NaN or infinity; expected finite samples",
            hint="leave out pixels without measurement, and bands that are bad",
        )
    centre = y.mean(axis=0)
    components = _leading((y - centre).T @ (y - centre) / len(y), endmembers)  # (bands, K)
    if snr_db is None:
        snr_db = _snr_db(y, centre, components)
    if snr_db < 15 + 10 * math.log10(endmembers):
        basis = components[:, : endmembers - 1]
        low = (y - centre) @ basis
        height = math.sqrt(float((low**2).sum(axis=1).max()))
        points = np.append(low, np.full((len(y), 1), height), axis=1)
        cleaned = low @ basis.T + centre
    else:
        basis = _leading(y.T @ y / len(y), endmembers)
        low = y @ basis
        along = low @ low.mean(axis=0)
        # A pixel at a right angle to the mean has no projection; it is left at the origin.
        along = np.where(along == 0, np.inf, along)
        points = low / along[:, None]
        cleaned = low @ basis.T
    pixels = _furthest(points, endmembers, np.random.default_rng(seed))
    return Vertices(cleaned[pixels], pixels, snr_db)


def _leading(covariance: _Float, count: int) -> _Float:
    """Eigenvectors of the largest eigenvalues, by columns."""
    vectors = np.linalg.eigh(covariance)[1]
    return np.asarray(vectors[:, ::-1][:, :count])


def _snr_db(y: _Float, centre: _Float, components: _Float) -> float:
    """Estimate the signal-to-noise ratio (equation 13): noise is what no component explains."""
    bands, count = components.shape
    power = float((y**2).sum(axis=1).mean())
    explained = float((((y - centre) @ components) ** 2).sum(axis=1).mean()) + centre @ centre
    noise = power - explained
    signal = explained - count / bands * power
    if noise <= 1e-12 * power:
        return math.inf
    return 10 * math.log10(signal / noise) if signal > 0 else -math.inf


def _furthest(points: _Float, count: int, random: np.random.Generator) -> npt.NDArray[np.int64]:
    """Take pixels one by one, each furthest along a direction orthogonal to those before."""
    dimensions = points.shape[1]
    found = np.zeros((dimensions, count))
    found[-1, 0] = 1.0
    pixels = np.zeros(count, np.int64)
    for number in range(count):
        direction: _Float = random.standard_normal((dimensions,))
        direction = direction - found @ (np.linalg.pinv(found) @ direction)
        direction /= float(np.linalg.norm(direction))
        pixels[number] = np.argmax(np.abs(points @ direction))
        found[:, number] = points[pixels[number]]
    return pixels
