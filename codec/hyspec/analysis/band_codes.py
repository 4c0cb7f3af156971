"""Codes of bands: where the bands of a sensor lie, as models for any sensor take it.

A code has one row for each band: its centre and its full width at half maximum in micrometres, and
1 for a band that is measured, 0 for one whose samples are not to be used.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from hyspec.cube import Cube
from hyspec.errors import DataError
from hyspec.intervals import to_nanometres
from hyspec.stream import Stream

_Float = npt.NDArray[np.float64]
_Mask = npt.NDArray[np.bool_]
Code = npt.NDArray[np.float32]

#: Where water vapour leaves next to no light, in micrometres: bands in there hold no measurement.
WATER_VAPOUR = ((1.34, 1.45), (1.79, 1.97))


def code(centres: npt.ArrayLike, widths: npt.ArrayLike, valid: npt.ArrayLike | None = None) -> Code:
    """Describe the bands of a sensor.

    Parameters
    ----------
    centres, widths
        Centres and full widths at half maximum in micrometres, shape (B,).
    valid
        True for bands that are measured, shape (B,); all by default.

    Returns
    -------
    ndarray of float32, shape (B, 3)
        Centre, width, and 1 for valid bands; bands that are not valid have the centre and width 1.

    Raises
    ------
    DataError
        A valid band has a centre or a width that is not positive and finite, or none is valid.
    """
    found = np.stack([np.asarray(centres, np.float64), np.asarray(widths, np.float64)], axis=1)
    use: _Mask = np.ones(len(found), np.bool_) if valid is None else np.asarray(valid, np.bool_)
    known = np.all(np.isfinite(found) & (found > 0), axis=1)
    if not use.any() or not known[use].all():
        raise DataError(
            "bands without centre or width; expected positive numbers of micrometres",
            hint="mark bands without them as not valid",
        )
    result = np.ones((len(found), 3), np.float32)
    result[use, :2] = found[use]
    result[:, 2] = use
    return result


def of_scene(scene: Cube | Stream) -> Code:
    """Code of the bands of a scene, from its wavelengths, widths and list of bad bands.

    Bands that are bad, or in :data:`WATER_VAPOUR`, are not valid. Where a scene does not say the
    width of a band, this is the distance to the nearer of its neighbours.

    Returns
    -------
    ndarray of float32, shape (B, 3)

    Raises
    ------
    DataError
        The scene has no wavelengths, or none of its bands is valid.
    """
    found = scene.wavelengths
    nanometres = None if found is None else to_nanometres(found, scene.wavelength_unit)
    if found is None or nanometres is None:
        raise DataError(
            "the scene has no wavelengths; expected the centre of each band",
            hint="add them, for instance to the header of an ENVI file",
        )
    centres = nanometres / 1000
    widths = spacing(centres)
    if scene.fwhm is not None:
        given = scene.fwhm * (centres / found)
        widths = np.where(np.isfinite(given) & (given > 0), given, widths)
    valid = ~water_vapour(centres)
    if scene.bad_bands is not None:
        valid &= ~scene.bad_bands
    return code(centres, widths, valid)


def water_vapour(centres: npt.ArrayLike) -> _Mask:
    """Which bands lie in :data:`WATER_VAPOUR`, by their centres in micrometres."""
    at = np.asarray(centres, np.float64)
    inside = [(first <= at) & (at <= last) for first, last in WATER_VAPOUR]
    return np.asarray(np.any(inside, axis=0))


def spacing(centres: npt.NDArray[Any]) -> _Float:
    """Distance of each band to the nearer of its neighbours in the list, shape (B,).

    Neighbours of the same centre do not count. A band by itself has the width of a tenth of its
    centre.
    """
    steps = np.abs(np.diff(np.asarray(centres, np.float64)))
    steps = np.where(steps > 0, steps, np.inf)
    nearer = np.minimum(np.append(np.inf, steps), np.append(steps, np.inf))
    return np.where(np.isfinite(nearer), nearer, np.asarray(centres, np.float64) / 10)
