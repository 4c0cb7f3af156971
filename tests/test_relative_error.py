"""Streams keep the relative error that was asked for: no sample is off by more than its share."""

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import hyspec
from bounded_payload_cases import KINDS, cube
from hyspec import Cube, errors, pack
from hyspec.nodata import validity

INTEGERS = ("uint8", "int8", "uint16", "int16", "uint32", "int32")


def check(source: Cube, share: float, max_error: float | None = None, **options: Any) -> bytes:
    """Encode and decode; errors are within the share of each valid sample, and nodata stays."""
    data = hyspec.encode(source, max_relative_error=share, max_error=max_error, **options)
    decoded = hyspec.decode(data)
    valid = validity(source.array, source.nodata)
    there = np.ones(source.shape, bool) if valid is None else valid
    again = validity(decoded.array, source.nodata)
    assert np.array_equal(there, np.ones(source.shape, bool) if again is None else again)
    before, after = (a.astype(np.longdouble)[there] for a in (source.array, decoded.array))
    error = np.abs(after - before)
    # The share is what its digits say, which its binary value may be a little less than.
    assert np.all(error <= np.longdouble(str(share)) * np.abs(before))
    if max_error is not None:
        assert np.all(error <= max_error)
    return data


@st.composite
def shares(draw: st.DrawFn) -> float:
    """Relative errors, from next to nothing up."""
    return draw(st.sampled_from([1e-9, 0.001, 0.01, 0.05, 0.5, 1 - 2**-53]) | st.floats(1e-5, 0.9))


# ---- integers ------------------------------------------------------------------------------------


@settings(max_examples=200, deadline=None)
@given(st.data(), shares())
def test_any_integer_cube(data: st.DataObject, share: float) -> None:
    dtype = np.dtype(data.draw(st.sampled_from(INTEGERS)))
    limits = np.iinfo(dtype)
    ends = st.integers(int(limits.min), int(limits.max)) | st.integers(0, 120)
    low, high = sorted((data.draw(ends), data.draw(ends)))
    shape = tuple(data.draw(st.integers(1, n)) for n in (6, 10, 12))
    shift = 2**31 if dtype == np.uint32 else 0
    kind, seed = data.draw(st.sampled_from(KINDS)), data.draw(st.integers(0, 2**32))
    counts = cube(kind, shape, low - shift, high - shift, seed).astype(np.int64) + shift
    array = counts.transpose(1, 2, 0).astype(dtype)
    nodata = None
    if data.draw(st.booleans()):
        nodata = float(data.draw(st.sampled_from([low, high, min(low + 2, high), limits.max, 0])))
        rng = np.random.default_rng(seed)
        array[rng.random(array.shape) < data.draw(st.sampled_from([0.0, 0.3]))] = int(nodata)
    max_error = data.draw(st.none() | st.sampled_from([0, 1, 7.5, 3000]))
    tile = (data.draw(st.integers(1, 12)), data.draw(st.integers(1, 12)))
    check(Cube(array, nodata=nodata), share, max_error, tile=tile)


