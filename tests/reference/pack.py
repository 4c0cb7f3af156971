"""Packs read in plain Python, in the order of docs/pack_format.md."""

from __future__ import annotations

import functools
import hashlib
import io
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]


@dataclass
class Network:
    """What decoding needs of one network."""

    stride: int
    channels: int
    levels: int
    context_bands: int
    gain: Array  # (levels, channels), codes
    inverse_gain: Array  # (levels, channels), codes
    slots: tuple[Array, Array]  # probabilities and counts
    mixers: Array
    intra: Array
    synthesis: bytes = b""
    surroundings: Array | None = None  # (terms, 7), of component planes


@dataclass
class Pack:
    """A pack, whatever its profile."""

    id: bytes
    profile: str
    models: list[list[Network]]


@functools.cache
def load(folder: Path) -> Pack:
    """Sections 1 to 3."""
    raw = (folder / "manifest.json").read_bytes()
    manifest = json.loads(raw)
    assert (manifest["format"], manifest["format_version"]) == ("hyspec-pack", 2)
    files = {}
    for name, digest in manifest["files"].items():
        files[name] = (folder / name).read_bytes()
        assert hashlib.sha256(files[name]).hexdigest() == digest
    state = {"band": band_state, "spectral": plane_state}[manifest["profile"]]
    networks = {about["name"]: read_network(about, files, state) for about in manifest["networks"]}
    models = [[networks[name] for name in model["networks"]] for model in manifest["models"]]
    return Pack(hashlib.sha256(raw).digest(), manifest["profile"], models)


#: Reads an array: name, type, shape.
Read = Callable[..., Array]


def read_network(
    about: dict[str, Any],
    files: dict[str, bytes],
    state: Callable[[Read, int], dict[str, Any]],
) -> Network:
    """Sections 4 to 6."""
    folder = about["name"]
    levels, channels = about["levels"], about["channels"]
    assert about["gains_per_octave"] == 256

    def array(name: str, dtype: str, *shape: int) -> Array:
        values = np.load(io.BytesIO(files[f"{folder}/{name}.npy"]), allow_pickle=False)
        assert values.dtype == np.dtype(dtype)
        assert values.ndim == len(shape)
        for wanted, found in zip(shape, values.shape, strict=True):
            assert wanted in (ANY, found)
        return np.asarray(values)

    return Network(
        stride=about["stride"],
        channels=channels,
        levels=levels,
        context_bands=about["context_bands"],
        gain=array("gain", "<i2", levels, channels),
        inverse_gain=array("inverse_gain", "<i2", levels, channels),
        synthesis=files[f"{folder}/synthesis.onnx"],
        **state(array, channels),
    )


#: A length that the file states itself.
ANY = -1


def slots(array: Read, count: int) -> tuple[Array, Array]:
    return array("probability", "<u2", count), array("count", "|u1", count)


def band_state(array: Read, channels: int) -> dict[str, Any]:
    """Section 6.1."""
    return {
        "slots": slots(array, 16640 + 640 * channels),
        "mixers": array("mixers", "<i4", 1024),
        "intra": array("intra", "<i4", 3 * channels),
    }


def plane_state(array: Read, channels: int) -> dict[str, Any]:
    """Section 6.2."""
    return {
        "slots": slots(array, 54592 + 736 * channels),
        "mixers": array("mixers", "<i4", 2400 + 50 * channels),
        "intra": array("intra", "<i4", 3),
        "surroundings": array("surroundings", "<i2", ANY, 7),
    }
