"""hyspec-demo: make a synthetic scene, encode and decode it, show what was lost."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import hyspec
from hyspec import io, options
from hyspec.errors import UsageError
from hyspec.synthetic import SENSORS, scene
from hyspec_tools import report
from hyspec_tools.common import ProgressBars, program, to_json
from hyspec_tools.picture import comparison_figure


def parser() -> argparse.ArgumentParser:
    """Arguments of the program."""
    result = argparse.ArgumentParser("hyspec-demo", description=__doc__)
    result.add_argument(
        "folder",
        type=Path,
        nargs="?",
        default=Path("hyspec-demo"),
        help="folder for scene.hdr, scene.hyc, decoded.hdr and comparison.png "
        "(default: hyspec-demo)",
    )
    result.add_argument("--size", type=int, default=256, help="rows and columns (default: 256)")
    result.add_argument("--sensor", choices=sorted(SENSORS), default="aviris")
    result.add_argument("--seed", type=int, default=1, help="seed of the scene (default: 1)")
    result.add_argument("--bps", type=float, default=0.25, help="rate (default: 0.25 bit/sample)")
    result.add_argument("--pack", default=options.DEFAULT_PACK, metavar="NAME|PATH")
    result.add_argument("--threads", type=int, metavar="N", help="default: all processors")
    result.add_argument("--json", action="store_true", help="print one line of JSON")
    return result


@program
def main(argv: Sequence[str] | None = None) -> int:
    """Run the program."""
    arguments = parser().parse_args(argv)
    if arguments.size < 1:
        raise UsageError(f"size is {arguments.size}; expected at least 1")
    settings = options.EncodeOptions(
        pack=arguments.pack, bps=arguments.bps, threads=arguments.threads
    )
    folder: Path = arguments.folder
    folder.mkdir(parents=True, exist_ok=True)
    cube = scene(arguments.size, arguments.size, sensor=arguments.sensor, seed=arguments.seed).cube
    io.write(folder / "scene.hdr", cube, force=True)
    stream = folder / "scene.hyc"
    with ProgressBars(not arguments.json) as bars:
        with io.replacing(stream, force=True) as (temporary,), temporary.open("wb") as file:
            result = hyspec.encode_to(cube, file.write, settings, bars)
        with hyspec.open(stream, pack_path=arguments.pack, threads=arguments.threads) as opened:
            timer = report.Timer()
            decoded = opened.read(progress=bars)
            decode_seconds = timer.seconds()
    io.write(folder / "decoded.hdr", decoded, force=True)
    quality = hyspec.metrics.compare(cube, decoded)
    record = report.record(
        bytes=result.bytes,
        bps=result.bps,
        encode_seconds=result.seconds,
        decode_seconds=decode_seconds,
        profile=result.profile,
        pack=result.pack,
        **report.quality(quality),
    )
    title = (
        f"{arguments.sensor}, {result.profile} profile, {result.bps:.3f} bit/sample, "
        f"{quality.psnr_db:.1f} dB"
    )
    comparison_figure(cube, decoded, folder / "comparison.png", title)
    if arguments.json:
        print(to_json(record))
    else:
        print(report.table(record))
        print(f"{'files':<16} {folder}")
    return 0
