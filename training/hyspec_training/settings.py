"""Settings of recipes: sections of a TOML file, read into dataclasses and checked one by one."""

from __future__ import annotations

import dataclasses
import math
import tomllib
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

from hyspec.errors import DataError, UsageError

_T = TypeVar("_T")
#: What a value must be beyond its type: whether it is, and in words.
Limit = tuple[Callable[[Any], bool], str]
#: Limits by the names of settings.
Limits = Mapping[str, Limit]

AT_LEAST_ONE: Limit = (lambda v: v >= 1, "at least 1")
NOT_NEGATIVE: Limit = (lambda v: 0 <= v < math.inf, "0 or more")
POSITIVE: Limit = (lambda v: 0 < v < math.inf, "a positive number")
SHARE: Limit = (lambda v: 0 <= v <= 1, "0 to 1")
SEED: Limit = (lambda v: 0 <= v <= 10**9, "0 to 1000000000")

_TYPES: dict[Any, tuple[str, str]] = {
    int: ("a whole number", "whole numbers"),
    float: ("a number", "numbers"),
    str: ("a text", "texts"),
    bool: ("true or false", "true or false"),
}


def one_of(names: Iterable[str]) -> Limit:
    """Limit of texts: one of some names."""
    names = tuple(names)
    return lambda v: v in names, f"one of {', '.join(names)}"


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


def section(cls: type[_T], values: object, where: str, limits: Limits) -> _T:
    """Read a section into its dataclass; ``where`` it is begins the messages of errors.

    Settings are whole numbers, numbers, texts, true or false, lists of these, which become tuples,
    or tables of whatever, which stay dictionaries.

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
        missing = setting.default is setting.default_factory is dataclasses.MISSING
        if missing and key not in values:
            raise UsageError(f"{where}: setting {key!r} is missing", hint=hint)
    types = get_type_hints(cls)
    found = {}
    for key, value in values.items():
        held, good, expected = _typed(value, types[key])
        if good and key in limits:
            accepts, expected = limits[key]
            good = accepts(held)
        if not good:
            raise UsageError(f"{where} {key} is {value!r}; expected {expected}")
        found[key] = held
    return cls(**found)


def _typed(value: Any, wanted: Any) -> tuple[Any, bool, str]:
    """Return a value as its setting holds it, whether it is of the type, and the type in words."""
    if get_origin(wanted) is tuple:
        element = get_args(wanted)[0]
        expected = f"a list of {_TYPES[element][1]}"
        if not isinstance(value, list):
            return value, False, expected
        found = [_typed(v, element) for v in value]
        return tuple(v for v, _, _ in found), all(good for _, good, _ in found), expected
    if get_origin(wanted) is dict:
        return value, isinstance(value, dict), "a table of settings"
    if wanted is float and type(value) is int:
        value = float(value)
    return value, type(value) is wanted, _TYPES[wanted][0]
