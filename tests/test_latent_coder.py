"""Coding of latents: every integer comes back, and rounding keeps its promise."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from hyspec import _core
from latent_cases import (
    HIGHEST,
    LEVELS,
    LOWEST,
    Int32Array,
    at_level,
    chunks,
    encode,
    make_gains,
    scene,
    smooth,
    unit_gain,
    untrained,
)
from script_cases import bound_memory, needs_proc, run_alone

# ---- integers


@settings(deadline=None, max_examples=80)
@given(st.data(), chunks())
def test_any_integers(
    data: st.DataObject, chunk: tuple[Int32Array, tuple[int, int, int, int]]
) -> None:
    levels, shape = chunk
    ends = st.sampled_from([LOWEST, LOWEST + 1, -1, 0, 1, HIGHEST - 1, HIGHEST])
    values = st.integers(-3, 3) | ends | st.integers(LOWEST, HIGHEST)
    latents = data.draw(hnp.arrays(np.int32, shape, elements=values, fill=st.integers(-1, 1)))
    coded = encode(untrained(shape[1]), levels, latents)
    np.testing.assert_array_equal(coded.latents, latents)


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 2**32), st.integers(1, 6), st.integers(1, 5), st.integers(1, 20))
def test_integers_of_every_size(seed: int, bands: int, channels: int, side: int) -> None:
    """Sizes change from band to band and channel to channel, signs and zeros within them."""
    rng = np.random.default_rng(seed)
    size = 2.0 ** rng.uniform(-6, 30, (bands, channels, 1, 1))
    noise = size * rng.laplace(0, 1, (bands, channels, side, side))
    latents = np.rint(np.clip(noise, LOWEST, HIGHEST)).astype(np.int32)
    latents[rng.random(bands) < 0.2] = 0
    levels = 2 * rng.integers(0, LEVELS // 2, bands).astype(np.int32)
    np.testing.assert_array_equal(encode(untrained(channels), levels, latents).latents, latents)


@pytest.mark.parametrize("level", range(0, LEVELS, 2))
def test_every_level(level: int) -> None:
    """Also beside bands of the lowest and the highest level."""
    levels = np.array([level, 0, level, LEVELS - 2, level], np.int32)
    latents = scene(level, bands=5, channels=2, side=9)
    np.testing.assert_array_equal(encode(untrained(2), levels, latents).latents, latents)


def test_zeros_cost_next_to_nothing() -> None:
    nothing = np.zeros((200, 8, 16, 16), np.int32)
    assert len(encode(untrained(8), at_level(0, 200), nothing).payload) < 200


@pytest.mark.parametrize("width", [0.3, 1.0, 6.0, 40.0])
def test_noise_costs_its_entropy(width: float) -> None:
    """There is nothing to predict: not less, and hardly more."""
    reach = np.arange(-60 * int(width + 1), 60 * int(width + 1) + 1)
    share = np.exp(-np.abs(reach) / width)
    share /= share.sum()
    rng = np.random.default_rng(3)
    chosen = rng.choice(reach.size, (8, 2, 64, 64), p=share)
    entropy = -np.log2(share[chosen]).sum()
    payload = encode(untrained(2), at_level(0, 8), reach[chosen].astype(np.int32)).payload
    assert 0.995 * entropy < 8 * len(payload) < 1.15 * entropy + 1000


# ---- what neighbours have in common


def test_bands_that_resemble_each_other_cost_little() -> None:
    rng = np.random.default_rng(5)
    base = 20 * smooth(rng, (1, 3, 24, 24))
    alike = np.rint(base + 0.3 * rng.normal(size=(16, 3, 24, 24))).astype(np.int32)
    apart = rng.permuted(alike.reshape(16, 3, -1), axis=2).reshape(alike.shape)
    costs = [len(encode(untrained(3), at_level(0, 16), z).payload) for z in (alike, apart)]
    assert costs[0] < 0.3 * costs[1]


def test_a_change_of_level_is_followed() -> None:
    """The same latents at other gains are as predictable as at their own."""
    rng = np.random.default_rng(6)
    base = np.broadcast_to(30 * smooth(rng, (1, 2, 24, 24)), (16, 2, 24, 24)).astype(np.float32)
    model = untrained(2)
    steady = len(encode(model, at_level(16, 16), base).payload)
    changing = len(encode(model, np.tile([0, 32], 8).astype(np.int32), base).payload)
    shuffled = rng.permuted(base.reshape(16, 2, -1), axis=2).reshape(base.shape)
    assert changing < 2 * steady
    assert changing < 0.5 * len(encode(model, at_level(16, 16), shuffled).payload)


# ---- rounding


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 2**32), chunks(), st.sampled_from([1.0, 30.0, 2000.0]))
def test_the_nearest_integers_if_bits_are_worth_nothing(
    seed: int, chunk: tuple[Int32Array, tuple[int, int, int, int]], size: float
) -> None:
    """And the bytes are those of the integers."""
    levels, shape = chunk
    rng = np.random.default_rng(seed)
    integers = np.rint(size * rng.laplace(0, 1, shape)).astype(np.int32)
    near = (integers + rng.uniform(-0.49, 0.49, shape)).astype(np.float32)
    model = unit_gain(shape[1])
    coded = encode(model, levels, near)
    np.testing.assert_array_equal(coded.latents, integers)
    assert coded.payload == encode(model, levels, integers).payload


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 2**32), chunks(), st.sampled_from([0.0, 0.01, 0.1, 0.3, 0.5]))
def test_no_error_beyond_a_step(
    seed: int, chunk: tuple[Int32Array, tuple[int, int, int, int]], bit_value: float
) -> None:
    """In steps of each level's own gains, half of one if bits are worth nothing."""
    levels, shape = chunk
    rng = np.random.default_rng(seed)
    latents = (8 * rng.laplace(0, 1, shape)).astype(np.float32)
    model = untrained(shape[1])
    coded = encode(model, levels, latents, bit_value=bit_value)
    gain = np.exp2(make_gains(shape[1])[levels] / 256)[:, :, None, None]
    error = np.abs(coded.latents - gain * latents)
    assert error.max() <= (1.0 if bit_value else 0.5) + 1e-4
    # Integers cost what they cost, wherever they come from. Only of a plane that is rounded to
    # zero throughout may the encoder say so in a longer way.
    if coded.latents.any(axis=(2, 3)).all():
        assert coded.payload == encode(model, levels, coded.latents).payload


