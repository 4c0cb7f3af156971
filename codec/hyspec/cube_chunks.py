"""A cube cut into chunks: tiles times band intervals, each with the coder of its interval."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from hyspec import framing
from hyspec.cube import Cube
from hyspec.errors import UsageError
from hyspec.intervals import BandInterval
from hyspec.latest import Latest
from hyspec.nodata import validity
from hyspec.parallel import ordered_map
from hyspec.sample_type import SampleType
from hyspec.tile_coder import TileAnalysis, TileCoder, TileSamples
from hyspec.tiling import Tile, TileGrid

#: More chunks than this are refused: their headers alone would outweigh what they hold.
MAX_CHUNKS = 1 << 20
#: Rows of tiles whose analyses are kept where tiles are analysed by rows: of each interval, and for
#: threads that are ahead.
_KEPT_ROWS = 2
_KEPT_AHEAD = 4


@dataclass(frozen=True)
class Job:
    """One chunk to be: a tile and the number of an interval."""

    tile: Tile
    interval: int


class CubeChunks:
    """The chunks of a cube, read and coded one at a time by any number of threads.

    Parameters
    ----------
    cube
        The cube; only the samples of a chunk are read at a time.
    sample_type
        How samples become whole numbers.
    grid
        The tiles.
    partition
        The band intervals.
    coders
        One coder per interval.
    brightness
        Root mean square of the samples; 0 if not known.

    Raises
    ------
    UsageError
        There are more than ``MAX_CHUNKS`` chunks.
    """

    def __init__(
        self,
        cube: Cube,
        sample_type: SampleType,
        grid: TileGrid,
        partition: Sequence[BandInterval],
        coders: Sequence[TileCoder[Any, Any]],
        brightness: float = 0.0,
    ) -> None:
        count = len(grid) * len(partition)
        if count > MAX_CHUNKS:
            raise UsageError(
                f"{len(grid)} tiles times {len(partition)} intervals are {count} chunks; "
                f"at most {MAX_CHUNKS} are possible",
                hint="use larger tiles",
            )
        self.cube = cube
        self.sample_type = sample_type
        self.grid = grid
        self.partition = partition
        self._coders = coders
        self._brightness = brightness
        self._rows: Latest[tuple[int, int], list[TileAnalysis]]
        self._rows = Latest(_KEPT_ROWS * len(partition) + _KEPT_AHEAD)

    @property
    def samples(self) -> int:
        """Samples of the whole cube."""
        return math.prod(self.cube.shape)

    @property
    def together(self) -> int:
        """Tiles that are analysed together: those of a row, or one."""
        return self.grid.across if any(coder.by_row for coder in self._coders) else 1

    def strip(self, rows: slice) -> CubeChunks:
        """Chunks that some rows would have if they were the cube, one tile high."""
        cube = replace(self.cube, array=self.cube.array[rows])
        grid = TileGrid(cube.rows, cube.columns, cube.rows, self.grid.tile_columns)
        return CubeChunks(
            cube, self.sample_type, grid, self.partition, self._coders, self._brightness
        )

    def analysis_bytes(self, job: Job, *, masked: bool) -> int:
        """Memory of the analysis of a chunk; see :meth:`TileCoder.analysis_bytes`."""
        shape = job.tile.rows, job.tile.columns, len(self.partition[job.interval])
        return self._coders[job.interval].analysis_bytes(shape, masked=masked)

    def __len__(self) -> int:
        """Return the number of chunks."""
        return len(self.grid) * len(self.partition)

    def of_tile(self, number: int) -> list[Job]:
        """Chunks of one tile, in their order in the stream."""
        tile = self.grid[number]
        return [Job(tile, k) for k in range(len(self.partition))]

    def jobs(self) -> Iterator[Job]:
        """All chunks, in their order in the stream."""
        return (job for number in range(len(self.grid)) for job in self.of_tile(number))

    def read(self, job: Job) -> npt.NDArray[Any]:
        """Samples of a chunk, shape (rows, columns, bands): a view."""
        tile, band = job.tile, self.partition[job.interval]
        return self.cube.array[
            tile.row : tile.row_stop, tile.column : tile.column_stop, band.start : band.stop
        ]

    def analyse(self, job: Job) -> TileAnalysis:
        """Measure and transform a chunk."""
        if self.together > 1:
            row, position = divmod(job.tile.number, self.together)
            return self._rows.get((row, job.interval), self._analyse_row)[position]
        analysis: TileAnalysis = self._coders[job.interval].analyse(self._samples(job))
        return analysis

    def _analyse_row(self, key: tuple[int, int]) -> list[TileAnalysis]:
        row, interval = key
        numbers = range(row * self.grid.across, (row + 1) * self.grid.across)
        tiles = [self._samples(Job(self.grid[number], interval)) for number in numbers]
        return list(self._coders[interval].analyse_row(tiles))

    def _samples(self, job: Job) -> TileSamples:
        samples = self.read(job)
        valid = validity(samples, self.cube.nodata)
        brightness = self._brightness / (self.sample_type.step or 1.0)
        return TileSamples(samples, valid, self.sample_type, brightness, self.cube.nodata)

    def encode(self, job: Job, analysis: TileAnalysis, step: int) -> tuple[bytes, int]:
        """Payload of a chunk at a quality step, and the checksum of its symbols."""
        if step not in analysis.coded:
            payload, checksum = self._coders[job.interval].payload(analysis, step)
            analysis.coded.clear()
            analysis.coded[step] = payload, checksum
        return analysis.coded[step]

    def layers(self, job: Job, analysis: TileAnalysis, step: int) -> list[tuple[bytes, int]]:
        """Payloads of a chunk and of what layers add to it, each with its checksum."""
        if step in analysis.coded:
            return [analysis.coded[step]]
        return self._coders[job.interval].layers(analysis, step)

    def ways(self, job: Job, layers: list[tuple[bytes, int]]) -> list[str]:
        """Way of each payload of a chunk to its samples; empty in profiles with one way."""
        found = (self._coders[job.interval].way(payload) for payload, _ in layers)
        return [way for way in found if way is not None]

    def size(self, job: Job, analysis: TileAnalysis, step: int) -> int:
        """Bytes that a chunk takes in the stream at a quality step."""
        payload, _ = self.encode(job, analysis, step)
        return framing.chunk_size(job.tile.number, job.interval, job.tile.rows, len(payload))

    def squared_error(self, job: Job, analysis: TileAnalysis, step: int) -> tuple[float, int]:
        """Sum of squared errors over the valid samples of a chunk, and their number.

        Bands that are dropped do not count.
        """
        coder = self._coders[job.interval]
        payload, checksum, symbols = coder.encode(analysis, step)
        analysis.coded.clear()
        analysis.coded[step] = payload, checksum
        samples = self.read(job)
        bands = np.flatnonzero(coder.counted(samples.shape[2]))
        decoded = np.empty((*samples.shape[:2], len(bands)), samples.dtype.newbyteorder("="))
        whole = slice(None), slice(None)
        coder.reconstruct(analysis.tile, symbols, bands, whole, self.sample_type, None, decoded)
        total, count = 0.0, 0
        for row, (mine, theirs) in enumerate(zip(decoded, samples[:, :, bands], strict=True)):
            error = mine.astype(np.float64) - theirs
            if analysis.valid is not None:
                error = error[analysis.valid[bands, row].T]
            total += float(np.vdot(error, error))
            count += error.size
        return total, count


@dataclass(frozen=True)
class EncodedChunk:
    """A chunk that is ready to be written.

    Attributes
    ----------
    job : Job
        Tile and interval.
    layers : list of (bytes, int)
        Payload and the checksum of its symbols, of each layer.
    ways : list of str
        Way of each payload to its samples; empty in profiles with one way.
    """

    job: Job
    layers: list[tuple[bytes, int]]
    ways: list[str]


def encoded_chunks(
    chunks: CubeChunks, analyses: dict[Job, TileAnalysis], step: int, threads: int
) -> Iterator[EncodedChunk]:
    """Encode all chunks in their order.

    Parameters
    ----------
    chunks
        The cube, cut into chunks.
    analyses
        Those that are known; each is forgotten when its chunk is encoded.
    step
        Quality step.
    threads
        Threads to use.
    """

    def encode(job: Job) -> EncodedChunk:
        analysis = analyses.pop(job, None) or chunks.analyse(job)
        layers = chunks.layers(job, analysis, step)
        return EncodedChunk(job, layers, chunks.ways(job, layers))

    yield from ordered_map(encode, chunks.jobs(), threads)
