"""Headerless binary files, read with a layout that the caller gives."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from hyspec.cube import Cube
from hyspec.errors import DataError
from hyspec.io.axes import as_cube
from hyspec.io.layout import FILE_AXES, RawLayout, checked_interleave
from hyspec.io.samples import supported_samples


def read(path: Path, layout: RawLayout) -> Cube:
    """Read a raw binary file as a memory map.

    Raises
    ------
    DataError
        The file does not have exactly the size that the layout describes.
    """
    found = path.stat().st_size
    if found != layout.nbytes:
        raise DataError(
            f"{path}: found {found} bytes; expected {layout.nbytes} bytes for "
            f"{layout.rows} rows x {layout.columns} columns x {layout.bands} bands of "
            f"{layout.dtype} after {layout.offset} bytes",
            hint="correct the dimensions, the sample type or the offset",
        )
    view = map_samples(path, layout)
    return Cube(supported_samples(view, str(path)))


def map_samples(path: Path, layout: RawLayout, mode: Any = "r") -> npt.NDArray[Any]:
    """Return the samples of a file of the right size as a (rows, columns, bands) memory map."""
    axes = FILE_AXES[checked_interleave(layout.interleave)]
    lengths = {"r": layout.rows, "c": layout.columns, "b": layout.bands}
    samples = np.memmap(
        path,
        dtype=layout.file_dtype,
        mode=mode,
        offset=layout.offset,
        shape=tuple(lengths[name] for name in axes),
    )
    return as_cube(samples, axes)
