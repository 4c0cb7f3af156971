"""hyspec-export: write a pack from the checkpoints of a training run."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from hyspec.errors import UsageError
from hyspec_tools.arguments import add_shared
from hyspec_tools.common import Parser, extra, program
from hyspec_tools.train import add_data, data_folder


def parser() -> argparse.ArgumentParser:
    """Arguments of the program."""
    result = Parser("hyspec-export", description=__doc__)
    result.add_argument(
        "checkpoints",
        type=Path,
        nargs="+",
        metavar="CHECKPOINT",
        help="work folder of hyspec-train, or checkpoints (.pt) of one run; without those of "
        "interval models the pack has one model for all bands",
    )
    result.add_argument("pack", type=Path, metavar="PACK", help="folder to write the pack to")
    add_data(result)
    result.add_argument("--name", help="name of the pack (default: that of the recipe)")
    result.add_argument(
        "--int8",
        action="store_true",
        help="also write analysis graphs in 8-bit integers, calibrated on the training scenes",
    )
    add_shared(result, "force", "quiet")
    return result


@program
def main(argv: Sequence[str] | None = None) -> int:
    """Run the program."""
    arguments = parser().parse_args(argv)
    with extra("train", "exporting"):
        from hyspec_training import packing
    data = data_folder(arguments.data)
    if arguments.pack.exists() and not arguments.force:
        raise UsageError(
            f"{arguments.pack} exists already", hint="choose another name or use --force"
        )
    checkpoints = packing.collect(arguments.checkpoints)
    recipe = packing.recipe_of(checkpoints, arguments.name)
    for each in checkpoints:
        if not (each.finished or arguments.quiet):
            print(f"note: {each.stage} has done {each.step} of {each.steps} steps", file=sys.stderr)
    first = arguments.checkpoints[0]
    work = first if first.is_dir() else first.parent
    scenes = packing.open_scenes(checkpoints[0].scenes, data, arguments.cache or work / "cache")
    packing.write(
        arguments.pack,
        recipe,
        checkpoints,
        scenes,
        int8=arguments.int8,
        force=arguments.force,
        quiet=arguments.quiet,
    )
    print(arguments.pack)
    return 0
