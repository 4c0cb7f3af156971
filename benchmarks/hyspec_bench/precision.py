"""What 8-bit analysis graphs gain and cost: python -m hyspec_bench.precision SCENE... [--pack P].

Encodes every scene with the float32 and with the int8 graphs of one pack, in turns (A B A B ...)
within one process at one quality, for the speed; then at several qualities, decoding each stream,
for the rate and distortion. The loss is the mean difference in PSNR at equal rate.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

import hyspec
from hyspec.errors import HyspecError
from hyspec.options import DEFAULT_PACK, EncodeSettings
from hyspec_bench import delta, turns
from hyspec_bench.delta import Point
from hyspec_bench.machine import cpu_name

Precision = Literal["fp32", "int8"]

#: Qualities of the curves; the middle one is timed.
QUALITIES = (10.0, 20.0, 30.0, 40.0, 50.0, 60.0, 70.0)


@dataclass(frozen=True)
class Row:
    """One line of the report: medians of the seconds, their ratio, and the loss.

    ``bd_psnr`` (dB) and ``bd_rate`` (per cent) compare int8 with float32 at the rates, in bits per
    sample, that both curves reach.
    """

    scene: str
    shape: tuple[int, int, int]
    samples: int
    threads: int
    quality: float
    fp32_seconds: float
    int8_seconds: float
    ratio: float
    rates: tuple[float, float]
    bd_psnr: float
    bd_rate: float
    fp32_curve: list[Point]
    int8_curve: list[Point]


def curve(
    cube: hyspec.Cube, pack: str, threads: int, precision: Precision, qualities: Sequence[float]
) -> list[Point]:
    """Bits per sample and PSNR in dB at each quality, from the decoded streams."""
    points = []
    for quality in qualities:
        data = hyspec.encode(cube, pack=pack, quality=quality, threads=threads, precision=precision)
        decoded = hyspec.decode(data, pack=pack, threads=threads)
        psnr = hyspec.metrics.compare(cube, decoded).psnr_db
        points.append((8 * len(data) / cube.array.size, psnr))
    return points


def common_rates(first: Sequence[Point], second: Sequence[Point]) -> tuple[float, float]:
    """Least and greatest rate that two curves both reach."""
    low = max(min(rate for rate, _ in points) for points in (first, second))
    high = min(max(rate for rate, _ in points) for points in (first, second))
    return low, high


def measure(
    name: str,
    cube: hyspec.Cube,
    pack: str,
    *,
    threads: int,
    rounds: int,
    qualities: Sequence[float] = QUALITIES,
) -> Row:
    """Time one cube and compare its two curves."""
    middle = qualities[len(qualities) // 2]
    settings: EncodeSettings = {"pack": pack, "quality": middle, "threads": threads}
    fp32_seconds, int8_seconds = turns.medians(
        (
            lambda: hyspec.encode(cube, precision="fp32", **settings),
            lambda: hyspec.encode(cube, precision="int8", **settings),
        ),
        rounds,
    )
    fp32 = curve(cube, pack, threads, "fp32", qualities)
    int8 = curve(cube, pack, threads, "int8", qualities)
    rates = common_rates(fp32, int8)
    return Row(
        scene=name,
        shape=cube.shape,
        samples=cube.array.size,
        threads=threads,
        quality=middle,
        fp32_seconds=fp32_seconds,
        int8_seconds=int8_seconds,
        ratio=fp32_seconds / int8_seconds,
        rates=rates,
        bd_psnr=delta.bd_psnr(fp32, int8, rates),
        bd_rate=delta.bd_rate(fp32, int8, rates),
        fp32_curve=fp32,
        int8_curve=int8,
    )


def parser() -> argparse.ArgumentParser:
    """Return the arguments of the program."""
    program = argparse.ArgumentParser(
        "python -m hyspec_bench.precision", description=(__doc__ or "").partition(":")[0]
    )
    program.add_argument("scenes", nargs="+", metavar="SCENE", help="cubes that hyspec reads")
    program.add_argument("--pack", default=DEFAULT_PACK, help="name or path of a pack")
    program.add_argument("--threads", type=int, default=1, help="threads of the encoder")
    program.add_argument("--rounds", type=int, default=9, help="timed turns of each precision")
    program.add_argument("--json", action="store_true", help="print JSON lines")
    return program


def main(argv: Sequence[str] | None = None) -> int:
    """Run the benchmark and print it."""
    options = parser().parse_args(argv)
    if not options.json:
        many = f"{options.threads} thread" + "s" * (options.threads > 1)
        print(f"CPU: {cpu_name()}, {many}; medians of {options.rounds} turns of whole encodings")
        print("Million samples per second. Trust the ratio of two medians taken in turns.")
        print(
            f"{'scene':24}{'fp32':>8}{'int8':>8}{'ratio':>7}{'bit/sample':>15}{'dB':>8}{'rate':>9}"
        )
    for path in options.scenes:
        try:
            row = measure(
                Path(path).stem,
                hyspec.io.read(path),
                options.pack,
                threads=options.threads,
                rounds=options.rounds,
            )
        except HyspecError as error:
            print(f"{path}: {error}", file=sys.stderr)
            return 1
        if options.json:
            print(json.dumps({"cpu": cpu_name(), "pack": options.pack} | asdict(row)), flush=True)
            continue
        million = row.samples / 1e6
        between = f"{row.rates[0]:.3f}-{row.rates[1]:.3f}"
        print(
            f"{row.scene:24}{million / row.fp32_seconds:8.2f}{million / row.int8_seconds:8.2f}"
            f"{row.ratio:7.2f}{between:>15}{row.bd_psnr:8.3f}{row.bd_rate:8.2f}%",
            flush=True,
        )
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
