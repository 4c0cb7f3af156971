"""Models of latents: learning pays, and states and gains that do not fit are refused."""

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from hyspec import _core
from latent_cases import HIGHEST, LEVELS, LOWEST, at_level, encode, make_gains, scene, untrained

# ---- learning


def test_learning_makes_fresh_data_cheaper() -> None:
    levels, model = at_level(0, 6), untrained(3)
    trainer = _core.LatentTrainer(model)
    small = [scene(k, bands=6, side=10) for k in range(40)]
    lengths = [trainer.learn(levels.astype(np.uint32), z) for z in small[:30]]
    trained = _core.LatentModel(make_gains(3), *trainer.state)
    costs = [sum(len(encode(m, levels, z).payload) for z in small[30:]) for m in (model, trained)]
    assert costs[1] < 0.95 * costs[0]
    assert np.mean(lengths[20:]) < 0.95 * lengths[0]


def test_the_length_of_what_is_learnt_is_that_of_its_payload() -> None:
    latents = scene(1)
    learnt = _core.LatentTrainer(untrained(3)).learn(at_level(0, 12).astype(np.uint32), latents)
    coded = 8 * len(encode(untrained(3), at_level(0, 12), latents).payload)
    assert learnt - 8 < coded < 1.002 * learnt + 400  # step, network, mask, scales and means


def test_learning_leaves_the_model_alone() -> None:
    model = untrained(3)
    before = model.state
    trainer = _core.LatentTrainer(model)
    trainer.learn(at_level(0, 12).astype(np.uint32), scene(2))
    for old, new, learnt in zip(before, model.state, trainer.state, strict=True):
        np.testing.assert_array_equal(old, new)
        assert (old != learnt).any()


def test_states_survive_as_arrays() -> None:
    trainer = _core.LatentTrainer(untrained(3))
    trainer.learn(at_level(0, 12).astype(np.uint32), scene(3))
    first = _core.LatentModel(make_gains(3), *trainer.state)
    second = _core.LatentModel(make_gains(3), *(a.copy() for a in first.state))
    for one, two, three in zip(trainer.state, first.state, second.state, strict=True):
        np.testing.assert_array_equal(one, two)
        np.testing.assert_array_equal(one, three)
    assert [a.dtype for a in first.state] == [np.uint16, np.uint8, np.int32, np.int32]
    # A trainer goes on from where its model is, as one that has seen both chunks.
    going_on = _core.LatentTrainer(second)
    for each in (trainer, going_on):
        each.learn(at_level(0, 12).astype(np.uint32), scene(4))
    for one, two in zip(trainer.state, going_on.state, strict=True):
        np.testing.assert_array_equal(one, two)
    latents = scene(5)
    assert encode(first, at_level(0, 12), latents) != encode(untrained(3), at_level(0, 12), latents)


# ---- what is refused


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
    ],
)
def test_states_that_do_not_fit(state: list[npt.NDArray[Any]]) -> None:
    with pytest.raises(_core.CoreError) as caught:
        _core.LatentModel(make_gains(2), *state)
    assert caught.value.args[2] == "bad-argument"


@pytest.mark.parametrize(
    ("which", "value"),
    [(0, 0), (0, 65535), (1, 127), (2, 2**24), (2, -(2**24)), (3, 2**20), (3, -(2**20))],
)
def test_states_at_the_ends_of_their_ranges(which: int, value: int) -> None:
    """Any state that is accepted codes any latents."""
    state = changed(which, lambda a: np.full_like(a, value))
    model = _core.LatentModel(make_gains(2), *state)
    latents = scene(9, bands=4, channels=2, side=8)
    latents[2, 1, 3] = HIGHEST
    np.testing.assert_array_equal(encode(model, at_level(0, 4), latents).latents, latents)


@pytest.mark.parametrize("shape", [(0, 3), (4, 0), (0, 0), (1, 513), (1, 70000)])
def test_gains_of_no_model(shape: tuple[int, int]) -> None:
    with pytest.raises(_core.CoreError) as caught:
        _core.LatentModel.untrained(np.zeros(shape, np.int16))
    assert caught.value.args[2] == "bad-argument"
    with pytest.raises(_core.CoreError):
        _core.LatentModel(np.zeros(shape, np.int16), *untrained(2).state)


@pytest.mark.parametrize("code", [-4097, 4097, -(2**15)])
def test_gains_out_of_range(code: int) -> None:
    for ends in (-4096, 4096):
        _core.LatentModel.untrained(np.full((1, 2), ends, np.int16))
    with pytest.raises(_core.CoreError, match="gain"):
        _core.LatentModel.untrained(np.array([[0, code]], np.int16))


def test_arrays_of_other_kinds() -> None:
    with pytest.raises(TypeError, match="gains"):
        _core.LatentModel.untrained(np.zeros((2, 2), np.int32))
    with pytest.raises(ValueError, match="gains"):
        _core.LatentModel.untrained(np.zeros(2, np.int16))
    for k, name in enumerate(("probability", "count", "mixers", "intra")):
        with pytest.raises(TypeError, match=name):
            _core.LatentModel(make_gains(2), *changed(k, lambda a: a.astype(np.float64)))


@pytest.mark.parametrize(
    ("levels", "shape"),
    [
        ([0], (2, 3, 4, 4)),
        ([0, 0], (2, 2, 4, 4)),
        ([0, 0], (3, 2, 4, 4)),  # bands and channels exchanged
        ([0, LEVELS], (2, 3, 4, 4)),
    ],
)
def test_trainers_refuse(levels: list[int], shape: tuple[int, ...]) -> None:
    trainer = _core.LatentTrainer(untrained(3))
    with pytest.raises(ValueError, match="level"):
        trainer.learn(np.array(levels, np.uint32), np.zeros(shape, np.int32))
    for k, array in enumerate(untrained(3).state):
        np.testing.assert_array_equal(trainer.state[k], array)


def test_models_tell_their_sizes() -> None:
    model = untrained(3)
    assert (model.levels, model.channels) == (LEVELS, 3)
