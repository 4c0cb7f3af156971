"""Wavelet transform along the spectrum, then all coefficient planes in one JPEG 2000 codestream.

The filters are those of JPEG 2000 (ISO/IEC 15444-1, Annex F): 9/7 by lifting where lossy, the
reversible 5/3 where lossless, with symmetric extension, for any number of bands.
"""

from __future__ import annotations

import functools
import struct
from typing import Any

import numpy as np
import numpy.typing as npt

from hyspec import Cube
from hyspec_bench import openjp2
from hyspec_bench.codecs import framing
from hyspec_bench.codecs.codec import Codec, Kind, Samples, Target
from hyspec_bench.codecs.jpeg2000 import RESOLUTIONS, best, cube_of, planes_of, shortest

Array = npt.NDArray[Any]
Float64 = npt.NDArray[np.float64]

#: Levels of the spectral transform.
LEVELS = 5
#: Lifting steps of the 9/7 filters, and the factor of their low-pass half that makes them nearly
#: orthonormal (Daubechies and Sweldens, 1998).
_STEPS_97 = (-1.586134342059924, -0.052980118572961, 0.882911075530934, 0.443506852043971)
_SCALE_97 = 1.149604398860241
#: Most fractional bits that coefficients keep before JPEG 2000.
_FRACTION_BITS = 3


class SpectralDwt(Codec):
    """Five levels along the spectrum and JPEG 2000 with common allocation over all planes.

    Each plane is weighted by the norm of its synthesis vector, so that the common allocation is
    right for the samples. The spatial resolutions are chosen by trial.
    """

    kinds = frozenset({Kind.RATE, Kind.LOSSLESS})
    searches = kinds

    def settings(self) -> dict[str, Any]:
        """See the base class."""
        return {"spectral_levels": LEVELS, "resolutions": list(RESOLUTIONS)}

    def encode(self, cube: Cube, target: Target) -> bytes:
        """See the base class."""
        planes = planes_of(cube)
        if target.kind is Kind.LOSSLESS:
            coefficients = forward_53(planes)
            return b"\1" + shortest(
                lambda resolutions: openjp2.encode(
                    coefficients, budget=None, reversible=True, resolutions=resolutions
                )
            )
        weights = synthesis_norms(len(planes))[:, None, None]
        exact = forward_97(planes.astype(np.float64)) * weights
        shift = min(_FRACTION_BITS, openjp2.free_bits(exact))
        coefficients = np.rint(np.ldexp(exact, shift)).astype(np.int32)
        head = b"\0" + struct.pack("<iib", int(planes.min()), int(planes.max()), shift)
        budget = target.budget(planes.size) - len(head)
        return head + best(
            coefficients,
            lambda resolutions: openjp2.encode(
                coefficients, budget=budget, resolutions=resolutions
            ),
            openjp2.decode,
        )

    def decode(self, data: bytes) -> Samples:
        """See the base class."""
        reader = framing.Reader(data)
        if reader.take(1) == b"\1":
            return cube_of(inverse_53(openjp2.decode(reader.rest())))
        low, high, shift = struct.unpack("<iib", reader.take(9))
        coefficients = np.ldexp(openjp2.decode(reader.rest()).astype(np.float64), -shift)
        planes = inverse_97(coefficients / synthesis_norms(len(coefficients))[:, None, None])
        return cube_of(np.clip(np.rint(planes), low, high).astype(np.int32))


def forward_97(planes: Float64, levels: int = LEVELS) -> Float64:
    """9/7 transform along the first axis; the low-pass part of each level comes first."""
    result = planes.copy()
    for size in _sizes(len(planes), levels):
        low, high = _split(result[:size])
        for step, factor in enumerate(_STEPS_97):
            _lift(low, high, step, factor)
        result[:size] = np.concatenate([low * _SCALE_97, high / _SCALE_97])
    return result


def inverse_97(coefficients: Float64, levels: int = LEVELS) -> Float64:
    """Inverse of `forward_97`."""
    result = coefficients.copy()
    for size in reversed(_sizes(len(result), levels)):
        half = (size + 1) // 2
        low, high = result[:half] / _SCALE_97, result[half:size] * _SCALE_97
        for step, factor in reversed(list(enumerate(_STEPS_97))):
            _lift(low, high, step, -factor)
        result[:size] = _merge(low, high)
    return result


def forward_53(planes: npt.NDArray[np.int32], levels: int = LEVELS) -> npt.NDArray[np.int32]:
    """Reversible 5/3 transform along the first axis; the low-pass parts come first."""
    result = planes.copy()
    for size in _sizes(len(planes), levels):
        low, high = _split(result[:size])
        high -= (low[: len(high)] + _next(low, high)) >> 1
        low += (_previous(low, high) + _same(low, high) + 2) >> 2
        result[:size] = np.concatenate([low, high])
    return result


def inverse_53(coefficients: npt.NDArray[np.int32], levels: int = LEVELS) -> npt.NDArray[np.int32]:
    """Inverse of `forward_53`."""
    result = coefficients.copy()
    for size in reversed(_sizes(len(result), levels)):
        half = (size + 1) // 2
        low, high = result[:half].copy(), result[half:size].copy()
        low -= (_previous(low, high) + _same(low, high) + 2) >> 2
        high += (low[: len(high)] + _next(low, high)) >> 1
        result[:size] = _merge(low, high)
    return result


@functools.cache
def synthesis_norms(bands: int, levels: int = LEVELS) -> Float64:
    """Euclidean norm of the spectrum that a coefficient of 1 in each plane stands for."""
    norms: Float64 = np.linalg.norm(inverse_97(np.eye(bands), levels), axis=0)
    return norms


def _sizes(bands: int, levels: int) -> list[int]:
    """Numbers of bands that the levels work on; a single band is left as it is."""
    sizes = []
    for _ in range(levels):
        if bands < 2:
            break
        sizes.append(bands)
        bands = (bands + 1) // 2
    return sizes


def _split(signal: Array) -> tuple[Array, Array]:
    return signal[0::2].copy(), signal[1::2].copy()


def _merge(low: Array, high: Array) -> Array:
    signal = np.empty((len(low) + len(high), *low.shape[1:]), low.dtype)
    signal[0::2], signal[1::2] = low, high
    return signal


def _lift(low: Array, high: Array, step: int, factor: float) -> None:
    """Steps 0 and 2 change the odd samples by their neighbours, steps 1 and 3 the even ones."""
    if step % 2 == 0:
        high += factor * (low[: len(high)] + _next(low, high))
    else:
        low += factor * (_previous(low, high) + _same(low, high))


def _next(low: Array, high: Array) -> Array:
    """Even sample behind each odd one; mirrored at the end of a signal of even length."""
    return low[1:] if len(low) > len(high) else np.concatenate([low[1:], low[-1:]])


def _previous(low: Array, high: Array) -> Array:
    """Odd sample before each even one, mirrored at the start."""
    return np.concatenate([high[:1], high[: len(low) - 1]])


def _same(low: Array, high: Array) -> Array:
    """Odd sample behind each even one; mirrored at the end of a signal of odd length."""
    return high if len(low) == len(high) else np.concatenate([high, high[-1:]])
