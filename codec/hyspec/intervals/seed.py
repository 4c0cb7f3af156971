"""The five band intervals of AVIRIS, mapped to other sensors.

Mijares i Verdú et al. (DCC 2022) train one model per interval of the 224 AVIRIS bands: 1-40,
41-96, 97-155, 156-165 and 166-224. Other cubes get the same parts of the spectrum, by wavelength
where it is known and by relative band number where it is not.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from hyspec.errors import UsageError
from hyspec.intervals.partition import BandInterval, check_partition

#: Number of bands that the intervals of the paper refer to.
SEED_BANDS = 224

#: First band, counted from 0, of each interval after the first.
SEED_STARTS = (40, 96, 155, 165)

#: The same limits as wavelengths in nm: the mean of the centres of the two bands beside each, in
#: the AVIRIS grid of four spectrometers (365.9-667.5, 655.5-1263.1, 1253.4-1872.4 and
#: 1866.8-2496.2 nm). Band 96 | 97 is the change from the second spectrometer to the third.
SEED_EDGES_NM = (728.90, 1258.25, 1836.35, 1912.11)

#: Median centres in nm that an optical instrument can have; a unit that leads elsewhere is wrong.
_PLAUSIBLE_NM = (100.0, 100_000.0)

#: Nanometres per unit. Both micro signs, U+00B5 and U+03BC, occur in headers.
_NANOMETRES = {
    "nm": 1.0,
    "nanometer": 1.0,
    "nanometre": 1.0,
    "um": 1e3,
    "\u00b5m": 1e3,
    "\u03bcm": 1e3,
    "micron": 1e3,
    "micrometer": 1e3,
    "micrometre": 1e3,
    "mm": 1e6,
    "millimeter": 1e6,
    "millimetre": 1e6,
    "m": 1e9,
    "meter": 1e9,
    "metre": 1e9,
    "angstrom": 0.1,
}

#: Units of ENVI headers that say that the numbers are not wavelengths.
_NOT_WAVELENGTHS = ("index", "band", "ghz", "mhz")


@dataclass(frozen=True)
class SeedPartition:
    """A partition of the bands, with the paper's interval that each part corresponds to.

    Attributes
    ----------
    intervals : tuple of BandInterval
        Contiguous and covering all bands.
    models : tuple of int
        For each interval the index, 0 to 4, of the paper's interval.
    """

    intervals: tuple[BandInterval, ...]
    models: tuple[int, ...]


def seed_intervals(
    bands: int, wavelengths: npt.ArrayLike | None = None, unit: str | None = None
) -> SeedPartition:
    """Map the five AVIRIS intervals to a cube.

    With wavelengths, an interval starts where the centres cross one of ``SEED_EDGES_NM``. Where
    two spectrometers overlap at a limit the centres cross it more than once; the interval then
    starts with the later spectrometer. Without wavelengths (or where they are unusable, see
    :func:`to_nanometres`) the limits are scaled from 224 bands to the number of bands of the cube.
    Intervals that become empty are dropped.

    Parameters
    ----------
    bands
        Number of bands.
    wavelengths : array_like, shape (bands,), or None
        Band centres, ascending or descending but for overlapping spectrometers.
    unit
        Their unit, as in :func:`to_nanometres`.

    Raises
    ------
    UsageError
        ``bands`` is not positive, or there is not one wavelength per band.
    """
    if bands < 1:
        raise UsageError(f"found {bands} bands; expected at least 1")
    centres = None if wavelengths is None else to_nanometres(wavelengths, unit)
    if wavelengths is not None and np.shape(wavelengths) != (bands,):
        raise UsageError(
            f"found wavelengths of shape {np.shape(wavelengths)}; expected ({bands},)",
            hint="give one wavelength per band",
        )
    descending = centres is not None and _descends(centres)
    if centres is None:
        # Round half up in integers: the same on every machine.
        starts = [(2 * bands * start + SEED_BANDS) // (2 * SEED_BANDS) for start in SEED_STARTS]
    else:
        starts = _starts(centres[::-1] if descending else centres)
    limits = [0, *starts, bands]
    intervals, models = [], []
    for model, (start, stop) in enumerate(itertools.pairwise(limits)):
        if start < stop:
            intervals.append(
                BandInterval(bands - stop, bands - start)
                if descending
                else BandInterval(start, stop)
            )
            models.append(model)
    if descending:
        intervals.reverse()
        models.reverse()
    return SeedPartition(tuple(intervals), tuple(models))


def model_indices(
    intervals: Sequence[BandInterval],
    bands: int,
    wavelengths: npt.ArrayLike | None = None,
    unit: str | None = None,
) -> tuple[int, ...]:
    """Return for each interval of any partition the paper's interval it shares most bands with.

    The first one wins where two share equally many. Parameters and errors as for
    :func:`seed_intervals` and :func:`check_partition`.
    """
    seed = seed_intervals(bands, wavelengths, unit)
    model_of_band = np.repeat(seed.models, [len(interval) for interval in seed.intervals])
    return tuple(
        int(np.bincount(model_of_band[interval.slice]).argmax())
        for interval in check_partition(intervals, bands)
    )


def to_nanometres(
    wavelengths: npt.ArrayLike, unit: str | None = None
) -> npt.NDArray[np.float64] | None:
    """Convert wavelengths to nanometres.

    Understood units, in any case and number: nm, um, µm, mm, m, their English names, micron,
    Angstrom, and wavenumber (1/cm). An unknown or missing unit is guessed from the magnitude: a
    median below 100 means micrometres, else nanometres. The guess also replaces a unit by which
    the median would lie outside 100 nm to 100 µm: headers that announce nanometres and list
    micrometres exist.

    Returns
    -------
    ndarray of float64, or None
        ``None`` where there is no usable wavelength: a value that is not positive and finite, or a
        unit that means something else (``Index``, ``GHz``, ``MHz``).
    """
    values = np.asarray(wavelengths, dtype=np.float64)
    if values.size == 0 or not np.all(np.isfinite(values) & (values > 0)):
        return None
    name = (unit or "").strip().lower()
    if name in _NOT_WAVELENGTHS:
        return None
    if name in ("wavenumber", "wavenumbers", "1/cm", "cm-1"):
        return np.asarray(1e7 / values)
    factor = _NANOMETRES.get(name) or _NANOMETRES.get(name.removesuffix("s"))
    if factor is not None:
        converted = values * factor
        if _PLAUSIBLE_NM[0] <= np.median(converted) <= _PLAUSIBLE_NM[1]:
            return converted
    return values * (1e3 if np.median(values) < 100 else 1.0)


def _descends(centres: npt.NDArray[np.float64]) -> bool:
    steps = np.diff(centres)
    return bool(np.count_nonzero(steps < 0) > np.count_nonzero(steps > 0))


def _starts(centres: npt.NDArray[Any]) -> list[int]:
    """Return for each edge the first band beyond it, in nondecreasing order."""
    starts: list[int] = []
    for edge in SEED_EDGES_NM:
        beyond = centres >= edge
        back = np.flatnonzero(beyond[:-1] & ~beyond[1:]) + 1  # a step back across the edge
        # Where there is such a step, spectrometers overlap; of several (an interleaved overlap) the
        # middle one is nearest to the limit.
        start = back[back.size // 2] if back.size else np.count_nonzero(~beyond)
        starts.append(max(int(start), starts[-1] if starts else 0))
    return starts
