"""Encoding of a cube: tiles and intervals through the profile into a stream of chunks."""

from __future__ import annotations

import math
import time
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Unpack

import numpy as np
import numpy.typing as npt

from hyspec import _core, intervals, source_metadata
from hyspec import pack as packs
from hyspec.core_errors import translated
from hyspec.cube import Cube
from hyspec.cube_chunks import CubeChunks, Job
from hyspec.errors import DataError, PackError, TargetWarning, UsageError
from hyspec.options import EncodeOptions, EncodeSettings
from hyspec.parallel import default_threads, ordered_map
from hyspec.profiles import PROFILES, SPECTRAL, Profile
from hyspec.sample_type import SampleType, automatic_step
from hyspec.spectral_basis import MOST_GROUPS
from hyspec.step_search import Progress, StepSearch
from hyspec.survey import Survey, survey
from hyspec.tile_coder import CoderSettings
from hyspec.tiling import TileGrid
from hyspec.version import SOFTWARE

#: Quantisation steps that the interquartile range of a floating-point cube must span at least.
_LEAST_SPREAD_STEPS = 4
#: Bands that the container can number.
_MAX_BANDS = 65535


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
        Value of the ``quality`` option that gives the same stream.
    intervals : str
        Band intervals, 1-based inclusive.
    missed : str or None
        Where the target lies between two qualities whose streams differ by more than its tolerance:
        what was taken instead, the one below a rate or error, or above a PSNR.
    """

    samples: int
    bytes: int
    bps: float
    seconds: float
    profile: str
    pack: str
    quality: float
    intervals: str
    missed: str | None


def encode(cube: Cube | npt.NDArray[Any], **settings: Unpack[EncodeSettings]) -> bytes:
    """Encode a cube.

    Parameters
    ----------
    cube
        The cube, or an array of shape (rows, columns, bands).
    **settings
        Those of :class:`hyspec.EncodeOptions`: at most one target among ``quality`` (0-100),
        ``bps`` (bits per sample), ``psnr`` (dB) and ``rmse`` (sample units), and ``pack``,
        ``intervals``, ``joint``, ``bad_bands``, ``tile``, ``float_step``, ``precision``,
        ``network``, ``fast``, ``threads``.

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
    encoder = _Encoder(cube, options, progress or _silent)
    size, step = encoder.run(write)
    samples = math.prod(cube.shape)
    return EncodeResult(
        samples=samples,
        bytes=size,
        bps=8 * size / samples,
        seconds=time.perf_counter() - started,
        profile=encoder.profile.name,
        pack=encoder.pack.name,
        quality=encoder.search.quality_of(step),
        intervals=intervals.format_intervals(encoder.partition),
        missed=encoder.search.missed,
    )


