"""The pass over a cube before it is encoded."""

import math

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
    alone = measure(Cube(samples)).deviation
    padded = np.concatenate([samples, np.full((9, 9, 5), np.nan)], axis=2)
    assert measure(Cube(padded)).deviation == pytest.approx(alone)


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
    assert (found.valid, found.deviation) == (0, 0)
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
