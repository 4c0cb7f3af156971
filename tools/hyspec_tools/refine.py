"""hyspec-refine: train a refinement of decoded planes for a pack of the spectral profile."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from hyspec_tools.arguments import add_shared
from hyspec_tools.common import Parser, extra, program
from hyspec_tools.train import add_data, data_folder


def parser() -> argparse.ArgumentParser:
    """Arguments of the program."""
    result = Parser("hyspec-refine", description=__doc__)
    result.add_argument("config", type=Path, metavar="CONFIG.toml", help="recipe of the refinement")
    result.add_argument(
        "source", metavar="PACK", help="name of a shipped pack, or directory of one: to be copied"
    )
    result.add_argument(
        "out", type=Path, metavar="OUT", help="folder to write the pack with the refinement to"
    )
    add_data(result)
    result.add_argument(
        "--work",
        type=Path,
        help="folder for the checkpoint (default: runs/NAME-refinement)",
    )
    add_shared(result, "threads", "force", "quiet")
    return result


@program
def main(argv: Sequence[str] | None = None) -> int:
    """Run the program."""
    arguments = parser().parse_args(argv)
    with extra("train", "training"):
        from hyspec_training import refinement_config, refinement_packing
    data = data_folder(arguments.data)
    work = arguments.work or Path("runs") / f"{Path(arguments.source).name}-refinement"
    refinement_packing.run(
        refinement_config.load(arguments.config),
        arguments.source,
        data,
        work,
        arguments.out,
        cache_folder=arguments.cache,
        threads=arguments.threads,
        force=arguments.force,
        quiet=arguments.quiet,
    )
    print(arguments.out)
    return 0
