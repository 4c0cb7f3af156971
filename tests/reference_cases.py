"""hyspec and the plain Python decoder side by side, with the tiny pack of each profile."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

import hyspec
from band_payload_cases import BandContent
from golden import make_streams
from hyspec import _core
from payload_cases import Content
from reference import band, pack, spectral
from spectral_payload_cases import SpectralContent


class Decoders:
    """Of one profile: its payloads, the module that reads them, and its pack for either."""

    def __init__(self, path: Path, content: type[Content], plain: ModuleType) -> None:
        self.path, self.content, self.plain = path, content, plain
        self.pack = pack.load(path)
        self.networks = self.pack.models[0]
        models = hyspec.pack.load(path).models
        self.core = [(network.stride, network.latents) for network in models[0].networks]


BAND = Decoders(make_streams.PACK, BandContent, band)
SPECTRAL = Decoders(make_streams.SPECTRAL_PACK, SpectralContent, spectral)


def any_network(rng: np.random.Generator, channels: int, size: int, **state: Any) -> pack.Network:
    """Gains that are far apart, and any state of so many slots, but for what is given."""
    levels = 6
    probability = rng.integers(0, 65536, size).astype(np.uint16)
    values: dict[str, Any] = {
        "stride": 8,
        "channels": channels,
        "levels": levels,
        "context_bands": 1,
        "gain": rng.integers(-4096, 4097, (levels, channels)).astype(np.int16),
        "inverse_gain": np.zeros((levels, channels), np.int16),
        "slots": (probability, rng.integers(0, 128, size).astype(np.uint8)),
        "mixers": rng.integers(-(2**17), 2**17, 1024).astype(np.int32),
        "intra": rng.integers(-(2**17), 2**17, 3 * channels).astype(np.int32),
    }
    return pack.Network(**{**values, **state})


def core_model(network: pack.Network) -> _core.LatentModel:
    """The same for the core."""
    state = (*network.slots, network.mixers, network.intra)
    return _core.LatentModel(network.gain, *state, network.surroundings)


def plain_tile(tile: _core.BandTile) -> band.Tile:
    return band.Tile(tile.bands, tile.rows, tile.columns)


def plain_latents(symbols: Any) -> list[int]:
    """All latents in their order."""
    planes = symbols.latents
    planes = planes.values() if isinstance(planes, dict) else planes
    return [int(z) for plane in planes for z in plane.ravel()]


def check_equal(first: Content, checksum: int, second: Any) -> None:
    """What the core found is what the plain Python decoder found."""
    assert (first.step, first.network, checksum) == (second.step, second.network, second.checksum)
    assert (first.valid is None) == (second.valid is None)
    if first.valid is not None:
        np.testing.assert_array_equal(first.valid, second.valid)
    for name, values in first.symbols.items():
        if name != "latents":
            assert values.tolist() == getattr(second, name), name
    assert first.symbols["latents"].ravel().tolist() == plain_latents(second)
