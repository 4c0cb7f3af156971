"""Models of component planes: learning pays, and terms and states that do not fit are refused."""

import itertools
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from hyspec import _core
from latent_cases import HIGHEST, LEVELS, LOWEST, at_level, make_gains
from plane_cases import (
    OTHER,
    PAST,
    SAME,
    Int16Array,
    as_terms,
    encode,
    no_terms,
    patchy,
    untrained,
    usual_terms,
)
from spectral_payload_cases import one_level

#: Slots of quiet places count further while a chunk is coded.
MOST_COUNT = 127

# ---- learning


each_kind = pytest.mark.parametrize("dependent", [False, True], ids=["plain", "turning"])


@each_kind
def test_learning_makes_fresh_data_cheaper(dependent: bool) -> None:
    levels, model = at_level(0, 6), untrained(3)
    trainer = _core.PlaneTrainer(model, dependent)
    small = [patchy(k, planes=6, side=12, dependent=dependent) for k in range(40)]
    lengths = [trainer.learn(levels.astype(np.uint32), z) for z in small[:30]]
    probability, count, *weights = trainer.state
    state = (probability, np.minimum(count, MOST_COUNT), *weights)
    trained = _core.PlaneModel(make_gains(3), *state, usual_terms(3))
    costs = [
        sum(len(encode(m, levels, z, dependent=dependent).payload) for z in small[30:])
        for m in (model, trained)
    ]
    assert costs[1] < 0.97 * costs[0]
    assert trainer.learn(levels.astype(np.uint32), small[0]) < 0.95 * lengths[0]


@each_kind
def test_the_length_of_what_is_learnt_is_that_of_its_payload(dependent: bool) -> None:
    latents = patchy(1, dependent=dependent)
    trainer = _core.PlaneTrainer(untrained(3), dependent)
    learnt = trainer.learn(at_level(0, 8).astype(np.uint32), latents)
    coded = 8 * len(encode(untrained(3), at_level(0, 8), latents, dependent=dependent).payload)
    assert learnt - 8 < coded < 1.002 * learnt + 400  # step, network, mask and tables


def test_learning_leaves_the_model_alone() -> None:
    model = untrained(3)
    before = model.state
    trainer = _core.PlaneTrainer(model, False)
    trainer.learn(at_level(0, 8).astype(np.uint32), patchy(2))
    for old, new, learnt in zip(before, model.state, trainer.state, strict=True):
        np.testing.assert_array_equal(old, new)
        assert (old != learnt).any()


def test_states_survive_as_arrays() -> None:
    levels = at_level(0, 8)
    trainer = _core.PlaneTrainer(untrained(3), True)
    trainer.learn(levels.astype(np.uint32), patchy(3, dependent=True))
    first = _core.PlaneModel(make_gains(3), *trainer.state, usual_terms(3))
    second = _core.PlaneModel(make_gains(3), *(a.copy() for a in first.state), usual_terms(3))
    for one, two, three in zip(trainer.state, first.state, second.state, strict=True):
        np.testing.assert_array_equal(one, two)
        np.testing.assert_array_equal(one, three)
    assert [a.dtype for a in first.state] == [np.uint16, np.uint8, np.int32, np.int32]
    # A trainer goes on from where its model is, as one that has seen both chunks.
    going_on = _core.PlaneTrainer(second, True)
    for each in (trainer, going_on):
        each.learn(levels.astype(np.uint32), patchy(4, dependent=True))
    for one, two in zip(trainer.state, going_on.state, strict=True):
        np.testing.assert_array_equal(one, two)
    latents = patchy(5, dependent=True)
    fresh = encode(untrained(3), levels, latents, dependent=True)
    assert encode(first, levels, latents, dependent=True).payload != fresh.payload


@pytest.mark.parametrize("channels", [1, 2, 7])
def test_a_model_that_has_seen_nothing(channels: int) -> None:
    """Section 6.2 of docs/pack_format.md."""
    probability, count, mixers, intra = untrained(channels).state
    np.testing.assert_array_equal(probability, np.full(54592 + 736 * channels, 32768))
    np.testing.assert_array_equal(count, np.zeros(54592 + 736 * channels))
    np.testing.assert_array_equal(mixers, np.full(2400 + 50 * channels, 19661))
    np.testing.assert_array_equal(intra, np.zeros(3))


# ---- terms that are refused


def refused(channels: int, terms: Int16Array) -> None:
    with pytest.raises(_core.CoreError) as caught:
        _core.PlaneModel.untrained(make_gains(channels), terms)
    assert caught.value.args[2] == "bad-argument"
    with pytest.raises(_core.CoreError):
        _core.PlaneModel(make_gains(channels), *untrained(channels).state, terms)


