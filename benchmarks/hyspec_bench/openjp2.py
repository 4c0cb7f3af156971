"""JPEG 2000 (ISO/IEC 15444-1) through libopenjp2: many components in one codestream.

A thin binding, because none of the Python packages lets one ask for a number of bytes over many
components: OpenJPEG then truncates the code-blocks of all components at one common slope of their
rate-distortion curves (Taubman's EBCOT), which is the strongest form of JPEG 2000.
"""

from __future__ import annotations

import ctypes as c
import ctypes.util
import functools
import importlib.util
import math
import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from hyspec.errors import DataError, MissingDependencyError
from hyspec_bench import openjp2_types as types

Planes = npt.NDArray[np.int32]

#: Packages whose wheels carry the library in a folder of their own beside the package.
_WHEELS = (("imagecodecs", "imagecodecs.libs"), ("PIL", "pillow.libs"))
_STREAM_BUFFER = 1 << 20
#: Bits per sample for which OpenJPEG's coefficients, which are five bits longer at the coarsest
#: resolution and have six fractional bits, fit 32 bits.
MAX_PRECISION = 20


def encode(
    planes: npt.NDArray[np.integer[Any]],
    *,
    budget: int | None,
    reversible: bool = False,
    resolutions: int = 6,
) -> bytes:
    """Encode planes as the components of one codestream, without component transform.

    Parameters
    ----------
    planes : ndarray of int, shape (components, rows, columns)
        All get the same precision: the bits of the largest magnitude; signed if a value is
        negative.
    budget : int, optional
        Bytes that the codestream may take, headers included, shared by all components at a common
        slope; ``None`` for all coding passes, which is lossless with the reversible transform.
        OpenJPEG spends at least 30 bytes beside the main header.
    reversible
        5/3 wavelet in integers; else 9/7 in floating point.
    resolutions
        One more than the levels of the wavelet transform; fewer where the planes are too small.

    Raises
    ------
    DataError
        Samples of more bits than OpenJPEG holds, or an encoding that it refuses.
    MissingDependencyError
        There is no libopenjp2.
    """
    library = load()
    samples: Planes = np.ascontiguousarray(planes, np.int32)
    signed = int(planes.min()) < 0
    precision = _precision(int(planes.min()), int(planes.max()))
    if precision > MAX_PRECISION:
        raise DataError(f"the planes have {precision} bits; JPEG 2000 takes {MAX_PRECISION} here")
    parameters = types.CompressParameters()
    library.opj_set_default_encoder_parameters(parameters)
    parameters.tcp_numlayers = 1
    parameters.cp_disto_alloc = 1
    parameters.tcp_rates[0] = 0.0 if budget is None else planes.size * precision / (8 * budget)
    parameters.numresolution = min(resolutions, min(planes.shape[1:]).bit_length())
    parameters.irreversible = not reversible
    parameters.cp_comment = b""
    written = _Memory()
    with ExitStack() as stack:
        image = stack.enter_context(_image(library, samples, precision, signed))
        codec = stack.enter_context(_codec(library, library.opj_create_compress))
        stream = stack.enter_context(_stream(library, written, reading=False))
        codec.call("opj_setup_encoder", parameters, image)
        codec.call("opj_start_compress", image, stream)
        codec.call("opj_encode", stream)
        codec.call("opj_end_compress", stream)
    return bytes(written.data)


def decode(data: bytes) -> Planes:
    """Decode a codestream whose components have equal sizes.

    Returns
    -------
    ndarray of int32, shape (components, rows, columns)

    Raises
    ------
    DataError
        The bytes are no such codestream.
    MissingDependencyError
        There is no libopenjp2.
    """
    library = load()
    parameters = types.DecompressParameters()
    library.opj_set_default_decoder_parameters(parameters)
    with ExitStack() as stack:
        codec = stack.enter_context(_codec(library, library.opj_create_decompress))
        stream = stack.enter_context(_stream(library, _Memory(data), reading=True))
        codec.call("opj_setup_decoder", parameters)
        image = c.POINTER(types.Image)()
        stack.callback(lambda: library.opj_image_destroy(image) if image else None)
        header = c.byref(image)
        if not library.opj_read_header(stream, codec.handle, header):
            raise codec.error("opj_read_header")
        if not library.opj_decode(codec.handle, stream, image):
            raise codec.error("opj_decode")
        codec.call("opj_end_decompress", stream)
        components = image.contents.comps[: image.contents.numcomps]
        rows, columns = components[0].h, components[0].w
        if any((part.h, part.w) != (rows, columns) or not part.data for part in components):
            raise DataError("the components of the JPEG 2000 codestream differ in size")
        shape = (rows, columns)
        return np.stack([np.ctypeslib.as_array(part.data, shape) for part in components])


