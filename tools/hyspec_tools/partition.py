"""hyspec-partition: find the band intervals of a sensor from its scenes."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from hyspec import intervals, io
from hyspec.cube import Cube
from hyspec.errors import DataError, UsageError
from hyspec.intervals import BandInterval, BestPartitions, format_intervals
from hyspec.io.outputs import writing
from hyspec_tools.arguments import add_shared, positive
from hyspec_tools.common import Parser, ProgressBars, program, to_json
from hyspec_tools.correlation_picture import check_figure_name, partition_figure
from hyspec_tools.inputs import (
    add_input_arguments,
    join_negative_values,
    read_input,
    refuse_overwriting,
)
from hyspec_tools.picture import pyplot


def parser() -> argparse.ArgumentParser:
    """Arguments of the program."""
    result = Parser("hyspec-partition", description=__doc__)
    result.add_argument(
        "cubes", nargs="+", metavar="CUBE", help="scenes of one sensor, in any format that is read"
    )
    number = result.add_argument_group("number of intervals").add_mutually_exclusive_group()
    number.add_argument("--intervals", type=positive, metavar="N", help="this many")
    number.add_argument(
        "--penalty",
        type=_fraction,
        metavar="P",
        help="as many as lower the scatter by this fraction of the bands, each "
        f"(default: {intervals.DEFAULT_PENALTY:g}, but at least one band)",
    )
    result.add_argument(
        "--max",
        type=positive,
        metavar="N",
        help=f"choose at most this many intervals (default: {intervals.DEFAULT_MAX_INTERVALS})",
    )
    result.add_argument(
        "--min-bands",
        type=positive,
        default=1,
        metavar="K",
        help="fewest bands of an interval (default: 1)",
    )
    result.add_argument(
        "--pixels",
        type=positive,
        metavar="N",
        help="take a random sample of at most this many pixels of each scene (default: all)",
    )
    result.add_argument(
        "--figure", type=Path, metavar="FILE", help="draw the correlation matrix, such as a.png"
    )
    add_input_arguments(result)
    result.add_argument(
        "--table", action="store_true", help="print only the table for hyspec-encode --intervals"
    )
    add_shared(result, "json", "force")
    return result


@dataclass(frozen=True)
class Statistics:
    """What the scenes have in common.

    Attributes
    ----------
    correlation : ndarray of float64, shape (bands, bands)
        Pooled over the scenes; 0 on the diagonal for bands that vary in none.
    wavelengths : ndarray of float64, shape (bands,), or None
        In nm, of the first scene that has any.
    """

    correlation: npt.NDArray[np.float64]
    wavelengths: npt.NDArray[np.float64] | None

    @property
    def bands(self) -> int:
        """Number of bands."""
        return len(self.correlation)


@program
def main(argv: Sequence[str] | None = None) -> int:
    """Run the program."""
    arguments = parser().parse_args(join_negative_values(argv))
    if arguments.intervals is not None and arguments.max is not None:
        raise UsageError(
            "found --intervals and --max; expected one of them",
            hint="--max limits a number that the program chooses",
        )
    if arguments.table and arguments.json:
        raise UsageError(
            "found --table and --json; expected one of them",
            hint="the JSON record holds the table under the key table",
        )
    if arguments.figure is None:
        _partition(arguments, None)
        return 0
    check_figure_name(arguments.figure)
    pyplot()  # if it is missing, that is to be known before the work
    for path in arguments.cubes:
        refuse_overwriting(io.source_files(path), [arguments.figure])
    with io.replacing(arguments.figure, force=arguments.force) as (temporary,):
        _partition(arguments, temporary)
    return 0


def _partition(arguments: argparse.Namespace, figure: Path | None) -> None:
    statistics = _survey(arguments)
    limit = arguments.max or intervals.DEFAULT_MAX_INTERVALS
    partitions = BestPartitions.search(
        statistics.correlation,
        most=max(limit, arguments.intervals or 1),
        min_bands=arguments.min_bands,
    )
    if arguments.intervals is None:
        penalty = partitions.default_penalty if arguments.penalty is None else arguments.penalty
        found = partitions.intervals(partitions.choose(penalty))
    else:
        penalty = None
        found = partitions.intervals(arguments.intervals)
    if figure is not None:
        with writing(arguments.figure):
            partition_figure(
                statistics.correlation,
                partitions,
                found,
                figure,
                penalty=penalty,
                wavelengths=statistics.wavelengths,
            )
    record = _record(arguments.cubes, statistics, partitions, found, penalty)
    if arguments.table:
        print(record["table"])
    else:
        print(to_json(record) if arguments.json else _text(record))


def _survey(arguments: argparse.Namespace) -> Statistics:
    """Read one scene after the other, some rows at a time."""
    correlations: list[npt.NDArray[np.float64]] = []
    wavelengths, described = None, ""
    for path in arguments.cubes:
        cube = read_input(path, arguments)
        _check_fit(cube, arguments)
        if correlations and cube.bands != len(correlations[0]):
            raise DataError(
                f"{path} has {cube.bands} bands; {arguments.cubes[0]} has {len(correlations[0])}",
                hint="pool scenes of one sensor, with the same bands",
            )
        own = _nanometres(cube)
        if wavelengths is None:
            wavelengths, described = own, path
        elif own is not None:
            _check_same_sensor(own, path, wavelengths, described)
        with ProgressBars(not arguments.json) as bars:
            correlation = intervals.band_correlation(
                cube, max_pixels=arguments.pixels, progress=bars
            )
        if not correlation.any():
            raise DataError(
                f"no band of {path} varies over its valid samples",
                hint="check --nodata, and that the file holds what it should",
            )
        correlations.append(correlation)
    return Statistics(intervals.pool_correlations(correlations), wavelengths)


def _check_fit(cube: Cube, arguments: argparse.Namespace) -> None:
    """Refuse numbers that this many bands cannot satisfy before the cube is read."""
    count = arguments.intervals or 1
    if count * arguments.min_bands > cube.bands:
        raise UsageError(
            f"found {cube.bands} bands; expected at least {count * arguments.min_bands}, for "
            f"{count} x {arguments.min_bands} bands",
            hint="lower --intervals or --min-bands",
        )


def _nanometres(cube: Cube) -> npt.NDArray[np.float64] | None:
    if cube.wavelengths is None:
        return None
    return intervals.to_nanometres(cube.wavelengths, cube.wavelength_unit)


def _check_same_sensor(
    found: npt.NDArray[np.float64],
    path: str,
    expected: npt.NDArray[np.float64],
    described: str,
) -> None:
    """Refuse band centres that differ by more than a band, as those of two sensors do."""
    spacing = float(np.median(np.abs(np.diff(expected)))) if expected.size > 1 else np.inf
    difference = float(np.abs(found - expected).max())
    if difference > spacing:
        raise DataError(
            f"bands of {path} and {described} differ by up to {difference:.4g} nm; expected less "
            f"than the distance of bands, {spacing:.4g} nm",
            hint="pool scenes of one sensor, with the same bands",
        )


def _record(
    cubes: Sequence[str],
    statistics: Statistics,
    partitions: BestPartitions,
    found: Sequence[BandInterval],
    penalty: float | None,
) -> dict[str, Any]:
    waves = statistics.wavelengths
    return {
        "table": format_intervals(found),
        "scenes": list(cubes),
        "bands": statistics.bands,
        "without_variance": _runs(
            np.setdiff1d(np.arange(statistics.bands), partitions.varying, assume_unique=True)
        ),
        "penalty": penalty,
        "intervals": [
            {
                "bands": str(interval),
                "wavelengths_nm": None
                if waves is None
                else [float(waves[interval.start]), float(waves[interval.stop - 1])],
                "scatter": partitions.scatter_of(interval),
            }
            for interval in found
        ],
        "scatter": float(partitions.scatter[len(found) - 1]),
        "scatter_by_number": [float(value) for value in partitions.scatter],
    }


def _runs(bands: npt.NDArray[np.intp]) -> str:
    """Text form of any bands, such as ``"1-3,7"``, counted from 1."""
    if not bands.size:
        return ""
    pieces = np.split(bands + 1, np.flatnonzero(np.diff(bands) > 1) + 1)
    return ",".join(f"{run[0]}-{run[-1]}" if run.size > 1 else f"{run[0]}" for run in pieces)


def _text(record: dict[str, Any]) -> str:
    penalty = record["penalty"]
    how = "as given" if penalty is None else f"chosen with penalty {penalty:.4g}"
    lines = [
        f"{'scenes':<16} {len(record['scenes'])}",
        f"{'bands':<16} {record['bands']}",
        f"{'without variance':<16} {record['without_variance'] or 'none'}",
        f"{'intervals':<16} {len(record['intervals'])}, {how}",
        "",
        f"{'bands':<12}{'number':>8}{'wavelengths, nm':>20}{'scatter':>12}",
    ]
    for interval in record["intervals"]:
        first, last = map(int, interval["bands"].split("-"))
        waves = interval["wavelengths_nm"]
        span = "unknown" if waves is None else f"{waves[0]:.1f} - {waves[1]:.1f}"
        lines.append(
            f"{interval['bands']:<12}{last - first + 1:>8}{span:>20}"
            f"{100 * interval['scatter']:>10.2f} %"
        )
    lines.append(f"{'all':<12}{record['bands']:>8}{'':>20}{100 * record['scatter']:>10.2f} %")
    lines += ["", f"{'number':<12}{'scatter':>12}"]
    for number, scatter in enumerate(record["scatter_by_number"], start=1):
        if np.isfinite(scatter):
            lines.append(f"{number:<12}{100 * scatter:>10.2f} %")
    return "\n".join([*lines, "", f"{'table':<16} {record['table']}"])


def _fraction(text: str) -> float:
    """Read a number of at least 0."""
    try:
        value = float(text)
    except ValueError:
        value = float("nan")
    if not 0 <= value < float("inf"):
        raise argparse.ArgumentTypeError(f"found {text!r}; expected a number of at least 0")
    return value