def accepted(channels: int, terms: Int16Array) -> None:
    """And codes latents with them."""
    model = _core.PlaneModel.untrained(make_gains(channels), terms)
    latents = patchy(1, planes=4, channels=channels, side=9)
    latents[1, channels - 1, 3, 4] = LOWEST
    np.testing.assert_array_equal(encode(model, at_level(0, 4), latents).latents, latents)


#: Column of the term, and the ends of its range where all else is valid: three channels.
RANGES = {"c": (0, 2), "group": (0, 2), "age": (0, 2), "from": (0, 2), "weight": (1, 1024)}
RANGES |= {"down": (-1, 1), "across": (-1, 1)}
COLUMN = {name: k for k, name in enumerate(["c", "group", "age", "from", "down", "across"])}
COLUMN["weight"] = 6


@pytest.mark.parametrize("name", RANGES)
def test_ranges_of_terms(name: str) -> None:
    low, high = RANGES[name]
    term = [2, OTHER, 1, 1, 0, 0, 50]  # of the plane before: any place is decoded
    if name == "age":
        term[3] = 0
    for value in (low, high):
        term[COLUMN[name]] = value
        accepted(3, as_terms([tuple(term)]))
    for value in (low - 1, high + 1, -(2**15), 2**15 - 1):
        term[COLUMN[name]] = value
        refused(3, as_terms([tuple(term)]))
        refused(3, np.concatenate([usual_terms(3), as_terms([tuple(term)])]))


@pytest.mark.parametrize("group", [SAME, OTHER, PAST])
def test_what_is_not_decoded_yet_is_not_taken(group: int) -> None:
    decoded = {(0, -1), (-1, -1), (-1, 0), (-1, 1)}
    places = list(itertools.product((-1, 0, 1), repeat=2))
    for place in places:
        own = as_terms([(1, group, 0, 1, *place, 9)])
        if place in decoded:
            accepted(2, own)
        else:
            refused(2, own)
    for down, across in places:
        refused(2, as_terms([(0, group, 0, 1, down, across, 9)]))
        accepted(2, as_terms([(1, group, 0, 0, down, across, 9)]))
        for age in (1, 2):
            accepted(2, as_terms([(0, group, age, 1, down, across, 9)]))


def test_no_more_than_32_terms_of_a_channel() -> None:
    """The same one may occur again."""
    term = (1, PAST, 1, 0, 0, 0, 1024)
    accepted(2, as_terms([term] * 32))
    accepted(2, as_terms([term, (0, *term[1:])] * 32))
    refused(2, as_terms([term] * 33))
    refused(2, as_terms([(0, *term[1:])] * 5 + [term] * 40))


def test_terms_are_a_choice() -> None:
    accepted(3, no_terms())
    accepted(3, usual_terms(3)[:1])


# ---- states and gains that are refused


def changed(which: int, edit: Any) -> list[npt.NDArray[Any]]:
    """State of an untrained model of two channels with one array edited."""
    state = [a.copy() for a in untrained(2).state]
    state[which] = edit(state[which])
    return state


def with_first(value: int) -> Any:
    def edit(a: npt.NDArray[Any]) -> npt.NDArray[Any]:
        a[0] = value
        return a

    return edit


@pytest.mark.parametrize(
    "state",
    [
        *(changed(k, lambda a: a[:-1]) for k in range(4)),
        *(changed(k, lambda a: a[:0]) for k in range(4)),
        *(changed(k, lambda a: np.concatenate([a, a])) for k in range(4)),
        changed(1, with_first(128)),
        changed(2, with_first(2**24 + 1)),
        changed(2, with_first(LOWEST)),
        changed(3, with_first(2**20 + 1)),
        changed(3, with_first(-(2**20) - 1)),
        list(untrained(3).state),
        list(_core.LatentModel.untrained(make_gains(2)).state),
    ],
)
def test_states_that_do_not_fit(state: list[npt.NDArray[Any]]) -> None:
    with pytest.raises(_core.CoreError) as caught:
        _core.PlaneModel(make_gains(2), *state, usual_terms(2))
    assert caught.value.args[2] == "bad-argument"


@pytest.mark.parametrize(
    ("which", "value"),
    [(0, 0), (0, 65535), (1, 127), (2, 2**24), (2, -(2**24)), (3, 2**20), (3, -(2**20))],
)
def test_states_at_the_ends_of_their_ranges(which: int, value: int) -> None:
    """Any state that is accepted codes any latents."""
    state = changed(which, lambda a: np.full_like(a, value))
    model = _core.PlaneModel(make_gains(2), *state, usual_terms(2))
    latents = patchy(9, planes=4, channels=2, side=8)
    latents[2, 1, 3] = HIGHEST - 1
    latents[3, 0, 5, 5] = LOWEST
    np.testing.assert_array_equal(encode(model, at_level(0, 4), latents).latents, latents)


