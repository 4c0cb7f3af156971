"""Memory of the encoder by the number of lines: python -m hyspec_bench.memory.

Every encoding is a process of its own that reads a memory-mapped cube of synthetic samples. What is
printed is the peak of its anonymous resident memory (Linux: ``RssAnon``): pages of the file do not
count, because the system takes them back when it needs them. ``added`` is what the encoding added
to the interpreter with its libraries and the pack.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
import tempfile
import threading
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

import hyspec
from hyspec import Cube, pack
from hyspec_bench import turns

_STATUS = Path("/proc/self/status")
#: Seconds between two looks at the memory.
_INTERVAL = 0.002


@dataclass(frozen=True)
class Row:
    """Memory of one encoding, in bytes; ``target`` is a setting such as ``quality=40``."""

    lines: int
    columns: int
    bands: int
    threads: int
    target: str
    cube: int
    peak: int
    added: int
    bps: float


def anonymous() -> int:
    """Anonymous resident memory of this process in bytes."""
    found = re.search(r"^RssAnon:\s+(\d+) kB$", _STATUS.read_text(), re.MULTILINE)
    if found is None:
        raise RuntimeError(f"{_STATUS} has no RssAnon; this benchmark needs Linux 4.5 or later")
    return 1024 * int(found[1])


def write_cube(path: Path, lines: int, columns: int, bands: int) -> None:
    """Write a cube in the format of NumPy, block of lines by block: a scene over and over.

    Every block has noise of its own.
    """
    rng = np.random.default_rng(7)
    block = min(64, lines)
    scene = hyspec.synthetic.scene(block, columns, seed=3).cube.array[:, :, :bands]
    cube = np.lib.format.open_memmap(path, "w+", np.uint16, (lines, columns, bands))
    for first in range(0, lines, block):
        part = scene[: min(block, lines - first)]
        cube[first : first + block] = part + rng.integers(0, 8, part.shape, np.uint16)
    cube.flush()


def encode(path: Path, target: str, threads: int) -> dict[str, Any]:
    """Encode a cube; return the rate, and peak and growth of the anonymous memory."""
    name, _, value = target.partition("=")
    cube = Cube(np.load(path, mmap_mode="r"))
    pack.load("generic-spectral")
    before = peak = anonymous()
    done = threading.Event()

    def watch() -> None:
        nonlocal peak
        while not done.wait(_INTERVAL):
            peak = max(peak, anonymous())

    watcher = threading.Thread(target=watch)
    watcher.start()
    settings: dict[str, Any] = {name: float(value), "threads": threads}
    try:
        result = hyspec.encode_to(cube, len, hyspec.EncodeOptions(**settings))
    finally:
        done.set()
        watcher.join()
    return {"peak": peak, "added": peak - before, "bps": result.bps}


def measure(path: Path, lines: int, target: str, options: argparse.Namespace) -> Row:
    """Encode in a process of its own."""
    command = [sys.executable, "-m", "hyspec_bench.memory", "--encode", str(path), target]
    command += ["--threads", str(options.threads)]
    ran = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    return Row(
        lines=lines,
        columns=options.columns,
        bands=options.bands,
        threads=options.threads,
        target=target,
        cube=2 * lines * options.columns * options.bands,
        **json.loads(ran.stdout),
    )


def parser() -> argparse.ArgumentParser:
    """Return the arguments of the program."""
    program = argparse.ArgumentParser(
        "python -m hyspec_bench.memory", description=(__doc__ or "").partition("\n")[0]
    )
    lines = [256, 1024, 4096]
    program.add_argument("--lines", nargs="+", type=int, default=lines, metavar="N")
    program.add_argument("--columns", type=int, default=256, metavar="N")
    program.add_argument("--bands", type=int, default=200, metavar="N", help="at most 224")
    program.add_argument("--threads", type=int, default=1, metavar="N")
    program.add_argument(
        "--targets",
        nargs="+",
        default=["quality=70", "bps=0.25"],
        metavar="NAME=VALUE",
        help="settings to encode with (default: quality=70 bps=0.25)",
    )
    program.add_argument("--json", action="store_true", help="print JSON lines")
    program.add_argument("--encode", nargs=2, help=argparse.SUPPRESS)
    return program


def line(row: Row) -> str:
    """One line of the table."""
    sizes = "".join(f"{size / 2**20:10.1f}" for size in (row.cube, row.peak, row.added))
    return f"{row.lines:8}{row.target:>14}{row.bps:10.3f}{sizes}"


def main(argv: Sequence[str] | None = None) -> int:
    """Run the benchmark and print it."""
    arguments = sys.argv[1:] if argv is None else argv
    options = parser().parse_args(arguments)
    if options.encode:
        path, target = options.encode
        print(json.dumps(encode(Path(path), target, options.threads)))
        return 0
    if not turns.is_one_thread():
        return turns.again_with_one_thread("hyspec_bench.memory", arguments)
    if not options.json:
        print(f"{'lines':>8}{'target':>14}{'bit/s.':>10}{'cube':>10}{'peak':>10}{'added':>10}  MiB")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "cube.npy")
        for lines in options.lines:
            write_cube(path, lines, options.columns, options.bands)
            for target in options.targets:
                row = measure(path, lines, target, options)
                print(json.dumps(asdict(row)) if options.json else line(row), flush=True)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
