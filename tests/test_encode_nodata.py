"""Samples that are no measurements: exact where they are declared, refused where they are not."""

import dataclasses

import numpy as np
import pytest

import hyspec
from cube_cases import mask_of, scaled
from hyspec import Cube, errors
from hyspec.cube import SAMPLE_DTYPES


@pytest.mark.parametrize("dtype", SAMPLE_DTYPES)
@pytest.mark.parametrize("where", ["lowest", "highest", "inside"])
def test_declared_nodata_is_exact(codec, scene_cube, dtype, where):
    """Nodata samples come back as nodata, and no valid sample ever decodes to the nodata value."""
    samples = scaled(scene_cube.array, dtype)
    if samples.dtype.kind == "f":
        samples = np.rint(samples * 40).astype(dtype)  # so coarse that collisions are certain
    value = {
        "lowest": samples.min(),
        "highest": samples.max(),
        "inside": np.partition(samples.ravel(), samples.size // 2)[samples.size // 2],
    }[where]
    samples[5:12, 3:9, :] = value
    samples[20, :, 7] = value
    cube = Cube(samples, nodata=float(value))
    assert 0 < mask_of(cube).mean() < 1
    decoded = codec(cube, quality=70)
    assert decoded.nodata == value
    assert np.array_equal(decoded.array == value, samples == value)


@pytest.mark.parametrize("nodata", [None, float("nan")])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_nan_is_exact(codec, scene_cube, dtype, nodata):
    samples = scaled(scene_cube.array, dtype)
    samples[3:9, :, 2] = np.nan
    samples[17, 5] = np.nan
    decoded = codec(Cube(samples, nodata=nodata))
    assert np.array_equal(np.isnan(decoded.array), np.isnan(samples))
    assert (decoded.nodata is None) == (nodata is None)


def test_infinite_nodata(codec, scene_cube):
    samples = scaled(scene_cube.array, "float32")
    samples[:, 4] = -np.inf
    decoded = codec(Cube(samples, nodata=-np.inf))
    assert np.array_equal(np.isneginf(decoded.array), np.isneginf(samples))
    assert np.isfinite(np.delete(decoded.array, 4, axis=1)).all()


def test_nodata_of_the_largest_magnitude(codec, scene_cube):
    samples = scaled(scene_cube.array, "float32")
    samples[:3] = np.finfo("f4").min
    decoded = codec(Cube(samples, nodata=float(np.finfo("f4").min)))
    assert (decoded.array[:3] == np.finfo("f4").min).all()
    assert np.abs(decoded.array[3:]).max() < 10


@pytest.mark.parametrize("nodata", [-9999.0, 65536.0, 0.5, float("nan"), float("inf")])
def test_nodata_that_the_type_cannot_hold_is_kept_and_changes_nothing(
    each_pack, scene_cube, nodata
):
    samples = scene_cube.array.copy()
    samples[:, :, 3] = 0  # what a careless conversion of the nodata value would take for it
    cube = dataclasses.replace(scene_cube, array=samples)
    plain = hyspec.decode(hyspec.encode(cube, pack=each_pack), pack=each_pack)
    assert not plain.array[:, :, 3].any()
    marked = dataclasses.replace(cube, nodata=nodata)
    decoded = hyspec.decode(hyspec.encode(marked, pack=each_pack), pack=each_pack)
    assert decoded.nodata == nodata or np.isnan(decoded.nodata)
    assert np.array_equal(decoded.array, plain.array)


@pytest.mark.parametrize("dtype", ["int16", "float32"])
def test_all_nodata(codec, dtype):
    samples = np.full((20, 13, 6), -9999, dtype)
    decoded = codec(Cube(samples, nodata=-9999.0))
    assert np.array_equal(decoded.array, samples)
    if dtype == "float32":
        assert np.isnan(codec(np.full((20, 13, 6), np.nan, dtype)).array).all()


def test_one_valid_sample(codec):
    samples = np.full((19, 21, 4), -1, np.int16)
    samples[7, 9, 2] = 1234
    assert np.array_equal(codec(Cube(samples, nodata=-1.0)).array, samples)


def test_nodata_costs_little_and_does_not_spoil_the_rest(each_pack, nodata_cube):
    """What lies under the mask does not matter: filling it smoothly is cheap."""
    other = nodata_cube.array.copy()
    mask = mask_of(nodata_cube)
    other[~mask] = 32000
    data = hyspec.encode(nodata_cube, pack=each_pack)
    same = hyspec.encode(
        dataclasses.replace(nodata_cube, array=other, nodata=32000.0), pack=each_pack
    )
    # The header's nodata value differs; the chunks' content does not.
    assert abs(len(data) - len(same)) < 8
    first = hyspec.decode(data, pack=each_pack).array
    second = hyspec.decode(same, pack=each_pack).array
    assert np.array_equal(first[mask], second[mask])


@pytest.mark.parametrize("value", [np.inf, -np.inf])
@pytest.mark.parametrize("nodata", [None, -9999.0])
def test_infinite_samples_are_refused(each_pack, value, nodata):
    samples = np.ones((8, 8, 3), np.float32)
    samples[4, 4, 1] = value
    with pytest.raises(errors.DataError, match="infinite") as caught:
        hyspec.encode(Cube(samples, nodata=nodata), pack=each_pack)
    assert "--nodata" in caught.value.hint


def test_huge_samples_are_refused(each_pack):
    with pytest.raises(errors.DataError, match="magnitude"):
        hyspec.encode(np.array([[[-1.7e308, 1.7e308]]]), pack=each_pack)


def test_nan_beside_another_nodata_value_is_refused(each_pack):
    samples = np.ones((8, 8, 3), np.float32)
    samples[0, 0, 0] = np.nan
    with pytest.raises(errors.DataError, match="NaN") as caught:
        hyspec.encode(Cube(samples, nodata=-9999.0), pack=each_pack)
    assert "-9999" in caught.value.hint
