"""Correlation of bands: in blocks and in samples, as NumPy's, with nodata left out."""

import itertools
import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hyspec import io
from hyspec.cube import Cube
from hyspec.errors import UsageError
from hyspec.intervals import (
    BandInterval,
    BestPartitions,
    auto_intervals,
    band_correlation,
    correlation,
    format_intervals,
)


def two_groups(rows=60, columns=50):
    """Ten bands that follow one field, then six that follow another."""
    rng = np.random.default_rng(7)
    fields = rng.normal(size=(rows, columns, 2))
    group = np.repeat([0, 1], [10, 6])
    noise = rng.normal(scale=0.1, size=(rows, columns, 16))
    return 1000 + 100 * (fields[:, :, group] + noise)


def numpy_correlation(samples, valid):
    """Pair by pair over the pixels valid in both; shape (pixels, bands) each."""
    bands = samples.shape[1]
    result = np.zeros((bands, bands))
    for i, j in itertools.product(range(bands), repeat=2):
        both = valid[:, i] & valid[:, j]
        first, second = samples[both, i], samples[both, j]
        if both.any() and np.ptp(first) > 0 and np.ptp(second) > 0:
            result[i, j] = np.corrcoef(first, second)[0, 1]
    return result


@settings(deadline=None)
@given(st.data())
def test_sums_are_those_of_numpy_however_the_pixels_are_split(data):
    rng = np.random.default_rng(data.draw(st.integers(0, 2**32 - 1)))
    pixels, bands = data.draw(st.integers(2, 30)), data.draw(st.integers(1, 6))
    samples = rng.integers(-50, 50, (pixels, bands)) + 1e5
    samples = samples @ rng.normal(size=(bands, bands))
    samples[:, rng.random(bands) < 0.2] = 0.1  # a constant whose mean is inexact
    samples[rng.random(samples.shape) < data.draw(st.sampled_from([0, 0.2, 0.9]))] = np.nan
    samples[:, rng.random(bands) < 0.2] = np.nan
    samples[rng.random(pixels) < 0.2] = -np.inf
    sums = correlation.CorrelationSums(bands)
    for part in np.split(samples, sorted(data.draw(st.sets(st.integers(1, pixels))))):
        sums.add(part)
    expected = numpy_correlation(samples, np.isfinite(samples))
    assert sums.correlation() == pytest.approx(expected, abs=1e-7)


def test_correlation_is_that_of_numpy():
    array = two_groups()
    expected = np.corrcoef(array.reshape(-1, 16).T)
    assert band_correlation(Cube(array)) == pytest.approx(expected, abs=1e-12)
    integers = np.rint(array).astype(np.int16)
    expected = np.corrcoef(integers.reshape(-1, 16).astype(float).T)
    for pixels in (None, 3000):  # all of them, in order and at random
        found = band_correlation(Cube(integers), max_pixels=pixels)
        assert found == pytest.approx(expected, abs=1e-12)


def test_large_offsets_keep_the_accuracy(monkeypatch):
    monkeypatch.setattr(correlation, "_BLOCK_SAMPLES", 1)
    array = two_groups() + 1e9
    expected = np.corrcoef(array.reshape(-1, 16).T)
    assert band_correlation(Cube(array), max_pixels=None) == pytest.approx(expected, abs=1e-9)


def test_a_first_block_unlike_the_rest_does_no_harm(monkeypatch):
    monkeypatch.setattr(correlation, "_BLOCK_SAMPLES", 1)
    array = two_groups() + 1e6
    array[0] = np.arange(16) % 3
    expected = np.corrcoef(array.reshape(-1, 16).T)
    found = band_correlation(Cube(array), max_pixels=None)
    assert found == pytest.approx(expected, abs=1e-9)


def test_correlation_of_a_sample():
    array = two_groups(200, 300)
    cube = Cube(array)
    full = np.corrcoef(array.reshape(-1, 16).T)
    sampled = band_correlation(cube, max_pixels=5000, seed=1)
    assert np.abs(sampled - full).max() < 0.08
    assert not np.array_equal(sampled, full)
    assert np.array_equal(sampled, band_correlation(cube, max_pixels=5000, seed=1))
    assert not np.array_equal(sampled, band_correlation(cube, max_pixels=5000, seed=2))
    with pytest.raises(UsageError, match="max_pixels=0"):
        band_correlation(cube, max_pixels=0)


