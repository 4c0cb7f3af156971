"""Classes of a compressed scene: python -m hyspec_bench.coded_classification SET RECIPE... --out D.

Encodes a scene with classes at several rates and prints a Markdown table: for each rate and recipe,
the overall accuracy in per cent, mean ± standard deviation over the runs, of a classifier

- trained on the original and tested on decoded samples;
- trained and tested on decoded samples;
- trained and tested on the stream's planes, without decoding samples (`stream_features`).

The splits are those of the recipe; all three see the same pixels. The first row of each recipe is
that of the original itself.
"""

from __future__ import annotations

import argparse
import dataclasses
import statistics
import sys
from collections.abc import Sequence
from pathlib import Path

import hyspec
from hyspec import Cube
from hyspec.analysis import LabelledScene, local_sets, stream_features
from hyspec.errors import DataError, HyspecError
from hyspec_bench.classification import of_set
from hyspec_bench.table import Table
from hyspec_tools.arguments import positive
from hyspec_training.analysis import config, preparation, runs, scenes
from hyspec_training.analysis.config import Recipe
from hyspec_training.analysis.fields import field_of

HEADER = ("model", "bits/sample", "original -> decoded", "decoded", "planes of the stream")
#: Features that planes are taken to.
FEATURES = 16
#: Bits per sample, and the scene of decoded samples and of planes.
Version = tuple[float, LabelledScene, LabelledScene]


def coded(scene: LabelledScene, rate: float) -> Version:
    """Encode a scene; return its bits per sample, and the scene of decoded samples and of planes.

    Parameters
    ----------
    scene
        A scene of integer samples or of floating-point ones.
    rate
        Wanted bits per sample.
    """
    cube = Cube(scene.cube.array)
    data = hyspec.encode(cube, bps=rate)
    with hyspec.Stream(data) as stream:
        decoded = stream.read().array
        found = stream_features.frame(stream, min(FEATURES, cube.bands))
        features = stream_features.features(stream, found)
    spent = 8 * len(data) / cube.array.size
    return (
        spent,
        dataclasses.replace(scene, cube=dataclasses.replace(scene.cube, array=decoded)),
        dataclasses.replace(scene, cube=Cube(features), endmembers=None),
    )


def rows(
    recipe: Recipe, scene: LabelledScene, versions: Sequence[Version], work: Path
) -> list[list[str]]:
    """Rows of a recipe; versions are what `coded` returns, one for each rate."""
    cells: dict[tuple[int, str], list[float]] = {}
    original = scenes.subject_of(scene, recipe.target)
    for number in range(recipe.training.runs):
        ready = preparation.prepare(recipe, [original], number, Path())
        [parts], [field] = ready.division.parts, ready.fields
        scaler = ready.scalers[field.bands]
        subjects = [
            [scenes.subject_of(version, recipe.target) for version in (decoded, planes)]
            for _, decoded, planes in versions
        ]
        others = {
            str(k): [field_of(decoded, parts, scaler, field.patch)]
            for k, (decoded, _) in enumerate(subjects)
        }
        at = work / f"{recipe.analysis.name}-{number}"
        found = runs.transfer(recipe, ready, number, at / "original", {"": [field], **others})
        for name, scores in found.items():
            key = (int(name or -1), "original")
            cells.setdefault(key, []).append(scores["overall_accuracy"])
        for k, pair in enumerate(subjects):
            for kind, subject in zip(("decoded", "planes"), pair, strict=True):
                again = preparation.prepare(recipe, [subject], number, Path())
                scores = runs.transfer(
                    recipe, again, number, at / f"{kind}-{k}", {"": again.fields}
                )[""]
                cells.setdefault((k, kind), []).append(scores["overall_accuracy"])
    of_original = _spread(cells[-1, "original"])
    result = [[recipe.model.name, "original", of_original, of_original, ""]]
    for k, version in enumerate(versions):
        kinds = [_spread(cells[k, kind]) for kind in ("original", "decoded", "planes")]
        result.append([recipe.model.name, f"{version[0]:.3f}", *kinds])
    return result


def _spread(values: Sequence[float]) -> str:
    deviation = statistics.stdev(values) if len(values) > 1 else 0.0
    return f"{100 * statistics.fmean(values):.1f} ± {100 * deviation:.1f}"


def main(argv: Sequence[str] | None = None) -> int:
    """Print the table."""
    program = argparse.ArgumentParser(
        "python -m hyspec_bench.coded_classification",
        description="Classes of a compressed scene, as a Markdown table.",
    )
    program.add_argument("set", metavar="SET", help="a data set of one scene")
    program.add_argument("recipes", nargs="+", type=Path, metavar="RECIPE", help="TOML files")
    program.add_argument("--rates", default="0.02,0.05,0.1,0.2,0.5", metavar="LIST")
    program.add_argument("--data", type=Path, metavar="DIR", help="default: HYSPEC_DATA")
    program.add_argument(
        "--out", type=Path, required=True, metavar="DIR", help="of all that is made"
    )
    program.add_argument("--runs", type=positive, metavar="N", help="in place of the recipes' own")
    options = program.parse_args(argv)
    try:
        found = local_sets.load(options.set, root=options.data or local_sets.folder())
        if len(found) != 1:
            raise DataError(f"{options.set} has {len(found)} scenes; expected one")
        versions = [coded(found[0], float(rate)) for rate in options.rates.split(",")]
        table = []
        for path in options.recipes:
            recipe = of_set(config.load(path), options.set, options.runs, None)
            table += rows(recipe, found[0], versions, options.out)
    except HyspecError as error:
        print(f"error: {error}", file=sys.stderr)
        if error.hint:
            print(f"hint: {error.hint}", file=sys.stderr)
        return 1
    print(Table("", HEADER, table).markdown())
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
