"""Coding of component planes: every latent comes back, and what surrounds it pays."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from half_steps import half_steps
from hyspec import _core
from latent_cases import (
    HIGHEST,
    LEVELS,
    LOWEST,
    Int32Array,
    at_level,
    chunks,
    smooth,
)
from plane_cases import (
    BEFORE,
    OTHER,
    PAST,
    SAME,
    Int16Array,
    any_terms,
    as_terms,
    decode,
    encode,
    no_terms,
    patchy,
    untrained,
    usual_terms,
)
from script_cases import bound_memory, needs_proc, run_alone
from spectral_payload_cases import SpectralContent

Chunk = tuple[Int32Array, tuple[int, int, int, int]]


each_kind = pytest.mark.parametrize("dependent", [False, True], ids=["plain", "turning"])


# ---- integers


@each_kind
@settings(deadline=None, max_examples=80)
@given(data=st.data(), chunk=chunks())
def test_any_integers(data: st.DataObject, chunk: Chunk, dependent: bool) -> None:
    levels, shape = chunk
    model = untrained(shape[1], data.draw(any_terms(shape[1])))
    ends = st.sampled_from([LOWEST, LOWEST // 2, -1, 0, 1, HIGHEST // 2, HIGHEST])
    values = st.integers(-3, 3) | ends | st.integers(LOWEST // 2, HIGHEST // 2)
    integers = data.draw(hnp.arrays(np.int32, shape, elements=values, fill=st.integers(-1, 1)))
    latents = half_steps(integers, dependent)
    coded = encode(model, levels, latents, dependent=dependent)
    np.testing.assert_array_equal(coded.latents, latents)


@each_kind
@settings(deadline=None, max_examples=40)
@given(
    seed=st.integers(0, 2**32),
    planes=st.integers(1, 6),
    channels=st.integers(1, 5),
    side=st.integers(1, 20),
)
def test_integers_of_every_size(
    seed: int, planes: int, channels: int, side: int, dependent: bool
) -> None:
    """Sizes change from plane to plane and channel to channel, signs and zeros within them."""
    rng = np.random.default_rng(seed)
    size = 2.0 ** rng.uniform(-6, 30, (planes, channels, 1, 1))
    noise = size * rng.laplace(0, 1, (planes, channels, side, side))
    noise[rng.random(planes) < 0.2] = 0
    latents = half_steps(np.rint(noise), dependent)
    levels = 2 * rng.integers(0, LEVELS // 2, planes).astype(np.int32)
    coded = encode(untrained(channels), levels, latents, dependent=dependent)
    np.testing.assert_array_equal(coded.latents, latents)


def test_levels_do_not_matter_to_integers() -> None:
    """Gains belong to the rounding: other levels code the same latents as the same message."""
    latents = patchy(1, planes=5, channels=2, side=9)
    bits = [
        _core.PlaneTrainer(untrained(2), False).learn(np.full(5, level, np.uint32), latents)
        for level in range(LEVELS)
    ]
    assert len(set(bits)) == 1


@each_kind
def test_zeros_cost_next_to_nothing(dependent: bool) -> None:
    nothing = np.zeros((200, 8, 16, 16), np.int32)
    coded = encode(untrained(8), at_level(0, 200), nothing, dependent=dependent)
    assert len(coded.payload) < 200


@each_kind
@pytest.mark.parametrize(
    ("width", "terms"),
    [
        *((width, no_terms()) for width in (0.3, 1.0, 6.0)),
        *((width, usual_terms(2)) for width in (0.3, 1.0, 6.0, 40.0)),
    ],
)
def test_noise_costs_its_entropy(width: float, terms: Int16Array, dependent: bool) -> None:
    """There is nothing to learn from the surroundings: not less, and hardly more."""
    reach = np.arange(-60 * int(width + 1), 60 * int(width + 1) + 1)
    share = np.exp(-np.abs(reach) / width)
    share /= share.sum()
    rng = np.random.default_rng(3)
    chosen = rng.choice(reach.size, (8, 2, 64, 64), p=share)
    entropy = -np.log2(share[chosen]).sum()
    latents = half_steps(reach[chosen], dependent)
    payload = encode(untrained(2, terms), at_level(0, 8), latents, dependent=dependent).payload
    assert 0.995 * entropy < 8 * len(payload) < 1.15 * entropy + 1000


# ---- surroundings


def own_neighbours(channels: int) -> Int16Array:
    return as_terms([(c, SAME, 0, c, *place, 64) for c in range(channels) for place in BEFORE])


def channels_before(channels: int) -> Int16Array:
    return as_terms([(c, OTHER, 0, c - 1, 0, 0, 256) for c in range(1, channels)])


def planes_before(channels: int, age: int = 1) -> Int16Array:
    return as_terms([(c, PAST, age, c, 0, 0, 256) for c in range(channels)])


def shared(rng: np.random.Generator, *counts: int) -> Int32Array:
    """Noise (planes, channels, rows, columns) of one size in blocks of so many of each."""
    shape = (12, 3, 40, 40)
    blocks = rng.normal(0, 3, [n // count for n, count in zip(shape, counts, strict=True)])
    size = np.exp2(np.kron(blocks, np.ones(counts)))
    return half_steps(np.rint(size * rng.laplace(0, 1, shape)), dependent=False)


@pytest.mark.parametrize(
    ("terms", "block"),
    [
        (own_neighbours(3), (1, 1, 4, 4)),
        (channels_before(3), (1, 3, 1, 1)),
        (planes_before(3), (12, 1, 1, 1)),
        (planes_before(3, age=2), (12, 1, 1, 1)),
    ],
    ids=["neighbours", "channels", "one plane", "two planes"],
)
def test_terms_pay_where_sizes_are_shared(terms: Int16Array, block: tuple[int, ...]) -> None:
    """Along the axis that they look along, and hardly cost anything where there is nothing."""
    rng = np.random.default_rng(4)

    def cost(found: Int16Array, latents: Int32Array) -> int:
        return len(encode(untrained(3, found), at_level(0, 12), latents).payload)

    latents = shared(rng, *block)
    assert cost(terms, latents) < 0.96 * cost(no_terms(), latents)
    apart = rng.permuted(latents.reshape(-1)).reshape(latents.shape)
    assert cost(terms, apart) < 1.06 * cost(no_terms(), apart)


def test_every_number_of_a_term_matters() -> None:
    """Another one makes another message, which the first model does not understand."""
    latents = patchy(2, planes=4)
    levels, terms = at_level(0, 4), usual_terms(3)
    model = untrained(3, terms)
    first = encode(model, levels, latents)
    kept = np.flatnonzero((terms[:, 0] == 2) & (terms[:, 1] == PAST))[0]
    assert terms[kept].tolist() == [2, PAST, 1, 2, 0, 0, 40]
    for column, value in enumerate([1, OTHER, 2, 1, -1, 1, 41]):
        other = terms.copy()
        other[kept, column] = value
        second = encode(untrained(3, other), levels, latents)
        assert second.payload != first.payload
        assert second.checksum == first.checksum
        try:
            found, _ = decode(model, second.payload, latents.shape)
        except _core.CoreError as error:
            assert error.args[2] in ("corrupt", "truncated")
        else:
            assert (found != latents).any()
    without = encode(untrained(3, np.delete(terms, kept, 0)), levels, latents)
    assert without.payload != first.payload


@settings(deadline=None, max_examples=30)
@given(st.data(), any_terms(3), st.integers(0, 2**32))
def test_the_order_of_terms_does_not_matter(
    data: st.DataObject, terms: Int16Array, seed: int
) -> None:
    latents, levels = patchy(seed, planes=3, side=8), at_level(0, 3)
    order = data.draw(st.permutations(range(len(terms))))
    mixed = untrained(3, terms[np.array(order, np.intp)])
    first = encode(untrained(3, terms), levels, latents)
    assert encode(mixed, levels, latents).payload == first.payload


def test_terms_of_planes_before_the_first_say_nothing() -> None:
    """Nor do those outside of the grid, here of one row: as if they were not there."""
    latents = patchy(3, planes=1)[:, :, :1]
    far = as_terms([(c, group, 1, 1, 0, 0, 99) for c in range(3) for group in range(3)])
    beyond = as_terms([(2, OTHER, 0, 0, down, 0, 99) for down in (-1, 1)])
    model = untrained(3, no_terms())
    for terms in (far, beyond):
        found = encode(untrained(3, terms), at_level(0, 1), latents)
        assert found.payload == encode(model, at_level(0, 1), latents).payload


def test_only_the_first_channel_is_predicted() -> None:
    """Values that resemble their neighbours cost less there than elsewhere."""
    rng = np.random.default_rng(5)
    integers = np.rint(np.cumsum(smooth(rng, (6, 1, 40, 40)), axis=3))
    alike = half_steps(integers, dependent=False)
    nothing = np.zeros_like(alike)
    first = encode(untrained(2), at_level(0, 6), np.concatenate([alike, nothing], 1))
    second = encode(untrained(2), at_level(0, 6), np.concatenate([nothing, alike], 1))
    assert len(first.payload) < 0.8 * len(second.payload)


# ---- memory


def ends_of_huge_tiles() -> list[str]:
    """Noise of 200 small planes: 16 MiB for each, 3 GiB for all if nobody watched."""
    planes = 200
    networks = [(1, untrained(4))]
    noise = 2 * np.random.default_rng(1).integers(-9, 10, (planes, 4, 225), np.int32)
    content = SpectralContent(
        _core.BandTile(planes, 15, 15),
        step=0,
        network=0,
        valid=None,
        varies=np.ones(planes, np.uint8),
        mean=np.zeros(planes, np.int32),
        entries=np.zeros((planes, planes), np.int32),
        scale=np.full(planes, 66, np.int32),
        dependent=False,
        latents=noise,
    )
    payload, _ = content.write(networks)
    bound_memory(400 << 20)
    ends = []
    for rows in (1024, 700):
        with pytest.raises(_core.CoreError) as caught:
            _core.decode_spectral_payload(networks, _core.BandTile(planes, rows, 1024), payload)
        ends.append(caught.value.args[2])
    return ends


@needs_proc
def test_a_short_payload_of_a_huge_tile_takes_little_memory() -> None:
    assert set(run_alone(ends_of_huge_tiles, timeout=120)) <= {"truncated", "corrupt"}
