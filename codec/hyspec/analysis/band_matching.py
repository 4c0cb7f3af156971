"""The bands that a model sees, from the bands that a scene has."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from hyspec.analysis import band_codes
from hyspec.analysis.pack_contents import AnalysisPack
from hyspec.cube import Cube
from hyspec.errors import DataError, PackError, UsageError
from hyspec.intervals import to_nanometres
from hyspec.nodata import validity
from hyspec.stream import Stream

_Int = npt.NDArray[np.int64]
_Float = npt.NDArray[np.float64]

#: What may be done where the bands of a scene are not those of the model: take the good ones, the
#: nearest ones, interpolate between neighbours; or the numbers, from 0, of those to take.
Choice = Literal["good", "pick", "resample"] | Sequence[int] | None
CHOICES = ("good", "pick", "resample")
#: Bands this near are the same, however near their neighbours are.
_LEAST_TOLERANCE_NM = 1.0
_HINT = (
    "choose bands of the scene with --bands (bands= in Python): good, pick, resample, or their "
    "numbers"
)


@dataclass(frozen=True)
class BandMatching:
    """How spectra of a scene become spectra of the bands of a model.

    Attributes
    ----------
    lower, upper : ndarray of int64, shape (B,)
        Bands of the scene between which each band of the model lies; equal where it is one of them.
    weight : ndarray of float64, shape (B,)
        Weight of the upper one, from 0 to 1.
    code : ndarray of float32, shape (B, 3), or None
        Code of the bands, for models of any bands.
    nodata : float or None
        Of the scene.
    """

    lower: _Int
    upper: _Int
    weight: _Float
    code: npt.NDArray[np.float32] | None
    nodata: float | None

    def __call__(self, samples: npt.NDArray[Any]) -> tuple[_Float, npt.NDArray[np.bool_]]:
        """Take the bands of the model.

        Parameters
        ----------
        samples : ndarray, shape (rows, columns, bands of the scene)

        Returns
        -------
        ndarray of float64, shape (rows, columns, B)
            Samples; 0 for those that are missing.
        ndarray of bool, shape (rows, columns)
            True where no sample is missing.
        """
        first, valid = self._take(samples, self.lower)
        if not self.weight.any():
            return first, valid
        second, others = self._take(samples, self.upper)
        return first + self.weight * (second - first), valid & others

    def _take(self, samples: npt.NDArray[Any], bands: _Int) -> tuple[_Float, npt.NDArray[np.bool_]]:
        chosen = samples[..., bands]
        known = validity(chosen, self.nodata)
        values = chosen.astype(np.float64)
        if known is None:
            return values, np.ones(values.shape[:2], np.bool_)
        known &= np.isfinite(values)
        counted = known if self.code is None else known | (self.code[:, 2] == 0)
        return np.where(known, values, 0.0), np.asarray(counted.all(axis=-1))


def match(scene: Cube | Stream, pack: AnalysisPack, choice: Choice = None) -> BandMatching:
    """Find the bands of a scene that a model sees.

    Parameters
    ----------
    scene
        The scene.
    pack
        The model.
    choice
        ``None``: the scene has the bands of the model, or those of the scenes that it was trained
        on; where the wavelengths of both are known, they agree to within half the distance of
        neighbouring bands. ``"good"``: all bands that the scene does not mark as bad. ``"pick"``:
        those nearest in wavelength, within the same distance. ``"resample"``: linear interpolation
        between the good bands. Or the numbers of the bands, from 0.

    Raises
    ------
    PackError
        The bands do not fit.
    UsageError
        There is no such choice.
    """
    number = scene.shape[2]
    bad = np.zeros(number, np.bool_) if scene.bad_bands is None else scene.bad_bands
    if pack.bands is None:
        if choice is not None:
            raise UsageError(
                f"pack {pack.name!r} takes any bands; found a choice of them", hint="leave it out"
            )
        return _plain(scene, np.arange(number), _code(scene, pack))
    if isinstance(choice, str) and choice not in CHOICES:
        raise UsageError(f"choice of bands {choice!r}; expected {', '.join(CHOICES)} or numbers")
    if choice == "pick":
        return _plain(scene, _nearest(scene, pack))
    if choice == "resample":
        return _between(scene, pack, np.flatnonzero(~bad))
    if choice is None:
        bands = np.array(pack.selected if number == pack.source_bands else range(number), np.int64)
    elif isinstance(choice, str):
        bands = np.flatnonzero(~bad)
    else:
        bands = _listed(choice, number)
    if len(bands) != pack.bands:
        what = "bands" if choice is None else "bands were chosen"
        trained = f" of the {pack.source_bands} of its sensor" if pack.source_bands else ""
        raise PackError(
            f"the scene has {number} bands; pack {pack.name!r} expects {pack.bands}{trained}"
            if choice is None
            else f"{len(bands)} {what}; pack {pack.name!r} expects {pack.bands}",
            hint=_HINT,
        )
    _compare(scene, pack, bands)
    return _plain(scene, bands)


def _plain(
    scene: Cube | Stream, bands: _Int, code: npt.NDArray[np.float32] | None = None
) -> BandMatching:
    return BandMatching(bands, bands, np.zeros(len(bands)), code, scene.nodata)


def _listed(choice: Sequence[int], number: int) -> _Int:
    bands = np.array(list(choice), np.int64)
    if len(bands) and not 0 <= bands.min() <= bands.max() < number:
        raise UsageError(f"bands {bands.min()} to {bands.max()}; the scene has 0 to {number - 1}")
    return bands


def _centres(scene: Cube | Stream) -> _Float | None:
    """Band centres of a scene in nanometres, if they are known."""
    if scene.wavelengths is None:
        return None
    return to_nanometres(scene.wavelengths, scene.wavelength_unit)


def _tolerance(wavelengths: _Float) -> _Float:
    """Half the distance to neighbouring bands, (B,); with one band, there is no limit."""
    if len(wavelengths) < 2:
        return np.full(1, np.inf)
    return np.abs(np.gradient(wavelengths)) / 2


def _compare(scene: Cube | Stream, pack: AnalysisPack, bands: _Int) -> None:
    """Refuse bands that lie elsewhere than those of the model."""
    centres = _centres(scene)
    if centres is None or pack.wavelengths is None:
        return
    off = np.abs(centres[bands] - pack.wavelengths)
    far = off > np.maximum(_tolerance(pack.wavelengths), _LEAST_TOLERANCE_NM)
    if far.any():
        k = int(off.argmax())
        raise PackError(
            f"{far.sum()} of {len(bands)} bands lie elsewhere than those of pack {pack.name!r}: "
            f"band {bands[k]} of the scene at {centres[bands[k]]:.1f} nm; expected "
            f"{pack.wavelengths[k]:.1f} nm",
            hint=_HINT,
        )


def _known(scene: Cube | Stream, pack: AnalysisPack) -> tuple[_Float, _Float]:
    """Band centres of scene and model."""
    centres = _centres(scene)
    if centres is None or pack.wavelengths is None:
        whose = "the scene" if centres is None else f"pack {pack.name!r}"
        raise PackError(
            f"the wavelengths of {whose} are not known, so that bands cannot be found by them",
            hint="give the numbers of the bands",
        )
    return centres, pack.wavelengths


def _nearest(scene: Cube | Stream, pack: AnalysisPack) -> _Int:
    """Bands of the scene nearest to those of the model."""
    centres, wanted = _known(scene, pack)
    bands: _Int = np.abs(centres - wanted[:, None]).argmin(axis=1)
    _compare(scene, pack, bands)
    return bands


def _between(scene: Cube | Stream, pack: AnalysisPack, candidates: _Int) -> BandMatching:
    """Neighbours of the bands of the model, and the weights of a linear interpolation."""
    centres, wanted = _known(scene, pack)
    order = candidates[np.argsort(centres[candidates], kind="stable")]
    if not len(order):
        raise PackError("the scene has no good band", hint=_HINT)
    known = centres[order]
    beyond = np.maximum(known[0] - wanted, wanted - known[-1])
    if (beyond > _tolerance(wanted)).any():
        raise PackError(
            f"the scene reaches from {known[0]:.1f} to {known[-1]:.1f} nm; pack {pack.name!r} "
            f"expects {wanted.min():.1f} to {wanted.max():.1f} nm",
            hint="bands are interpolated, and not made up",
        )
    after = np.clip(np.searchsorted(known, wanted), 0, len(known) - 1)
    before = np.maximum(after - 1, 0)
    distance = known[after] - known[before]
    weight = np.clip((wanted - known[before]) / np.where(distance > 0, distance, 1), 0, 1)
    return BandMatching(order[before], order[after], weight, None, scene.nodata)


def _code(scene: Cube | Stream, pack: AnalysisPack) -> band_codes.Code:
    """Code of the bands of a scene, for a model that takes any."""
    try:
        return band_codes.of_scene(scene)
    except DataError as error:
        raise PackError(
            f"pack {pack.name!r} takes any bands, but has to know where they lie: {error}",
            hint=error.hint,
        ) from error
