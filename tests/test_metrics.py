"""Distortion metrics against values worked out by hand, and against plain NumPy."""

import math

import numpy as np
import pytest

from hyspec import metrics
from hyspec.cube import Cube
from hyspec.errors import DataError


def cube(values, dtype=np.float64):
    """One row of pixels; each entry of ``values`` is a spectrum."""
    return np.array([values], dtype)


def test_hand_computed_errors():
    original = cube([[0, 10], [20, 30]], np.uint8)
    decoded = cube([[1, 10], [20, 27]], np.uint8)
    # errors -1, 0, 0, 3: mean square 10 / 4; energy 100 + 400 + 900
    assert metrics.mse(original, decoded) == 2.5
    assert metrics.rmse(original, decoded) == math.sqrt(2.5)
    assert metrics.max_abs_error(original, decoded) == 3
    assert metrics.psnr_db(original, decoded) == pytest.approx(10 * math.log10(900 / 2.5))
    assert metrics.psnr_db(original, decoded, peak=255) == pytest.approx(
        10 * math.log10(255**2 / 2.5)
    )
    assert metrics.snr_db(original, decoded) == pytest.approx(10 * math.log10(1400 / 10))


def test_the_largest_error_may_be_negative_and_beyond_the_type():
    original = cube([[-32768, 0]], np.int16)
    decoded = cube([[32767, 0]], np.int16)
    assert metrics.max_abs_error(original, decoded) == 65535
    assert metrics.mse(original, decoded) == 65535**2 / 2


def test_large_integers_are_exact():
    original = cube([[4294967295, 1]], np.uint32)
    decoded = cube([[4294967293, 1]], np.uint32)
    assert metrics.mse(original, decoded) == 2
    assert metrics.max_abs_error(original, decoded) == 2


@pytest.mark.parametrize(
    ("x", "y", "degrees"),
    [
        ([1, 0], [0, 1], 90),
        ([1, 0], [1, 1], 45),
        ([1, 0], [-2, 0], 180),
        ([0, 0], [3, 4], 90),
        ([3, 4], [0, 0], 90),
        ([3, 4], [6, 8], 0),
        ([1, 0, 0], [math.sqrt(3), 1, 0], 30),
        ([1e6, 0], [1e6, 1], math.degrees(math.atan(1e-6))),
    ],
)
def test_hand_computed_angles(x, y, degrees):
    assert metrics.spectral_angle_deg(cube([x]), cube([y])) == pytest.approx(
        degrees, rel=1e-9, abs=1e-5
    )


def test_the_angle_of_identical_spectra_is_exactly_zero():
    x = np.random.default_rng(1).normal(size=(20, 30, 17)) * 1e3
    x[3, 4] = 0
    assert metrics.spectral_angle_deg(x, x.copy()) == 0.0


def test_the_angle_is_a_mean_over_pixels():
    original = cube([[1, 0], [1, 0], [5, 5]])
    decoded = cube([[0, 1], [1, 1], [5, 5]])
    assert metrics.spectral_angle_deg(original, decoded) == pytest.approx((90 + 45 + 0) / 3)


def test_angles_use_the_bands_valid_in_both_cubes():
    nan = float("nan")
    original = cube([[1, 0, nan], [nan, nan, nan], [1, 0, 0], [5, nan, nan]])
    decoded = cube([[1, 1, 9], [1, 2, 3], [1, nan, 1], [nan, 1, 1]])
    # 45; left out; bands 0 and 2 give 45; no band valid in both: left out
    assert metrics.spectral_angle_deg(original, decoded) == pytest.approx(45)


def test_nodata_and_nan_are_left_out():
    original = cube([[0, 10], [-1, 30], [float("nan"), 5]])
    decoded = cube([[1, 10], [77, 30], [float("nan"), 5]])
    result = metrics.compare(original, decoded, nodata=-1)
    assert result.samples == 4
    assert result.rmse == 0.5
    assert result.psnr_peak == 30
    assert result.max_abs_error == 1
    assert result.snr_db == pytest.approx(10 * math.log10(100 + 900 + 25))


