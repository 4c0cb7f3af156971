"""Order of the axes of an array file, and its view as (rows, columns, bands)."""

from __future__ import annotations

from typing import Any

import numpy.typing as npt

from hyspec.errors import UsageError

#: Flattened forms: p is the pixel number in MATLAB's column-major order, column * rows + row.
PIXEL_AXES = ("bp", "pb")

#: A leading axis is taken for the bands only if it is this many times shorter than both others,
BAND_FIRST_RATIO = 8
#: both others are at least this long (an image, not a block of a few lines),
BAND_FIRST_IMAGE = 128
#: and they do not differ by more than this factor (an image is longer in one direction than in
#: the other, but hundreds of bands beside thousands of columns are no image).
BAND_FIRST_ASPECT = 4


def checked_axes(axes: str) -> str:
    """Return a valid axes string, or raise UsageError.

    ``"rcb"`` and its permutations name the three axes; ``"rc"`` and ``"cr"`` are one band;
    ``"bp"`` and ``"pb"`` are matrices of bands and pixels.
    """
    if sorted(axes) in (sorted("rcb"), sorted("rc")) or axes in PIXEL_AXES:
        return axes
    raise UsageError(
        f"axes {axes!r} are not understood",
        hint="name each axis once, r = rows, c = columns, b = bands, for instance rcb or brc; "
        "or bp for bands x pixels, with rows and columns",
    )


def guess_axes(shape: tuple[int, ...], bands: int | None = None) -> str:
    """Return the axes of a 2-D or 3-D array whose file does not name them.

    Two axes are rows and columns of one band. Of three, the bands are the axis that alone has as
    many entries as there are wavelengths (``bands``), if that is known; else the first, if it is
    shorter than both others by a clear margin and the others look like an image; else the last.
    """
    if len(shape) == 2:
        return "rc"
    if bands is not None and shape.count(bands) == 1:
        return {0: "brc", 1: "rbc", 2: "rcb"}[shape.index(bands)]
    first, second, third = shape
    image = sorted((second, third))
    if (
        first > 1
        and first * BAND_FIRST_RATIO <= image[0]
        and image[0] >= BAND_FIRST_IMAGE
        and image[1] <= BAND_FIRST_ASPECT * image[0]
        and bands != third
    ):
        return "brc"
    return "rcb"


def as_cube(
    array: npt.NDArray[Any], axes: str, rows: int | None = None, columns: int | None = None
) -> npt.NDArray[Any]:
    """View an array as (rows, columns, bands).

    Parameters
    ----------
    array
        Array of two or three axes.
    axes
        Their names, see :func:`checked_axes`.
    rows, columns
        Shape of the image, for ``"bp"`` and ``"pb"``; one of them is enough.

    Raises
    ------
    UsageError
        The axes do not fit the array, or rows times columns is not the number of pixels.
    """
    axes = checked_axes(axes)
    if array.ndim != len(axes):
        raise UsageError(
            f"axes {axes!r} name {len(axes)} axes; the array has shape {array.shape}",
            hint="name every axis of the array once",
        )
    if axes in PIXEL_AXES:
        return _unflatten(array, axes, rows, columns)
    if len(axes) == 2:
        return array.transpose(axes.index("r"), axes.index("c"))[..., None]
    return array.transpose([axes.index(name) for name in "rcb"])


def _unflatten(
    array: npt.NDArray[Any], axes: str, rows: int | None, columns: int | None
) -> npt.NDArray[Any]:
    pixels = array.shape[axes.index("p")]
    if rows is None and columns is None:
        raise UsageError(
            f"axes {axes!r} need the number of rows or columns of the image",
            hint="give rows and columns",
        )
    if not rows:
        rows = pixels // columns if columns else 0
    if not columns:
        columns = pixels // rows if rows else 0
    if rows * columns != pixels or rows < 1:
        raise UsageError(
            f"{rows} rows x {columns} columns are {rows * columns} pixels; "
            f"the array of shape {array.shape} has {pixels}"
        )
    if axes == "bp":
        return array.reshape(array.shape[0], columns, rows).transpose(2, 1, 0)
    return array.reshape(columns, rows, array.shape[1]).transpose(1, 0, 2)
