"""Contents of payloads of the spectral profile."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Self

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from half_steps import half_steps
from hyspec import _core
from payload_cases import (
    MAX_SCALE,
    Array,
    Content,
    Int32Array,
    Networks,
    Uint8Array,
    any_latents,
    any_numbers,
    extremes,
    int32s,
    make_gains,
    places,
    two_networks,
)
from plane_cases import usual_terms


def make_plane_model(levels: int, channels: int) -> _core.PlaneModel:
    return _core.PlaneModel.untrained(make_gains(levels, channels), usual_terms(channels))


#: Those of component planes.
NETWORKS = two_networks(make_plane_model)


NONE = np.zeros(0, np.int32)


def one_level(entries: Int32Array) -> _core.SpectralBasis:
    """A basis without groups."""
    return _core.SpectralBasis(entries, NONE, NONE, NONE)


def neighbour(bands: int) -> _core.SharedBasis:
    """What a tile before may carry: all bands vary, and each has a row."""
    return _core.SharedBasis(np.ones(bands, np.uint8), one_level(np.eye(bands, dtype=np.int32)))


@dataclass
class SpectralContent(Content):
    """Latents of planes, which a basis makes bands of."""

    varies: Uint8Array
    mean: Int32Array
    entries: Int32Array
    scale: Int32Array
    dependent: bool
    latents: Int32Array
    sizes: Int32Array = field(default_factory=NONE.copy)
    counts: Int32Array = field(default_factory=NONE.copy)
    leading: Int32Array = field(default_factory=NONE.copy)
    back: int = 0
    shared: _core.SharedBasis | None = None
    fineness: int = 0

    make_model = staticmethod(make_plane_model)
    networks = NETWORKS
    start = b"\0"

    @property
    def own(self) -> _core.SpectralBasis:
        return _core.SpectralBasis(self.entries, self.sizes, self.counts, self.leading)

    @property
    def symbols(self) -> dict[str, Array]:
        return {name: value for name, value in super().symbols.items() if name != "shared"}

    def write_latents(
        self, networks: Networks, latents: Array, bit_value: float = 0.0
    ) -> tuple[bytes, int, Int32Array]:
        """Payload, checksum of the symbols, and what other latents were rounded to."""
        return _core.encode_spectral_payload(
            networks,
            self.tile,
            self.back,
            self.shared,
            self.step,
            self.network,
            self.valid,
            self.varies,
            self.mean,
            None if self.back else self.own,
            self.scale,
            latents,
            bit_value,
            self.dependent,
            None,
            self.fineness,
        )

    def write(self, networks: Networks) -> tuple[bytes, int]:
        payload, crc, latents = self.write_latents(networks, self.latents)
        np.testing.assert_array_equal(latents, self.latents)
        return payload, crc

    @classmethod
    def read(
        cls,
        networks: Networks,
        tile: _core.BandTile,
        payload: bytes,
        shared: _core.SharedBasis | None = None,
    ) -> tuple[Self, int]:
        """A payload that borrows a basis gets that of a neighbour, unless one is given."""
        if shared is None and _core.spectral_payload_back(payload):
            shared = neighbour(tile.bands)
        back, step, network, valid, varies, fineness, mean, basis, *others, crc = (
            _core.decode_spectral_payload(networks, tile, payload, shared)
        )
        tables = (basis.sizes, basis.counts, basis.leading)
        first = (tile, step, network, valid, varies, mean, basis.entries)
        return cls(*first, *others, *tables, back, shared, fineness), crc

    def reread(self, networks: Networks, payload: bytes) -> tuple[Self, int]:
        return self.read(networks, self.tile, payload, self.shared)

    @classmethod
    def few_bands(cls) -> dict[str, Any]:
        """Four bands, one of them constant, and two planes."""
        return {
            "tile": _core.BandTile(4, 20, 40),
            "varies": np.array([1, 0, 1, 1], np.uint8),
            "mean": np.array([5, 6, 7, -8], np.int32),
            "scale": np.array([112, 110], np.int32),
            "entries": np.array([[30, 20, -10], [1, -2, 2]], np.int32),
            "dependent": True,
        }

    @staticmethod
    def latents_of(levels: Int32Array) -> Int32Array:
        return half_steps(levels, dependent=True)

    @classmethod
    def constant(cls) -> Self:
        return cls.simple(**without_planes(4))

    @classmethod
    def grouped(cls, **changes: Any) -> Self:
        """Two groups, of which one has no component, and a row that no plane uses."""
        tables = {
            "sizes": np.array([2, 1], np.int32),
            "counts": np.array([2, 0], np.int32),
            "leading": np.array([3, 4, -4, 3], np.int32),
            "entries": np.array([[9, 1], [-1, 7]], np.int32),
            "scale": np.array([112], np.int32),
        }
        one = cls.latents_of(np.arange(18, dtype=np.int32).reshape(1, 3, 6) - 9)
        return cls.simple(**{**tables, "latents": one, **changes})

    @classmethod
    def borrowed(cls, **changes: Any) -> Self:
        """Three rows of a tile before, in which other bands vary."""
        entries = np.array([[5, 2, -1], [1, -2, 2], [0, 3, 1]], np.int32)
        shared = _core.SharedBasis(np.array([1, 1, 0, 1], np.uint8), one_level(entries))
        nothing = np.zeros((0, 0), np.int32)
        return cls.simple(**{"back": 1, "shared": shared, "entries": nothing, **changes})

    def covered(self) -> list[Array]:
        present = self.present
        parts: list[Array] = [self.varies[present], self.mean[present]]
        used = self.own
        if self.shared is not None:
            parts.append(self.shared.varies)
            used = self.shared.basis
        parts += [used.sizes, used.counts, used.leading, used.entries]
        return [*parts, self.scale, self.latents]


def without_planes(bands: int) -> dict[str, Any]:
    """Changes of ``SpectralContent.simple``: constant bands, in its network."""
    return {
        "varies": np.zeros(bands, np.uint8),
        "scale": np.zeros(0, np.int32),
        "entries": np.zeros((0, 0), np.int32),
        "latents": np.zeros((0, 3, 6), np.int32),
    }


@st.composite
def bases(draw: st.DrawFn, varying: int, pixels: int) -> _core.SpectralBasis:
    """Of one or two levels, for so many bands that vary."""
    sizes, counts, leading, width = NONE, NONE, NONE, varying
    if varying and draw(st.booleans()):
        cuts = draw(st.sets(st.integers(1, varying)))
        sizes = np.diff(sorted({0, varying, *cuts})).astype(np.int32)
        most = [min(size, pixels) for size in sizes.tolist()]
        counts = np.array([draw(st.integers(0, n)) for n in most], np.int32)
        leading = draw(hnp.arrays(np.int32, int(sizes @ counts), elements=any_numbers))
        width = int(counts.sum())
    rows = draw(st.integers(0, min(width, pixels)))
    numbers = hnp.arrays(np.int32, (rows, width), elements=any_numbers, fill=st.just(0))
    return _core.SpectralBasis(draw(numbers), sizes, counts, leading)


@st.composite
def spectral_contents(draw: st.DrawFn, networks: Networks) -> SpectralContent:
    tile, step, network, valid = draw(places(networks, 7))
    flags = hnp.arrays(np.uint8, tile.bands, elements=st.integers(0, 1))
    varies = draw(flags)
    mean = draw(hnp.arrays(np.int32, tile.bands, elements=int32s | extremes))
    if valid is not None:
        varies[~valid.any(axis=(1, 2))] = 0
        mean[~valid.any(axis=(1, 2))] = 0
    pixels = tile.rows * tile.columns
    back, shared = 0, None
    own = basis = draw(bases(int(varies.sum()), pixels))
    if draw(st.booleans()):
        back = draw(st.integers(1, 2**32 - 1) | st.sampled_from([1, 127, 128, 2**32 - 1]))
        there = draw(flags)
        basis = draw(bases(int(there.sum()), draw(st.integers(1, 99))))
        shared = _core.SharedBasis(there, basis)
        own = one_level(np.zeros((0, 0), np.int32))
    planes = draw(st.integers(0, min(len(basis.entries), pixels)))
    scales = st.integers(1, MAX_SCALE) | st.sampled_from([1, 65, MAX_SCALE])
    scale = draw(hnp.arrays(np.int32, planes, elements=scales))
    dependent = draw(st.booleans())
    latents = half_steps(draw(any_latents(planes, networks[network], tile)), dependent)
    symbols = (varies, mean, own.entries, scale, dependent, latents)
    tables = (own.sizes, own.counts, own.leading)
    fineness = draw(st.integers(0, 3))
    return SpectralContent(tile, step, network, valid, *symbols, *tables, back, shared, fineness)
