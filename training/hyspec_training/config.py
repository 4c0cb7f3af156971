"""The recipe of a pack: a TOML file, read into dataclasses and checked."""

from __future__ import annotations

import dataclasses
import math
import tomllib
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar, get_type_hints

from hyspec.errors import DataError, UsageError
from hyspec.intervals import SEED_STARTS
from hyspec_training.balle import STRIDE

#: Models of a pack: one for all bands, or one for each interval that the codec tells apart.
MODEL_COUNTS = (1, len(SEED_STARTS) + 1)
#: Beyond these the integer tables of a pack would be too many for its format.
MAX_FILTERS = 512
MAX_OCTAVES = 16

_T = TypeVar("_T")
_TYPES = {int: "a whole number", float: "a number", str: "a text"}
_AT_LEAST_ONE: tuple[Callable[[Any], bool], str] = (lambda v: v >= 1, "at least 1")
_POSITIVE: tuple[Callable[[Any], bool], str] = (lambda v: 0 < v < math.inf, "a positive number")
#: What a setting must be beyond its type.
_LIMITS: dict[str, tuple[Callable[[Any], bool], str]] = {
    "models": (lambda v: len(v) in MODEL_COUNTS, f"{' or '.join(map(str, MODEL_COUNTS))} names"),
    "scenes": (bool, "at least one pattern"),
    "patch": (lambda v: v > 0 and v % STRIDE == 0, f"a positive multiple of {STRIDE}"),
    "filters": (lambda v: 1 <= v <= MAX_FILTERS, f"1 to {MAX_FILTERS}"),
    "octaves": (lambda v: 1 <= v <= MAX_OCTAVES, f"1 to {MAX_OCTAVES}"),
    "seed": (lambda v: 0 <= v <= 10**9, "0 to 1000000000"),
    "steps": _AT_LEAST_ONE,
    "batch": _AT_LEAST_ONE,
    "learning_rate": _POSITIVE,
    "final_learning_rate": (lambda v: 0 <= v < math.inf, "0 or more"),
    "clip_norm": _POSITIVE,
    "rate_slope": _POSITIVE,
    "finetune_steps": (lambda v: v >= 0, "0 or more"),
    "finetune_learning_rate": _POSITIVE,
    "finetune_own_share": (lambda v: 0 <= v <= 1, "0 to 1"),
    "checkpoint_every": _AT_LEAST_ONE,
    "validate_every": _AT_LEAST_ONE,
}


@dataclass(frozen=True)
class PackConfig:
    """What the pack, and the pack of the joint model where one is wanted, say of themselves.

    ``models`` names one model for all bands, or five: one for each AVIRIS interval, fine-tuned
    from the joint one.
    """

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
    """Optimisation: with the data and the network, all that decides the weights.

    Learning rates fall from their first to the final value along half a cosine. ``rate_slope``
    weighs distortion against rate, see :func:`hyspec_training.loss.rate_distortion`. Of the planes
    that a model is fine-tuned on, ``finetune_own_share`` comes from the bands of its own interval.
    """

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


def _section(cls: type[_T], values: object, where: str) -> _T:
    assert dataclasses.is_dataclass(cls)
    if not isinstance(values, dict):
        raise UsageError(f"{where} is {values!r}; expected a section of settings")
    known = {f.name: f for f in dataclasses.fields(cls)}
    hint = f"known settings: {', '.join(known)}"
    for key in values:
        if key not in known:
            raise UsageError(f"{where}: unknown setting {key!r}", hint=hint)
    for key, setting in known.items():
        if setting.default is dataclasses.MISSING and key not in values:
            raise UsageError(f"{where}: setting {key!r} is missing", hint=hint)
    types = get_type_hints(cls)
    return cls(**{key: _value(key, values[key], types[key], where) for key in values})


def _value(key: str, value: object, wanted: Any, where: str) -> object:
    """Return a value as its setting holds it: lists as tuples, whole numbers as floats."""
    if wanted is float and type(value) is int:
        value = float(value)
    if wanted in _TYPES:
        good, expected = type(value) is wanted, _TYPES[wanted]
    else:
        good = isinstance(value, list) and all(isinstance(v, str) for v in value)
        expected = "a list of texts"
    if good and key in _LIMITS:
        accepts, expected = _LIMITS[key]
        good = accepts(value)
    if not good:
        raise UsageError(f"{where} {key} is {value!r}; expected {expected}")
    return tuple(value) if isinstance(value, list) else value


def _check(config: Config, where: Path) -> None:
    """Refuse combinations that would fail, or mean nothing, hours later."""
    pack, training = config.pack, config.training
    for key, name in (("name", pack.name), ("joint_name", pack.joint_name or pack.name)):
        if not _is_plain(name):
            raise UsageError(f"{where} [pack] {key} is {name!r}; expected a plain name")
    if pack.joint_name == pack.name:
        raise UsageError(f"{where} [pack] joint_name is that of the pack itself, {pack.name!r}")
    if len(pack.models) > 1 and training.finetune_steps < 1:
        raise UsageError(
            f"{where} [training] finetune_steps is {training.finetune_steps}; expected at least 1, "
            f"as there are {len(pack.models)} models"
        )


def _is_plain(name: str) -> bool:
    """Whether a name can be that of a folder and stand in a stream's header."""
    fits = 1 <= len(name.encode()) <= 255 and name not in (".", "..")
    return fits and name.isprintable() and not set(name) & set("/\\")


def load(path: Path) -> Config:
    """Read a recipe.

    Raises
    ------
    DataError
        The file is missing or is not TOML.
    UsageError
        A section or setting is unknown or missing, or has a value that makes no sense.
    """
    try:
        text = path.read_text(encoding="utf-8")
        raw = tomllib.loads(text)
    except OSError as error:
        raise DataError(f"cannot read the recipe {path}: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
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
    config = Config(
        **{name: _section(cls, raw[name], f"{path} [{name}]") for name, cls in sections.items()},
        text=text,
    )
    _check(config, path)
    return config
