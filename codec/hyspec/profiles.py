"""The profiles that this version knows: how samples of a tile become bytes, and back."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from hyspec import _core, band_profile, spectral_profile
from hyspec.pack import BandModel
from hyspec.sample_type import SampleType


class TileAnalysis(Protocol):
    """What an encoder knows of a tile and interval before it chooses the quality.

    Attributes
    ----------
    tile : _core.BandTile
        Size.
    valid : ndarray of bool, shape (bands, rows, columns), or None
        Mask of measurements; ``None`` if all are.
    scale : ndarray of int32
        Codes of the standard deviations of bands or planes: at least the largest of them.
    coded : dict
        By step: payload and checksum of the latest encoding.
    """

    @property
    def tile(self) -> _core.BandTile:
        """Size."""

    @property
    def valid(self) -> npt.NDArray[np.bool_] | None:
        """Mask of measurements."""

    @property
    def scale(self) -> npt.NDArray[np.int32]:
        """Codes of standard deviations."""

    @property
    def coded(self) -> dict[int, tuple[bytes, int]]:
        """Latest encoding."""


class TileSymbols(Protocol):
    """The integers that a payload says."""

    @property
    def valid(self) -> npt.NDArray[np.uint8] | None:
        """Mask of measurements, shape (bands, rows, columns); ``None`` if all are."""


class TileCoder(Protocol):
    """Encodes and decodes tiles of one interval with one model of a pack.

    :class:`hyspec.band_profile.BandCoder` describes the methods.
    """

    def analyse(
        self,
        samples: npt.NDArray[Any],
        valid: npt.NDArray[np.bool_] | None,
        sample_type: SampleType,
    ) -> Any:
        """Measure a tile."""

    def encode(self, analysis: Any, step: int) -> tuple[bytes, int, Any]:
        """Payload, checksum of the symbols, and symbols."""

    def read(self, tile: _core.BandTile, payload: bytes, checksum: int) -> Any:
        """Symbols of a payload."""

    def synthesise(
        self, tile: _core.BandTile, symbols: Any, bands: npt.NDArray[np.intp]
    ) -> Iterator[tuple[npt.NDArray[np.intp], npt.NDArray[np.float64]]]:
        """Reconstruct some bands, a few at a time."""


class _CoderType(Protocol):
    def __call__(
        self,
        model: BandModel,
        *,
        int8: bool = False,
        network: int | None = None,
        optimise: bool = True,
    ) -> TileCoder:
        """Make a coder for a model of a pack."""


@dataclass(frozen=True)
class Profile:
    """One profile.

    Attributes
    ----------
    name : str
        Its name.
    number, version : int
        What the container says.
    coder : callable
        Makes the coder for a model of a pack.
    pack : str
        Name of the pack that is used unless another one is given.
    intervals : str
        Band intervals that are used unless others are given.
    rate_at_five : float
        Bits per sample that natural scenes take at a quality of five octaves, about.
    has_basis : bool
        Whether chunks hold the basis of a spectral transform.
    """

    name: str
    number: int
    version: int
    coder: _CoderType
    pack: str
    intervals: str
    rate_at_five: float
    has_basis: bool


BAND = Profile(
    band_profile.PROFILE_NAME,
    band_profile.PROFILE_ID,
    band_profile.PROFILE_VERSION,
    band_profile.BandCoder,
    pack="generic-band",
    intervals="seed",
    rate_at_five=0.2,
    has_basis=False,
)
SPECTRAL = Profile(
    spectral_profile.PROFILE_NAME,
    spectral_profile.PROFILE_ID,
    spectral_profile.PROFILE_VERSION,
    spectral_profile.SpectralCoder,
    pack="generic-spectral",
    intervals="all",
    rate_at_five=0.1,
    has_basis=True,
)
#: By name.
PROFILES = {profile.name: profile for profile in (BAND, SPECTRAL)}


def find(number: int, version: int) -> Profile | None:
    """Return the profile that a container names by numbers, if this version knows it."""
    for profile in PROFILES.values():
        if (profile.number, profile.version) == (number, version):
            return profile
    return None
