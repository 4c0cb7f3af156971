"""Compressors of scientific floating-point arrays: SPERR, SZ3, ZFP; and Zstandard of bit planes.

The first three take the cube as an array of three dimensions in single precision, or, where errors
are limited, in double precision; what they decode is clipped to the range of the cube and rounded
to integers. An error limit of m for integers is one of nearly m + 1/2 before rounding, also for
m = 0: they are lossless then.
"""

from __future__ import annotations

from itertools import permutations, product
from typing import Any

import imagecodecs
import numpy as np
import numpy.typing as npt

from hyspec import Cube
from hyspec_bench.codecs import framing
from hyspec_bench.codecs.codec import Codec, Kind, Samples, Target
from hyspec_bench.codecs.jpeg2000 import cube_of
from hyspec_bench.codecs.rate_search import nearest

Floating = npt.NDArray[np.floating[Any]]

#: What a limit before rounding may exceed that of integers by; SZ3 tries each.
_BEFORE_ROUNDING = (0.1, 0.49, 0.4999)
#: Range of absolute error limits that are searched for a rate.
_LIMITS = (1e-3, 1e6)
#: The same for ZFP: beyond the upper one most blocks of 16-bit samples are empty.
_ACCURACIES = (2.0**-10, 2.0**15)
_ZSTD_LEVEL = 19
#: Types of samples that SZ3 is given.
_PRECISIONS: tuple[type[np.floating[Any]], ...] = (np.float32, np.float64)
#: Orders of rows, columns and bands that SZ3 is given.
_AXES = tuple(permutations(range(3)))
#: Limits that SZ3 tries around the one of a rate, as factors.
_AROUND = np.geomspace(0.75, 1.3, 12).tolist()


class Sperr(Codec):
    """SPERR in three dimensions: wavelets and set partitioning, with a rate or an error limit."""

    kinds = frozenset(Kind)

    def settings(self) -> dict[str, Any]:
        """See the base class."""
        return {"before_rounding": _BEFORE_ROUNDING[-1]}

    def encode(self, cube: Cube, target: Target) -> bytes:
        """See the base class."""
        planes = np.moveaxis(cube.array, 2, 0)
        if target.kind is Kind.RATE:
            samples: Floating = np.ascontiguousarray(planes, np.float32)
            body = imagecodecs.sperr_encode(samples, target.value, "bpp", numthreads=1)
        else:
            samples = np.ascontiguousarray(planes, np.float64)
            limit = target.value + _BEFORE_ROUNDING[-1]
            body = imagecodecs.sperr_encode(samples, limit, "pwe", numthreads=1)
        return _range(cube) + bytes(body)

    def decode(self, data: bytes) -> Samples:
        """See the base class."""
        reader = framing.Reader(data)
        limits = reader.signed(), reader.signed()
        return cube_of(_rounded(imagecodecs.sperr_decode(reader.rest(), numthreads=1), limits))


class Sz3(Codec):
    """SZ3: interpolation and error-bounded quantisation; the best of all orders of the axes.

    Neither its rate nor its error is steady in the limit, since it picks its predictors from a few
    samples: around the limit that gives a rate several are tried.
    """

    kinds = frozenset(Kind)
    searches = kinds

    def settings(self) -> dict[str, Any]:
        """See the base class."""
        return {"before_rounding": list(_BEFORE_ROUNDING)}

    def encode(self, cube: Cube, target: Target) -> bytes:
        """See the base class."""
        if target.kind is not Kind.RATE:
            limits = [target.value + share for share in _BEFORE_ROUNDING]
            orders = product(_AXES, limits)
            return min((_sz3(cube, *order, np.float64) for order in orders), key=len)
        budget = target.budget(cube.array.size)
        trials = [data for axes in _AXES for data in _sz3_trials(cube, axes, budget)]
        fitting = [data for data in trials if len(data) <= budget]
        if not fitting:
            return min(trials, key=len)

        def squared_error(data: bytes) -> float:
            return float(np.square(cube.array - self.decode(data), dtype=np.float64).sum())

        return min(fitting, key=squared_error)

    def decode(self, data: bytes) -> Samples:
        """See the base class."""
        reader = framing.Reader(data)
        limits = reader.signed(), reader.signed()
        precision = _PRECISIONS[reader.number()]
        axes = _AXES[reader.number()]
        shape = (reader.number(), reader.number(), reader.number())
        samples = _rounded(imagecodecs.sz3_decode(reader.rest(), shape, precision), limits)
        return samples.transpose(np.argsort(axes))


