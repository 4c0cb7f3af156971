"""One measurement, as a program: ``python -m hyspec_bench.measurement --help``.

Prints one line of JSON. The process encodes the scene, decodes the bytes, and compares, all in one
thread. Times are processor time, which other work on the machine disturbs least; memory is what the
operating system counts.
"""

from __future__ import annotations

import argparse
import math
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, TypeVar

from hyspec import intervals
from hyspec.errors import DataError, HyspecError
from hyspec_bench import quality, registry, scenes
from hyspec_bench import tasks as task_functions
from hyspec_bench.codecs.codec import Kind, Target, refuse
from hyspec_tools.common import to_json

_Result = TypeVar("_Result")

#: An operation that takes less than this many seconds is repeated and the median counts.
_SHORT_SECONDS = 1.0
_ROUNDS = 3


def measure(
    scene: scenes.Scene,
    name: str,
    target: Target,
    *,
    stream: Path | None = None,
    tasks: Mapping[str, task_functions.Task] | None = None,
) -> dict[str, Any]:
    """Encode, decode and compare.

    Parameters
    ----------
    scene, name, target
        What to encode, with which codec, at which target.
    stream
        File that the encoded bytes are written to.
    tasks
        Measures of what the decoded scene is good for, by name.

    Returns
    -------
    dict
        Rate, bytes, all of `quality.Quality`, seconds of processor time, the peak of resident
        memory in MiB during each operation, the process and the scene included, and how much of it
        was resident before; ``None`` where the operating system does not tell.

    Raises
    ------
    UsageError
        The codec has no such target.
    DataError
        The decoded cube breaks the target: an error beyond the limit, or not lossless.
    """
    codec = registry.create(name)
    if target.kind not in codec.kinds:
        raise refuse(codec, target)
    data, encoding = _timed(lambda: codec.encode(scene.cube, target))
    decoder = registry.create(name)  # another object, that has seen nothing but the bytes
    decoded, decoding = _timed(lambda: decoder.decode(data))
    original = scene.cube.array
    result = quality.measure(original, decoded)
    limit = {Kind.MAX_ERROR: target.value, Kind.LOSSLESS: 0.0}.get(target.kind, math.inf)
    if result.max_abs_error > limit:
        raise DataError(
            f"{name} left an error of {result.max_abs_error:g} in {scene.name}; "
            f"expected at most {limit:g}"
        )
    partition = intervals.seed_intervals(
        scene.cube.bands, scene.cube.wavelengths, scene.cube.wavelength_unit
    ).intervals
    if stream is not None:
        stream.parent.mkdir(parents=True, exist_ok=True)
        stream.write_bytes(data)
    return {
        "bytes": len(data),
        "bps": 8 * len(data) / original.size,
        **asdict(result),
        **{f"encode_{name}": value for name, value in asdict(encoding).items()},
        **{f"decode_{name}": value for name, value in asdict(decoding).items()},
        "interval_psnr_db": dict(
            zip(
                map(str, partition),
                quality.interval_psnr_db(original, decoded, partition),
                strict=True,
            )
        ),
        "tasks": {task: value(scene, decoded) for task, value in (tasks or {}).items()},
    }


def parser() -> argparse.ArgumentParser:
    """Return the arguments of the program."""
    program = argparse.ArgumentParser("python -m hyspec_bench.measurement")
    program.add_argument("scene", type=Path, help="file to encode")
    program.add_argument("codec", help="name of the codec")
    program.add_argument("kind", type=Kind, help="what the target limits")
    program.add_argument("value", type=float, help="the limit")
    program.add_argument("--stream", type=Path, metavar="FILE", help="keep the encoded bytes")
    program.add_argument("--tasks", nargs="*", default=(), metavar="MODULE:FUNCTION")
    return program


def main(argv: Sequence[str] | None = None) -> int:
    """Measure and print."""
    options = parser().parse_args(argv)
    scene = scenes.load(options.scene)
    target = Target(options.kind, options.value)
    tasks = task_functions.load(options.tasks)
    try:
        record = measure(scene, options.codec, target, stream=options.stream, tasks=tasks)
    except HyspecError as error:
        record = {"error": f"{type(error).__name__}: {error}"}
    print(to_json({"scene_sha256": scene.sha256, **record}))
    return 0


@dataclass(frozen=True)
class _Cost:
    """Processor time, and resident memory at its peak and before; see `measure`."""

    seconds: float
    memory_mib: float | None
    memory_before_mib: float | None


def _timed(operation: Callable[[], _Result]) -> tuple[_Result, _Cost]:
    """Result and cost, of the first run and in seconds of the median of a few short ones."""
    before = _resident_mib("VmRSS") if _forget_peak() else None
    result, seconds = _once(operation)
    peak = _resident_mib("VmHWM") if before is not None else None
    if seconds < _SHORT_SECONDS:
        again = [_once(operation)[1] for _ in range(_ROUNDS - 1)]
        seconds = statistics.median([seconds, *again])
    return result, _Cost(seconds, peak, before)


def _once(operation: Callable[[], _Result]) -> tuple[_Result, float]:
    started = time.process_time()
    result = operation()
    return result, time.process_time() - started


def _forget_peak() -> bool:
    """Ask Linux to count the peak of resident memory from now on."""
    try:
        Path("/proc/self/clear_refs").write_text("5")
    except OSError:
        return False
    return True


def _resident_mib(field: str) -> float:
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(f"{field}:"):
            return int(line.split()[1]) / 1024
    return math.nan


if __name__ == "__main__":
    raise SystemExit(main())
