"""Speed of hyspec against JPEG 2000: python -m hyspec_bench.throughput [--scenes GLOB...].

All codecs encode the same cube at the same rate and decode it again, in one thread of one process,
in turns (A B C A B C ...); what counts are the ratios of the medians of the processor time. The
rivals are OpenJPEG with all bands in one codestream (``j2k_mc_ns``) and the KLT of the whole scene
with the leading planes in OpenJPEG (``klt_j2k_ns``), both without any search. hyspec's encoder is
timed twice: asked for the rate, which it has to search, and asked for the quality that gave this
rate. Its decoder is timed without the refinement of decoded planes, which is what the ratio is of,
and with it.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any

import hyspec
from hyspec_bench import registry, scenes, turns
from hyspec_bench.codecs.codec import Kind, Target
from hyspec_bench.machine import cpu_name
from hyspec_tools.arguments import add_profile_and_pack

RIVALS = ("j2k_mc_ns", "klt_j2k_ns")
_HEAD = (
    f"{'scene':20}{'rate':>6} {'rival':12}{'bit/sample':>16}"
    f"{'by rate':>10}{'quality':>9}{'rival':>8}{'ratios':>14}"
    f"{'decode':>10}{'rival':>8}{'ratio':>7}{'refined':>9}"
)


@dataclass(frozen=True)
class Row:
    """hyspec and one rival at one rate.

    Speeds are in million samples per CPU second; a ratio is hyspec's speed over the rival's.
    ``rate`` in the name of an encoding means that hyspec was asked for the rate, ``quality`` that
    it was asked for the quality that gives it. ``refined_decode_speed`` is with the refinement of
    decoded planes, ``decode_speed`` without.
    """

    scene: str
    shape: tuple[int, int, int]
    rate: float
    profile: str
    pack: str | None
    rival: str
    hyspec_bps: float
    rival_bps: float
    rate_encode_speed: float
    quality_encode_speed: float
    rival_encode_speed: float
    rate_encode_ratio: float
    quality_encode_ratio: float
    decode_speed: float
    rival_decode_speed: float
    decode_ratio: float
    refined_decode_speed: float


def measure(name: str, cube: hyspec.Cube, rate: float, options: argparse.Namespace) -> list[Row]:
    """Time one cube at one rate; one row per rival."""
    settings = {
        "profile": options.profile,
        "pack": options.pack,
        "fast": options.fast,
        "threads": 1,
    }
    pieces: list[bytes] = []
    found = hyspec.encode_to(cube, pieces.append, hyspec.EncodeOptions(bps=rate, **settings))
    stream = b"".join(pieces)
    target = Target(Kind.RATE, rate)
    rivals = {rival: registry.create(rival) for rival in options.rivals}
    coded = {rival: codec.encode(cube, target) for rival, codec in rivals.items()}
    work: dict[tuple[str, str], Callable[[], Any]] = {
        ("hyspec", "rate"): lambda: hyspec.encode(cube, bps=rate, **settings),
        ("hyspec", "quality"): lambda: hyspec.encode(cube, quality=found.quality, **settings),
        ("hyspec", "decode"): lambda: hyspec.decode(
            stream, pack=options.pack, threads=1, fast=True
        ),
        ("hyspec", "refined"): lambda: hyspec.decode(stream, pack=options.pack, threads=1),
    }
    for rival, codec in rivals.items():
        work[rival, "encode"] = partial(codec.encode, cube, target)
        work[rival, "decode"] = partial(codec.decode, coded[rival])
    medians = turns.medians(list(work.values()), options.rounds, time.process_time)
    speed = {
        key: cube.array.size / 1e6 / seconds for key, seconds in zip(work, medians, strict=True)
    }
    by_rate, by_quality, decoding = (speed["hyspec", w] for w in ("rate", "quality", "decode"))
    return [
        Row(
            scene=name,
            shape=cube.shape,
            rate=rate,
            profile=found.profile,
            pack=found.pack,
            rival=rival,
            hyspec_bps=found.bps,
            rival_bps=8 * len(coded[rival]) / cube.array.size,
            rate_encode_speed=by_rate,
            quality_encode_speed=by_quality,
            rival_encode_speed=speed[rival, "encode"],
            rate_encode_ratio=by_rate / speed[rival, "encode"],
            quality_encode_ratio=by_quality / speed[rival, "encode"],
            decode_speed=decoding,
            rival_decode_speed=speed[rival, "decode"],
            decode_ratio=decoding / speed[rival, "decode"],
            refined_decode_speed=speed["hyspec", "refined"],
        )
        for rival in rivals
    ]


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
    program.add_argument("--scenes", nargs="*", default=[], metavar="GLOB", help="cubes to read")
    program.add_argument(
        "--synthetic",
        nargs="*",
        default=["256x256"],
        metavar="ROWSxCOLUMNS",
        help="cubes of 224 bands to make (default: 256x256)",
    )
    program.add_argument(
        "--rates",
        nargs="+",
        type=float,
        default=[0.1, 0.5],
        metavar="R",
        help="bits per sample (default: 0.1 0.5)",
    )
    program.add_argument("--rounds", type=int, default=5, help="timed turns of each (default: 5)")
    add_profile_and_pack(program)
    program.add_argument("--fast", action="store_true", help="encode as hyspec-encode --fast does")
    program.add_argument(
        "--rivals",
        nargs="+",
        default=list(RIVALS),
        choices=[name for name in registry.NAMES if not name.startswith("hyspec_")],
        metavar="CODEC",
        help=f"codecs to compare with (default: {' '.join(RIVALS)})",
    )
    program.add_argument("--json", action="store_true", help="print JSON lines")
    return program


def line(row: Row) -> str:
    """One line of the table."""
    return (
        f"{row.scene:20}{row.rate:6g} {row.rival:12}{row.hyspec_bps:8.3f}{row.rival_bps:8.3f}"
        f"{row.rate_encode_speed:10.2f}{row.quality_encode_speed:9.2f}{row.rival_encode_speed:8.2f}"
        f"{row.rate_encode_ratio:7.2f}{row.quality_encode_ratio:7.2f}"
        f"{row.decode_speed:10.2f}{row.rival_decode_speed:8.2f}{row.decode_ratio:7.2f}"
        f"{row.refined_decode_speed:9.2f}"
    )


def main(argv: Sequence[str] | None = None) -> int:
    """Run the benchmark and print it."""
    arguments = sys.argv[1:] if argv is None else argv
    options = parser().parse_args(arguments)
    if not turns.is_one_thread():
        return turns.again_with_one_thread("hyspec_bench.throughput", arguments)
    if not options.json:
        print(f"CPU: {cpu_name()}, one thread; medians of {options.rounds} turns")
        print("Million samples per CPU second, encoding and decoding. Trust the ratios: hyspec, by")
        print("rate and by quality, over the rival.")
        print(_HEAD)
    for name, cube in cubes(options):
        for rate in options.rates:
            for row in measure(name, cube, rate, options):
                print(json.dumps(asdict(row)) if options.json else line(row), flush=True)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
