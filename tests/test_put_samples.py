"""Sums of planes as samples of few bits, against sums in double precision."""

import numpy as np
import pytest

from hyspec import _core
from hyspec.sample_type import SampleType

TYPES = [np.uint8, np.int8, np.uint16, np.int16]


def drawn(dtype, planes=7, rows=9, columns=13, bands=37):
    """Planes, basis and mean whose sums go beyond the type on both sides."""
    rng = np.random.default_rng(planes)
    limits = np.iinfo(dtype)
    basis = np.linalg.qr(rng.normal(size=(bands, bands)))[0][:planes]
    width = (limits.max - limits.min) / 2
    values = rng.normal(0, width, (planes, rows, columns)).astype(np.float32)
    mean = rng.uniform(limits.min, limits.max, bands)
    return values, basis.astype(np.float32), mean.astype(np.float32)


def exact(planes, basis, mean):
    return np.einsum("krc,kb->rcb", *(x.astype(np.float64) for x in (planes, basis))) + mean


@pytest.mark.parametrize("planes", [0, 1, 7, 33])
@pytest.mark.parametrize("dtype", TYPES)
def test_samples_are_rounded_and_clipped(dtype, planes):
    parts = drawn(dtype, planes)
    out = np.zeros((9, 13, 37), dtype)
    _core.put_samples(*parts, None, out)
    sums = exact(*parts)
    expected = SampleType(np.dtype(dtype)).from_values(sums)
    near_half = np.abs(sums - np.floor(sums) - 0.5) < 0.05
    assert near_half.mean() < 0.2
    np.testing.assert_array_equal(out[~near_half], expected[~near_half])
    assert np.abs(out.astype(int) - expected.astype(int)).max() <= 1


@pytest.mark.parametrize("dtype", TYPES)
def test_a_part_is_that_of_the_whole(dtype):
    planes, basis, mean = drawn(dtype)
    whole = np.zeros((9, 13, 37), dtype)
    _core.put_samples(planes, basis, mean, None, whole)
    rows, columns, bands = slice(2, 8), slice(3, 4), slice(5, 24)
    target = np.zeros((6, 2, 60), dtype)
    part = target[:, ::2, 1:58:3]  # strided
    _core.put_samples(planes[:, rows, columns], basis[:, bands], mean[bands], None, part)
    np.testing.assert_array_equal(part, whole[rows, columns, bands])
    assert not target[:, 1].any() and not target[:, :, 0].any()


@pytest.mark.parametrize("dtype", TYPES)
def test_a_number_is_kept_apart(dtype):
    limits = np.iinfo(dtype)
    mean = np.array([limits.min, 7, 8, limits.max], np.float32)
    nothing = np.zeros((0, 1, 1), np.float32), np.zeros((0, 4), np.float32), mean
    for avoid in (limits.min, 7, limits.max):
        out = np.zeros((1, 1, 4), dtype)
        _core.put_samples(*nothing, int(avoid), out)
        expected = mean.astype(dtype)
        SampleType(np.dtype(dtype)).avoid(expected, dtype(avoid))
        np.testing.assert_array_equal(out[0, 0], expected)


def test_ties_go_to_even_and_no_number_is_zero():
    mean = np.array([0.5, 1.5, -0.5, -1.5, np.nan, np.inf, -np.inf], np.float32)
    out = np.ones((1, 1, 7), np.int16)
    _core.put_samples(np.zeros((0, 1, 1), "f4"), np.zeros((0, 7), "f4"), mean, None, out)
    assert out[0, 0].tolist() == [0, 2, 0, -2, 0, 32767, -32768]


def test_arrays_that_do_not_fit_are_refused():
    planes, basis, mean = drawn(np.uint16)
    out = np.zeros((9, 13, 37), np.uint16)
    for wrong in (
        (planes[:6], basis, mean, None, out),
        (planes, basis, mean[:-1], None, out),
        (planes, basis, mean, None, out[:, :, :-1]),
        (planes, basis, mean, None, out[0]),
    ):
        with pytest.raises(ValueError, match=r"fit each other|three dimensions"):
            _core.put_samples(*wrong)
    with pytest.raises(TypeError, match="8 or 16 bits"):
        _core.put_samples(planes, basis, mean, None, np.zeros((9, 13, 37), np.int32))
    out.flags.writeable = False
    with pytest.raises(ValueError, match="written to"):
        _core.put_samples(planes, basis, mean, None, out)
