"""The quantisers of component planes: which latents they have, and when they take turns."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from half_steps import half_steps
from hyspec import _core
from latent_cases import HIGHEST, LOWEST, Int32Array, at_level
from plane_cases import encode, patchy, untrained
from reference.planes import TURNS

each_kind = pytest.mark.parametrize("dependent", [False, True], ids=["plain", "turning"])


def accepted(latents: Int32Array, *, dependent: bool) -> bool:
    """Whether the encoder takes them; then they come back."""
    model = untrained(latents.shape[1])
    try:
        coded = encode(model, at_level(0, len(latents)), latents, dependent=dependent)
    except _core.CoreError as error:
        assert error.args[2] == "bad-argument"
        assert "quantiser" in str(error)
        return False
    np.testing.assert_array_equal(coded.latents, latents)
    return True


def one_position(*planes: tuple[int, ...]) -> Int32Array:
    """Planes of one position, of a latent for each channel."""
    return np.array(planes, np.int32)[:, :, None, None]


def one_row(*channels: list[int]) -> Int32Array:
    """A plane of one row, of these channels after a silent channel 0."""
    return np.array([[[0] * len(channels[0])], *([row] for row in channels)], np.int32)[None]


@each_kind
def test_channel_0_has_even_half_steps(dependent: bool) -> None:
    for value in (-4, -2, 2, 4, 100, HIGHEST - 1, LOWEST, LOWEST + 2):
        assert accepted(one_position((value, 0)), dependent=dependent)
    for value in (-3, -1, 1, 3, 101, HIGHEST, LOWEST + 1):
        assert not accepted(one_position((value, 0)), dependent=dependent)


@pytest.mark.parametrize("value", [-3, -1, 1, 3, 101, HIGHEST, LOWEST + 1])
def test_odd_half_steps_need_quantisers_that_take_turns(value: int) -> None:
    """Here, the odd level of the first latent leads to turn 2, that of the second one to turn 3."""
    latents = one_row([2, 2, value])
    assert accepted(latents, dependent=True)
    assert not accepted(latents, dependent=False)
    latents[0, 1, 0, 2] -= np.sign(value)
    assert accepted(latents, dependent=False)
    assert accepted(latents, dependent=True) == (abs(value) == 1)  # 0 is of both


def test_the_quantiser_of_every_turn() -> None:
    """Along the shortest way to each turn."""
    ways: dict[int, list[int]] = {0: []}
    for turn in (0, 2, 1, 3, 5, 7, 6, 4):
        for odd, following in enumerate(TURNS[turn]):
            ways.setdefault(following, [*ways[turn], 1 + (not odd)])
    assert len(ways) == 8
    for turn, way in ways.items():
        # The quantiser has its own half steps, of both parities of the level, and no others.
        before = half_steps(np.array([[[0] * len(way), way]]), dependent=True)[0, 1].tolist()
        for value in (-6, -4, -3, -2, -1, 1, 2, 3, 4, 5, LOWEST, HIGHEST):
            expected = value & 1 == turn & 1
            assert accepted(one_row([*before, value]), dependent=True) == expected
        assert not before or accepted(one_row([*before, 0]), dependent=True)


def test_turns_go_on_across_channels_and_planes() -> None:
    """But for silent channels and channel 0, which leave them as they are."""
    # Turn 2 after the first latent, 3 after the second one: then it is that of quantiser 1.
    for between in ([(0, 2, 2, 3)], [(0, 2, 0, 2), (0, 3, 0, 0)], [(0, 2, 2, 0), (2, 0, 0, 3)]):
        assert accepted(one_position(*between), dependent=True)
        wrong = one_position(*between)
        wrong[wrong == 3] = 4
        assert not accepted(wrong, dependent=True)
    # An even level leads from turn 2 to turn 1, whose quantiser is 1; a silent channel does not.
    assert accepted(one_position((0, 2, 4, 3)), dependent=True)
    assert accepted(one_position((0, 2, 0, 4)), dependent=True)
    assert not accepted(one_position((0, 2, 0, 3)), dependent=True)
    # A zero in a channel that is not silent does.
    assert accepted(one_row([2, 0, 3]), dependent=True)
    assert not accepted(one_row([2, 0, 4]), dependent=True)
    # Channel 0 is not counted, though it is not silent.
    for level in range(-4, 5):
        assert accepted(one_position((0, 2, 2), (2 * level, 3, 0)), dependent=True)
        assert not accepted(one_position((0, 2, 2), (2 * level, 4, 0)), dependent=True)


def test_turns_begin_anew_with_each_chunk() -> None:
    """Of two chunks with one model, the second one is as if it were alone."""
    model, latents = untrained(3), patchy(1, planes=3, side=9, dependent=True)
    first = encode(model, at_level(0, 3), latents, dependent=True)
    again = encode(model, at_level(0, 3), latents, dependent=True)
    assert first.payload == again.payload


@each_kind
@settings(deadline=None, max_examples=60)
@given(data=st.data(), seed=st.integers(0, 2**32))
def test_one_latent_of_the_other_quantiser_is_refused(
    data: st.DataObject, seed: int, dependent: bool
) -> None:
    """Wherever it stands."""
    latents = patchy(seed, planes=3, side=6, dependent=dependent)
    places = np.argwhere(latents)
    if not len(places):
        return
    place = tuple(places[data.draw(st.integers(0, len(places) - 1))])
    assert accepted(latents, dependent=dependent)
    latents[place] += np.sign(latents[place])
    assert not accepted(latents, dependent=dependent)


def test_latents_that_both_kinds_have_differ_in_their_bytes() -> None:
    """The payload says whether quantisers take turns: here neither does anything with it."""
    latents = one_position((4, 0), (2, 0))
    coded = [encode(untrained(2), at_level(0, 2), latents, dependent=d) for d in (False, True)]
    assert coded[0].payload != coded[1].payload
    assert coded[0].checksum == coded[1].checksum
