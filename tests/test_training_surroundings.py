"""What the entropy coder expects of latents of components, trained from those around them."""

from itertools import pairwise

import numpy as np
import pytest
import torch

from hyspec import _core
from hyspec_training.surroundings import Term, candidates, draw_latents, fit
from hyspec_training.wavelet import cell, layout

torch.set_num_threads(1)

CHANNELS = range(64)


def rng():
    return np.random.default_rng(0)


def geometric(mean, random):
    """Signed integers whose magnitudes have some means."""
    magnitude = random.geometric(1 / (1 + mean)) - 1
    return (magnitude * random.choice([-1, 1], magnitude.shape)).astype(np.int32)


def weights(table, c):
    """Weights of a channel by term."""
    return {Term(*row[1:6]): row[6] for row in table.tolist() if row[0] == c}


# ---- terms --------------------------------------------------------------------------------------


@pytest.mark.parametrize("c", CHANNELS)
def test_terms_are_decoded_before(c):
    """As section 4.1 of the spectral profile demands, and each in the group of its kind."""
    own, channels = layout()[c], layout()
    terms = [term for terms in candidates(c) for term in terms]
    assert len(terms) == len(set(terms)) <= 32
    for term in terms:
        assert max(abs(term.down), abs(term.across)) <= 8
        same_subband = channels[term.source][:2] == own[:2]
        if term.age:
            assert (term.group, same_subband) == (2, True)
            assert term.age in (1, 2)
        elif term.source == c:
            assert term.group == 0
            assert (term.down, term.across) in ((0, -1), (-1, -1), (-1, 0), (-1, 1))
        else:
            assert term.source < c
            assert term.group == (0 if same_subband else 1)


