"""Which samples count as measurements."""

import numpy as np
import pytest

from hyspec.nodata import validity


@pytest.mark.parametrize("nodata", [None, float("nan"), 0.5, -1.0, 256.0, float("inf")])
def test_integers_that_cannot_hold_nodata_are_valid_by_construction(nodata):
    assert validity(np.array([0, 1, 255], np.uint8), nodata) is None


def test_integers_equal_to_nodata_are_invalid():
    block = np.array([[-9999, 0], [5, -9999]], np.int16)
    assert validity(block, -9999.0).tolist() == [[False, True], [True, False]]
    assert validity(np.array([4294967295, 0], np.uint32), 4294967295.0).tolist() == [False, True]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_nan_is_never_valid(dtype):
    block = np.array([np.nan, 1.0, 2.0], dtype)
    assert validity(block, None).tolist() == [False, True, True]
    assert validity(block, float("nan")).tolist() == [False, True, True]
    assert validity(block, 2.0).tolist() == [False, True, False]


def test_nodata_is_compared_in_the_type_of_the_samples():
    block = np.array([-9999.9, -9999.0], np.float32)
    assert float(block[0]) != -9999.9
    assert validity(block, -9999.9).tolist() == [False, True]


def test_floating_point_sentinels_at_and_beyond_the_range():
    lowest = float(np.finfo(np.float32).min)
    assert validity(np.array([lowest, 0], np.float32), lowest).tolist() == [False, True]
    assert validity(np.array([-np.inf, 0], np.float32), -1e300).tolist() == [False, True]


def test_big_endian_samples():
    block = np.array([7, 8], ">i2")
    assert validity(block, 7.0).tolist() == [False, True]


def test_the_samples_are_left_alone():
    block = np.array([np.nan, 1.0], np.float32)
    validity(block, 1.0)
    assert np.isnan(block[0])
    assert block[1] == 1.0
