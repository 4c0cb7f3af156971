"""Encoding of a cube: tiles and intervals through the profile into a stream of chunks."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from hyspec import _core, framing, intervals, pack, rate_control, source_metadata
from hyspec.band_profile import (
    PROFILE_ID,
    PROFILE_VERSION,
    STEPS_PER_OCTAVE,
    BandCoder,
    TileAnalysis,
    step_for_octave,
)
from hyspec.core_errors import translated
from hyspec.cube import Cube
from hyspec.errors import DataError, UsageError
from hyspec.nodata import validity
from hyspec.options import DEFAULT_QUALITY, EncodeOptions
from hyspec.parallel import default_threads, ordered_map
from hyspec.sample_type import SampleType, automatic_step
from hyspec.survey import Survey, survey
from hyspec.tiling import Tile, TileGrid
from hyspec.version import SOFTWARE

#: Called with (phase, pieces done, pieces in all).
Progress = Callable[[str, int, int], None]
#: Latents kept in memory while a target is searched; larger cubes are searched on some tiles.
_CACHE_BYTES = 512 << 20


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
    profile, pack : str
        Profile, and name of the pack.
    quality : float
        The value of ``quality=`` that gives the same stream, if it lies within 0 to 100 and the
        rate was not steered from tile to tile; else the nearest.
    intervals : str
        Band intervals, 1-based inclusive.
    """

    samples: int
    bytes: int
    bps: float
    seconds: float
    profile: str
    pack: str
    quality: float
    intervals: str


@dataclass(frozen=True)
class _Job:
    """One chunk to be."""

    tile: Tile
    interval: int


def encode(cube: Cube | npt.NDArray[Any], **settings: Any) -> bytes:
    """Encode a cube.

    Parameters
    ----------
    cube
        The cube, or an array of shape (rows, columns, bands).
    **settings
        Those of :class:`hyspec.EncodeOptions`: at most one target among ``quality`` (0-100),
        ``bps`` (bits per sample), ``psnr`` (dB) and ``rmse`` (sample units), and ``pack``,
        ``intervals``, ``tile``, ``float_step``, ``threads``.

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
    """
    pieces: list[bytes] = []
    encode_to(cube, pieces.append, EncodeOptions(**settings))
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
    encoder = _Encoder(cube, options, progress or _silent)
    size, step = encoder.run(write)
    samples = math.prod(cube.shape)
    return EncodeResult(
        samples=samples,
        bytes=size,
        bps=8 * size / samples,
        seconds=time.perf_counter() - started,
        profile=options.profile,
        pack=encoder.pack.name,
        quality=encoder.quality_of(step),
        intervals=intervals.format_intervals(encoder.partition),
    )


