"""Reconstructions of the ``spectral`` profile that are corrected wherever they are off too far.

Where errors may be large, most of what a predictor codes is noise that nobody asked for. A
spectral transform brings the rate down to what stands out of it; the few samples that it misses by
more than their limit are moved back by multiples of a step that is nearly twice the limit, as in S.
Li, P. Lindstrom, J. Clyne, "Lossy scientific data compression with SPERR", IEEE IPDPS 2023, where
wavelets are the base. See docs/bounded_profile.md, sections 10 to 13.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from hyspec import _core, refinement
from hyspec.quality import STEPS_PER_OCTAVE, deviations
from hyspec.spectral_profile import SpectralAnalysis, SpectralCoder, SpectralSymbols
from hyspec.tile_coder import TileSamples

#: How far a decoder may be off from another one before it rounds, in whole numbers: at least, as a
#: share of the root of the summed variances of the planes, and, where planes are refined, as a
#: share of their quantiser step (docs/bounded_profile.md, section 13).
LEAST_DEVIATION = 1 / 16
DEVIATION_OF_PLANES = 2.0**-17
DEVIATION_OF_REFINED = 2.0**-9
#: Least limit, in whole numbers, from which on corrections are worth a try.
LEAST_LIMIT = 2
#: The quantiser step of planes that a search begins with, over the error limit: a normal error
#: then has a standard deviation of about half the limit. Then the stride of the search, in steps of
#: quality.
_STEP_OVER_LIMIT = 1.6
_STRIDE = 24
#: Pixels of a tile that are searched, if it has clearly more.
_SEARCHED_PIXELS = 1 << 14
_WORTH_A_PART = 2
#: Payloads that are longer by this factor at first will not become the shorter ones.
_HOPELESS = 1.12
_NO_SIZE = 2**62
_LARGEST_CORRECTION = 2**30 - 1


@dataclass(frozen=True)
class CorrectedSymbols:
    """What a payload says.

    Attributes
    ----------
    base : SpectralSymbols
        Symbols of the base.
    corrections : ndarray of int32, shape (bands, rows, columns)
        By how many steps samples are moved.
    steps : ndarray of int64, shape (bands,)
        The step of each band in whole numbers.
    limits : ndarray of uint32, shape (bands,)
        Largest error of each band in whole numbers.
    """

    base: SpectralSymbols
    corrections: npt.NDArray[np.int32]
    steps: npt.NDArray[np.int64]
    limits: npt.NDArray[np.uint32]

    @property
    def valid(self) -> npt.NDArray[np.uint8] | None:
        """Mask of measurements, shape (bands, rows, columns); ``None`` if all are."""
        return self.base.valid


class CorrectedBase:
    """Codes tiles by a base and corrections, with the coders of the base.

    Parameters
    ----------
    coder
        Coder of the base, which refines what it decodes where its model can.
    draft
        The same without refinement, for the search.
    """

    def __init__(self, coder: SpectralCoder, draft: SpectralCoder) -> None:
        self._coder = coder
        self._draft = draft

    # ---- encoding -----------------------------------------------------------------------------

    def encode(
        self,
        tile: TileSamples,
        samples: npt.NDArray[np.int32],
        limits: npt.NDArray[np.uint32],
        most: int,
    ) -> tuple[bytes, int] | None:
        """Payload and the checksum of its symbols, at the quality of the base that is cheapest.

        Parameters
        ----------
        tile
            The tile, for the analysis of the base.
        samples
            Its samples in whole numbers, shape (bands, rows, columns).
        limits
            Largest error of each band in whole numbers, shape (bands,).
        most
            Length of the payload that is to be beaten.

        Returns
        -------
        tuple or None
            ``None`` where limits are too small for a base that is not exact, or no shorter payload
            is in sight.
        """
        if limits.min() < LEAST_LIMIT or limits.max() >= 2**31:
            return None
        search = _Search(self, tile, samples, limits)
        step = search.best(most)
        if step is None:
            return None
        analysis = search.analysis or self.analyse(tile)
        return self.corrected(analysis, samples, limits, step, refine=True)

    def corrected(
        self,
        analysis: SpectralAnalysis,
        samples: npt.NDArray[np.int32],
        limits: npt.NDArray[np.uint32],
        step: int,
        *,
        refine: bool,
    ) -> tuple[bytes, int] | None:
        """Payload with the base at a quality step; ``None`` where no payload can hold it."""
        base, checksum, symbols = self._draft.encode(analysis, step)
        coder = self._coder if refine else self._draft
        deviation = self.deviation(symbols)
        tolerance = math.floor(2 * deviation) + 1
        if (2 * limits.astype(np.int64) < tolerance).any():
            return None
        steps = 2 * limits.astype(np.int64) + 1 - tolerance
        corrections = np.zeros(samples.shape, np.int32)
        bands = np.arange(len(samples))
        for where, planes in coder.synthesise(analysis.tile, symbols, bands):
            at = (slice(None), None, None)
            wanted, limit = samples[where].astype(np.int64), limits[where].astype(np.int64)[at]
            found = _nearest_zero(wanted, planes, limit, steps[where][at], deviation)
            if analysis.valid is not None:
                found[~analysis.valid[where]] = 0
            if np.abs(found).max(initial=0) > _LARGEST_CORRECTION:
                return None
            corrections[where] = found
        return _core.encode_corrected_payload(
            base, corrections, analysis.valid, limits, tolerance, checksum
        )

    def deviation(self, symbols: SpectralSymbols) -> float:
        """How far, in whole numbers, a decoder may be off from another one before it rounds."""
        planes = np.hypot.reduce(deviations(symbols.scale), initial=0.0)
        result = LEAST_DEVIATION + float(planes) * DEVIATION_OF_PLANES
        if refinement.pays(len(symbols.scale), int(symbols.varies.sum())):
            result += 8 * 2.0 ** (symbols.step / STEPS_PER_OCTAVE) * DEVIATION_OF_REFINED
        return result

    def analyse(self, tile: TileSamples) -> SpectralAnalysis:
        """Measure the spectra of a tile."""
        return self._draft.analyse(tile)

    # ---- decoding -----------------------------------------------------------------------------

    def decoded(self, tile: _core.BandTile, payload: bytes) -> tuple[CorrectedSymbols, int]:
        """Symbols of a payload and their checksum."""
        tolerance, limits, payload_of_base = _core.read_corrected_header(tile, payload)
        base, checksum = self._coder.symbols_and_checksum(tile, payload_of_base)
        corrections, checksum = _core.decode_corrections(tile, payload, base.valid, checksum)
        steps = 2 * limits.astype(np.int64) + 1 - tolerance
        return CorrectedSymbols(base, corrections, steps, limits), checksum

    def synthesise(
        self, tile: _core.BandTile, symbols: CorrectedSymbols, bands: npt.NDArray[np.intp]
    ) -> Iterator[tuple[npt.NDArray[np.intp], npt.NDArray[np.float64]]]:
        """Reconstruct some bands of a tile in whole numbers, a few at a time."""
        for where, planes in self._coder.synthesise(tile, symbols.base, bands):
            chosen = bands[where]
            moved = symbols.corrections[chosen] * symbols.steps[chosen][:, None, None]
            with np.errstate(invalid="ignore"):  # only a malicious stream is as large
                yield where, np.nan_to_num(np.rint(planes)) + moved


class _Search:
    """The quality step of the base that makes the shortest payload, found on a part of a tile."""

    def __init__(
        self,
        base: CorrectedBase,
        tile: TileSamples,
        samples: npt.NDArray[np.int32],
        limits: npt.NDArray[np.uint32],
    ) -> None:
        rows, columns = samples.shape[1:]
        wanted = -(-_SEARCHED_PIXELS // columns)
        first = max(0, (rows - wanted) // 2) if rows > _WORTH_A_PART * wanted else 0
        part = slice(first, first + wanted if first else rows)
        self._base = base
        self._samples = np.ascontiguousarray(samples[:, part])
        self._limits = limits
        self._whole = not first
        self._share = self._samples.size / samples.size
        valid = None if tile.valid is None else tile.valid[part]
        self._analysis = base.analyse(replace(tile, samples=tile.samples[part], valid=valid))
        self._sizes: dict[int, int] = {}

    @property
    def analysis(self) -> SpectralAnalysis | None:
        """Analysis of the tile, if the part is the whole."""
        return self._analysis if self._whole else None

    def best(self, most: int) -> int | None:
        """Quality step; ``None`` if payloads that are shorter than ``most`` are not in sight.

        Sizes have one minimum over the steps, and it is flat: three of them around it tell where
        it is.
        """
        limit = float(np.median(self._limits))
        step = round(STEPS_PER_OCTAVE * math.log2(limit * _STEP_OVER_LIMIT / 8))
        step = max(_core.MIN_STEP + _STRIDE, min(_core.MAX_STEP - _STRIDE, step))
        if self._size(step) > _HOPELESS * most * self._share:
            return None
        while True:
            below, above = step - _STRIDE, step + _STRIDE
            better = min((below, above), key=self._size)
            if self._size(better) >= self._size(step):
                break
            if not _core.MIN_STEP + _STRIDE <= better <= _core.MAX_STEP - _STRIDE:
                return better
            step = better
        slope, bend = (
            self._size(above) - self._size(below),
            self._size(above) + self._size(below) - 2 * self._size(step),
        )
        return step if bend == 0 else step - round(_STRIDE * slope / (2 * bend))

    def _size(self, step: int) -> int:
        if step not in self._sizes:
            found = self._base.corrected(
                self._analysis, self._samples, self._limits, step, refine=False
            )
            self._sizes[step] = _NO_SIZE if found is None else len(found[0])
        return self._sizes[step]


def _nearest_zero(
    wanted: npt.NDArray[np.int64],
    planes: npt.NDArray[np.float64],
    limit: npt.NDArray[np.int64],
    step: npt.NDArray[np.int64],
    deviation: float,
) -> npt.NDArray[np.int64]:
    """Least corrections that keep the limit for every decoder that is off by ``deviation``."""
    low = np.rint(planes - deviation).astype(np.int64)
    high = np.rint(planes + deviation).astype(np.int64)
    least = -((low + limit - wanted) // step)
    most = (wanted + limit - high) // step
    return np.asarray(np.clip(0, least, most))
