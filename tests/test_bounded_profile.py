"""Whole streams of the bounded profile keep their promise: no sample is off by more than asked.

By prediction, that is; tests/test_corrected_profile.py has streams with corrections.
"""

import dataclasses
import functools
import math
import subprocess
import sys
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import hyspec
from bounded_payload_cases import KINDS, Array, cube
from hyspec import Cube, _core, errors, pack, profiles
from hyspec.nodata import validity
from stream_cases import INTERVALS, TILE, with_byte_flipped

INTEGERS = ("uint8", "int8", "uint16", "int16", "uint32", "int32")


def no_pack(*_: Any) -> None:
    raise AssertionError("a pack is looked for")


def check(source: Cube, bounds: Any, **options: Any) -> bytes:
    """Encode and decode; valid samples stay within their bounds, and the others are nodata."""
    asked = {"lossless": True} if bounds is None else {"max_error": bounds}
    data = hyspec.encode(source, **asked, fast=True, **options)
    stream = hyspec.Stream(data)
    assert (stream.profile, stream.pack_name, stream.shape) == ("bounded", None, source.shape)
    decoded = stream.read()
    assert decoded.array.dtype == source.array.dtype
    valid = validity(source.array, source.nodata)
    there = np.ones(source.shape, bool) if valid is None else valid
    again = validity(decoded.array, source.nodata)
    assert np.array_equal(there, np.ones(source.shape, bool) if again is None else again)
    wide = np.longdouble if source.array.dtype.kind == "f" else np.int64
    error = np.abs(decoded.array.astype(wide) - source.array.astype(wide))
    allowed = np.broadcast_to(np.array(0 if bounds is None else bounds, float), source.shape)
    assert np.all(error[there] <= allowed[there])
    return data


# ---- integers ------------------------------------------------------------------------------------


@st.composite
def integer_cubes(draw: st.DrawFn) -> Cube:
    """Cubes of any integer type, with or without nodata that samples come close to."""
    dtype = np.dtype(draw(st.sampled_from(INTEGERS)))
    limits = np.iinfo(dtype)
    ends = st.integers(int(limits.min), int(limits.max))
    low, high = draw(st.just((limits.min, limits.max)) | st.tuples(ends, ends))
    low, high = int(min(low, high)), int(max(low, high))
    shape = tuple(draw(st.integers(1, n)) for n in (6, 10, 12))
    shift = 2**31 if dtype == np.uint32 else 0
    kind, seed = draw(st.sampled_from(KINDS)), draw(st.integers(0, 2**32))
    counts = cube(kind, shape, low - shift, high - shift, seed).astype(np.int64) + shift
    array = counts.transpose(1, 2, 0).astype(dtype)
    nodata = None
    if draw(st.booleans()):
        nodata = float(draw(st.sampled_from([low, high, min(low + 2, high), limits.max])))
        if draw(st.booleans()):
            rng = np.random.default_rng(seed)
            array[rng.random(array.shape) < 0.3] = int(nodata)
    return Cube(array, nodata=nodata)


@settings(max_examples=250, deadline=None)
@given(st.data())
def test_any_integer_cube(data: st.DataObject) -> None:
    source = data.draw(integer_cubes())
    bound = st.sampled_from([0, 1, 2, 3, 7.9, 100, 40000, 2.0**32]) | st.floats(0, 300)
    bounds = data.draw(
        st.none() | bound | st.lists(bound, min_size=source.bands, max_size=source.bands)
    )
    rows, columns = data.draw(st.integers(1, 12)), data.draw(st.integers(1, 12))
    stop = data.draw(st.integers(1, source.bands))
    table = f"1-{stop}" + (f",{stop + 1}-{source.bands}" if stop < source.bands else "")
    check(source, bounds, tile=(rows, columns), intervals=table)


@pytest.mark.parametrize("dtype", INTEGERS)
@pytest.mark.parametrize("bound", [None, 1, 9])
def test_both_ends_of_the_sample_types(dtype: str, bound: int | None) -> None:
    limits = np.iinfo(dtype)
    ends = np.array([limits.min, limits.max, limits.min + 1, limits.max - 1], dtype)
    array = np.random.default_rng(1).choice(ends, (9, 8, 3))
    check(Cube(array), bound)


