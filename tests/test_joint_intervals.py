"""Intervals whose leading components are transformed together: one chunk, two levels."""

from __future__ import annotations

import numpy as np
import pytest

import hyspec
from golden import make_streams
from hyspec import Cube, errors, synthetic
from sharing_cases import PACK, TINY, alike, bases_of, psnr, unshared

INTERVALS = "1-11,12-30,31-60"


@pytest.fixture(scope="module")
def cube() -> Cube:
    """48 x 40 pixels, 60 bands."""
    wavelengths = np.linspace(420.0, 2400.0, 60)
    sensor = synthetic.SensorGrid(wavelengths, np.full(60, 30.0), name="60 bands")
    found = synthetic.scene(48, 40, sensor=sensor, seed=5).cube
    found.array.flags.writeable = False
    return found


@pytest.mark.parametrize("quality", [45, 65])
def test_joint_intervals_cost_next_to_nothing(cube: Cube, quality: float) -> None:
    """About what one interval costs, and much less than intervals that know of no other."""
    options = {"pack": PACK, "quality": quality}
    whole = hyspec.encode(cube, intervals="all", **options)
    apart = hyspec.encode(cube, intervals=INTERVALS, **options)
    joint = hyspec.encode(cube, intervals=INTERVALS, joint=True, **options)
    assert len(joint) <= 1.08 * len(whole)
    assert len(joint) < 0.85 * len(apart)
    assert psnr(cube, joint) >= psnr(cube, whole) - 0.1
    assert [found.sizes for found in bases_of(joint)] == [[11, 19, 30]]
    assert [found.sizes for found in bases_of(whole)] == [[]]


def test_any_bands_can_be_read(cube: Cube) -> None:
    data = hyspec.encode(
        cube, pack=PACK, quality=60, intervals=INTERVALS, joint=True, tile=(24, 20)
    )
    whole = hyspec.decode(data).array
    for bands in ((0, 11), (11, 30), (5, 45), (59, 60)):
        part = hyspec.decode(data, bands=bands, rows=(20, 30), cols=(7, 33)).array
        np.testing.assert_array_equal(part, whole[20:30, 7:33, slice(*bands)])
    with hyspec.Stream(data) as stream:
        assert len(stream.intervals) == 1
        np.testing.assert_array_equal(stream[3, 4, :], whole[3, 4])


def test_one_interval_is_the_same_without(cube: Cube) -> None:
    options = {"pack": TINY, "quality": 50, "intervals": "all"}
    assert hyspec.encode(cube, joint=True, **options) == hyspec.encode(cube, **options)
    many = Cube(alike(6, 8, 600))
    options["quality"] = 40
    data = hyspec.encode(many, joint=True, **options)
    assert data == hyspec.encode(many, **options)
    assert [len(found.sizes) for found in bases_of(data, TINY)] == [3]


def test_joint_intervals_in_tiles_that_share_a_basis() -> None:
    array = alike(16, 80, 60)
    options = {"pack": PACK, "quality": 60, "tile": (16, 16)}
    data = hyspec.encode(array, intervals=INTERVALS, joint=True, **options)
    found = bases_of(data)
    assert any(f.back for f in found)
    assert all(f.sizes == [11, 19, 30] for f in found if f.rows)
    alone = hyspec.encode(array, **options)
    with unshared():
        apart = hyspec.encode(array, intervals=INTERVALS, joint=True, **options)
    assert len(alone) < len(data) < len(apart)
    assert psnr(array, data) > psnr(array, alone) - 0.15


def test_intervals_of_one_band_and_of_constant_ones() -> None:
    array = alike(20, 20, 12)
    array[..., 4:8] = 99
    options = {"pack": PACK, "quality": 60, "joint": True}
    data = hyspec.encode(array, intervals="1,2-4,5-8,9-11,12", **options)
    assert [f.sizes for f in bases_of(data)] == [[1, 3, 3, 1]]
    found = hyspec.decode(data).array
    assert (found[..., 4:8] == 99).all()
    each = hyspec.encode(array, intervals=",".join(map(str, range(1, 13))), **options)
    one = hyspec.encode(array, intervals="all", **options)
    assert len(each) < 1.1 * len(one)


@pytest.mark.parametrize("target", [{"psnr": 46.0}, {"bps": 0.5}])
def test_targets_are_met(cube: Cube, target: dict[str, float]) -> None:
    data = hyspec.encode(cube, pack=PACK, intervals=INTERVALS, joint=True, **target)
    if "psnr" in target:
        assert psnr(cube, data) == pytest.approx(46.0, abs=0.2)
    else:
        assert 8 * len(data) / cube.array.size == pytest.approx(0.5, rel=0.03)


# ---- many bands


@pytest.mark.parametrize("bands", [600, 3000])
def test_many_bands(bands: int) -> None:
    """In groups, without being asked: as near as one basis of all would be."""
    array = alike(20, 24, bands, noise=2.0)
    data = hyspec.encode(array, pack=PACK, quality=60)
    [found] = bases_of(data)
    assert len(found.sizes) == -(-2 * bands // 512)
    assert sum(found.sizes) == bands
    decoded = hyspec.decode(data).array.astype(float)
    assert np.sqrt(np.square(decoded - array).mean()) < 0.05 * array.std()
    part = hyspec.decode(data, bands=(bands // 2, bands // 2 + 3)).array
    np.testing.assert_array_equal(part, decoded[..., bands // 2 : bands // 2 + 3])


# ---- refusals


def test_the_band_profile_has_no_transform_to_share(cube: Cube) -> None:
    with pytest.raises(errors.UsageError, match="no transform") as caught:
        hyspec.encode(cube, pack=make_streams.PACK, joint=True)
    assert "--profile spectral" in str(caught.value.hint)


def test_more_intervals_than_groups() -> None:
    array = alike(4, 4, 257)
    each = ",".join(map(str, range(1, 258)))
    with pytest.raises(errors.UsageError, match="257 intervals are too many"):
        hyspec.encode(array, pack=TINY, intervals=each, joint=True)
    fewer = "1-2," + ",".join(map(str, range(3, 258)))
    data = hyspec.encode(array, pack=TINY, intervals=fewer, joint=True, quality=30)
    assert hyspec.decode(data, pack=TINY).array.shape == array.shape
