"""Decoded planes of a chunk, and what takes them to spectra: a stream before its bands are made."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Float32Array = npt.NDArray[np.float32]
Float64Array = npt.NDArray[np.float64]


@dataclass(frozen=True)
class ChunkPlanes:
    """Dequantised principal components of a chunk, of the ``spectral`` profile.

    Spectra of the chunk are ``mean + planes.T @ basis``, before rounding.

    Attributes
    ----------
    rows, columns, bands : range
        Where the chunk is in the cube.
    planes : ndarray of float32, shape (planes, rows, columns)
        In the order of falling variance, in the unit of the samples.
    basis : ndarray of float64, shape (planes, bands)
        Orthonormal rows.
    mean : ndarray of float64, shape (bands,)
        Mean spectrum, in the unit of the samples.
    """

    rows: range
    columns: range
    bands: range
    planes: Float32Array
    basis: Float64Array
    mean: Float64Array
