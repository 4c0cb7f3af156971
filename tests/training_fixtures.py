"""A tiny recipe, scenes to run it on, and the pack that hyspec-train makes of them."""

from __future__ import annotations

import contextlib
import io
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from hyspec import synthetic
from hyspec_tools import train
from hyspec_training import checkpoint, config, packing

RECIPE = """
[pack]
name = "pocket"
description = "A tiny model"
sensor = "synthetic"
models = ["any"]

[data]
scenes = ["scene-*.npy"]
validation = ["scene-2.npy"]
patch = 32

[[network]]
name = "low"
filters = 4
octaves = 2
steps = 120
batch = 4
learning_rate = 1e-2
final_learning_rate = 1e-3

[training]
seed = 11
checkpoint_every = 50
validate_every = 60
"""

#: What makes it a recipe of the ``spectral`` profile, and short.
SPECTRAL = (
    ('models = ["any"]', 'models = ["any"]\nprofile = "spectral"'),
    ("filters = 4\noctaves = 2\nsteps = 120", 'kind = "wavelet"\noctaves = 3\nsteps = 12'),
    ("validate_every = 60", "validate_every = 6"),
)

#: Rows and columns of the scenes; the second one is smaller than a patch.
SIZES = ((64, 48), (40, 20), (35, 50))


@dataclass(frozen=True)
class Trained:
    """What one run of hyspec-train was given and what it left behind."""

    recipe: Path
    data: Path
    work: Path
    pack: Path
    exit_code: int
    output: str

    def network(self) -> Any:
        """The trained network, from the last checkpoint."""
        [settings] = config.load(self.recipe).networks
        return packing.restored(settings, checkpoint.load(self.work / "low.pt"))


def write_recipe(folder: Path, *changes: tuple[str, str]) -> Path:
    """Write the tiny recipe, with some texts in it replaced."""
    text = RECIPE
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    path = folder / "recipe.toml"
    path.write_text(text)
    return path


def write_scenes(folder: Path, grid: synthetic.SensorGrid) -> Path:
    """Write three small scenes and return their folder."""
    folder.mkdir(exist_ok=True)
    for seed, (rows, columns) in enumerate(SIZES):
        cube = synthetic.scene(rows, columns, sensor=grid, seed=seed).cube
        np.save(folder / f"scene-{seed}.npy", cube.array)
    return folder


def train_tiny(folder: Path, grid: synthetic.SensorGrid, *changes: tuple[str, str]) -> Trained:
    """Run hyspec-train on the tiny recipe, with some texts replaced, as a user would."""
    recipe = write_recipe(folder, *changes)
    data = write_scenes(folder / "data", grid)
    output = io.StringIO()
    with contextlib.redirect_stdout(output):
        arguments = [str(recipe), "--data", str(data), "--work", str(folder / "work")]
        arguments += ["--out", str(folder / "packs"), "--threads", "1", "--quiet"]
        exit_code = train.main(arguments)
    return Trained(
        recipe, data, folder / "work", folder / "packs" / "pocket", exit_code, output.getvalue()
    )
