"""A small scene with classes and abundances, and recipes to train analysis models on it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from hyspec import Cube
from hyspec.analysis import LabelledScene, local_sets
from hyspec_training.analysis import config, export, packing

ROWS, COLUMNS, BANDS, ENDMEMBERS = 30, 28, 12, 3

RECIPE = """
[analysis]
name = "pocket"
task = "classification"
target = "dominant"

[[scene]]
source = "jasper-ridge"

[split]
train = 0.4
validation = 0.2
patch = 3
candidates = 16

[model]
name = "hu"

[training]
epochs = 6
batch = 40
learning_rate = 1e-2
checkpoint_every = 2
"""


def scene(seed: int = 0) -> LabelledScene:
    """Mixtures of three spectra, one of which dominates in each of many small fields."""
    rng = np.random.default_rng(seed)
    endmembers = np.abs(np.cumsum(rng.normal(0, 0.2, (ENDMEMBERS, BANDS)), axis=1)) + 0.1
    tiles = rng.integers(ENDMEMBERS, size=(6, 7)).repeat(5, 0).repeat(4, 1)
    raw = rng.random((ROWS, COLUMNS, ENDMEMBERS)) * 0.5 + 2 * np.eye(ENDMEMBERS)[tiles]
    abundances = raw / raw.sum(axis=2, keepdims=True)
    noise = rng.normal(0, 0.01, (ROWS, COLUMNS, BANDS))
    cube = Cube(
        ((abundances @ endmembers + noise) * 1000).astype(np.float32),
        wavelengths=np.linspace(450.0, 2300.0, BANDS),
        wavelength_unit="Nanometers",
    )
    return LabelledScene(
        "field", cube, abundances=abundances, endmembers=endmembers, endmember_scale=1e-3
    )


def recipe(*changes: tuple[str, str]) -> config.Recipe:
    """The recipe with parts of its text replaced."""
    text = RECIPE
    for old, new in changes:
        assert old in text, old
        text = text.replace(old, new)
    return config.parse(text, "recipe.toml")


@pytest.fixture
def no_export(monkeypatch: pytest.MonkeyPatch) -> None:
    """Write packs of the right names without graphs, which take long to make."""
    graphs = lambda model: dict.fromkeys(export.parts(model), b"graph")  # noqa: E731
    monkeypatch.setattr(packing, "export_model", graphs)


@pytest.fixture
def known_scene(monkeypatch: pytest.MonkeyPatch) -> Path:
    """Stand in for the data set of the recipe; returns a folder of scenes that is not read."""
    monkeypatch.setattr(local_sets, "load", lambda *_, **__: [scene()])
    return Path("nowhere")
