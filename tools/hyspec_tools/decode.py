"""hyspec-decode: decode a .hyc file, or a part of it, to a cube in a usual format."""

from __future__ import annotations

import argparse
import math
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import hyspec
from hyspec import io
from hyspec.errors import UsageError
from hyspec_tools import report
from hyspec_tools.common import ProgressBars, program, to_json
from hyspec_tools.inputs import join_negative_values, refuse_overwriting


def parser() -> argparse.ArgumentParser:
    """Arguments of the program."""
    result = argparse.ArgumentParser("hyspec-decode", description=__doc__)
    result.add_argument("input", type=Path, metavar="INPUT.hyc", help="stream to decode")
    result.add_argument(
        "output",
        type=Path,
        metavar="OUTPUT",
        help=f"cube to write; the format follows from {', '.join(io.WRITABLE_SUFFIXES)}",
    )
    for option, what in (("bands", "bands"), ("rows", "rows"), ("cols", "columns")):
        result.add_argument(
            f"--{option}",
            metavar="A:B",
            help=f"only these {what}, counted from 0, B not included; either may be left out",
        )
    result.add_argument(
        "--pack", metavar="NAME|PATH", help="pack to decode with, if it is not a shipped one"
    )
    result.add_argument(
        "--recover",
        action="store_true",
        help="decode what is left of a damaged stream; lost chunks become nodata, or 0 without one",
    )
    result.add_argument("--threads", type=int, metavar="N", help="default: all processors")
    result.add_argument("--json", action="store_true", help="print one line of JSON")
    result.add_argument("--force", action="store_true", help="replace an existing output")
    result.add_argument("--quiet", action="store_true", help="print nothing but errors")
    return result


@program
def main(argv: Sequence[str] | None = None) -> int:
    """Run the program."""
    arguments = parser().parse_args(join_negative_values(argv))
    rows, cols, bands = (_range(n, getattr(arguments, n)) for n in ("rows", "cols", "bands"))
    if arguments.threads is not None and arguments.threads < 1:
        raise UsageError(f"threads is {arguments.threads}; expected at least 1")
    refuse_overwriting([arguments.input], io.target_files(arguments.output))
    bars = ProgressBars(not (arguments.quiet or arguments.json))
    started = time.perf_counter()
    with (
        hyspec.open(
            arguments.input,
            pack_path=arguments.pack,
            threads=arguments.threads,
            on_damage="fill" if arguments.recover else "raise",
        ) as stream,
        bars,
    ):
        area = stream.area(rows, cols, bands)
        template = stream.template(*area)
        with io.create(arguments.output, template, force=arguments.force) as output:
            stream.read_into(output.array, *area, progress=bars)
        samples, whole = math.prod(template.shape), template.shape == stream.shape
        record = report.record(
            samples=samples,
            bytes=len(stream) if whole else None,
            bps=8 * len(stream) / samples if whole else None,
            decode_seconds=time.perf_counter() - started,
            profile=stream.profile,
            pack=stream.pack_name,
        )
        lost = stream.damage
    for damage in lost:
        print(f"warning: lost {report.damage(damage)}", file=sys.stderr)
    if arguments.json:
        print(to_json(record))
    elif not arguments.quiet:
        print(report.table(record))
    return 0


def _range(name: str, text: str | None) -> tuple[int | None, int | None] | None:
    if text is None:
        return None
    ends = text.split(":")
    try:
        if len(ends) == 2:
            return int(ends[0]) if ends[0] else None, int(ends[1]) if ends[1] else None
    except ValueError:
        pass
    raise UsageError(f"--{name} is {text!r}; expected A:B", hint=f"for example --{name} 0:10")
