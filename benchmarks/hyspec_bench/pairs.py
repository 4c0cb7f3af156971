"""Speed of several codecs that take turns on the same scenes (A B A B ...), in one thread.

Measurements of their own processes tell how fast a codec is; whether it is faster than another one
is told by turns, since what slows the machine down for a while slows both.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

from hyspec.errors import UsageError
from hyspec_bench import registry, scenes, turns
from hyspec_bench.codecs.codec import Target, refuse


def measure(
    scene: scenes.Scene, names: Sequence[str], target: Target, rounds: int
) -> list[dict[str, Any]]:
    """Time encoding and decoding of codecs in turns.

    Parameters
    ----------
    scene
        What to encode.
    names
        Two codecs or more; the first is what the others are compared with.
    target
        One that all of them have.
    rounds
        Timed turns of each codec, after one that is not timed.

    Returns
    -------
    list of dict
        One record per codec: ``scene``, ``codec``, ``first``, ``kind``, ``setting``, ``samples``,
        ``bps``, ``rounds``, medians ``encode_seconds`` and ``decode_seconds`` of processor time,
        and ``encode_ratio`` and ``decode_ratio``, how many times as fast as the first codec it is
        by these medians.

    Raises
    ------
    UsageError
        There are fewer than two codecs, or one does not have the target.
    """
    if len(names) < 2:
        raise UsageError(f"found {len(names)} codec; expected two or more that take turns")
    codecs = [registry.create(name) for name in names]
    for codec in codecs:
        if target.kind not in codec.kinds:
            raise refuse(codec, target)
    streams = [codec.encode(scene.cube, target) for codec in codecs]
    encoders: list[Callable[[], Any]] = [
        lambda codec=codec: codec.encode(scene.cube, target)  # type: ignore[misc]
        for codec in codecs
    ]
    decoders: list[Callable[[], Any]] = [
        lambda codec=codec, data=data: codec.decode(data)  # type: ignore[misc]
        for codec, data in zip(codecs, streams, strict=True)
    ]
    encode_seconds = turns.medians(encoders, rounds, time.process_time)
    decode_seconds = turns.medians(decoders, rounds, time.process_time)
    return [
        {
            "scene": scene.name,
            "scene_sha256": scene.sha256,
            "codec": name,
            "first": names[0],
            "kind": str(target.kind),
            "setting": target.value,
            "samples": scene.cube.array.size,
            "bps": 8 * len(data) / scene.cube.array.size,
            "rounds": rounds,
            "encode_seconds": encode,
            "decode_seconds": decode,
            "encode_ratio": encode_seconds[0] / encode,
            "decode_ratio": decode_seconds[0] / decode,
        }
        for name, data, encode, decode in zip(
            names, streams, encode_seconds, decode_seconds, strict=True
        )
    ]
