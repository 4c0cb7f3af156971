"""Image codecs, band by band: JPEG XL and JPEG-LS through imagecodecs."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any

import imagecodecs
import numpy as np
import numpy.typing as npt

from hyspec import Cube
from hyspec.errors import DataError
from hyspec_bench.codecs import framing
from hyspec_bench.codecs.codec import Codec, Kind, Samples, Target
from hyspec_bench.codecs.jpeg2000 import cube_of
from hyspec_bench.codecs.rate_search import nearest

Image = npt.NDArray[np.unsignedinteger[Any]]

#: Range of JPEG XL's distance, the larger the worse.
_DISTANCES = (0.01, 25.0)
#: JPEG XL's default effort.
_EFFORT = 7


class _Images(Codec):
    """Bands as grey images of 8 or 16 bits, whose range starts at the cube's minimum or 0."""

    def decode(self, data: bytes) -> Samples:
        """See the base class."""
        reader = framing.Reader(data)
        low = reader.signed()
        return cube_of(np.stack([self._decode_image(part) for part in reader.parts()])) + low

    def _images(self, cube: Cube) -> tuple[int, list[Image]]:
        """What was subtracted, and the images."""
        low = min(0, int(cube.array.min()))
        high = int(cube.array.max()) - low
        if high > 0xFFFF:
            raise DataError(f"the samples span {high}; image codecs take at most 16 bits")
        images = (cube.array.astype(np.int64) - low).astype(np.uint8 if high <= 0xFF else np.uint16)
        return low, [np.ascontiguousarray(images[:, :, band]) for band in range(cube.bands)]

    @abstractmethod
    def _decode_image(self, data: bytes) -> npt.NDArray[np.int32]:
        """Decode one band."""


class JpegXl(_Images):
    """JPEG XL (ISO/IEC 18181), band by band at one distance for all that meets the rate."""

    kinds = frozenset({Kind.RATE, Kind.LOSSLESS})
    searches = frozenset({Kind.RATE})

    def settings(self) -> dict[str, Any]:
        """See the base class."""
        return {"effort": _EFFORT}

    def encode(self, cube: Cube, target: Target) -> bytes:
        """See the base class."""
        low, images = self._images(cube)

        def encode(**settings: Any) -> bytes:
            return framing.signed(low) + framing.parts(
                bytes(
                    imagecodecs.jpegxl_encode(
                        image,
                        effort=_EFFORT,
                        photometric="gray",
                        usecontainer=False,
                        numthreads=1,
                        **settings,
                    )
                )
                for image in images
            )

        if target.kind is Kind.LOSSLESS:
            return encode(lossless=True)
        budget = target.budget(cube.array.size)
        return nearest(lambda distance: encode(distance=distance), budget, *_DISTANCES)

    def _decode_image(self, data: bytes) -> npt.NDArray[np.int32]:
        return imagecodecs.jpegxl_decode(data, numthreads=1).astype(np.int32)


class JpegLs(_Images):
    """JPEG-LS (ISO/IEC 14495-1, CharLS), band by band, lossless or near-lossless."""

    kinds = frozenset({Kind.MAX_ERROR, Kind.LOSSLESS})

    def encode(self, cube: Cube, target: Target) -> bytes:
        """See the base class."""
        low, images = self._images(cube)
        return framing.signed(low) + framing.parts(
            bytes(imagecodecs.jpegls_encode(image, level=int(target.value))) for image in images
        )

    def _decode_image(self, data: bytes) -> npt.NDArray[np.int32]:
        return imagecodecs.jpegls_decode(data).astype(np.int32)
