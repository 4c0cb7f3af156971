"""The plain Python decoder of the spectral profile agrees with hyspec on payloads and bases."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from hyspec import _core, spectral_transform
from latent_cases import latents
from reference import spectral
from reference_cases import SPECTRAL, any_network, check_equal, core_model, plain_tile
from spectral_payload_cases import SpectralContent, spectral_contents

# ---- payloads


@settings(max_examples=60, deadline=None)
@given(spectral_contents(SPECTRAL.core))
def test_any_symbols(content: SpectralContent) -> None:
    payload, crc = content.write(SPECTRAL.core)
    check_equal(content, crc, spectral.decode(payload, SPECTRAL.networks, plain_tile(content.tile)))


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 2**32), st.integers(2, 60), st.integers(1, 60))
def test_tables_that_look_like_real_ones(seed: int, bands: int, planes: int) -> None:
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
        basis=np.rint(wide).astype(np.int32),
        latents=np.zeros((0, 1, 1), np.int32),
    )
    channels = SPECTRAL.networks[content.network].channels
    content.latents = rng.integers(-3, 4, (planes, channels, 1)).astype(np.int32)
    payload, crc = content.write(SPECTRAL.core)
    check_equal(content, crc, spectral.decode(payload, SPECTRAL.networks, plain_tile(content.tile)))


@settings(deadline=None, max_examples=40)
@given(st.data(), st.integers(0, 2**32), st.booleans())
def test_any_surroundings(data: st.DataObject, seed: int, extreme: bool) -> None:
    """Component planes: any surroundings and state, gains that are far apart, any latents."""
    rng = np.random.default_rng(seed)
    channels = 4
    around = rng.integers(0, 1025 if extreme else 90, (channels, 15)).astype(np.int16)
    around[:, :5] = rng.integers(-1, np.arange(channels)[:, None], (channels, 5))
    network = any_network(rng, channels, 20224 + 640 * channels, surroundings=around)
    stride, planes = network.stride, 4
    content = SpectralContent.simple(
        tile=_core.BandTile(5, 3 * stride, 4 * stride),
        step=0,
        varies=np.ones(5, np.uint8),
        mean=np.zeros(5, np.int32),
        scale=65 + rng.integers(0, 3, planes).astype(np.int32),
        basis=rng.integers(-20, 21, (planes, 5)).astype(np.int32),
        latents=data.draw(latents((planes, channels, 12))),
    )
    payload, crc = content.write([(stride, core_model(network))])
    check_equal(content, crc, spectral.decode(payload, [network], plain_tile(content.tile)))


# ---- the basis


@settings(deadline=None, max_examples=50)
@given(st.integers(0, 2**32), st.integers(1, 20), st.integers(0, 20))
def test_rows_are_made_orthonormal_alike(seed: int, columns: int, rows: int) -> None:
    entries = np.random.default_rng(seed).integers(-500, 501, (min(rows, columns), columns))
    found = spectral_transform.orthonormal(entries.astype(np.int32))
    expected = spectral.orthonormal(entries.tolist())
    condition = np.linalg.cond(entries) if len(entries) else 1.0
    np.testing.assert_allclose(
        found, expected.reshape(entries.shape), rtol=0, atol=1e-13 * condition
    )
