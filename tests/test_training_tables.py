"""Frozen tables from learned densities: always valid, and as short as the densities allow."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from hyspec import _core
from hyspec.errors import DataError
from hyspec_training import tables
from hyspec_training.balle import GainUnits
from hyspec_training.prior import FactorizedPrior
from hyspec_training.tables import RUNGS_PER_OCTAVE, TOTAL

torch.set_num_threads(1)

CHANNELS = 3
LEVELS_PER_OCTAVE = 32


def make_prior(seed, spread=0.5, scale=4.0):
    generator = torch.Generator().manual_seed(seed)
    torch.manual_seed(seed)
    prior = FactorizedPrior(CHANNELS, scale)
    with torch.no_grad():
        for parameter in prior.parameters():
            parameter += spread * torch.randn(parameter.shape, generator=generator)
    return prior


def gains_per_level(octaves=3, extra=2, seed=None):
    """log2 gain of each level and channel, shape (levels, CHANNELS)."""
    units = GainUnits(CHANNELS, octaves)
    if seed is not None:
        with torch.no_grad():  # rising, but by other than an octave per octave
            steps = torch.rand(octaves + 1, CHANNELS, generator=torch.Generator().manual_seed(seed))
            units.log_gain.copy_(torch.cumsum(steps, dim=0))
    quality = torch.arange((octaves + extra) * LEVELS_PER_OCTAVE + 1) / LEVELS_PER_OCTAVE
    with torch.no_grad():
        return torch.log2(units(quality)[0]).double().numpy()


def build(prior, gains):
    return tables.build(prior, gains, gains.min(), gains.max())


@pytest.fixture(scope="module", params=[0, 1])
def built(request):
    prior, gains = make_prior(request.param), gains_per_level(seed=request.param)
    return prior, gains, build(prior, gains)


def test_every_table_is_valid(built):
    _, _, found = built
    assert found.freq.dtype == np.uint16
    assert len(found.start) == CHANNELS * found.rungs + 1
    assert found.start[0] == 0
    assert found.start[-1] == len(found.freq)
    assert (found.freq >= 1).all()
    for t, first in enumerate(found.first):
        table = found.freq[found.start[t] : found.start[t + 1]].astype(int)
        assert table.sum() == TOTAL == 65536
        last = first + len(table) - 2  # the escape, last, has no value of its own
        assert first <= 0 <= last
    _core.CdfTables(found.freq, found.start, found.first)  # which checks all of it again


@given(seed=st.integers(0, 10_000), spread=st.floats(0, 2), low=st.integers(-6, 8))
@settings(deadline=None, max_examples=10)
def test_any_density_gives_valid_tables(seed, spread, low):
    gains = np.full((1, CHANNELS), float(low))
    found = build(make_prior(seed, spread), gains)
    sums = np.add.reduceat(found.freq.astype(int), found.start[:-1].astype(int))
    assert (sums == TOTAL).all()
    assert (found.freq >= 1).all()
    assert (found.first <= 0).all()
    assert (found.first + np.diff(found.start.astype(int)) - 2 >= 0).all()


def test_frequencies_are_the_density_and_a_little_of_a_wider_one():
    prior = make_prior(1).double()
    found = build(prior, np.zeros((1, CHANNELS)))

    def mass(gain, channel, values):
        lower, upper = (
            torch.from_numpy(values + side).expand(CHANNELS, -1) / gain for side in (-0.5, 0.5)
        )
        with torch.no_grad():
            return prior.interval_mass(lower, upper)[channel].numpy()

    for channel in range(CHANNELS):
        t = channel * found.rungs + int(found.ladder[0, channel])
        table = found.freq[found.start[t] : found.start[t + 1] - 1].astype(int)
        values = found.first[t] + np.arange(len(table), dtype=np.float64)
        narrow, wide = mass(1.0, channel, values), mass(4.0, channel, values)
        expected = np.maximum(np.floor(TOTAL * (0.9975 * narrow + 0.0025 * wide)), 1)
        difference = np.delete(table - expected, np.argmax(expected))  # which takes what is left
        assert np.abs(difference).max() <= 1


def test_the_escape_takes_what_the_tails_leave():
    # 127 standard deviations do not hold this density: nearly all of it is escaped.
    prior = make_prior(0, 0)
    gains = np.full((1, CHANNELS), 12.0)
    found = build(prior, gains)
    widest = found.freq[found.start[found.rungs] - 1]
    assert widest > 0.9 * TOTAL
    narrowest = found.freq[found.start[1] - 1]
    assert narrowest < widest


def draw(prior, gain, count, rng):
    """Quantised samples of a prior, shape (CHANNELS, count), by inversion of its cumulative."""
    y = torch.linspace(-200, 200, 400_001, dtype=torch.float64)
    with torch.no_grad():
        cumulative = torch.sigmoid(prior.cumulative_logits(y.expand(CHANNELS, -1))).numpy()
    samples = [np.interp(rng.random(count), cumulative[c], y.numpy()) for c in range(CHANNELS)]
    return np.rint(np.array(samples) * gain).astype(np.int32)


def entropy(prior, gain):
    """Bits per symbol of each channel, shape (CHANNELS,)."""
    k = torch.arange(-20_000, 20_001, dtype=torch.float64)
    lower, upper = ((k + side) / gain for side in (-0.5, 0.5))
    with torch.no_grad():
        mass = prior.interval_mass(lower.expand(CHANNELS, -1), upper.expand(CHANNELS, -1))
    p = mass.numpy()
    return -(p * np.log2(np.maximum(p, 1e-300))).sum(axis=1)


@pytest.mark.parametrize("octave", [-1, 0, 1, 2, 3])
def test_code_length_is_the_entropy(octave):
    prior = make_prior(2, scale=1.0).double()  # narrow enough to need few escapes
    gains = gains_per_level(octaves=3, extra=0)
    found = build(prior, gains)
    model = _core.CdfTables(found.freq, found.start, found.first)
    # A gain of 2^octave is exactly a rung, three per octave; -1 lies in the margin below.
    rung = int(found.ladder[0, 0]) + octave * RUNGS_PER_OCTAVE
    count = 200_000
    symbols = draw(prior, 2.0**octave, count, np.random.default_rng(octave + 10))
    lower_bound = entropy(prior, 2.0**octave)
    for channel in range(CHANNELS):
        index = np.full(count, channel * found.rungs + rung, np.uint16)
        bits = _core.code_length(model, symbols[channel], index) / count
        assert bits == pytest.approx(lower_bound[channel], rel=0.01)


def test_the_right_rung_is_the_cheapest():
    prior = make_prior(3).double()
    found = build(prior, gains_per_level(octaves=3, extra=0))
    model = _core.CdfTables(found.freq, found.start, found.first)
    right = int(found.ladder[LEVELS_PER_OCTAVE * 2, 0])
    symbols = draw(prior, 4.0, 50_000, np.random.default_rng(4))
    for channel in range(CHANNELS):
        bits = [
            _core.code_length(
                model, symbols[channel], np.full(50_000, channel * found.rungs + r, np.uint16)
            )
            for r in range(found.rungs)
        ]
        assert abs(int(np.argmin(bits)) - right) <= 1


def test_the_ladder_rises_with_the_level(built):
    _, gains, found = built
    assert found.ladder.shape == gains.shape
    assert (np.diff(found.ladder.astype(int), axis=0) >= 0).all()
    # Each rung is the nearest one: within half a third of an octave of the gain.
    lowest = found.ladder.astype(int) - np.rint(gains * RUNGS_PER_OCTAVE)
    assert np.ptp(lowest) == 0


def test_the_ladder_leaves_a_margin_on_both_sides(built):
    _, _, found = built
    assert found.ladder.min() == tables.MARGIN
    assert found.ladder.max() == found.rungs - 1 - tables.MARGIN


def test_models_of_one_pack_share_their_rungs():
    gains = gains_per_level(seed=5)
    alone = build(make_prior(0), gains)
    shared = tables.build(make_prior(0), gains, gains.min() - 1, gains.max() + 2)
    assert shared.rungs == alone.rungs + 3 * RUNGS_PER_OCTAVE
    np.testing.assert_array_equal(shared.ladder, alone.ladder + RUNGS_PER_OCTAVE)


def test_gains_over_too_many_octaves_are_refused():
    gains = np.array([[0.0] * CHANNELS, [100.0] * CHANNELS])
    with pytest.raises(ValueError, match="octaves"):
        build(make_prior(0), gains)


def test_gains_that_span_too_many_octaves():
    """More rungs than a byte can count; said before anything is written."""
    fits = 255 - 2 * tables.MARGIN
    gains = np.zeros((2, CHANNELS))
    gains[1] = fits / RUNGS_PER_OCTAVE
    assert build(make_prior(0), gains).rungs == 256
    gains[1] += 1 / RUNGS_PER_OCTAVE
    with pytest.raises(DataError, match="257 tables per channel; at most 256") as caught:
        build(make_prior(0), gains)
    assert "octaves" in caught.value.hint