def test_nodata_of_a_cube_is_used():
    original = Cube(cube([[7, 1], [7, 3]], np.uint16), nodata=7)
    decoded = Cube(cube([[0, 1], [0, 4]], np.uint16), nodata=7)
    assert metrics.compare(original, decoded).samples == 2
    assert metrics.mse(original, decoded.array) == 0.5
    assert metrics.mse(original.array, decoded.array) == (49 + 49 + 1) / 4


def test_a_decoded_nan_does_not_hide():
    result = metrics.compare(cube([[1, 2]]), cube([[1, float("nan")]]))
    assert result.samples == 2
    assert math.isnan(result.rmse)
    assert math.isnan(result.max_abs_error)
    assert math.isnan(result.psnr_db)
    assert math.isnan(result.snr_db)


def test_a_decoded_nan_survives_later_blocks():
    original = np.ones((300, 40, 30))
    decoded = original.copy()
    decoded[0, 0, 0] = np.nan
    assert math.isnan(metrics.max_abs_error(original, decoded))


def test_identical_cubes():
    x = np.arange(24, dtype=np.int16).reshape(2, 3, 4)
    assert metrics.compare(x, x.copy()) == metrics.Comparison(
        samples=24,
        psnr_db=math.inf,
        psnr_peak=23,
        rmse=0,
        max_abs_error=0,
        sam_deg=0,
        snr_db=math.inf,
    )


@pytest.mark.parametrize("dtype", [np.int16, np.float32])
def test_without_valid_samples_metrics_are_nan(dtype):
    x = np.full((2, 3, 4), -1, dtype)
    result = metrics.compare(x, x, nodata=-1)
    assert result.samples == 0
    for value in (
        result.psnr_db,
        result.psnr_peak,
        result.rmse,
        result.max_abs_error,
        result.sam_deg,
        result.snr_db,
        metrics.mse(x, x, nodata=-1),
        metrics.snr_db(x, x, nodata=-1),
        metrics.psnr_db(x, x, nodata=-1, peak=5),
        metrics.max_abs_error(x, x, nodata=-1),
        metrics.spectral_angle_deg(x, x, nodata=-1),
    ):
        assert math.isnan(value)


def test_constant_and_zero_originals():
    zero, one = cube([[0, 0]]), cube([[1, 1]])
    assert metrics.psnr_db(one, zero) == -math.inf
    assert metrics.snr_db(zero, one) == -math.inf
    assert metrics.psnr_db(zero, zero) == math.inf


def test_extreme_values_raise_and_warn_of_nothing():
    huge = cube([[1e200, -1e200]])
    assert metrics.max_abs_error(huge, -huge) == 2e200
    infinite = cube([[math.inf, 1]])
    assert math.isnan(metrics.compare(infinite, infinite).rmse)


def test_different_shapes_are_refused():
    with pytest.raises(DataError, match=r"\(1, 2, 3\).*\(1, 2, 4\)"):
        metrics.mse(np.zeros((1, 2, 4)), np.zeros((1, 2, 3)))
    with pytest.raises(DataError, match="rows, columns, bands"):
        metrics.mse(np.zeros((2, 4)), np.zeros((2, 4)))


