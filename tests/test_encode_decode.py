"""A cube in, the same cube out but for coding errors: samples of any type, and its description."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import hyspec
from cube_cases import mask_of, scaled
from hyspec import Cube, errors, metrics
from hyspec.cube import SAMPLE_DTYPES


def two_halves(low, high, dtype):
    samples = np.full((48, 48, 3), low, dtype)
    samples[:, 24:] = high
    return samples


# ---- sample types --------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", SAMPLE_DTYPES)
def test_every_sample_type(codec, scene_cube, dtype):
    original = scaled(scene_cube.array, dtype)
    decoded = codec(original, quality=80)
    assert decoded.array.dtype == original.dtype
    assert decoded.shape == original.shape
    # The scene's own spread is 0.2 of its range: the picture is there, whatever the pack's quality.
    assert metrics.psnr_db(original, decoded) > 22


@pytest.mark.parametrize("dtype", SAMPLE_DTYPES)
def test_every_byte_order(each_pack, scene_cube, dtype):
    native = scaled(scene_cube.array[:20], dtype)
    data = hyspec.encode(native, pack=each_pack)
    for order in "<>":
        assert (
            hyspec.encode(native.astype(native.dtype.newbyteorder(order)), pack=each_pack) == data
        )


@pytest.mark.parametrize("dtype", ["uint8", "int8", "uint16", "int16", "uint32", "int32"])
def test_saturated_extremes(codec, dtype):
    limits = np.iinfo(dtype)
    samples = two_halves(limits.min, limits.max, dtype)
    decoded = codec(samples, quality=100).array
    assert decoded.dtype == samples.dtype
    # Where the codec overshoots, samples saturate: one that wraps round would be off by the range.
    assert (decoded == limits.min).any()
    assert (decoded == limits.max).any()
    assert np.corrcoef(decoded.ravel().astype(float), samples.ravel().astype(float))[0, 1] > 0.8


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_largest_floats_stay_finite(codec, dtype):
    largest = min(float(np.finfo(dtype).max), 1e140)
    samples = two_halves(-largest, largest, dtype)
    decoded = codec(samples, quality=100).array
    assert np.isfinite(decoded).all()
    assert np.corrcoef(decoded.ravel() / largest, samples.ravel() / largest)[0, 1] > 0.8


@pytest.mark.parametrize("magnitude", [1e-100, 1e-42, 1e30])
def test_magnitude_of_floats_does_not_matter(codec, scene_cube, magnitude):
    unit = scaled(scene_cube.array, "float64")
    expected = metrics.psnr_db(unit, codec(unit, quality=20))
    found = metrics.psnr_db(unit, codec(unit * magnitude, quality=20).array / magnitude)
    # Not exactly: the quantisation step is a power of two, the magnitudes are not.
    assert found == pytest.approx(expected, abs=0.25)


def test_smallest_floats(codec, scene_cube):
    unit = scaled(scene_cube.array, "float64")
    assert metrics.psnr_db(unit, codec(unit * 1e-300, quality=100).array / 1e-300) > 22


def test_floats_are_multiples_of_the_step(each_pack, scene_cube):
    samples = scaled(scene_cube.array, "float32")
    for step in (None, 0.01, 3e-7):
        data = hyspec.encode(samples, pack=each_pack, float_step=step)
        with_step = hyspec.Stream(data, pack=each_pack)
        stated = with_step.header.step
        assert stated == step or step is None
        decoded = with_step.read().array
        multiples = np.rint(decoded.astype(np.float64) / stated) * stated
        assert np.array_equal(multiples.astype(np.float32), decoded)


def test_whole_numbers_in_floats_come_back_whole(codec, scene_cube):
    decoded = codec(scene_cube.array.astype("float32"), quality=80)
    assert np.array_equal(decoded.array, np.rint(decoded.array))


def test_float_step_is_refused_for_integers(each_pack, scene_cube):
    with pytest.raises(errors.UsageError, match="floating-point"):
        hyspec.encode(scene_cube, pack=each_pack, float_step=0.5)


def test_float_step_too_small_for_the_range(each_pack):
    with pytest.raises(errors.DataError, match="quantisation steps") as caught:
        hyspec.encode(np.linspace(0, 1e6, 300).reshape(10, 10, 3), pack=each_pack, float_step=1e-6)
    assert "larger --float-step" in caught.value.hint


# ---- shapes and contents -------------------------------------------------------------------------


@pytest.mark.parametrize(
    "shape", [(1, 1, 1), (1, 37, 4), (37, 1, 4), (33, 17, 1), (1, 1, 60), (2, 3, 400), (16, 16, 2)]
)
@pytest.mark.parametrize("dtype", ["uint16", "float32"])
def test_shapes(codec, shape, dtype):
    samples = np.random.default_rng(2).integers(90, 110, shape).astype(dtype)
    decoded = codec(samples, quality=70)
    assert decoded.shape == shape
    assert metrics.max_abs_error(samples, decoded) <= 20


@pytest.mark.parametrize("dtype", SAMPLE_DTYPES)
@pytest.mark.parametrize("end", ["min", "max"])
def test_constant_cube_is_exact(codec, dtype, end):
    limits = np.iinfo(dtype) if np.dtype(dtype).kind != "f" else None
    value = getattr(limits, end) if limits else {"min": -3.25, "max": 1e30}[end]
    samples = np.full((9, 7, 5), value, dtype)
    decoded = codec(samples)
    if limits:
        assert np.array_equal(decoded.array, samples)
    else:
        assert np.allclose(decoded.array, samples, rtol=1e-5)


def test_bands_without_variance_are_exact_beside_others(codec, scene_cube):
    samples = scene_cube.array.copy()
    samples[:, :, 4] = 7
    samples[:, :, 20:] = 65535
    decoded = codec(samples).array
    assert (decoded[:, :, 4] == 7).all()
    assert (decoded[:, :, 20:] == 65535).all()


def test_two_values(codec):
    samples = np.zeros((32, 32, 3), np.uint8)
    samples[8:24, 8:24] = 200
    decoded = codec(samples, quality=100).array.astype(int)
    assert decoded[12:20, 12:20].mean() > decoded[:4].mean() + 60


@pytest.mark.parametrize("tile", [1, 7, 16, 4096, (16, 16), (9, 5), (4096, 4096), (1, 1)])
def test_tiles(each_pack, scene_cube, tile):
    part = scene_cube.array[:20, :18, :3] if tile == (1, 1) else scene_cube.array
    data = hyspec.encode(part, pack=each_pack, tile=tile)
    stream = hyspec.Stream(data, pack=each_pack)
    rows, columns = (tile, 4096) if isinstance(tile, int) else tile
    assert stream.tile_size == (min(rows, part.shape[0]), min(columns, part.shape[1]))
    assert stream.read().shape == part.shape
    whole = hyspec.decode(hyspec.encode(part, pack=each_pack), pack=each_pack)
    # Tiles of a pixel are constant and thereby exact; the others are a picture like the whole.
    assert metrics.psnr_db(part, stream.read()) > metrics.psnr_db(part, whole) - 4


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1-24", "1-24"),
        ("1-3,4-23,24", "1-3,4-23,24-24"),
        (",".join(map(str, range(1, 25))), ",".join(f"{b}-{b}" for b in range(1, 25))),
    ],
)
def test_interval_tables(each_pack, scene_cube, text, expected):
    stream = hyspec.Stream(
        hyspec.encode(scene_cube, pack=each_pack, intervals=text), pack=each_pack
    )
    assert hyspec.intervals.format_intervals(stream.intervals) == expected
    assert metrics.psnr_db(scene_cube, stream.read()) > 20


@pytest.mark.parametrize("bands", [1, 2, 24])
@pytest.mark.parametrize("intervals", ["seed", "auto"])
def test_intervals_found_automatically(codec, scene_cube, bands, intervals):
    decoded = codec(scene_cube.array[:, :, :bands], intervals=intervals)
    assert decoded.shape == (40, 36, bands)


@pytest.mark.parametrize("text", ["", "1-10", "1-25", "2-24", "1-10,12-24", "a-b", "0-24"])
def test_bad_interval_tables(each_pack, scene_cube, text):
    with pytest.raises(errors.UsageError):
        hyspec.encode(scene_cube, pack=each_pack, intervals=text)


# ---- what describes the cube ---------------------------------------------------------------------


def test_description_survives(codec, nodata_cube):
    bad = np.arange(24) % 5 == 0
    metadata = {"envi": {"description": "Fläche 7", "band names": [f"b{k}" for k in range(24)]}}
    cube = dataclasses.replace(nodata_cube, bad_bands=bad, metadata=metadata)
    decoded = codec(cube)
    assert np.array_equal(decoded.wavelengths, cube.wavelengths)
    assert np.array_equal(decoded.fwhm, cube.fwhm)
    assert decoded.wavelength_unit == cube.wavelength_unit
    assert decoded.nodata == cube.nodata
    assert np.array_equal(decoded.bad_bands, bad)
    assert decoded.metadata == metadata


def test_nothing_is_invented(codec, scene_cube):
    decoded = codec(scene_cube.array)
    given = [decoded.wavelengths, decoded.fwhm, decoded.wavelength_unit, decoded.nodata]
    assert [*given, decoded.bad_bands] == [None] * 5
    assert decoded.metadata == {}


@pytest.mark.parametrize(
    "changed",
    [
        {"wavelength_unit": "n" * 300},
        {"wavelength_unit": "nm\n"},
        {"metadata": {"envi": {1, 2}}},
        {"metadata": {"envi": "x" * (17 << 20)}},
    ],
)
@pytest.mark.parametrize("target", [{"quality": 50}, {"bps": 0.5}])
def test_description_that_cannot_be_stored(each_pack, scene_cube, changed, target):
    with pytest.raises(errors.DataError, match=r"stored|kept"):
        hyspec.encode(dataclasses.replace(scene_cube, **changed), pack=each_pack, **target)


# ---- arrays of all kinds -------------------------------------------------------------------------


def test_views_and_memory_maps_give_the_same_stream(each_pack, scene_cube, tmp_path):
    samples = scene_cube.array
    data = hyspec.encode(samples, pack=each_pack)
    padded = np.zeros((80, 40, 30), np.uint16)
    padded[::2, 2:38, 3:27] = samples
    np.save(tmp_path / "cube.npy", samples.transpose(2, 0, 1))
    for same in (
        np.asfortranarray(samples),
        padded[::2, 2:38, 3:27],
        samples[::-1, :, ::-1].copy()[::-1, :, ::-1],
        np.load(tmp_path / "cube.npy", mmap_mode="r").transpose(1, 2, 0),
    ):
        assert not same.flags.c_contiguous
        assert hyspec.encode(same, pack=each_pack) == data


def test_the_input_is_not_changed(each_pack, nodata_cube):
    before = nodata_cube.array.copy()
    assert not nodata_cube.array.flags.writeable
    hyspec.encode(nodata_cube, pack=each_pack, bps=0.3)
    assert np.array_equal(before, nodata_cube.array)


@pytest.mark.parametrize("dtype", ["int64", "bool", "complex64", "float16", "U3"])
def test_sample_types_that_are_refused(each_pack, dtype):
    with pytest.raises(errors.DataError, match="not supported"):
        hyspec.encode(np.zeros((4, 4, 4)).astype(dtype), pack=each_pack)


@pytest.mark.parametrize("shape", [(4,), (4, 4), (0, 4, 4), (4, 4, 0), (2, 2, 2, 2)])
def test_shapes_that_are_refused(each_pack, shape):
    with pytest.raises(errors.DataError):
        hyspec.encode(np.zeros(shape, np.uint8), pack=each_pack)


@given(data=st.data())
@settings(max_examples=40, deadline=None)
def test_any_cube(each_pack, data):
    """Shape, type, nodata and constant bands of any small cube come back."""
    dtype = np.dtype(data.draw(st.sampled_from(SAMPLE_DTYPES)))
    shape = tuple(data.draw(st.integers(1, limit)) for limit in (24, 24, 6))
    rng = np.random.default_rng(data.draw(st.integers(0, 2**32)))
    if dtype.kind == "f":
        samples = (rng.normal(size=shape) * 10.0 ** rng.integers(-6, 7)).astype(dtype)
        nodata = data.draw(st.sampled_from([None, np.nan, -9999.0]))
    else:
        limits = np.iinfo(dtype)
        samples = rng.integers(limits.min, limits.max, shape, dtype, endpoint=True)
        nodata = data.draw(st.sampled_from([None, float(limits.min), float(limits.max), 3.0]))
    constant = rng.random(shape[2]) < 0.3
    samples[:, :, constant] = samples[0, 0, constant]
    if nodata is not None:
        samples[rng.random(shape) < data.draw(st.sampled_from([0, 0.02, 0.9, 1]))] = nodata
    tile = data.draw(st.sampled_from([256, 5, (7, 9)]))
    cube = Cube(samples, nodata=nodata)
    encoded = hyspec.encode(cube, pack=each_pack, tile=tile, quality=rng.uniform(0, 100))
    decoded = hyspec.decode(encoded, pack=each_pack)
    mask = mask_of(cube)
    assert decoded.array.dtype == dtype
    assert np.array_equal(mask_of(decoded), mask)
    assert np.array_equal(decoded.array[~mask], samples[~mask], equal_nan=dtype.kind == "f")
    if dtype.kind != "f":
        same = constant & mask.any((0, 1))
        assert np.array_equal(decoded.array[:, :, same], samples[:, :, same])
