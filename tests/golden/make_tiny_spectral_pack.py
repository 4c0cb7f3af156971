"""Makes the pack of the spectral profile that tests use: make_tiny_spectral_pack.py BAND OUT.

It holds the networks of the tiny pack BAND of the band profile, which take any plane. The finer one
gets surroundings and, because these change the contexts, adaptive models that are made up.

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

NETWORK = "high"
CHANNELS = 8


def surroundings() -> npt.NDArray[np.int16]:
    """A few channels before each one, in falling order; docs/band_profile.md, section 4.7."""
    found = np.zeros((CHANNELS, 15), np.int16)
    for c in range(CHANNELS):
        for k in range(5):
            found[c, k] = max(-1, c - 1 - k)
            found[c, 5 + k] = 60 - 10 * k
    found[:, 10:] = 100, 90, 25, 40, 20
    return found


def files() -> dict[str, npt.NDArray[Any]]:
    slots = 20224 + 640 * CHANNELS
    rng = np.random.default_rng(CHANNELS)
    return {
        "surroundings": surroundings().astype("<i2"),
        "probability": rng.integers(8192, 57344, slots).astype("<u2"),
        "count": rng.integers(0, 4, slots).astype("|u1"),
    }


def npy(values: npt.NDArray[Any]) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, values, allow_pickle=False)
    return buffer.getvalue()


def main(band: Path, out: Path) -> None:
    shutil.copytree(band, out)
    path = out / "manifest.json"
    manifest = json.loads(path.read_text("utf-8"))
    for name, values in files().items():
        data = npy(values)
        (out / NETWORK / f"{name}.npy").write_bytes(data)
        manifest["files"][f"{NETWORK}/{name}.npy"] = hashlib.sha256(data).hexdigest()
    manifest |= {"name": "tiny-spectral", "profile": "spectral"}
    manifest["files"] = dict(sorted(manifest["files"].items()))
    path.write_bytes((json.dumps(manifest, indent=1) + "\n").encode())


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