@pytest.mark.parametrize("nodata", [50, 0, 65535])
def test_samples_beside_nodata(nodata: int) -> None:
    """Decoding moves what meets nodata, and that is within the limit, too."""
    rng = np.random.default_rng(nodata)
    array = np.clip(nodata + rng.integers(-6, 7, (40, 40, 6)), 0, 65535).astype(np.uint16)
    for bound in (0, 1, 2, 3, 5):
        check(Cube(array, nodata=float(nodata)), bound)


# ---- floating point ------------------------------------------------------------------------------


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_any_float_cube(data: st.DataObject) -> None:
    dtype = data.draw(st.sampled_from(["float32", "float64"]))
    rng = np.random.default_rng(data.draw(st.integers(0, 2**32)))
    shape = tuple(data.draw(st.integers(1, n)) for n in (9, 9, 5))
    scale = 10.0 ** data.draw(st.integers(-6, 6))
    offset = data.draw(st.sampled_from([0.0, 1.0, -1000.0])) * scale
    array = (rng.normal(offset, scale, shape)).astype(dtype)
    nodata = data.draw(st.sampled_from([None, None, 0.0, float(array.flat[0]), math.nan]))
    if nodata is not None:
        array[rng.random(shape) < 0.2] = nodata
    bound = scale * data.draw(st.floats(0.001, 3))
    step = data.draw(st.none() | st.sampled_from([2.0, 1.0, 0.3, 0.01]))
    given_step = {} if step is None else {"float_step": bound * step}
    if step is None:
        check(Cube(array, nodata=nodata), bound, **given_step)
        return
    try:
        check(Cube(array, nodata=nodata), bound, **given_step)
    except errors.UsageError as error:  # more than the whole range
        assert "float-step" in (error.hint or "")
    except errors.DataError as error:
        assert "smaller --float-step" in (error.hint or "")
        assert step >= 1 or nodata == 0.0 or nodata == array.flat[0]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("step", [0.1, 1.0, 7.3])
def test_steps_whose_products_are_rounded(dtype: str, step: float) -> None:
    """Products of step and whole number that are no floats; samples of any place between them."""
    rng = np.random.default_rng(5)
    array = (rng.random((20, 20, 3)) * 3e5 * step).astype(dtype)
    for factor in (0.6, 1.5, 2.0, 7.25):
        check(Cube(array), factor * step, float_step=step)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_whole_numbers_in_floats_are_lossless(dtype: str) -> None:
    array = np.rint(np.random.default_rng(0).normal(0, 900, (12, 11, 4))).astype(dtype)
    array[3:5, 2] = np.nan
    data = check(Cube(array), None)
    assert hyspec.Stream(data).header.step == 1.0
    check(Cube(array), 2)
    decoded = hyspec.decode(hyspec.encode(Cube(array), max_error=2, fast=True)).array
    assert np.nanmax(np.abs(decoded - array)) == 2  # no part of it goes to quantisation


def test_multiples_of_a_step_are_lossless() -> None:
    counts = np.random.default_rng(0).integers(-9000, 9000, (12, 11, 4))
    for step in (0.25, 0.1):
        check(Cube(counts * step), None, float_step=step)
        check(Cube((counts * step).astype(np.float32)), None, float_step=step)


def test_floats_that_cannot_be_lossless() -> None:
    array = np.random.default_rng(0).normal(size=(5, 5, 3)).astype(np.float32)
    with pytest.raises(errors.DataError, match="not all whole numbers") as caught:
        hyspec.encode(array, lossless=True)
    assert "--float-step" in caught.value.hint
    with pytest.raises(errors.DataError, match="multiples of the quantisation step") as caught:
        hyspec.encode(array, lossless=True, float_step=0.25)
    assert "--max-error" in caught.value.hint
    with pytest.raises(errors.DataError, match="alone is off by") as caught:
        hyspec.encode(array, max_error=0.1, float_step=0.25)
    assert "smaller --float-step" in caught.value.hint


