"""hyspec-train: train the networks of a recipe and write its packs, or list analysis models."""

from __future__ import annotations

import argparse
import dataclasses
import os
from collections.abc import Sequence
from pathlib import Path

from hyspec.errors import UsageError
from hyspec_tools.arguments import add_shared, positive
from hyspec_tools.common import Parser, extra, program
from hyspec_tools.models import listing

#: Bands and classes that models are listed for by default: Pavia University with unlabelled pixels.
_BANDS, _CLASSES = 103, 10


def parser() -> argparse.ArgumentParser:
    """Arguments of the program."""
    result = Parser("hyspec-train", description=__doc__)
    result.add_argument("config", type=Path, nargs="?", metavar="CONFIG.toml", help="the recipe")
    add_data(result)
    result.add_argument(
        "--work", type=Path, help="folder for checkpoints and curves (default: runs/NAME)"
    )
    result.add_argument("--out", type=Path, default=Path(), help="folder to write the packs to")
    result.add_argument(
        "--device",
        choices=("auto", "cpu", "cuda"),
        default="auto",
        help="where to train (default: a CUDA device if there is one)",
    )
    result.add_argument(
        "--list", action="store_true", help="list the analysis models in place of training"
    )
    for name, default in (("bands", _BANDS), ("classes", _CLASSES)):
        result.add_argument(
            f"--{name}",
            type=positive,
            metavar="N",
            help=f"of the models that are listed (default: {default})",
        )
    add_shared(result, "threads", "force", "quiet", "json")
    return result


def add_data(result: argparse.ArgumentParser) -> None:
    """Add the options that say where the scenes are."""
    result.add_argument(
        "--data",
        type=Path,
        metavar="DIR",
        help="folder that the scenes of the recipe are relative to (default: HYSPEC_DATA)",
    )
    result.add_argument(
        "--cache",
        type=Path,
        metavar="DIR",
        help="folder for copies of scenes that cannot be memory-mapped (default: WORK/cache)",
    )


def data_folder(given: Path | None) -> Path:
    """Return the folder that was given, or the one that the environment names.

    Raises
    ------
    UsageError
        Neither names one.
    """
    found = given or os.environ.get("HYSPEC_DATA")
    if not found:
        raise UsageError("no data folder was given", hint="use --data DIR or set HYSPEC_DATA")
    return Path(found)


def _check(arguments: argparse.Namespace) -> None:
    """Refuse what belongs to the other of training and listing."""
    if arguments.list and arguments.config is not None:
        raise UsageError("--list and a recipe; expected one of them")
    if arguments.list:
        return
    for name in ("json", "bands", "classes"):
        if getattr(arguments, name):
            raise UsageError(f"--{name} without --list", hint="it belongs to the list of models")
    if arguments.config is None:
        raise UsageError("no recipe was given", hint="see hyspec-train --help")


@program
def main(argv: Sequence[str] | None = None) -> int:
    """Run the program."""
    arguments = parser().parse_args(argv)
    _check(arguments)
    if arguments.list:
        with extra("train", "listing models"):
            from hyspec_training.analysis import registry
        bands, classes = arguments.bands or _BANDS, arguments.classes or _CLASSES
        found = [registry.describe(name, bands, classes) for name in registry.MODELS]
        print(listing([dataclasses.asdict(model) for model in found], json=arguments.json))
        return 0
    for path in _train(arguments):
        print(path)
    return 0


def _train(arguments: argparse.Namespace) -> list[Path]:
    """Run a recipe, of a pack of the codec or of an analysis model; return what was written."""
    with extra("train", "training"):
        from hyspec_training import config, recipe, settings
        from hyspec_training.analysis import config as analysis_config
        from hyspec_training.analysis import runs
    data = data_folder(arguments.data)
    text, where = settings.read_text(arguments.config), str(arguments.config)
    options = {name: getattr(arguments, name) for name in ("threads", "device", "force", "quiet")}
    if analysis_config.MARK in settings.tables(text, where):
        analysed = analysis_config.parse(text, where)
        work = arguments.work or Path("runs") / analysed.analysis.name
        return runs.run(analysed, data, work, arguments.out, say=print, **options)
    loaded = config.parse(text, where)
    work = arguments.work or Path("runs") / loaded.pack.name
    return recipe.run(loaded, data, work, arguments.out, cache_folder=arguments.cache, **options)


if __name__ == "__main__":  # torchrun -m hyspec_tools.train
    raise SystemExit(main())
