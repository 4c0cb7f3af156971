"""What the entropy coder expects of latents of components, trained from those around them."""

import numpy as np
import pytest

from hyspec import _core
from hyspec_training.lapped import zigzag
from hyspec_training.surroundings import draw_latents, earlier_channels, fit

#: Columns of the table: earlier channels, their weights, then these.
WEST, NORTH, DIAGONAL, BEFORE, LONG_BEFORE = range(10, 15)


def rng():
    return np.random.default_rng(0)


def geometric(mean, random):
    """Signed integers whose magnitudes have some means."""
    magnitude = random.geometric(1 / (1 + mean)) - 1
    return magnitude * random.choice([-1, 1], magnitude.shape)


def test_earlier_channels_have_lower_frequencies():
    table, order = earlier_channels(), zigzag()
    assert table.shape == (64, 5)
    for channel, (frequency, earlier) in enumerate(zip(order, table, strict=True)):
        v, h = divmod(frequency, 8)
        expected = [(v, h - 1), (v - 1, h), (v - 1, h - 1), (v, h - 2), (v - 2, h)]
        for found, (down, across) in zip(earlier, expected, strict=True):
            if min(down, across) < 0:
                assert found == -1
            else:
                assert order[found] == 8 * down + across
                assert found < channel


def test_what_is_around_a_latent():
    latents = rng().integers(-5, 6, (3, 64, 4, 6)).astype(np.int32)
    latents[0, 0, 0, 0] = 100_000
    magnitude, around, channel = draw_latents(latents, rng())
    a = np.minimum(np.abs(latents), 4095)
    inside = {}  # by what identifies a position nearly always: its channel and what is around
    earlier = earlier_channels()

    def at(k, c, y, x):
        return a[k, c, y, x] if k >= 0 and c >= 0 and y >= 0 and 0 <= x < 6 else 0

    for k, c, y, x in np.ndindex(latents.shape):
        found = [at(k, e, y, x) for e in earlier[c]]
        terms = (
            at(k, c, y, x - 1),
            at(k, c, y - 1, x),
            at(k, c, y - 1, x - 1) + at(k, c, y - 1, x + 1),
            *found[:3],
            found[3] + found[4],
            at(k - 1, c, y, x),
            at(k - 2, c, y, x),
        )
        inside.setdefault((c, terms), set()).add(at(k, c, y, x))
    assert len(magnitude) == len(around) == len(channel) > 1000
    for m, terms, c in zip(magnitude, around, channel, strict=True):
        assert m in inside[c, tuple(terms)]
    assert around.any(1).all()


@pytest.mark.parametrize("shape", [(2, 64, 3, 3), (0, 64, 3, 3)])
def test_nothing_is_drawn_of_nothing(shape):
    assert draw_latents(np.zeros(shape, np.int32), rng()) is None


def test_planted_weights_are_found():
    """Latents that depend on the plane before alone, and then on the one to the west as well."""
    random = rng()
    latents = np.zeros((12, 64, 12, 12), np.int32)
    latents[0] = geometric(np.full((64, 12, 12), 6.0), random)
    for k in range(1, 12):
        latents[k] = geometric(0.9 * np.abs(latents[k - 1]) + 0.3, random)
    table = fit([draw_latents(latents, random)], 0)
    assert np.abs(np.median(table[:, BEFORE]) - 230) < 40
    others = np.delete(table[:, 5:], BEFORE - 5, axis=1)
    assert np.median(others) < 10

    west = np.zeros((1, 64, 40, 60), np.int32)
    west[..., 0] = geometric(np.full((1, 64, 40), 9.0), random)
    for x in range(1, 60):
        west[..., x] = geometric(0.8 * np.abs(west[..., x - 1]) + 0.3, random)
    table = fit([draw_latents(west, random)], 0)
    assert np.abs(np.median(table[:, WEST]) - 205) < 40
    assert np.median(table[:, [NORTH, DIAGONAL, BEFORE, LONG_BEFORE]]) < 30


def test_tables_are_those_of_the_core():
    random = rng()
    latents = geometric(np.full((3, 64, 8, 8), 50.0), random).astype(np.int32)
    gain = np.zeros((3, 64), np.int16)
    for drawn in ([], [draw_latents(latents, random)]):
        table = fit(drawn, 0)
        assert (table.dtype, table.shape) == (np.int16, (64, 15))
        model = _core.LatentModel.untrained(gain, table)
        assert model.channels == 64
        assert table[:, 5:].min() >= 0
        assert table[:, 5:].max() <= 1024
        np.testing.assert_array_equal(table[:, :5], earlier_channels())
        np.testing.assert_array_equal(table, fit(drawn, 0))
