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

from reference.range_decoder import Table

Array = npt.NDArray[Any]


@dataclass
class Model:
    """What decoding needs of one model."""

    tables: list[Table]
    ladder: Array  # (levels, channels)
    log2_inverse_gain: Array  # (levels, channels), float32
    synthesis: bytes


@dataclass
class Pack:
    """A pack of the band profile."""

    id: bytes
    stride: int
    channels: int
    levels: int
    rungs: int
    models: list[Model]


def load(folder: Path) -> Pack:
    """Sections 1 to 3."""
    raw = (folder / "manifest.json").read_bytes()
    manifest = json.loads(raw)
    assert (manifest["format"], manifest["format_version"]) == ("hyspec-pack", 1)
    assert (manifest["profile"], manifest["levels_per_octave"]) == ("band", 32)
    files = {}
    for name, digest in manifest["files"].items():
        files[name] = (folder / name).read_bytes()
        assert hashlib.sha256(files[name]).hexdigest() == digest
    pack = Pack(
        id=hashlib.sha256(raw).digest(),
        stride=manifest["stride"],
        channels=manifest["channels"],
        levels=manifest["levels"],
        rungs=manifest["rungs"],
        models=[],
    )
    for k in range(len(manifest["models"])):
        arrays = {
            name: np.load(io.BytesIO(files[f"model-{k}/{name}.npy"]), allow_pickle=False)
            for name in ("log2_inverse_gain", "freq", "start", "first", "ladder")
        }
        gains = [gain(arrays["log2_inverse_gain"], n, slope=-1) for n in range(pack.levels)]
        pack.models.append(
            Model(
                tables=read_tables(arrays["freq"], arrays["start"], arrays["first"]),
                ladder=arrays["ladder"],
                log2_inverse_gain=np.array(gains, np.float32),
                synthesis=files[f"model-{k}/synthesis.onnx"],
            )
        )
    return pack


def gain(knots: Array, level: int, *, slope: int) -> Array:
    """Section 5: logarithms of gains at one level, shape (channels,)."""
    octave = level / 32
    last = len(knots) - 1
    if octave >= last:
        return np.asarray(knots[last] + slope * (octave - last))
    j = int(octave)
    part = octave - j
    return np.asarray(knots[j].astype(float) * (1 - part) + knots[j + 1].astype(float) * part)


def read_tables(freq: Array, start: Array, first: Array) -> list[Table]:
    """Section 6."""
    assert start[0] == 0
    assert start[-1] == len(freq)
    return [
        Table(int(value), freq[begin:end].tolist())
        for value, begin, end in zip(first, start[:-1], start[1:], strict=True)
    ]
