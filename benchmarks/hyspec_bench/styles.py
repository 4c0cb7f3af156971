"""How curves of codecs look: one colour for each, the same in all figures."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

_HYSPEC = "#d62728"
_COLOURS = {
    "j2k_bb": "#7fb8de",
    "j2k_mc": "#1f5fa8",
    "dwt_j2k": "#17becf",
    "klt_j2k": "#000000",
    "ccsds122_bb": "#8c564b",
    "c123_default": "#ff9f40",
    "c123_tuned": "#c95f00",
    "jpegxl": "#8e44ad",
    "jpegls": "#e377c2",
    "sperr": "#2ca02c",
    "sz3": "#7f7f7f",
    "zfp": "#b5a800",
}
_DASHES = ("-", (0, (5, 1.5)), (0, (1, 1)), (0, (5, 1, 1, 1)))
#: Other forms of a codec, its colour with dashes: without search; with the sample-adaptive and the
#: block-adaptive coder of CCSDS 123.
_FORMS = {"_ns": _DASHES[1], "_sa": _DASHES[1], "_ba": _DASHES[2]}
_OTHER = "#444444"


def of(codec: str, codecs: Sequence[str]) -> dict[str, Any]:
    """Colour, dashes and width of a codec's line, as Matplotlib takes them.

    Parameters
    ----------
    codec
        Name of the codec.
    codecs
        All that the report shows: profiles and packs of hyspec share a colour and take turns with
        the dashes.
    """
    if codec.startswith("hyspec_"):
        own = sorted(name for name in codecs if name.startswith("hyspec_"))
        dashes = _DASHES[own.index(codec) % len(_DASHES)]
        return {"color": _HYSPEC, "linestyle": dashes, "linewidth": 2.2}
    form = codec[-3:] if codec[-3:] in _FORMS else ""
    base = codec.removesuffix(form)
    dashes = _FORMS.get(form, _DASHES[0])
    return {"color": _COLOURS.get(base, _OTHER), "linestyle": dashes, "linewidth": 1.2}
