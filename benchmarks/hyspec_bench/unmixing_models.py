"""Unmixing networks and least squares: python -m hyspec_bench.unmixing_models RECIPE... --out DIR.

Trains what each recipe describes on each of several data sets and prints a Markdown table: for each
a row of fully constrained least squares with the true endmembers on the same test pixels, and a row
of the network, mean ± standard deviation over the runs. What is trained already in the folder is
not trained again. With ``--snr``, a second table has the aRMSE on test spectra with noise.
"""

from __future__ import annotations

import argparse
import dataclasses
import statistics
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from hyspec.analysis import abundance_metrics, fcls, local_sets
from hyspec.errors import DataError, HyspecError, UsageError
from hyspec_bench.table import Table
from hyspec_tools.arguments import positive
from hyspec_training.analysis import config, noise, preparation, runs, scenes
from hyspec_training.analysis.config import Recipe, SceneConfig
from hyspec_training.analysis.preparation import Prepared

#: Measures by their names in results, and in the table.
MEASURES = {
    "endmember_angle": "endmember angle",
    "a_rmse": "aRMSE",
    "overall_rmse": "overallRMSE",
    "class_rmse_sum": "class RMSE sum",
    "a_sam": "aSAM",
    "rms_aad": "rmsAAD",
    "r_rmse": "rRMSE",
    "r_sid_per_pixel": "rSID/pixel",
}
HEADER = ("scene", "method", "pixels tested", "leakage", *MEASURES.values(), "class RMSE")


def of_set(recipe: Recipe, name: str, number: int | None, epochs: int | None) -> Recipe:
    """Return a recipe for another data set, and maybe other numbers of runs and epochs.

    Raises
    ------
    UsageError
        The recipe is not one of unmixing.
    """
    if recipe.analysis.task != "unmixing":
        raise UsageError(f"{recipe.analysis.name} is a recipe of the task {recipe.analysis.task}")
    training = dataclasses.replace(
        recipe.training,
        runs=number or recipe.training.runs,
        epochs=epochs or recipe.training.epochs,
    )
    return dataclasses.replace(
        recipe,
        analysis=dataclasses.replace(recipe.analysis, name=f"{name}-{recipe.model.name}"),
        scenes=(SceneConfig(source=name),),
        training=training,
    )


def least_squares(prepared: Prepared) -> dict[str, Any]:
    """Errors of FCLS with the true endmembers on the test pixels of a run.

    Raises
    ------
    DataError
        The scene has no abundances and endmembers.
    """
    subject, mask = prepared.subjects[0], prepared.division.parts[0]["test"]
    scene = subject.scene
    if scene.abundances is None or scene.endmembers is None:
        raise DataError(f"{scene.name} has no abundances and endmembers")
    endmembers = scene.endmembers[:, subject.bands]
    spectra = subject.samples[mask] * scene.endmember_scale
    found = fcls(spectra, endmembers)
    errors = dataclasses.asdict(abundance_metrics.abundance_score(scene.abundances[mask], found))
    rebuilt = abundance_metrics.reconstruction_score(spectra, found, endmembers)
    return {**errors, **dataclasses.asdict(rebuilt)}


def row(name: str, method: str, prepared: Prepared, found: Sequence[dict[str, Any]]) -> list[str]:
    """Row of the table for what the test found in each run."""
    split = prepared.division.split
    texts = [
        spread([result[measure] for result in found]) if measure in found[0] else "-"
        for measure in MEASURES
    ]
    classes = np.mean([result["class_rmse"] for result in found], axis=0)
    leakage = "no truth seen" if split.test is split.train else f"{100 * split.leakage():.1f} %"
    pixels = str(np.count_nonzero(split.test))
    return [name, method, pixels, leakage, *texts, " / ".join(f"{v:.3f}" for v in classes)]


def spread(values: Sequence[float]) -> str:
    """Mean ± sample standard deviation."""
    deviation = f" ± {statistics.stdev(values):.4f}" if len(values) > 1 else ""
    return f"{statistics.fmean(values):.4f}{deviation}"


def measured(
    recipe: Recipe, name: str, options: argparse.Namespace, data: Path
) -> tuple[list[list[str]], list[str]]:
    """Train a recipe on a data set; return its rows of the table, and the row of noisy spectra."""
    work = options.out / recipe.analysis.name
    packs, quiet = options.out / "packs", not sys.stderr.isatty()
    runs.run(recipe, data, work, packs, threads=options.threads, force=True, quiet=quiet)
    subjects = scenes.load(recipe, data)
    prepared = [
        preparation.prepare(recipe, subjects, number, data)
        for number in range(recipe.training.runs)
    ]
    trained = [
        noise.judged(recipe, one, number, work, snrs=(None, *options.snr))
        for number, one in enumerate(prepared)
    ]
    known = [least_squares(one) for one in prepared[: None if recipe.split.varied else 1]]
    rows = [
        row(name, "FCLS, true endmembers", prepared[0], known),
        row(name, recipe.model.name, prepared[0], [scores[None] for scores in trained]),
    ]
    noisy = [spread([scores[snr]["a_rmse"] for scores in trained]) for snr in (None, *options.snr)]
    return rows, [name, recipe.model.name, *noisy]


def main(argv: Sequence[str] | None = None) -> int:
    """Print the tables."""
    program = argparse.ArgumentParser(
        "python -m hyspec_bench.unmixing_models",
        description="Unmixing networks beside least squares, as Markdown tables.",
    )
    program.add_argument("recipes", nargs="+", type=Path, metavar="RECIPE", help="TOML files")
    program.add_argument(
        "--sets", default="jasper-ridge", metavar="LIST", help="comma-separated data sets"
    )
    program.add_argument("--data", type=Path, metavar="DIR", help="default: HYSPEC_DATA")
    program.add_argument(
        "--out", type=Path, required=True, metavar="DIR", help="of what is trained"
    )
    program.add_argument("--runs", type=positive, metavar="N", help="in place of the recipes' own")
    program.add_argument("--epochs", type=positive, metavar="N", help="likewise")
    program.add_argument("--threads", type=positive, metavar="N", help="of PyTorch")
    program.add_argument(
        "--snr", type=float, nargs="*", default=[], metavar="DB", help="of noisy test spectra"
    )
    options = program.parse_args(argv)
    try:
        data = options.data or local_sets.folder()
        rows, noisy = [], []
        for name in options.sets.split(","):
            for path in options.recipes:
                recipe = of_set(config.load(path), name, options.runs, options.epochs)
                found, of_noise = measured(recipe, name, options, data)
                rows += found
                noisy.append(of_noise)
                print(" | ".join(found[-1]), file=sys.stderr)
    except HyspecError as error:
        print(f"error: {error}", file=sys.stderr)
        if error.hint:
            print(f"hint: {error.hint}", file=sys.stderr)
        return 1
    print(Table("", HEADER, rows).markdown())
    if options.snr:
        header = ("scene", "method", "aRMSE", *(f"{snr:g} dB" for snr in options.snr))
        print(Table("", header, noisy).markdown())
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
