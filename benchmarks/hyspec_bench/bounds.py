"""Predictive coding with a bounded error against CCSDS 123: python -m hyspec_bench.bounds SCENE...

The whole scene is one chunk, as it is one image of the standard; every byte of the payload counts.
All codecs code the same samples with the same largest error, in one thread of one process and in
turns (A B C A B C ...), and what they decode is checked against the limit. ``saved`` is what the
payload is smaller than the better one of CCSDS 123.0-B-2 with default and with tuned settings; the
last lines are the means over the scenes, of the savings of each.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt

from hyspec import _core
from hyspec_bench import scenes, turns
from hyspec_bench.codecs.codec import Kind, Target
from hyspec_bench.machine import cpu_name

RIVALS = ("c123_default", "c123_tuned")
_HEAD = (
    f"{'scene':28}{'m':>4}{'payload':>9}{'default':>9}{'tuned':>9}{'saved':>8}"
    f"{'encode':>9}{'tuned':>7}{'ratio':>7}{'decode':>9}{'tuned':>7}{'ratio':>7}"
)


@dataclass(frozen=True)
class Row:
    """One scene with one limit.

    Rates are in bits per sample, speeds in million samples per CPU second; a ratio is that of the
    payload over that of the tuned rival.
    """

    scene: str
    max_error: int
    bps: float
    default_bps: float
    tuned_bps: float
    saved: float
    encode_speed: float
    tuned_encode_speed: float
    decode_speed: float
    tuned_decode_speed: float


def to_chunk(array: npt.NDArray[np.integer[Any]]) -> npt.NDArray[np.int32]:
    """Samples (rows, columns, bands) as the core takes them: bands first, int32.

    Those of uint32 become smaller by 2^31, which changes no difference.
    """
    values = array.astype(np.int64) - (2**31 if array.dtype == np.uint32 else 0)
    return np.ascontiguousarray(np.moveaxis(values, 2, 0)).astype(np.int32)


def measure(scene: scenes.Scene, max_error: int, rounds: int, bands: int | None) -> Row:
    """Code one scene with all codecs."""
    # The codecs of the standard are compiled beside hyspec, and may be missing.
    from hyspec_bench import registry

    chunk = to_chunk(scene.cube.array)
    limits = np.full(len(chunk), max_error, np.uint32)
    default_bands, wide = _core.default_bounded_settings(len(chunk))
    used = default_bands if bands is None else bands
    tile = _core.BandTile(*chunk.shape)
    payload, _ = _core.encode_bounded_payload(chunk, None, limits, used, wide)
    target = Target(Kind.MAX_ERROR if max_error else Kind.LOSSLESS, float(max_error))
    rivals = {name: registry.create(name) for name in RIVALS}
    coded = {name: codec.encode(scene.cube, target) for name, codec in rivals.items()}
    for name, decoded in (
        ("payload", np.moveaxis(_core.decode_bounded_payload(tile, payload)[0], 0, 2)),
        *((name, codec.decode(coded[name])) for name, codec in rivals.items()),
    ):
        original = np.moveaxis(chunk, 0, 2) if name == "payload" else scene.cube.array
        worst = int(np.abs(decoded.astype(np.int64) - original).max())
        if worst > max_error:
            raise AssertionError(f"{name} is off by {worst} on {scene.name}, allowed {max_error}")
    tuned = rivals["c123_tuned"]
    work: list[Callable[[], Any]] = [
        lambda: _core.encode_bounded_payload(chunk, None, limits, used, wide),
        partial(tuned.encode, scene.cube, target),
        lambda: _core.decode_bounded_payload(tile, payload),
        partial(tuned.decode, coded["c123_tuned"]),
    ]
    encode, tuned_encode, decode, tuned_decode = (
        chunk.size / 1e6 / seconds for seconds in turns.medians(work, rounds, time.process_time)
    )
    default_bps, tuned_bps = (8 * len(coded[name]) / chunk.size for name in RIVALS)
    bps = 8 * len(payload) / chunk.size
    return Row(
        scene=scene.name,
        max_error=max_error,
        bps=bps,
        default_bps=default_bps,
        tuned_bps=tuned_bps,
        saved=1 - bps / min(default_bps, tuned_bps),
        encode_speed=encode,
        tuned_encode_speed=tuned_encode,
        decode_speed=decode,
        tuned_decode_speed=tuned_decode,
    )


def parser() -> argparse.ArgumentParser:
    """Return the arguments of the program."""
    program = argparse.ArgumentParser(
        "python -m hyspec_bench.bounds", description=(__doc__ or "").partition("\n")[0]
    )
    program.add_argument("scenes", nargs="+", metavar="SCENE", help="cubes to read")
    program.add_argument(
        "--limits",
        nargs="+",
        type=int,
        default=[0, 1, 2],
        metavar="M",
        help="largest errors (default: 0 1 2)",
    )
    program.add_argument("--rounds", type=int, default=3, help="timed turns of each (default: 3)")
    program.add_argument(
        "--bands",
        type=int,
        metavar="N",
        help="bands that a prediction uses (default: what the core proposes)",
    )
    program.add_argument("--json", action="store_true", help="print JSON lines")
    return program


def line(row: Row) -> str:
    """One line of the table."""
    return (
        f"{row.scene:28}{row.max_error:4}{row.bps:9.3f}{row.default_bps:9.3f}{row.tuned_bps:9.3f}"
        f"{row.saved:8.1%}{row.encode_speed:9.2f}{row.tuned_encode_speed:7.2f}"
        f"{row.encode_speed / row.tuned_encode_speed:7.2f}{row.decode_speed:9.2f}"
        f"{row.tuned_decode_speed:7.2f}{row.decode_speed / row.tuned_decode_speed:7.2f}"
    )


def summary(rows: Sequence[Row]) -> list[str]:
    """Means over the scenes, a line per limit."""
    lines = []
    for limit in dict.fromkeys(row.max_error for row in rows):
        mine = [row for row in rows if row.max_error == limit]
        saved = [row.saved for row in mine]
        lines.append(
            f"m = {limit}: {statistics.mean(saved):.1%} saved over {len(mine)} scenes, "
            f"{min(saved):.1%} at least; medians: encoding "
            f"{statistics.median(row.encode_speed for row in mine):.1f}, decoding "
            f"{statistics.median(row.decode_speed for row in mine):.1f}"
        )
    return lines


def main(argv: Sequence[str] | None = None) -> int:
    """Run the benchmark and print it."""
    arguments = sys.argv[1:] if argv is None else argv
    options = parser().parse_args(arguments)
    if not turns.is_one_thread():
        return turns.again_with_one_thread("hyspec_bench.bounds", arguments)
    if not options.json:
        print(f"CPU: {cpu_name()}, one thread; medians of {options.rounds} turns")
        print("Bits per sample, and million samples per CPU second, of the payload and the rival.")
        print(_HEAD)
    rows = []
    for path in scenes.find(options.scenes):
        scene = scenes.load(path)
        for limit in options.limits:
            rows.append(measure(scene, limit, options.rounds, options.bands))
            print(json.dumps(asdict(rows[-1])) if options.json else line(rows[-1]), flush=True)
    if not options.json:
        print("\n".join(summary(rows)))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