@pytest.mark.parametrize("pixels", [None, 1000])
def test_progress(pixels, monkeypatch):
    monkeypatch.setattr(correlation, "_BLOCK_SAMPLES", 7 * 50 * 16)
    seen = []
    cube = Cube(two_groups())
    band_correlation(cube, max_pixels=pixels, progress=lambda *report: seen.append(report))
    rows = 60 if pixels is None else 20  # of 50 pixels each
    assert seen[-1] == ("survey", rows, rows)
    assert len(seen) == (9 if pixels is None else 20)
    assert [done for _, done, _ in seen] == sorted({done for _, done, _ in seen})


def test_memory_is_bounded(tmp_path, monkeypatch):
    """Of a mapped file in band order, blocks of rows are in memory and no more."""
    monkeypatch.setattr(correlation, "_BLOCK_SAMPLES", 1 << 15)
    shape = (40, 300, 250)
    planes = np.random.default_rng(0).integers(0, 1000, shape).astype("<u2")
    planes.tofile(tmp_path / "a.raw")
    cube = io.read(tmp_path / "a.raw", raw=io.RawLayout(300, 250, 40, "uint16", "bsq"))
    tracemalloc.start()
    try:
        found = band_correlation(cube, max_pixels=None)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 3_000_000  # the samples alone are 6 MB, as float64 24 MB
    assert found == pytest.approx(np.corrcoef(planes.reshape(40, -1)), abs=1e-12)


@pytest.mark.parametrize("pixels", [None, 20_000])
def test_constant_and_nan_bands_do_not_poison(pixels):
    array = two_groups()
    array[:, :, 3] = 0.1
    array[:, :, 12] = np.nan
    cube = Cube(array)
    found = band_correlation(cube, max_pixels=pixels)
    live = np.delete(np.arange(16), [3, 12])
    expected = np.corrcoef(array[:, :, live].reshape(-1, 14).T)
    assert found[np.ix_(live, live)] == pytest.approx(expected, abs=1e-12)
    for band in (3, 12):
        assert not found[band].any()
        assert not found[:, band].any()
    assert format_intervals(auto_intervals(cube)) == "1-10,11-16"


@pytest.mark.parametrize("pixels", [None, 20_000])
def test_nodata_pixels_and_samples_are_left_out(pixels):
    array = np.rint(two_groups()).astype(np.int16)
    expected = np.corrcoef(array[20:].reshape(-1, 16).astype(float).T)
    damaged = array.copy()
    damaged[:20] = -9999

    def found(nodata=None):
        return band_correlation(Cube(damaged, nodata=nodata), max_pixels=pixels)

    assert found(-9999) == pytest.approx(expected, abs=1e-12)
    damaged[20:22, :, 5] = -9999  # samples of one band only
    assert found(-9999) == pytest.approx(expected, abs=0.02)
    assert np.abs(found() - expected).max() > 0.5


def test_bands_that_are_never_valid_together_correlate_zero():
    array = two_groups()
    array[:30, :, 0] = np.nan
    array[30:, :, 1] = np.nan
    found = band_correlation(Cube(array))
    assert found[0, 1] == 0
    assert found[0, 2] > 0.9
    assert found[1, 2] > 0.9


@pytest.mark.parametrize("value", [-1.0, np.nan, np.inf, 1e300])
def test_cubes_without_information(value):
    array = np.full((4, 5, 6), value)
    assert not band_correlation(Cube(array, nodata=-1)).any()
    assert auto_intervals(Cube(array, nodata=-1)) == (BandInterval(0, 6),)
    assert BestPartitions.search(np.zeros((6, 6)), most=3).scatter.tolist() == [0]


def test_huge_values_do_not_warn():
    array = np.random.default_rng(0).normal(size=(4, 5, 3)) * 1e300
    assert np.isfinite(band_correlation(Cube(array))).all()


def test_intervals_of_a_cube():
    assert format_intervals(auto_intervals(Cube(two_groups()))) == "1-10,11-16"
