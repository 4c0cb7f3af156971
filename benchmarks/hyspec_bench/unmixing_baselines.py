"""Baselines of unmixing: python -m hyspec_bench.unmixing_baselines SCENE.mat... [--seeds N].

Unmixes scenes of known abundances and endmembers by FCLS with the true endmembers, and by VCA or
archetypal analysis and FCLS with each of several seeds, and prints a Markdown table: one row per
scene and method, mean ± standard deviation over the seeds. Endmembers are matched by the Hungarian
method first. VCA projects the spectra as the paper does for their signal-to-noise ratio, and, as a
method of its own, to principal components, which the paper has for noisy scenes.
"""

from __future__ import annotations

import argparse
import math
import statistics
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from hyspec.analysis import abundance_metrics, archetypes, fcls, local_sets, vca
from hyspec.errors import DataError, HyspecError
from hyspec_bench.table import Table
from hyspec_tools.arguments import positive

_Float = npt.NDArray[np.float64]

COLUMNS = (
    "endmember angle",
    "aRMSE",
    "overallRMSE",
    "class RMSE sum",
    "aSAM",
    "rmsAAD",
    "rRMSE",
    "rSID/pixel",
)


def figures(spectra: _Float, true: _Float, endmembers: _Float, estimated: _Float) -> list[float]:
    """Errors of FCLS with estimated endmembers, in the order of `COLUMNS`.

    Parameters
    ----------
    spectra : ndarray, shape (rows, columns, bands)
    true : ndarray, shape (rows, columns, endmembers)
        Abundances.
    endmembers, estimated : ndarray, shape (endmembers, bands)
    """
    match = abundance_metrics.match_endmembers(endmembers, estimated)
    ordered = estimated[match.order]
    abundances = fcls(spectra, ordered)
    score = abundance_metrics.abundance_score(true, abundances)
    rebuilt = abundance_metrics.reconstruction_score(spectra, abundances, ordered)
    return [
        float(match.angles.mean()),
        score.a_rmse,
        score.overall_rmse,
        score.class_rmse_sum,
        score.a_sam,
        score.rms_aad,
        rebuilt.r_rmse,
        rebuilt.r_sid_per_pixel,
    ]


def rows(path: Path, seeds: int) -> list[list[str]]:
    """Rows of the table for a scene.

    Raises
    ------
    DataError
        The file holds no abundances and endmembers.
    """
    scene = local_sets.read_unmixing(path)
    if scene.abundances is None or scene.endmembers is None:
        raise DataError(f"{path} holds no abundances and endmembers")
    spectra, true, endmembers = scene.spectra(), scene.abundances, scene.endmembers
    known = figures(spectra, true, endmembers, endmembers)
    found = [[scene.name, "FCLS, true endmembers", "-", *(f"{value:.4f}" for value in known[1:])]]
    count = len(endmembers)
    methods: dict[str, Callable[[int], _Float]] = {
        "VCA": lambda seed: vca(spectra, count, seed=seed).endmembers,
        "VCA by principal components": lambda seed: (
            vca(spectra, count, seed=seed, snr_db=-math.inf).endmembers
        ),
        "archetypes": lambda seed: archetypes(spectra, count, seed=seed).endmembers,
    }
    for method, find in methods.items():
        runs = [figures(spectra, true, endmembers, find(seed)) for seed in range(seeds)]
        texts = [_spread(values) for values in zip(*runs, strict=True)]
        found.append([scene.name, f"{method} + FCLS, {seeds} seeds", *texts])
    return found


def _spread(values: Sequence[float]) -> str:
    deviation = f" ± {statistics.stdev(values):.3f}" if len(values) > 1 else ""
    return f"{statistics.fmean(values):.3f}{deviation}"


def main(argv: Sequence[str] | None = None) -> int:
    """Print the table."""
    program = argparse.ArgumentParser(
        "python -m hyspec_bench.unmixing_baselines",
        description="Baselines of unmixing, as a Markdown table.",
    )
    program.add_argument("scenes", nargs="+", type=Path, metavar="SCENE", help="MATLAB files")
    program.add_argument("--seeds", type=positive, default=10, metavar="N", help="of VCA")
    options = program.parse_args(argv)
    try:
        found = [row for path in options.scenes for row in rows(path, options.seeds)]
    except HyspecError as error:
        print(f"error: {error}", file=sys.stderr)
        if error.hint:
            print(f"hint: {error.hint}", file=sys.stderr)
        return 1
    print(Table("", ("scene", "method", *COLUMNS), found).markdown())
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
