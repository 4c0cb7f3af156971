"""Packages that only some formats need."""

from __future__ import annotations

import importlib
from types import ModuleType

from hyspec.errors import MissingDependencyError


def require(module: str, purpose: str) -> ModuleType:
    """Import a module of an optional package.

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
            f"{purpose} needs {package}", hint="pip install 'hyspec[formats]'"
        ) from error
