"""Encoding of lines as a sensor delivers them: one row of tiles after the other."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import replace
from types import TracebackType
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from hyspec import intervals
from hyspec.chunk_sink import ChunkSink
from hyspec.core_errors import translated
from hyspec.cube import Cube
from hyspec.cube_chunks import CubeChunks, encoded_chunks
from hyspec.encoder import EncodeResult
from hyspec.encoding_plan import EncodingPlan
from hyspec.errors import UsageError
from hyspec.options import EncodeOptions
from hyspec.parallel import default_threads, own_threads_only
from hyspec.quality_choice import choose_quality
from hyspec.quantisation import sample_type
from hyspec.survey import survey
from hyspec.tiling import TileGrid

#: A row of tiles gets at most this much more, or less, than the rate asked for, to make up for what
#: the rows before it took.
_MOST_CORRECTION = 1.5
#: Rows that the container can number.
_MAX_ROWS = 2**31 - 1


class LineEncoder:
    """Encodes a cube whose lines come one after the other, in memory for one row of tiles.

    The number of lines need not be known. Each row of tiles is encoded as soon as it is complete,
    and meets the target by itself: ``rmse`` and ``quality`` hold for every row of tiles, ``bps``
    for all lines so far, as nearly as the next row can make it, and ``max_error``,
    ``max_relative_error`` and ``lossless`` for every sample.

    Parameters
    ----------
    write
        Takes the next bytes of the stream, such as the ``write`` method of a file.
    options
        Settings; a PSNR cannot be asked for, because its peak is not known before the end, and
        floating-point samples need a ``float_step``.
    **attributes
        Those of :class:`hyspec.Cube` but the array: ``wavelengths``, ``nodata``, and so on.

    Raises
    ------
    UsageError
        The settings need to know the whole cube.

    Examples
    --------
    >>> import hyspec
    >>> lines = hyspec.synthetic.scene(96, 40, seed=1).cube.array
    >>> pieces = []
    >>> options = hyspec.EncodeOptions(bps=0.5, tile=32)
    >>> with hyspec.LineEncoder(pieces.append, options) as encoder:
    ...     for line in lines:
    ...         encoder.push(line[None])
    >>> hyspec.decode(b"".join(pieces)).shape == lines.shape
    True
    """

    def __init__(
        self, write: Callable[[bytes], Any], options: EncodeOptions, **attributes: Any
    ) -> None:
        if options.psnr is not None:
            raise UsageError(
                "a PSNR needs the range of all lines, which come one after the other",
                hint="use rmse, bps or quality",
            )
        self._write = write
        self._options = options
        self._attributes = attributes
        self._started = time.perf_counter()
        self._waiting: npt.NDArray[Any] | None = None  # one row of tiles, filled from the top
        self._filled = 0
        self._lines = 0
        self._encoded = 0
        self._plan: EncodingPlan | None = None
        self._sink: ChunkSink | None = None
        self._qualities: list[float] = []
        self._missed: str | None = None
        self._result: EncodeResult | None = None

    def push(self, lines: npt.NDArray[Any]) -> None:
        """Take in the next lines.

        Parameters
        ----------
        lines
            Samples, shape (n, columns, bands); they may be overwritten afterwards.

        Raises
        ------
        UsageError
            The lines do not go with those before, or the encoder is finished.
        DataError
            As for :func:`hyspec.encode`.
        """
        if self._result is not None:
            raise UsageError("the stream is finished; no more lines can be added")
        lines = np.asarray(lines)
        if self._waiting is None:
            self._begin(lines)
        waiting = self._waiting
        assert waiting is not None
        if lines.ndim != 3 or lines.shape[1:] != waiting.shape[1:] or lines.dtype != waiting.dtype:
            raise UsageError(
                f"lines of shape {lines.shape} and type {lines.dtype} do not go with those "
                f"before; expected (n, {waiting.shape[1]}, {waiting.shape[2]}) and {waiting.dtype}",
                hint="push whole lines, of one sample type",
            )
        if self._lines + len(lines) > _MAX_ROWS:
            raise UsageError(f"a stream has at most {_MAX_ROWS} lines", hint="begin another stream")
        self._lines += len(lines)
        while len(lines):
            count = min(len(lines), len(waiting) - self._filled)
            waiting[self._filled : self._filled + count] = lines[:count]
            self._filled += count
            lines = lines[count:]
            if self._filled == len(waiting):
                self._encode_waiting()

    def finish(self) -> EncodeResult:
        """Encode the lines that are left, and end the stream.

        Returns
        -------
        EncodeResult
            ``quality`` is the mean of those of the rows of tiles, if they have any.

        Raises
        ------
        UsageError
            There were no lines.
        """
        if self._result is None:
            if self._filled:
                self._encode_waiting()
            if self._sink is None or self._plan is None or self._waiting is None:
                raise UsageError("a stream needs at least one line", hint="push lines first")
            with translated("cannot write the stream"):
                size = self._sink.finish()
            samples = self._lines * math.prod(self._waiting.shape[1:])
            self._result = EncodeResult(
                samples=samples,
                bytes=size,
                bps=8 * size / samples,
                seconds=time.perf_counter() - self._started,
                profile=self._plan.profile.name,
                pack=None if self._plan.pack is None else self._plan.pack.name,
                metric=self._options.metric,
                quality=float(np.mean(self._qualities)) if self._qualities else None,
                intervals=intervals.format_intervals(self._plan.partition),
                missed=self._missed,
                ways=self._sink.ways,
            )
        return self._result

    def __enter__(self) -> Self:
        """Return the encoder."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Finish, unless an exception ended the lines: the stream is then left without an index."""
        if kind is None:
            self.finish()
        elif self._sink is not None:
            self._sink.close()

    # ---- one row of tiles ---------------------------------------------------------------------

    def _begin(self, lines: npt.NDArray[Any]) -> None:
        cube = Cube(lines, **self._attributes)  # checks shape and type
        if cube.array.dtype.kind == "f" and self._options.float_step is None:
            raise UsageError(
                "lines of floating-point samples need a quantisation step: their range is not "
                "known before the end",
                hint="give a float_step, such as the noise of the sensor divided by 4",
            )
        tile_rows, _ = self._options.tile_size(_MAX_ROWS, cube.columns)
        self._waiting = np.empty((tile_rows, cube.columns, cube.bands), cube.array.dtype)

    def _encode_waiting(self) -> None:
        """Encode the lines that wait."""
        with own_threads_only():
            self._encode()

    def _encode(self) -> None:
        assert self._waiting is not None
        cube = Cube(self._waiting[: self._filled], **self._attributes)
        if self._plan is None:
            self._plan = EncodingPlan.of(cube, self._options)
        plan = self._plan
        found = survey(cube, None, plan.bad)
        counted = sample_type(cube, found, self._options)
        if self._sink is None:
            tile_columns = plan.options.tile_size(cube.rows, cube.columns)[1]
            header = plan.header(cube, counted, 0, (len(self._waiting), tile_columns))
            self._sink = ChunkSink(header, self._write)
        options = replace(plan.options, bps=self._budget(cube))
        tile_columns = options.tile_size(cube.rows, cube.columns)[1]
        grid = TileGrid(cube.rows, cube.columns, cube.rows, tile_columns)
        chunks = CubeChunks(cube, counted, grid, plan.partition, plan.coders, found.brightness)
        plan = replace(plan, options=options)
        chosen = choose_quality(chunks, plan, found, 0, _silent, strict=False)
        first = self._encoded // len(self._waiting) * grid.across
        threads = options.threads or default_threads()
        with translated("cannot write the stream"):
            for chunk in encoded_chunks(chunks, chosen.analyses, chosen.step, threads):
                self._sink.put(chunk, first)
        self._missed = self._missed or chosen.missed
        if chosen.quality is not None:
            self._qualities.append(chosen.quality)
        self._encoded += self._filled
        self._filled = 0

    def _budget(self, cube: Cube) -> float | None:
        """Rate for the next row of tiles."""
        target = self._options.bps
        if target is None:
            return None
        assert self._sink is not None
        per_line = cube.columns * cube.bands
        left = target * (self._encoded + cube.rows) * per_line - 8 * self._sink.size
        rate = left / (cube.rows * per_line)
        return min(max(rate, target / _MOST_CORRECTION), target * _MOST_CORRECTION)


def _silent(phase: str, done: int, total: int) -> None:
    """Report nothing."""
