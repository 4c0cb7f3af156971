"""The plain Python decoder reads any payload that hyspec writes, and judges damage alike."""

from pathlib import Path

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from hyspec import _core
from hyspec.pack import load
from latent_cases import latents
from reference import band, pack

TINY = Path(__file__).parent / "golden" / "packs" / "tiny-v2"
NETWORKS = pack.load(TINY).models[0]
CORE = [(network.stride, network.latents) for network in load(TINY).models[0].networks]

# ---- any latents


@settings(max_examples=60, deadline=None)
@given(st.data(), st.integers(0, 1), st.integers(1, 5), st.integers(1, 40), st.integers(1, 40))
def test_any_latents(data: st.DataObject, number: int, bands: int, rows: int, columns: int) -> None:
    tile = band.Tile(bands, rows, columns)
    network = NETWORKS[number]
    size = int(np.prod(tile.grid(network.stride)))
    scale = np.array(
        data.draw(st.lists(st.integers(65, 400), min_size=bands, max_size=bands)), "i4"
    )
    z = data.draw(latents((bands, network.channels, size)))
    core = _core.BandTile(bands, rows, columns)
    mean = np.zeros(bands, np.int32)
    payload, crc, _ = _core.encode_band_payload(CORE, core, 0, number, None, scale, mean, z)
    symbols = band.decode(payload, NETWORKS, tile)
    assert np.stack(list(symbols.latents.values())).ravel().tolist() == z.ravel().tolist()
    assert symbols.checksum == crc


@settings(max_examples=40, deadline=None)
@given(st.data(), st.integers(0, 2**32), st.booleans())
def test_any_state(data: st.DataObject, seed: int, extreme: bool) -> None:
    """States at the limits of the format, and gains that are far apart."""
    rng = np.random.default_rng(seed)
    levels, channels, stride = 6, 3, 8
    slots = 16640 + 640 * channels
    if extreme:
        probability = rng.choice([0, 1, 32768, 65534, 65535], slots)
        mixers, intra = rng.choice([-(2**24), 0, 2**24], 1024), rng.choice([-(2**20), 2**20], 9)
    else:
        probability = rng.integers(0, 65536, slots)
        mixers, intra = rng.integers(-(2**17), 2**17, 1024), rng.integers(-(2**17), 2**17, 9)
    network = pack.Network(
        stride=stride,
        channels=channels,
        levels=levels,
        context_bands=1,
        gain=rng.integers(-4096, 4097, (levels, channels)).astype(np.int16),
        inverse_gain=np.zeros((levels, channels), np.int16),
        slots=(probability.astype(np.uint16), rng.integers(0, 128, slots).astype(np.uint8)),
        mixers=mixers.astype(np.int32),
        intra=intra.astype(np.int32),
    )
    model = _core.LatentModel(network.gain, *network.slots, network.mixers, network.intra)
    z = data.draw(latents((4, channels, 12)))
    scale = 65 + rng.integers(0, 3, 4).astype(np.int32)
    mean = np.zeros(4, np.int32)
    tile = band.Tile(4, 3 * stride, 4 * stride)
    core = _core.BandTile(tile.bands, tile.rows, tile.columns)
    payload, crc, _ = _core.encode_band_payload([(stride, model)], core, 0, 0, None, scale, mean, z)
    symbols = band.decode(payload, [network], tile)
    assert np.stack(list(symbols.latents.values())).ravel().tolist() == z.ravel().tolist()
    assert symbols.checksum == crc


# ---- both decoders judge damaged messages alike


def base_payload() -> tuple[_core.BandTile, bytes]:
    rng = np.random.default_rng(3)
    tile = _core.BandTile(3, 9, 20)
    valid = np.ones((3, 9, 20), np.uint8)
    valid[1:, 2:5, 3:9] = 0
    scale = np.array([160, 0, 170], np.int32)
    z = rng.integers(-3, 4, (2, NETWORKS[1].channels, 6)).astype(np.int32)
    mean = np.array([900, 7, -3], np.int32)
    payload, _, _ = _core.encode_band_payload(CORE, tile, 100, 1, valid, scale, mean, z)
    return tile, payload


TILE, PAYLOAD = base_payload()


@settings(max_examples=150, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, len(PAYLOAD) - 1), st.integers(0, 255)), max_size=3),
    st.integers(-8, 4),
)
def test_decoders_agree_on_damaged_payloads(changes: list[tuple[int, int]], cut: int) -> None:
    data = bytearray(PAYLOAD)
    for at, byte in changes:
        data[at] = byte
    content = bytes(data[:cut] if cut < 0 else data + bytes(cut))
    try:
        first = _core.decode_band_payload(CORE, TILE, content)
    except _core.CoreError as error:
        assert error.args[2] in ("corrupt", "truncated")
        first = None
    try:
        second = band.decode(content, NETWORKS, band.Tile(TILE.bands, TILE.rows, TILE.columns))
    except ValueError:
        second = None
    assert (first is None) == (second is None)
    if first is not None and second is not None:
        assert first[-1] == second.checksum
