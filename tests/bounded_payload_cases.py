"""Cubes that try the bounded profile: any range, any size, with constants, impulses and holes."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from hypothesis import strategies as st

from hyspec import _core

Array = npt.NDArray[Any]
INT32 = np.iinfo(np.int32)

KINDS = ("noise", "smooth", "constant", "bands constant", "impulses", "saturated", "two values")


def cube(kind: str, shape: tuple[int, int, int], low: int, high: int, seed: int) -> Array:
    """Samples within [low, high] of shape (bands, rows, columns)."""
    rng = np.random.default_rng(seed)
    span = high - low
    z, y, x = np.meshgrid(*(np.arange(n) / max(n, 2) for n in shape), indexing="ij")
    smooth = (np.sin(3 * x + 2 * y + z) + 1) / 2 * (0.2 + 0.8 * z)
    match kind:
        case "noise":
            share = rng.random(shape)
        case "smooth":
            share = np.clip(smooth + rng.normal(0, 0.01, shape), 0, 1)
        case "constant":
            share = np.full(shape, rng.random())
        case "bands constant":
            share = np.broadcast_to(rng.random((shape[0], 1, 1)), shape)
        case "impulses":
            share = np.where(rng.random(shape) < 0.05, rng.integers(0, 2, shape), smooth * 0.01)
        case "saturated":
            share = np.clip(4 * smooth - 1 + rng.normal(0, 0.02, shape), 0, 1)
        case _:
            share = rng.integers(0, 2, shape).astype(float)
    return (low + np.rint(share * span)).astype(np.int64).clip(low, high).astype(np.int32)


@st.composite
def ranges(draw: st.DrawFn) -> tuple[int, int]:
    """Lowest and highest sample of one of the sample types, or any part of int32."""
    kinds = [(0, 255), (-128, 127), (0, 65535), (-32768, 32767), (INT32.min, INT32.max)]
    low, high = draw(st.sampled_from(kinds) | st.tuples(*[st.integers(INT32.min, INT32.max)] * 2))
    return min(low, high), max(low, high)


@st.composite
def cubes(draw: st.DrawFn, most: int = 12) -> Array:
    """Cubes of up to ``most`` bands, rows and twice as many columns."""
    shape = (
        draw(st.integers(1, most)),
        draw(st.integers(1, most)),
        draw(st.integers(1, 2 * most)),
    )
    low, high = draw(ranges())
    return cube(draw(st.sampled_from(KINDS)), shape, low, high, draw(st.integers(0, 2**32)))


@st.composite
def masks(draw: st.DrawFn, shape: tuple[int, ...]) -> Array | None:
    """None, or masks with holes and perhaps bands that are not there."""
    if draw(st.booleans()):
        return None
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    valid = (rng.random(shape) < draw(st.sampled_from([0.1, 0.5, 0.95]))).astype(np.uint8)
    valid[rng.random(shape[0]) < 0.2] = 0
    return valid


@st.composite
def error_limits(draw: st.DrawFn, bands: int) -> Array:
    """Lossless, one limit for all bands, or one for each."""
    limit = st.sampled_from([0, 0, 1, 2, 3, 7, 100, 40000, 2**31, 2**32 - 1]) | st.integers(0, 99)
    if draw(st.booleans()):
        return np.full(bands, draw(limit), np.uint32)
    return np.array(draw(st.lists(limit, min_size=bands, max_size=bands)), np.uint32)


@st.composite
def relative_errors(draw: st.DrawFn) -> tuple[int, int, int]:
    """Numerator and denominator of a relative error, and where zero is among the samples."""
    most = _core.MAX_DENOMINATOR
    denominator = draw(st.sampled_from([2, 20, 100, 1000, most]) | st.integers(2, most))
    share = draw(st.sampled_from([0, 1]) | st.floats(0.001, 0.1))
    numerator = 1 + int(share * (denominator - 2))
    return numerator, denominator, draw(st.sampled_from([0, 0, 100, -1, INT32.min, INT32.max]))


def allowed_errors(
    samples: Array, limits: Array, numerator: int, denominator: int, zero: int
) -> Array:
    """Largest error of each sample of shape (bands, rows, columns), of int64."""
    allowed = np.broadcast_to(limits.astype(np.int64)[:, None, None], samples.shape)
    if numerator == 0:
        return allowed
    magnitudes = np.abs(samples.astype(np.int64) - zero)
    return np.minimum(allowed, magnitudes * numerator // denominator)


def unlimited(bands: int) -> Array:
    """Error limits that no error reaches."""
    return np.full(bands, 2**32 - 1, np.uint32)


def tile_of(samples: Array) -> _core.BandTile:
    """The tile of samples of shape (bands, rows, columns)."""
    return _core.BandTile(*samples.shape)


def lossless(bands: int) -> Array:
    """Error limits of zero."""
    return np.zeros(bands, np.uint32)
