"""Makes the pack of the spectral profile that tests use: make_tiny_spectral_pack.py BAND OUT.

It holds the networks of the tiny pack BAND of the band profile, which take any plane. Their
surroundings are made up; their entropy models see a few chunks of noise that is large in the same
places of all planes, coded with quantisers that take turns.

Run once per pack format version; OUT is committed under tests/golden/packs and never changed,
because golden streams name it by its hash.
"""

from __future__ import annotations

import hashlib
import io
import json
import shutil
import sys
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from hyspec import _core

Array = npt.NDArray[Any]

#: Bits that a slot remembers of the training chunks.
MOST_COUNT = 12
#: Squared steps.
BIT_VALUE = 0.1


def surroundings(channels: int) -> Array:
    """Terms of all groups and ages; docs/spectral_profile.md, section 4.1."""
    rows: list[tuple[int, ...]] = []
    for c in range(channels):
        later = (c + 1) % channels
        rows += [(c, 0, 0, c, 0, -1, 60), (c, 0, 0, c, -1, 0, 55)]
        rows += [(c, 0, 0, c, -1, -1, 20), (c, 0, 0, c, -1, 1, 25)]
        rows += [(c, 1, 0, k, 0, 0, 70 - 20 * (c - k)) for k in range(max(0, c - 3), c)]
        rows += [(c, 1, 0, k, 1, 0, 15) for k in range(max(0, c - 1), c)]
        rows += [(c, 2, 1, c, 0, 0, 30), (c, 2, 1, later, 1, -1, 4), (c, 2, 2, c, 0, 1, 12)]
    return np.array(rows, "<i2")


def noise(seed: int, channels: int) -> Array:
    """Planes that fall off, in steps, shape (planes, channels, 16, 16)."""
    rng = np.random.default_rng(seed)
    rough = np.kron(rng.normal(size=(8, 8)), np.ones((2, 2)))
    octaves = (
        rough + 4 - np.arange(8)[:, None, None, None] - 0.3 * np.arange(channels)[:, None, None]
    )
    latents: Array = np.exp2(octaves) * rng.laplace(0, 1, (8, channels, 16, 16))
    latents[:, 0] += np.roll(latents[:, 0], 1, axis=-1)
    return latents


def quantised(model: _core.PlaneModel, gain: Array, planes: Array) -> Array:
    """Latents that an encoder makes of planes at level 0."""
    count, channels, *grid = planes.shape
    tile = _core.BandTile(count, *grid)
    varies, mean, scale = np.ones(count, np.uint8), np.zeros(count, "i4"), np.full(count, 65, "i4")
    none = np.zeros(0, np.int32)
    basis = _core.SpectralBasis(np.zeros((count, count), np.int32), none, none, none)
    real = (planes / np.exp2(gain[0] / 256)[:, None, None]).astype(np.float32)
    flat = real.reshape(count, channels, -1)
    found = _core.encode_spectral_payload(
        [(1, model)],
        tile,
        0,
        None,
        0,
        0,
        None,
        varies,
        mean,
        basis,
        scale,
        flat,
        BIT_VALUE,
        dependent=True,
    )
    return found[2].reshape(planes.shape)


def train(gain: Array, terms: Array) -> dict[str, Array]:
    """State after a few chunks; what they did not reach is varied at random."""
    channels = gain.shape[1]
    model = _core.PlaneModel.untrained(gain, terms)
    trainer = _core.PlaneTrainer(model, dependent=True)
    for seed in range(12):
        latents = quantised(model, gain, noise(seed, channels))
        trainer.learn(np.zeros(8, np.uint32), latents)
    probability, count, mixers, intra = trainer.state
    rng = np.random.default_rng(channels)
    varied = np.where(count == 0, rng.integers(8192, 57344, len(count)), probability)
    return {
        "probability": varied.astype("<u2"),
        "count": np.minimum(count, MOST_COUNT).astype("|u1"),
        "mixers": mixers.astype("<i4"),
        "intra": intra.astype("<i4"),
        "surroundings": terms,
    }


def npy(values: Array) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, values, allow_pickle=False)
    return buffer.getvalue()


def main(band: Path, out: Path) -> None:
    shutil.copytree(band, out)
    path = out / "manifest.json"
    manifest = json.loads(path.read_text("utf-8"))
    for network in manifest["networks"]:
        folder = network["name"]
        gain = np.load(band / folder / "gain.npy")
        for name, values in train(gain, surroundings(gain.shape[1])).items():
            data = npy(values)
            (out / folder / f"{name}.npy").write_bytes(data)
            manifest["files"][f"{folder}/{name}.npy"] = hashlib.sha256(data).hexdigest()
    manifest |= {"name": "tiny-spectral", "profile": "spectral"}
    manifest["files"] = dict(sorted(manifest["files"].items()))
    path.write_bytes((json.dumps(manifest, indent=1) + "\n").encode())


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
