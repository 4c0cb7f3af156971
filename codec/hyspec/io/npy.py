"""NumPy ``.npy`` files: samples alone, without spectral axis, nodata or georeference."""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from hyspec.cube import Cube
from hyspec.errors import DataError
from hyspec.io.axes import PIXEL_AXES, as_cube, guess_axes
from hyspec.io.layout import ReadOptions, Template
from hyspec.io.outputs import Output, flush, replacing, reserve, writing
from hyspec.io.samples import supported_samples


def read(path: Path, options: ReadOptions) -> Cube:
    """Read an array file as a memory map.

    Without ``options.axes``, two axes are rows and columns of one band, and of three the bands
    come last, or first if that axis is much the shortest (:func:`hyspec.io.axes.guess_axes`).
    The axes are in ``metadata["npy"]``, so that a file written later has the same order.

    Raises
    ------
    DataError
        The file is damaged, or holds Python objects or an array of another number of axes.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # headers written by Python 2
            array = np.load(path, mmap_mode="r", allow_pickle=False)
    except Exception as error:  # the header is Python source, and so are its errors
        raise DataError(
            f"{path} is no readable .npy file: {error}",
            hint="save the array again with numpy.save; arrays of Python objects are not read",
        ) from error
    if not isinstance(array, np.ndarray) or array.ndim not in (2, 3):
        shape = getattr(array, "shape", "of several arrays")
        raise DataError(
            f"{path} holds an array of shape {shape}; expected two or three axes",
            hint="reshape it to (rows, columns, bands)",
        )
    axes = options.axes or guess_axes(array.shape)
    samples = supported_samples(as_cube(array, axes, options.rows, options.columns), str(path))
    metadata = {} if axes in PIXEL_AXES else {"npy": {"axes": axes}}
    return Cube(samples, metadata=metadata)


@contextlib.contextmanager
def create(path: Path, template: Template, *, force: bool = False) -> Iterator[Output]:
    """Create an array file and yield its memory-mapped samples.

    The order of the axes is that of the source, if it was ``.npy``, else (rows, columns, bands).
    """
    axes = template.section("npy").get("axes", "rcb")
    if not isinstance(axes, str) or sorted(axes) not in (["b", "c", "r"], ["c", "r"]):
        axes = "rcb"
    if len(axes) == 2 and template.bands > 1:
        axes = "rcb"
    lengths = dict(zip("rcb", template.shape, strict=True))
    with replacing(path, force=force) as (temporary,):
        with writing(path):
            array = np.lib.format.open_memmap(
                temporary,
                mode="w+",
                dtype=template.dtype,
                shape=tuple(lengths[name] for name in axes),
            )
            reserve(temporary)
        yield Output(as_cube(array, axes))
        with writing(path):
            flush(array)
