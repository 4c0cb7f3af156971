"""Second moments of spectra, and their principal components."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

Float64Array = npt.NDArray[np.float64]


class Scatter:
    """Sum over pixels of the outer products of centred spectra.

    Parameters
    ----------
    spectra
        Centred spectra, shape (n, bands), each times the square root of the pixels it stands for.
    pixels
        Pixels that all of them stand for.
    apart
        Bands that are not to be seen together with the others, shape (bands,), or ``None``.

    Notes
    -----
    Where there are far fewer spectra than bands, the spectra take the place of the matrix: neither
    time nor memory grow with the square of the bands.
    """

    def __init__(
        self, spectra: Float64Array, pixels: float, apart: npt.NDArray[np.bool_] | None = None
    ) -> None:
        if apart is not None and apart.any() and not apart.all():
            spectra = np.concatenate([np.where(apart, 0.0, spectra), np.where(apart, spectra, 0.0)])
        self.pixels = pixels
        #: Spectra if ``_few``, else the matrix.
        self._few = 2 * len(spectra) < spectra.shape[1]
        self._held = spectra if self._few else spectra.T @ spectra

    @classmethod
    def total(cls, scatters: Sequence[Scatter]) -> Scatter:
        """Sum of scatters over the same bands."""
        pixels = sum(part.pixels for part in scatters)
        if all(part._few for part in scatters):
            return cls(np.concatenate([part._held for part in scatters]), pixels)
        whole = cls.__new__(cls)
        whole.pixels, whole._few = pixels, False
        whole._held = np.asarray(sum(part._matrix() for part in scatters))
        return whole

    def _matrix(self) -> Float64Array:
        return np.asarray(self._held.T @ self._held) if self._few else self._held

    def components(self, bands: npt.NDArray[Any]) -> tuple[Float64Array, Float64Array]:
        """Principal components of some bands.

        Parameters
        ----------
        bands
            Index of the bands: numbers or a mask.

        Returns
        -------
        variance : ndarray, shape (n,)
            Descending; as many as bands, or as spectra if there are far fewer of them.
        direction : ndarray, shape (n, bands)
            One unit vector per row.
        """
        held = self._held[:, bands]
        if self._few and 2 * len(held) < held.shape[1]:
            _, singular, direction = np.linalg.svd(held, full_matrices=False)
            return np.square(singular) / self._count, direction
        matrix = held.T @ held if self._few else held[bands]
        variance, vector = np.linalg.eigh(matrix / self._count)
        return variance[::-1], vector.T[::-1]

    def covariance(self, rows: Float64Array) -> Float64Array:
        """Covariance of the scalar products with some rows, shape (n, bands): (n, n)."""
        products = self._held @ rows.T
        return np.asarray((products.T if self._few else rows) @ products / self._count)

    def variance(self, rows: Float64Array) -> Float64Array:
        """Variances of the scalar products with some rows, shape (n, bands): (n,)."""
        products = self._held @ rows.T
        squares = np.square(products) if self._few else products * rows.T
        return np.asarray(squares.sum(0) / self._count)

    def trace(self) -> float:
        """Sum of the variances of all bands."""
        total = np.square(self._held).sum() if self._few else np.trace(self._held)
        return float(total / self._count)

    @property
    def _count(self) -> float:
        return max(self.pixels, 1.0)
