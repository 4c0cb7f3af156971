"""Which format a file has, and the three functions that hide it: read, write and create."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

from hyspec.cube import Cube
from hyspec.errors import DataError, UsageError
from hyspec.io import envi, hdf5, matlab, npy, raw, tiff
from hyspec.io.layout import RawLayout, ReadOptions, Template
from hyspec.io.outputs import Output
from hyspec.io.samples import nodata_for

Reader = Callable[[Path, ReadOptions], Cube]

_READERS: dict[str, Reader] = {
    ".tif": tiff.read,
    ".tiff": tiff.read,
    ".npy": npy.read,
    ".mat": matlab.read,
    ".h5": hdf5.read,
    ".hdf5": hdf5.read,
    ".he5": hdf5.read,
    ".nc": hdf5.read,
    ".nc4": hdf5.read,
}

#: First bytes of files whose suffix says nothing.
_SIGNATURES: list[tuple[bytes, Reader]] = [
    (b"II*\0", tiff.read),
    (b"MM\0*", tiff.read),
    (b"II+\0", tiff.read),
    (b"MM\0+", tiff.read),
    (b"\x93NUMPY", npy.read),
    (b"\x89HDF\r\n\x1a\n", hdf5.read),
    (b"MATLAB 7.3", matlab.read),
    (b"MATLAB 5.0", matlab.read),
]

#: Suffixes that :func:`write` and :func:`create` accept.
WRITABLE_SUFFIXES = (".hdr", ".tif", ".tiff", ".npy", ".mat", ".h5")

#: Writing moves this many bytes at a time.
_BLOCK_BYTES = 1 << 24


def read(
    path: str | Path,
    *,
    variable: str | None = None,
    nodata: float | None = None,
    raw: RawLayout | None = None,
    axes: str | None = None,
    rows: int | None = None,
    columns: int | None = None,
) -> Cube:
    """Read a cube.

    Parameters
    ----------
    path
        ENVI header (``.hdr``) or the data file beside it; ``.tif``, ``.tiff``; ``.npy``;
        ``.mat``; ``.h5``, ``.hdf5``, ``.he5``, ``.nc``; or, with ``raw``, any binary file. A
        dataset of an HDF5 file can be appended after a colon, ``file.h5:/path/to/dataset``. The
        content decides where the suffix is unknown.
    variable
        Name of the MATLAB variable or HDF5 dataset, or number of the TIFF image, when the file
        holds several.
    nodata
        Value of samples without measurement; replaces the one that the file states.
    raw
        Layout of a headerless file.
    axes
        Order of the axes in an array file, when it is not found by itself: ``"rcb"`` (rows,
        columns, bands), ``"brc"`` and so on, ``"rc"`` for one band, or ``"bp"`` or ``"pb"`` for a
        matrix of bands and pixels with pixel = column * rows + row, MATLAB's order.
    rows, columns
        Shape of the image, for ``"bp"`` and ``"pb"``; one of them is enough.

    Returns
    -------
    Cube
        Its array is (rows, columns, bands): a view of a memory map where the file's layout
        allows it, else in memory.

    Raises
    ------
    DataError
        The file is missing, damaged, or holds no cube that can be identified.
    UsageError
        The options contradict each other or the file.
    MissingDependencyError
        The format needs a package that is not installed.
    """
    file, dataset = _split(path)
    if dataset is not None:
        if variable is not None:
            raise UsageError(
                f"{path} names a dataset, and so does variable {variable!r}",
                hint="give one of the two",
            )
        variable = dataset
    _check_input(file)
    if raw is not None and (variable, axes, rows, columns) != (None, None, None, None):
        raise UsageError("a raw layout leaves no choice of variable, axes, rows or columns")
    options = ReadOptions(variable, axes, rows, columns)
    try:
        cube = _read_raw(file, raw) if raw is not None else _reader(file)(file, options)
    except OSError as error:
        raise DataError(f"cannot read {file}: {error.strerror or error}") from error
    if nodata is not None:
        cube.nodata = nodata_for(float(nodata), cube.array.dtype)
    return cube


def create(
    path: str | Path,
    template: Template | Cube,
    *,
    force: bool = False,
    interleave: str | None = None,
    byte_order: str | None = None,
) -> AbstractContextManager[Output]:
    """Create a file for samples that are computed afterwards.

    The context manager yields an :class:`Output` whose writable ``array`` (rows, columns, bands)
    is memory-mapped for ENVI, TIFF, ``.npy`` and HDF5, and in memory for MATLAB. The file appears
    under its name on clean exit; on an exception nothing remains.

    Parameters
    ----------
    path
        Name with one of the suffixes in ``WRITABLE_SUFFIXES``. A ``.hdr`` gets its data file,
        ``.img``, beside it.
    template
        Shape, sample type, spectral axis, nodata and metadata. Metadata of the same format as
        the source are written back; georeference (UTM and longitude/latitude on WGS 84) also
        crosses between ENVI and GeoTIFF. ``.npy`` holds samples alone.
    force
        Replace existing files.
    interleave
        ENVI: ``"bsq"``, ``"bil"`` or ``"bip"``; TIFF: ``"bsq"`` or ``"bip"``. By default that of
        the source, if it was of such a format, else ``"bsq"``.
    byte_order
        ENVI and TIFF: ``"little"`` or ``"big"``. By default that of the source, if it was of the
        same format, else ``"little"``.

    Raises
    ------
    UsageError
        The suffix is unknown, the output exists, its directory does not, or an option does not
        fit the format.
    DataError
        The system refuses to write, or the cube is too large for the format.
    """
    file = Path(path)
    suffix = file.suffix.lower()
    if isinstance(template, Cube):
        template = Template.of(template)
    if suffix not in WRITABLE_SUFFIXES:
        raise UsageError(
            f"{file}: no format is known for suffix {suffix!r}",
            hint=f"use one of {', '.join(WRITABLE_SUFFIXES)}",
        )
    if suffix == ".hdr":
        return envi.create(
            file, template, force=force, interleave=interleave, byte_order=byte_order
        )
    if suffix in (".tif", ".tiff"):
        return tiff.create(
            file, template, force=force, interleave=interleave, byte_order=byte_order
        )
    if interleave is not None or byte_order is not None:
        raise UsageError(f"{suffix} files have no choice of interleave or byte order")
    creators = {".npy": npy.create, ".mat": matlab.create, ".h5": hdf5.create}
    return creators[suffix](file, template, force=force)


def write(
    path: str | Path,
    cube: Cube,
    *,
    force: bool = False,
    interleave: str | None = None,
    byte_order: str | None = None,
) -> None:
    """Write a cube; see :func:`create` for the formats, options and errors."""
    step = max(1, _BLOCK_BYTES // (cube.columns * cube.bands * cube.array.dtype.itemsize))
    with create(path, cube, force=force, interleave=interleave, byte_order=byte_order) as output:
        for row in range(0, cube.rows, step):
            output.array[row : row + step] = cube.array[row : row + step]


def source_files(path: str | Path) -> list[Path]:
    """Files that :func:`read` may read for this path: an ENVI cube is a header and its data."""
    file = _split(path)[0]
    if file.suffix.lower() == ".hdr":
        return [file, *envi.data_beside(file)]
    header = envi.header_beside(file)
    return [file] if header is None else [file, header]


def target_files(path: str | Path) -> list[Path]:
    """Files that :func:`create` writes for this path."""
    file = Path(path)
    return [file, envi.data_for(file)] if file.suffix.lower() == ".hdr" else [file]


def _split(path: str | Path) -> tuple[Path, str | None]:
    """Split ``file.h5:/dataset`` at the colon, unless a file of the whole name exists."""
    text = str(path)
    name, colon, dataset = text.rpartition(":")
    if colon and _READERS.get(Path(name).suffix.lower()) is hdf5.read and not Path(text).exists():
        return Path(name), dataset
    return Path(path), None


def _check_input(path: Path) -> None:
    if path.is_dir():
        raise DataError(f"{path} is a directory; expected a file")
    if not path.exists():
        raise DataError(f"{path} does not exist", hint="check the name")
    if not path.is_file():
        raise DataError(
            f"{path} is not a regular file", hint="a cube cannot be read from a pipe or a device"
        )
    if path.stat().st_size == 0:
        raise DataError(f"{path} is empty: found 0 bytes", hint="fetch the file again")


def _reader(path: Path) -> Reader:
    suffix = path.suffix.lower()
    if suffix in _READERS:
        return _READERS[suffix]
    if suffix == ".hdr" or envi.header_beside(path) is not None:
        return _read_envi
    with path.open("rb") as file:
        start = file.read(16)
    for signature, reader in _SIGNATURES:
        if start.startswith(signature):
            return reader
    raise DataError(
        f"{path}: the format is not recognised, and it has no ENVI header beside it",
        hint=f"put {path.name}.hdr beside it, or give the layout of a raw file",
    )


def _read_envi(path: Path, options: ReadOptions) -> Cube:
    if options != ReadOptions():
        given = [name for name, value in dataclasses.asdict(options).items() if value is not None]
        raise UsageError(f"{path}: an ENVI header leaves no choice of {', '.join(given)}")
    return envi.read(path)


def _read_raw(path: Path, layout: RawLayout) -> Cube:
    return raw.read(path, layout)