@pytest.mark.parametrize("c", CHANNELS)
def test_the_nearest_of_the_subband_are_taken(c):
    """Of all positions around one in the middle that are decoded before it."""
    channels = layout()
    own = channels[c]
    side = cell(own.level)
    numbers = {(k.row, k.column): n for n, k in enumerate(channels) if k[:2] == own[:2]}
    middle = 4
    row, column = side * middle + own.row, side * middle + own.column
    order = [
        (numbers[y % side, x % side], y // side, x // side, y, x)
        for y, x in np.ndindex(9 * side, 9 * side)
    ]
    before = sorted(o for o in order if o < (c, middle, middle))
    # Of its own channel, only those that the document allows.
    allowed = [
        (y, x) for k, v, u, y, x in before if k < c or (max(abs(v - middle), abs(u - middle)) <= 1)
    ]
    nearest = sorted((y - row) ** 2 + (x - column) ** 2 for y, x in allowed)[:8]
    found = []
    for [term, *_] in candidates(c):
        if term.group == 0:
            other = channels[term.source]
            down = side * term.down + other.row - own.row
            found.append(down**2 + (side * term.across + other.column - own.column) ** 2)
    assert found == nearest


@pytest.mark.parametrize("c", CHANNELS)
def test_positions_beside_in_the_plane_before_share_a_weight(c):
    channels, own = layout(), layout()[c]
    side = cell(own.level)
    found = set()
    for term in candidates(c)[-1]:
        other = channels[term.source]
        down = side * term.down + other.row - own.row
        found.add((term.age, down, side * term.across + other.column - own.column))
    assert found == {(1, -1, 0), (1, 1, 0), (1, 0, -1), (1, 0, 1)}


def test_other_frequencies_are_of_the_same_place():
    channels = layout()
    for c, own in enumerate(channels):
        found = {channels[t.source] for [t, *_] in candidates(c) if t.group == 1}
        for other in found:
            if other.level == own.level:
                assert (other.row, other.column) == (own.row, own.column)
                assert (other.band, own.band) in (("HL", "LH"), ("HL", "HH"), ("LH", "HH"))
            else:  # twice the spacing
                assert (other.level, other.band) == (own.level + 1, own.band)
                assert (other.row, other.column) == (own.row // 2, own.column // 2)
        count = {"LL": 0, "HL": 0, "LH": 1, "HH": 2}[own.band] + (own.level < 3)
        assert len(found) == count


# ---- draws --------------------------------------------------------------------------------------


def median_edge(z):
    """Errors of the prediction of channel 0, one latent at a time."""
    errors = np.zeros_like(z)
    for k, y, x in np.ndindex(z.shape):
        west = z[k, y, x - 1] if x else 0
        north = z[k, y - 1, x] if y else 0
        corner = z[k, y - 1, x - 1] if x and y else 0
        errors[k, y, x] = z[k, y, x] - sorted([west, north, west + north - corner])[1]
    return errors


def test_what_is_around_a_latent():
    latents = rng().integers(-5, 6, (3, 64, 4, 6)).astype(np.int32)
    latents[0, 1, 0, 0] = 100_000
    drawn = draw_latents(latents, rng())
    a = latents.copy()
    a[:, 0] = median_edge(latents[:, 0])
    a = np.abs(a)

    def at(k, term, y, x):
        k, y, x = k - term.age, y + term.down, x + term.across
        inside = k >= 0 and 0 <= y < 4 and 0 <= x < 6
        return min(a[k, term.source, y, x], 4095) if inside else 0

    for c in (0, 1, 2, 9, 15, 30, 63):
        expected = {
            (
                (a[k, c, y, x] + 1) // 2,
                *(sum(at(k, t, y, x) for t in terms) for terms in candidates(c)),
            )
            for k, y, x in np.ndindex(3, 4, 6)
        }
        magnitude, around = drawn[c]
        found = set(zip(magnitude.tolist(), *around.T.tolist(), strict=True))
        assert found == {e for e in expected if any(e[1:])}


@pytest.mark.parametrize("shape", [(2, 64, 3, 3), (0, 64, 3, 3)])
def test_nothing_is_drawn_of_nothing(shape):
    drawn = draw_latents(np.zeros(shape, np.int32), rng())
    for c, (magnitude, around) in enumerate(drawn):
        assert magnitude.shape == (0,)
        assert around.shape == (0, len(candidates(c)))


# ---- fit ----------------------------------------------------------------------------------------


def test_planted_weights_are_found():
    """Latents that depend on the plane before alone, but in one subband on the one to the west."""
    random = rng()
    latents = np.zeros((40, 64, 16, 16), np.int32)
    latents[0] = geometric(np.full((64, 16, 16), 6.0), random)
    for before, now in pairwise(range(40)):
        latents[now] = geometric(0.7 * np.abs(latents[before]) + 0.6, random)
        latents[now, 2, :, 0] = geometric(np.full(16, 6.0), random)
        for x in range(1, 16):
            latents[now, 2, :, x] = geometric(0.7 * np.abs(latents[now, 2, :, x - 1]) + 0.6, random)
    table = fit([draw_latents(latents, random) for _ in range(2)])
    for c in (1, 3, 8, 20, 63):
        found = weights(table, c)
        assert abs(found.pop(Term(2, 1, c, 0, 0)) - 179) < 40
        assert max(found.values(), default=0) < 50
    found = weights(table, 2)
    assert abs(found.pop(Term(0, 0, 2, 0, -1)) - 179) < 40
    assert max(found.values(), default=0) < 50


def test_channel_0_is_fitted_to_its_errors():
    """Large latents beside an edge that the prediction follows have none."""
    latents = np.zeros((12, 64, 24, 24), np.int32)
    latents[:, 0, :, :9] = 300
    latents[:, 0, :, 9:] = -700
    latents[:, 0] += rng().integers(-1, 2, (12, 24, 24))
    magnitude, _ = draw_latents(latents, rng())[0]
    assert np.mean(magnitude < 5) > 0.9


def test_a_block_of_large_latents_does_not_outweigh_one_of_small_ones():
    random = rng()
    small, large = np.zeros((2, 20, 64, 8, 8), np.int32)
    for block, first, share in ((small, 3.0, 0.2), (large, 3000.0, 0.9)):
        block[0] = geometric(np.full((64, 8, 8), first), random)
        for before, now in pairwise(range(20)):
            block[now] = geometric(share * np.abs(block[before]) + 0.3 * first, random)
    found = []
    for blocks in ([small], [small, large]):
        table = fit([draw_latents(block, random) for block in blocks])
        found.append(
            np.median([weights(table, c).get(Term(2, 1, c, 0, 0), 0) for c in range(1, 64)])
        )
    assert 30 < found[0] < 70
    assert found[1] < 100


def test_tables_are_those_of_the_core():
    random = rng()
    latents = geometric(np.full((3, 64, 8, 8), 50.0), random)
    gain = np.zeros((3, 64), np.int16)
    for drawn in ([], [draw_latents(latents, random)]):
        table = fit(drawn)
        assert table.dtype == np.int16
        assert set(table[:, 0].tolist()) == set(CHANNELS)
        assert table[:, 6].min() >= 1
        assert table[:, 6].max() <= 1024
        assert _core.PlaneModel.untrained(gain, table).channels == 64
        np.testing.assert_array_equal(table, fit(drawn))
