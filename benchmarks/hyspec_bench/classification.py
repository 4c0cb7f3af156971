"""Classifiers beside each other: python -m hyspec_bench.classification RECIPE.toml... --out DIR.

Trains what each recipe describes on each of several data sets, all on the same splits, and prints
a Markdown table: one row per data set and recipe, mean ± standard deviation over the runs of what
the test found, in per cent, and the largest share of test patches that hold a training pixel. What
is trained already in the folder is not trained again.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from hyspec.analysis import local_sets
from hyspec.errors import HyspecError, UsageError
from hyspec_bench.table import Table
from hyspec_tools.arguments import positive
from hyspec_training.analysis import config, runs
from hyspec_training.analysis.config import Recipe, SceneConfig

HEADER = ("data set", "model", "OA", "AA", "kappa", "pixels tested", "leakage")
_MEASURES = ("overall_accuracy", "average_accuracy", "kappa")
#: What is learned of a data set whose scenes have no labels.
_DOMINANT = ("jasper-ridge", "samson", "moffett")


def of_set(recipe: Recipe, name: str, runs: int | None, seed: int | None) -> Recipe:
    """Return a recipe for another data set, and maybe another number of runs or first seed.

    Raises
    ------
    UsageError
        The recipe is not one of classification.
    """
    if recipe.analysis.task != "classification":
        raise UsageError(f"{recipe.analysis.name} is a recipe of the task {recipe.analysis.task}")
    target = "dominant" if name in _DOMINANT else "labels"
    training = dataclasses.replace(recipe.training, runs=runs or recipe.training.runs)
    split = recipe.split
    if seed is not None:
        training = dataclasses.replace(training, seed=seed)
        split = dataclasses.replace(split, seed=seed)
    return dataclasses.replace(
        recipe,
        analysis=dataclasses.replace(
            recipe.analysis, name=f"{name}-{recipe.model.name}", target=target
        ),
        scenes=(SceneConfig(source=name),),
        split=split,
        training=training,
    )


def row(name: str, recipe: Recipe, results: dict[str, Any]) -> list[str]:
    """Row of the table for the results of a recipe on a data set."""
    measures = []
    for measure in _MEASURES:
        mean, deviation = results["test"][measure]
        measures.append(f"{100 * mean:.1f} ± {100 * deviation:.1f}")
    tested = [sum(map(sum, run["test"]["confusion"])) for run in results["runs"]]
    leakage = max(run["leakage"] for run in results["runs"])
    return [
        name,
        recipe.model.name,
        *measures,
        str(round(sum(tested) / len(tested))),
        f"{100 * leakage:.1f} %",
    ]


def main(argv: Sequence[str] | None = None) -> int:
    """Print the table."""
    program = argparse.ArgumentParser(
        "python -m hyspec_bench.classification",
        description="Classifiers beside each other, as a Markdown table.",
    )
    program.add_argument("recipes", nargs="+", type=Path, metavar="RECIPE", help="TOML files")
    program.add_argument(
        "--sets",
        default="jasper-ridge",
        metavar="LIST",
        help=f"comma-separated data sets, of {', '.join(local_sets.NAMES)}",
    )
    program.add_argument("--data", type=Path, metavar="DIR", help="default: HYSPEC_DATA")
    program.add_argument(
        "--out", type=Path, required=True, metavar="DIR", help="of what is trained"
    )
    program.add_argument("--runs", type=positive, metavar="N", help="in place of the recipes' own")
    program.add_argument("--seed", type=int, metavar="N", help="of the first run and its split")
    program.add_argument("--threads", type=positive, metavar="N", help="of PyTorch")
    options = program.parse_args(argv)
    try:
        data = options.data or local_sets.folder()
        rows = []
        for name in options.sets.split(","):
            for path in options.recipes:
                recipe = of_set(config.load(path), name, options.runs, options.seed)
                work = options.out / recipe.analysis.name
                written = runs.run(
                    recipe,
                    data,
                    work,
                    options.out / "packs",
                    threads=options.threads,
                    force=True,
                    quiet=not sys.stderr.isatty(),
                )
                rows.append(row(name, recipe, json.loads(written[0].read_text("utf-8"))))
                print(" | ".join(rows[-1]), file=sys.stderr)
    except HyspecError as error:
        print(f"error: {error}", file=sys.stderr)
        if error.hint:
            print(f"hint: {error.hint}", file=sys.stderr)
        return 1
    print(Table("", HEADER, rows).markdown())
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
