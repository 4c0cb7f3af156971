"""Reading and writing cubes: ENVI, TIFF/GeoTIFF, NumPy, MATLAB, HDF5/NetCDF-4 and raw binary.

Arrays are always (rows, columns, bands), whatever the order in the file. Files are memory-mapped
where their layout allows it and never written in place: an output appears under its name only
when it is complete.
"""

from __future__ import annotations

from hyspec.io.layout import RawLayout, Template
from hyspec.io.outputs import Output, replacing
from hyspec.io.part import metadata_of_part, metadata_of_place
from hyspec.io.registry import (
    WRITABLE_SUFFIXES,
    create,
    read,
    source_files,
    target_files,
    write,
)

__all__ = [
    "WRITABLE_SUFFIXES",
    "Output",
    "RawLayout",
    "Template",
    "create",
    "metadata_of_part",
    "metadata_of_place",
    "read",
    "replacing",
    "source_files",
    "target_files",
    "write",
]
