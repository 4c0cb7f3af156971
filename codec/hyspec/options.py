"""What a user asks of the encoder."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from numbers import Integral, Real
from os import PathLike
from pathlib import Path
from typing import TypedDict

import numpy as np
import numpy.typing as npt

from hyspec.errors import UsageError
from hyspec.sample_type import check_step

#: Profiles.
PROFILES = ("band", "spectral", "bounded")
#: Arithmetic of the analysis networks.
PRECISIONS = ("fp32", "int8")
#: What happens to bands that the cube marks as bad.
BAD_BANDS = ("keep", "drop")
#: What an encoding keeps small at its rate: mean squared error, or spectral angles.
METRICS = ("mse", "sam")
#: The targets of :class:`EncodeOptions`; at most one is given.
TARGETS = ("quality", "bps", "psnr", "rmse")
DEFAULT_QUALITY = 50.0
#: Rows of a tile: enough for the networks to see context, few enough for small memories.
DEFAULT_TILE_ROWS = 256
#: Limit of the format; docs/container_format.md, section 3.3.
MAX_TILE_PIXELS = 1 << 26


class EncodeSettings(TypedDict, total=False):
    """The settings of :class:`EncodeOptions` as keyword arguments."""

    profile: str | None
    pack: str | Path | None
    quality: float | None
    bps: float | None
    psnr: float | None
    rmse: float | None
    max_error: float | Sequence[float] | None
    max_relative_error: float | None
    lossless: bool
    layers: bool
    base_bps: float | None
    intervals: str | None
    joint: bool
    bad_bands: str
    tile: int | Sequence[int]
    float_step: float | None
    precision: str
    network: int | None
    fast: bool
    metric: str
    threads: int | None


@dataclass(frozen=True)
class EncodeOptions:
    """Settings of an encoding.

    Attributes
    ----------
    profile : str, optional
        ``"spectral"``, ``"band"`` or ``"bounded"``; by default ``"bounded"`` with ``lossless``,
        ``max_error`` or ``max_relative_error``, which need it, and otherwise that of the pack, and
        ``"spectral"`` if none is given.
    pack : str or Path, optional
        Name of a shipped pack, or the path of a pack directory or zip file; by default that of the
        profile.
    quality : float, optional
        0 to 100; 50 if no target is given. 10 more asks for half the error, as far as the pack
        can follow.
    bps : float, optional
        Target rate in bits per sample, all bytes of the stream counted.
    psnr : float, optional
        Target peak signal-to-noise ratio in dB; the peak is maximum minus minimum of the valid
        samples.
    rmse : float, optional
        Target root mean squared error in sample units.
    max_error : float or sequence of float, optional
        Largest error of any sample, in sample units, or one for each band; 0 for lossless. Profile
        ``bounded``, which has no other target.
    max_relative_error : float, optional
        Largest error of any sample in proportion to the sample itself, above 0 and below 1: with
        0.01, 200 comes back as 198 to 202, and 0 as 0. With ``max_error``, both hold. Profile
        ``bounded``.
    lossless : bool
        Reproduce every sample exactly: the same as a ``max_error`` of 0.
    layers : bool
        Write a base that can be decoded alone, before a second layer that meets the bounds: the
        transfer of a stream may end between them. With ``lossless`` or ``max_error``.
    base_bps : float, optional
        Bits per sample of this base; by default what is cheapest in all, or 0.25 where errors of
        less than 2 leave nothing to correct.
    intervals : str, optional
        ``"all"`` (one interval), ``"seed"`` (the five AVIRIS intervals, mapped by wavelength or
        band number), ``"auto"`` (from the scene's correlation), or a table such as
        ``"1-40,41-96"``, 1-based inclusive. By default ``"all"`` for the profile ``spectral`` and
        ``"seed"`` for ``band``.
    joint : bool
        Transform the bands of each interval first, and then what the leading components of all
        intervals have in common: intervals cost next to no bits, but can no longer be decoded
        alone. Profile ``spectral``.
    bad_bands : str
        What becomes of bands that the cube marks as bad: ``"keep"`` codes them like the others, but
        apart from them, and ``"drop"`` has each come back as its mean, for a few bits; errors of
        dropped bands do not count for a target.
    tile : int or (int, int)
        Rows, or rows and columns, of a tile; a tile is as wide as the cube by default.
    float_step : float, optional
        Quantisation step of floating-point cubes; by default chosen from the range of the data.
    precision : str
        ``"fp32"``, or ``"int8"`` for packs that have analysis graphs in 8-bit integers. The decoder
        is the same for both.
    network : int, optional
        Number of the network, from 0, to encode all tiles with; by default ``band`` chooses tile by
        tile, and ``spectral`` takes the last one.
    fast : bool
        Round latents one by one, in place of searching for the cheapest path through all of them:
        encoding takes less time, and streams are some per cent larger (profile ``spectral``). Meet
        error bounds by prediction alone, which streams pay for where errors may be large (profile
        ``bounded``).
    metric : str
        What the encoder keeps small at a rate: ``"mse"``, the mean squared error, or ``"sam"``, the
        mean spectral angle, at the price of a lower PSNR. Targets mean the same with both. Profile
        ``spectral``.
    threads : int, optional
        Threads to use; by default one per processor.
    """

    profile: str | None = None
    pack: str | Path | None = None
    quality: float | None = None
    bps: float | None = None
    psnr: float | None = None
    rmse: float | None = None
    max_error: float | Sequence[float] | None = None
    max_relative_error: float | None = None
    lossless: bool = False
    layers: bool = False
    base_bps: float | None = None
    intervals: str | None = None
    joint: bool = False
    bad_bands: str = "keep"
    tile: int | Sequence[int] = DEFAULT_TILE_ROWS
    float_step: float | None = None
    precision: str = "fp32"
    network: int | None = None
    fast: bool = False
    metric: str = "mse"
    threads: int | None = None

    def __post_init__(self) -> None:
        """Refuse combinations that make no sense.

        Raises
        ------
        UsageError
            More than one target, a value of a wrong type or out of range, or a profile that does
            not exist.
        """
        self._check_types()
        if self.profile is not None and self.profile not in PROFILES:
            raise UsageError(
                f"profile {self.profile!r} is not one of {', '.join(PROFILES)}",
                hint="use --profile spectral",
            )
        given = [name for name in TARGETS if getattr(self, name) is not None]
        limits = [
            name for name in ("max_error", "max_relative_error") if getattr(self, name) is not None
        ]
        bounds = limits + ["lossless"] * bool(self.lossless)
        if len(given + bounds) > 1 and (given or self.lossless):
            raise UsageError(
                f"found {len(given + bounds)} targets ({', '.join(given + bounds)}); expected one",
                hint="drop all but one",
            )
        self._check_bounds()
        if self.base_bps is not None and not self.layers:
            raise UsageError(
                "base_bps is the rate of a base, and there is none", hint="give --layers"
            )
        if self.base_bps is not None and not 0 < self.base_bps < math.inf:
            raise UsageError(f"base_bps is {self.base_bps}; expected a positive number")
        if self.layers and self.fast:
            raise UsageError(
                "fast meets bounds by prediction alone, which has no layers",
                hint="leave out --fast or --layers",
            )
        for name in given:
            value = getattr(self, name)
            if not -math.inf < value < math.inf or (value <= 0 and name != "quality"):
                raise UsageError(f"{name} is {value}; expected a positive number")
        if self.quality is not None and not 0 <= self.quality <= 100:
            raise UsageError(f"quality is {self.quality}; expected 0 to 100")
        if self.float_step is not None:
            check_step(self.float_step)
        if self.precision not in PRECISIONS:
            raise UsageError(
                f"precision {self.precision!r} is not one of {', '.join(PRECISIONS)}",
                hint="use --precision fp32",
            )
        if self.bad_bands not in BAD_BANDS:
            raise UsageError(
                f"bad_bands is {self.bad_bands!r}; expected {' or '.join(BAD_BANDS)}",
                hint="use --bad-bands keep",
            )
        if self.metric not in METRICS:
            raise UsageError(
                f"metric {self.metric!r} is not one of {', '.join(METRICS)}",
                hint="use --metric mse",
            )
        if self.network is not None and self.network < 0:
            raise UsageError(f"network is {self.network}; expected 0 or more")
        if self.threads is not None and self.threads < 1:
            raise UsageError(f"threads is {self.threads}; expected at least 1")
        sizes = self._sizes()
        if len(sizes) not in (1, 2) or any(s < 1 for s in sizes):
            raise UsageError(
                f"tile is {self.tile}; expected a positive number of rows, or rows and columns"
            )

    @property
    def bounded(self) -> bool:
        """Whether the error of every sample is bounded."""
        return (
            bool(self.lossless) or self.max_error is not None or self.max_relative_error is not None
        )

    def error_bounds(self, bands: int) -> npt.NDArray[np.float64] | None:
        """Largest error of each band in sample units, shape (bands,); ``None`` for no bounds.

        Infinite where errors are bounded in proportion to the samples alone.

        Raises
        ------
        UsageError
            There is neither one bound nor one for each of ``bands`` bands.
        """
        if not self.bounded:
            return None
        bounds = self._bounds()
        if len(bounds) not in (1, bands):
            raise UsageError(
                f"max_error has {len(bounds)} values; expected one, or {bands}: one for each band"
            )
        return np.array(np.broadcast_to(np.array(bounds, np.float64), bands))

    def tile_size(self, rows: int, columns: int) -> tuple[int, int]:
        """Rows and columns of a tile for a cube of this size.

        Raises
        ------
        UsageError
            The tile would have more pixels than the format allows.
        """
        sizes = self._sizes()
        tile_columns = min(sizes[1], columns) if len(sizes) == 2 else columns
        tile_rows = min(sizes[0], rows)
        if tile_rows * tile_columns > MAX_TILE_PIXELS:
            raise UsageError(
                f"a tile of {tile_rows} x {tile_columns} pixels is too large; at most "
                f"{MAX_TILE_PIXELS} pixels are possible",
                hint=f"use --tile {max(1, MAX_TILE_PIXELS // tile_columns)} or fewer rows",
            )
        return tile_rows, tile_columns

    def _check_bounds(self) -> None:
        """Refuse bounds that make no sense, and what does not go with them."""
        if not self.bounded:
            if self.profile == "bounded":
                raise UsageError(
                    "the 'bounded' profile needs to know how large errors may be",
                    hint="give --lossless or --max-error, or --max-relative-error",
                )
            if self.layers:
                raise UsageError(
                    "layers lead to a bound on errors, and there is none",
                    hint="give --lossless or --max-error, or leave out --layers",
                )
            return
        limit = "max_relative_error" if self.max_error is None else "max_error"
        what = "lossless" if self.lossless else limit
        share = self.max_relative_error
        if share is not None and not 0 < share < 1:
            raise UsageError(
                f"max_relative_error is {share}; expected a number above 0 and below 1",
                hint="such as 0.01 for one per cent",
            )
        for bound in self._bounds():
            if not isinstance(bound, Real) or isinstance(bound, bool):
                raise UsageError(f"max_error is {self.max_error!r}; expected a number, or a list")
            if not 0 <= bound < math.inf and self.max_error is not None:
                raise UsageError(f"max_error is {bound}; expected a number of at least 0")
        if self.profile not in (None, "bounded"):
            raise UsageError(
                f"{what} needs the profile 'bounded', not {self.profile!r}",
                hint="leave out --profile, or use --quality, --bps, --psnr or --rmse",
            )

    def _bounds(self) -> list[float]:
        if self.max_error is None:
            return [math.inf if self.max_relative_error is not None else 0.0]
        if isinstance(self.max_error, Sequence):
            return list(self.max_error)
        return (
            np.ravel(self.max_error).tolist()
            if isinstance(self.max_error, np.ndarray)
            else [self.max_error]
        )

    def _check_types(self) -> None:
        for name in (*TARGETS, "max_relative_error", "float_step", "base_bps"):
            if getattr(self, name) is not None:
                self._expect(name, Real, "a number")
        for name, types, what in (
            ("threads", Integral, "a whole number"),
            ("network", Integral, "a whole number"),
            ("profile", str, "a text"),
            ("intervals", str, "a text: all, seed, auto or a table"),
            ("pack", (str, PathLike), "a name or path"),
        ):
            if getattr(self, name) is not None:
                self._expect(name, types, what)
        for name in ("precision", "bad_bands", "metric"):
            self._expect(name, str, "a text")
        for name in ("lossless", "fast", "joint", "layers"):
            if not isinstance(getattr(self, name), bool | np.bool_):
                raise UsageError(f"{name} is {getattr(self, name)!r}; expected True or False")
        sizes = self._sizes()
        if not all(isinstance(s, Integral) and not isinstance(s, bool) for s in sizes):
            raise UsageError(
                f"tile is {self.tile!r}; expected a whole number of rows, or rows and columns",
                hint="such as tile=256 or tile=(256, 128)",
            )

    def _expect(self, name: str, types: type | tuple[type, ...], what: str) -> None:
        value = getattr(self, name)
        if not isinstance(value, types) or isinstance(value, bool):
            raise UsageError(f"{name} is {value!r}; expected {what}")

    def _sizes(self) -> list[int]:
        several = isinstance(self.tile, Sequence) and not isinstance(self.tile, str | bytes)
        return list(self.tile) if several else [self.tile]  # type: ignore[arg-type,list-item]
