"""Scalers of spectra, fitted on the training pixels alone.

A scaler is made by :func:`fit` from the training spectra and then applied, unchanged, to any
others; :meth:`Scaler.record` and :func:`of_record` take it through JSON, so that a model can carry
the one it was trained with.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from hyspec.errors import DataError, UsageError

_Float = npt.NDArray[np.float64]

#: What scalers do, by name; all but ``minmax`` are affine, (x - offset) / scale.
KINDS = {
    "minmax": "each spectrum by itself: (x - min + 0.001) / max, as deephyp does",
    "global-minmax": "(x - min) / (max - min) with one minimum and maximum of all bands",
    "band-minmax": "(x - min) / (max - min), band by band",
    "level": "x / (4 times the root mean square), one number of all bands",
    "standard": "(x - mean) / standard deviation, band by band",
    "rms": "x / root of the mean square of all samples, so that 0 stays 0 and angles stay",
    "none": "samples as they are",
}
_MINMAX_SHIFT = 1e-3
#: Root mean square of what the scaler ``level`` gives for the spectra that it was fitted to.
LEVEL = 0.25


@dataclass(frozen=True)
class Scaler:
    """A fitted scaler.

    Attributes
    ----------
    kind : str
        One of :data:`KINDS`.
    offset, scale : ndarray of float64, shape (bands,)
        Of the affine kinds; 0 and 1 for the others.
    """

    kind: str
    offset: _Float
    scale: _Float

    def __call__(self, spectra: npt.NDArray[Any]) -> _Float:
        """Scale spectra, shape (..., bands).

        Raises
        ------
        DataError
            The number of bands is not the one of the fit.
        """
        x = self._checked(spectra)
        if self.kind == "minmax":
            peak = x.max(axis=-1, keepdims=True)
            shifted = x - x.min(axis=-1, keepdims=True) + _MINMAX_SHIFT
            return np.asarray(shifted / np.where(peak == 0, 1.0, peak))
        return np.asarray((x - self.offset) / self.scale)

    def inverse(self, scaled: npt.NDArray[Any]) -> _Float:
        """Undo the scaling, shape (..., bands).

        Raises
        ------
        UsageError
            The scaler is ``minmax``, which forgets the range of each spectrum.
        DataError
            The number of bands is not the one of the fit.
        """
        if self.kind == "minmax":
            raise UsageError(
                "the scaler 'minmax' cannot be undone: it forgets the range of each spectrum",
                hint="use 'band-minmax', 'global-minmax' or 'standard'",
            )
        return np.asarray(self._checked(scaled) * self.scale + self.offset)

    def record(self) -> dict[str, Any]:
        """Return the scaler as what JSON takes."""
        offset, scale = self.offset.tolist(), self.scale.tolist()
        return {"kind": self.kind, "offset": offset, "scale": scale}

    def _checked(self, spectra: npt.NDArray[Any]) -> _Float:
        x = np.asarray(spectra, np.float64)
        if x.ndim < 1 or x.shape[-1] != self.offset.size:
            raise DataError(
                f"spectra have shape {x.shape}; the scaler was fitted to {self.offset.size} bands"
            )
        return x


def fit(kind: str, training: npt.NDArray[Any]) -> Scaler:
    """Fit a scaler to the training spectra.

    A band, or a whole set, without any variation gets scale 1: it becomes zeros, not NaN.

    Parameters
    ----------
    kind
        One of :data:`KINDS`.
    training : ndarray, shape (..., bands)
        Spectra of training pixels, and of no others.

    Raises
    ------
    UsageError
        The kind is not known.
    DataError
        There is no spectrum, or a sample is not finite.
    """
    if kind not in KINDS:
        raise UsageError(f"scaler {kind!r} is not known; expected one of {', '.join(KINDS)}")
    x = np.asarray(training, np.float64)
    if x.ndim < 2 or x.size == 0:
        raise DataError(f"training spectra have shape {x.shape}; expected (pixels, bands)")
    x = x.reshape(-1, x.shape[-1])
    if not np.isfinite(x).all():
        raise DataError(
            "training spectra hold NaN or infinity",
            hint="leave pixels without measurement out, and bands that the source marks as bad",
        )
    bands = x.shape[1]
    offset, scale = np.zeros(bands), np.ones(bands)
    if kind == "global-minmax":
        offset[:] = x.min()
        scale[:] = x.max() - x.min()
    elif kind == "level":
        scale[:] = np.sqrt(np.mean(x**2)) / LEVEL
    elif kind == "band-minmax":
        offset, scale = x.min(axis=0), np.ptp(x, axis=0)
    elif kind == "standard":
        offset, scale = x.mean(axis=0), x.std(axis=0)
        # What rounding leaves of a constant band is no variation.
        scale = np.where(np.ptp(x, axis=0) == 0, 0.0, scale)
    elif kind == "rms":
        scale[:] = np.sqrt((x**2).mean())
    return Scaler(kind, offset, np.where(scale == 0, 1.0, scale))


def of_record(record: Mapping[str, Any]) -> Scaler:
    """Return the scaler of what :meth:`Scaler.record` gave.

    Raises
    ------
    DataError
        The record is not of this form.
    """
    try:
        kind = record["kind"]
        offset = np.asarray(record["offset"], np.float64)
        scale = np.asarray(record["scale"], np.float64)
    except (KeyError, TypeError, ValueError) as error:
        raise DataError(f"not the record of a scaler: {error!r}") from error
    sound = offset.ndim == 1 and offset.shape == scale.shape and offset.size > 0
    if kind not in KINDS or not sound or not np.all(np.isfinite(offset) & (scale > 0)):
        raise DataError(
            f"not the record of a scaler: kind {kind!r}, offset {offset.shape}, scale "
            f"{scale.shape}; expected a known kind and finite values, scales above 0"
        )
    return Scaler(kind, offset, scale)
