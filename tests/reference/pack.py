"""Packs read in plain Python, in the order of docs/pack_format.md."""

from __future__ import annotations

import hashlib
import io
import json
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
    surroundings: Array | None = None  # (channels, 15), of component planes


@dataclass
class Pack:
    """A pack, whatever its profile."""

    id: bytes
    profile: str
    models: list[list[Network]]


def load(folder: Path) -> Pack:
    """Sections 1 to 3."""
    raw = (folder / "manifest.json").read_bytes()
    manifest = json.loads(raw)
    assert (manifest["format"], manifest["format_version"]) == ("hyspec-pack", 2)
    files = {}
    for name, digest in manifest["files"].items():
        files[name] = (folder / name).read_bytes()
        assert hashlib.sha256(files[name]).hexdigest() == digest
    networks = {about["name"]: read_network(about, files) for about in manifest["networks"]}
    models = [[networks[name] for name in model["networks"]] for model in manifest["models"]]
    return Pack(hashlib.sha256(raw).digest(), manifest["profile"], models)


def read_network(about: dict[str, Any], files: dict[str, bytes]) -> Network:
    """Sections 4 to 6."""
    folder = about["name"]
    levels, channels = about["levels"], about["channels"]
    assert about["gains_per_octave"] == 256

    def array(name: str, dtype: str, *shape: int) -> Array:
        values = np.load(io.BytesIO(files[f"{folder}/{name}.npy"]), allow_pickle=False)
        assert values.dtype == np.dtype(dtype)
        assert values.shape == shape
        return np.asarray(values)

    surroundings = None
    if f"{folder}/surroundings.npy" in files:
        surroundings = array("surroundings", "<i2", channels, 15)
    slots = (16640 if surroundings is None else 20224) + 640 * channels
    return Network(
        stride=about["stride"],
        channels=channels,
        levels=levels,
        context_bands=about["context_bands"],
        gain=array("gain", "<i2", levels, channels),
        inverse_gain=array("inverse_gain", "<i2", levels, channels),
        slots=(array("probability", "<u2", slots), array("count", "|u1", slots)),
        mixers=array("mixers", "<i4", 1024),
        intra=array("intra", "<i4", 3 * channels),
        synthesis=files[f"{folder}/synthesis.onnx"],
        surroundings=surroundings,
    )