def test_a_step_that_rounds_to_nodata() -> None:
    array = np.full((4, 4, 1), 0.1)
    array[0] = 1.9
    with pytest.raises(errors.DataError, match="to the nodata value"):
        hyspec.encode(Cube(array, nodata=0.0), max_error=0.5, float_step=1.0)
    check(Cube(array, nodata=0.0), 0.5)


# ---- what a stream has ---------------------------------------------------------------------------


def test_descriptions_come_back(scene_cube: Cube) -> None:
    source = dataclasses.replace(
        scene_cube, bad_bands=np.arange(24) == 3, metadata={"envi": {"sensor type": "example"}}
    )
    found = hyspec.decode(hyspec.encode(source, lossless=True))
    assert np.array_equal(found.array, source.array)
    for name in ("wavelengths", "fwhm", "bad_bands"):
        assert np.array_equal(getattr(found, name), getattr(source, name))
    for name in ("wavelength_unit", "nodata", "metadata"):
        assert getattr(found, name) == getattr(source, name)


def test_lossless_is_an_error_of_zero(scene_cube: Cube) -> None:
    assert hyspec.encode(scene_cube, lossless=True) == hyspec.encode(scene_cube, max_error=0)


@pytest.mark.parametrize("bound", [0, 2])
def test_threads_do_not_matter(scene_cube: Cube, nodata_cube: Cube, bound: int) -> None:
    for source in (scene_cube, nodata_cube):
        encode = functools.partial(hyspec.encode, source, max_error=bound, tile=TILE, fast=True)
        assert encode(threads=1) == encode(threads=3)
        data = encode(threads=1)
        assert np.array_equal(hyspec.decode(data, threads=1).array,
                              hyspec.decode(data, threads=3).array)  # fmt: skip


def test_any_part(scene_cube: Cube) -> None:
    stream = hyspec.Stream(hyspec.encode(scene_cube, lossless=True, tile=TILE, intervals=INTERVALS))
    assert len(stream.index.chunks) == 27
    for part in (np.s_[3:30, 10:13, 5:22], np.s_[39, :, 23], np.s_[:, 0, :], np.s_[17, 20, 8]):
        assert np.array_equal(stream[part], scene_cube.array[part])


def test_no_pack_is_looked_for(scene_cube: Cube, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pack, "load", no_pack)
    monkeypatch.setattr(pack, "find", no_pack)
    for options in (
        {"max_error": 1},
        {"max_error": [9] * 23 + [1]},
        {"max_error": 9, "fast": True},
    ):
        data = hyspec.encode(scene_cube, **options)
        assert hyspec.decode(data).shape == scene_cube.shape
        assert hyspec.Stream(data, pack="anything").check() == []


def test_no_network_is_run() -> None:
    """On a machine without ONNX Runtime, that is."""
    script = """
import sys
sys.modules["onnxruntime"] = None
import numpy, hyspec
data = hyspec.encode(numpy.arange(24, dtype="u2").reshape(2, 3, 4), lossless=True)
assert hyspec.decode(data).array.sum() == 276
"""
    subprocess.run([sys.executable, "-c", script], check=True)


def test_lost_chunks_are_filled_and_listed(scene_cube: Cube) -> None:
    data = hyspec.encode(scene_cube, lossless=True, tile=TILE, intervals=INTERVALS)
    entries = {(e.tile, e.interval): e for e in hyspec.Stream(data).index.chunks}
    entry = entries[4, 1]
    damaged = with_byte_flipped(data, entry.offset + entry.length - 1)
    with pytest.raises(errors.StreamError, match="tile 4"):
        hyspec.decode(damaged)
    expected = scene_cube.array.copy()
    expected[16:32, 12:24, 8:20] = 0
    stream = hyspec.Stream(damaged, on_damage="fill")
    assert np.array_equal(stream[...], expected)
    assert [(d.tile, d.bands) for d in stream.damage] == [(4, range(8, 20))]


