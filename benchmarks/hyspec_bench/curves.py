"""One measured encoding of hyspec, and curves of rate and distortion over qualities."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import hyspec
from hyspec.metrics import Comparison
from hyspec.options import EncodeSettings
from hyspec_bench.delta import Point
from hyspec_tools.report import Timer


@dataclass(frozen=True)
class Encoding:
    """A stream and what was measured of it.

    Attributes
    ----------
    bytes : int
        Size of the stream.
    bps : float
        Bits per sample, of all samples, nodata included.
    comparison : Comparison
        Of the cube with what its stream decodes to.
    profile : str
    pack : str or None
        As for `hyspec.Stream`.
    encode_seconds, decode_seconds : float
        Wall-clock time.
    """

    bytes: int
    bps: float
    comparison: Comparison
    profile: str
    pack: str | None
    encode_seconds: float
    decode_seconds: float


def encode(cube: hyspec.Cube, settings: EncodeSettings) -> Encoding:
    """Encode a cube, decode the stream and compare.

    Raises
    ------
    HyspecError
        As for `hyspec.encode`; TargetError where a target is out of reach.
    """
    encoding, decoding = Timer(), Timer()
    with encoding:
        data = hyspec.encode(cube, **settings)
    with decoding:
        stream = hyspec.Stream(data, pack=settings.get("pack"), threads=settings.get("threads"))
        decoded = stream.read()
    return Encoding(
        bytes=len(data),
        bps=8 * len(data) / cube.array.size,
        comparison=hyspec.metrics.compare(cube, decoded),
        profile=stream.profile,
        pack=stream.pack_name,
        encode_seconds=encoding.seconds,
        decode_seconds=decoding.seconds,
    )


def curve(cube: hyspec.Cube, settings: EncodeSettings, qualities: Sequence[float]) -> list[Point]:
    """Bits per sample and PSNR in dB at each quality, in the order of the qualities."""
    return [(e.bps, e.comparison.psnr_db) for e in encodings(cube, settings, qualities)]


def encodings(
    cube: hyspec.Cube, settings: EncodeSettings, qualities: Sequence[float]
) -> list[Encoding]:
    """Encode a cube at each quality."""
    return [encode(cube, {**settings, "quality": quality}) for quality in qualities]
