"""HDF5 and NetCDF-4 files: one dataset is the cube, ``file.h5:/path/to/dataset``."""

from __future__ import annotations

import contextlib
import math
import os
from collections.abc import Iterator
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
from hyspec.io.envi_header import split_list
from hyspec.io.layout import ReadOptions, Template
from hyspec.io.optional import require
from hyspec.io.outputs import Output, flush, replacing, reserve, writing
from hyspec.io.spectral_axis import (
    NODATA_NAMES,
    UNIT_NAMES,
    WAVELENGTH_NAMES,
    SpectralAxis,
    from_names,
    normal_name,
    number_of,
    text_of,
)
from hyspec.io.variables import choose

_REMEDY = "fetch the file again, or look at it with h5ls or h5dump"

#: Attributes with more entries than this are not kept as metadata.
MAX_ATTRIBUTE_ENTRIES = 64


def read(path: Path, options: ReadOptions) -> Cube:
    """Read a dataset, as a memory map where it is stored contiguously and unfiltered.

    The cube is the dataset that ``options.variable`` names, else the only one with three axes.
    Wavelengths, widths and bad bands come from its attributes and from the nearest datasets with
    obvious names; ENVI-style map information (``Map_Info``) from the nearest dataset of that
    name. ``metadata["hdf5"]`` holds the dataset's name and short attributes.

    Raises
    ------
    DataError
        The file is damaged, there is no such dataset, or it is not clear which is the cube.
    MissingDependencyError
        h5py is not installed.
    """
    h5py = require("h5py", "reading HDF5 and NetCDF-4 files")
    _refuse_classic(path)
    with damage.reported(path, "HDF5", _REMEDY), h5py.File(path, "r") as file:
        datasets: dict[str, Any] = {}

        def collect(name: str, item: Any) -> None:
            if isinstance(item, h5py.Dataset):
                datasets["/" + name] = item

        file.visititems(collect)
        name = _choose(path, datasets, options)
        dataset = datasets[name]
        array = _samples(path, dataset)
        beside = sorted(datasets.values(), key=lambda item: -_shared_levels(name, item.name))
        axis = _spectral_axis(dataset, beside)
        nodata = _nodata(dataset, file)
        metadata: dict[str, Any] = {}
        if name == f"/{CUBE}" and f"/{METADATA}" in datasets:
            metadata = parse_metadata(text_of(datasets[f"/{METADATA}"][()]))
        else:
            info = _map_info(beside)
            metadata = {"envi": {"map info": info}} if info else {}
        metadata["hdf5"] = {"dataset": name, "attributes": _attributes(dataset)}
    return to_cube(array, axis, f"{path}:{name}", options, nodata=nodata, metadata=metadata)


@contextlib.contextmanager
def create(path: Path, template: Template, *, force: bool = False) -> Iterator[Output]:
    """Create an HDF5 file and yield the memory-mapped samples of its dataset ``/cube``.

    Beside it, as far as known: ``/wavelengths``, ``/fwhm``, ``/wavelength_unit``, ``/bad_bands``,
    ``/nodata`` and ``/metadata`` (JSON).
    """
    h5py = require("h5py", "writing HDF5 files")
    dtype = template.dtype.newbyteorder("=")
    with replacing(path, force=force) as (temporary,):
        with writing(path):
            properties = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
            # Space in the file from the start, so that it can be mapped.
            properties.set_alloc_time(h5py.h5d.ALLOC_TIME_EARLY)
            properties.set_fill_time(h5py.h5d.FILL_TIME_NEVER)
            with h5py.File(temporary, "w") as file:
                for name, value in spectral_arrays(template).items():
                    file[name] = value
                space = h5py.h5s.create_simple(template.shape)
                kind = h5py.h5t.py_create(dtype)
                created = h5py.h5d.create(file.id, CUBE.encode(), kind, space, properties)
                offset = created.get_offset()
                del created
            with temporary.open("r+b") as plain:
                end = offset + math.prod(template.shape) * dtype.itemsize
                if plain.seek(0, os.SEEK_END) < end:
                    plain.truncate(end)
            reserve(temporary)
            samples = np.memmap(temporary, dtype, "r+", offset, template.shape)
        yield Output(samples)
        with writing(path):
            flush(samples)


