"""Packages that only some formats and analyses need."""

from __future__ import annotations

import importlib
from types import ModuleType

from hyspec.errors import MissingDependencyError


def require(module: str, purpose: str, *, extra: str = "formats") -> ModuleType:
    """Import a module of an optional package, which an extra of hyspec installs.

    Raises
    ------
    MissingDependencyError
        The package is not installed.
    """
    try:
        return importlib.import_module(module)
    except ImportError as error:
        package = module.partition(".")[0]
        raise MissingDependencyError(
            f"{purpose} needs {package}", hint=f"pip install 'hyspec[{extra}]'"
        ) from error
