"""Settings of recipes: sections of a TOML file, read into dataclasses and checked one by one."""

from __future__ import annotations

import dataclasses
import math
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar, get_type_hints

from hyspec.errors import DataError, UsageError
from hyspec.intervals import SEED_STARTS
from hyspec.pack import SERVED_PROFILES

#: Models of a pack: one for all bands, or one for each interval that the codec tells apart.
MODEL_COUNTS = (1, len(SEED_STARTS) + 1)
#: Sides of training planes are multiples of this, which the strides of all networks divide.
PLANE_MULTIPLE = 16
KINDS = ("balle", "lapped", "wavelet")
SYNTHESES = ("plain", "heavy")
LOSSES = ("mse", "ms-ssim")
OPTIMISERS = ("adam", "adamw")
#: Beyond these the integer tables of a pack would be too many for its format.
MAX_FILTERS = 512
MAX_OCTAVES = 16

_T = TypeVar("_T")
_Limit = tuple[Callable[[Any], bool], str]
_TYPES = {int: "a whole number", float: "a number", str: "a text", bool: "true or false"}
_AT_LEAST_ONE: _Limit = (lambda v: v >= 1, "at least 1")
_NOT_NEGATIVE: _Limit = (lambda v: 0 <= v < math.inf, "0 or more")
_POSITIVE: _Limit = (lambda v: 0 < v < math.inf, "a positive number")
_SHARE: _Limit = (lambda v: 0 <= v <= 1, "0 to 1")


def _one_of(names: tuple[str, ...]) -> _Limit:
    return lambda v: v in names, f"one of {', '.join(names)}"


#: What a setting must be beyond its type.
_LIMITS: dict[str, _Limit] = {
    "profile": _one_of(SERVED_PROFILES),
    "models": (lambda v: len(v) in MODEL_COUNTS, f"{' or '.join(map(str, MODEL_COUNTS))} names"),
    "scenes": (bool, "at least one pattern"),
    "patch": (lambda v: v > 0 and v % PLANE_MULTIPLE == 0, f"a multiple of {PLANE_MULTIPLE}"),
    "band_mixing": _SHARE,
    "half_scale": _SHARE,
    "noise": _NOT_NEGATIVE,
    "kind": _one_of(KINDS),
    "filters": (lambda v: 1 <= v <= MAX_FILTERS, f"1 to {MAX_FILTERS}"),
    "octaves": (lambda v: 1 <= v <= MAX_OCTAVES, f"1 to {MAX_OCTAVES}"),
    "synthesis": _one_of(SYNTHESES),
    "lowest_quality": _NOT_NEGATIVE,
    "loss": _one_of(LOSSES),
    "steps": _AT_LEAST_ONE,
    "batch": _AT_LEAST_ONE,
    "learning_rate": _POSITIVE,
    "final_learning_rate": _NOT_NEGATIVE,
    "clip_norm": _POSITIVE,
    "width": (lambda v: 1 <= v <= MAX_FILTERS, f"1 to {MAX_FILTERS}"),
    "blocks": (lambda v: 0 <= v <= 6, "0 to 6"),  # more would reach too far for decoders
    "rate_slope": _POSITIVE,
    "finetune_steps": _NOT_NEGATIVE,
    "finetune_learning_rate": _POSITIVE,
    "finetune_own_share": _SHARE,
    "seed": (lambda v: 0 <= v <= 10**9, "0 to 1000000000"),
    "checkpoint_every": _AT_LEAST_ONE,
    "validate_every": _AT_LEAST_ONE,
    "optimiser": _one_of(OPTIMISERS),
    "weight_decay": _NOT_NEGATIVE,
}


def read_text(path: Path) -> str:
    """Read the text of a recipe.

    Raises
    ------
    DataError
        The file is missing, or is not text.
    """
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise DataError(f"cannot read the recipe {path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise DataError(f"{path} is not valid TOML: {error}") from error


def tables(text: str, where: str) -> dict[str, Any]:
    """Sections of the text of a recipe; ``where`` it is from begins the messages of errors.

    Raises
    ------
    DataError
        The text is not TOML.
    """
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise DataError(f"{where} is not valid TOML: {error}") from error


def section(cls: type[_T], values: object, where: str) -> _T:
    """Read a section into its dataclass; ``where`` it is begins the messages of errors.

    Raises
    ------
    UsageError
        A setting is unknown or missing, or has a value that makes no sense.
    """
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