@functools.cache
def load() -> c.CDLL:
    """Load libopenjp2: of a wheel, whose version can be pinned, or else of the system.

    The environment variable ``HYSPEC_OPENJP2`` names another file.

    Raises
    ------
    MissingDependencyError
        None is found, or not one of version 2.
    """
    for path in _candidates():
        try:
            library = c.CDLL(path)
            types.declare(library)
        except (OSError, AttributeError):
            continue
        parameters = types.CompressParameters()
        library.opj_set_default_encoder_parameters(parameters)
        # Defaults of fields before, between and behind the large arrays: the layout is the same.
        known = (parameters.cp_disto_alloc, parameters.numresolution, parameters.cblockh_init)
        if library.opj_version().startswith(b"2.") and known == (0, 6, 64):
            return library
    raise MissingDependencyError(
        "JPEG 2000 needs the shared library libopenjp2 of OpenJPEG 2; none was found",
        hint="install imagecodecs or Pillow from their wheels, or Debian's libopenjp2-7, or set "
        "HYSPEC_OPENJP2 to the file",
    )


def free_bits(planes: npt.NDArray[np.floating[Any]]) -> int:
    """Fractional bits that may be kept of these values, so that `encode` takes them."""
    largest = max(1.0, float(np.abs(planes).max()))
    return MAX_PRECISION - 2 - math.floor(math.log2(largest))


def version() -> str:
    """Version of the library that `load` finds."""
    text: bytes = load().opj_version()
    return text.decode()


def _candidates() -> Iterator[str]:
    if "HYSPEC_OPENJP2" in os.environ:
        yield os.environ["HYSPEC_OPENJP2"]
        return
    for package, folder in _WHEELS:
        spec = importlib.util.find_spec(package)
        if spec is not None and spec.origin is not None:
            libraries = Path(spec.origin).parent.parent / folder
            yield from map(str, sorted(libraries.glob("libopenjp2*")))
    system = ctypes.util.find_library("openjp2")
    if system is not None:
        yield system


def _precision(low: int, high: int) -> int:
    """Bits that hold all values, the sign included where there is one."""
    if low >= 0:
        return max(1, high.bit_length())
    return 1 + max((-1 - low).bit_length(), max(0, high).bit_length())


class _Memory:
    """A file in memory that the library reads or writes; keeps the callbacks alive."""

    def __init__(self, data: bytes = b"") -> None:
        self.data = bytearray(data)
        self.position = 0
        self.callbacks = (
            types.TRANSFER(self._read),
            types.TRANSFER(self._write),
            types.SKIP(self._skip),
            types.SEEK(self._seek),
        )

    def _read(self, buffer: int, size: int, _: Any) -> int:
        part = bytes(self.data[self.position : self.position + size])
        if not part:
            return int(c.c_size_t(-1).value)  # the end, as OpenJPEG says it
        c.memmove(buffer, part, len(part))
        self.position += len(part)
        return len(part)

    def _write(self, buffer: int, size: int, _: Any) -> int:
        self.data[self.position : self.position + size] = c.string_at(buffer, size)
        self.position += size
        return size

    def _skip(self, size: int, _: Any) -> int:
        self.position += size
        return size

    def _seek(self, position: int, _: Any) -> int:
        self.position = position
        return 1


class _Codec:
    """Handle of an encoder or decoder with the messages of its errors."""

    def __init__(self, library: c.CDLL, handle: int) -> None:
        self.library = library
        self.handle = handle
        self.messages: list[str] = []
        self.callback = types.MESSAGE(lambda text, _: self.messages.append(text.decode().strip()))
        library.opj_set_error_handler(handle, self.callback, None)
        library.opj_codec_set_threads(handle, 1)

    def call(self, function: str, *arguments: Any) -> None:
        """Call a function that returns whether it succeeded; DataError if not."""
        if not getattr(self.library, function)(self.handle, *arguments):
            raise self.error(function)

    def error(self, function: str) -> DataError:
        """Return what the library said about a failure."""
        return DataError(
            f"{function} of OpenJPEG failed: {'; '.join(self.messages) or 'no reason'}"
        )


@contextmanager
def _codec(library: c.CDLL, create: Callable[[int], int]) -> Iterator[_Codec]:
    handle = create(types.CODEC_J2K)
    try:
        yield _Codec(library, handle)
    finally:
        library.opj_destroy_codec(handle)


@contextmanager
def _stream(library: c.CDLL, memory: _Memory, *, reading: bool) -> Iterator[int]:
    handle = library.opj_stream_create(_STREAM_BUFFER, int(reading))
    try:
        read, write, skip, seek = memory.callbacks
        if reading:
            library.opj_stream_set_read_function(handle, read)
        else:
            library.opj_stream_set_write_function(handle, write)
        library.opj_stream_set_skip_function(handle, skip)
        library.opj_stream_set_seek_function(handle, seek)
        library.opj_stream_set_user_data(handle, None, None)
        library.opj_stream_set_user_data_length(handle, len(memory.data))
        yield handle
    finally:
        library.opj_stream_destroy(handle)


@contextmanager
def _image(library: c.CDLL, planes: Planes, precision: int, signed: bool) -> Iterator[Any]:
    count, rows, columns = planes.shape
    parameters = (types.ComponentParameters * count)()
    for part in parameters:
        part.dx = part.dy = 1
        part.w, part.h = columns, rows
        part.prec = part.bpp = precision
        part.sgnd = signed
    image = library.opj_image_create(count, parameters, types.COLOUR_UNSPECIFIED)
    try:
        image.contents.x1, image.contents.y1 = columns, rows
        for index, plane in enumerate(planes):
            c.memmove(image.contents.comps[index].data, plane.ctypes.data, plane.nbytes)
        yield image
    finally:
        library.opj_image_destroy(image)
