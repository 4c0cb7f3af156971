"""Contents of payloads of each profile: networks, symbols, and their way to bytes and back."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from typing import Any, ClassVar, Self

import numpy as np
import numpy.typing as npt
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from hyspec import _core

Array = npt.NDArray[Any]
Int32Array = npt.NDArray[np.int32]
Uint8Array = npt.NDArray[np.uint8]

LOWEST, HIGHEST = -(2**31), 2**31 - 1
MAX_SCALE = 577
int32s = st.integers(LOWEST, HIGHEST)
extremes = st.sampled_from([LOWEST, LOWEST + 1, -1, 0, 1, HIGHEST - 1, HIGHEST])
any_numbers = st.integers(-9, 9) | extremes | int32s

# ---- networks

Model = _core.LatentModel | _core.PlaneModel
Networks = Sequence[tuple[int, Model]]
#: Makes a model of so many levels and channels.
MakeModel = Callable[[int, int], Model]


def make_gains(levels: int, channels: int) -> npt.NDArray[np.int16]:
    gains = 8 * np.arange(levels)[:, None] + 50 * np.arange(channels)
    return np.minimum(gains, 4096).astype(np.int16)


def make_model(levels: int, channels: int) -> _core.LatentModel:
    """One of bands."""
    return _core.LatentModel.untrained(make_gains(levels, channels))


def two_networks(make: MakeModel) -> Networks:
    """A coarse network and a finer one of other channels and levels."""
    return [(16, make(8, 3)), (4, make(40, 2))]


#: Those of bands.
NETWORKS = two_networks(make_model)


@st.composite
def networks(draw: st.DrawFn, make: MakeModel) -> Networks:
    return [
        (draw(st.sampled_from([1, 3, 16])), make(draw(st.integers(1, 9)), draw(st.integers(1, 3))))
        for _ in range(draw(st.integers(1, 3)))
    ]


def positions(tile: _core.BandTile, stride: int) -> int:
    """Section 1.2 of docs/band_profile.md."""
    return -(-tile.rows // stride) * -(-tile.columns // stride)


# ---- contents


@dataclass
class Content(ABC):
    """A tile and what its payload says; the symbols of a profile follow in the core's order."""

    tile: _core.BandTile
    step: int
    network: int
    valid: Uint8Array | None

    #: Models and networks of bands, unless a profile has others.
    make_model: ClassVar[MakeModel] = staticmethod(make_model)
    networks: ClassVar[Networks] = NETWORKS
    #: What comes before the step, in a payload that needs no other.
    start: ClassVar[bytes] = b""
    encode: ClassVar[Callable[..., tuple[bytes, int, Int32Array]]]
    decode: ClassVar[Callable[..., tuple[Any, ...]]]

    @classmethod
    @abstractmethod
    def few_bands(cls) -> dict[str, Any]:
        """Of the simple content: a tile of 20 x 40 pixels and its symbols without the latents."""

    @staticmethod
    def latents_of(levels: Int32Array) -> Int32Array:
        """Latents of any small integers, as the simple content counts them."""
        return levels

    @classmethod
    def simple(cls, **changes: Any) -> Self:
        """A few bands, not all of which vary, and two sets of latents at 2 x 3 positions."""
        latents = cls.latents_of(np.arange(36, dtype=np.int32).reshape(2, 3, 6) - 18)
        start = {"step": 90, "network": 0, "valid": None, "latents": latents}
        return cls(**{**start, **cls.few_bands(), **changes})

    @classmethod
    @abstractmethod
    def constant(cls) -> Self:
        """The same bands without latents."""

    @classmethod
    def masked(cls) -> Self:
        """The simple content with a hole in all bands."""
        content = cls.simple()
        content.valid = np.ones((content.tile.bands, 20, 40), np.uint8)
        content.valid[:, 3:9, 7:12] = 0
        return content

    @abstractmethod
    def covered(self) -> list[Array]:
        """What the checksum of the symbols covers."""

    @property
    def present(self) -> npt.NDArray[np.bool_]:
        if self.valid is None:
            return np.ones(self.tile.bands, np.bool_)
        return np.asarray(self.valid.any(axis=(1, 2)))

    @property
    def symbols(self) -> dict[str, Array]:
        """By their names, in the order of the core."""
        common = {field.name for field in fields(Content)}
        return {name: value for name, value in vars(self).items() if name not in common}

    def write(self, networks: Networks) -> tuple[bytes, int]:
        """Payload and checksum of the symbols."""
        place = (self.tile, self.step, self.network, self.valid)
        payload, crc, latents = self.encode(networks, *place, *self.symbols.values())
        np.testing.assert_array_equal(latents, self.symbols["latents"])
        return payload, crc

    @classmethod
    def read(cls, networks: Networks, tile: _core.BandTile, payload: bytes) -> tuple[Self, int]:
        """Content and checksum of the symbols."""
        *content, crc = cls.decode(networks, tile, payload)
        return cls(tile, *content), crc

    def reread(self, networks: Networks, payload: bytes) -> tuple[Self, int]:
        """The content of another payload in this one's place."""
        return self.read(networks, self.tile, payload)

    def check_round_trip(self, networks: Networks) -> None:
        payload, crc = self.write(networks)
        found, read_crc = self.reread(networks, payload)
        assert (found.step, found.network, read_crc) == (self.step, self.network, crc)
        if self.valid is None:
            assert found.valid is None
        else:
            np.testing.assert_array_equal(found.valid, self.valid)
        for name, values in self.symbols.items():
            np.testing.assert_array_equal(found.symbols[name], values, name)
        covered = np.concatenate([values.ravel() for values in self.covered()])
        assert crc == _core.crc32c_symbols(covered.astype(np.int32))


# ---- any contents


@st.composite
def places(
    draw: st.DrawFn, networks: Networks, most_bands: int
) -> tuple[_core.BandTile, int, int, Uint8Array | None]:
    """Tile, step, network and masks."""
    bands, rows, columns = (draw(st.integers(1, most)) for most in (most_bands, 9, 9))
    step = draw(st.integers(_core.MIN_STEP, _core.MAX_STEP) | st.integers(-200, 200))
    network = draw(st.integers(0, len(networks) - 1))
    masks = hnp.arrays(np.uint8, (bands, rows, columns), elements=st.integers(0, 1))
    valid = draw(st.none() | masks)
    if valid is not None and draw(st.booleans()):
        valid[draw(st.integers(0, bands - 1))] = 0
    return _core.BandTile(bands, rows, columns), step, network, valid


def any_latents(
    planes: int, network: tuple[int, Model], tile: _core.BandTile
) -> st.SearchStrategy[Int32Array]:
    stride, model = network
    shape = (planes, model.channels, positions(tile, stride))
    return hnp.arrays(np.int32, shape, elements=any_numbers, fill=st.integers(-2, 2))
