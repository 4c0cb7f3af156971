"""Payloads of the spectral profile: symbols, and their way to bytes and back."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from band_payload_cases import MAX_SCALE, Int32Array, Networks, extremes, int32s, positions
from hyspec import _core

MAX_PLANES = 65535


@dataclass
class Content:
    """A tile and what its payload says."""

    tile: _core.BandTile
    step: int
    network: int
    valid: npt.NDArray[np.uint8] | None
    varies: npt.NDArray[np.uint8]
    mean: Int32Array
    scale: Int32Array
    basis: Int32Array
    latents: Int32Array

    @property
    def present(self) -> npt.NDArray[np.bool_]:
        if self.valid is None:
            return np.ones(self.tile.bands, np.bool_)
        return np.asarray(self.valid.any(axis=(1, 2)))


def plain_level(scale: int, step: int, levels: int) -> int:
    """Section 3.3 of docs/spectral_profile.md."""
    return min(max(2 * (scale - 65) - step, 0), levels - 1)


@st.composite
def contents(draw: st.DrawFn, networks: Networks) -> Content:
    bands, rows, columns = draw(st.integers(1, 7)), draw(st.integers(1, 9)), draw(st.integers(1, 9))
    tile = _core.BandTile(bands, rows, columns)
    network = draw(st.integers(0, len(networks) - 1))
    stride, model = networks[network]
    step = draw(st.integers(_core.MIN_STEP, _core.MAX_STEP) | st.integers(-200, 200))
    masks = hnp.arrays(np.uint8, (bands, rows, columns), elements=st.integers(0, 1))
    valid = draw(st.none() | masks)
    if valid is not None and draw(st.booleans()):
        valid[draw(st.integers(0, bands - 1))] = 0
    varies = draw(hnp.arrays(np.uint8, bands, elements=st.integers(0, 1)))
    mean = draw(hnp.arrays(np.int32, bands, elements=int32s | extremes))
    if valid is not None:
        varies[~valid.any(axis=(1, 2))] = 0
        mean[~valid.any(axis=(1, 2))] = 0
    varying = int(varies.sum())
    planes = draw(st.integers(0, min(varying, rows * columns)))
    scales = st.integers(1, MAX_SCALE) | st.sampled_from([1, 65, MAX_SCALE])
    scale = draw(hnp.arrays(np.int32, planes, elements=scales))
    values = st.integers(-9, 9) | extremes | int32s
    basis = draw(hnp.arrays(np.int32, (planes, varying), elements=values, fill=st.just(0)))
    shape = (planes, model.channels, positions(tile, stride))
    latents = draw(hnp.arrays(np.int32, shape, elements=values, fill=st.integers(-2, 2)))
    return Content(tile, step, network, valid, varies, mean, scale, basis, latents)


def write(networks: Networks, c: Content) -> tuple[bytes, int]:
    payload, crc, latents = _core.encode_spectral_payload(
        networks,
        c.tile,
        c.step,
        c.network,
        c.valid,
        c.varies,
        c.mean,
        c.scale,
        c.basis,
        c.latents,
    )
    np.testing.assert_array_equal(latents, c.latents)
    return payload, crc


def read(networks: Networks, tile: _core.BandTile, payload: bytes) -> tuple[Content, int]:
    *content, crc = _core.decode_spectral_payload(networks, tile, payload)
    return Content(tile, *content), crc


def check_round_trip(networks: Networks, c: Content) -> None:
    payload, crc = write(networks, c)
    found, read_crc = read(networks, c.tile, payload)
    assert (found.step, found.network, read_crc) == (c.step, c.network, crc)
    if c.valid is None:
        assert found.valid is None
    else:
        np.testing.assert_array_equal(found.valid, c.valid)
    for name in ("varies", "mean", "scale", "basis", "latents"):
        np.testing.assert_array_equal(getattr(found, name), getattr(c, name), name)
    covered = [c.varies[c.present], c.mean[c.present], c.scale, c.basis.ravel(), c.latents.ravel()]
    assert crc == _core.crc32c_symbols(np.concatenate(covered).astype(np.int32))


def simple(**changes: Any) -> Content:
    """Four bands, one of them constant, and two planes of 2 x 3 positions."""
    values: dict[str, Any] = {
        "tile": _core.BandTile(4, 20, 40),
        "step": 90,
        "network": 0,
        "valid": None,
        "varies": np.array([1, 0, 1, 1], np.uint8),
        "mean": np.array([5, 6, 7, -8], np.int32),
        "scale": np.array([112, 110], np.int32),
        "basis": np.array([[30, 20, -10], [1, -2, 2]], np.int32),
        "latents": np.arange(36, dtype=np.int32).reshape(2, 3, 6) - 18,
    }
    return Content(**{**values, **changes})


def without_planes(bands: int) -> dict[str, Any]:
    """Changes of ``simple``: constant bands, in its network."""
    return {
        "varies": np.zeros(bands, np.uint8),
        "scale": np.zeros(0, np.int32),
        "basis": np.zeros((0, 0), np.int32),
        "latents": np.zeros((0, 3, 6), np.int32),
    }
