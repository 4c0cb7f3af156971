"""Reconstructions of the ``spectral`` profile that are corrected wherever they are off too far.

Where errors may be large, most of what a predictor codes is noise that nobody asked for. A
spectral transform brings the rate down to what stands out of it; the few samples that it misses by
more than their limit are moved back by multiples of a step that is nearly twice the limit, as S.
Liang, Z. Chen, F. Cappello et al. do for other bases (SZ3, IEEE Transactions on Big Data 9(2),
2023) and P. Lindstrom, S. Li, J. Clyne for wavelets (SPERR, IEEE IPDPS 2023). See
docs/bounded_profile.md, sections 10 to 15.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from hyspec import _core, refinement
from hyspec.quality import STEPS_PER_OCTAVE, deviations
from hyspec.spectral_profile import SpectralAnalysis, SpectralCoder, SpectralSymbols
from hyspec.tile_coder import TileSamples

#: How far a decoder may be off from another one before it rounds, in whole numbers: at least, as a
#: share of the root of the summed variances of the planes, and, where planes are refined, as a
#: share of their quantiser step (docs/bounded_profile.md, section 15).
LEAST_DEVIATION = 1 / 16
DEVIATION_OF_PLANES = 2.0**-17
DEVIATION_OF_REFINED = 2.0**-9
#: Least limit, in whole numbers, from which on corrections are worth a try.
LEAST_LIMIT = 2
#: The quantiser step of planes that a search begins with, over the error limit: a normal error
#: then has a standard deviation of about half the limit. Then strides in steps of quality.
_STEP_OVER_LIMIT = 1.6
_STRIDES = (24, 10)
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

        Returns
        -------
        tuple or None
            ``None`` where limits are too small for a base that is not exact.
        """
        if limits.min() < LEAST_LIMIT or limits.max() >= 2**31:
            return None
        return _Search(self, tile, samples, limits).best()

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
    """The quality step of the base that makes the shortest payload of a tile."""

    def __init__(
        self,
        base: CorrectedBase,
        tile: TileSamples,
        samples: npt.NDArray[np.int32],
        limits: npt.NDArray[np.uint32],
    ) -> None:
        self._base = base
        self._analysis = base.analyse(tile)
        self._samples = samples
        self._limits = limits
        self._sizes: dict[int, int] = {}

    def best(self) -> tuple[bytes, int] | None:
        limit = float(np.median(self._limits))
        step = round(STEPS_PER_OCTAVE * math.log2(limit * _STEP_OVER_LIMIT / 8))
        step = max(_core.MIN_STEP, min(_core.MAX_STEP, step))
        for stride in _STRIDES:
            while True:
                near = [s for s in (step - stride, step + stride) if self._allowed(s)]
                better = min(near, key=self._size, default=step)
                if self._size(better) >= self._size(step):
                    break
                step = better
        return self._base.corrected(
            self._analysis, self._samples, self._limits, step, refine=True
        )

    @staticmethod
    def _allowed(step: int) -> bool:
        return _core.MIN_STEP <= step <= _core.MAX_STEP

    def _size(self, step: int) -> int:
        if step not in self._sizes:
            found = self._base.corrected(
                self._analysis, self._samples, self._limits, step, refine=False
            )
            self._sizes[step] = 2**62 if found is None else len(found[0])
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
    return np.clip(0, least, most)
