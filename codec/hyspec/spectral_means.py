"""The mean spectrum of a tile, in units that the distortion allows.

Source: docs/spectral_profile.md, section 3.2.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from hyspec import _core

#: Pixels from which on units are finer by 1, 2 and 3 octaves: one bit more for every band saves
#: three quarters of an error that all pixels have, at a quantiser step of 32 units and 0.12 squared
#: steps for a bit.
_PIXELS = (2048, 4096, 32768)

Float64Array = npt.NDArray[np.float64]
Int32Array = npt.NDArray[np.int32]


@dataclass(frozen=True)
class SentMeans:
    """Means as they are sent.

    Attributes
    ----------
    fineness : int
        Octaves by which their units are finer.
    codes : ndarray of int32, shape (bands,)
        Whole numbers of units.
    values : ndarray of float64, shape (bands,)
        What they stand for.
    """

    fineness: int
    codes: Int32Array
    values: Float64Array


def sent_means(
    mean: Float64Array, varies: npt.NDArray[np.bool_], step: int, pixels: int
) -> SentMeans:
    """Round a mean spectrum.

    Parameters
    ----------
    mean
        Means, or values of bands that do not vary, in whole numbers, shape (bands,).
    varies
        Bands that vary, shape (bands,).
    step
        Quality step.
    pixels
        Pixels of the tile.
    """
    wanted = sum(pixels >= least for least in _PIXELS)
    for fineness in (wanted, 0):  # coarser where the numbers would leave their range
        units = _units(varies, step, fineness)
        codes = np.rint(mean / units)
        if np.abs(codes).max(initial=0) < 2**31 - 1:
            break
    whole = np.clip(codes, -(2**31), 2**31 - 1).astype(np.int32)
    return SentMeans(fineness, whole, whole * units)


def mean_values(
    codes: Int32Array, varies: npt.NDArray[np.bool_], step: int, fineness: int
) -> Float64Array:
    """Means that codes stand for, in whole numbers, shape (bands,)."""
    return np.asarray(codes * _units(varies, step, fineness))


def _units(varies: npt.NDArray[np.bool_], step: int, fineness: int) -> Float64Array:
    """Unit that the mean of each band is counted in."""
    exponents = [_core.spectral_mean_exponent(flag, step, fineness) for flag in (True, False)]
    return np.asarray(np.exp2(np.where(varies, *exponents)), np.float64)
