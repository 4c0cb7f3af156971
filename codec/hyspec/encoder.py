"""Encoding of a cube: tiles and intervals through the profile into a stream of chunks."""

from __future__ import annotations

import math
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Unpack

import numpy as np
import numpy.typing as npt

from hyspec import _core, intervals
from hyspec.chunk_sink import ChunkSink
from hyspec.core_errors import translated
from hyspec.cube import Cube
from hyspec.cube_chunks import CubeChunks, encoded_chunks
from hyspec.encoding_plan import EncodingPlan
from hyspec.errors import TargetWarning
from hyspec.options import EncodeOptions, EncodeSettings
from hyspec.parallel import default_threads, own_threads_only
from hyspec.quality_choice import QualityChoice, choose_quality
from hyspec.quantisation import sample_type
from hyspec.step_search import Progress
from hyspec.survey import survey
from hyspec.tiling import TileGrid


@dataclass(frozen=True)
class EncodeResult:
    """What an encoding did.

    Attributes
    ----------
    samples : int
        Samples of the cube, nodata included.
    bytes : int
        Length of the stream.
    bps : float
        Bits per sample, all bytes counted.
    seconds : float
        Time that the encoding took.
    profile : str
        Profile.
    pack : str or None
        Name of the pack; ``None`` where the profile needs none.
    metric : str
        What was kept small.
    quality : float or None
        Value of the ``quality`` option that gives the same stream with this metric; ``None`` in
        the profile ``bounded``, which has no quality.
    intervals : str
        Band intervals, 1-based inclusive.
    missed : str or None
        Where the target lies between two qualities whose streams differ by more than its tolerance:
        what was taken instead, the one below a rate or error, or above a PSNR.
    ways : dict
        How many chunks went each way to their samples, in the profile ``bounded``:
        ``"prediction"``, ``"corrections"``, and ``"base"``, which is counted beside the layer that
        adds to it. Empty in profiles with one way.
    """

    samples: int
    bytes: int
    bps: float
    seconds: float
    profile: str
    pack: str | None
    metric: str
    quality: float | None
    intervals: str
    missed: str | None
    ways: dict[str, int]


def encode(cube: Cube | npt.NDArray[Any], **settings: Unpack[EncodeSettings]) -> bytes:
    """Encode a cube.

    Parameters
    ----------
    cube
        The cube, or an array of shape (rows, columns, bands).
    **settings
        Those of :class:`hyspec.EncodeOptions`: at most one target among ``quality`` (0-100),
        ``bps`` (bits per sample), ``psnr`` (dB), ``rmse`` (sample units), ``lossless``, and
        ``max_error`` (sample units) or ``max_relative_error`` or both; and ``layers``,
        ``base_bps``, ``profile``, ``pack``, ``intervals``, ``joint``, ``bad_bands``, ``tile``,
        ``float_step``, ``precision``, ``network``, ``fast``, ``metric``, ``threads``.

    Returns
    -------
    bytes
        The stream: the content of a ``.hyc`` file.

    Raises
    ------
    UsageError
        Settings that make no sense together.
    DataError
        The cube cannot be encoded: infinite samples, for example.
    TargetError
        The target is out of reach for this cube and pack.
    PackError
        The pack is missing, damaged or of another profile.

    Warns
    -----
    TargetWarning
        The target was missed because it lies between two neighbouring qualities.
    """
    pieces: list[bytes] = []
    result = encode_to(cube, pieces.append, EncodeOptions(**settings))
    if result.missed is not None:
        warnings.warn(result.missed, TargetWarning, stacklevel=2)
    return b"".join(pieces)


def encode_to(
    cube: Cube | npt.NDArray[Any],
    write: Callable[[bytes], Any],
    options: EncodeOptions,
    progress: Progress | None = None,
) -> EncodeResult:
    """Encode a cube piece by piece, never going back; see :func:`encode`.

    Parameters
    ----------
    cube
        The cube; its array may be a memory map, of which a few tiles are read at a time.
    write
        Takes the next bytes of the stream, such as the ``write`` method of a file.
    options
        Settings.
    progress
        Called as pieces of work are finished.
    """
    started = time.perf_counter()
    if not isinstance(cube, Cube):
        cube = Cube(np.asarray(cube))
    with own_threads_only():
        encoder = _Encoder(cube, options, progress or _silent)
        size, ways, chosen = encoder.run(write)
    samples = math.prod(cube.shape)
    return EncodeResult(
        samples=samples,
        bytes=size,
        bps=8 * size / samples,
        seconds=time.perf_counter() - started,
        profile=encoder.plan.profile.name,
        pack=None if encoder.plan.pack is None else encoder.plan.pack.name,
        metric=options.metric,
        quality=chosen.quality,
        intervals=intervals.format_intervals(encoder.plan.partition),
        missed=chosen.missed,
        ways=ways,
    )


class _Encoder:
    """One encoding: header, choice of the quality, chunks."""

    def __init__(self, cube: Cube, options: EncodeOptions, progress: Progress) -> None:
        self._progress = progress
        self._threads = options.threads or default_threads()
        self.plan = EncodingPlan.of(cube, options)
        found = survey(cube, progress, self.plan.bad)
        counted = sample_type(cube, found, options)
        tile_size = options.tile_size(cube.rows, cube.columns)
        self._header = self.plan.header(cube, counted, cube.rows, tile_size)
        grid = TileGrid(cube.rows, cube.columns, *tile_size)
        self._chunks = CubeChunks(
            cube, counted, grid, self.plan.partition, self.plan.coders, found.brightness
        )
        self._survey = found

    def run(self, write: Callable[[bytes], Any]) -> tuple[int, dict[str, int], QualityChoice]:
        """Write the stream; return its length, the ways of its chunks, and the quality."""
        preamble = len(_core.serialize_preamble(self._header))
        chosen = choose_quality(self._chunks, self.plan, self._survey, preamble, self._progress)
        with translated("cannot write the stream"), ChunkSink(self._header, write) as sink:
            encoded = encoded_chunks(self._chunks, chosen.analyses, chosen.step, self._threads)
            for done, chunk in enumerate(encoded, 1):
                sink.put(chunk)
                self._progress("encoding", done, len(self._chunks))
            return sink.finish(), sink.ways, chosen


def _silent(phase: str, done: int, total: int) -> None:
    """Report nothing."""
