"""The plain Python decoder of the spectral profile agrees with hyspec on payloads and bases."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from half_steps import half_steps
from hyspec import _core, spectral_basis
from latent_cases import latents
from payload_cases import Array
from plane_cases import any_terms, as_terms
from reference import pack, planes, spectral
from reference_cases import (
    SPECTRAL,
    any_network,
    check_equal,
    core_model,
    plain_carrier,
    plain_tile,
    untrained_planes,
)
from spectral_payload_cases import SpectralContent, spectral_contents

# ---- payloads


@settings(max_examples=60, deadline=None)
@given(spectral_contents(SPECTRAL.core))
def test_any_symbols(content: SpectralContent) -> None:
    payload, crc = content.write(SPECTRAL.core)
    carrier = plain_carrier(content.shared)
    symbols = spectral.decode(payload, SPECTRAL.networks, plain_tile(content.tile), carrier)
    check_equal(content, crc, symbols)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 2**32), st.integers(2, 60), st.integers(1, 60), st.booleans())
def test_tables_that_look_like_real_ones(
    seed: int, bands: int, planes: int, dependent: bool
) -> None:
    """Long enough for their models to adapt: smooth means, falling scales, a decaying basis."""
    rng = np.random.default_rng(seed)
    planes = min(planes, bands)
    varies = np.ones(bands, np.uint8)
    varies[rng.integers(0, bands, bands // 9)] = 0
    planes = min(planes, int(varies.sum()))
    size = 400 * 0.8 ** np.arange(planes)[:, None]
    wide = rng.normal(0, size, (planes, int(varies.sum())))
    content = SpectralContent(
        tile=_core.BandTile(bands, 8, 8),
        step=int(rng.integers(-64, 256)),
        network=int(rng.integers(0, 2)),
        valid=None,
        varies=varies,
        mean=np.rint(np.cumsum(rng.normal(0, 300, bands))).astype(np.int32),
        scale=np.clip(200 - 3 * np.arange(planes) + rng.integers(-2, 3, planes), 1, 577).astype(
            "i4"
        ),
        entries=np.rint(wide).astype(np.int32),
        dependent=dependent,
        latents=np.zeros((0, 1, 1), np.int32),
    )
    channels = SPECTRAL.networks[content.network].channels
    content.latents = half_steps(rng.integers(-3, 4, (planes, channels, 1)), dependent)
    payload, crc = content.write(SPECTRAL.core)
    check_equal(content, crc, spectral.decode(payload, SPECTRAL.networks, plain_tile(content.tile)))


# ---- planes


def planes_of(
    network: pack.Network, grid: tuple[int, int], integers: Array, dependent: bool
) -> SpectralContent:
    """Planes at several levels, of latents that stand for (planes, channels, positions)."""
    count = len(integers)
    rows, columns = grid
    return SpectralContent.simple(
        tile=_core.BandTile(count, network.stride * rows, network.stride * columns),
        step=0,
        varies=np.ones(count, np.uint8),
        mean=np.zeros(count, np.int32),
        scale=65 + np.arange(count, dtype=np.int32) % 3,
        entries=np.eye(count, dtype=np.int32),
        dependent=dependent,
        latents=half_steps(integers, dependent),
    )


@settings(deadline=None, max_examples=80)
@given(st.data(), any_terms(4), st.integers(0, 2**32), st.booleans(), st.booleans())
def test_any_network(
    data: st.DataObject, terms: Array, seed: int, extreme: bool, dependent: bool
) -> None:
    """Any terms and state, also at the limits of the format, and any latents."""
    network = any_network(np.random.default_rng(seed), 4, terms, extreme=extreme)
    content = planes_of(network, (3, 4), data.draw(latents((5, 4, 12))), dependent)
    payload, crc = content.write([(network.stride, core_model(network))])
    check_equal(content, crc, spectral.decode(payload, [network], plain_tile(content.tile)))


@settings(deadline=None, max_examples=30)
@given(
    st.integers(0, 2**32),
    st.integers(1, 3).flatmap(any_terms),
    st.integers(1, 20),
    st.integers(1, 20),
    st.booleans(),
)
def test_latents_that_look_like_real_ones(
    seed: int, terms: Array, rows: int, columns: int, dependent: bool
) -> None:
    """Enough of them for their models to adapt, large in the same places of all planes."""
    channels = int(terms[:, 0].max(initial=0)) + 1
    gain = np.zeros((6, channels), np.int16)
    network = untrained_planes(gain, terms)
    shape = (5, channels, rows * columns)
    rng = np.random.default_rng(seed)
    size = np.exp2(rng.normal(0, 3, shape[1:]) + rng.normal(0, 2, (5, 1, 1)))
    integers = np.rint(size * rng.laplace(0, 1, shape))
    content = planes_of(network, (rows, columns), integers, dependent)
    payload, crc = content.write([(network.stride, core_model(network))])
    check_equal(content, crc, spectral.decode(payload, [network], plain_tile(content.tile)))


# ---- terms

COLUMNS = {"c": 4, "group": 3, "age": 3, "source": 4, "down": 2, "across": 2, "weight": 1025}


@settings(deadline=None, max_examples=400)
@given(st.data(), st.booleans())
def test_decoders_agree_on_which_terms_are_valid(data: st.DataObject, near: bool) -> None:
    """Any numbers, and any that would be valid but for one."""
    if near:
        terms = data.draw(any_terms(4).filter(len)).copy()
        row = data.draw(st.integers(0, len(terms) - 1))
        column, (_, end) = data.draw(st.sampled_from([*enumerate(COLUMNS.items())]))
        terms[row, column] = data.draw(st.sampled_from([-end, 1 - end, -1, 0, 1, end - 1, end]))
    else:
        ends = st.tuples(*(st.integers(-end, end) for end in COLUMNS.values()))
        terms = as_terms(data.draw(st.lists(ends, max_size=2)))
    network = untrained_planes(np.zeros((1, 4), np.int16), terms)
    try:
        planes.terms_by_channel(network)
    except ValueError:
        with pytest.raises(_core.CoreError) as caught:
            core_model(network)
        assert caught.value.args[2] == "bad-argument"
    else:
        core_model(network)


# ---- the basis


@settings(deadline=None, max_examples=50)
@given(st.integers(0, 2**32), st.integers(1, 20), st.integers(0, 20))
def test_rows_are_made_orthonormal_alike(seed: int, columns: int, rows: int) -> None:
    entries = np.random.default_rng(seed).integers(-500, 501, (min(rows, columns), columns))
    found = spectral_basis.orthonormal(entries.astype(np.int32))
    expected = spectral.orthonormal(entries.tolist())
    condition = np.linalg.cond(entries) if len(entries) else 1.0
    np.testing.assert_allclose(
        found, expected.reshape(entries.shape), rtol=0, atol=1e-13 * condition
    )
