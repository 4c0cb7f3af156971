"""What an analysis pack holds, and what has to fit together in it."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from hyspec.analysis.palette import Colour, colours
from hyspec.analysis.scaling import Scaler
from hyspec.errors import PackError

#: Bands, classes, endmembers or latents of a model at most; maps hold them in 16 bits.
MAX_NUMBER = 65535
#: Largest side of a patch in pixels.
MAX_PATCH = 255
#: Longest name of a pack, a class or an endmember, in bytes.
MAX_NAME_BYTES = 255

#: For each task, the graphs that its packs may hold; the first one is in all of them.
GRAPHS: dict[str, tuple[str, ...]] = {
    "classification": ("scores",),
    "unmixing": ("abundances",),
    "autoencoder": ("encoder", "decoder", "autoencoder"),
    "shared-encoder": ("encoder", "decoder"),
}

#: What packs say of themselves for people and for whoever trains them again.
ABOUT = ("description", "sensor", "licence", "opset", "recipe", "training", "measured")


@dataclass(frozen=True)
class Named:
    """A class or an endmember.

    Attributes
    ----------
    name : str
    colour : (int, int, int)
        Red, green and blue from 0 to 255.
    spectrum : tuple of float, or None
        Of an endmember, one number per band, in the unit of the samples that the pack takes.
    """

    name: str
    colour: Colour
    spectrum: tuple[float, ...] | None = None


def named(
    names: Iterable[str],
    given: Iterable[Colour] | None = None,
    spectra: npt.NDArray[Any] | None = None,
) -> tuple[Named, ...]:
    """Return classes or endmembers of these names.

    Parameters
    ----------
    names
        One for each.
    given
        Their colours; by default ones that are easily told apart.
    spectra : ndarray, shape (endmembers, bands), or None
        Spectra of endmembers.

    Raises
    ------
    PackError
        The numbers of names, colours and spectra differ.
    """
    listed = list(names)
    shades = colours(len(listed)) if given is None else list(given)
    rows = [None] * len(listed) if spectra is None else [tuple(map(float, s)) for s in spectra]
    if not len(listed) == len(shades) == len(rows):
        raise PackError(
            f"{len(listed)} names, {len(shades)} colours and {len(rows)} spectra; expected as many"
        )
    return tuple(Named(*each) for each in zip(listed, shades, rows, strict=True))


@dataclass(frozen=True)
class AnalysisPack:
    """A trained analysis model, and all that applying it to a scene takes.

    Attributes
    ----------
    name : str
        Short name for people.
    model : str
        Name of the network, as ``hyspec-train --list`` prints it.
    task : str
        One of :data:`GRAPHS`.
    patch : int
        Side P of the patch in pixels. A graph makes (H - P + 1) x (W - P + 1) positions of
        H x W pixels; each belongs to the pixel P // 2 rows and columns from the first one it sees.
    whole_scenes : bool
        The graphs take planes of any size; otherwise patches of P x P pixels alone.
    bands : int or None
        Number of bands B; ``None`` if the graphs take any, with their code as a second input.
    scaler : Scaler
        Applied to spectra before the graphs see them; with any bands it is of one band, for all.
    graphs, graphs_int8 : mapping of str to bytes
        Serialised ONNX graphs by the names of :data:`GRAPHS`, and those of them that there are in
        8-bit integers, too.
    wavelengths, fwhm : ndarray of float64, shape (B,), or None
        Band centres and full widths at half maximum in nanometres.
    source_bands : int or None
        Number of bands of the cubes that it was trained on, if the model does not see all of them.
    selected : tuple of int
        Numbers, from 0 and ascending, of those that it sees: B of them, or none.
    classes : tuple of Named
        Classification alone: score k, from 0, is that of class k + 1 of maps, in which 0 is none.
    endmembers : tuple of Named
        Unmixing alone: one for each abundance.
    latents : int or None
        Autoencoders and shared encoders alone: numbers per pixel that the encoder gives.
    about : dict
        Values of :data:`ABOUT`, as JSON has them.
    id : bytes
        SHA-256 of the manifest; empty in a pack that was not loaded.

    Raises
    ------
    PackError
        The attributes do not fit each other, or one is out of range.
    """

    name: str
    model: str
    task: str
    patch: int
    whole_scenes: bool
    bands: int | None
    scaler: Scaler
    graphs: Mapping[str, bytes]
    graphs_int8: Mapping[str, bytes] = field(default_factory=dict)
    wavelengths: npt.NDArray[np.float64] | None = None
    fwhm: npt.NDArray[np.float64] | None = None
    source_bands: int | None = None
    selected: tuple[int, ...] = ()
    classes: tuple[Named, ...] = ()
    endmembers: tuple[Named, ...] = ()
    latents: int | None = None
    about: dict[str, Any] = field(default_factory=dict)
    id: bytes = b""

    def __post_init__(self) -> None:
        """Check that all fits together."""
        _check_sizes(self)
        _check_bands(self)
        _check_outputs(self)
        _check_graphs(self)

    @property
    def outputs(self) -> int:
        """Number of planes that the first graph gives: classes, endmembers or latents."""
        return len(self.classes) or len(self.endmembers) or self.latents or 0


def _check_sizes(pack: AnalysisPack) -> None:
    if pack.task not in GRAPHS:
        raise PackError(
            f"task {pack.task!r} of the pack is not known; expected one of {', '.join(GRAPHS)}",
            hint="install a newer hyspec",
        )
    _check_name("the pack", pack.name)
    _check_name("the model", pack.model)
    if not 1 <= pack.patch <= MAX_PATCH:
        raise PackError(f"patches of {pack.patch} pixels; expected 1 to {MAX_PATCH}")
    if pack.bands is not None and not 1 <= pack.bands <= MAX_NUMBER:
        raise PackError(f"{pack.bands} bands; expected 1 to {MAX_NUMBER}")
    unknown = set(pack.about) - set(ABOUT)
    if unknown:
        raise PackError(f"{', '.join(sorted(unknown))} of the pack; expected {', '.join(ABOUT)}")


def _check_name(what: str, name: str) -> None:
    if not name or len(name.encode("utf-8", "replace")) > MAX_NAME_BYTES or not name.isprintable():
        raise PackError(
            f"name {name[:40]!r} of {what}; expected up to {MAX_NAME_BYTES} printable bytes"
        )


def _check_bands(pack: AnalysisPack) -> None:
    expected = 1 if pack.bands is None else pack.bands
    if pack.scaler.offset.size != expected:
        raise PackError(
            f"the scaler is of {pack.scaler.offset.size} bands; expected {expected}",
            hint=None if pack.bands else "a model of any bands has one offset and one scale",
        )
    for name in ("wavelengths", "fwhm"):
        values = getattr(pack, name)
        if values is None:
            continue
        if values.shape != (pack.bands,):
            raise PackError(f"{name} of shape {values.shape}; expected ({pack.bands},)")
        if not (np.isfinite(values) & (values > 0)).all():
            raise PackError(f"{name} that are not positive and finite")
    if pack.source_bands is None and not pack.selected:
        return
    ends = (-1, *pack.selected, pack.source_bands or 0)
    ascending = all(first < second for first, second in itertools.pairwise(ends))
    if len(pack.selected) != pack.bands or not ascending or ends[-1] > MAX_NUMBER:
        raise PackError(
            f"{len(pack.selected)} selected bands of {pack.source_bands}; expected {pack.bands} "
            "numbers from 0, ascending, and how many bands there are"
        )


def _check_outputs(pack: AnalysisPack) -> None:
    given = {
        "classification": len(pack.classes),
        "unmixing": len(pack.endmembers),
        "autoencoder": pack.latents or 0,
        "shared-encoder": pack.latents or 0,
    }
    if not 1 <= given[pack.task] <= MAX_NUMBER:
        raise PackError(
            f"{given[pack.task]} classes, endmembers or latents of task {pack.task}; expected 1 to "
            f"{MAX_NUMBER}"
        )
    encodes = pack.task in ("autoencoder", "shared-encoder")
    if (
        (pack.classes and pack.task != "classification")
        or (pack.endmembers and pack.task != "unmixing")
        or (pack.latents is not None and not encodes)
    ):
        raise PackError(f"classes, endmembers or latents that task {pack.task} has not")
    for each in (*pack.classes, *pack.endmembers):
        _check_name("a class or endmember", each.name)
        if len(each.colour) != 3 or not all(0 <= value <= 255 for value in each.colour):
            raise PackError(f"colour {each.colour} of {each.name!r}; expected three of 0 to 255")
        if each.spectrum is None:
            continue
        if pack.task != "unmixing" or len(each.spectrum) != pack.bands:
            raise PackError(
                f"spectrum of {each.name!r} has {len(each.spectrum)} bands; expected that of an "
                f"endmember, of {pack.bands}"
            )
        if not np.isfinite(each.spectrum).all():
            raise PackError(f"spectrum of {each.name!r} is not finite")


def _check_graphs(pack: AnalysisPack) -> None:
    known = GRAPHS[pack.task]
    for name in (*pack.graphs, *pack.graphs_int8):
        if name not in known:
            raise PackError(
                f"graph {name!r} of task {pack.task}; expected some of {', '.join(known)}"
            )
    if known[0] not in pack.graphs:
        raise PackError(f"graph {known[0]!r}, which task {pack.task} needs, is missing")
