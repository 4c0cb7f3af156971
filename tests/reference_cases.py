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
from payload_cases import Array, Content, Model
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


def sizes_of_state(channels: int, planes: bool) -> tuple[int, int, int]:
    """Slots and weights in a pack; docs/pack_format.md, section 6."""
    if planes:
        return 54592 + 736 * channels, 2400 + 50 * channels, 3
    return 16640 + 640 * channels, 1024, 3 * channels


def any_network(
    rng: np.random.Generator,
    channels: int,
    surroundings: Array | None = None,
    *,
    extreme: bool = False,
) -> pack.Network:
    """Gains that are far apart, and any state, or one at the limits of the format."""
    levels = 6
    slots, mixers, intra = sizes_of_state(channels, surroundings is not None)
    if extreme:
        probability = rng.choice([0, 1, 32768, 65534, 65535], slots)
        weights = rng.choice([-(2**24), 0, 2**24], mixers)
        within = rng.choice([-(2**20), 2**20], intra)
    else:
        probability = rng.integers(0, 65536, slots)
        weights, within = (rng.integers(-(2**17), 2**17, size) for size in (mixers, intra))
    return pack.Network(
        stride=8,
        channels=channels,
        levels=levels,
        context_bands=1,
        gain=rng.integers(-4096, 4097, (levels, channels)).astype(np.int16),
        inverse_gain=np.zeros((levels, channels), np.int16),
        slots=(probability.astype(np.uint16), rng.integers(0, 128, slots).astype(np.uint8)),
        mixers=weights.astype(np.int32),
        intra=within.astype(np.int32),
        surroundings=surroundings,
    )


def untrained_planes(gain: Array, surroundings: Array) -> pack.Network:
    """A network of component planes that has seen nothing."""
    levels, channels = gain.shape
    slots, mixers, intra = sizes_of_state(channels, planes=True)
    return pack.Network(
        stride=8,
        channels=channels,
        levels=levels,
        context_bands=1,
        gain=gain,
        inverse_gain=np.zeros_like(gain),
        slots=(np.full(slots, 32768, np.uint16), np.zeros(slots, np.uint8)),
        mixers=np.full(mixers, 19661, np.int32),
        intra=np.zeros(intra, np.int32),
        surroundings=surroundings,
    )


def core_model(network: pack.Network) -> Model:
    """The same for the core."""
    state = (*network.slots, network.mixers, network.intra)
    if network.surroundings is None:
        return _core.LatentModel(network.gain, *state)
    return _core.PlaneModel(network.gain, *state, network.surroundings)


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
    plain = {**vars(second), "latents": plain_latents(second)}
    if isinstance(second, spectral.Symbols):
        own = spectral.Basis([], [], [], [], []) if second.back else second.basis
        rows = (row for group in own.leading for row in group)
        plain |= {**vars(own), "leading": [number for row in rows for number in row]}
    for name, values in first.symbols.items():
        found = np.asarray(values)
        assert (found.ravel() if name == "latents" else found).tolist() == plain[name], name


def plain_carrier(shared: _core.SharedBasis | None) -> spectral.Symbols | None:
    """Symbols of a carrier, as far as others need them."""
    if shared is None:
        return None
    rest, leading = shared.basis.leading.tolist(), []
    sizes, counts = shared.basis.sizes.tolist(), shared.basis.counts.tolist()
    for size, count in zip(sizes, counts, strict=True):
        leading.append([rest[k * size : (k + 1) * size] for k in range(count)])
        rest = rest[count * size :]
    bands = np.flatnonzero(shared.varies).tolist()
    entries = shared.basis.entries.tolist()
    basis = spectral.Basis(bands, sizes, counts, leading, entries)
    return spectral.Symbols(0, 0, 0, None, [], 0, [], basis, [], False, [], [], 0)
