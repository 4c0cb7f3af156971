"""What hyspec-classify, hyspec-unmix and hyspec-features have in common."""

from __future__ import annotations

import argparse
import math
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

import hyspec
from hyspec import io
from hyspec.analysis import map_template, pack
from hyspec.analysis.band_matching import CHOICES, Choice
from hyspec.analysis.pack import AnalysisPack
from hyspec.errors import LimitError, PackNotFoundError, UsageError
from hyspec_tools import report
from hyspec_tools.arguments import add_shared, byte_count
from hyspec_tools.common import Parser, ProgressBars, to_json
from hyspec_tools.inputs import add_input_arguments, read_input, refuse_overwriting

#: Other programs have --pack for it.
_CODEC_PACK_HINT = "give the directory or zip file of the pack of the codec with --codec-pack"

Map = npt.NDArray[Any]
#: Makes the map: scene, pack, and settings of hyspec.analysis.
Analyse = Callable[..., Map]
#: Writes a picture of a map.
Draw = Callable[[Path, Map, AnalysisPack], None]
#: What a map says, as a part of the record.
Summarise = Callable[[Map, AnalysisPack], dict[str, Any]]


def analysis_parser(name: str, description: str | None, what: str) -> Parser:
    """Arguments of a program that makes maps of ``what``."""
    result = Parser(name, description=description)
    add_analysis_arguments(result)
    result.add_argument(
        "output",
        type=Path,
        metavar="OUT",
        help=f"map of {what} to write; the format follows from {', '.join(io.WRITABLE_SUFFIXES)}",
    )
    result.add_argument(
        "--precision", choices=("fp32", "int8"), default="fp32", help="graph to use (default: fp32)"
    )
    result.add_argument(
        "--picture",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="write a picture OUT.png, too (default: yes)",
    )
    result.add_argument(
        "--max-bytes",
        type=byte_count,
        default="64G",
        metavar="N",
        help="refuse a scene whose map would take more; k, M, G and T are powers of 1024 "
        "(default: 64G)",
    )
    add_input_arguments(result)
    add_shared(result, "threads", "json", "force", "quiet")
    return result


def add_analysis_arguments(result: Parser) -> None:
    """Add the arguments that name a scene, its bands, and an analysis pack."""
    result.add_argument(
        "scene", metavar="SCENE", help="stream (.hyc), or cube of any format that can be encoded"
    )
    result.add_argument("pack", type=Path, metavar="PACK", help="analysis pack: folder or zip file")
    result.add_argument(
        "--bands",
        type=_bands,
        metavar="CHOICE",
        help="if the scene has other bands than the pack: good, those that it does not mark as "
        "bad; pick, the nearest ones; resample, between neighbours; or a table such as 1-40,43-97",
    )
    result.add_argument(
        "--codec-pack", metavar="NAME|PATH", help="pack to decode with, if it is not a shipped one"
    )


def run(arguments: argparse.Namespace, analyse: Analyse, draw: Draw, summarise: Summarise) -> int:
    """Make the map, its picture and the report."""
    picture = arguments.output.with_suffix(".png")
    targets = [*io.target_files(arguments.output), *([picture] if arguments.picture else [])]
    refuse_overwriting(io.source_files(arguments.scene), targets)
    refuse_overwriting([arguments.pack], targets)
    model = pack.load(arguments.pack)
    bars = ProgressBars(not (arguments.quiet or arguments.json))
    timer = report.Timer()
    with opened(arguments) as scene, bars:
        template = map_template(scene, model)
        size = math.prod(template.shape) * template.dtype.itemsize
        if size > arguments.max_bytes:
            raise LimitError(
                f"the map would take {size} bytes; --max-bytes allows {arguments.max_bytes}",
                hint="raise --max-bytes if the scene comes from where you trust",
            )
        with (
            io.replacing(*([picture] if arguments.picture else []), force=arguments.force) as drawn,
            io.create(arguments.output, template, force=arguments.force) as output,
        ):
            found = output.array[:, :, 0] if model.classes else output.array
            with timer:
                analyse(
                    scene,
                    model,
                    bands=arguments.bands,
                    precision=arguments.precision,
                    threads=arguments.threads,
                    progress=bars,
                    out=found,
                )
            for path in drawn:
                draw(path, found, model)
            record = {
                "task": model.task,
                "pack": model.name,
                "pack_id": model.id.hex(),
                "rows": scene.shape[0],
                "columns": scene.shape[1],
                "seconds": timer.seconds,
                **summarise(found, model),
            }
    if arguments.json:
        print(to_json(record))
    elif not arguments.quiet:
        print(_table(record))
    return 0


