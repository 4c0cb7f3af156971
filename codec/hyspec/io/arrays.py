"""From an array of a MATLAB or HDF5 file, with what stands beside it, to a Cube."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import numpy.typing as npt

from hyspec.cube import Cube
from hyspec.errors import DataError
from hyspec.io.axes import PIXEL_AXES, as_cube, guess_axes
from hyspec.io.layout import ReadOptions, Template
from hyspec.io.samples import nodata_for, supported_samples
from hyspec.io.spectral_axis import SpectralAxis
from hyspec.io.variables import without_leading_ones

#: Names under which hyspec writes a cube into a file of named arrays.
CUBE, METADATA = "cube", "metadata"


def wavelength_axis_lengths(shape: tuple[int, ...]) -> list[int]:
    """Return the lengths that a wavelength vector of an array may have, last axis first."""
    return list(dict.fromkeys(reversed(without_leading_ones(shape))))


def to_cube(
    array: npt.NDArray[Any],
    axis: SpectralAxis,
    source: str,
    options: ReadOptions,
    *,
    image: tuple[int, int] | None = None,
    nodata: float | None = None,
    metadata: dict[str, Any] | None = None,
) -> Cube:
    """Return the cube of an array whose file does not name its axes.

    Parameters
    ----------
    array
        Samples, of two or three axes (beside leading ones of length 1).
    axis
        Spectral axis found in the file; its length helps to find the band axis.
    source
        File and variable, for messages.
    options
        Axes, rows and columns that the caller states.
    image
        Rows and columns that the file states, for matrices of bands and pixels.
    nodata, metadata
        As of the cube.
    """
    array = array.reshape(without_leading_ones(array.shape), order="A")
    if array.ndim not in (2, 3):
        raise DataError(
            f"{source} has shape {array.shape}; expected two or three axes",
            hint="select an array of rows, columns and bands",
        )
    rows, columns = options.rows, options.columns
    if rows is not None and columns is not None:
        image = rows, columns
    axes = options.axes
    if axes is None:
        axes = _pixel_axes(array.shape, image) or guess_axes(array.shape, _length(axis))
    if axes in PIXEL_AXES and rows is None and columns is None and image is not None:
        rows, columns = image
    samples = supported_samples(as_cube(array, axes, rows, columns), source)
    bands = samples.shape[2]
    return Cube(
        samples,
        wavelengths=_fitting(axis.wavelengths, bands),
        fwhm=_fitting(axis.fwhm, bands),
        wavelength_unit=axis.wavelength_unit,
        nodata=nodata_for(nodata, samples.dtype),
        bad_bands=_fitting(axis.bad_bands, bands),
        metadata=metadata or {},
    )


def spectral_arrays(template: Template) -> dict[str, Any]:
    """Return the named values that describe a cube, in the form in which they are written."""
    values: dict[str, Any] = {}
    if template.wavelengths is not None:
        values["wavelengths"] = template.wavelengths
    if template.fwhm is not None:
        values["fwhm"] = template.fwhm
    if template.wavelength_unit is not None:
        values["wavelength_unit"] = template.wavelength_unit
    if template.bad_bands is not None:
        values["bad_bands"] = template.bad_bands.astype(np.uint8)
    if template.nodata is not None:
        values["nodata"] = float(template.nodata)
    if template.metadata:
        values[METADATA] = json.dumps(template.metadata)
    return values


def parse_metadata(text: str | None) -> dict[str, Any]:
    """Return the metadata that hyspec wrote beside a cube; empty for any other text."""
    try:
        metadata = json.loads(text or "{}", parse_constant=str)
    except ValueError:
        return {}
    return metadata if isinstance(metadata, dict) else {}


def _length(axis: SpectralAxis) -> int | None:
    return next(
        (len(v) for v in (axis.wavelengths, axis.fwhm, axis.bad_bands) if v is not None), None
    )


def _fitting(values: Any, bands: int) -> Any:
    return values if values is not None and len(values) == bands else None


def _pixel_axes(shape: tuple[int, ...], image: tuple[int, int] | None) -> str | None:
    if image is None or len(shape) != 2:
        return None
    pixels = image[0] * image[1]
    # A square matrix is taken as bands x pixels, the usual form.
    return "bp" if shape[1] == pixels else "pb" if shape[0] == pixels else None
