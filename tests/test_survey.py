"""The pass over a cube before it is encoded."""

import math
from fractions import Fraction

import numpy as np
import pytest

from hyspec import Cube, errors, survey
from hyspec.survey import survey as measure


@pytest.mark.parametrize("dtype", ["uint8", "int16", "uint32", "float32", "float64"])
def test_against_numpy(dtype):
    rng = np.random.default_rng(0)
    samples = (rng.normal(100, 20, (30, 20, 6)) + 10 * np.arange(6)).astype(dtype)
    found = measure(Cube(samples))
    assert found.valid == samples.size
    assert (found.lowest, found.highest) == (samples.min(), samples.max())
    assert found.integers == (samples.dtype.kind != "f")
    deviation = math.sqrt(samples.astype("f8").var((0, 1)).mean())
    assert found.deviation == pytest.approx(deviation, rel=1e-9)
    brightness = math.sqrt(np.square(samples.astype("f8")).mean())
    assert found.brightness == pytest.approx(brightness, rel=1e-9)


def test_nodata_is_left_out():
    rng = np.random.default_rng(1)
    samples = rng.normal(0, 1, (40, 10, 3)).round(3)
    mask = rng.random(samples.shape) < 0.4
    mask[:25] = True  # the first blocks may hold nothing at all
    expected = math.sqrt(np.mean([samples[..., b][~mask[..., b]].var() for b in range(3)]))
    for nodata in (-9999.0, np.nan, np.inf):
        marked = np.where(mask, nodata, samples)
        found = measure(Cube(marked, nodata=nodata))
        assert found.valid == (~mask).sum()
        assert found.lowest == samples[~mask].min()
        assert found.highest == samples[~mask].max()
        assert found.deviation == pytest.approx(expected, rel=1e-9)


def test_bands_without_samples_do_not_count():
    samples = np.random.default_rng(2).normal(0, 3, (9, 9, 2))
    alone = measure(Cube(samples))
    padded = np.concatenate([samples, np.full((9, 9, 5), np.nan)], axis=2)
    found = measure(Cube(padded))
    assert found.deviation == pytest.approx(alone.deviation)
    assert found.brightness == pytest.approx(alone.brightness)


def test_blocks_do_not_matter(monkeypatch):
    """Also with a mean that is large beside the deviation, and that drifts over the rows."""
    samples = 1e9 + np.random.default_rng(3).normal(0, 1, (50, 8, 4))
    samples += np.linspace(0, 5, 50)[:, None, None]
    whole = measure(Cube(samples))
    monkeypatch.setattr(survey, "_BLOCK_SAMPLES", 1)
    by_row = measure(Cube(samples))
    assert by_row.deviation == pytest.approx(whole.deviation, rel=1e-9)
    assert by_row.deviation == pytest.approx(math.sqrt(samples.var((0, 1)).mean()), rel=1e-7)
    assert (by_row.lowest, by_row.highest) == (whole.lowest, whole.highest)


@pytest.mark.parametrize(
    ("samples", "integers"),
    [([1.0, 2.0, np.nan], True), ([1.0, 2.5, np.nan], False), ([-3.0, -9999.5, 0.0], True)],
)
def test_whole_numbers_are_noticed(samples, integers):
    nodata = -9999.5 if -9999.5 in samples else None
    cube = Cube(np.array(samples, "f4").reshape(1, 3, 1), nodata=nodata)
    assert measure(cube).integers == integers


@pytest.mark.parametrize("dtype", ["uint16", "float32"])
def test_nothing_valid(dtype):
    found = measure(Cube(np.full((3, 4, 5), 7, dtype), nodata=7.0))
    assert (found.valid, found.deviation, found.brightness) == (0, 0, 0)
    assert math.isnan(found.lowest)
    assert math.isnan(found.highest)


def test_constant_cube():
    found = measure(Cube(np.full((3, 4, 5), 0.1)))
    assert (found.lowest, found.highest) == (0.1, 0.1)
    assert found.deviation == 0


@pytest.mark.parametrize("bad", [np.inf, -np.inf, 1e141, -1.7e308])
@pytest.mark.parametrize("row", [0, 39])
def test_samples_that_cannot_be_coded(monkeypatch, bad, row):
    monkeypatch.setattr(survey, "_BLOCK_SAMPLES", 20)
    samples = np.ones((40, 3, 2))
    samples[row, 1, 1] = bad
    with pytest.raises(errors.DataError, match=r"infinite|magnitude"):
        measure(Cube(samples))
    assert measure(Cube(samples, nodata=bad)).valid == samples.size - 1


def test_nan_beside_a_nodata_value():
    samples = np.ones((4, 4, 2), "f4")
    samples[3, 3, 1] = np.nan
    assert measure(Cube(samples)).valid == 31
    assert measure(Cube(samples, nodata=np.nan)).valid == 31
    with pytest.raises(errors.DataError, match="NaN"):
        measure(Cube(samples, nodata=0.0))


# ---- exactness -----------------------------------------------------------------------------------


