"""hyspec-decode: decode a .hyc file, or a part of it, to a cube in a usual format."""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Sequence
from pathlib import Path

import hyspec
from hyspec import io
from hyspec.errors import LimitError, UsageError
from hyspec_tools import report
from hyspec_tools.arguments import add_shared, byte_count
from hyspec_tools.common import Parser, ProgressBars, program, to_json
from hyspec_tools.inputs import join_negative_values, refuse_overwriting


def parser() -> argparse.ArgumentParser:
    """Arguments of the program."""
    result = Parser("hyspec-decode", description=__doc__)
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
        "--recover",
        action="store_true",
        help="decode what is left of a damaged stream; lost chunks become nodata, or 0 without one",
    )
    result.add_argument(
        "--fast",
        action="store_true",
        help="leave out the refinement of what is decoded: several times quicker, a little less "
        "exact; packs that have none are decoded like this anyway",
    )
    result.add_argument(
        "--layers",
        type=int,
        metavar="N",
        help="only the first N layers of a stream that was encoded with --layers; 1 is the base, "
        "for which the stream may end after it",
    )
    result.add_argument(
        "--max-bytes",
        type=byte_count,
        default="64G",
        metavar="N",
        help="refuse a stream whose samples would take more; k, M, G and T are powers of 1024 "
        "(default: 64G)",
    )
    add_shared(result, "pack", "threads", "json", "force", "quiet")
    return result


@program
def main(argv: Sequence[str] | None = None) -> int:
    """Run the program."""
    arguments = parser().parse_args(join_negative_values(argv))
    rows, cols, bands = (_range(n, getattr(arguments, n)) for n in ("rows", "cols", "bands"))
    refuse_overwriting([arguments.input], io.target_files(arguments.output))
    bars = ProgressBars(not (arguments.quiet or arguments.json))
    timer = report.Timer()
    with timer:
        stream = hyspec.open(
            arguments.input,
            pack=arguments.pack,
            threads=arguments.threads,
            on_damage="fill" if arguments.recover else "raise",
            fast=arguments.fast,
            layers=arguments.layers,
        )
    with stream, bars:
        area = stream.area(rows, cols, bands)
        template = stream.template(*area)
        _check_size(math.prod(template.shape) * template.dtype.itemsize, arguments.max_bytes)
        with io.create(arguments.output, template, force=arguments.force) as output, timer:
            stream.read_into(output.array, *area, progress=bars)
        samples, whole = math.prod(template.shape), template.shape == stream.shape
        record = report.record(
            samples=samples,
            bytes=len(stream) if whole else None,
            bps=8 * len(stream) / samples if whole else None,
            decode_seconds=timer.seconds,
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


def _check_size(size: int, limit: int) -> None:
    """Refuse a huge output before room for it is reserved: a few bytes can claim any shape."""
    if size > limit:
        raise LimitError(
            f"the decoded samples would take {size} bytes; --max-bytes allows {limit}",
            hint="raise --max-bytes if the stream comes from where you trust, or decode a part",
        )


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
