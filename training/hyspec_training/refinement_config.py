"""The recipe of a refinement: a TOML file, read into dataclasses and checked."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from hyspec.errors import UsageError
from hyspec_training.config import section, toml_tables


@dataclass(frozen=True)
class ScenesConfig:
    """Scenes to train and validate on, as in the recipe of a pack."""

    scenes: tuple[str, ...]
    validation: tuple[str, ...]


@dataclass(frozen=True)
class RefinementConfig:
    """The network and its training.

    ``width`` and ``blocks`` are those of :class:`hyspec_training.refinement.Refinement`. Batches
    are of crops of planes with a side of ``patch`` samples. The learning rate falls along half a
    cosine.
    """

    steps: int
    width: int = 40
    blocks: int = 2
    patch: int = 64
    batch: int = 12
    learning_rate: float = 2e-3
    final_learning_rate: float = 1e-5
    clip_norm: float = 1.0
    seed: int = 1
    checkpoint_every: int = 500


@dataclass(frozen=True)
class RefinementRecipe:
    """The whole recipe; ``text`` is the file it was read from."""

    data: ScenesConfig
    refinement: RefinementConfig
    text: str = field(default="", repr=False)


def load(path: Path) -> RefinementRecipe:
    """Read a recipe.

    Raises
    ------
    DataError
        The file is missing or is not TOML.
    UsageError
        A section or setting is unknown or missing, or has a value that makes no sense.
    """
    text, tables = toml_tables(path)
    expected = {"data", "refinement"}
    if set(tables) != expected:
        raise UsageError(
            f"{path}: found sections {sorted(tables)}, expected {sorted(expected)}",
            hint="see training/configs/generic-spectral-refinement.toml",
        )
    return RefinementRecipe(
        section(ScenesConfig, tables["data"], f"{path} [data]"),
        section(RefinementConfig, tables["refinement"], f"{path} [refinement]"),
        text,
    )