@pytest.mark.parametrize("shape", [(0, 3), (4, 0), (0, 0), (1, 513), (1, 70000)])
def test_gains_of_no_model(shape: tuple[int, int]) -> None:
    with pytest.raises(_core.CoreError) as caught:
        _core.PlaneModel.untrained(np.zeros(shape, np.int16), no_terms())
    assert caught.value.args[2] == "bad-argument"
    with pytest.raises(_core.CoreError):
        _core.PlaneModel(np.zeros(shape, np.int16), *untrained(2).state, no_terms())


@pytest.mark.parametrize("code", [-4097, 4097, -(2**15)])
def test_gains_out_of_range(code: int) -> None:
    for ends in (-4096, 4096):
        _core.PlaneModel.untrained(np.full((1, 2), ends, np.int16), no_terms())
    with pytest.raises(_core.CoreError, match="gain"):
        _core.PlaneModel.untrained(np.array([[0, code]], np.int16), no_terms())


def test_arrays_of_other_kinds() -> None:
    gains, terms = make_gains(2), usual_terms(2)
    with pytest.raises(TypeError, match="gains"):
        _core.PlaneModel.untrained(gains.astype(np.int32), terms)
    with pytest.raises(ValueError, match="gains"):
        _core.PlaneModel.untrained(gains[0], terms)
    with pytest.raises(TypeError, match="surroundings"):
        _core.PlaneModel.untrained(gains, terms.astype(np.int32))
    for shape in [(len(terms), 6), (len(terms), 8), (7 * len(terms),), (0, 0)]:
        with pytest.raises((ValueError, _core.CoreError), match="surroundings"):
            _core.PlaneModel.untrained(gains, np.zeros(shape, np.int16))
    for k, name in enumerate(("probability", "count", "mixers", "intra")):
        with pytest.raises(TypeError, match=name):
            _core.PlaneModel(gains, *changed(k, lambda a: a.astype(np.float64)), terms)


@pytest.mark.parametrize(
    ("levels", "shape"),
    [
        ([0], (2, 3, 4, 4)),
        ([0, 0], (2, 2, 4, 4)),
        ([0, 0], (3, 2, 4, 4)),  # planes and channels exchanged
        ([0, LEVELS], (2, 3, 4, 4)),
    ],
)
def test_trainers_refuse(levels: list[int], shape: tuple[int, ...]) -> None:
    trainer = _core.PlaneTrainer(untrained(3), False)
    with pytest.raises(ValueError, match="level"):
        trainer.learn(np.array(levels, np.uint32), np.zeros(shape, np.int32))
    for k, array in enumerate(untrained(3).state):
        np.testing.assert_array_equal(trainer.state[k], array)


@each_kind
def test_trainers_refuse_latents_that_quantisers_do_not_have(dependent: bool) -> None:
    latents = np.zeros((1, 3, 4, 4), np.int32)
    latents[0, 1, 2, 2] = 3
    trainer = _core.PlaneTrainer(untrained(3), dependent)
    with pytest.raises(_core.CoreError, match="quantiser") as caught:
        trainer.learn(np.zeros(1, np.uint32), latents)
    assert caught.value.args[2] == "bad-argument"


def test_models_tell_their_sizes() -> None:
    model = untrained(3)
    assert (model.levels, model.channels) == (LEVELS, 3)


def test_models_are_for_their_profile_alone() -> None:
    """Planes are not coded with a model of bands, nor bands with one of planes."""
    bands = _core.LatentModel.untrained(make_gains(3))
    tile, latents = _core.BandTile(1, 16, 16), np.zeros((1, 3, 1), np.int32)
    one, flag = np.full(1, 70, np.int32), np.ones(1, np.uint8)
    for model in (bands, None):
        networks: Any = [(16, model)]
        for read in (_core.decode_spectral_payload, _core.decode_band_payload)[: 1 + (not model)]:
            with pytest.raises((TypeError, _core.CoreError)):
                read(networks, tile, b"\0\0\0\0")
        with pytest.raises((TypeError, _core.CoreError)):
            _core.encode_spectral_payload(
                networks, tile, 0, None, 0, 0, None, flag, one, one_level(one[None]), one, latents
            )
    planes: Any = [(16, untrained(3))]
    with pytest.raises((TypeError, _core.CoreError)):
        _core.encode_band_payload(planes, tile, 0, 0, None, one, one, latents)
    with pytest.raises((TypeError, _core.CoreError)):
        _core.decode_band_payload(planes, tile, b"\0\0\0")
