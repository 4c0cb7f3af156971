"""Makes the pack that tests and golden streams use: python tests/golden/make_tiny_pack.py OUT.

Run once per pack format version; OUT/tiny is committed under tests/golden/packs and never
changed, because golden streams name it by its hash.
"""

import sys
import tempfile
from pathlib import Path

import numpy as np
import torch

from hyspec import synthetic
from hyspec_training import config, recipe


def main(out: Path) -> None:
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder)
        for seed in range(3):
            cube = synthetic.scene(96, 96, sensor="enmap", seed=seed).cube
            np.save(data / f"scene-{seed}.npy", cube.array)
        recipe.run(
            config.load(Path(__file__).with_name("tiny.toml")), data, data / "work", out, quiet=True
        )


if __name__ == "__main__":
    main(Path(sys.argv[1]))
