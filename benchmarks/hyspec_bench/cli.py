"""hyspec-bench: measures hyspec against other codecs and reports."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from hyspec.errors import HyspecError, UsageError
from hyspec_bench import (
    costs,
    document,
    page,
    pairs,
    registry,
    runner,
    scenes,
    summary,
    task_report,
    tasks,
    turns,
)
from hyspec_bench.codecs.codec import Kind, Target
from hyspec_bench.results import Results

#: Rates in bits per sample, error limits, and codecs.
_FULL = (
    (0.05, 0.1, 0.15, 0.25, 0.35, 0.5, 1.0, 2.0),
    (1.0, 2.0, 5.0, 10.0, 20.0, 50.0),
    registry.NAMES,
)
_QUICK = ((0.1, 0.5), (1.0, 10.0), registry.QUICK)


def parser() -> argparse.ArgumentParser:
    """Return the arguments of the program."""
    program = argparse.ArgumentParser(
        "hyspec-bench", description=(__doc__ or "").partition(": ")[2]
    )
    commands = program.add_subparsers(dest="command", required=True)
    _add_run(commands.add_parser("run", help="measure, and keep the results in a folder"))
    _add_pairs(commands.add_parser("pairs", help="time codecs in turns (A B A B ...)"))
    _add_tasks(commands.add_parser("tasks", help="what compression does to tasks, over the rate"))
    _add_report(commands.add_parser("report", help="tables and curves of a folder of results"))
    return program


def _add_run(run: argparse.ArgumentParser) -> None:
    names = ", ".join(registry.NAMES)
    run.add_argument("--scenes", nargs="+", required=True, metavar="GLOB", help="files to encode")
    run.add_argument(
        "--codecs",
        type=_names,
        metavar="LIST",
        help=f"comma-separated, of {names}; by default all that are installed",
    )
    run.add_argument("--rates", type=_numbers, metavar="LIST", help="bits per sample")
    run.add_argument(
        "--max-errors",
        type=_numbers,
        metavar="LIST",
        help="largest absolute errors in sample units, for codecs that bound them",
    )
    run.add_argument(
        "--lossless",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="measure codecs that can be lossless so, too",
    )
    run.add_argument(
        "--quick", action="store_true", help="few targets, and no codec that searches its settings"
    )
    run.add_argument("--out", type=Path, required=True, metavar="DIR", help="folder of results")
    run.add_argument(
        "--processes",
        type=int,
        default=1,
        metavar="N",
        help="measurements at a time; more than one disturbs the times a little",
    )
    run.add_argument(
        "--again", action="store_true", help="measure what the folder holds already, too"
    )
    run.add_argument(
        "--tasks",
        type=_names,
        default=(),
        metavar="LIST",
        help="comma-separated functions, as module:function, from a scene and its decoded samples "
        "to a figure that is kept with the measurement; or names of the shipped ones, "
        f"{', '.join(tasks.SHIPPED)}",
    )
    run.add_argument("--quiet", action="store_true", help="no progress bar")


def _add_pairs(pairs: argparse.ArgumentParser) -> None:
    pairs.add_argument("--scenes", nargs="+", required=True, metavar="GLOB", help="files to encode")
    pairs.add_argument(
        "--codecs",
        type=_names,
        default=("j2k_mc_ns", "klt_j2k_ns", "hyspec_spectral"),
        metavar="LIST",
        help="comma-separated; the others are compared with the first",
    )
    pairs.add_argument("--rates", type=_numbers, metavar="LIST", help="bits per sample")
    pairs.add_argument(
        "--max-errors", type=_numbers, metavar="LIST", help="largest absolute errors"
    )
    pairs.add_argument("--lossless", action="store_true", help="time lossless coding")
    pairs.add_argument(
        "--rounds", type=int, default=5, metavar="N", help="timed turns of each codec"
    )
    pairs.add_argument("--out", type=Path, required=True, metavar="DIR", help="folder of results")


def _add_tasks(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--scenes", nargs="+", required=True, metavar="GLOB", help="files with ground truth"
    )
    command.add_argument(
        "--tasks",
        type=_names,
        default=("rx_auc",),
        metavar="LIST",
        help=f"comma-separated, of {', '.join(tasks.SHIPPED)}, or module:function",
    )
    command.add_argument(
        "--codecs",
        type=_names,
        default=("hyspec_spectral", "hyspec_band", "klt_j2k_ns"),
        metavar="LIST",
        help="comma-separated codecs that can be given a rate",
    )
    command.add_argument(
        "--rates",
        type=_numbers,
        default=(0.05, 0.1, 0.2, 0.5, 1.0),
        metavar="LIST",
        help="bits per sample",
    )
    command.add_argument("--out", type=Path, required=True, metavar="DIR", help="folder of results")
    command.add_argument("--quiet", action="store_true", help="no progress bar")


def _add_report(report: argparse.ArgumentParser) -> None:
    report.add_argument("folder", type=Path, metavar="DIR", help="folder of results")
    report.add_argument(
        "--anchors",
        type=_names,
        metavar="LIST",
        help="comma-separated codecs with which the others are compared; by default j2k_mc and "
        "klt_j2k, or their forms without search",
    )
    report.add_argument(
        "--rate-range",
        type=_range,
        default=(0.05, 2.0),
        metavar="LOW:HIGH",
        help="bits per sample over which curves are compared",
    )
    report.add_argument(
        "--example-rate", type=float, default=0.1, metavar="R", help="bits per sample of pictures"
    )
    report.add_argument(
        "--document", type=Path, metavar="FILE", help="write method and tables as Markdown, too"
    )


def main(argv: Sequence[str] | None = None) -> int:
    """Run the program."""
    arguments = sys.argv[1:] if argv is None else [str(part) for part in argv]
    options = parser().parse_args(arguments)
    if options.command == "pairs" and not turns.is_one_thread():
        return turns.again_with_one_thread("hyspec_bench.cli", arguments)
    try:
        commands = {"run": _run, "pairs": _pairs, "tasks": _tasks, "report": _report}
        return commands[options.command](options)
    except HyspecError as error:
        print(f"error: {error}", file=sys.stderr)
        if error.hint:
            print(f"hint: {error.hint}", file=sys.stderr)
        return 1


def _run(options: argparse.Namespace) -> int:
    paths = scenes.find(options.scenes)
    rates, limits, codecs = _QUICK if options.quick else _FULL
    targets = [
        *(Target(Kind.RATE, rate) for rate in options.rates or rates),
        *(Target(Kind.MAX_ERROR, limit) for limit in options.max_errors or limits),
        *([Target(Kind.LOSSLESS)] if options.lossless else []),
    ]
    jobs = list(runner.plan(paths, options.codecs or registry.available(codecs), targets))
    results = Results(options.out)
    problems = runner.run(
        jobs,
        results,
        processes=options.processes,
        quiet=options.quiet,
        again=options.again,
        tasks=options.tasks,
    )
    for line in problems:
        print(line, file=sys.stderr)
    print(results.folder / "results.csv")
    return 2 if problems else 0


def _pairs(options: argparse.Namespace) -> int:
    targets = [
        *(Target(Kind.RATE, rate) for rate in options.rates or ()),
        *(Target(Kind.MAX_ERROR, limit) for limit in options.max_errors or ()),
        *([Target(Kind.LOSSLESS)] if options.lossless else []),
    ]
    if not targets:
        raise UsageError("no target", hint="give --rates, --max-errors or --lossless")
    results = Results(options.out)
    for path in scenes.find(options.scenes):
        scene = scenes.load(path)
        for target in targets:
            for record in pairs.measure(scene, options.codecs, target, options.rounds):
                results.add_pair(record)
    for table in costs.pair_tables(list(results.pairs.values())):
        print(f"{table.title}\n\n{table.markdown()}\n")
    return 0


def _tasks(options: argparse.Namespace) -> int:
    paths = scenes.find(options.scenes)
    known = task_report.originals(paths, options.tasks)
    jobs = list(
        runner.plan(paths, options.codecs, [Target(Kind.RATE, rate) for rate in options.rates])
    )
    results = Results(options.out)
    problems = runner.run(jobs, results, quiet=options.quiet, tasks=options.tasks)
    for line in problems:
        print(line, file=sys.stderr)
    text = "".join(
        f"{table.title}\n\n{table.markdown()}\n\n" for table in task_report.tables(results, known)
    )
    print(text, end="")
    (results.folder / "tasks.md").write_text(text, encoding="utf-8")
    task_report.plot(results, known, results.folder / "tasks.png")
    print(results.folder / "tasks.png")
    return 2 if problems else 0


def _report(options: argparse.Namespace) -> int:
    if not options.folder.is_dir():
        raise UsageError(f"{options.folder} is no folder", hint="give the one of `run --out`")
    results = Results(options.folder)
    results.write_csv()
    anchors = options.anchors or summary.default_anchors(results)
    for table in summary.tables(results, anchors, options.rate_range):
        print(f"{table.title}\n\n{table.markdown()}\n")
    path = options.folder / "report.html"
    page.write(results, path, anchors, options.rate_range, options.example_rate)
    print(path)
    if options.document is not None:
        text = document.markdown(results, anchors, options.rate_range)
        options.document.write_text(text, encoding="utf-8")
    return 0


def _names(text: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in text.split(","))


def _numbers(text: str) -> tuple[float, ...]:
    values = tuple(float(part) for part in text.split(",") if part.strip())
    if any(value <= 0 for value in values):
        raise argparse.ArgumentTypeError(f"{text}: expected positive numbers")
    return values


def _range(text: str) -> tuple[float, float]:
    low, _, high = text.partition(":")
    if not 0 < float(low) < float(high):
        raise argparse.ArgumentTypeError(f"{text}: expected LOW:HIGH with 0 < LOW < HIGH")
    return float(low), float(high)


if __name__ == "__main__":
    raise SystemExit(main())
