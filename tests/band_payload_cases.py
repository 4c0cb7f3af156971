"""Contents of payloads of the band profile."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from hypothesis import strategies as st

from hyspec import _core
from payload_cases import (
    MAX_SCALE,
    Array,
    Content,
    Int32Array,
    Networks,
    any_latents,
    extremes,
    int32s,
    places,
)


@dataclass
class BandContent(Content):
    """Latents of all active bands."""

    scale: Int32Array
    mean: Int32Array
    latents: Int32Array

    encode = staticmethod(_core.encode_band_payload)
    decode = staticmethod(_core.decode_band_payload)

    @classmethod
    def few_bands(cls) -> dict[str, Any]:
        """Two active bands and one constant one."""
        return {
            "tile": _core.BandTile(3, 20, 40),
            "scale": np.array([110, 0, 112], np.int32),
            "mean": np.array([5, 6, 7], np.int32),
        }

    @classmethod
    def constant(cls) -> Self:
        return cls.simple(scale=np.zeros(3, np.int32), latents=np.zeros((0, 3, 6), np.int32))

    def covered(self) -> list[Array]:
        return [self.scale[self.present], self.mean[self.present], self.latents]


def plain_level(scale: int, step: int, levels: int) -> int:
    """Section 3.3 of docs/band_profile.md."""
    q = 2 * (scale - 65) - step
    return -1 if scale == 0 or q < 0 else min(q, levels - 1)


@st.composite
def band_contents(draw: st.DrawFn, networks: Networks) -> BandContent:
    tile, step, network, valid = draw(places(networks, 5))
    scales = st.just(0) | st.integers(0, MAX_SCALE) | st.sampled_from([1, 65, MAX_SCALE])
    scale = np.array([draw(scales) for _ in range(tile.bands)], np.int32)
    mean = np.array([draw(int32s | extremes) for _ in range(tile.bands)], np.int32)
    if valid is not None:
        scale[~valid.any(axis=(1, 2))] = 0
        mean[~valid.any(axis=(1, 2))] = 0
    levels = networks[network][1].levels
    active = sum(plain_level(s, step, levels) >= 0 for s in scale.tolist())
    latents = draw(any_latents(active, networks[network], tile))
    return BandContent(tile, step, network, valid, scale, mean, latents)
