"""Rounding of component planes: latents one by one, and the search where quantisers take turns."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from half_steps import half_steps
from hyspec import _core
from latent_cases import LEVELS, Float32Array, Int32Array, at_level, chunks, make_gains
from plane_cases import Coded, encode, untrained, usual_terms
from reference.planes import TURNS
from reference.planes import half_steps as one_latent

Chunk = tuple[Int32Array, tuple[int, int, int, int]]

#: Half a step of either kind, in steps of the level: section 6.2 of docs/spectral_profile.md.
HALF_STEP = {False: 1 / 2, True: 5 / 8}
each_kind = pytest.mark.parametrize("dependent", [False, True], ids=["plain", "turning"])


def unit_gain(channels: int) -> _core.PlaneModel:
    """Latents are rounded as they are."""
    gains = np.zeros((LEVELS, channels), np.int16)
    return _core.PlaneModel.untrained(gains, usual_terms(channels))


def squared_error(real: Float32Array, coded: Coded, dependent: bool) -> float:
    """In steps of the level, for unit gains."""
    return float(np.square(HALF_STEP[dependent] * coded.latents - real).sum())


def noise(seed: int, width: float, channels: int = 4) -> Float32Array:
    """Independent latents of eight planes, in steps."""
    rng = np.random.default_rng(seed)
    return rng.laplace(0, width, (8, channels, 24, 24)).astype(np.float32)


def test_the_step_of_quantisers_that_take_turns() -> None:
    assert 2 * HALF_STEP[True] == _core.DEPENDENT_STEP


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 2**32), chunks(), st.sampled_from([1.0, 30.0, 2000.0]))
def test_the_nearest_integers_if_bits_are_worth_nothing(
    seed: int, chunk: Chunk, size: float
) -> None:
    """And the bytes are those of the integers."""
    levels, shape = chunk
    rng = np.random.default_rng(seed)
    integers = np.rint(size * rng.laplace(0, 1, shape))
    near = (integers + rng.uniform(-0.49, 0.49, shape)).astype(np.float32)
    model = unit_gain(shape[1])
    coded = encode(model, levels, near)
    np.testing.assert_array_equal(coded.latents, 2 * integers)
    assert coded.payload == encode(model, levels, coded.latents).payload


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 2**32), chunks(), st.sampled_from([0.3, 3.0, 2000.0]))
def test_a_path_without_error_is_found_if_bits_are_worth_nothing(
    seed: int, chunk: Chunk, size: float
) -> None:
    """And the bytes are those of the integers."""
    levels, shape = chunk
    rng = np.random.default_rng(seed)
    latents = half_steps(np.rint(size * rng.laplace(0, 1, shape)), dependent=True)
    model = unit_gain(shape[1])
    real = (HALF_STEP[True] * latents).astype(np.float32)
    coded = encode(model, levels, real, dependent=True)
    np.testing.assert_array_equal(coded.latents, latents)
    assert coded.payload == encode(model, levels, latents, dependent=True).payload


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 2**32), chunks(), st.sampled_from([0.0, 0.01, 0.1, 0.3, 0.5]))
def test_no_error_beyond_a_step(seed: int, chunk: Chunk, bit_value: float) -> None:
    """In steps of each level's own gains, half of one if bits are worth nothing."""
    levels, shape = chunk
    rng = np.random.default_rng(seed)
    latents = (8 * rng.laplace(0, 1, shape)).astype(np.float32)
    model = untrained(shape[1])
    coded = encode(model, levels, latents, bit_value=bit_value)
    gain = np.exp2(make_gains(shape[1])[levels] / 256)[:, :, None, None]
    error = np.abs(coded.latents / 2 - gain * latents)
    assert error.max() <= (1.0 if bit_value else 0.5) + 1e-4
    # Integers cost what they cost, wherever they come from. Only of a plane that is rounded to
    # zero throughout may the encoder say so in a longer way.
    if coded.latents.any(axis=(2, 3)).all():
        assert coded.payload == encode(model, levels, coded.latents).payload


def test_gains_and_the_wider_step_come_before_the_search() -> None:
    """Large latents lie within a step of what they stand for, at the gains of their levels."""
    real = noise(1, 50.0, channels=3)
    levels = at_level(6, 8)
    coded = encode(untrained(3), levels, real, bit_value=0.1, dependent=True)
    gain = np.exp2(make_gains(3)[levels] / 256)[:, :, None, None]
    assert np.abs(HALF_STEP[True] * coded.latents - gain * real).max() < 1.25
    assert np.abs(coded.latents[:, 1:] & 1).mean() > 0.3


@pytest.mark.parametrize(("dependent", "slack"), [(False, 1.01), (True, 1.03)])
def test_rounding_strikes_the_balance_that_it_is_asked_for(dependent: bool, slack: float) -> None:
    """Of error and rate, at each value of a bit, no other value leads to a better one.

    Or hardly better: what it does with one latent moves the models of those that follow.
    """
    real = np.random.default_rng(7).laplace(0, 0.6, (12, 2, 32, 32)).astype(np.float32)
    values = [0.0, 0.05, 0.1, 0.2, 0.4]
    coded = [
        encode(unit_gain(2), at_level(0, 12), real, bit_value=v, dependent=dependent)
        for v in values
    ]
    rates = np.array([8 * len(c.payload) for c in coded])
    own_step = 2 * HALF_STEP[dependent]
    errors = np.array([squared_error(real, c, dependent) for c in coded]) / own_step**2
    assert (np.diff(rates) < 0).all()
    assert (np.diff(errors) > 0).all()
    for value in values[1:]:
        cost = errors + value * rates
        assert cost[values.index(value)] <= slack * cost.min()
        assert cost[values.index(value)] < cost[0]


