"""CCSDS 122.0-B-2 (Image Data Compression, 2017), band by band, from an encoder of our own.

The standard codes one image: a three-level 9/7 wavelet transform and a bit plane encoder. Here
each band is an image of one segment, so that all of its bits are in order of importance.

A coded cube is the 16 bytes of header parts 2, 3 and 4, which all bands share; two bytes, most
significant first, with the number of bands that may take one byte more than the limit in part 2;
and the segments of all bands in a row, each with part 1 alone as header (4.2.1.3). A segment tells
its own end, and part 4 tells the number of columns and the range of the samples.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from hyspec.errors import StreamError, UsageError
from hyspec_bench import _ccsds122

#: Integer samples, shape (rows, columns, bands).
Samples = npt.NDArray[np.integer[Any]]

_PARTS_BYTES = 16
_EXTRA_BYTES = 2
#: Part 1 of the header of a last segment.
_HEADER_BYTES = 4
_MAX_BANDS = (1 << 8 * _EXTRA_BYTES) - 1
#: What a segment cannot exceed; as a limit it is none.
_MAX_SEGMENT_BYTES = 1 << 27
_MAX_SAMPLES = 1 << 29


def encode(cube: Samples, bps: float | None) -> bytes:
    """Code every band at the same rate by the float transform, or losslessly by the integer one.

    Parameters
    ----------
    cube : ndarray of integers, shape (rows, columns, bands)
        At least 17 rows and columns; up to 27 bits a sample, 25 where lossless.
    bps
        Bits per sample of the whole result at most, or None for lossless.

    Raises
    ------
    UsageError
        The cube is none that the standard can code, or the rate does not hold the headers.
    """
    if cube.ndim != 3 or not 1 <= cube.shape[2] <= _MAX_BANDS or cube.size == 0:
        raise UsageError(
            f"the cube has shape {cube.shape}; expected (rows, columns, bands) "
            f"with 1 to {_MAX_BANDS} bands"
        )
    rows, cols, bands = cube.shape
    low, high = int(cube.min()), int(cube.max())
    signed = low < 0
    limit, extra = (0, 0) if bps is None else _shares(int(bps * cube.size / 8), bands)
    settings: dict[str, Any] = {
        "segment_blocks": math.ceil(rows / 8) * math.ceil(cols / 8),
        "integer_transform": bps is None,
        "signed_pixels": signed,
        "bit_depth": max(1, high.bit_length() + signed, (~low).bit_length() + 1 if signed else 0),
        "width": cols,
    }
    normal = _ccsds122.Parameters(segment_bytes=limit, **settings)
    larger = _ccsds122.Parameters(segment_bytes=limit + 1 if limit else 0, **settings)
    try:
        segments = [
            _ccsds122.encode(plane, larger if band < extra else normal, optional_parts=False)
            for band, plane in enumerate(np.ascontiguousarray(cube.transpose(2, 0, 1), np.int32))
        ]
    except ValueError as error:
        raise UsageError(f"CCSDS 122 cannot code this cube: {error}") from error
    return b"".join([normal.to_bytes(), extra.to_bytes(_EXTRA_BYTES, "big"), *segments])


def _shares(budget: int, bands: int) -> tuple[int, int]:
    """Bytes of every band, and number of bands that take one more, within a budget of bytes.

    A limit of 0 is none.
    """
    limit, extra = divmod(budget - _PARTS_BYTES - _EXTRA_BYTES, bands)
    if limit < _HEADER_BYTES:
        raise UsageError(
            f"found a budget of {budget} bytes for {bands} bands; expected at least "
            f"{_PARTS_BYTES + _EXTRA_BYTES + _HEADER_BYTES * bands} for the headers alone",
            hint="ask for a higher rate",
        )
    return (limit, extra) if limit < _MAX_SEGMENT_BYTES - 1 else (0, 0)


def decode(data: bytes) -> Samples:
    """Decode what `encode` returned.

    Returns
    -------
    ndarray, shape (rows, columns, bands)
        Of the smallest of the types uint8, int8, uint16, int16 and int32 that holds all samples of
        the coded range.

    Raises
    ------
    StreamError
        The bytes are not such a cube.
    """
    start = _PARTS_BYTES + _EXTRA_BYTES
    if len(data) <= start:
        raise StreamError(f"found {len(data)} bytes; expected more than {start}")
    extra = int.from_bytes(data[_PARTS_BYTES:start], "big")
    planes: list[npt.NDArray[np.int32]] = []
    position = start
    try:
        normal = _ccsds122.Parameters.from_bytes(data[:_PARTS_BYTES])
        larger = _ccsds122.Parameters.from_bytes(data[:_PARTS_BYTES])
        larger.segment_bytes += extra > 0
        while position < len(data):
            left = _MAX_SAMPLES - sum(plane.size for plane in planes)
            plane, size = _ccsds122.decode(
                data,
                larger if len(planes) < extra else normal,
                offset=position,
                max_samples=left,
            )
            planes.append(plane)
            position += size
        cube = np.stack(planes, axis=2)
    except ValueError as error:
        raise StreamError(f"band {len(planes)}: {error}", offset=position) from error
    return cube.astype(_sample_type(normal))


def _sample_type(parameters: _ccsds122.Parameters) -> npt.DTypeLike:
    """Smallest type of the coded range."""
    signed, bits = parameters.signed_pixels, parameters.bit_depth
    if bits > 16:
        return np.int32
    return np.dtype(f"{'i' if signed else 'u'}{1 if bits <= 8 else 2}")