def test_rounding_strikes_the_balance_that_it_is_asked_for() -> None:
    """Of error and rate, at each value of a bit, no other value leads to a better one."""
    latents = np.random.default_rng(7).laplace(0, 0.6, (12, 2, 32, 32)).astype(np.float32)
    values = [0.0, 0.05, 0.1, 0.2, 0.4]
    coded = [encode(unit_gain(2), at_level(0, 12), latents, bit_value=v) for v in values]
    rates = np.array([8 * len(c.payload) for c in coded])
    errors = np.array([np.square(c.latents - latents).sum() for c in coded])
    assert (np.diff(rates) < 0).all()
    assert (np.diff(errors) > 0).all()
    for value in values[1:]:
        cost = errors + value * rates
        assert cost[values.index(value)] <= 1.01 * cost.min()
        assert cost[values.index(value)] < cost[0]


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 3e38, -3e38, 2.0**31, 1e-40])
def test_latents_that_are_no_numbers_of_use(value: float) -> None:
    """A network may yield anything: what the encoder makes of it can be decoded."""
    latents = np.random.default_rng(8).normal(0, 3, (4, 2, 5, 5)).astype(np.float32)
    latents[1, :, 2:4] = latents[2, 1] = value
    coded = encode(untrained(2), at_level(4, 4), latents, bit_value=0.1)
    if abs(value) > 2**30:
        assert (np.sign(coded.latents[2, 1]) == np.sign(value)).all()
        assert np.abs(coded.latents[2, 1].astype(np.int64)).min() > 2**30


@pytest.mark.parametrize("bit_value", [-0.01, 0.51, np.nan, np.inf])
def test_values_of_bits_that_are_refused(bit_value: float) -> None:
    with pytest.raises(_core.CoreError, match="value of a bit") as caught:
        encode(untrained(1), at_level(0, 1), np.zeros((1, 1, 1, 1), "f4"), bit_value=bit_value)
    assert caught.value.args[2] == "bad-argument"


# ---- memory


def ends_of_huge_tiles() -> list[str]:
    """Scales of 1000 bands, then noise: 16 MiB for a band, 4 GiB for all if nobody watched."""
    bands = 1000
    networks = [(1, untrained(4))]
    noise = np.random.default_rng(1).integers(-9, 10, (bands, 4, 1), np.int32)
    numbers = [np.full(bands, 66, np.int32), np.zeros(bands, np.int32)]
    small = _core.BandTile(bands, 1, 1)
    payload = _core.encode_band_payload(networks, small, 0, 0, None, *numbers, noise)[0]
    bound_memory(400 << 20)
    ends = []
    for side in (1024, 700):
        with pytest.raises(_core.CoreError) as caught:
            _core.decode_band_payload(networks, _core.BandTile(bands, side, side), payload)
        ends.append(caught.value.args[2])
    return ends


@needs_proc
def test_a_short_payload_of_a_huge_tile_takes_little_memory() -> None:
    assert set(run_alone(ends_of_huge_tiles, timeout=120)) <= {"truncated", "corrupt"}