# ---- the search


def least_error(wanted: Float32Array, turn: int) -> float:
    """Of all levels of a channel, in squared half steps, by dynamic programming."""
    best = {turn: 0.0}
    for value in wanted.ravel().tolist():
        after: dict[int, float] = {}
        for before, error in best.items():
            quantiser = before & 1
            near = round(value / 2)
            for level in range(near - 2, near + 3):
                found = error + (one_latent(level, quantiser) - value) ** 2
                following = TURNS[before][abs(level) & 1]
                after[following] = min(after.get(following, found), found)
        best = after
    return min(best.values())


def turn_after(latents: Int32Array, turn: int) -> int:
    """Of a channel as it was coded."""
    if not latents.any():
        return turn
    for value in latents.ravel().tolist():
        turn = TURNS[turn][(abs(value) + (turn & 1)) // 2 & 1]
    return turn


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 2**32), st.sampled_from([0.4, 1.0, 4.0, 100.0]))
def test_no_path_has_less_error_if_bits_are_worth_nothing(seed: int, width: float) -> None:
    """In any channel, from the turn at which it begins."""
    real = np.random.default_rng(seed).laplace(0, width, (3, 4, 5, 4)).astype(np.float32)
    coded = encode(unit_gain(4), at_level(0, 3), real, dependent=True)
    wanted = real / HALF_STEP[True]
    turn = 0
    for plane, latents in zip(wanted, coded.latents, strict=True):
        for c in range(1, 4):
            found = float(np.square(latents[c] - plane[c]).sum())
            assert found <= least_error(plane[c], turn) + 1e-3
            turn = turn_after(latents[c], turn)


@pytest.mark.parametrize("width", [1.0, 2.0, 5.0])
def test_the_search_is_better_than_rounding_one_by_one(width: float) -> None:
    """Less error and fewer bits together, at the same value of a bit in the same units."""
    real, levels, model = noise(2, width), at_level(0, 8), unit_gain(4)
    for value in (0.08, 0.12, 0.16):
        costs = {}
        for dependent in (False, True):
            own = value / (2 * HALF_STEP[dependent]) ** 2
            coded = encode(model, levels, real, bit_value=own, dependent=dependent)
            error = squared_error(real, coded, dependent)
            costs[dependent] = error + value * 8 * len(coded.payload)
        assert costs[True] < 0.995 * costs[False]


def test_the_search_saves_bits_at_equal_error() -> None:
    """An eighth of a bit per latent and more; their steps are 1.2 times as wide then."""
    real = noise(3, 3.0)
    real[:, 0] = 0  # channel 0 has one quantiser
    plain = encode(unit_gain(4), at_level(0, 8), real, bit_value=0.08)
    unit = np.float32(1.2 / (2 * HALF_STEP[True]))
    turning = encode(unit_gain(4), at_level(0, 8), real / unit, bit_value=0.02, dependent=True)
    error = unit**2 * squared_error(real / unit, turning, True)
    assert error < squared_error(real, plain, False)
    saved = 8 * (len(plain.payload) - len(turning.payload))
    assert saved > 0.125 * real[:, 1:].size


# ---- numbers of no use


@each_kind
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 3e38, -3e38, 2.0**31, 1e-40])
def test_latents_that_are_no_numbers_of_use(value: float, dependent: bool) -> None:
    """A network may yield anything: what the encoder makes of it can be decoded."""
    real = np.random.default_rng(8).normal(0, 3, (4, 2, 5, 5)).astype(np.float32)
    real[1, :, 2:4] = real[2, 1] = value
    coded = encode(untrained(2), at_level(4, 4), real, bit_value=0.1, dependent=dependent)
    if abs(value) > 2**30:
        assert (np.sign(coded.latents[2, 1]) == np.sign(value)).all()
        assert np.abs(coded.latents[2, 1].astype(np.int64)).min() > 2**30


@pytest.mark.parametrize("value", [3e7, -3e8, 1e9, np.inf, -np.inf, np.nan])
def test_a_latent_of_any_size_leaves_the_others_alone(value: float) -> None:
    """Levels that single precision can not tell apart have a parity, which the others turn by."""
    real = noise(9, 3.0, 2)
    expected = squared_error(real, encode(unit_gain(2), at_level(8, 8), real, dependent=True), True)
    real[3, 1, 5, 7] = value
    coded = encode(unit_gain(2), at_level(8, 8), real, dependent=True)
    error = np.square(HALF_STEP[True] * coded.latents - real)
    error[3, 1, 5, 7] = 0
    assert float(error.sum()) == pytest.approx(expected, rel=0.01)
