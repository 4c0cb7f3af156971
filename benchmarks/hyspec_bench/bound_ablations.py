"""What parts of the ``bounded`` profile are worth: python -m hyspec_bench.bound_ablations SCENE...

Encodes every scene with every largest error, by prediction alone and in other ways, and decodes
every stream. Prints a Markdown table per limit: bits per sample by prediction alone, and by how
many per cent streams of other ways are larger. All but the first are by prediction alone, too.

- with corrections: the encoder may correct a base of the ``spectral`` profile if that is smaller;
- n bands: a prediction uses at most n bands before;
- other neighbourhood: narrow in place of wide, or wide in place of narrow;
- tiles of n rows: each begins with fresh models; the default has 256 rows.
"""

from __future__ import annotations

import argparse
import statistics
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from unittest import mock

import numpy as np
from tqdm import tqdm

import hyspec
from hyspec import _core, bounded_profile
from hyspec.corrected_base import LEAST_LIMIT
from hyspec.errors import HyspecError
from hyspec.options import EncodeSettings
from hyspec_bench import scenes
from hyspec_bench.table import Table
from hyspec_tools.common import to_json

LIMITS = (0, 5)
BANDS = (0, 1, 3, 8, 32)
TILE_ROWS = (64, 32)
#: Beyond all limits of a format: nothing is corrected.
_NO_LIMIT = 1 << 32


@dataclass(frozen=True)
class Form:
    """A way to encode.

    Attributes
    ----------
    name : str
    corrections : bool
        Whether the encoder may correct a base.
    bands : int or None
        Bands that a prediction uses; ``None`` for the default.
    other_neighbourhood : bool
        Whether the neighbourhood is what the default is not.
    tile : int or None
        Rows of a tile; ``None`` for the default.
    """

    name: str
    corrections: bool = False
    bands: int | None = None
    other_neighbourhood: bool = False
    tile: int | None = None


FORMS = (
    Form("with corrections", corrections=True),
    *(Form(f"{n} band{'s' if n != 1 else ''}", bands=n) for n in BANDS),
    Form("other neighbourhood", other_neighbourhood=True),
    *(Form(f"tiles of {n} rows", tile=n) for n in TILE_ROWS),
)


@dataclass(frozen=True)
class Row:
    """A form of a scene with a limit: its rate, that by prediction alone, and the change in %."""

    scene: str
    max_error: int
    form: str
    bps: float
    predicted_bps: float
    change: float


def measure(scene: str, cube: hyspec.Cube, max_error: int) -> Iterator[Row]:
    """Yield the comparison of every form with prediction alone.

    Raises
    ------
    AssertionError
        An error exceeds the limit.
    """
    predicted = _rate(cube, max_error, Form("prediction"))
    for form in FORMS:
        bps = _rate(cube, max_error, form)
        yield Row(scene, max_error, form.name, bps, predicted, 100 * (bps / predicted - 1))


def tables(rows: Sequence[Row]) -> Iterator[Table]:
    """Yield a table per limit: one line per scene, then the means."""
    for limit in dict.fromkeys(row.max_error for row in rows):
        mine = [row for row in rows if row.max_error == limit]
        names = dict.fromkeys(row.form for row in mine)
        lines = []
        for scene in dict.fromkeys(row.scene for row in mine):
            of_scene = [row for row in mine if row.scene == scene]
            changes = [f"{row.change:+.1f}" for row in of_scene]
            lines.append([scene, f"{of_scene[0].predicted_bps:.3f}", *changes])
        means = [statistics.fmean(row.change for row in mine if row.form == n) for n in names]
        lines.append(["mean", "", *(f"{mean:+.1f}" for mean in means)])
        title = f"Largest error {limit}: bit/sample, and change of the stream in %"
        yield Table(title, ["scene", "prediction", *names], lines)


def _rate(cube: hyspec.Cube, max_error: int, form: Form) -> float:
    """Bits per sample of the whole stream."""
    proposed = _core.default_bounded_settings

    def chosen(count: int, lossless: bool) -> tuple[int, bool]:
        bands, wide = proposed(count, lossless)
        return bands if form.bands is None else form.bands, wide != form.other_neighbourhood

    settings: EncodeSettings = {"max_error": max_error, "threads": 1}
    if form.tile is not None:
        settings["tile"] = form.tile
    least = LEAST_LIMIT if form.corrections else _NO_LIMIT
    with (
        mock.patch.object(_core, "default_bounded_settings", chosen),
        mock.patch.object(bounded_profile, "LEAST_LIMIT", least),
    ):
        stream = hyspec.encode(cube, **settings)
    decoded = hyspec.decode(stream, threads=1).array
    worst = int(np.abs(decoded.astype(np.int64) - cube.array).max())
    if worst > max_error:
        raise AssertionError(f"{form.name}: off by {worst}; expected at most {max_error}")
    return 8 * len(stream) / cube.array.size


def parser() -> argparse.ArgumentParser:
    """Return the arguments of the program."""
    program = argparse.ArgumentParser(
        "python -m hyspec_bench.bound_ablations",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    program.add_argument("scenes", nargs="+", metavar="SCENE", help="cubes of integers to read")
    program.add_argument(
        "--limits",
        nargs="+",
        type=int,
        default=LIMITS,
        metavar="M",
        help=f"largest errors, 0 for lossless (default: {' '.join(map(str, LIMITS))})",
    )
    program.add_argument("--json", action="store_true", help="print a line of JSON per comparison")
    return program


def main(argv: Sequence[str] | None = None) -> int:
    """Run the benchmark and print it."""
    options = parser().parse_args(argv)
    rows: list[Row] = []
    try:
        work = [(path, m) for path in scenes.find(options.scenes) for m in options.limits]
        for path, limit in tqdm(work, unit="scene", disable=None):
            rows += measure(path.stem, scenes.load(Path(path)).cube, limit)
    except HyspecError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    if options.json:
        for row in rows:
            print(to_json(asdict(row)))
    else:
        for table in tables(rows):
            print(f"{table.title}\n\n{table.markdown()}\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
