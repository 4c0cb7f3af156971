"""The codecs of the benchmark by name."""

from __future__ import annotations

import contextlib
import importlib
from collections.abc import Sequence
from typing import Any

from hyspec.errors import MissingDependencyError, UsageError
from hyspec.options import PROFILES
from hyspec_bench.codecs.codec import Codec
from hyspec_bench.codecs.product import Product

#: Module in `hyspec_bench.codecs`, class, and arguments of each rival.
_RIVALS: dict[str, tuple[str, str, dict[str, Any]]] = {
    "j2k_bb": ("jpeg2000", "BandByBand", {}),
    "j2k_mc": ("jpeg2000", "ManyComponents", {}),
    "j2k_mc_ns": ("jpeg2000", "ManyComponents", {"resolutions": (4,)}),
    "dwt_j2k": ("spectral_dwt", "SpectralDwt", {}),
    "klt_j2k": ("klt", "KltJpeg2000", {}),
    "klt_j2k_ns": ("klt", "KltJpeg2000", {"search": False}),
    "ccsds121_rows": ("ccsds", "Ccsds121", {"along_spectrum": False}),
    "ccsds121_spectral": ("ccsds", "Ccsds121", {"along_spectrum": True}),
    "ccsds122_bb": ("ccsds", "Ccsds122", {}),
    "c123_default": ("ccsds", "Ccsds123", {"tuned": False}),
    "c123_tuned": ("ccsds", "Ccsds123", {"tuned": True}),
    "c123_default_sa": ("ccsds", "Ccsds123", {"tuned": False, "entropy_coder": "sample-adaptive"}),
    "c123_tuned_sa": ("ccsds", "Ccsds123", {"tuned": True, "entropy_coder": "sample-adaptive"}),
    "c123_default_ba": ("ccsds", "Ccsds123", {"tuned": False, "entropy_coder": "block-adaptive"}),
    "c123_tuned_ba": ("ccsds", "Ccsds123", {"tuned": True, "entropy_coder": "block-adaptive"}),
    "jpegxl": ("images", "JpegXl", {}),
    "jpegls": ("images", "JpegLs", {}),
    "sperr": ("scientific", "Sperr", {}),
    "sz3": ("scientific", "Sz3", {}),
    "zfp": ("scientific", "Zfp", {}),
    "zstd": ("scientific", "ZstdBitshuffle", {}),
}
#: Names of hyspec's own profiles; a pack may follow, as in ``hyspec_band@generic-band``, and the
#: number of its network that encodes all tiles, as in ``hyspec_band@generic-band#0``.
_PRODUCT = {f"hyspec_{profile}": profile for profile in PROFILES}

NAMES = (*_PRODUCT, *_RIVALS)


#: A selection that takes little time: no codec that searches its settings.
QUICK = (
    "hyspec_spectral",
    "hyspec_band",
    "j2k_mc_ns",
    "klt_j2k_ns",
    "ccsds121_spectral",
    "ccsds122_bb",
    "c123_default",
    "c123_tuned",
    "jpegls",
    "sperr",
)


def available(names: Sequence[str] = NAMES) -> list[str]:
    """Those of the names for which `create` returns a codec."""
    found = []
    for name in names:
        with contextlib.suppress(UsageError, MissingDependencyError):
            create(name)
            found.append(name)
    return found


def create(name: str) -> Codec:
    """Return the codec of a name.

    Raises
    ------
    UsageError
        There is none of that name, or this version of hyspec does not have the profile.
    MissingDependencyError
        It needs a package or library that is not installed.
    """
    base, at, chosen = name.partition("@")
    if base in _PRODUCT:
        pack, mark, network = chosen.partition("#")
        if mark and not network.isdecimal():
            raise UsageError(
                f"codec {name!r} has network {network!r}; expected a number from 0",
                hint="such as hyspec_band@generic-band#0",
            )
        return Product(_PRODUCT[base], pack or None, int(network) if mark else None)
    if base not in _RIVALS or at:
        raise UsageError(
            f"codec {name!r} is not known; expected one of {', '.join(NAMES)}",
            hint="only hyspec's own codecs take a pack, as in hyspec_band@generic-band",
        )
    module, attribute, arguments = _RIVALS[base]
    factory = getattr(importlib.import_module(f"hyspec_bench.codecs.{module}"), attribute)
    codec: Codec = factory(**arguments)
    return codec
