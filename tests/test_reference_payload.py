"""The plain Python decoder reads any payload that hyspec writes, and judges damage alike."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from band_payload_cases import BandContent
from hyspec import _core
from latent_cases import latents
from payload_cases import Array, Content
from reference import band
from reference_cases import (
    BAND,
    SPECTRAL,
    Decoders,
    any_network,
    check_equal,
    core_model,
    plain_latents,
    plain_tile,
)
from spectral_payload_cases import SpectralContent

# ---- any latents of the band profile


@settings(max_examples=60, deadline=None)
@given(st.data(), st.integers(0, 1), st.integers(1, 5), st.integers(1, 40), st.integers(1, 40))
def test_any_latents(data: st.DataObject, number: int, bands: int, rows: int, columns: int) -> None:
    tile = band.Tile(bands, rows, columns)
    network = BAND.networks[number]
    size = int(np.prod(tile.grid(network.stride)))
    scale = np.array(
        data.draw(st.lists(st.integers(65, 400), min_size=bands, max_size=bands)), "i4"
    )
    z = data.draw(latents((bands, network.channels, size)))
    core = _core.BandTile(bands, rows, columns)
    mean = np.zeros(bands, np.int32)
    payload, crc, _ = _core.encode_band_payload(BAND.core, core, 0, number, None, scale, mean, z)
    symbols = band.decode(payload, BAND.networks, tile)
    assert plain_latents(symbols) == z.ravel().tolist()
    assert symbols.checksum == crc


@settings(max_examples=40, deadline=None)
@given(st.data(), st.integers(0, 2**32), st.booleans())
def test_any_state(data: st.DataObject, seed: int, extreme: bool) -> None:
    """States at the limits of the format, and gains that are far apart."""
    rng = np.random.default_rng(seed)
    channels = 3
    network = any_network(rng, channels, extreme=extreme)
    stride, model = network.stride, core_model(network)
    z = data.draw(latents((4, channels, 12)))
    scale = 65 + rng.integers(0, 3, 4).astype(np.int32)
    mean = np.zeros(4, np.int32)
    tile = band.Tile(4, 3 * stride, 4 * stride)
    core = _core.BandTile(tile.bands, tile.rows, tile.columns)
    payload, crc, _ = _core.encode_band_payload([(stride, model)], core, 0, 0, None, scale, mean, z)
    symbols = band.decode(payload, [network], tile)
    assert plain_latents(symbols) == z.ravel().tolist()
    assert symbols.checksum == crc


# ---- both decoders judge damaged messages alike


def holed(bands: int) -> Array:
    """Masks of 9 x 20 pixels; a fourth band has no valid sample."""
    valid = np.ones((bands, 9, 20), np.uint8)
    valid[1:, 2:5, 3:9] = 0
    valid[3:] = 0
    return valid


def latents_at_two_by_three(decoders: Decoders) -> Array:
    shape = (2, decoders.networks[1].channels, 6)
    levels = np.random.default_rng(3).integers(-3, 4, shape).astype(np.int32)
    return decoders.content.latents_of(levels)


BAND_CONTENT = BandContent.simple(
    tile=_core.BandTile(3, 9, 20),
    step=100,
    network=1,
    valid=holed(3),
    scale=np.array([160, 0, 170], np.int32),
    mean=np.array([900, 7, -3], np.int32),
    latents=latents_at_two_by_three(BAND),
)
SPECTRAL_CONTENT = SpectralContent.simple(
    tile=_core.BandTile(4, 9, 20),
    step=100,
    network=1,
    valid=holed(4),
    varies=np.array([1, 1, 1, 0], np.uint8),
    mean=np.array([900, 7, -3, 0], np.int32),
    latents=latents_at_two_by_three(SPECTRAL),
)


@pytest.mark.parametrize(
    ("decoders", "content"),
    [(BAND, BAND_CONTENT), (SPECTRAL, SPECTRAL_CONTENT)],
    ids=["band", "spectral"],
)
@settings(max_examples=150, deadline=None)
@given(data=st.data(), cut=st.integers(-8, 4))
def test_decoders_agree_on_damaged_payloads(
    decoders: Decoders, content: Content, data: st.DataObject, cut: int
) -> None:
    damaged = bytearray(content.write(decoders.core)[0])
    places, values = st.integers(0, len(damaged) - 1), st.integers(0, 255)
    for at, byte in data.draw(st.lists(st.tuples(places, values), max_size=3)):
        damaged[at] = byte
    payload = bytes(damaged[:cut] if cut < 0 else damaged + bytes(cut))
    try:
        first = decoders.content.read(decoders.core, content.tile, payload)
    except _core.CoreError as error:
        assert error.args[2] in ("corrupt", "truncated")
        first = None
    try:
        second = decoders.plain.decode(payload, decoders.networks, plain_tile(content.tile))
    except ValueError:
        second = None
    assert (first is None) == (second is None)
    if first is not None:
        check_equal(*first, second)
