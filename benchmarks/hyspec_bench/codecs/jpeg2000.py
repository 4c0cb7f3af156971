"""JPEG 2000 (ISO/IEC 15444-1) without spectral transform, through OpenJPEG."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from hyspec import Cube
from hyspec_bench import openjp2
from hyspec_bench.codecs import framing
from hyspec_bench.codecs.codec import Codec, Kind, Samples, Target

Planes = npt.NDArray[np.integer[Any]]

#: Numbers of resolutions that are tried: one more than the levels of the wavelet transform.
RESOLUTIONS = (3, 4, 5, 6)


def planes_of(cube: Cube) -> npt.NDArray[np.int32]:
    """Return the bands of a cube, shape (bands, rows, columns)."""
    return np.ascontiguousarray(np.moveaxis(cube.array, 2, 0), np.int32)


def cube_of(planes: Planes) -> Samples:
    """Samples of bands, shape (rows, columns, bands)."""
    return np.moveaxis(planes, 0, 2)


class BandByBand(Codec):
    """One codestream per band, each at the target rate; 9/7 wavelet, or 5/3 where lossless.

    The number of resolutions, one for all bands, is chosen by trial.
    """

    kinds = frozenset({Kind.RATE, Kind.LOSSLESS})
    searches = kinds

    def settings(self) -> dict[str, Any]:
        """See the base class."""
        return {"resolutions": list(RESOLUTIONS)}

    def encode(self, cube: Cube, target: Target) -> bytes:
        """See the base class."""
        planes = planes_of(cube)
        if target.kind is Kind.LOSSLESS:
            return shortest(
                lambda resolutions: framing.parts(
                    openjp2.encode(
                        plane[None], budget=None, reversible=True, resolutions=resolutions
                    )
                    for plane in planes
                )
            )
        band_budget = target.budget(planes[0].size)
        return best(
            planes,
            lambda resolutions: framing.parts(
                openjp2.encode(plane[None], budget=band_budget, resolutions=resolutions)
                for plane in planes
            ),
            _decode_bands,
        )

    def decode(self, data: bytes) -> Samples:
        """See the base class."""
        return cube_of(_decode_bands(data))


class ManyComponents(Codec):
    """All bands as components of one codestream, with common rate-distortion allocation.

    Parameters
    ----------
    resolutions
        Numbers of resolutions to try; the best one counts.
    """

    kinds = frozenset({Kind.RATE, Kind.LOSSLESS})

    def __init__(self, resolutions: Sequence[int] = RESOLUTIONS) -> None:
        self.resolutions = resolutions
        self.searches = self.kinds if len(resolutions) > 1 else frozenset()

    def settings(self) -> dict[str, Any]:
        """See the base class."""
        return {"resolutions": list(self.resolutions)}

    def encode(self, cube: Cube, target: Target) -> bytes:
        """See the base class."""
        planes = planes_of(cube)
        if target.kind is Kind.LOSSLESS:
            return shortest(
                lambda resolutions: openjp2.encode(
                    planes, budget=None, reversible=True, resolutions=resolutions
                ),
                self.resolutions,
            )
        budget = target.budget(planes.size)
        return best(
            planes,
            lambda resolutions: openjp2.encode(planes, budget=budget, resolutions=resolutions),
            openjp2.decode,
            self.resolutions,
        )

    def decode(self, data: bytes) -> Samples:
        """See the base class."""
        return cube_of(openjp2.decode(data))


def best(
    planes: Planes,
    encode: Callable[[int], bytes],
    decode: Callable[[bytes], Planes],
    resolutions: Sequence[int] = RESOLUTIONS,
) -> bytes:
    """Encode with each number of resolutions and keep the smallest squared error.

    All trials have the same budget. OpenJPEG overshoots tiny ones; what it took is what counts.
    """

    def squared_error(data: bytes) -> float:
        return float(np.square(planes - decode(data), dtype=np.float64).sum())

    if len(resolutions) == 1:
        return encode(resolutions[0])
    return min(map(encode, resolutions), key=squared_error)


def shortest(encode: Callable[[int], bytes], resolutions: Sequence[int] = RESOLUTIONS) -> bytes:
    """Encode with each number of resolutions and keep the shortest."""
    return min(map(encode, resolutions), key=len)


def _decode_bands(data: bytes) -> Planes:
    return np.concatenate([openjp2.decode(part) for part in framing.Reader(data).parts()])
