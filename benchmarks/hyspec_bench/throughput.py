"""Speed of hyspec's encoder against OpenJPEG: python -m hyspec_bench.throughput [--scenes GLOB...].

Both encode the same cube at the same rate, in one thread of one process, in turns (A B A B ...);
what counts is the ratio of the medians of the processor time. OpenJPEG codes all bands in one
codestream without any search (``j2k_mc_ns``). hyspec is timed twice: asked for the rate, which it
has to search, and asked for the quality that gave this rate.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass

import hyspec
from hyspec_bench import registry, scenes, turns
from hyspec_bench.codecs.codec import Kind, Target
from hyspec_bench.machine import cpu_name

_RIVAL = "j2k_mc_ns"


@dataclass(frozen=True)
class Row:
    """One line of the report; speeds in million samples per CPU second, ratios of medians."""

    scene: str
    shape: tuple[int, int, int]
    rate: float
    hyspec_bps: float
    rival_bps: float
    rival_speed: float
    rate_speed: float
    rate_ratio: float
    quality_speed: float
    quality_ratio: float


def measure(name: str, cube: hyspec.Cube, rate: float, options: argparse.Namespace) -> Row:
    """Time one cube at one rate."""
    settings = {"profile": options.profile, "threads": 1}
    if options.pack:
        settings["pack"] = options.pack
    pieces: list[bytes] = []
    found = hyspec.encode_to(cube, pieces.append, hyspec.EncodeOptions(bps=rate, **settings))
    rival = registry.create(_RIVAL)
    target = Target(Kind.RATE, rate)
    rival_bytes = len(rival.encode(cube, target))
    rate_seconds, rival_seconds, quality_seconds, _ = turns.medians(
        (
            lambda: hyspec.encode(cube, bps=rate, **settings),
            lambda: rival.encode(cube, target),
            lambda: hyspec.encode(cube, quality=found.quality, **settings),
            lambda: rival.encode(cube, target),
        ),
        options.rounds,
        time.process_time,
    )
    million = cube.array.size / 1e6
    return Row(
        scene=name,
        shape=cube.shape,
        rate=rate,
        hyspec_bps=found.bps,
        rival_bps=8 * rival_bytes / cube.array.size,
        rival_speed=million / rival_seconds,
        rate_speed=million / rate_seconds,
        rate_ratio=rival_seconds / rate_seconds,
        quality_speed=million / quality_seconds,
        quality_ratio=rival_seconds / quality_seconds,
    )


def cubes(options: argparse.Namespace) -> Iterator[tuple[str, hyspec.Cube]]:
    """Scenes from files, then synthetic ones."""
    for path in scenes.find(options.scenes):
        yield path.stem, scenes.load(path).cube
    for size in options.synthetic:
        rows, _, columns = size.partition("x")
        cube = hyspec.synthetic.scene(int(rows), int(columns), seed=1).cube
        yield f"synthetic {size}", hyspec.Cube(cube.array)


def parser() -> argparse.ArgumentParser:
    """Return the arguments of the program."""
    program = argparse.ArgumentParser(
        "python -m hyspec_bench.throughput", description=(__doc__ or "").partition("\n")[0]
    )
    program.add_argument("--scenes", nargs="*", default=[], metavar="GLOB")
    program.add_argument(
        "--synthetic", nargs="*", default=["256x256"], metavar="ROWSxCOLUMNS", help="made cubes"
    )
    program.add_argument("--rates", nargs="+", type=float, default=[0.1, 0.25], metavar="R")
    program.add_argument("--rounds", type=int, default=5, help="timed turns of each encoder")
    program.add_argument("--profile", default="band")
    program.add_argument("--pack", help="name or path; by default that of the profile")
    program.add_argument("--json", action="store_true", help="print JSON lines")
    return program


def main(argv: Sequence[str] | None = None) -> int:
    """Run the benchmark and print it."""
    arguments = sys.argv[1:] if argv is None else argv
    options = parser().parse_args(arguments)
    if not turns.is_one_thread():
        return turns.again_with_one_thread("hyspec_bench.throughput", arguments)
    if not options.json:
        print(f"CPU: {cpu_name()}, one thread; medians of {options.rounds} turns")
        print("Encoding in million samples per CPU second. Trust the ratios: hyspec over OpenJPEG.")
        print(
            f"{'scene':20}{'rate':>6}{'hyspec':>8}{'j2k':>8} bit/sample"
            f"{'j2k':>8}{'by rate':>9}{'ratio':>7}{'by quality':>12}{'ratio':>7}"
        )
    for name, cube in cubes(options):
        for rate in options.rates:
            row = measure(name, cube, rate, options)
            if options.json:
                print(json.dumps(asdict(row)), flush=True)
                continue
            print(
                f"{row.scene:20}{row.rate:6g}{row.hyspec_bps:8.3f}{row.rival_bps:8.3f} "
                f"{'':10}{row.rival_speed:8.2f}{row.rate_speed:9.2f}{row.rate_ratio:7.2f}"
                f"{row.quality_speed:12.2f}{row.quality_ratio:7.2f}",
                flush=True,
            )
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
