"""hyspec-compare: measure how far a decoded cube is from its original."""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from pathlib import Path

import hyspec
from hyspec_tools import report
from hyspec_tools.common import ProgressBars, program, to_json
from hyspec_tools.inputs import add_input_arguments, join_negative_values, read_input


def parser() -> argparse.ArgumentParser:
    """Arguments of the program."""
    result = argparse.ArgumentParser("hyspec-compare", description=__doc__)
    result.add_argument("original", metavar="ORIGINAL", help="original cube")
    result.add_argument("decoded", metavar="DECODED", help="decoded cube, or the .hyc file itself")
    result.add_argument("--pack", metavar="NAME|PATH", help="pack to decode a .hyc file with")
    add_input_arguments(result)
    result.add_argument("--json", action="store_true", help="print one line of JSON")
    return result


@program
def main(argv: Sequence[str] | None = None) -> int:
    """Run the program."""
    arguments = parser().parse_args(join_negative_values(argv))
    original = read_input(arguments.original, arguments)
    record = report.record()
    if Path(arguments.decoded).suffix.lower() == ".hyc":
        started = time.perf_counter()
        bars = ProgressBars(not arguments.json)
        with bars, hyspec.open(arguments.decoded, pack_path=arguments.pack) as stream:
            decoded = stream.read(progress=bars)
            record.update(
                decode_seconds=time.perf_counter() - started,
                bytes=len(stream),
                profile=stream.profile,
                pack=stream.pack_name,
            )
    else:
        decoded = hyspec.io.read(arguments.decoded)
    record.update(report.quality(hyspec.metrics.compare(original, decoded)))
    record["samples"] = original.array.size
    if record["bytes"] is not None:
        record["bps"] = 8 * record["bytes"] / original.array.size
    print(to_json(record) if arguments.json else report.table(record))
    return 0
