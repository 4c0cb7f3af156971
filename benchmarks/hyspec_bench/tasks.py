"""Tasks: what a decoded scene is good for, as figures that users of the benchmark bring along.

A task is a function of a scene and of its decoded samples, such as the accuracy of a classifier
that was trained on other pixels, or the error of unmixed abundances. It is named on the command
line by module and function, ``package.module:function``, and its figures are kept under this name.
Those of `hyspec_bench.science` and `hyspec_bench.class_tasks` have short names.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping, Sequence

from hyspec.errors import UsageError
from hyspec_bench.codecs.codec import Samples
from hyspec_bench.scenes import Scene

#: A scene and its decoded samples, shape (rows, columns, bands), to a figure.
Task = Callable[[Scene, Samples], float]

#: Modules of functions by the short names that `load` takes.
_MODULES = {
    "science": ("rx_auc", "plain_rx_auc", "fcls_a_rmse", "vca_angle"),
    "class_tasks": ("oa", "aa", "oa_retrained", "aa_retrained"),
}
#: Functions by short names, which are those of `hyspec_bench.science` and `class_tasks`.
SHIPPED = {name: module for module, names in _MODULES.items() for name in names}


def load(names: Sequence[str]) -> Mapping[str, Task]:
    """Import tasks by their names.

    Raises
    ------
    UsageError
        A name is not of the form ``module:function``, or there is no such function.
    """
    tasks: dict[str, Task] = {}
    for name in names:
        full = f"hyspec_bench.{SHIPPED[name]}:{name}" if name in SHIPPED else name
        module, colon, function = full.partition(":")
        try:
            task = getattr(importlib.import_module(module), function) if colon else None
        except (ImportError, AttributeError) as error:
            raise UsageError(f"task {name!r}: {error}") from error
        if not callable(task):
            raise UsageError(
                f"task {name!r} is no function; expected module:function or one of "
                f"{', '.join(SHIPPED)}",
                hint="give the module as in an import statement; it must be installed, or lie in "
                "the current folder",
            )
        tasks[name] = task
    return tasks
