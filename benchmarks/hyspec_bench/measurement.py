"""One measurement: ``python -m hyspec_bench.measurement SCENE CODEC KIND VALUE [STREAM]``.

Prints one line of JSON and keeps the encoded bytes in the file STREAM. The process encodes the
scene, decodes the bytes, and compares, all in one thread. Times are processor time, which other
work on the machine disturbs least; memory is what the operating system counts.
"""

from __future__ import annotations

import json
import math
import statistics
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, TypeVar

from hyspec import intervals
from hyspec.errors import DataError, HyspecError
from hyspec_bench import quality, registry, scenes
from hyspec_bench.codecs.codec import Kind, Samples, Target, refuse

_Result = TypeVar("_Result")
#: A scene and its decoded samples to a figure.
Task = Callable[[scenes.Scene, Samples], float]

#: An operation that takes less than this many seconds is repeated and the median counts.
_SHORT_SECONDS = 1.0
_ROUNDS = 3


def measure(
    scene: scenes.Scene,
    name: str,
    target: Target,
    *,
    stream: Path | None = None,
    tasks: Mapping[str, Task] | None = None,
) -> dict[str, Any]:
    """Encode, decode and compare.

    Parameters
    ----------
    scene, name, target
        What to encode, with which codec, at which target.
    stream
        File that the encoded bytes are written to.
    tasks
        Measures of what the decoded scene is good for, by name: functions of the scene and of the
        decoded samples, such as the accuracy of a classifier.

    Returns
    -------
    dict
        Rate, bytes, all of `quality.Quality`, seconds of processor time, and the peak of resident
        memory in MiB during each operation, the process and the scene included.

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
    data, encode_seconds, encode_memory = _timed(lambda: codec.encode(scene.cube, target))
    decoded, decode_seconds, decode_memory = _timed(lambda: codec.decode(data))
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
        "encode_seconds": encode_seconds,
        "decode_seconds": decode_seconds,
        "encode_memory_mib": encode_memory,
        "decode_memory_mib": decode_memory,
        "interval_psnr_db": dict(
            zip(
                map(str, partition),
                quality.interval_psnr_db(original, decoded, partition),
                strict=True,
            )
        ),
        "tasks": {task: value(scene, decoded) for task, value in (tasks or {}).items()},
    }


def main(argv: Sequence[str] | None = None) -> int:
    """Measure and print."""
    path, name, kind, value, *rest = sys.argv[1:] if argv is None else argv
    scene = scenes.load(Path(path))
    try:
        stream = Path(rest[0]) if rest else None
        record = measure(scene, name, Target(Kind(kind), float(value)), stream=stream)
    except HyspecError as error:
        record = {"error": f"{type(error).__name__}: {error}"}
    print(json.dumps({"scene_sha256": scene.sha256, **record}))
    return 0


def _timed(operation: Callable[[], _Result]) -> tuple[_Result, float, float | None]:
    """Result, median seconds of a few rounds where these are short, peak memory in MiB."""
    forgotten = _forget_peak()
    result, seconds = _once(operation)
    memory = _peak_mib() if forgotten else None
    if seconds < _SHORT_SECONDS:
        again = [_once(operation)[1] for _ in range(_ROUNDS - 1)]
        seconds = statistics.median([seconds, *again])
    return result, seconds, memory


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


def _peak_mib() -> float:
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) / 1024
    return math.nan


if __name__ == "__main__":
    raise SystemExit(main())
