"""Coding of latents: every integer comes back, rounding keeps its promise, and learning pays."""

import subprocess
import sys
import textwrap
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from hyspec import _core

Int32Array = npt.NDArray[np.int32]
Float32Array = npt.NDArray[np.float32]
Latents = Int32Array | Float32Array

LOWEST, HIGHEST = -(2**31), 2**31 - 1
LEVELS = 64

# ---- models and chunks


def make_gains(channels: int) -> npt.NDArray[np.int16]:
    """A level is a 32nd of an octave, as in packs; channels differ by fractions of octaves."""
    codes = 8 * np.arange(LEVELS)[:, None] + 37 * np.arange(channels)
    return codes.astype(np.int16)


def untrained(channels: int) -> _core.LatentModel:
    return _core.LatentModel.untrained(make_gains(channels))


def unit_gain(channels: int) -> _core.LatentModel:
    """Latents are rounded as they are."""
    return _core.LatentModel.untrained(np.zeros((LEVELS, channels), np.int16))


@dataclass
class Coded:
    """A payload and what the encoder says of it."""

    payload: bytes
    checksum: int
    latents: Int32Array


def encode(
    model: _core.LatentModel,
    levels: Int32Array,
    latents: Latents,
    *,
    bit_value: float = 0.0,
) -> Coded:
    """Code latents (bands, channels, rows, columns) at even levels, and check the round trip."""
    bands, channels, rows, columns = latents.shape
    tile = _core.BandTile(bands, rows, columns)
    scale = (65 + levels // 2).astype(np.int32)
    assert _core.band_levels(scale, 0, model.levels).tolist() == levels.tolist()
    networks = [(1, model)]
    mean = np.zeros(bands, np.int32)
    flat = latents.reshape(bands, channels, -1)
    coded = Coded(
        *_core.encode_band_payload(networks, tile, 0, 0, None, scale, mean, flat, bit_value)
    )
    decoded = _core.decode_band_payload(networks, tile, coded.payload)
    np.testing.assert_array_equal(decoded[5], coded.latents)
    assert decoded[6] == coded.checksum
    coded.latents = coded.latents.reshape(latents.shape)
    return coded


def at_level(level: int, bands: int) -> Int32Array:
    return np.full(bands, level, np.int32)


def smooth(rng: np.random.Generator, shape: tuple[int, ...]) -> npt.NDArray[np.float64]:
    """Laplacian noise, averaged over neighbours along the last two axes."""
    noise = rng.laplace(0, 1, shape)
    return noise + np.roll(noise, 1, -1) + np.roll(noise, 1, -2)


def scene(seed: int, bands: int = 12, channels: int = 3, side: int = 24) -> Int32Array:
    """Latents of bands that resemble each other."""
    rng = np.random.default_rng(seed)
    base = 3 * smooth(rng, (1, channels, side, side))
    change = np.cumsum(0.3 * rng.normal(size=(bands, channels, side, side)), axis=0)
    return np.rint(base + change).astype(np.int32)


@st.composite
def chunks(draw: st.DrawFn) -> tuple[Int32Array, tuple[int, int, int, int]]:
    """Even levels of some bands, and the shape of their latents."""
    bands, channels = draw(st.integers(1, 8)), draw(st.integers(1, 4))
    levels = draw(hnp.arrays(np.int32, bands, elements=st.integers(0, LEVELS // 2 - 1)))
    return 2 * levels, (bands, channels, draw(st.integers(1, 6)), draw(st.integers(1, 6)))


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


# ---- memory


def test_a_short_payload_of_a_huge_tile_takes_little_memory() -> None:
    """Scales of 1000 bands, then noise: 16 MiB for a band, 4 GiB for all if nobody watched."""
    if not sys.platform.startswith("linux"):
        pytest.skip("needs /proc")
    script = """
        import resource
        from pathlib import Path
        import numpy as np
        import test_latent_coder as t
        from hyspec import _core

        bands = 1000
        networks = [(1, t.untrained(4))]
        noise = np.random.default_rng(1).integers(-9, 10, (bands, 4, 1), np.int32)
        numbers = [np.full(bands, 66, np.int32), np.zeros(bands, np.int32)]
        small = _core.BandTile(bands, 1, 1)
        payload = _core.encode_band_payload(networks, small, 0, 0, None, *numbers, noise)[0]
        pages = int(Path("/proc/self/statm").read_text().split()[0])
        limit = pages * resource.getpagesize() + (400 << 20)
        resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
        for side in (1024, 700):
            try:
                _core.decode_band_payload(networks, _core.BandTile(bands, side, side), payload)
            except _core.CoreError as error:
                print(error.args[2])
    """
    start = f"import sys; sys.path.insert(0, {str(Path(__file__).parent)!r})\n"
    result = subprocess.run(
        [sys.executable, "-c", start + textwrap.dedent(script)],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert result.returncode == 0, result.stderr
    assert set(result.stdout.split()) <= {"truncated", "corrupt"}
    assert len(result.stdout.split()) == 2
