"""Models without training, and latents to code with them."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from hyspec import _core

Int32Array = npt.NDArray[np.int32]
Float32Array = npt.NDArray[np.float32]
Latents = Int32Array | Float32Array

LOWEST, HIGHEST = -(2**31), 2**31 - 1
LEVELS = 64


def make_gains(channels: int) -> npt.NDArray[np.int16]:
    """A level is a 32nd of an octave, as in packs; channels differ by fractions of octaves."""
    codes = 8 * np.arange(LEVELS)[:, None] + 37 * np.arange(channels)
    return codes.astype(np.int16)


def untrained(channels: int) -> _core.LatentModel:
    return _core.LatentModel.untrained(make_gains(channels))


def unit_gain(channels: int) -> _core.LatentModel:
    """Latents are rounded as they are."""
    return _core.LatentModel.untrained(np.zeros((LEVELS, channels), np.int16))


@dataclass
class Coded:
    """A payload and what the encoder says of it."""

    payload: bytes
    checksum: int
    latents: Int32Array


def encode(
    model: _core.LatentModel,
    levels: Int32Array,
    latents: Latents,
    *,
    bit_value: float = 0.0,
) -> Coded:
    """Code latents (bands, channels, rows, columns) at even levels, and check the round trip."""
    bands, channels, rows, columns = latents.shape
    tile = _core.BandTile(bands, rows, columns)
    scale = (65 + levels // 2).astype(np.int32)
    assert _core.band_levels(scale, 0, model.levels).tolist() == levels.tolist()
    networks = [(1, model)]
    mean = np.zeros(bands, np.int32)
    flat = latents.reshape(bands, channels, -1)
    coded = Coded(
        *_core.encode_band_payload(networks, tile, 0, 0, None, scale, mean, flat, bit_value)
    )
    decoded = _core.decode_band_payload(networks, tile, coded.payload)
    np.testing.assert_array_equal(decoded[5], coded.latents)
    assert decoded[6] == coded.checksum
    coded.latents = coded.latents.reshape(latents.shape)
    return coded


def at_level(level: int, bands: int) -> Int32Array:
    return np.full(bands, level, np.int32)


def smooth(rng: np.random.Generator, shape: tuple[int, ...]) -> npt.NDArray[np.float64]:
    """Laplacian noise, averaged over neighbours along the last two axes."""
    noise = rng.laplace(0, 1, shape)
    return noise + np.roll(noise, 1, -1) + np.roll(noise, 1, -2)


def scene(seed: int, bands: int = 12, channels: int = 3, side: int = 24) -> Int32Array:
    """Latents of bands that resemble each other."""
    rng = np.random.default_rng(seed)
    base = 3 * smooth(rng, (1, channels, side, side))
    change = np.cumsum(0.3 * rng.normal(size=(bands, channels, side, side)), axis=0)
    return np.rint(base + change).astype(np.int32)


@st.composite
def chunks(draw: st.DrawFn) -> tuple[Int32Array, tuple[int, int, int, int]]:
    """Even levels of some bands, and the shape of their latents."""
    bands, channels = draw(st.integers(1, 8)), draw(st.integers(1, 4))
    levels = draw(hnp.arrays(np.int32, bands, elements=st.integers(0, LEVELS // 2 - 1)))
    return 2 * levels, (bands, channels, draw(st.integers(1, 6)), draw(st.integers(1, 6)))


EXTREMES = [-(2**31), 2**31 - 1, -(2**24), 2**20 + 3, -70000, 300, 100, 17, 16, 15, 1, 0, -1]


@st.composite
def latents(draw: st.DrawFn, shape: tuple[int, ...]) -> npt.NDArray[np.int32]:
    """Latents of several bands: silent, sparse, smooth, wide or extreme ones."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    kind = draw(st.sampled_from(["sparse", "similar", "wide", "extreme"]))
    if kind == "sparse":
        values = rng.integers(-2, 3, shape) * (rng.random(shape) < 0.1)
    elif kind == "similar":
        values = rng.integers(-40, 41, shape[1:]) + rng.integers(-1, 2, shape)
    elif kind == "wide":
        values = rng.laplace(0, 10.0 ** draw(st.integers(0, 5)), shape)
    else:
        values = rng.choice(EXTREMES, shape)
    silent = rng.random(shape[:2]) < draw(st.sampled_from([0.0, 0.5]))
    values = np.where(silent[:, :, None], 0, values)
    return np.rint(values).astype(np.int32)
