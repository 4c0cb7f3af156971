"""What threads are worth to the ``bounded`` profile: python -m hyspec_bench.thread_scaling.

A large synthetic cube is encoded and decoded with several numbers of threads, which share its
tiles, in turns (A B A B ...) of one process. The shortest times count, which other work on the
machine disturbs least. What the calling thread does itself, while others wait for it or it for
them, limits what more threads could gain. The streams must be the same for all numbers.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any

import numpy as np

import hyspec
from hyspec_bench.table import Table
from hyspec_tools.arguments import positive

#: Largest errors, 0 for lossless.
LIMITS = (0, 5)
#: Rows of a tile: enough tiles for the threads.
TILE_ROWS = 64


@dataclass(frozen=True)
class Row:
    """A cube with one limit.

    Attributes
    ----------
    max_error : int
    bps : float
        Bits per sample.
    threads : list of int
    encode_seconds, decode_seconds : list of float
        By the clock, for each number of threads.
    encode_cpu_seconds, decode_cpu_seconds : list of float
        Processor time of all threads together.
    encode_alone, decode_alone : list of float
        Share of it that is the calling thread's; all of it with one thread.
    """

    max_error: int
    bps: float
    threads: list[int]
    encode_seconds: list[float]
    decode_seconds: list[float]
    encode_cpu_seconds: list[float]
    decode_cpu_seconds: list[float]
    encode_alone: list[float]
    decode_alone: list[float]


def cube(size: str) -> hyspec.Cube:
    """Return a synthetic cube of 224 bands; size: such as ``512x512``, rows and columns."""
    rows, _, columns = size.partition("x")
    return hyspec.Cube(hyspec.synthetic.scene(int(rows), int(columns), seed=1).cube.array)


def measure(source: hyspec.Cube, max_error: int, threads: Sequence[int], rounds: int = 3) -> Row:
    """Time encoding and decoding of a cube.

    Raises
    ------
    AssertionError
        Streams differ, or an error exceeds the limit.
    """

    def encode(count: int) -> bytes:
        return hyspec.encode(source, max_error=max_error, tile=TILE_ROWS, threads=count)

    stream = encode(threads[0])
    if any(encode(count) != stream for count in threads[1:]):
        raise AssertionError("the stream depends on the number of threads")
    decoded = hyspec.decode(stream, threads=threads[-1]).array
    worst = int(np.abs(decoded.astype(np.int64) - source.array).max())
    if worst > max_error:
        raise AssertionError(f"a sample is off by {worst}; expected at most {max_error}")
    work: list[Callable[[], Any]] = [partial(encode, count) for count in threads]
    work += [partial(hyspec.decode, stream, threads=count) for count in threads]
    times = shortest(work, rounds)
    encoding, decoding = times[: len(threads)], times[len(threads) :]
    return Row(
        max_error=max_error,
        bps=8 * len(stream) / source.array.size,
        threads=list(threads),
        encode_seconds=[times.clock for times in encoding],
        decode_seconds=[times.clock for times in decoding],
        encode_cpu_seconds=[times.processor for times in encoding],
        decode_cpu_seconds=[times.processor for times in decoding],
        encode_alone=[times.alone for times in encoding],
        decode_alone=[times.alone for times in decoding],
    )


@dataclass(frozen=True)
class Times:
    """Shortest seconds of a function: by the clock, of all threads, and of the calling one."""

    clock: float
    processor: float
    caller: float

    @property
    def alone(self) -> float:
        """Share of the calling thread; clocks of threads and processes may differ a little."""
        return min(1.0, self.caller / self.processor)


def shortest(work: Sequence[Callable[[], Any]], rounds: int) -> list[Times]:
    """Call functions in turns."""
    clocks = (time.perf_counter, time.process_time, time.thread_time)
    taken: list[list[list[float]]] = [[] for _ in work]
    for _ in range(rounds):
        for function, found in zip(work, taken, strict=True):
            before = [clock() for clock in clocks]
            function()
            found.append([clock() - start for clock, start in zip(clocks, before, strict=True)])
    return [Times(*map(min, zip(*found, strict=True))) for found in taken]


def table(rows: Sequence[Row], source: hyspec.Cube) -> Table:
    """Speed per processor with each number of threads, and what the clock says of more of them."""
    lines = []
    million = source.array.size / 1e6
    for row in rows:
        target = f"m = {row.max_error}" if row.max_error else "lossless"
        for name, clock, cpu, alone in (
            ("encoding", row.encode_seconds, row.encode_cpu_seconds, row.encode_alone),
            ("decoding", row.decode_seconds, row.decode_cpu_seconds, row.decode_alone),
        ):
            cells = [f"{million / cpu[0]:.1f}"]
            for s, c, share in zip(clock[1:], cpu[1:], alone[1:], strict=True):
                cells += [f"{million / c:.1f}", f"{clock[0] / s:.2f}", f"{100 * share:.1f} %"]
            lines.append([f"{name}, {target}", *cells])
    names = [f"{n} thread{'s' if n > 1 else ''}" for n in rows[0].threads]
    header = names[:1]
    for name in names[1:]:
        header += [name, "times as fast", "calling thread"]
    shape = " x ".join(map(str, source.shape))
    title = (
        f"Threads: a synthetic cube of {shape} samples in tiles of {TILE_ROWS} rows, million "
        f"samples per CPU second of all threads; times as fast as with {names[0]} by the clock; "
        "share of the work that the calling thread does"
    )
    return Table(title, ["", *header], lines)


def parser() -> argparse.ArgumentParser:
    """Return the arguments of the program."""
    program = argparse.ArgumentParser(
        "python -m hyspec_bench.thread_scaling", description=(__doc__ or "").partition(":")[0]
    )
    program.add_argument(
        "--synthetic",
        default="256x512",
        metavar="ROWSxCOLUMNS",
        help="cube of 224 bands to make (default: 256x512)",
    )
    program.add_argument(
        "--limits",
        nargs="+",
        type=int,
        default=LIMITS,
        metavar="M",
        help=f"largest errors, 0 for lossless (default: {' '.join(map(str, LIMITS))})",
    )
    program.add_argument(
        "--threads",
        nargs="+",
        type=positive,
        default=(1, 2),
        metavar="N",
        help="numbers of threads (default: 1 2)",
    )
    program.add_argument("--rounds", type=positive, default=3, help="timed turns (default: 3)")
    program.add_argument("--json", action="store_true", help="print JSON lines")
    return program


def main(argv: Sequence[str] | None = None) -> int:
    """Run the benchmark and print it."""
    options = parser().parse_args(argv)
    source = cube(options.synthetic)
    rows = []
    for limit in options.limits:
        rows.append(measure(source, limit, options.threads, options.rounds))
        if options.json:
            print(json.dumps(asdict(rows[-1])), flush=True)
    if not options.json:
        found = table(rows, source)
        print(f"{found.title}\n\n{found.markdown()}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
