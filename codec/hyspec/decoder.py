"""Decoding: streams opened from files, and from memory into a cube at once."""

from __future__ import annotations

import mmap
from pathlib import Path
from typing import Unpack

from hyspec.areas import Range
from hyspec.cube import Cube
from hyspec.errors import DataError, StreamError
from hyspec.stream import Stream, StreamSettings


def open_stream(path: str | Path, **settings: Unpack[StreamSettings]) -> Stream:
    """Open a ``.hyc`` file for lazy reading.

    Parameters
    ----------
    path
        The file; it is memory-mapped.
    **settings
        ``pack``: pack to decode with, if it is not a shipped one; ``threads``;
        ``on_damage``: ``"raise"`` (default), or ``"fill"`` to replace what is lost by nodata (NaN
        or 0 in cubes without nodata) and note it in ``Stream.damage``; ``max_bytes``: memory limit;
        ``fast``: leave out the refinement of decoded planes, which takes most of the time where the
        pack has one; ``layers``: decode only so many layers of a layered stream, which with 1 may
        end after its base.

    Raises
    ------
    DataError
        The file cannot be read.
    StreamError
        It is not a hyspec stream, or a damaged one.
    """
    try:
        if not Path(path).is_file():
            what = "is not a regular file" if Path(path).exists() else "does not exist"
            raise DataError(f"{path} {what}", hint="expected a file written by hyspec-encode")
        with Path(path).open("rb") as file:
            if file.seek(0, 2) == 0:
                raise StreamError(
                    f"{path} is empty", hint="expected a file written by hyspec-encode"
                )
            data = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    except OSError as error:
        raise DataError(f"cannot open {path}: {error.strerror}") from error
    try:
        return Stream(data, **settings)
    except BaseException:
        data.close()
        raise


def decode(
    data: bytes | memoryview,
    rows: Range = None,
    cols: Range = None,
    bands: Range = None,
    **settings: Unpack[StreamSettings],
) -> Cube:
    """Decode a stream, or a part of it.

    Parameters
    ----------
    data
        The stream.
    rows, cols, bands
        Half-open ranges ``(start, stop)`` counted from 0, slices of step 1, single indices, or
        ``None`` for all.
    **settings
        Those of :func:`hyspec.open`.

    Returns
    -------
    Cube
        Decoded samples in the type of the source, with wavelengths, nodata and metadata.

    Raises
    ------
    StreamError, PackError, UsageError
        As for :class:`Stream` and :meth:`Stream.read`.
    """
    return Stream(data, **settings).read(rows, cols, bands)
