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
from hyspec_tools.arguments import add_profile_and_pack, add_shared, positive
from hyspec_tools.common import Parser, ProgressBars, program, to_json
from hyspec_tools.picture import comparison_figure, pyplot


def parser() -> argparse.ArgumentParser:
    """Arguments of the program."""
    result = Parser("hyspec-demo", description=__doc__)
    result.add_argument(
        "folder",
        type=Path,
        nargs="?",
        default=Path("hyspec-demo"),
        help="folder for scene.hdr, scene.hyc, decoded.hdr and comparison.png "
        "(default: hyspec-demo)",
    )
    result.add_argument(
        "--size", type=positive, default=256, metavar="N", help="rows and columns (default: 256)"
    )
    result.add_argument("--sensor", choices=sorted(SENSORS), default="aviris")
    result.add_argument("--seed", type=int, default=1, help="seed of the scene (default: 1)")
    result.add_argument("--bps", type=float, default=0.25, help="rate (default: 0.25 bit/sample)")
    add_profile_and_pack(result, [p for p in options.PROFILES if p != "bounded"])
    add_shared(result, "threads", "json", "force")
    return result


@program
def main(argv: Sequence[str] | None = None) -> int:
    """Run the program."""
    arguments = parser().parse_args(argv)
    settings = options.EncodeOptions(
        profile=arguments.profile,
        pack=arguments.pack,
        bps=arguments.bps,
        threads=arguments.threads,
    )
    folder: Path = arguments.folder
    force: bool = arguments.force
    if not force:
        _refuse_replacing(folder)
    pyplot()  # if it is missing, that is to be known before the work
    folder.mkdir(parents=True, exist_ok=True)
    cube = scene(arguments.size, arguments.size, sensor=arguments.sensor, seed=arguments.seed).cube
    io.write(folder / "scene.hdr", cube, force=force)
    stream = folder / "scene.hyc"
    with ProgressBars(not arguments.json) as bars:
        with io.replacing(stream, force=force) as (temporary,), temporary.open("wb") as file:
            result = hyspec.encode_to(cube, file.write, settings, bars)
        timer = report.Timer()
        with (
            timer,
            hyspec.open(stream, pack=arguments.pack, threads=arguments.threads) as opened,
        ):
            decoded = opened.read(progress=bars)
    io.write(folder / "decoded.hdr", decoded, force=force)
    quality = hyspec.metrics.compare(cube, decoded)
    record = report.record(
        samples=result.samples,
        bytes=result.bytes,
        bps=result.bps,
        encode_seconds=result.seconds,
        decode_seconds=timer.seconds,
        profile=result.profile,
        pack=result.pack,
        ways=result.ways,
        **report.quality(quality),
    )
    title = (
        f"{arguments.sensor}, {result.profile} profile, {result.bps:.3f} bit/sample, "
        f"{quality.psnr_db:.1f} dB"
    )
    with io.replacing(folder / "comparison.png", force=force) as (temporary,):
        comparison_figure(cube, decoded, temporary, title)
    if arguments.json:
        print(to_json(record))
    else:
        print(report.table(record))
        print(f"{'files':<16} {folder}")
    return 0


def _refuse_replacing(folder: Path) -> None:
    targets = [
        *io.target_files(folder / "scene.hdr"),
        folder / "scene.hyc",
        *io.target_files(folder / "decoded.hdr"),
        folder / "comparison.png",
    ]
    for target in targets:
        if target.exists():
            raise UsageError(
                f"{target} exists already",
                hint="choose another folder, or replace its files with --force",
            )
