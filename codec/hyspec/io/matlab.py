"""MATLAB files: version 5 (and 4) through SciPy, version 7.3, which is HDF5, through h5py."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from hyspec.cube import Cube
from hyspec.errors import DataError
from hyspec.io import damage
from hyspec.io.arrays import (
    CUBE,
    METADATA,
    parse_metadata,
    spectral_arrays,
    to_cube,
    wavelength_axis_lengths,
)
from hyspec.io.layout import ReadOptions, Template
from hyspec.io.matlab_check import check_structure, is_version_5
from hyspec.io.optional import require
from hyspec.io.outputs import Output, replacing, writing
from hyspec.io.spectral_axis import (
    COLUMN_NAMES,
    NODATA_NAMES,
    ROW_NAMES,
    SpectralAxis,
    from_names,
    normal_name,
    number_of,
    text_of,
)
from hyspec.io.variables import choose

_REMEDY = "save the file again in MATLAB, or fetch it again"

#: A variable of a version 5 file takes less than this many bytes.
MAX_VARIABLE_BYTES = 2**31

NUMERIC_CLASSES = frozenset(
    {
        *(f"{sign}int{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64)),
        "single",
        "double",
        "logical",
    }
)


@dataclass
class Contents:
    """What of a MATLAB file matters: the cube's array and the values that may describe it.

    ``scopes`` are groups of named values that belong together: first the variables of the file,
    then the fields of each structure.
    """

    array: npt.NDArray[Any]
    name: str
    scopes: list[dict[str, Any]] = field(default_factory=list)


def read(path: Path, options: ReadOptions) -> Cube:
    """Read the cube of a MATLAB file into memory.

    The cube is the variable that ``options.variable`` names, else the only one with three axes,
    or the only matrix of bands and pixels if the file also holds the number of rows and columns
    (pixel = column * rows + row). Variables and structure fields with obvious names give
    wavelengths, widths and bad bands.

    Raises
    ------
    DataError
        The file is damaged, or it is not clear which variable is the cube.
    MissingDependencyError
        SciPy, or for version 7.3 h5py, is not installed.
    """
    contents = _contents_7(path, options) if _is_hdf5(path) else _contents_5(path, options)
    names = contents.scopes[0]
    written = contents.name == CUBE and METADATA in names
    metadata = parse_metadata(text_of(names[METADATA])) if written else {}
    return to_cube(
        contents.array,
        _spectral_axis(contents),
        f"{path}, variable {contents.name}",
        options,
        image=_image(names),
        nodata=_first_number(names, NODATA_NAMES),
        metadata=metadata | {"mat": {"variable": contents.name}},
    )


@contextlib.contextmanager
def create(path: Path, template: Template, *, force: bool = False) -> Iterator[Output]:
    """Create a version 5 file; the samples are in memory until it is written on exit.

    Variables: ``cube`` (rows x columns x bands), and as far as known ``wavelengths``, ``fwhm``,
    ``wavelength_unit``, ``bad_bands``, ``nodata`` and ``metadata`` (JSON).

    Raises
    ------
    DataError
        The cube is too large for the format.
    """
    scipy_io = require("scipy.io", "writing MATLAB files")
    size = math.prod(template.shape) * template.dtype.itemsize
    if size >= MAX_VARIABLE_BYTES:
        raise DataError(
            f"the cube has {size} bytes; MATLAB files of version 5 hold less than "
            f"{MAX_VARIABLE_BYTES} bytes per variable",
            hint="write .h5, or .hdr (ENVI), which MATLAB also reads",
        )
    with replacing(path, force=force) as (temporary,):
        # SciPy writes MATLAB's order of the axes, which this is, without another copy.
        array = np.zeros(template.shape, template.dtype.newbyteorder("="), order="F")
        yield Output(array)
        with writing(path):
            values = {CUBE: array, **spectral_arrays(template)}
            scipy_io.savemat(temporary, values, appendmat=False, oned_as="row")


def _is_hdf5(path: Path) -> bool:
    with path.open("rb") as file:
        start = file.read(520)
    signature = b"\x89HDF\r\n\x1a\n"
    return start.startswith(signature) or start[512:] == signature


def _contents_5(path: Path, options: ReadOptions) -> Contents:
    scipy_io = require("scipy.io", "reading MATLAB files")
    with damage.reported(path, "MATLAB", _REMEDY):
        if is_version_5(path):
            check_structure(path)
        listing = scipy_io.whosmat(path)
        shapes = {name: shape for name, shape, kind in listing if kind in NUMERIC_CLASSES}
        beside = _vectors(shapes)
        beside += [name for name, _, kind in listing if kind == "char"]
        beside += [name for name, shape, kind in listing if (kind, shape) == ("struct", (1, 1))]
        values = scipy_io.loadmat(path, variable_names=beside)
        values = {name: values[name] for name in beside}
        scopes: list[dict[str, Any]] = [values]
        for value in values.values():
            if value.dtype.names:
                record = value.reshape(-1)[0]
                scopes.append({key: record[key] for key in value.dtype.names})
        name = _choose(path, shapes, values, options)
        array = scipy_io.loadmat(path, variable_names=[name])[name]
    return Contents(array, name, scopes)


def _contents_7(path: Path, options: ReadOptions) -> Contents:
    h5py = require("h5py", "reading MATLAB files of version 7.3")
    with damage.reported(path, "MATLAB", _REMEDY), h5py.File(path, "r") as file:
        top = _values_7(file, h5py)
        shapes = _shapes_7(file, h5py)
        scopes = [top]
        scopes += [
            _values_7(group, h5py)
            for group in file.values()
            if isinstance(group, h5py.Group) and _matlab_class(group) == "struct"
        ]
        name = _choose(path, shapes, top, options)
        return Contents(file[name][()].T, name, scopes)


def _shapes_7(group: Any, h5py: Any) -> dict[str, tuple[int, ...]]:
    """Return the MATLAB shapes of the numeric arrays; HDF5 has the axes in reverse order."""
    return {
        name: item.shape[::-1]
        for name, item in group.items()
        if isinstance(item, h5py.Dataset)
        and item.dtype.kind in "biuf"
        and _matlab_class(item) != "char"
        and "MATLAB_empty" not in item.attrs
    }


def _values_7(group: Any, h5py: Any) -> dict[str, Any]:
    """Return the scalars, vectors and texts of the file or of a structure."""
    values: dict[str, Any] = {name: group[name][()].T for name in _vectors(_shapes_7(group, h5py))}
    for name, item in group.items():
        if isinstance(item, h5py.Dataset) and _matlab_class(item) == "char":
            codes = np.asarray(item[()]).T.reshape(-1, order="F").astype("<u2")
            values[name] = codes.tobytes().decode("utf-16-le", "replace")
    return values


def _matlab_class(item: Any) -> str:
    value = item.attrs.get("MATLAB_class", b"")
    return value.decode("ascii", "replace") if isinstance(value, bytes) else str(value)


def _vectors(shapes: Mapping[str, tuple[int, ...]]) -> list[str]:
    return [name for name, shape in shapes.items() if 0 < math.prod(shape) == max((*shape, 1))]


def _choose(
    path: Path,
    shapes: Mapping[str, tuple[int, ...]],
    values: Mapping[str, Any],
    options: ReadOptions,
) -> str:
    image = _image(values)
    if options.rows is not None and options.columns is not None:
        image = options.rows, options.columns
    pixels = None if image is None else image[0] * image[1]
    return choose(shapes, str(path), wanted=options.variable, pixels=pixels)


def _spectral_axis(contents: Contents) -> SpectralAxis:
    """Return the most complete spectral axis among the scopes.

    Wavelengths and widths of different scopes are not mixed: they may differ in unit.
    """
    best = SpectralAxis()
    for bands in wavelength_axis_lengths(contents.array.shape):
        if bands == 1:
            continue
        for scope in contents.scopes:
            axis = from_names(scope.items(), bands)
            if best.bad_bands is None:
                best.bad_bands = axis.bad_bands
            if axis.wavelengths is not None and _completeness(axis) > _completeness(best):
                axis.bad_bands = best.bad_bands if axis.bad_bands is None else axis.bad_bands
                best = axis
    return best


def _completeness(axis: SpectralAxis) -> int:
    return sum(v is not None for v in (axis.wavelengths, axis.fwhm, axis.wavelength_unit))


def _image(names: Mapping[str, Any]) -> tuple[int, int] | None:
    rows, columns = _first_number(names, ROW_NAMES), _first_number(names, COLUMN_NAMES)
    if rows is None or columns is None or rows < 1 or columns < 1:
        return None
    return int(rows), int(columns)


def _first_number(names: Mapping[str, Any], wanted: frozenset[str]) -> float | None:
    found = (number_of(value) for name, value in names.items() if normal_name(name) in wanted)
    return next((value for value in found if value is not None), None)
