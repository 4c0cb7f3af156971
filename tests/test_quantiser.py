"""Latents to integers and back, against the same written with NumPy."""

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from hyspec import _core

Float32Array = npt.NDArray[np.float32]

#: The largest float32 below 2^31: results saturate there.
LARGEST = 2147483520
floats = st.floats(width=32, allow_nan=False)


def plain(latents: Float32Array, gain: Float32Array, rounding: float) -> npt.NDArray[np.int32]:
    with np.errstate(over="ignore", invalid="ignore"):
        scaled = latents * gain[:, :, None]
        magnitude = np.floor(np.abs(scaled) + np.float32(rounding))
    whole = np.clip(np.nan_to_num(magnitude, nan=0.0), 0, LARGEST).astype(np.int64)
    signed: npt.NDArray[np.int32] = np.where(scaled < 0, -whole, whole).astype(np.int32)
    return signed


@settings(deadline=None, max_examples=200)
@given(
    hnp.arrays(np.float32, (2, 3, 4), elements=st.floats(width=32)),
    hnp.arrays(np.float32, (2, 3), elements=st.floats(2**-20, 2**20, width=32)),
    st.floats(0, 0.5, width=32),
)
def test_quantise(latents: Float32Array, gain: Float32Array, rounding: float) -> None:
    found = _core.quantise(latents, gain, rounding)
    assert found.dtype == np.int32
    np.testing.assert_array_equal(found, plain(latents, gain, rounding))


@given(
    hnp.arrays(np.float32, (1, 2, 8), elements=st.floats(-1e4, 1e4, width=32)),
    hnp.arrays(np.float32, (1, 2), elements=st.floats(0.125, 8, width=32)),
    st.floats(0, 0.5, width=32),
)
def test_there_and_back(latents: Float32Array, gain: Float32Array, rounding: float) -> None:
    """The error is at most half a step, or what the dead zone makes of it; zero stays zero."""
    symbols = _core.quantise(latents, gain, rounding)
    back = _core.dequantise(symbols, np.float32(1) / gain)
    steps = np.abs(back.astype(float) - latents) * gain[:, :, None]
    slack = 1e-6 * np.abs(symbols).max(initial=0)
    assert steps.max() <= max(rounding, 1 - rounding) + slack + 1e-6
    np.testing.assert_array_equal(_core.quantise(-latents, gain, rounding), -symbols)


def test_ties_and_dead_zone() -> None:
    latents = np.array([[[0.5, -0.5, 1.5, -1.5, 0.4999, 0.55, -0.549]]], np.float32)
    one = np.ones((1, 1), np.float32)
    assert _core.quantise(latents, one, 0.5).ravel().tolist() == [1, -1, 2, -2, 0, 1, -1]
    assert _core.quantise(latents, one, 0.45).ravel().tolist() == [0, 0, 1, -1, 0, 1, 0]
    assert _core.quantise(latents, one, 0.0).ravel().tolist() == [0, 0, 1, -1, 0, 0, 0]


def test_saturation_and_nan() -> None:
    values = [np.inf, -np.inf, np.nan, 3e9, -3e9, 2.0**31, -(2.0**31), LARGEST, -0.0]
    latents = np.array([[values]], np.float32)
    expected = [LARGEST, -LARGEST, 0, LARGEST, -LARGEST, LARGEST, -LARGEST, LARGEST, 0]
    one = np.ones((1, 1), np.float32)
    assert _core.quantise(latents, one, 0.45).ravel().tolist() == expected
    huge = np.full((1, 1), np.inf, np.float32)
    assert _core.quantise(np.array([[[0, 1, -1]]], "f4"), huge, 0.45).ravel().tolist() == [
        0,
        LARGEST,
        -LARGEST,
    ]


def test_planes_have_gains_of_their_own() -> None:
    latents = np.full((2, 2, 3), 10, np.float32)
    gain = np.array([[0.1, 1], [2, 0]], np.float32)
    found = _core.quantise(latents, gain, 0.45)
    np.testing.assert_array_equal(found, [[[1] * 3, [10] * 3], [[20] * 3, [0] * 3]])
    np.testing.assert_array_equal(_core.dequantise(found, gain)[1], [[40] * 3, [0] * 3])


@given(hnp.arrays(np.int32, (2, 2, 3)), hnp.arrays(np.float32, (2, 2), elements=floats))
def test_dequantise(symbols: npt.NDArray[np.int32], inverse: Float32Array) -> None:
    found = _core.dequantise(symbols, inverse)
    assert found.dtype == np.float32
    with np.errstate(over="ignore", invalid="ignore"):
        np.testing.assert_array_equal(found, symbols.astype(np.float32) * inverse[:, :, None])


def test_no_planes() -> None:
    nothing = np.zeros((0, 3, 4), np.float32)
    assert _core.quantise(nothing, np.zeros((0, 3), np.float32), 0.45).shape == (0, 3, 4)


@pytest.mark.parametrize("rounding", [-0.1, 0.51, float("nan"), float("inf")])
def test_rounding_out_of_range(rounding: float) -> None:
    with pytest.raises(_core.CoreError) as caught:
        _core.quantise(np.zeros((1, 1, 1), "f4"), np.ones((1, 1), "f4"), rounding)
    assert caught.value.args[2] == "bad-argument"


@pytest.mark.parametrize("shape", [(2, 3), (3, 2), (1, 2), (2, 1), (0, 2)])
def test_sizes_that_disagree(shape: tuple[int, int]) -> None:
    gain = np.ones(shape, np.float32)
    with pytest.raises(_core.CoreError) as caught:
        _core.quantise(np.zeros((2, 2, 3), np.float32), gain, 0.45)
    assert caught.value.args[2] == "bad-argument"
    with pytest.raises(_core.CoreError):
        _core.dequantise(np.zeros((2, 2, 3), np.int32), gain)
