"""What a largest error costs: python -m hyspec_bench.bounds SCENE...

Every scene is coded by hyspec's ``bounded`` profile, through its public interface, and by its
rivals, lossless (a limit of 0) and with largest absolute errors. A measurement is a process of its
own in one thread; whole streams count, and what is decoded from them is compared with the scene
sample by sample: an error beyond its limit makes no figure. Tables are printed as Markdown.

What the folder holds of rivals already is not measured again; hyspec always is.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from hyspec.errors import HyspecError, UsageError
from hyspec_bench import (
    bound_figure,
    bound_page,
    bound_tables,
    registry,
    runner,
    scenes,
    thread_scaling,
)
from hyspec_bench.codecs.codec import Kind, Target
from hyspec_bench.results import Results
from hyspec_bench.table import Record, Table
from hyspec_tools.arguments import positive
from hyspec_tools.common import to_json

#: What hyspec is compared with by default, as far as it is installed.
RIVALS = (
    "c123_default",
    "c123_tuned",
    "c123_default_sa",
    "c123_tuned_sa",
    "c123_default_ba",
    "c123_tuned_ba",
    "jpegls",
    "jpegxl",
    "sperr",
    "sz3",
)
LIMITS = (0, 1, 2, 5, 10, 20)
#: Columns of a JSON line.
_COLUMNS = (
    "scene",
    "codec",
    "max_error",
    "bytes",
    "bps",
    "psnr_db",
    "mse",
    "max_abs_error",
    "encode_seconds",
    "decode_seconds",
)


def targets(limits: Sequence[int]) -> list[Target]:
    """Lossless for a limit of 0, and largest errors."""
    return [Target(Kind.MAX_ERROR, float(m)) if m else Target(Kind.LOSSLESS) for m in limits]


def measure(
    paths: Sequence[Path],
    rivals: Sequence[str],
    limits: Sequence[int],
    results: Results,
    *,
    processes: int = 1,
    again: bool = False,
    quiet: bool = False,
) -> list[str]:
    """Measure all scenes with all codecs; return a line for each measurement that failed.

    Parameters
    ----------
    paths, rivals, limits
        Scenes, names of rivals, largest errors.
    results
        Folder of the records.
    processes
        Measurements at a time.
    again
        Measure rivals that the folder holds, too.
    quiet
        Show no progress.
    """
    ours, theirs = (
        list(runner.plan(paths, codecs, targets(limits)))
        for codecs in ((bound_tables.OURS,), rivals)
    )
    problems = []
    for jobs, anew in ((ours, True), (theirs, again)):
        problems += runner.run(jobs, results, processes=processes, quiet=quiet, again=anew)
    return problems


def chosen(
    results: Results, paths: Sequence[Path], rivals: Sequence[str], limits: Sequence[int]
) -> list[Record]:
    """Records of what was asked for, in the order in which it was, with ``max_error``."""
    names = [path.stem for path in paths]
    codecs = [bound_tables.OURS, *rivals]
    found = [
        {**record, "max_error": int(record["setting"])}
        for record in results.measured()
        if record["scene"] in names
        and record["codec"] in codecs
        and record["kind"] in (Kind.LOSSLESS, Kind.MAX_ERROR)
        and record["setting"] in limits
    ]
    return sorted(
        found,
        key=lambda r: (names.index(r["scene"]), codecs.index(r["codec"]), r["max_error"]),
    )


def parser() -> argparse.ArgumentParser:
    """Return the arguments of the program."""
    program = argparse.ArgumentParser(
        "python -m hyspec_bench.bounds",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    program.add_argument("scenes", nargs="+", metavar="SCENE", help="cubes of integers to read")
    program.add_argument(
        "--limits",
        nargs="+",
        type=_limit,
        default=LIMITS,
        metavar="M",
        help=f"largest errors, 0 for lossless (default: {' '.join(map(str, LIMITS))})",
    )
    program.add_argument(
        "--rivals",
        nargs="+",
        metavar="CODEC",
        help=f"codecs to compare with (default: those installed of {' '.join(RIVALS)})",
    )
    program.add_argument(
        "--out", type=Path, metavar="DIR", help="folder of the results (default: none is kept)"
    )
    program.add_argument(
        "--again", action="store_true", help="measure rivals that the folder holds again"
    )
    program.add_argument(
        "--processes", type=positive, default=1, metavar="N", help="measurements at a time"
    )
    program.add_argument(
        "--threads",
        nargs="+",
        type=positive,
        default=(),
        metavar="N",
        help="time a large synthetic cube with these numbers of threads, too, such as 1 2",
    )
    program.add_argument(
        "--synthetic",
        default="256x512",
        metavar="ROWSxCOLUMNS",
        help="size of the synthetic cube of 224 bands (default: 256x512)",
    )
    program.add_argument(
        "--figure", type=Path, metavar="FILE", help="draw rates over limits, such as rates.png"
    )
    program.add_argument(
        "--document", type=Path, metavar="FILE", help="write method and tables as Markdown, too"
    )
    program.add_argument(
        "--json", action="store_true", help="print a line of JSON per measurement, no tables"
    )
    program.add_argument("--quiet", action="store_true", help="no progress bar")
    return program


def main(argv: Sequence[str] | None = None) -> int:
    """Run the benchmark and print it."""
    options = parser().parse_args(argv)
    try:
        with tempfile.TemporaryDirectory() as folder:
            return _run(options, Results(options.out or Path(folder)))
    except HyspecError as error:
        print(f"error: {error}", file=sys.stderr)
        if error.hint:
            print(f"hint: {error.hint}", file=sys.stderr)
        return 1


def _run(options: argparse.Namespace, results: Results) -> int:
    paths = scenes.find(options.scenes)
    rivals = options.rivals or registry.available(RIVALS)
    limits = sorted(set(options.limits))
    problems = measure(
        paths,
        rivals,
        limits,
        results,
        processes=options.processes,
        again=options.again,
        quiet=options.quiet,
    )
    for problem in problems:
        print(problem, file=sys.stderr)
    records = chosen(results, paths, rivals, limits)
    if not any(record["codec"] == bound_tables.OURS for record in records):
        raise UsageError("nothing was measured", hint="see the lines above")
    about = _about(results.about(), records)
    tables = [*bound_tables.tables(records), *_threads(options)]
    for line in _lines(records, tables, options.json):
        print(line)
    if options.figure is not None:
        options.figure.parent.mkdir(parents=True, exist_ok=True)
        bound_figure.write(records, options.figure)
    if options.document is not None:
        page = bound_page.markdown(about, tables, options.figure, options.document.parent)
        options.document.write_text(page, encoding="utf-8")
    return 2 if problems else 0


def _threads(options: argparse.Namespace) -> Iterator[Table]:
    if options.threads:
        cube = thread_scaling.cube(options.synthetic)
        found = [
            thread_scaling.measure(cube, limit, options.threads) for limit in thread_scaling.LIMITS
        ]
        yield thread_scaling.table(found, cube)


def _about(about: dict[str, Any], records: Sequence[Record]) -> dict[str, Any]:
    """What is known of the scenes and codecs of some records."""
    kept = {
        part: {
            name: found for name, found in about[part].items() if name in {r[key] for r in records}
        }
        for part, key in (("scenes", "scene"), ("codecs", "codec"))
    }
    return {**about, **kept}


def _lines(records: Sequence[Record], tables: Sequence[Table], as_json: bool) -> Iterator[str]:
    if as_json:
        for record in records:
            yield to_json({name: record[name] for name in _COLUMNS})
    else:
        for table in tables:
            yield f"{table.title}\n\n{table.markdown()}\n"


def _limit(text: str) -> int:
    value = int(text)
    if value < 0:
        raise argparse.ArgumentTypeError(f"{text}: expected 0 or more")
    return value


if __name__ == "__main__":
    raise SystemExit(main())
