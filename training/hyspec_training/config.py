"""The recipe of a pack: a TOML file, read into dataclasses and checked."""

from __future__ import annotations

import dataclasses
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from hyspec.errors import DataError, UsageError

T = TypeVar("T")


@dataclass(frozen=True)
class PackConfig:
    """What the pack, and the pack of the joint model where one is wanted, say of themselves."""

    name: str
    description: str
    joint_name: str = ""
    joint_description: str = ""
    sensor: str = "any"
    licence: str = "Apache-2.0"
    models: tuple[str, ...] = ("any",)


@dataclass(frozen=True)
class DataConfig:
    """Scenes to train and validate on; paths are relative to the data folder.

    ``validation`` names whole scenes: they are never trained on.
    """

    scenes: tuple[str, ...]
    validation: tuple[str, ...]
    patch: int = 96


@dataclass(frozen=True)
class NetworkConfig:
    """Size of the network and its quality range, in octaves."""

    filters: int = 48
    octaves: int = 7


@dataclass(frozen=True)
class TrainingConfig:
    """Optimisation: all that decides the weights, given the data."""

    seed: int
    steps: int
    batch: int = 16
    learning_rate: float = 1e-3
    final_learning_rate: float = 1e-5
    clip_norm: float = 1.0
    rate_slope: float = 0.42
    finetune_steps: int = 0
    finetune_learning_rate: float = 3e-4
    finetune_own_share: float = 0.75
    checkpoint_every: int = 500
    validate_every: int = 1000


@dataclass(frozen=True)
class Config:
    """The whole recipe."""

    pack: PackConfig
    data: DataConfig
    network: NetworkConfig
    training: TrainingConfig
    text: str = field(default="", repr=False)

    def for_joint_model(self) -> Config:
        """The same recipe, as the pack of the joint model states it."""
        pack = dataclasses.replace(
            self.pack,
            name=self.pack.joint_name,
            description=self.pack.joint_description,
            sensor="any",
            models=("any",),
        )
        return dataclasses.replace(self, pack=pack)


def _section(cls: type[T], values: dict[str, Any], where: str) -> T:
    assert dataclasses.is_dataclass(cls)
    known = {f.name: f for f in dataclasses.fields(cls)}
    for key in values:
        if key not in known:
            raise UsageError(
                f"{where}: unknown setting {key!r}", hint=f"known settings: {', '.join(known)}"
            )
    values = {k: tuple(v) if isinstance(v, list) else v for k, v in values.items()}
    try:
        return cls(**values)
    except TypeError as error:
        raise UsageError(f"{where}: {error}") from None


def load(path: Path) -> Config:
    """Read a recipe.

    Raises
    ------
    DataError
        The file is missing or is not TOML.
    UsageError
        A section or setting is unknown, missing or malformed.
    """
    try:
        text = path.read_text(encoding="utf-8")
        raw = tomllib.loads(text)
    except OSError as error:
        raise DataError(f"cannot read the recipe {path}: {error.strerror}") from error
    except tomllib.TOMLDecodeError as error:
        raise DataError(f"{path} is not valid TOML: {error}") from error
    sections = {
        "pack": PackConfig,
        "data": DataConfig,
        "network": NetworkConfig,
        "training": TrainingConfig,
    }
    if set(raw) != set(sections):
        raise UsageError(
            f"{path}: found sections {sorted(raw)}, expected {sorted(sections)}",
            hint="see training/configs for complete recipes",
        )
    return Config(
        **{name: _section(cls, raw[name], f"{path} [{name}]") for name, cls in sections.items()},
        text=text,
    )
