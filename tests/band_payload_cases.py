"""Payloads of the band profile: networks, symbols, and their way to bytes and back."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from hyspec import _core

Int32Array = npt.NDArray[np.int32]

LOWEST, HIGHEST = -(2**31), 2**31 - 1
MAX_SCALE = 577
int32s = st.integers(LOWEST, HIGHEST)
extremes = st.sampled_from([LOWEST, LOWEST + 1, -1, 0, 1, HIGHEST - 1, HIGHEST])

# ---- networks

Networks = list[tuple[int, _core.LatentModel]]


def make_model(levels: int, channels: int) -> _core.LatentModel:
    gains = 8 * np.arange(levels)[:, None] + 50 * np.arange(channels)
    return _core.LatentModel.untrained(np.minimum(gains, 4096).astype(np.int16))


#: A coarse network and a finer one of other channels and levels.
NETWORKS: Networks = [(16, make_model(8, 3)), (4, make_model(40, 2))]


@st.composite
def networks(draw: st.DrawFn) -> Networks:
    return [
        (
            draw(st.sampled_from([1, 3, 16])),
            make_model(draw(st.integers(1, 9)), draw(st.integers(1, 3))),
        )
        for _ in range(draw(st.integers(1, 3)))
    ]


# ---- symbols


@dataclass
class Content:
    """A tile and what its payload says."""

    tile: _core.BandTile
    step: int
    network: int
    valid: npt.NDArray[np.uint8] | None
    scale: Int32Array
    mean: Int32Array
    latents: Int32Array

    @property
    def present(self) -> npt.NDArray[np.bool_]:
        if self.valid is None:
            return np.ones(self.tile.bands, np.bool_)
        return np.asarray(self.valid.any(axis=(1, 2)))


def plain_level(scale: int, step: int, levels: int) -> int:
    """Section 3.3 of docs/band_profile.md."""
    q = 2 * (scale - 65) - step
    return -1 if scale == 0 or q < 0 else min(q, levels - 1)


def positions(tile: _core.BandTile, stride: int) -> int:
    """Section 1.2 of docs/band_profile.md."""
    return -(-tile.rows // stride) * -(-tile.columns // stride)


@st.composite
def contents(draw: st.DrawFn, networks: Networks) -> Content:
    bands, rows, columns = draw(st.integers(1, 5)), draw(st.integers(1, 9)), draw(st.integers(1, 9))
    tile = _core.BandTile(bands, rows, columns)
    network = draw(st.integers(0, len(networks) - 1))
    stride, model = networks[network]
    step = draw(st.integers(_core.MIN_STEP, _core.MAX_STEP) | st.integers(-200, 200))
    masks = hnp.arrays(np.uint8, (bands, rows, columns), elements=st.integers(0, 1))
    valid = draw(st.none() | masks)
    if valid is not None and draw(st.booleans()):
        valid[draw(st.integers(0, bands - 1))] = 0
    scales = st.just(0) | st.integers(0, MAX_SCALE) | st.sampled_from([1, 65, MAX_SCALE])
    scale = np.array([draw(scales) for _ in range(bands)], np.int32)
    mean = np.array([draw(int32s | extremes) for _ in range(bands)], np.int32)
    if valid is not None:
        scale[~valid.any(axis=(1, 2))] = 0
        mean[~valid.any(axis=(1, 2))] = 0
    active = sum(plain_level(s, step, model.levels) >= 0 for s in scale.tolist())
    shape = (active, model.channels, positions(tile, stride))
    values = st.integers(-9, 9) | extremes | int32s
    latents = draw(hnp.arrays(np.int32, shape, elements=values, fill=st.integers(-2, 2)))
    return Content(tile, step, network, valid, scale, mean, latents)


def write(networks: Networks, c: Content) -> tuple[bytes, int]:
    payload, crc, latents = _core.encode_band_payload(
        networks, c.tile, c.step, c.network, c.valid, c.scale, c.mean, c.latents
    )
    np.testing.assert_array_equal(latents, c.latents)
    return payload, crc


def check_round_trip(networks: Networks, c: Content) -> None:
    payload, crc = write(networks, c)
    step, network, valid, scale, mean, latents, found = _core.decode_band_payload(
        networks, c.tile, payload
    )
    assert (step, network, found) == (c.step, c.network, crc)
    if c.valid is None:
        assert valid is None
    else:
        np.testing.assert_array_equal(valid, c.valid)
    np.testing.assert_array_equal(scale, c.scale)
    np.testing.assert_array_equal(mean, c.mean)
    np.testing.assert_array_equal(latents, c.latents)
    covered = [c.scale[c.present], c.mean[c.present], c.latents.ravel()]
    assert crc == _core.crc32c_symbols(np.concatenate(covered))


def simple(**changes: Any) -> Content:
    """Two active bands and one constant one, 2 x 3 positions."""
    values: dict[str, Any] = {
        "tile": _core.BandTile(3, 20, 40),
        "step": 90,
        "network": 0,
        "valid": None,
        "scale": np.array([110, 0, 112], np.int32),
        "mean": np.array([5, 6, 7], np.int32),
        "latents": np.arange(36, dtype=np.int32).reshape(2, 3, 6) - 18,
    }
    return Content(**{**values, **changes})