def _refuse_classic(path: Path) -> None:
    with path.open("rb") as file:
        if file.read(3) == b"CDF":
            raise DataError(
                f"{path} is a NetCDF file of the classic format; expected NetCDF-4 (HDF5)",
                hint="convert it with: nccopy -k nc4 INPUT OUTPUT",
            )


def _choose(path: Path, datasets: dict[str, Any], options: ReadOptions) -> str:
    shapes = {
        name: tuple(item.shape)
        for name, item in datasets.items()
        if item.shape is not None and item.dtype.kind in "biuf"
    }
    wanted = options.variable
    if wanted is not None:
        wanted = "/" + wanted.strip("/")
    pixels = None
    if options.rows is not None and options.columns is not None:
        pixels = options.rows * options.columns
    return choose(shapes, str(path), wanted=wanted, pixels=pixels, kind="dataset")


def _samples(path: Path, dataset: Any) -> npt.NDArray[Any]:
    offset = dataset.id.get_offset()
    if offset is None or dataset.external or dataset.dtype.kind == "b":
        return np.asarray(dataset[()])
    return np.memmap(path, dataset.dtype, "r", offset, dataset.shape)


def _shared_levels(name: str, other: str) -> int:
    """Return how many groups two datasets have in common; the nearer, the more."""
    pairs = zip(name.split("/")[:-1], other.split("/")[:-1], strict=False)
    return next((level for level, (a, b) in enumerate(pairs) if a != b), len(other.split("/")))


def _spectral_axis(dataset: Any, beside: list[Any]) -> SpectralAxis:
    best = SpectralAxis()
    for bands in wavelength_axis_lengths(tuple(dataset.shape)):
        if bands == 1:
            continue
        values = list(dataset.attrs.items())
        unit = None
        for item in beside:
            key = normal_name(item.name.rpartition("/")[2])
            if item.shape is not None and item.size == bands and item is not dataset:
                values.append((key, item[()]))
                if key in WAVELENGTH_NAMES and unit is None:
                    unit = _unit(item)
            elif key in UNIT_NAMES and item.shape in ((), (1,)):
                values.append((key, item[()]))
        axis = from_names(values, bands)
        axis.wavelength_unit = axis.wavelength_unit or unit
        if best.wavelengths is None and axis.wavelengths is not None:
            best = axis
    return best


def _unit(dataset: Any) -> str | None:
    for name, value in dataset.attrs.items():
        if normal_name(name) in {"unit", "units"}:
            return text_of(value)
    return None


def _nodata(dataset: Any, file: Any) -> float | None:
    values = list(dataset.attrs.items())
    if dataset.name == f"/{CUBE}" and "nodata" in file:
        values.append(("nodata", file["nodata"][()]))
    for name, value in values:
        if normal_name(name) in NODATA_NAMES:
            number = number_of(value)
            if number is not None:
                return number
    return None


def _map_info(beside: list[Any]) -> list[str]:
    for item in beside:
        if normal_name(item.name.rpartition("/")[2]) == "mapinfo" and item.shape in ((), (1,)):
            text = text_of(item[()])
            if text:
                return split_list(text.strip("{} "))
    return []


def _attributes(dataset: Any) -> dict[str, Any]:
    """Return the short attributes that JSON can hold."""
    attributes: dict[str, Any] = {}
    for name, value in dataset.attrs.items():
        array = np.asarray(value)
        if array.dtype.kind in "biuf" and array.size <= MAX_ATTRIBUTE_ENTRIES:
            attributes[name] = _storable(array.tolist())
        else:
            text = text_of(value)
            if text is not None:
                attributes[name] = text
    return attributes


def _storable(value: Any) -> Any:
    """Write NaN and infinity, common as fill values but unknown to JSON, as texts."""
    if isinstance(value, list):
        return [_storable(item) for item in value]
    return str(value) if isinstance(value, float) and not math.isfinite(value) else value
