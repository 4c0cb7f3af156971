"""Spectral axis in files that have no fixed place for it: obvious names, and band names."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from hyspec.errors import DataError

#: What a variable, dataset or attribute is called, in lower case without spaces, _ and -.
WAVELENGTH_NAMES = frozenset(
    {
        "wavelength",
        "wavelengths",
        "centerwavelength",
        "centerwavelengths",
        "bandcenters",
        "lambda",
        "wl",
        "wvl",
    }
)
FWHM_NAMES = frozenset({"fwhm", "fwhms", "bandwidth", "bandwidths"})
GOOD_NAMES = frozenset({"bbl", "good", "goodbands", "goodbandlist", "goodwavelengths"})
BAD_NAMES = frozenset({"bad", "badbands", "badbandlist"})
UNIT_NAMES = frozenset({"wavelengthunit", "wavelengthunits"})
NODATA_NAMES = frozenset({"nodata", "nodatavalue", "dataignorevalue", "fillvalue", "missingvalue"})
ROW_NAMES = frozenset({"nrow", "nrows", "rows", "row", "lines", "nlines", "height"})
COLUMN_NAMES = frozenset({"ncol", "ncols", "cols", "col", "columns", "samples", "width"})

_BAND_NAME = re.compile(
    r"(?<![\w.])(\d+(?:\.\d*)?(?:[eE][+-]?\d+)?)\s*"
    r"(nanometers?|nanometres?|nm|micrometers?|micrometres?|microns?|um|µm|μm)(?!\w)",
    re.IGNORECASE,
)


@dataclass
class SpectralAxis:
    """Spectral axis found in a file; the attributes are those of :class:`hyspec.Cube`."""

    wavelengths: npt.NDArray[np.float64] | None = None
    fwhm: npt.NDArray[np.float64] | None = None
    wavelength_unit: str | None = None
    bad_bands: npt.NDArray[np.bool_] | None = None


def normal_name(name: str) -> str:
    """Return a name in lower case without spaces, underscores and hyphens."""
    return re.sub(r"[\s_-]", "", name).lower()


def numbers(items: Iterable[str], bands: int, field: str, source: str) -> npt.NDArray[np.float64]:
    """Return one number per band from the texts of a header field.

    Raises
    ------
    DataError
        A text is no number, or there is not one per band.
    """
    texts = list(items)
    try:
        values = np.array([float(text) for text in texts], np.float64)
    except ValueError:
        raise DataError(
            f"{source}: field {field!r} holds text that is no number",
            hint="correct or remove that field",
        ) from None
    if len(values) != bands:
        raise DataError(
            f"{source}: field {field!r} has {len(values)} entries; expected {bands}, one per band",
            hint="correct or remove that field",
        )
    return values


def from_band_names(names: Sequence[str], bands: int) -> SpectralAxis:
    """Return wavelengths written in band names, such as ``band 3 (0.4843 Micrometers)``.

    Empty unless every band name holds exactly one wavelength, all in the same unit.
    """
    found = [_BAND_NAME.findall(name) for name in names]
    units = {unit.lower() for matches in found for _, unit in matches}
    if len(names) != bands or len(units) != 1 or any(len(matches) != 1 for matches in found):
        return SpectralAxis()
    values = np.array([float(matches[0][0]) for matches in found], np.float64)
    return SpectralAxis(wavelengths=values, wavelength_unit=str(found[0][0][1]))


def per_band(value: Any, bands: int) -> npt.NDArray[np.float64] | None:
    """Return a numeric vector with one entry per band as float64, or None if it is something else.

    MATLAB's 1 x n and n x 1 matrices count as vectors.
    """
    array = np.asarray(value)
    if array.dtype.kind not in "biuf" or array.size != bands or max(array.shape) != bands:
        return None
    return array.reshape(-1).astype(np.float64)


def flags(value: Any, bands: int) -> npt.NDArray[np.bool_] | None:
    """Return a vector of zeros and ones, one per band, as booleans; None for anything else."""
    vector = per_band(value, bands)
    if vector is None or not np.isin(vector, (0, 1)).all():
        return None
    result: npt.NDArray[np.bool_] = vector == 1
    return result


def from_names(values: Iterable[tuple[str, Any]], bands: int) -> SpectralAxis:
    """Return the spectral axis held by named values, the first that fits for each quantity.

    Values of other names, lengths or types are ignored.
    """
    axis = SpectralAxis()
    for name, value in values:
        key = normal_name(name)
        if key in WAVELENGTH_NAMES and axis.wavelengths is None:
            axis.wavelengths = per_band(value, bands)
        elif key in FWHM_NAMES and axis.fwhm is None:
            axis.fwhm = per_band(value, bands)
        elif key in GOOD_NAMES and axis.bad_bands is None:
            good = flags(value, bands)
            axis.bad_bands = None if good is None else ~good
        elif key in BAD_NAMES and axis.bad_bands is None:
            axis.bad_bands = flags(value, bands)
        elif key in UNIT_NAMES and axis.wavelength_unit is None:
            axis.wavelength_unit = text_of(value)
    return axis


def text_of(value: Any) -> str | None:
    """Return a text held in a scalar or a one-element array, or None."""
    array = np.asarray(value)
    if array.size != 1:
        return None
    item = array.reshape(-1)[0]
    if isinstance(item, bytes):
        return item.decode("utf-8", "replace").strip() or None
    return item.strip() or None if isinstance(item, str) else None


def number_of(value: Any) -> float | None:
    """Return a number held in a scalar or a one-element array, or None."""
    array = np.asarray(value)
    if array.size != 1 or array.dtype.kind not in "biuf":
        return None
    return float(array.reshape(-1)[0])
