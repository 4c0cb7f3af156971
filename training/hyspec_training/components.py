"""Principal components of blocks of a scene: what networks of the ``spectral`` profile see."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from hyspec.sample_type import SampleType, automatic_step
from hyspec.spectral_basis import components, quantised_basis
from hyspec.spectral_transform import TileSpectra

#: Changes whenever the planes of a block do.
VERSION = 1
#: Leading components that are kept,
MOST_COMPONENTS = 64
#: if their variance is at least this share of the first one's.
LEAST_SHARE = 1e-9
#: Quantiser step, relative to the deviation of the least component, that the basis is precise for.
_FINENESS = 0.1


def component_planes(samples: npt.NDArray[Any]) -> npt.NDArray[np.float32]:
    """Transform a block as the codec transforms a tile at its finest quality.

    Parameters
    ----------
    samples
        Samples as the scene holds them, all valid, shape (rows, columns, bands).

    Returns
    -------
    ndarray of float32, shape (components, rows, columns)
        Planes in the order of falling variance, about zero mean; none if no band varies.
    """
    spectra = TileSpectra(samples, None, encoded_type(samples))
    found = components(spectra.scatter(), spectra.varies)
    rows, columns, _ = samples.shape
    variance = np.sort(np.concatenate([np.zeros(0), *found.variance]))[::-1]
    if not variance.size:
        return np.empty((0, rows, columns), np.float32)
    count = min(MOST_COMPONENTS, int((variance > LEAST_SHARE * variance[0]).sum()))
    step = _FINENESS * math.sqrt(LEAST_SHARE * variance[0])
    basis = quantised_basis(found, step, rows * columns).rows
    return spectra.project(spectra.mean, basis[:count])


def encoded_type(samples: npt.NDArray[Any]) -> SampleType:
    """Whole numbers that the encoder would count samples in, all of them valid."""
    dtype = samples.dtype.newbyteorder("=")
    if dtype.kind != "f":
        return SampleType(dtype)
    whole = bool((samples == np.rint(samples)).all())
    return SampleType(dtype, automatic_step(float(samples.min()), float(samples.max()), whole))
