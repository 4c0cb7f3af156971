"""Filling of samples that do not count."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hyspec.fill import fill_invalid


@given(
    rows=st.integers(1, 20),
    columns=st.integers(1, 20),
    share=st.sampled_from([0.0, 0.02, 0.5, 0.98, 1.0]),
    seed=st.integers(0, 999),
)
def test_valid_samples_stay_and_others_lie_between(rows, columns, share, seed):
    rng = np.random.default_rng(seed)
    plane = rng.normal(size=(rows, columns)).astype("f4")
    valid = rng.random(plane.shape) < share
    plane[~valid] = np.nan  # must not leak into anything
    filled = fill_invalid(plane, valid)
    assert filled.shape == plane.shape
    assert filled.dtype == np.float32
    assert np.array_equal(filled[valid], plane[valid])
    if valid.any():
        slack = 1e-6 * np.abs(plane[valid]).max()
        assert filled.min() >= plane[valid].min() - slack
        assert filled.max() <= plane[valid].max() + slack
    else:
        assert not filled.any()


def test_averages_come_from_near_samples():
    plane = np.zeros((16, 16), "f4")
    plane[:, 8:] = 100
    valid = np.ones(plane.shape, bool)
    valid[::2, ::2] = False
    filled = fill_invalid(plane, valid)
    assert (filled[:, :8] == 0).all()
    assert (filled[:, 8:] == 100).all()


def test_a_hole_in_a_ramp_is_smooth():
    ramp = np.linspace(0, 1, 64, dtype="f4")
    plane = ramp[None, :] + ramp[:, None]
    valid = np.ones(plane.shape, bool)
    valid[20:36, 20:36] = False
    filled = fill_invalid(np.where(valid, plane, -1e6).astype("f4"), valid)
    assert np.abs(filled - plane).max() < 0.45
    assert np.abs(np.diff(filled, axis=0)).max() < 0.45


@pytest.mark.parametrize("shape", [(1, 1), (1, 9), (9, 1), (5, 7)])
def test_one_valid_sample_fills_all(shape):
    plane = np.full(shape, 9, "f4")
    plane[-1, -1] = 3
    valid = np.zeros(shape, bool)
    valid[-1, -1] = True
    assert (fill_invalid(plane, valid) == 3).all()


def test_the_input_is_not_changed():
    plane = np.ones((4, 4), "f4")
    for valid in (np.ones((4, 4), bool), np.eye(4, dtype=bool)):
        fill_invalid(plane, valid)[:] = 5
        assert (plane == 1).all()
