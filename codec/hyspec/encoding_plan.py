"""What an encoding is made with: profile, pack, band intervals, and a coder for each of these."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from hyspec import _core, intervals, source_metadata
from hyspec import pack as packs
from hyspec.corrected_base import LEAST_LIMIT
from hyspec.cube import Cube
from hyspec.errors import DataError, PackError, UsageError
from hyspec.options import EncodeOptions
from hyspec.profiles import BOUNDED, PROFILES, SPECTRAL, Profile
from hyspec.sample_type import SampleType
from hyspec.spectral_basis import MOST_GROUPS
from hyspec.tile_coder import CoderSettings, TileCoder
from hyspec.version import SOFTWARE

#: Bands that the container can number.
_MAX_BANDS = 65535


@dataclass(frozen=True)
class EncodingPlan:
    """All about an encoding that does not depend on the samples, but for automatic intervals.

    Attributes
    ----------
    options : EncodeOptions
        What the user asked for.
    profile : Profile
        The profile.
    pack : Pack or None
        The pack; ``None`` for a profile that needs none.
    bad : ndarray of bool, shape (bands,), or None
        Bands that are marked as bad; ``None`` if there are none, or no others.
    partition : tuple of BandInterval
        The band intervals.
    models : tuple of int
        Number of the model of each interval.
    coders : tuple of TileCoder
        Coder of each interval.
    """

    options: EncodeOptions
    profile: Profile
    pack: packs.Pack | None
    bad: npt.NDArray[np.bool_] | None
    partition: tuple[intervals.BandInterval, ...]
    models: tuple[int, ...]
    coders: tuple[TileCoder[Any, Any], ...]

    @classmethod
    def of(cls, cube: Cube, options: EncodeOptions) -> EncodingPlan:
        """Plan the encoding of a cube, or of one that goes on like it.

        Raises
        ------
        UsageError
            Settings that the profile or pack does not have.
        DataError
            The cube has too many bands.
        PackError
            The pack is missing, damaged or of another profile.
        """
        _check_size(cube)
        profile, pack = _profile_and_pack(cube, options)
        _check_profile(profile, options)
        if pack is not None:
            _check_network(pack, options.network)
        wanted = profile.intervals if options.intervals is None else options.intervals
        partition = _partition(cube, wanted)
        groups: tuple[int, ...] = ()
        if options.joint:
            _check_joint(len(partition))
            groups = tuple(map(len, partition)) if len(partition) > 1 else ()
            partition = _partition(cube, "all")
        models = (0,) * len(partition) if pack is None else _models(cube, partition, pack)
        bad = _bad_bands(cube)
        bounds = options.error_bounds(cube.bands)
        settings = CoderSettings(
            int8=pack is not None and _wants_int8(pack, options),
            network=options.network,
            fast=options.fast,
            angles=options.metric == "sam",
            drop_bad=options.bad_bands == "drop",
            groups=groups,
            max_relative_error=options.max_relative_error,
            layered=options.layers,
            base_bps=options.base_bps,
        )
        coders = tuple(
            profile.coder(
                None if pack is None else pack.models[m],
                replace(
                    settings,
                    bad=None if bad is None else bad[i.start : i.stop],
                    max_error=None if bounds is None else bounds[i.start : i.stop],
                ),
            )
            for i, m in zip(partition, models, strict=True)
        )
        return cls(options, profile, pack, bad, partition, models, coders)

    def header(
        self, cube: Cube, sample_type: SampleType, rows: int, tile_size: tuple[int, int]
    ) -> _core.Header:
        """Header of the stream of a cube like this one.

        Parameters
        ----------
        cube
            The cube, or a part of it.
        sample_type
            How its samples become whole numbers.
        rows
            Rows of the stream; 0 if they are not known.
        tile_size
            Rows and columns of a tile.

        Raises
        ------
        DataError
            The description of the cube cannot be stored.
        """
        tile_rows, tile_columns = tile_size
        header = _core.Header(
            rows=rows,
            columns=cube.columns,
            bands=cube.bands,
            sample_type=cube.array.dtype.name,
            step=sample_type.step if sample_type.is_float else None,
            tile_rows=tile_rows,
            tile_columns=tile_columns,
            profile=self.profile.number,
            profile_version=self.profile.version,
            intervals=[(len(i), m) for i, m in zip(self.partition, self.models, strict=True)],
            pack=None if self.pack is None else (self.pack.id, self.pack.name),
            nodata=cube.nodata,
            wavelengths=cube.wavelengths,
            fwhm=cube.fwhm,
            wavelength_unit=cube.wavelength_unit or "",
            bad_bands=cube.bad_bands,
            metadata=source_metadata.pack(cube.metadata),
            software=SOFTWARE,
        )
        try:
            _core.serialize_preamble(header)
        except _core.CoreError as error:
            raise DataError(
                f"the description of the cube cannot be stored: {error.args[3]}",
                hint="correct the cube's wavelength unit, wavelengths or metadata",
            ) from error
        return header


def _profile_and_pack(cube: Cube, options: EncodeOptions) -> tuple[Profile, packs.Pack | None]:
    """Profile and pack, each of which has a default that follows from the other."""
    if options.bounded:
        return BOUNDED, _pack_of_base(cube, options)
    wanted = None if options.profile is None else PROFILES[options.profile]
    if options.pack is None:
        profile = wanted or SPECTRAL
        return profile, packs.load(profile.pack)
    pack = packs.load(options.pack)
    if wanted is not None and pack.profile != wanted.pack_profile:
        raise PackError(
            f"pack {pack.name!r} serves profile {pack.profile!r}, not {wanted.name!r}",
            hint=f"leave out --profile, or use a pack such as {wanted.pack!r}",
        )
    return PROFILES[pack.profile], pack


def _pack_of_base(cube: Cube, options: EncodeOptions) -> packs.Pack | None:
    """Pack for reconstructions that are corrected; ``None`` to predict only."""
    bounds = options.error_bounds(cube.bands)
    least = 0.0 if bounds is None else float(bounds.min())
    small = least < LEAST_LIMIT if cube.array.dtype.kind in "iu" else least == 0
    predicted = small or options.fast or options.max_relative_error is not None
    if predicted and not options.layers:
        return None
    pack = packs.load(BOUNDED.pack if options.pack is None else options.pack)
    if pack.profile != BOUNDED.pack_profile:
        raise PackError(
            f"pack {pack.name!r} serves profile {pack.profile!r}; the 'bounded' profile corrects "
            f"reconstructions of {BOUNDED.pack_profile!r}",
            hint=f"use a pack such as {BOUNDED.pack!r}, or leave out --pack",
        )
    return pack


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


def _check_profile(profile: Profile, options: EncodeOptions) -> None:
    if not profile.has_quality:
        _check_no_networks(profile, options)
    if options.fast and not profile.has_search:
        raise UsageError(
            f"the {profile.name!r} profile has no search that --fast could leave out",
            hint="leave it out, or use --profile spectral",
        )
    if options.metric not in profile.metrics:
        raise UsageError(
            f"the {profile.name!r} profile has no metric {options.metric!r}",
            hint="leave out --metric, or use --profile spectral",
        )
    if options.joint and profile is not SPECTRAL:
        raise UsageError(
            f"the {profile.name!r} profile has no transform that intervals could share",
            hint="leave out --joint, or use --profile spectral",
        )


def _check_no_networks(profile: Profile, options: EncodeOptions) -> None:
    """Refuse what only networks and their quality have."""
    for name, given in (
        ("network", options.network is not None),
        ("precision", options.precision != "fp32"),
    ):
        if given:
            raise UsageError(
                f"the {profile.name!r} profile has no networks that {name} could choose",
                hint=f"leave out --{name}",
            )
    if options.bad_bands == "drop":
        raise UsageError(
            f"the {profile.name!r} profile bounds the errors of all bands, so that none is dropped",
            hint="leave out --bad-bands; a list for --max-error may allow bad bands more",
        )


def _check_joint(count: int) -> None:
    if count > MOST_GROUPS:
        raise UsageError(
            f"{count} intervals are too many for a joint transform; "
            f"at most {MOST_GROUPS} are possible",
            hint="leave out --joint, or use fewer intervals",
        )


def _check_size(cube: Cube) -> None:
    if cube.bands > _MAX_BANDS:
        raise DataError(
            f"the cube has {cube.bands} bands; a stream holds at most {_MAX_BANDS}",
            hint="encode it in parts, or check the order of its axes (--axes)",
        )
