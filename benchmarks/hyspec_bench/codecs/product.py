"""hyspec itself, through its public interface."""

from __future__ import annotations

import hyspec
from hyspec import Cube
from hyspec_bench.codecs.codec import Codec, Kind, Samples, Target


class Product(Codec):
    """A profile of hyspec in one thread.

    Parameters
    ----------
    profile
        Profile of `hyspec.EncodeOptions`.
    pack
        Name or path of the pack; ``None`` for the default.
    """

    kinds = frozenset({Kind.RATE})

    def __init__(self, profile: str, pack: str | None = None) -> None:
        self.profile = profile
        self.pack = pack

    def encode(self, cube: Cube, target: Target) -> bytes:
        """See the base class."""
        settings = hyspec.EncodeOptions(profile=self.profile, bps=target.value, threads=1)
        pack = settings.pack if self.pack is None else self.pack
        return hyspec.encode(cube, profile=self.profile, pack=pack, bps=target.value, threads=1)

    def decode(self, data: bytes) -> Samples:
        """See the base class."""
        packs = {} if self.pack is None else {"pack": self.pack}
        return hyspec.decode(data, threads=1, **packs).array
