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

_Float = npt.NDArray[np.float64]
_Mask = npt.NDArray[np.bool_]
Code = npt.NDArray[np.float32]

#: Where water vapour leaves next to no light, in micrometres: bands in there hold no measurement.
WATER_VAPOUR = ((1.34, 1.45), (1.79, 1.97))
#: Nanometres in a unit of wavelengths, by what it is called in lower case.
_NANOMETRES = {
    "nm": 1.0,
    "nanometer": 1.0,
    "nanometers": 1.0,
    "nanometre": 1.0,
    "nanometres": 1.0,
    "um": 1e3,
    "µm": 1e3,
    "micron": 1e3,
    "microns": 1e3,
    "micrometer": 1e3,
    "micrometers": 1e3,
    "micrometre": 1e3,
    "micrometres": 1e3,
}
#: Wavelengths of a unit that is not said are nanometres if their median is above this.
_LARGEST_MICROMETRES = 100.0


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


def of_cube(cube: Cube) -> Code:
    """Code of the bands of a cube, from its wavelengths, widths and list of bad bands.

    Bands that are bad, or in :data:`WATER_VAPOUR`, are not valid. Where a cube does not say its
    unit, the size of the numbers does; where it does not say the width of a band, this is the
    distance to the nearer of its neighbours.

    Returns
    -------
    ndarray of float32, shape (B, 3)

    Raises
    ------
    DataError
        The cube has no wavelengths, or none of its bands is valid.
    """
    if cube.wavelengths is None:
        raise DataError(
            "the cube has no wavelengths; expected the centre of each band",
            hint="write them to the header: wavelength = { ... } and wavelength units in ENVI",
        )
    unit = _micrometres(cube.wavelengths, cube.wavelength_unit)
    centres = cube.wavelengths * unit
    widths = spacing(centres)
    if cube.fwhm is not None:
        given = cube.fwhm * unit
        widths = np.where(np.isfinite(given) & (given > 0), given, widths)
    valid = ~water_vapour(centres)
    if cube.bad_bands is not None:
        valid &= ~cube.bad_bands
    return code(centres, widths, valid)


def water_vapour(centres: npt.ArrayLike) -> _Mask:
    """Which bands lie in :data:`WATER_VAPOUR`, by their centres in micrometres."""
    at = np.asarray(centres, np.float64)
    return np.any([(first <= at) & (at <= last) for first, last in WATER_VAPOUR], axis=0)


def spacing(centres: npt.NDArray[Any]) -> _Float:
    """Distance of each band to the nearer of its neighbours in the list, shape (B,).

    Neighbours of the same centre do not count. A band by itself has the width of a tenth of its
    centre.
    """
    steps = np.abs(np.diff(np.asarray(centres, np.float64)))
    steps = np.where(steps > 0, steps, np.inf)
    nearer = np.minimum(np.append(np.inf, steps), np.append(steps, np.inf))
    return np.where(np.isfinite(nearer), nearer, np.asarray(centres, np.float64) / 10)


def _micrometres(wavelengths: _Float, unit: str | None) -> float:
    nanometres = _NANOMETRES.get((unit or "").strip().lower())
    if nanometres is None:
        nanometres = 1.0 if np.nanmedian(wavelengths) > _LARGEST_MICROMETRES else 1e3
    return nanometres / 1e3
