"""Contents of payloads of the spectral profile."""

from __future__ import annotations

from dataclasses import dataclass
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


def encode_in_order(
    *arguments: Any,
) -> tuple[bytes, int, Int32Array]:
    """The encoder with its arguments in the order of the symbols."""
    *before, dependent, latents = arguments
    return _core.encode_spectral_payload(*before, latents, 0.0, dependent)


@dataclass
class SpectralContent(Content):
    """Latents of planes, which a basis makes bands of."""

    varies: Uint8Array
    mean: Int32Array
    scale: Int32Array
    basis: Int32Array
    dependent: bool
    latents: Int32Array

    make_model = staticmethod(make_plane_model)
    networks = NETWORKS
    encode = staticmethod(encode_in_order)
    decode = staticmethod(_core.decode_spectral_payload)

    @classmethod
    def few_bands(cls) -> dict[str, Any]:
        """Four bands, one of them constant, and two planes."""
        return {
            "tile": _core.BandTile(4, 20, 40),
            "varies": np.array([1, 0, 1, 1], np.uint8),
            "mean": np.array([5, 6, 7, -8], np.int32),
            "scale": np.array([112, 110], np.int32),
            "basis": np.array([[30, 20, -10], [1, -2, 2]], np.int32),
            "dependent": True,
        }

    @staticmethod
    def latents_of(levels: Int32Array) -> Int32Array:
        return half_steps(levels, dependent=True)

    @classmethod
    def constant(cls) -> Self:
        return cls.simple(**without_planes(4))

    def covered(self) -> list[Array]:
        present = self.present
        return [self.varies[present], self.mean[present], self.scale, self.basis, self.latents]


def without_planes(bands: int) -> dict[str, Any]:
    """Changes of ``SpectralContent.simple``: constant bands, in its network."""
    return {
        "varies": np.zeros(bands, np.uint8),
        "scale": np.zeros(0, np.int32),
        "basis": np.zeros((0, 0), np.int32),
        "latents": np.zeros((0, 3, 6), np.int32),
    }


@st.composite
def spectral_contents(draw: st.DrawFn, networks: Networks) -> SpectralContent:
    tile, step, network, valid = draw(places(networks, 7))
    varies = draw(hnp.arrays(np.uint8, tile.bands, elements=st.integers(0, 1)))
    mean = draw(hnp.arrays(np.int32, tile.bands, elements=int32s | extremes))
    if valid is not None:
        varies[~valid.any(axis=(1, 2))] = 0
        mean[~valid.any(axis=(1, 2))] = 0
    varying = int(varies.sum())
    planes = draw(st.integers(0, min(varying, tile.rows * tile.columns)))
    scales = st.integers(1, MAX_SCALE) | st.sampled_from([1, 65, MAX_SCALE])
    scale = draw(hnp.arrays(np.int32, planes, elements=scales))
    basis = draw(hnp.arrays(np.int32, (planes, varying), elements=any_numbers, fill=st.just(0)))
    dependent = draw(st.booleans())
    latents = half_steps(draw(any_latents(planes, networks[network], tile)), dependent)
    symbols = (varies, mean, scale, basis, dependent, latents)
    return SpectralContent(tile, step, network, valid, *symbols)
