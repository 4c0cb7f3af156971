"""Payloads of the bounded profile keep their promise: no sample is off by more than its limit."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bounded_payload_cases import (
    INT32,
    KINDS,
    Array,
    allowed_errors,
    cube,
    cubes,
    error_limits,
    lossless,
    masks,
    relative_errors,
    tile_of,
    unlimited,
)
from hyspec import _core


def round_trip(
    samples: Array,
    limits: Array,
    valid: Array | None = None,
    bands: int = 16,
    wide: bool = False,
    relative: tuple[int, int, int] = (0, 1, 0),
) -> bytes:
    """Encode and decode; check everything that a payload promises."""
    payload, written = _core.encode_bounded_payload(samples, valid, limits, bands, wide, *relative)
    decoded, mask, read_limits, read = _core.decode_bounded_payload(tile_of(samples), payload)
    assert written == read
    assert np.array_equal(read_limits, limits)
    there = np.ones(samples.shape, bool) if valid is None else valid.astype(bool)
    assert mask is None if valid is None else np.array_equal(mask, valid)
    error = np.abs(decoded.astype(np.int64) - samples)[there]
    assert np.all(error <= allowed_errors(samples, limits, *relative)[there])
    assert not decoded[~there].any()
    if there.any():
        assert decoded[there].min() >= samples[there].min()
        assert decoded[there].max() <= samples[there].max()
    return payload


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_any_cube_stays_within_its_limits(data: st.DataObject) -> None:
    samples = data.draw(cubes())
    limits = data.draw(error_limits(len(samples)))
    valid = data.draw(masks(samples.shape))
    round_trip(samples, limits, valid, data.draw(st.integers(0, 32)), data.draw(st.booleans()))


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_any_cube_stays_within_relative_limits(data: st.DataObject) -> None:
    samples = data.draw(cubes())
    bands = len(samples)
    limits = data.draw(st.just(unlimited(bands)) | error_limits(bands))
    relative = data.draw(relative_errors())
    valid = data.draw(masks(samples.shape))
    order, wide = data.draw(st.integers(0, 32)), data.draw(st.booleans())
    round_trip(samples, limits, valid, order, wide, relative)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.sampled_from([INT32.min, INT32.min + 1, -1, 0, 1, INT32.max - 1, INT32.max]),
        min_size=24,
        max_size=24,
    ),
    st.sampled_from([(24, 1, 1), (1, 24, 1), (1, 1, 24), (2, 3, 4), (12, 2, 1)]),
    st.sampled_from([0, 1, 2**31 - 1, 2**31, 2**32 - 1]),
    relative_errors() | st.just((0, 1, 0)),
)
def test_extremes_of_32_bits(
    values: list[int], shape: tuple[int, int, int], limit: int, relative: tuple[int, int, int]
) -> None:
    samples = np.array(values, np.int32).reshape(shape)
    limits = np.full(shape[0], limit, np.uint32)
    round_trip(samples, limits, None, 16, False, relative)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("low", "high"), [(0, 2**24 - 1), (0, 2**24), (-70000, 70000)])
def test_both_arithmetics(kind: str, low: int, high: int) -> None:
    """Samples that span 2^24 and more are computed in another way."""
    samples = cube(kind, (24, 40, 37), low, high, 3)
    for limit in (0, 1, 5):
        round_trip(samples, np.full(24, limit, np.uint32))


def test_the_arithmetics_predict_alike() -> None:
    """One far sample in a band of its own moves a chunk to the other arithmetic, no bits else."""
    samples = cube("smooth", (12, 40, 40), 0, 4000, 5)
    near, far = samples.copy(), samples.copy()
    near[-1, -1, -1] = 2**24 - 1
    far[-1, -1, -1] = 2**24
    sizes = [len(round_trip(s, lossless(12))) for s in (near, far)]
    assert abs(sizes[0] - sizes[1]) < 0.01 * sizes[0]


@pytest.mark.parametrize("shape", [(1, 1, 1), (5, 1, 1), (1, 7, 1), (1, 1, 300), (40, 3, 2)])
@pytest.mark.parametrize("kind", KINDS)
def test_thin_tiles(kind: str, shape: tuple[int, int, int]) -> None:
    samples = cube(kind, shape, -500, 500, 1)
    for limit in (0, 3):
        round_trip(samples, np.full(shape[0], limit, np.uint32), bands=32, wide=True)


def test_constant_cubes_cost_a_header() -> None:
    samples = np.full((7, 50, 60), -12345, np.int32)
    assert len(round_trip(samples, lossless(7))) < 12


def test_constant_bands_cost_little() -> None:
    samples = np.broadcast_to(
        np.random.default_rng(4).integers(0, 5000, (30, 1, 1)), (30, 64, 64)
    ).astype(np.int32)
    assert 8 * len(round_trip(samples, lossless(30))) < 0.1 * samples.size


def test_no_valid_sample() -> None:
    samples = np.full((2, 3, 4), 7, np.int32)
    payload = round_trip(samples, lossless(2), np.zeros((2, 3, 4), np.uint8))
    assert len(payload) < 16


def test_what_is_not_valid_does_not_matter() -> None:
    rng = np.random.default_rng(8)
    samples = cube("smooth", (10, 20, 20), 0, 3000, 2)
    valid = (rng.random(samples.shape) < 0.7).astype(np.uint8)
    other = np.where(valid == 1, samples, rng.integers(-(2**31), 2**31, samples.shape))
    limits = lossless(10)
    expected = _core.encode_bounded_payload(samples, valid, limits)
    assert _core.encode_bounded_payload(other.astype(np.int32), valid, limits) == expected


def test_larger_limits_cost_less() -> None:
    samples = cube("smooth", (30, 40, 40), 0, 8000, 6)
    sizes = [len(round_trip(samples, np.full(30, m, np.uint32))) for m in (0, 1, 2, 5, 10, 50)]
    assert sizes == sorted(sizes, reverse=True)
    assert sizes[-1] < 0.5 * sizes[0]


def test_larger_relative_limits_cost_less() -> None:
    samples = cube("smooth", (30, 40, 40), 50, 8000, 6)
    sizes = [
        len(round_trip(samples, unlimited(30), relative=(1, part, 0)))
        for part in (10000, 1000, 100, 20, 5)
    ]
    assert sizes == sorted(sizes, reverse=True)
    assert sizes[-1] < 0.2 * sizes[0]


def test_relative_limits_of_large_samples_cost_as_absolute_ones() -> None:
    """Far from zero, a relative error is an absolute one, but for its change over the samples."""
    samples = cube("smooth", (20, 40, 40), 10**6, 10**6 + 4000, 6)
    relative = len(round_trip(samples, unlimited(20), relative=(1, 10**5, 0)))
    absolute = len(round_trip(samples, np.full(20, 10, np.uint32)))
    assert abs(relative - absolute) < 0.02 * absolute


def test_far_samples_of_relative_limits_are_exact() -> None:
    """One that no long steps reach: nothing but its size is left to code."""
    samples = np.full((1, 1, 40), 3, np.int32)
    samples[0, 0, 20:] = INT32.max
    samples[0, 0, 30] = INT32.min
    payload = round_trip(samples, unlimited(1), relative=(1, 10**5, 0))
    decoded = _core.decode_bounded_payload(tile_of(samples), payload)[0]
    assert decoded[0, 0, 20] == INT32.max
    assert decoded[0, 0, 30] == INT32.min


def test_noise_costs_what_it_has() -> None:
    """Nothing can be predicted, and little is lost by trying."""
    samples = np.random.default_rng(1).integers(0, 4096, (10, 64, 64)).astype(np.int32)
    assert 8 * len(round_trip(samples, lossless(10))) < 12.5 * samples.size


def test_bands_explain_each_other() -> None:
    """A band that the 20 bands before sum up to in part costs less with more of them."""
    rng = np.random.default_rng(2)
    parts = rng.integers(-500, 500, (24, 48, 48))
    samples = np.concatenate([parts, parts.sum(0, keepdims=True) // 4]).astype(np.int32)
    sizes = [len(round_trip(samples, lossless(25), bands=n)) for n in (2, 24)]
    assert sizes[1] < sizes[0]


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"max_errors": np.zeros(3, np.uint32)}, "max_errors"),
        ({"bands": 33}, "32 bands"),
        ({"numerator": 9, "denominator": 9}, "less than 1"),
        ({"numerator": 9, "denominator": 2**24 + 1}, "at most 2"),
        ({"valid": np.ones((2, 3, 5), np.uint8)}, "valid"),
        ({"valid": np.full((2, 3, 4), 2, np.uint8)}, "0 and 1"),
        ({"samples": np.zeros((2, 0, 4), np.int32)}, "at least one"),
    ],
)
def test_bad_arguments(change: dict[str, object], text: str) -> None:
    arguments = {
        "samples": np.zeros((2, 3, 4), np.int32),
        "valid": None,
        "max_errors": np.zeros(2, np.uint32),
    }
    with pytest.raises(_core.CoreError, match=text) as caught:
        _core.encode_bounded_payload(**{**arguments, **change})  # type: ignore[arg-type]
    assert caught.value.args[2] == "bad-argument"


def test_default_settings() -> None:
    assert _core.default_bounded_settings(224, True) == (16, False)
    assert _core.default_bounded_settings(3, False) == (24, True)