def exact_deviation(samples, mask=None):
    """With whole numbers of any size: bands x (n * sum of squares - square of the sum) / n^2."""
    variances = []
    for band in range(samples.shape[2]):
        values = samples[..., band] if mask is None else samples[..., band][mask[..., band]]
        whole = [int(v) for v in values.ravel()]
        if whole:
            n = len(whole)
            above = n * sum(v * v for v in whole) - sum(whole) ** 2
            variances.append(Fraction(above, n * n))
    return math.sqrt(sum(variances) / len(variances))


@pytest.mark.parametrize(
    ("dtype", "offset", "spread"),
    [
        ("uint16", 65000, 3),
        ("int16", -32000, 700),
        ("uint32", 2**32 - 60, 50),
        ("int32", 2**31 - 90_000, 80_000),
        ("int32", -(2**31), 5),
    ],
)
def test_large_offsets(monkeypatch, dtype, offset, spread):
    """A small deviation beside a large mean keeps all its digits, in pieces of any size."""
    rng = np.random.default_rng(5)
    samples = (offset + rng.integers(0, spread, (30, 11, 5), np.int64)).astype(dtype)
    expected = exact_deviation(samples)
    for pieces, blocks in ((1 << 16, 1 << 22), (5, 1 << 22), (64, 200)):
        monkeypatch.setattr(survey, "_PIECE_SAMPLES", pieces)
        monkeypatch.setattr(survey, "_BLOCK_SAMPLES", blocks)
        assert measure(Cube(samples)).deviation == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("dtype", ["int8", "uint16", "int32", "uint32"])
def test_extremes_of_integers(dtype):
    ends = np.iinfo(dtype)
    samples = np.full((16, 16, 3), ends.min, dtype)
    samples[8:] = ends.max
    found = measure(Cube(samples))
    assert (found.lowest, found.highest) == (ends.min, ends.max)
    assert found.deviation == pytest.approx((int(ends.max) - int(ends.min)) / 2, rel=1e-12)
    assert found.integers


@pytest.mark.parametrize("dtype", ["uint16", "int32"])
@pytest.mark.parametrize("share", [0.01, 0.5, 0.99])
def test_masks_of_integers(monkeypatch, dtype, share):
    """Some pieces hold nothing, some nothing else, and one band has no valid sample."""
    rng = np.random.default_rng(6)
    samples = rng.integers(20_000, 30_000, (40, 9, 4), np.int64).astype(dtype)
    mask = rng.random(samples.shape) >= share
    mask[:10] = False
    mask[20:30] = True
    mask[..., 2] = False
    samples[~mask] = 7
    monkeypatch.setattr(survey, "_PIECE_SAMPLES", 40)
    for blocks in (1 << 22, 9 * 4 * 5):
        monkeypatch.setattr(survey, "_BLOCK_SAMPLES", blocks)
        found = measure(Cube(samples, nodata=7.0))
        assert found.valid == mask.sum()
        assert (found.lowest, found.highest) == (samples[mask].min(), samples[mask].max())
        assert found.deviation == pytest.approx(exact_deviation(samples, mask), rel=1e-10)


def test_order_of_bytes_and_of_axes_does_not_matter():
    rng = np.random.default_rng(7)
    samples = rng.integers(0, 65536, (21, 13, 6), np.uint16)
    expected = measure(Cube(samples))
    assert expected.deviation == pytest.approx(exact_deviation(samples), rel=1e-13)
    band_by_band = np.ascontiguousarray(samples.transpose(2, 0, 1)).transpose(1, 2, 0)
    for same in (samples.astype(">u2"), band_by_band, samples[::-1, ::-1][::-1, ::-1]):
        found = measure(Cube(same))
        assert (found.lowest, found.highest) == (expected.lowest, expected.highest)
        assert found.deviation == expected.deviation


def test_progress_reaches_the_end_whatever_is_valid(monkeypatch):
    monkeypatch.setattr(survey, "_BLOCK_SAMPLES", 16)
    samples = np.full((10, 4, 2), -1, np.int16)
    samples[4:6] = 3
    seen = []
    measure(Cube(samples, nodata=-1.0), lambda *report: seen.append(report))
    assert seen == [("survey", done, 10) for done in (2, 4, 6, 8, 10)]


def test_bad_bands_have_no_part_in_the_deviation() -> None:
    """Unless there are no others, or none with valid samples; all else counts them."""
    array = np.random.default_rng(2).normal(0, (1.0, 300.0, 4.0), (40, 30, 3))
    bad = np.array([False, True, False])
    found, plain = measure(Cube(array), None, bad), measure(Cube(array))
    expected = math.sqrt(float(array[..., ~bad].var(axis=(0, 1)).mean()))
    assert found.deviation == pytest.approx(expected, rel=1e-6)
    assert plain.deviation > 10 * found.deviation
    assert (found.lowest, found.highest, found.valid) == (plain.lowest, plain.highest, plain.valid)
    assert measure(Cube(array), None, np.ones(3, bool)).deviation == plain.deviation
    array[..., ~bad] = np.nan
    only = measure(Cube(array), None, bad)
    assert only.deviation == pytest.approx(float(array[..., 1].std()), rel=1e-6)
