"""hyspec-encode: compress a hyperspectral cube into a .hyc file."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import hyspec
from hyspec import io, options
from hyspec.errors import UsageError
from hyspec.io.outputs import writing
from hyspec_tools import report
from hyspec_tools.arguments import add_profile_and_pack, add_shared, error_bounds, sizes
from hyspec_tools.common import Parser, ProgressBars, program, to_json
from hyspec_tools.inputs import (
    add_input_arguments,
    join_negative_values,
    read_input,
    refuse_overwriting,
)
from hyspec_tools.lines import encode_lines
from hyspec_tools.measure import compare_with_stream


def parser() -> argparse.ArgumentParser:
    """Arguments of the program."""
    result = Parser("hyspec-encode", description=__doc__)
    result.add_argument(
        "input",
        metavar="INPUT",
        help="ENVI (.hdr or data file), GeoTIFF, .npy, .mat, HDF5/NetCDF (file.h5:/path), raw "
        "data with --shape, or - for lines of raw data from standard input with --shape COLSxBANDS",
    )
    result.add_argument("output", type=Path, metavar="OUTPUT.hyc", help="stream to write")
    add_profile_and_pack(result)
    target = result.add_argument_group(
        "target", f"at most one; --quality {options.DEFAULT_QUALITY:g} if none is given"
    )
    target.add_argument("--quality", type=float, metavar="Q", help="0 to 100, higher is better")
    target.add_argument("--bps", type=float, metavar="R", help="rate in bits per sample")
    target.add_argument("--psnr", type=float, metavar="DB", help="PSNR in dB, peak = max - min")
    target.add_argument("--rmse", type=float, metavar="E", help="RMSE in sample units")
    target.add_argument(
        "--max-error",
        type=error_bounds,
        metavar="M[,M...]",
        help="largest error of any sample in sample units, or one for each band; 0 is lossless "
        "(profile bounded)",
    )
    target.add_argument(
        "--max-relative-error",
        type=float,
        metavar="E",
        help="largest error of any sample in proportion to the sample itself, such as 0.01; with "
        "--max-error, both hold (profile bounded)",
    )
    target.add_argument(
        "--lossless", action="store_true", help="reproduce every sample exactly (profile bounded)"
    )
    result.add_argument(
        "--layers",
        action="store_true",
        help="a base that can be decoded alone, before a layer that meets --max-error or "
        "--lossless: the transfer of a stream may end between them",
    )
    result.add_argument(
        "--base-bps",
        type=float,
        metavar="R",
        help="rate of the base of --layers in bits per sample (default: cheapest in all)",
    )
    result.add_argument(
        "--intervals",
        metavar="all|seed|auto|TABLE",
        help="band intervals: one, the five AVIRIS intervals mapped to this sensor, found from the "
        "scene's correlation, or a table such as 1-40,41-96 (default: all, with --profile band "
        "seed)",
    )
    result.add_argument(
        "--joint",
        action="store_true",
        help="code what intervals have in common: smaller, but they can no longer be decoded alone "
        "(profile spectral)",
    )
    result.add_argument(
        "--bad-bands",
        default="keep",
        metavar="keep|drop",
        help="code bands that the cube marks as bad, apart from the others, or let them come back "
        "as their mean (default: keep)",
    )
    result.add_argument(
        "--tile",
        default=str(options.DEFAULT_TILE_ROWS),
        metavar="ROWS[xCOLS]",
        help=f"size of a tile (default: {options.DEFAULT_TILE_ROWS} whole rows)",
    )
    result.add_argument(
        "--float-step",
        type=float,
        metavar="S",
        help="quantisation step of floating-point cubes (default: from the range of the data)",
    )
    result.add_argument(
        "--precision",
        default="fp32",
        metavar="fp32|int8",
        help="arithmetic of the analysis networks, for packs that have them in 8-bit integers "
        "(default: fp32)",
    )
    result.add_argument(
        "--network",
        type=int,
        metavar="N",
        help="encode all tiles with this network of the pack, counted from 0 (default: band "
        "chooses tile by tile, spectral takes the last one)",
    )
    result.add_argument(
        "--fast",
        action="store_true",
        help="round latents one by one (profile spectral), or predict all samples (profile "
        "bounded): quicker, and larger",
    )
    result.add_argument(
        "--metric",
        default="mse",
        metavar="mse|sam",
        help="keep the mean squared error small, or spectral angles (profile spectral; default: "
        "mse)",
    )
    add_input_arguments(result)
    result.add_argument("--verify", action="store_true", help="decode the result and compare")
    add_shared(result, "threads", "json", "force", "quiet")
    return result


@program
def main(argv: Sequence[str] | None = None) -> int:
    """Run the program."""
    arguments = parser().parse_args(join_negative_values(argv))
    settings = options.EncodeOptions(
        profile=arguments.profile,
        pack=arguments.pack,
        quality=arguments.quality,
        bps=arguments.bps,
        psnr=arguments.psnr,
        rmse=arguments.rmse,
        max_error=arguments.max_error,
        max_relative_error=arguments.max_relative_error,
        lossless=arguments.lossless,
        layers=arguments.layers,
        base_bps=arguments.base_bps,
        intervals=arguments.intervals,
        joint=arguments.joint,
        bad_bands=arguments.bad_bands,
        tile=_tile(arguments.tile),
        float_step=arguments.float_step,
        precision=arguments.precision,
        network=arguments.network,
        fast=arguments.fast,
        metric=arguments.metric,
        threads=arguments.threads,
    )
    piped = arguments.input == "-"
    if piped and arguments.verify:
        raise UsageError(
            "lines from standard input are gone once they are encoded",
            hint="leave out --verify, or encode a file",
        )
    refuse_overwriting([] if piped else io.source_files(arguments.input), [arguments.output])
    if arguments.output.suffix.lower() in io.WRITABLE_SUFFIXES:
        raise UsageError(
            f"the output {arguments.output} would be a hyspec stream under the name of a cube",
            hint=f"call it {arguments.output.with_suffix('.hyc')}",
        )
    bars = ProgressBars(not (arguments.quiet or arguments.json))
    with io.replacing(arguments.output, force=arguments.force) as (temporary,):
        cube = None if piped else read_input(arguments.input, arguments)
        with bars, writing(arguments.output), temporary.open("wb") as file:
            if cube is None:
                source = sys.stdin.buffer
                result = encode_lines(source, file.write, settings, arguments, bars)
            else:
                result = hyspec.encode_to(cube, file.write, settings, bars)
        if result.missed is not None:
            print(f"warning: {result.missed}", file=sys.stderr)
        record = report.record(
            samples=result.samples,
            bytes=result.bytes,
            bps=result.bps,
            encode_seconds=result.seconds,
            profile=result.profile,
            pack=result.pack,
            ways=result.ways,
        )
        if cube is not None and arguments.verify:
            timer = report.Timer()
            with timer:
                # What this program has written needs no limit.
                stream = hyspec.open(
                    temporary,
                    pack=arguments.pack,
                    threads=arguments.threads,
                    max_bytes=sys.maxsize,
                )
            with stream, bars:
                record.update(report.quality(compare_with_stream(cube, stream, timer, bars)))
            record["decode_seconds"] = timer.seconds
    if arguments.json:
        print(to_json(record))
    elif not arguments.quiet:
        print(report.table(record))
    return 0


def _tile(text: str) -> tuple[int, ...]:
    found = sizes(text)
    if found is None or len(found) > 2:
        raise UsageError(
            f"--tile is {text!r}; expected ROWS or ROWSxCOLS", hint="such as --tile 256"
        )
    return found
