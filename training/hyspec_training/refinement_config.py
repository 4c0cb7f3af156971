"""The recipe of a refinement: its sections."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from hyspec.errors import UsageError
from hyspec_training.config import ScenesConfig
from hyspec_training.limits import LIMITS
from hyspec_training.settings import read_text, section, tables


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
    text = read_text(path)
    found = tables(text, str(path))
    expected = {"data", "refinement"}
    if set(found) != expected:
        raise UsageError(
            f"{path}: found sections {sorted(found)}, expected {sorted(expected)}",
            hint="see training/configs/generic-spectral-refinement.toml",
        )
    return RefinementRecipe(
        section(ScenesConfig, found["data"], f"{path} [data]", LIMITS),
        section(RefinementConfig, found["refinement"], f"{path} [refinement]", LIMITS),
        text,
    )