class _Encoder:
    def __init__(self, cube: Cube, options: EncodeOptions, progress: Progress) -> None:
        self._cube = cube
        self._options = options
        self._progress = progress
        self._threads = options.threads or default_threads()
        self.pack = pack.load(options.pack)
        self._survey = survey(cube)
        self._type = _sample_type(cube, self._survey, options.float_step)
        self.partition = _partition(cube, options.intervals)
        models = _models(cube, self.partition, len(self.pack.models))
        self._coders = [BandCoder(self.pack, self.pack.models[m]) for m in models]
        tile_rows, tile_columns = options.tile_size(cube.rows, cube.columns)
        self._grid = TileGrid(cube.rows, cube.columns, tile_rows, tile_columns)
        self._jobs = [_Job(tile, k) for tile in self._grid for k in range(len(self.partition))]
        self._header = _core.Header(
            rows=cube.rows,
            columns=cube.columns,
            bands=cube.bands,
            sample_type=cube.array.dtype.name,
            step=self._type.step if self._type.is_float else None,
            tile_rows=tile_rows,
            tile_columns=tile_columns,
            profile=PROFILE_ID,
            profile_version=PROFILE_VERSION,
            intervals=[(len(i), m) for i, m in zip(self.partition, models, strict=True)],
            pack=(self.pack.id, self.pack.name),
            nodata=cube.nodata,
            wavelengths=cube.wavelengths,
            fwhm=cube.fwhm,
            wavelength_unit=cube.wavelength_unit or "",
            bad_bands=cube.bad_bands,
            metadata=source_metadata.pack(cube.metadata),
            software=SOFTWARE,
        )
        self._check_header()

    def _check_header(self) -> None:
        try:
            _core.serialize_preamble(self._header)
        except _core.CoreError as error:
            raise DataError(
                f"the description of the cube cannot be stored: {error.args[3]}",
                hint="correct the cube's wavelength unit, wavelengths or metadata",
            ) from error

    # ---- reading and analysis -----------------------------------------------------------------

    def _samples(self, job: _Job) -> npt.NDArray[Any]:
        tile, band = job.tile, self.partition[job.interval]
        return self._cube.array[
            tile.row : tile.row_stop, tile.column : tile.column_stop, band.start : band.stop
        ]

    def _analyse(self, job: _Job) -> TileAnalysis:
        samples = self._samples(job)
        valid = validity(samples, self._cube.nodata)
        return self._coders[job.interval].analyse(samples, valid, self._type)

    def _chunk(self, job: _Job, analysis: TileAnalysis, step: int) -> tuple[bytes, int]:
        coder = self._coders[job.interval]
        return coder.write(analysis.tile, coder.quantise(analysis, step))

    # ---- writing ------------------------------------------------------------------------------

    def run(self, write: Callable[[bytes], Any]) -> tuple[int, int]:
        """Write the stream; return its length and the quality step it started with."""
        step, analyses = self._choose_step()
        # With every tile searched the step is right for the whole; else the rate is steered from
        # tile to tile, by what the tiles before have cost: the same for any number of threads.
        searched = not analyses or len(analyses) == len(self._jobs)
        bps = None if searched else self._options.bps
        plan = None if bps is None else self._plan(bps, step, analyses)
        groups = [self._jobs] if plan is None else self._jobs_by_tile()
        with translated("cannot write the stream"):
            writer = _core.StreamWriter(self._header)
            write(writer.begin())
            done = 0
            for group in groups:
                paced = step
                if plan is not None:
                    paced += _correction(writer.size, plan, group[0].tile.number)
                    paced = max(_core.MIN_STEP, min(_core.MAX_STEP, paced))

                def encode(job: _Job, paced: int = paced) -> tuple[_Job, bytes, int]:
                    analysis = analyses.pop(job, None) or self._analyse(job)
                    return job, *self._chunk(job, analysis, paced)

                for job, payload, checksum in ordered_map(encode, group, self._threads):
                    tile = job.tile
                    write(writer.chunk(tile.number, job.interval, tile.rows, checksum, payload))
                    done += 1
                    self._progress("encoding", done, len(self._jobs))
            write(writer.finish())
            return writer.size, step

    def _jobs_by_tile(self) -> list[list[_Job]]:
        count = len(self.partition)
        return [self._jobs[k : k + count] for k in range(0, len(self._jobs), count)]

    def _plan(
        self, bps: float, step: int, analyses: dict[_Job, TileAnalysis]
    ) -> npt.NDArray[np.float64]:
        """Bytes that the stream should have before each tile and after the last one.

        A tile is taken to cost as much per pixel as the nearest one of the search: the quality
        stays even over a scene whose parts cost differently.
        """
        found: dict[int, float] = {}  # bytes per pixel, by tile
        for job, analysis in analyses.items():
            tile = job.tile
            size = self._chunk_size(job, analysis, step)
            found[tile.number] = found.get(tile.number, 0.0) + size / (tile.rows * tile.columns)
        searched = np.array(sorted(found))
        nearest = np.searchsorted((searched[1:] + searched[:-1]) / 2, np.arange(len(self._grid)))
        cost = np.array(
            [
                found[int(searched[n])] * tile.rows * tile.columns
                for n, tile in zip(nearest, self._grid, strict=True)
            ]
        )
        entries = framing.entry_size(round(cost.sum() / len(self._jobs))) * len(self._jobs)
        begin = len(_core.serialize_preamble(self._header))
        end = bps * math.prod(self._cube.shape) / 8 - entries
        end -= framing.stream_size(0, self._cube.rows, [])
        before = np.concatenate([[0.0], np.cumsum(cost)]) / cost.sum()
        return np.asarray(begin + before * (end - begin))

    def _chunk_size(self, job: _Job, analysis: TileAnalysis, step: int) -> int:
        payload, _ = self._chunk(job, analysis, step)
        return framing.chunk_size(job.tile.number, job.interval, job.tile.rows, len(payload))

    # ---- targets ------------------------------------------------------------------------------

    def quality_of(self, step: int) -> float:
        """Inverse of the quality option's meaning."""
        if not self._survey.deviation > 0:
            return 0.0
        octave = math.log2(max(self._survey.deviation / self._unit, 2.0**-4))
        return min(100.0, max(0.0, 10 * (octave - step / STEPS_PER_OCTAVE)))

    @property
    def _unit(self) -> float:
        """Sample units per whole number."""
        return self._type.step if self._type.is_float else 1.0

    def _choose_step(self) -> tuple[int, dict[_Job, TileAnalysis]]:
        options, deviation = self._options, self._survey.deviation / self._unit
        if options.bps is None and options.psnr is None and options.rmse is None:
            quality = DEFAULT_QUALITY if options.quality is None else options.quality
            return step_for_octave(deviation, quality / 10), {}
        jobs, analyses = self._searchable()
        scales = [int(a.scale.max(initial=0)) for a in analyses.values()]
        octaves = (self.pack.levels - 1) // STEPS_PER_OCTAVE
        # From the finest level of the weakest band that varies to no latents at all.
        high = max(_core.MIN_STEP + 1, 2 * (max(scales) - 65) + 1)
        low = max(_core.MIN_STEP, high - STEPS_PER_OCTAVE * (octaves + 8))
        if options.bps is not None:
            return self._step_for_rate(options.bps, jobs, analyses, low, high), analyses
        return self._step_for_error(jobs, analyses, low, high), analyses

    def _searchable(self) -> tuple[list[_Job], dict[_Job, TileAnalysis]]:
        """Analyse the tiles to search on: all of them, or evenly spaced ones of a large cube."""
        samples = math.prod(self._cube.shape)
        latent_bytes = 4 * samples * self.pack.channels // self.pack.stride**2
        every = max(1, -(-latent_bytes // _CACHE_BYTES))
        jobs = [job for job in self._jobs if job.tile.number % every == every // 2]
        jobs = jobs or self._jobs[: len(self.partition)]
        analyses = {}
        for done, (job, analysis) in enumerate(
            ordered_map(lambda j: (j, self._analyse(j)), jobs, self._threads), 1
        ):
            analyses[job] = analysis
            self._progress("analysis", done, len(jobs))
        return jobs, analyses

    def _step_for_rate(
        self,
        target: float,
        jobs: Sequence[_Job],
        analyses: dict[_Job, TileAnalysis],
        low: int,
        high: int,
    ) -> int:
        samples = math.prod(self._cube.shape)
        share = len(self._jobs) / len(jobs)
        preamble = len(_core.serialize_preamble(self._header))
        frame = framing.stream_size(preamble, self._cube.rows, [])

        def rate(step: int) -> float:
            chunks = list(
                ordered_map(
                    lambda job: self._chunk_size(job, analyses[job], step), jobs, self._threads
                )
            )
            # Exact where every chunk is searched, else in proportion.
            size = framing.stream_size(preamble, self._cube.rows, chunks)
            return 8 * (frame + share * (size - frame)) / samples

        found = rate_control.bisect(rate, target, low, high, rising=False)
        if abs(found.value / target - 1) > rate_control.RATE_TOLERANCE:
            rate_control.check_rate(found.value, target, rate(high), rate(low))
        return found.step

    def _step_for_error(
        self,
        jobs: Sequence[_Job],
        analyses: dict[_Job, TileAnalysis],
        low: int,
        high: int,
    ) -> int:
        peak = self._survey.highest - self._survey.lowest

        def rmse(step: int) -> float:
            parts = list(
                ordered_map(
                    lambda job: self._squared_error(job, analyses[job], step), jobs, self._threads
                )
            )
            valid = sum(count for _, count in parts)
            return math.sqrt(sum(squares for squares, _ in parts) / max(valid, 1))

        options = self._options
        if options.rmse is not None:
            found = rate_control.bisect(rmse, options.rmse, low, high, rising=True)
            if abs(found.value / options.rmse - 1) > rate_control.RATE_TOLERANCE:
                rate_control.check_rmse(found.value, options.rmse, rmse(low), rmse(high))
            return found.step
        assert options.psnr is not None
        if not peak > 0:
            raise DataError(
                "the PSNR of a constant cube is not defined", hint="use --quality instead of --psnr"
            )

        def psnr(error: float) -> float:
            return 20 * math.log10(peak / error) if error > 0 else math.inf

        wanted = peak / 10 ** (options.psnr / 20)
        found = rate_control.bisect(rmse, wanted, low, high, rising=True)
        if not abs(psnr(found.value) - options.psnr) <= rate_control.PSNR_TOLERANCE_DB:
            rate_control.check_psnr(
                psnr(found.value), options.psnr, psnr(rmse(high)), psnr(rmse(low))
            )
        return found.step

    def _squared_error(self, job: _Job, analysis: TileAnalysis, step: int) -> tuple[float, int]:
        """Sum of squared errors over the valid samples of a chunk, and their number."""
        coder = self._coders[job.interval]
        symbols = coder.quantise(analysis, step)
        samples = self._samples(job)
        total, count = 0.0, 0
        bands = np.arange(samples.shape[2])
        for where, planes in coder.synthesise(analysis.tile, symbols, bands):
            for band, plane in zip(bands[where], planes, strict=True):
                decoded = self._type.from_values(plane).astype(np.float64)
                error = decoded - samples[:, :, band].astype(np.float64)
                if analysis.valid is not None:
                    error = error[analysis.valid[band]]
                total += float(np.vdot(error, error))
                count += error.size
        return total, count


def _correction(size: int, plan: npt.NDArray[np.float64], tile: int) -> int:
    """Change of the step that makes up for what the tiles before this one cost too much."""
    average = (plan[-1] - plan[0]) / (len(plan) - 1)
    tiles = max(-2.0, min(2.0, float((size - plan[tile]) / average)))
    return round(STEPS_PER_OCTAVE * tiles)


def _silent(phase: str, done: int, total: int) -> None:
    """Report nothing."""


def _sample_type(cube: Cube, found: Survey, float_step: float | None) -> SampleType:
    dtype = cube.array.dtype.newbyteorder("=")
    if dtype.kind != "f":
        if float_step is not None:
            raise UsageError(
                f"a quantisation step is for floating-point cubes; this one holds {dtype.name}",
                hint="leave out --float-step; --rmse bounds the error of integer cubes",
            )
        return SampleType(dtype)
    if float_step is not None:
        return SampleType(dtype, float_step)
    if not found.valid:
        return SampleType(dtype, 1.0)
    return SampleType(dtype, automatic_step(found.lowest, found.highest, found.integers))


def _partition(cube: Cube, text: str) -> tuple[intervals.BandInterval, ...]:
    if text == "seed":
        seed = intervals.seed_intervals(cube.bands, cube.wavelengths, cube.wavelength_unit)
        return seed.intervals
    if text == "auto":
        return tuple(intervals.auto_intervals(cube))
    return tuple(intervals.parse_intervals(text, cube.bands))


def _models(cube: Cube, partition: Sequence[intervals.BandInterval], count: int) -> tuple[int, ...]:
    """Model of the pack for each interval: the paper's five where there are five."""
    if count != len(intervals.SEED_STARTS) + 1:
        return (0,) * len(partition)
    return intervals.model_indices(partition, cube.bands, cube.wavelengths, cube.wavelength_unit)
