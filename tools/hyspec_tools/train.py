"""hyspec-train: train the models of a recipe and write its packs."""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence
from pathlib import Path

from hyspec.errors import MissingDependencyError, UsageError
from hyspec_tools.arguments import add_shared
from hyspec_tools.common import Parser, program


def parser() -> argparse.ArgumentParser:
    """Arguments of the program."""
    result = Parser("hyspec-train", description=__doc__)
    result.add_argument("config", type=Path, metavar="CONFIG.toml", help="the recipe")
    result.add_argument(
        "--data",
        type=Path,
        help="folder that the scenes of the recipe are relative to (default: HYSPEC_DATA)",
    )
    result.add_argument(
        "--work", type=Path, help="folder for checkpoints (default: runs/NAME of the pack)"
    )
    result.add_argument("--out", type=Path, default=Path(), help="folder to write the packs to")
    add_shared(result, "threads", "force", "quiet")
    return result


@program
def main(argv: Sequence[str] | None = None) -> int:
    """Run the program."""
    arguments = parser().parse_args(argv)
    try:
        from hyspec_training import config, recipe
    except ImportError as error:
        raise MissingDependencyError(
            f"training needs {error.name}", hint="pip install 'hyspec[train]'"
        ) from error
    data = arguments.data or os.environ.get("HYSPEC_DATA")
    if not data:
        raise UsageError("no data folder was given", hint="use --data DIR or set HYSPEC_DATA")
    loaded = config.load(arguments.config)
    work = arguments.work or Path("runs") / loaded.pack.name
    written = recipe.run(
        loaded,
        Path(data),
        work,
        arguments.out,
        threads=arguments.threads,
        force=arguments.force,
        quiet=arguments.quiet,
    )
    for path in written:
        print(path)
    return 0
