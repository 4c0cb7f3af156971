"""The profiles that this version knows: how samples of a tile become bytes, and back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from hyspec import _core, band_profile, bounded_profile, spectral_profile
from hyspec.tile_coder import TileCoder

#: Networks hold at least one whole plane at a time.
_NETWORK_PIXEL_BYTES = 160
#: A prediction holds planes of the bands that it looks at, and of the one at hand.
_PREDICTION_PIXEL_BYTES = 20 * (_core.MAX_PREDICTION_BANDS + 2)


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
    pack_profile : str
        Name of the profile that packs are made for.
    needs_pack : bool
        Whether all streams need a pack.
    has_quality : bool
        Whether there is a quality to choose.
    intervals : str
        Band intervals that are used unless others are given.
    rate_at_five : float
        Bits per sample that natural scenes take at a quality of five octaves, about; 0 where there
        is no quality.
    has_basis : bool
        Whether chunks hold the basis of a spectral transform.
    pixel_bytes : int
        Memory that decoding a chunk takes per pixel, beside that per sample.
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
    pack_profile: str
    needs_pack: bool
    has_quality: bool
    intervals: str
    rate_at_five: float
    has_basis: bool
    pixel_bytes: int
    has_search: bool
    metrics: tuple[str, ...]


BAND = Profile(
    band_profile.PROFILE_NAME,
    band_profile.PROFILE_ID,
    band_profile.PROFILE_VERSION,
    band_profile.BandCoder,
    pack="generic-band",
    pack_profile=band_profile.PROFILE_NAME,
    needs_pack=True,
    has_quality=True,
    intervals="seed",
    rate_at_five=0.2,
    has_basis=False,
    pixel_bytes=_NETWORK_PIXEL_BYTES,
    has_search=False,
    metrics=("mse",),
)
SPECTRAL = Profile(
    spectral_profile.PROFILE_NAME,
    spectral_profile.PROFILE_ID,
    spectral_profile.PROFILE_VERSION,
    spectral_profile.SpectralCoder,
    pack="generic-spectral",
    pack_profile=spectral_profile.PROFILE_NAME,
    needs_pack=True,
    has_quality=True,
    intervals="all",
    rate_at_five=0.1,
    has_basis=True,
    pixel_bytes=_NETWORK_PIXEL_BYTES,
    has_search=True,
    metrics=("mse", "sam"),
)
BOUNDED = Profile(
    bounded_profile.PROFILE_NAME,
    bounded_profile.PROFILE_ID,
    bounded_profile.PROFILE_VERSION,
    bounded_profile.BoundedCoder,
    pack="generic-spectral",
    pack_profile=spectral_profile.PROFILE_NAME,
    needs_pack=False,
    has_quality=False,
    intervals="all",
    rate_at_five=0.0,
    has_basis=True,
    pixel_bytes=_PREDICTION_PIXEL_BYTES,
    has_search=True,
    metrics=("mse",),
)
#: By name.
PROFILES = {profile.name: profile for profile in (BAND, SPECTRAL, BOUNDED)}


def find(number: int, version: int) -> Profile | None:
    """Return the profile that a container names by numbers, if this version knows it."""
    for profile in PROFILES.values():
        if (profile.number, profile.version) == (number, version):
            return profile
    return None
