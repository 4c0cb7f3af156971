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
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from hyspec import _core, refinement
from hyspec.errors import StreamError
from hyspec.quality import STEPS_PER_OCTAVE, deviations
from hyspec.spectral_profile import SpectralCoder
from hyspec.spectral_symbols import SpectralAnalysis, SpectralSymbols
from hyspec.tile_coder import TileSamples

#: How far a decoder may be off from another one before it rounds, in whole numbers: at least, as a
#: share of the root of the summed variances of the planes, and, where planes are refined, as a
#: share of their quantiser step (docs/bounded_profile.md, section 13).
LEAST_DEVIATION = 1 / 16
DEVIATION_OF_PLANES = 2.0**-17
DEVIATION_OF_REFINED = 2.0**-9
#: Least limit, in whole numbers, from which on corrections are worth a try.
LEAST_LIMIT = 2
_LARGEST_LIMIT = 2**31 - 1
_LARGEST_CORRECTION = 2**30 - 1
#: The ways of payloads with a base.
_BASE_WAY = b"\2"


@dataclass(frozen=True)
class CorrectedSymbols:
    """What a payload says.

    Attributes
    ----------
    base : SpectralSymbols
        Symbols of the base.
    corrections : ndarray of int32, shape (bands, rows, columns), or None
        By how many steps samples are moved; ``None`` for the base alone.
    steps : ndarray of int64, shape (bands,)
        The step of each band in whole numbers.
    limits : ndarray of uint32, shape (bands,)
        Largest error of each band in whole numbers.
    """

    base: SpectralSymbols
    corrections: npt.NDArray[np.int32] | None
    steps: npt.NDArray[np.int64]
    limits: npt.NDArray[np.uint32]

    @property
    def valid(self) -> npt.NDArray[np.uint8] | None:
        """Mask of measurements, shape (bands, rows, columns); ``None`` if all are."""
        return self.base.valid


@dataclass(frozen=True)
class CodedBase:
    """A base that is encoded: its payload, the checksum of its symbols, these, and the mask."""

    payload: bytes
    checksum: int
    symbols: SpectralSymbols
    tile: _core.BandTile
    valid: npt.NDArray[np.bool_] | None

    @property
    def alone(self) -> bytes:
        """Payload of a chunk that holds the base and nothing else."""
        return _BASE_WAY + self.payload


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

    def analyse(self, tile: TileSamples) -> SpectralAnalysis:
        """Measure the spectra of a tile."""
        return self._draft.analyse(tile)

    def base(self, analysis: SpectralAnalysis, step: int) -> CodedBase:
        """Encode the base of a tile at a quality step."""
        payload, checksum, symbols = self._draft.encode(analysis, step)
        return CodedBase(payload, checksum, symbols, analysis.tile, analysis.valid)

    def corrected(
        self,
        base: CodedBase,
        samples: npt.NDArray[np.int32],
        limits: npt.NDArray[np.uint32],
        *,
        apart: bool = False,
        refine: bool = True,
    ) -> tuple[bytes, int] | None:
        """Payload of corrections, and the checksum of its symbols.

        Parameters
        ----------
        base
            What is corrected.
        samples
            Samples of the tile in whole numbers, shape (bands, rows, columns).
        limits
            Largest error of each band in whole numbers, shape (bands,).
        apart
            Leave the base to a chunk of its own.
        refine
            Correct what decoders see; without, something that is quicker to get and about as long.

        Returns
        -------
        tuple or None
            ``None`` where limits are too small for a base that is not exact, or too large.
        """
        deviation = self.deviation(base.symbols)
        tolerance = math.floor(2 * deviation) + 1
        wide = limits.astype(np.int64)
        if (2 * wide < tolerance).any() or limits.max() > _LARGEST_LIMIT:
            return None
        steps = 2 * wide + 1 - tolerance
        coder = self._coder if refine else self._draft
        corrections = np.zeros(samples.shape, np.int32)
        for where, planes in coder.synthesise(base.tile, base.symbols, np.arange(len(samples))):
            found = _nearest_zero(
                samples[where].astype(np.int64),
                planes,
                wide[where][:, None, None],
                steps[where][:, None, None],
                deviation,
            )
            if base.valid is not None:
                found[~base.valid[where]] = 0
            if np.abs(found).max(initial=0) > _LARGEST_CORRECTION:
                return None
            corrections[where] = found
        return _core.encode_corrected_payload(
            b"" if apart else base.payload,
            corrections,
            base.valid,
            limits,
            tolerance,
            base.checksum,
        )

    def deviation(self, symbols: SpectralSymbols) -> float:
        """How far, in whole numbers, a decoder may be off from another one before it rounds."""
        planes = np.hypot.reduce(deviations(symbols.scale), initial=0.0)
        result = LEAST_DEVIATION + float(planes) * DEVIATION_OF_PLANES
        if refinement.pays(len(symbols.scale), int(symbols.varies.sum())):
            result += 8 * 2.0 ** (symbols.step / STEPS_PER_OCTAVE) * DEVIATION_OF_REFINED
        return result

    # ---- decoding -----------------------------------------------------------------------------

    def decoded(self, tile: _core.BandTile, payload: bytes) -> tuple[CorrectedSymbols, int]:
        """Symbols of a payload with its own base, and their checksum."""
        _, _, payload_of_base = _core.read_corrected_header(tile, payload)
        base, checksum = self._symbols_of_base(tile, payload_of_base)
        return self.with_corrections(tile, base, checksum, payload)

    def decoded_base(self, tile: _core.BandTile, payload: bytes) -> tuple[CorrectedSymbols, int]:
        """Symbols of a base alone, and their checksum."""
        base, checksum = self._symbols_of_base(tile, payload[len(_BASE_WAY) :])
        steps = np.zeros(tile.bands, np.int64)
        return CorrectedSymbols(base, None, steps, steps.astype(np.uint32)), checksum

    def _symbols_of_base(self, tile: _core.BandTile, payload: bytes) -> tuple[SpectralSymbols, int]:
        if self._coder.back(payload):
            raise StreamError("the base of a chunk uses the basis of another tile")
        return self._coder.symbols_and_checksum(tile, payload)

    def with_corrections(
        self, tile: _core.BandTile, base: SpectralSymbols, checksum: int, payload: bytes
    ) -> tuple[CorrectedSymbols, int]:
        """Symbols of corrections of a base that is known, and the checksum of all."""
        tolerance, limits, _ = _core.read_corrected_header(tile, payload)
        corrections, checksum = _core.decode_corrections(tile, payload, base.valid, checksum)
        steps = 2 * limits.astype(np.int64) + 1 - tolerance
        return CorrectedSymbols(base, corrections, steps, limits), checksum

    def synthesise(
        self, tile: _core.BandTile, symbols: CorrectedSymbols, bands: npt.NDArray[np.intp]
    ) -> Iterator[tuple[npt.NDArray[np.intp], npt.NDArray[np.float64]]]:
        """Reconstruct some bands of a tile in whole numbers, a few at a time."""
        for where, planes in self._coder.synthesise(tile, symbols.base, bands):
            chosen = bands[where]
            rounded = np.nan_to_num(np.rint(planes))  # only a malicious stream is not finite
            if symbols.corrections is not None:
                rounded += symbols.corrections[chosen] * symbols.steps[chosen][:, None, None]
            yield where, rounded


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