@pytest.mark.parametrize("shape", [(70, 60, 100), (1, 5000, 100), (1, 1, 300_000), (3000, 50, 3)])
def test_blocks_add_up(shape):
    """Several blocks in each arrangement give what one pass over everything gives."""
    rng = np.random.default_rng(2)
    original = rng.normal(100, 30, shape).astype(np.float32)
    decoded = original + rng.normal(0, 2, shape).astype(np.float32)
    original[rng.random(shape) < 0.1] = np.nan
    original[:, 1::7] = np.nan
    x, y = original.astype(np.float64), decoded.astype(np.float64)
    valid = ~np.isnan(x)
    d = (x - y)[valid]
    result = metrics.compare(original, decoded)
    assert result.samples == valid.sum()
    assert result.rmse == pytest.approx(math.sqrt(np.mean(d**2)), rel=1e-12)
    assert result.max_abs_error == np.abs(d).max()
    assert result.psnr_peak == x[valid].max() - x[valid].min()
    assert result.snr_db == pytest.approx(10 * math.log10(np.sum(x[valid] ** 2) / np.sum(d**2)))
    x[~valid] = y[~valid] = 0
    use = valid.any(axis=2)
    cosine = (x * y).sum(2)[use] / np.sqrt((x * x).sum(2) * (y * y).sum(2))[use]
    expected = np.degrees(np.arccos(np.clip(cosine, -1, 1))).mean()
    assert result.sam_deg == pytest.approx(expected, rel=1e-6)


def test_memory_layout_does_not_matter(tmp_path):
    rng = np.random.default_rng(3)
    original = rng.integers(0, 4000, (40, 50, 30)).astype(np.uint16)
    decoded = (original + rng.integers(0, 5, original.shape)).astype(np.uint16)
    path = tmp_path / "bands.dat"
    original.transpose(2, 0, 1).astype(">u2").tofile(path)
    mapped = np.memmap(path, ">u2", "r", shape=(30, 40, 50)).transpose(1, 2, 0)
    assert metrics.compare(mapped, decoded) == metrics.compare(original, decoded)


def test_single_metrics_agree_with_compare():
    rng = np.random.default_rng(4)
    x = rng.normal(50, 9, (9, 8, 7))
    y = x + rng.normal(0, 1, x.shape)
    result = metrics.compare(x, y)
    assert result.rmse == metrics.rmse(x, y) == math.sqrt(metrics.mse(x, y))
    assert result.psnr_db == metrics.psnr_db(x, y) == metrics.psnr_db(x, y, peak=result.psnr_peak)
    assert result.snr_db == metrics.snr_db(x, y)
    assert result.max_abs_error == metrics.max_abs_error(x, y)
    assert result.sam_deg == metrics.spectral_angle_deg(x, y)


@pytest.mark.parametrize("dtype", ["u1", "i4", "f4"])
def test_identical_cubes_have_no_negative_zero(dtype):
    x = np.arange(24).reshape(2, 3, 4).astype(dtype)
    found = metrics.compare(x, x.copy())
    assert math.copysign(1, found.max_abs_error) == 1
    assert math.copysign(1, metrics.max_abs_error(x, x.copy())) == 1


def test_an_accumulator_adds_blocks():
    """In any order, Cubes and arrays alike; an empty accumulator knows nothing."""
    rng = np.random.default_rng(0)
    x = rng.integers(-9, 90, (12, 10, 5)).astype("i2")
    x[2:4, 3:7, 1:3] = -9
    y = (x + rng.integers(-3, 4, x.shape)).astype("i2")
    expected = metrics.compare(Cube(x, nodata=-9), Cube(y, nodata=-9))
    as_cubes, as_arrays = metrics.Accumulator(), metrics.Accumulator(nodata=-9)
    assert as_cubes.result().samples == 0
    assert math.isnan(as_cubes.result().rmse)
    for rows in (slice(7, 12), slice(0, 3), slice(3, 7)):
        for columns in (slice(4, 10), slice(0, 4)):
            a, b = x[rows, columns], y[rows, columns]
            as_cubes.add(Cube(a, nodata=-9), Cube(b, nodata=-9))
            as_arrays.add(a, b)
    for found in (as_cubes.result(), as_arrays.result()):
        assert vars(found) == pytest.approx(vars(expected), rel=1e-12)


def test_blocks_of_different_shapes():
    with pytest.raises(DataError, match="shape"):
        metrics.Accumulator().add(np.zeros((2, 3, 4)), np.zeros((2, 3, 5)))