def blocks(found: Map, rows: int = 256) -> Iterator[Map]:
    """Some rows of a map at a time."""
    for row in range(0, len(found), rows):
        yield np.asarray(found[row : row + rows])


def moments(found: Map) -> tuple[int, list[dict[str, float]]]:
    """Count the pixels with a result, and tell mean, deviation and range of each plane of them.

    Returns
    -------
    int
        Number of pixels.
    list of dict
        ``mean``, ``deviation``, ``least`` and ``greatest`` of each plane; NaN without any pixel.
    """
    planes = found.shape[2]
    count, mean, squares = 0, np.zeros(planes), np.zeros(planes)
    least, greatest = np.full(planes, np.inf), np.full(planes, -np.inf)
    for block in blocks(found):
        values = block[np.isfinite(block).all(axis=2)].astype(np.float64)  # (pixels, planes)
        if not len(values):
            continue
        own = values.mean(axis=0)
        # Two samples are joined (Chan, Golub, LeVeque, The American Statistician 37(3), 1983).
        share = len(values) / (count + len(values))
        squares += ((values - own) ** 2).sum(axis=0) + (own - mean) ** 2 * count * share
        mean += (own - mean) * share
        count += len(values)
        least, greatest = np.minimum(least, values.min(0)), np.maximum(greatest, values.max(0))
    if not count:
        mean = squares = least = greatest = np.full(planes, np.nan)
    spread = np.sqrt(squares / max(count, 1))
    names = ("mean", "deviation", "least", "greatest")
    numbers = zip(mean, spread, least, greatest, strict=True)
    return count, [dict(zip(names, map(float, each), strict=True)) for each in numbers]


@contextmanager
def opened(arguments: argparse.Namespace) -> Iterator[hyspec.Cube | hyspec.Stream]:
    """Open the scene that the arguments name and describe.

    Raises
    ------
    UsageError
        An option is for streams and the scene is none, or the other way round.
    """
    if Path(arguments.scene).suffix.lower() != ".hyc":
        if arguments.codec_pack is not None:
            raise UsageError(
                "--codec-pack belongs to streams", hint="leave it out, or give a .hyc file"
            )
        yield read_input(arguments.scene, arguments)
        return
    for name in ("variable", "axes", "nodata", "shape", "dtype", "interleave"):
        if getattr(arguments, name) is not None:
            raise UsageError(f"--{name} of a stream, which says itself how it is read")
    with hyspec.open(
        arguments.scene, pack=arguments.codec_pack, threads=arguments.threads
    ) as stream:
        try:
            yield stream
        except PackNotFoundError as error:
            raise PackNotFoundError(str(error), hint=_CODEC_PACK_HINT) from error


def _bands(text: str) -> Choice:
    """Read a choice of bands; tables count from 1 and include both ends."""
    if text in CHOICES:
        return text  # type: ignore[return-value]
    numbers: list[int] = []
    for part in text.split(","):
        found = re.fullmatch(r"\s*([0-9]{1,5})(?:-([0-9]{1,5}))?\s*", part)
        first = int(found[1]) if found else 0
        last = int(found[2] or found[1]) if found else 0
        if not 1 <= first <= last:
            raise argparse.ArgumentTypeError(
                f"found {text!r}; expected {', '.join(CHOICES)}, or a table such as 1-40,43-97"
            )
        numbers += range(first - 1, last)
    return numbers


def _table(record: dict[str, Any]) -> str:
    """Render the record, with a line per class, endmember or feature."""
    lines = [
        f"{'pack':<16} {record['pack']} ({record['pack_id'][:16]})",
        f"{'pixels':<16} {record['pixels']:,d} and {record['missing']:,d} without measurement",
        f"{'analysing':<16} {record['seconds']:.2f} s",
    ]
    for number, each in enumerate(record["results"], 1):
        name = f"{number} {each['name']}"
        if "share" in each:
            lines.append(f"{name:<32} {each['pixels']:>12,d} {100 * each['share']:>6.2f} %")
        else:
            lines.append(
                f"{name:<32} {each['mean']:>10.4g} ± {each['deviation']:<10.4g} "
                f"{each['least']:.4g} to {each['greatest']:.4g}"
            )
    return "\n".join(lines)
