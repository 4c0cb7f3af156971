"""What 8-bit analysis graphs gain and cost: python -m hyspec_bench.precision SCENE... [--pack P].

Runs the float32 and the int8 graph of one pack in turns (A B A B ...) within one process, for the
speed: the networks alone, on planes of the scene in one thread, and whole encodings at one quality.
Then encodes at several qualities and decodes each stream, for the rate and distortion: the loss is
the mean difference in PSNR at equal rate.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt

import hyspec
from hyspec import inference
from hyspec import pack as packs
from hyspec.errors import HyspecError, PackError
from hyspec.options import EncodeSettings
from hyspec_bench import curves, delta, turns
from hyspec_bench.delta import Point
from hyspec_bench.machine import cpu_name
from hyspec_tools.common import to_json

Precision = Literal["fp32", "int8"]

#: Default qualities of the curves; the middle one is timed.
QUALITIES = (10.0, 20.0, 30.0, 40.0, 50.0, 60.0, 70.0)
#: Planes that the networks alone are timed on, their longest side, and samples of a batch.
_PLANES = 32
_LONGEST_SIDE = 512
_BATCH_SAMPLES = 1 << 17


@dataclass(frozen=True)
class Row:
    """One line of the report: medians of the seconds, their ratios, and the loss.

    ``network_ratio`` is that of the networks alone. ``bd_psnr`` (dB) and ``bd_rate`` (per cent)
    compare int8 with float32 at the rates, in bits per sample, that both curves reach.
    """

    scene: str
    shape: tuple[int, int, int]
    samples: int
    threads: int
    quality: float
    fp32_seconds: float
    int8_seconds: float
    ratio: float
    network_ratio: float
    rates: tuple[float, float]
    bd_psnr: float
    bd_rate: float
    fp32_curve: list[Point]
    int8_curve: list[Point]


def normalised_planes(cube: hyspec.Cube, stride: int) -> npt.NDArray[np.float32]:
    """Some bands of a cube as the networks see them, shape (N, 1, rows, columns)."""
    picks = np.unique(np.linspace(0, cube.bands - 1, _PLANES).round().astype(int))
    samples = cube.array[:_LONGEST_SIDE, :_LONGEST_SIDE, picks].transpose(2, 0, 1)
    planes = samples.astype(np.float32)
    planes -= planes.mean((1, 2), keepdims=True)
    planes /= np.maximum(planes.std((1, 2), keepdims=True), 1e-6)
    padding = [(0, 0), *((0, -n % stride) for n in planes.shape[1:])]
    return np.pad(planes, padding, "edge")[:, None]


def network_ratio(cube: hyspec.Cube, pack: str, rounds: int) -> float:
    """Seconds of a float32 analysis network over those of its int8 form, in one thread.

    Raises
    ------
    PackError
        The pack has no int8 graph.
    """
    networks = [n for model in packs.load(pack).models for n in model.networks if n.analysis_int8]
    if not networks or networks[0].analysis_int8 is None:
        raise PackError(
            f"pack {pack} has no analysis graph in 8-bit integers",
            hint="export it with hyspec-export --int8",
        )
    planes = normalised_planes(cube, networks[0].stride)
    size = max(1, _BATCH_SAMPLES // planes[0].size)

    def runner(graph: bytes) -> Callable[[], None]:
        network = inference.network(graph)

        def run() -> None:
            for first in range(0, len(planes), size):
                network(planes[first : first + size])

        return run

    graphs = networks[0].analysis, networks[0].analysis_int8
    fp32, int8 = turns.medians([runner(graph) for graph in graphs], rounds)
    return fp32 / int8


def measure(
    name: str,
    cube: hyspec.Cube,
    pack: str,
    *,
    threads: int,
    rounds: int,
    qualities: Sequence[float] = QUALITIES,
    network: int | None = None,
) -> Row:
    """Time one cube and compare its two curves; ``network`` is as for `hyspec.encode`."""
    middle = qualities[len(qualities) // 2]
    settings: EncodeSettings = {"pack": pack, "threads": threads, "network": network}

    def encoder(precision: Precision) -> Callable[[], bytes]:
        wanted: EncodeSettings = {**settings, "quality": middle, "precision": precision}
        return lambda: hyspec.encode(cube, **wanted)

    networks = network_ratio(cube, pack, rounds)
    fp32_seconds, int8_seconds = turns.medians([encoder("fp32"), encoder("int8")], rounds)
    fp32 = curves.curve(cube, {**settings, "precision": "fp32"}, qualities)
    int8 = curves.curve(cube, {**settings, "precision": "int8"}, qualities)
    rates = delta.overlap(fp32, int8, delta.ALL_RATES, 0)
    return Row(
        scene=name,
        shape=cube.shape,
        samples=cube.array.size,
        threads=threads,
        quality=middle,
        fp32_seconds=fp32_seconds,
        int8_seconds=int8_seconds,
        ratio=fp32_seconds / int8_seconds,
        network_ratio=networks,
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
    program.add_argument(
        "--pack",
        default="generic-band",
        metavar="NAME|PATH",
        help="pack with analysis graphs in 8-bit integers (default: generic-band)",
    )
    program.add_argument(
        "--network",
        type=int,
        metavar="N",
        help="number of the network, from 0, to encode all tiles with (default: chosen by tile, "
        "which may be one without graphs in 8-bit integers)",
    )
    program.add_argument("--threads", type=int, default=1, help="threads of the encoder")
    program.add_argument(
        "--qualities",
        nargs="+",
        type=float,
        default=QUALITIES,
        metavar="Q",
        help="qualities of the curves, at least two; the middle one is timed",
    )
    program.add_argument("--rounds", type=int, default=9, help="timed turns of each precision")
    program.add_argument("--json", action="store_true", help="print JSON lines")
    return program


def main(argv: Sequence[str] | None = None) -> int:
    """Run the benchmark and print it."""
    options = parser().parse_args(argv)
    if not options.json:
        many = f"{options.threads} thread" + "s" * (options.threads > 1)
        print(f"CPU: {cpu_name()}, {many}; medians of {options.rounds} turns")
        print("Encoding in million samples per second; ratios of whole encodings and of networks.")
        print("Trust the ratios of two medians taken in turns, not a single figure.")
        print(
            f"{'scene':24}{'fp32':>8}{'int8':>8}{'ratio':>7}{'network':>9}"
            f"{'bit/sample':>15}{'dB':>8}{'rate':>9}"
        )
    for path in options.scenes:
        try:
            row = measure(
                Path(path).stem,
                hyspec.io.read(path),
                options.pack,
                threads=options.threads,
                rounds=options.rounds,
                qualities=options.qualities,
                network=options.network,
            )
        except HyspecError as error:
            print(f"{path}: {error}", file=sys.stderr)
            return 1
        if options.json:
            print(to_json({"cpu": cpu_name(), "pack": options.pack} | asdict(row)), flush=True)
            continue
        million = row.samples / 1e6
        between = f"{row.rates[0]:.3f}-{row.rates[1]:.3f}"
        print(
            f"{row.scene:24}{million / row.fp32_seconds:8.2f}{million / row.int8_seconds:8.2f}"
            f"{row.ratio:7.2f}{row.network_ratio:9.2f}{between:>15}{row.bd_psnr:8.3f}{row.bd_rate:8.2f}%",
            flush=True,
        )
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
