"""hyspec-compare: measure how far a decoded cube is from its original."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import hyspec
from hyspec.errors import UsageError
from hyspec_tools import report
from hyspec_tools.arguments import add_shared
from hyspec_tools.common import Parser, ProgressBars, program, to_json
from hyspec_tools.inputs import add_input_arguments, join_negative_values, read_input
from hyspec_tools.measure import compare_cubes, compare_with_stream


def parser() -> argparse.ArgumentParser:
    """Arguments of the program."""
    result = Parser("hyspec-compare", description=__doc__)
    result.add_argument("original", metavar="ORIGINAL", help="original cube")
    result.add_argument("decoded", metavar="DECODED", help="decoded cube, or the .hyc file itself")
    result.add_argument(
        "--decoded-variable", metavar="NAME", help="variable or dataset that holds DECODED"
    )
    add_input_arguments(result)
    add_shared(result, "pack", "threads", "json")
    return result


@program
def main(argv: Sequence[str] | None = None) -> int:
    """Run the program."""
    arguments = parser().parse_args(join_negative_values(argv))
    is_stream = Path(arguments.decoded).suffix.lower() == ".hyc"
    if is_stream and arguments.decoded_variable is not None:
        raise UsageError(
            f"{arguments.decoded} is a stream, which has no variables",
            hint="leave out --decoded-variable",
        )
    original = read_input(arguments.original, arguments)
    record = report.record(samples=original.array.size)
    bars = ProgressBars(not arguments.json)
    if is_stream:
        timer = report.Timer()
        with timer:
            stream = hyspec.open(arguments.decoded, pack=arguments.pack, threads=arguments.threads)
        with stream, bars:
            quality = compare_with_stream(original, stream, timer, bars)
            record.update(
                decode_seconds=timer.seconds,
                bytes=len(stream),
                profile=stream.profile,
                pack=stream.pack_name,
                ways=stream.ways,
            )
    else:
        decoded = hyspec.io.read(arguments.decoded, variable=arguments.decoded_variable)
        with bars:
            quality = compare_cubes(original, decoded, bars)
    record.update(report.quality(quality))
    if record["bytes"] is not None:
        record["bps"] = 8 * record["bytes"] / original.array.size
    print(to_json(record) if arguments.json else report.table(record))
    return 0
