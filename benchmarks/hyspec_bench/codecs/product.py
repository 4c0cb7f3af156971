"""hyspec itself, through its public interface."""

from __future__ import annotations

from typing import Any

import hyspec
from hyspec import Cube
from hyspec import pack as packs
from hyspec.options import EncodeSettings
from hyspec.profiles import PROFILES
from hyspec_bench.codecs.codec import Codec, Kind, Samples, Target

#: The profile that bounds the error of every sample.
_BOUNDED = "bounded"


class Product(Codec):
    """A profile of hyspec in one thread.

    Parameters
    ----------
    profile
        Profile of `hyspec.EncodeOptions`.
    pack
        Name or path of the pack; ``None`` for the default.
    network
        Number of the network that encodes all tiles; ``None`` lets the encoder choose.

    Raises
    ------
    UsageError
        hyspec does not have the profile, or the profile has no pack.
    """

    def __init__(self, profile: str, pack: str | None = None, network: int | None = None) -> None:
        hyspec.EncodeOptions(profile=profile, pack=pack, lossless=profile == _BOUNDED)
        self.profile = profile
        self.pack = pack
        self.network = network
        bounded = frozenset({Kind.MAX_ERROR, Kind.LOSSLESS})
        self.kinds = bounded if profile == _BOUNDED else frozenset({Kind.RATE})
        self.searches = self.kinds & {Kind.RATE}

    def settings(self) -> dict[str, Any]:
        """See the base class."""
        wanted = self.pack or PROFILES[self.profile].pack
        chosen = None if wanted is None else packs.load(wanted)
        return {
            "version": hyspec.__version__,
            "profile": self.profile,
            "pack": None if chosen is None else chosen.name,
            "pack_sha256": None if chosen is None else chosen.id.hex(),
            "network": self.network,
        }

    def encode(self, cube: Cube, target: Target) -> bytes:
        """See the base class."""
        settings: EncodeSettings = {
            "profile": self.profile,
            "network": self.network,
            "threads": 1,
        }
        if self.pack is not None:
            settings["pack"] = self.pack
        if target.kind is Kind.RATE:
            settings["bps"] = target.value
        elif target.kind is Kind.MAX_ERROR:
            settings["max_error"] = target.value
        else:
            settings["lossless"] = True
        return hyspec.encode(cube, **settings)

    def decode(self, data: bytes) -> Samples:
        """See the base class."""
        if self.pack is None:
            return hyspec.decode(data, threads=1).array
        return hyspec.decode(data, pack=self.pack, threads=1).array