class _Encoder:
    """One encoding: header, choice of the quality, chunks."""

    def __init__(self, cube: Cube, options: EncodeOptions, progress: Progress) -> None:
        _check_size(cube)
        self._options = options
        self._progress = progress
        self._threads = options.threads or default_threads()
        self.profile, self.pack = _profile_and_pack(options)
        _check_network(self.pack, options.network)
        if options.fast and not self.profile.has_search:
            raise UsageError(
                f"the {self.profile.name!r} profile has no search that --fast could leave out",
                hint="leave it out, or use --profile spectral",
            )
        bad = _bad_bands(cube)
        found = survey(cube, progress, bad)
        sample_type = _sample_type(cube, found, options.float_step)
        partition = _partition(
            cube, self.profile.intervals if options.intervals is None else options.intervals
        )
        groups: tuple[int, ...] = ()
        if options.joint:
            self._check_joint(len(partition))
            groups = tuple(map(len, partition)) if len(partition) > 1 else ()
            partition = _partition(cube, "all")
        self.partition = partition
        models = _models(cube, self.partition, self.pack)
        settings = CoderSettings(
            int8=_wants_int8(self.pack, options),
            network=options.network,
            fast=options.fast,
            drop_bad=options.bad_bands == "drop",
            groups=groups,
        )
        tile_rows, tile_columns = options.tile_size(cube.rows, cube.columns)
        self._chunks = CubeChunks(
            cube,
            sample_type,
            TileGrid(cube.rows, cube.columns, tile_rows, tile_columns),
            self.partition,
            [
                self.profile.coder(
                    self.pack.models[m],
                    replace(settings, bad=None if bad is None else bad[i.start : i.stop]),
                )
                for i, m in zip(self.partition, models, strict=True)
            ],
        )
        self._header = _core.Header(
            rows=cube.rows,
            columns=cube.columns,
            bands=cube.bands,
            sample_type=cube.array.dtype.name,
            step=sample_type.step if sample_type.is_float else None,
            tile_rows=tile_rows,
            tile_columns=tile_columns,
            profile=self.profile.number,
            profile_version=self.profile.version,
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
        self.search = StepSearch(
            self._chunks,
            options,
            found,
            self.profile,
            self.pack,
            self._preamble_size(),
            self._threads,
            progress,
        )

    def _check_joint(self, intervals: int) -> None:
        if not self.profile.has_basis:
            raise UsageError(
                f"the {self.profile.name!r} profile has no transform that intervals could share",
                hint="leave out --joint, or use --profile spectral",
            )
        if intervals > MOST_GROUPS:
            raise UsageError(
                f"{intervals} intervals are too many for a joint transform; "
                f"at most {MOST_GROUPS} are possible",
                hint="leave out --joint, or use fewer intervals",
            )

    def _preamble_size(self) -> int:
        try:
            return len(_core.serialize_preamble(self._header))
        except _core.CoreError as error:
            raise DataError(
                f"the description of the cube cannot be stored: {error.args[3]}",
                hint="correct the cube's wavelength unit, wavelengths or metadata",
            ) from error

    def run(self, write: Callable[[bytes], Any]) -> tuple[int, int]:
        """Write the stream; return its length and the quality step."""
        step = self.search.run()
        chunks, analyses = self._chunks, self.search.analyses

        def encode(job: Job) -> tuple[Job, bytes, int]:
            analysis = analyses.pop(job, None) or chunks.analyse(job)
            return job, *chunks.encode(job, analysis, step)

        with translated("cannot write the stream"):
            writer = _core.StreamWriter(self._header)
            write(writer.begin())
            encoded = ordered_map(encode, chunks.jobs(), self._threads)
            for done, (job, payload, checksum) in enumerate(encoded, 1):
                tile = job.tile
                write(writer.chunk(tile.number, job.interval, tile.rows, checksum, payload))
                self._progress("encoding", done, len(chunks))
            write(writer.finish())
            return writer.size, step


def _profile_and_pack(options: EncodeOptions) -> tuple[Profile, packs.Pack]:
    """Profile and pack, each of which has a default that follows from the other."""
    wanted = None if options.profile is None else PROFILES[options.profile]
    if options.pack is None:
        profile = wanted or SPECTRAL
        return profile, packs.load(profile.pack)
    pack = packs.load(options.pack)
    if wanted is not None and pack.profile != wanted.name:
        raise PackError(
            f"pack {pack.name!r} serves profile {pack.profile!r}, not {wanted.name!r}",
            hint=f"leave out --profile, or use a pack such as {wanted.pack!r}",
        )
    return PROFILES[pack.profile], pack


def _wants_int8(pack: packs.Pack, options: EncodeOptions) -> bool:
    """Whether to analyse in 8-bit integers."""
    if options.precision != "int8":
        return False
    network = options.network
    chosen = [m.networks if network is None else m.networks[network:][:1] for m in pack.models]
    if not any(n.analysis_int8 for networks in chosen for n in networks):
        what = f"pack {pack.name!r}" + ("" if network is None else f", network {network},")
        raise PackError(
            f"{what} has no analysis graphs in 8-bit integers",
            hint="use --precision fp32, or export the pack with hyspec-export --int8",
        )
    return True


def _check_network(pack: packs.Pack, network: int | None) -> None:
    """Refuse the number of a network that a model of the pack does not have."""
    counts = sorted({len(model.networks) for model in pack.models})
    if network is not None and network >= counts[0]:
        raise UsageError(
            f"network is {network}; expected less than {counts[0]}: networks are counted from 0, "
            f"and models of pack {pack.name!r} have {' or '.join(map(str, counts))}",
            hint="use a smaller --network, or leave it out to choose tile by tile",
        )


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
        if 0 < found.highest - found.lowest < float_step:
            raise UsageError(
                f"a quantisation step of {float_step:g} is more than the whole range of the "
                f"samples, {found.lowest:g} to {found.highest:g}",
                hint="use a smaller --float-step, or leave it out",
            )
        return SampleType(dtype, float_step)
    if not found.valid:
        return SampleType(dtype, 1.0)
    step = automatic_step(found.lowest, found.highest, found.integers)
    if not found.integers and 0 < found.spread < _LEAST_SPREAD_STEPS * step:
        raise DataError(
            f"samples reach from {found.lowest:g} to {found.highest:g}, but half of them lie "
            f"within {found.spread:.3g}: a quantisation step for the whole range would leave "
            "nothing of them",
            hint="mark extreme values that are no measurements with --nodata, or give a "
            "--float-step",
        )
    return SampleType(dtype, step)


def _partition(cube: Cube, text: str) -> tuple[intervals.BandInterval, ...]:
    if text == "all":
        return (intervals.BandInterval(0, cube.bands),)
    if text == "seed":
        seed = intervals.seed_intervals(cube.bands, cube.wavelengths, cube.wavelength_unit)
        return seed.intervals
    if text == "auto":
        return tuple(intervals.auto_intervals(cube))
    return tuple(intervals.parse_intervals(text, cube.bands))


def _models(
    cube: Cube, partition: Sequence[intervals.BandInterval], pack: packs.Pack
) -> tuple[int, ...]:
    """Model of the pack for each interval: the only one, or one of the paper's five."""
    if len(pack.models) == 1:
        return (0,) * len(partition)
    if len(pack.models) != len(intervals.SEED_STARTS) + 1:
        raise PackError(
            f"pack {pack.name!r} has {len(pack.models)} models; the encoder can assign 1, or "
            f"{len(intervals.SEED_STARTS) + 1} to the AVIRIS intervals",
            hint="use a pack with one model",
        )
    return intervals.model_indices(partition, cube.bands, cube.wavelengths, cube.wavelength_unit)


def _bad_bands(cube: Cube) -> npt.NDArray[np.bool_] | None:
    """Bands that are marked as bad, shape (bands,); ``None`` if there are none, or no others."""
    if cube.bad_bands is None:
        return None
    bad = np.asarray(cube.bad_bands, bool)
    return bad if bad.any() and not bad.all() else None


def _check_size(cube: Cube) -> None:
    if cube.bands > _MAX_BANDS:
        raise DataError(
            f"the cube has {cube.bands} bands; a stream holds at most {_MAX_BANDS}",
            hint="encode it in parts, or check the order of its axes (--axes)",
        )