@pytest.mark.parametrize("nodata", [200, 60000, 65535])
def test_samples_beside_nodata(nodata: int) -> None:
    """Decoding moves what meets nodata, and that is within the share, too."""
    rng = np.random.default_rng(nodata)
    array = np.clip(nodata + rng.integers(-nodata // 20, nodata // 20, (30, 30, 5)), 0, 65535)
    for share in (0.001, 0.01, 0.1):
        check(Cube(array.astype(np.uint16), nodata=float(nodata)), share)


def test_zeros_and_signs_stay() -> None:
    array = np.random.default_rng(1).integers(-40, 41, (20, 20, 4)).astype(np.int16)
    decoded = hyspec.decode(check(Cube(array), 0.9)).array
    assert np.array_equal(np.sign(decoded), np.sign(array))
    assert not np.array_equal(decoded, array)


def test_two_limits_cost_no_less_than_either(scene_cube: Cube) -> None:
    """Dark samples are held by their share, and bright ones by the absolute limit."""
    both = len(check(scene_cube, 0.02, 20))
    assert both >= len(check(scene_cube, 0.02))
    assert both >= len(hyspec.encode(scene_cube, max_error=20, fast=True))
    assert both < len(hyspec.encode(scene_cube, lossless=True))


def test_a_share_that_no_sample_feels_is_lossless(scene_cube: Cube) -> None:
    for share in (1e-9, 1e-6):
        found = hyspec.decode(check(scene_cube, share)).array
        assert np.array_equal(found, scene_cube.array)


# ---- floating point ------------------------------------------------------------------------------


@settings(max_examples=150, deadline=None)
@given(st.data(), st.floats(0.001, 0.5))
def test_any_float_cube(data: st.DataObject, share: float) -> None:
    dtype = data.draw(st.sampled_from(["float32", "float64"]))
    rng = np.random.default_rng(data.draw(st.integers(0, 2**32)))
    shape = tuple(data.draw(st.integers(1, n)) for n in (9, 9, 5))
    scale = 10.0 ** data.draw(st.integers(-6, 6))
    octaves = data.draw(st.sampled_from([0.0, 1.0, 8.0]))
    array = scale * np.exp2(octaves * rng.random(shape)) * rng.choice([-1, 1], shape)
    array[rng.random(shape) < data.draw(st.sampled_from([0.0, 0.2]))] = 0
    array = array.astype(dtype)
    nodata = data.draw(st.sampled_from([None, None, float(array.flat[0]), math.nan]))
    if nodata is not None:
        array[rng.random(shape) < 0.2] = nodata
    max_error = data.draw(st.none() | st.just(share * scale))
    step = data.draw(st.none() | st.sampled_from([0.5, 0.1, 0.01, 2.0**-9]))
    options = {} if step is None else {"float_step": share * scale * step}
    try:
        check(Cube(array, nodata=nodata), share, max_error, **options)
    except errors.UsageError as error:  # more than the whole range
        assert "float-step" in (error.hint or "")
    except errors.DataError as error:  # beside nodata
        assert "smaller --float-step" in (error.hint or "")
        assert step is not None
        assert nodata is not None


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_whole_numbers_in_floats(dtype: str) -> None:
    """What the step does not round has all of the share."""
    array = np.rint(np.random.default_rng(0).normal(0, 900, (12, 11, 4))).astype(dtype)
    array[3:5, 2] = np.nan
    data = check(Cube(array), 0.05)
    assert hyspec.Stream(data).header.step == 1.0
    assert hyspec.Stream(data).error_limits.max_relative_error == 0.05


def test_steps_that_are_too_coarse() -> None:
    array = np.random.default_rng(0).random((5, 5, 3)).astype(np.float32) + 1
    array[2, 2, 2] = 0.001
    with pytest.raises(errors.DataError, match="alone is off by more than") as caught:
        hyspec.encode(array, max_relative_error=0.01, float_step=0.01)
    assert "near 0" in caught.value.hint
    array[2, 2, 2] = 1e-12
    with pytest.raises(errors.DataError, match="alone is off by more than"):
        hyspec.encode(array, max_relative_error=0.01)
    array[2, 2, 2] = 0
    check(Cube(array), 0.01)


# ---- what a stream has ---------------------------------------------------------------------------


def test_stated_limits(scene_cube: Cube) -> None:
    def limits(**options: Any) -> Any:
        return hyspec.Stream(hyspec.encode(scene_cube, **options)).error_limits

    found = limits(max_relative_error=0.01)
    assert found.max_error is None
    assert found.max_relative_error == 0.01
    found = limits(max_relative_error=0.25, max_error=3)
    assert (found.max_error, found.max_relative_error) == (3, 0.25)
    found = limits(max_error=[3] * 23 + [5], intervals="1-9,10-24")
    assert (found.max_error, found.max_relative_error) == (5, None)
    found = limits(lossless=True)
    assert (found.max_error, found.max_relative_error) == (0, None)
    assert limits(quality=50) is None


def test_stated_limits_of_a_lost_tile(scene_cube: Cube) -> None:
    data = hyspec.encode(scene_cube, lossless=True)
    start = hyspec.Stream(data).index.chunks[0].offset
    damaged = data[: start + 40] + bytes([data[start + 40] ^ 1]) + data[start + 41 :]
    assert hyspec.Stream(damaged).error_limits is None


def test_lines(nodata_cube: Cube) -> None:
    pieces: list[bytes] = []
    options = hyspec.EncodeOptions(max_relative_error=0.02, tile=16)
    with hyspec.LineEncoder(pieces.append, options, nodata=nodata_cube.nodata) as encoder:
        for line in nodata_cube.array:
            encoder.push(line[None])
    whole = check(Cube(nodata_cube.array, nodata=nodata_cube.nodata), 0.02, tile=16)
    found = hyspec.decode(b"".join(pieces)).array
    assert np.array_equal(found, hyspec.decode(whole).array)


def test_layers(scene_cube: Cube) -> None:
    """The base is that of any stream; what meets the share is predicted."""
    data = check(scene_cube, 0.01, layers=True)
    assert hyspec.Stream(data).layers == 2
    assert hyspec.Stream(data).error_limits.max_relative_error == 0.01


def test_no_pack_is_looked_for(scene_cube: Cube, monkeypatch: pytest.MonkeyPatch) -> None:
    def none(*_: Any) -> None:
        raise AssertionError("a pack is looked for")

    monkeypatch.setattr(pack, "load", none)
    monkeypatch.setattr(pack, "find", none)
    hyspec.decode(hyspec.encode(scene_cube, max_relative_error=0.01))
