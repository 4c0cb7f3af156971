"""The profiles that this version knows: how samples of a tile become bytes, and back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from hyspec import band_profile, spectral_profile
from hyspec.tile_coder import TileCoder


@dataclass(frozen=True)
class Profile:
    """One profile.

    Attributes
    ----------
    name : str
        Its name.
    number, version : int
        What the container says.
    coder : type
        Coder of tiles.
    pack : str
        Name of the pack that is used unless another one is given.
    intervals : str
        Band intervals that are used unless others are given.
    rate_at_five : float
        Bits per sample that natural scenes take at a quality of five octaves, about.
    has_basis : bool
        Whether chunks hold the basis of a spectral transform.
    has_search : bool
        Whether the encoder searches for levels, which the option ``fast`` leaves out.
    metrics : tuple of str
        What the encoder can keep small: values of the option ``metric``.
    """

    name: str
    number: int
    version: int
    coder: type[TileCoder[Any, Any]]
    pack: str
    intervals: str
    rate_at_five: float
    has_basis: bool
    has_search: bool
    metrics: tuple[str, ...]


BAND = Profile(
    band_profile.PROFILE_NAME,
    band_profile.PROFILE_ID,
    band_profile.PROFILE_VERSION,
    band_profile.BandCoder,
    pack="generic-band",
    intervals="seed",
    rate_at_five=0.2,
    has_basis=False,
    has_search=False,
    metrics=("mse",),
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
    has_search=True,
    metrics=("mse", "sam"),
)
#: By name.
PROFILES = {profile.name: profile for profile in (BAND, SPECTRAL)}


def find(number: int, version: int) -> Profile | None:
    """Return the profile that a container names by numbers, if this version knows it."""
    for profile in PROFILES.values():
        if (profile.number, profile.version) == (number, version):
            return profile
    return None