class Zfp(Codec):
    """ZFP with a fixed accuracy; that is a power of two, and rates come in coarse steps."""

    kinds = frozenset({Kind.RATE})
    searches = kinds

    def encode(self, cube: Cube, target: Target) -> bytes:
        """See the base class."""
        planes = np.ascontiguousarray(np.moveaxis(cube.array, 2, 0), np.float32)

        def encode(accuracy: float) -> bytes:
            level: Any = accuracy  # a real number with this mode, whatever the stub says
            return _range(cube) + bytes(imagecodecs.zfp_encode(planes, level=level, mode="a"))

        return nearest(encode, target.budget(planes.size), *_ACCURACIES)

    def decode(self, data: bytes) -> Samples:
        """See the base class."""
        reader = framing.Reader(data)
        limits = reader.signed(), reader.signed()
        return cube_of(_rounded(imagecodecs.zfp_decode(reader.rest()), limits))


class ZstdBitshuffle(Codec):
    """Zstandard of the transposed bits of the samples, pixel by pixel: lossless, no prediction."""

    kinds = frozenset({Kind.LOSSLESS})

    def settings(self) -> dict[str, Any]:
        """See the base class."""
        return {"level": _ZSTD_LEVEL}

    def encode(self, cube: Cube, target: Target) -> bytes:  # noqa: ARG002
        """See the base class."""
        samples = np.ascontiguousarray(cube.array)
        head = samples.dtype.str.encode() + framing.numbers(samples.shape)
        shuffled: Any = imagecodecs.bitshuffle_encode(
            samples.tobytes(), itemsize=samples.dtype.itemsize
        )
        return head + bytes(imagecodecs.zstd_encode(shuffled, level=_ZSTD_LEVEL))

    def decode(self, data: bytes) -> Samples:
        """See the base class."""
        reader = framing.Reader(data)
        dtype = np.dtype(reader.take(3).decode())
        shape = tuple(reader.number() for _ in range(3))
        shuffled = imagecodecs.zstd_decode(reader.rest())
        samples = imagecodecs.bitshuffle_decode(shuffled, itemsize=dtype.itemsize)
        return np.frombuffer(samples, dtype).reshape(shape)


def _sz3_trials(cube: Cube, axes: tuple[int, ...], budget: int) -> list[bytes]:
    """Encodings whose lengths scatter around a number of bytes."""
    trials: dict[float, bytes] = {}

    def encode(limit: float) -> bytes:
        if limit not in trials:
            trials[limit] = _sz3(cube, axes, limit)
        return trials[limit]

    chosen = nearest(encode, budget, *_LIMITS)
    middle = next(limit for limit, data in trials.items() if data is chosen)
    for factor in _AROUND:
        encode(factor * middle)
    return list(trials.values())


def _sz3(
    cube: Cube,
    axes: tuple[int, ...],
    limit: float,
    precision: type[np.floating[Any]] = np.float32,
) -> bytes:
    samples = np.ascontiguousarray(cube.array.transpose(axes), precision)
    order = _PRECISIONS.index(precision), _AXES.index(axes)
    head = _range(cube) + framing.numbers((*order, *samples.shape))
    return head + bytes(imagecodecs.sz3_encode(samples, "abs", abs=limit))


def _range(cube: Cube) -> bytes:
    return framing.signed(int(cube.array.min())) + framing.signed(int(cube.array.max()))


def _rounded(samples: Floating, limits: tuple[int, int]) -> npt.NDArray[np.int32]:
    return np.rint(np.clip(samples, *limits)).astype(np.int32)