def test_damage_anywhere(scene_cube: Cube) -> None:
    """Any byte: an error that says so, or, with recovery, samples that are right or nodata."""
    source = Cube(scene_cube.array[:20, :18, :7])
    data = hyspec.encode(source, lossless=True, tile=(8, 10), intervals="1-3,4-7")
    for at in range(0, len(data), 37):
        damaged = with_byte_flipped(data, at)
        with pytest.raises(errors.HyspecError):
            hyspec.decode(damaged)
        try:
            found = hyspec.decode(damaged, on_damage="fill").array
        except errors.StreamError:
            assert at < hyspec.Stream(data).index.chunks[0].offset  # without a preamble
            continue
        assert np.all((found == source.array) | (found == 0))


def test_memory_is_reckoned(scene_cube: Cube) -> None:
    stream = hyspec.Stream(hyspec.encode(scene_cube, lossless=True))
    pixels = 40 * 36
    planes = (_core.MAX_PREDICTION_BANDS + 1) * 20
    assert stream._chunks.memory >= pixels * (24 * 9 + planes)
    with pytest.raises(errors.LimitError, match="one chunk"):
        hyspec.Stream(hyspec.encode(scene_cube, lossless=True), max_bytes=pixels * 24)[0, 0, 0]


def test_a_stream_that_names_no_such_pack_or_model(scene_cube: Cube) -> None:
    """As only a faulty encoder would write it."""
    stream = hyspec.Stream(hyspec.encode(scene_cube, lossless=True))
    stream.header.pack = (bytes(32), "some")
    with pytest.raises(errors.PackNotFoundError, match="some"):
        stream[0, 0, 0]
    stream = hyspec.Stream(hyspec.encode(scene_cube, lossless=True))
    stream._chunks._models = [1]
    with pytest.raises(errors.StreamError, match="model 1 of a profile that has no models"):
        stream[0, 0, 0]


# ---- lines ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("bound", [0, 3])
def test_lines(nodata_cube: Cube, bound: int) -> None:
    pieces: list[bytes] = []
    options = hyspec.EncodeOptions(max_error=bound, tile=16, fast=True)
    with hyspec.LineEncoder(pieces.append, options, nodata=nodata_cube.nodata) as encoder:
        for line in nodata_cube.array:
            encoder.push(line[None])
    result = encoder.finish()
    assert (result.profile, result.pack, result.quality) == ("bounded", None, None)
    found = hyspec.decode(b"".join(pieces)).array
    whole = hyspec.encode(Cube(nodata_cube.array, nodata=nodata_cube.nodata), max_error=bound,
                          tile=16, fast=True)  # fmt: skip
    assert result.ways == {"prediction": 3}
    assert np.array_equal(found, hyspec.decode(whole).array)
    assert np.abs(found.astype(int) - nodata_cube.array).max() <= bound


# ---- what is refused -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("settings", "text"),
    [
        ({"network": 0}, "no networks that network"),
        ({"precision": "int8"}, "no networks that precision"),
        ({"metric": "sam"}, "no metric"),
        ({"joint": True}, "no transform"),
        ({"bad_bands": "drop"}, "none is dropped"),
    ],
)
def test_settings_of_other_profiles(scene_cube: Cube, settings: Any, text: str) -> None:
    with pytest.raises(errors.UsageError, match=text) as caught:
        hyspec.encode(scene_cube, lossless=True, **settings)
    assert caught.value.hint


def test_bounds_of_other_cubes(scene_cube: Cube) -> None:
    with pytest.raises(errors.UsageError, match="3 values; expected one, or 24"):
        hyspec.encode(scene_cube, max_error=[1, 2, 3])


def test_infinite_samples() -> None:
    array: Array = np.full((3, 3, 2), np.inf, np.float32)
    with pytest.raises(errors.DataError, match="infinite"):
        hyspec.encode(array, max_error=1)


def test_the_profile_is_that_of_the_document() -> None:
    found = profiles.find(3, 1)
    assert found is not None
    assert (found.name, found.pack, found.needs_pack) == ("bounded", "generic-spectral", False)
