"""Models of component planes without training, and latents to code with them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from hypothesis import strategies as st

from half_steps import half_steps
from hyspec import _core
from latent_cases import Int32Array, Latents, make_gains

Int16Array = npt.NDArray[np.int16]

#: Planes are as large as this many times their grid, so that there may be many of them.
STRIDE = 16
#: Own latents that are decoded before: (down, across).
BEFORE = ((0, -1), (-1, -1), (-1, 0), (-1, 1))
#: Groups of terms; section 4.1 of docs/spectral_profile.md.
SAME, OTHER, PAST = range(3)


def as_terms(rows: Sequence[tuple[int, ...]]) -> Int16Array:
    """Surroundings of any number of terms."""
    return np.array(rows, np.int16).reshape(-1, 7)


def usual_terms(channels: int) -> Int16Array:
    """Of every channel: its neighbours, the channels before it, and the planes before."""
    rows: list[tuple[int, ...]] = []
    for c in range(channels):
        rows += [(c, SAME, 0, c, *place, 40) for place in BEFORE]
        rows += [(c, OTHER, 0, k, 0, 0, 60 // c) for k in range(c)]
        rows += [(c, PAST, 1, c, 0, 0, 40), (c, PAST, 2, channels - 1, 1, -1, 10)]
    return as_terms(rows)


def no_terms() -> Int16Array:
    return as_terms([])


@st.composite
def any_terms(draw: st.DrawFn, channels: int) -> Int16Array:
    """Terms of any kind, some of them at the ends of their ranges."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    most_weight = draw(st.sampled_from([40, 1024]))
    per_channel = draw(st.sampled_from([0, 3, 12, 32]))
    rows: list[tuple[int, ...]] = []
    for c in np.repeat(np.arange(channels), per_channel).tolist():
        age = int(rng.integers(0, 3))
        source = int(rng.integers(0, channels if age else c + 1))
        place = tuple(rng.integers(-1, 2, 2).tolist())
        if age == 0 and source == c:
            place = BEFORE[rng.integers(0, 4)]
        weight = int(rng.choice([1, most_weight, rng.integers(1, most_weight + 1)]))
        rows.append((c, int(rng.integers(0, 3)), age, source, *place, weight))
    order = rng.permutation(len(rows))
    return as_terms(rows)[order]


def untrained(channels: int, terms: Int16Array | None = None) -> _core.PlaneModel:
    """A model of these terms, or the usual ones."""
    terms = usual_terms(channels) if terms is None else terms
    return _core.PlaneModel.untrained(make_gains(channels), terms)


@dataclass(frozen=True)
class Coded:
    """A payload and what the encoder says of it."""

    payload: bytes
    checksum: int
    latents: Int32Array


def place_of(shape: tuple[int, ...]) -> _core.BandTile:
    """A tile for latents (planes, channels, rows, columns), with a band for each plane."""
    planes, _, rows, columns = shape
    return _core.BandTile(planes, STRIDE * rows, STRIDE * columns)


def encode(
    model: _core.PlaneModel,
    levels: Int32Array,
    latents: Latents,
    *,
    bit_value: float = 0.0,
    dependent: bool = False,
) -> Coded:
    """Code latents (planes, channels, rows, columns) at even levels, and check the round trip."""
    planes, channels, *_ = latents.shape
    none = np.zeros(0, np.int32)
    payload, checksum, found = _core.encode_spectral_payload(
        [(STRIDE, model)],
        place_of(latents.shape),
        0,
        None,
        0,
        0,
        None,
        np.ones(planes, np.uint8),
        np.zeros(planes, np.int32),
        _core.SpectralBasis(np.zeros((planes, planes), np.int32), none, none, none),
        (65 + levels // 2).astype(np.int32),
        latents.reshape(planes, channels, -1),
        bit_value,
        dependent,
    )
    decoded, crc = decode(model, payload, latents.shape)
    np.testing.assert_array_equal(decoded.ravel(), found.ravel())
    assert crc == checksum
    return Coded(payload, checksum, decoded)


def decode(
    model: _core.PlaneModel, payload: bytes, shape: tuple[int, ...]
) -> tuple[Int32Array, int]:
    """Latents and checksum."""
    *_, latents, crc = _core.decode_spectral_payload([(STRIDE, model)], place_of(shape), payload)
    return latents.reshape(shape), crc


def patchy(
    seed: int, planes: int = 8, channels: int = 3, side: int = 24, *, dependent: bool = False
) -> Int32Array:
    """Independent latents that are large in the same places in all planes and channels."""
    rng = np.random.default_rng(seed)
    rough = rng.normal(size=(side // 4 + 1, side // 4 + 1))
    size = np.exp2(2 * np.kron(rough, np.ones((4, 4)))[:side, :side])
    values: npt.NDArray[Any] = size * rng.laplace(0, 1, (planes, channels, side, side))
    return half_steps(np.rint(values), dependent)
