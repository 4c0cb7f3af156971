"""The ``bounded`` profile: no sample is off by more than a limit, from lossless up.

Limits are absolute, in proportion to the samples, or both.

There are two ways. Samples are predicted from what is decoded already, in exact arithmetic in the
core, and what is left is quantised as finely as the limit asks for. Or they are reconstructed as in
the ``spectral`` profile, and those that are off too far are corrected. Each chunk goes the way that
is cheaper; where limits are in proportion to the samples, it is the first one. The payload is
described in docs/bounded_profile.md.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

import numpy as np
import numpy.typing as npt

from hyspec import _core
from hyspec.base_search import cheapest_step, step_of_rate
from hyspec.corrected_base import LEAST_LIMIT, CorrectedBase, CorrectedSymbols
from hyspec.error_limits import RelativeLimit, check_nodata, whole_limits, without_nodata
from hyspec.errors import StreamError
from hyspec.pack import PackModel
from hyspec.relative_error import relative_limit
from hyspec.sample_type import SampleType
from hyspec.spectral_profile import SpectralCoder
from hyspec.spectral_symbols import SpectralAnalysis
from hyspec.tile_coder import CoderSettings, TileCoder, TileSamples, by_band

PROFILE_NAME = "bounded"
PROFILE_ID = 3
PROFILE_VERSION = 1

#: Bits per sample of the base of a layered stream whose limits leave nothing to correct.
DEFAULT_BASE_BPS = 0.25
#: The ways of a payload to its samples, by its first byte.
WAYS = ("prediction", "corrections", "base")


@dataclass(frozen=True)
class BoundedAnalysis:
    """A tile and interval in whole numbers, and how far each band may be off.

    Attributes
    ----------
    tile : _core.BandTile
        Size.
    source : TileSamples
        The samples as they came.
    valid : ndarray of bool, shape (bands, rows, columns), or None
        Mask of measurements; ``None`` if all are.
    samples : ndarray of int32, shape (bands, rows, columns)
        Whole numbers of the samples.
    sample_type : SampleType
        How they become samples again.
    limits : ndarray of uint32, shape (bands,)
        Largest error of each band in whole numbers.
    relative : RelativeLimit
        Largest error in proportion to the samples.
    nodata : scalar of the sample type, or None
        Value that no valid sample has and none may be decoded to; ``None`` for none.
    scale : ndarray of int32, shape (0,)
        Codes of standard deviations: none, as no quality follows from them.
    coded : dict
        By step: payload and checksum of the latest encoding.
    """

    tile: _core.BandTile
    source: TileSamples = field(repr=False)
    valid: npt.NDArray[np.bool_] | None
    samples: npt.NDArray[np.int32] = field(repr=False)
    sample_type: SampleType
    limits: npt.NDArray[np.uint32]
    relative: RelativeLimit
    nodata: Any | None = None
    scale: npt.NDArray[np.int32] = field(default_factory=lambda: np.zeros(0, np.int32))
    coded: dict[int, tuple[bytes, int]] = field(default_factory=dict, repr=False)


@dataclass(frozen=True)
class PredictedSymbols:
    """What a payload says: samples in whole numbers, shape (bands, rows, columns), and limits."""

    samples: npt.NDArray[np.int32]
    valid: npt.NDArray[np.uint8] | None
    limits: npt.NDArray[np.uint32]


Symbols = PredictedSymbols | CorrectedSymbols


class BoundedCoder(TileCoder[BoundedAnalysis, Symbols]):
    """The cheaper way to limits of the settings: prediction alone without a model.

    Parameters
    ----------
    model
        Model of the ``spectral`` profile for reconstructions; ``None`` to predict only.
    settings, optimise
        As for all coders.
    refine
        Without effect: what is corrected must be what was encoded.
    """

    def __init__(
        self,
        model: PackModel | None,
        settings: CoderSettings | None = None,
        *,
        refine: bool = False,
        optimise: bool = True,
    ) -> None:
        super().__init__(model, settings, refine=refine, optimise=optimise)
        self._base: CorrectedBase | None = None
        if model is not None:
            coder = SpectralCoder(model, settings, refine=True, optimise=optimise)
            draft = SpectralCoder(model, settings, refine=False, optimise=optimise)
            self._base = CorrectedBase(coder, draft)

    @staticmethod
    def way(payload: bytes) -> str:
        """One of ``WAYS``; errors as for all coders."""
        if not payload or payload[0] >= len(WAYS):
            raise StreamError(f"the payload goes way {payload[:1].hex() or 'none'} to its samples")
        return WAYS[payload[0]]

    # ---- encoding -----------------------------------------------------------------------------

    def analyse(self, tile: TileSamples) -> BoundedAnalysis:
        """Turn a tile into whole numbers."""
        rows, columns, bands = tile.samples.shape
        mask = by_band(tile.valid)
        counts = tile.sample_type.to_integers(tile.samples.transpose(2, 0, 1))
        valid = None if mask is None else tile.valid
        max_error = self._settings.max_error
        wanted = np.zeros(bands) if max_error is None else max_error
        limits = whole_limits(tile.samples, valid, counts, tile.sample_type, wanted)
        relative, share = RelativeLimit(), self._settings.max_relative_error
        if share is not None:
            relative = relative_limit(tile.samples, valid, counts, tile.sample_type, share)
            if not relative.share:  # less than a payload can say
                limits[:] = 0
        nodata = None
        if tile.sample_type.marks(tile.nodata):
            nodata = tile.sample_type.nodata_fill(tile.nodata)
            check_nodata(limits, counts, mask, tile.sample_type, nodata, relative)
        size = _core.BandTile(bands, rows, columns)
        return BoundedAnalysis(size, tile, mask, counts, tile.sample_type, limits, relative, nodata)

    def encode(self, analysis: BoundedAnalysis, step: int) -> tuple[bytes, int, Symbols]:
        """Payload, the checksum of its symbols, and the symbols."""
        payload, checksum = self.payload(analysis, step)
        return payload, checksum, self._decoded(analysis.tile, payload, None)[0]

    def payload(
        self,
        analysis: BoundedAnalysis,
        step: int,  # noqa: ARG002 - the limits say it all
    ) -> tuple[bytes, int]:
        """Payload and the checksum of its symbols."""
        predicted = self._predicted(analysis)
        if self._base is None:
            return predicted
        limits = self._away_from_nodata(analysis)
        if not self._correctable(analysis, limits):
            return predicted
        source, samples = analysis.source, analysis.samples
        cheapest = cheapest_step(self._base, source, samples, limits, len(predicted[0]))
        if cheapest is None:
            return predicted
        base = self._base.base(self._base.analyse(source), cheapest)
        corrected = self._base.corrected(base, samples, limits)
        return predicted if corrected is None else min(predicted, corrected, key=_length)

    def layers(self, analysis: BoundedAnalysis, step: int) -> list[tuple[bytes, int]]:
        """One payload, or that of a base and that of what a layer adds to it."""
        if not self._settings.layered:
            return [self.payload(analysis, step)]
        assert self._base is not None
        limits = self._away_from_nodata(analysis)
        base = self._base.base(*self._layered_base(self._base, analysis, limits))
        layer = self._predicted(analysis)
        if not analysis.relative.share:
            corrected = self._base.corrected(base, analysis.samples, limits, apart=True)
            if corrected is not None:
                layer = min(layer, corrected, key=_length)
        return [(base.alone, base.checksum), layer]

    def _layered_base(
        self, base: CorrectedBase, analysis: BoundedAnalysis, limits: npt.NDArray[np.uint32]
    ) -> tuple[SpectralAnalysis, int]:
        """Analysis and quality step of the base of a layered stream."""
        bps = self._settings.base_bps
        whole = base.analyse(analysis.source)
        if bps is None and self._correctable(analysis, limits):
            step = cheapest_step(base, analysis.source, analysis.samples, limits)
            assert step is not None
            return whole, step
        most = int((DEFAULT_BASE_BPS if bps is None else bps) * analysis.samples.size / 8)
        return whole, step_of_rate(base, whole, most)

    @staticmethod
    def _correctable(analysis: BoundedAnalysis, limits: npt.NDArray[np.uint32]) -> bool:
        """Whether corrections of a base are worth a try: all of a band have the same limit."""
        return not analysis.relative.share and limits.min() >= LEAST_LIMIT

    def _predicted(self, analysis: BoundedAnalysis) -> tuple[bytes, int]:
        payload, checksum = self._encoded(analysis, analysis.limits)
        limits = self._away_from_nodata(analysis)
        near = np.flatnonzero(limits < analysis.limits)
        if len(near) and self._meets_nodata(analysis, payload, near):
            return self._encoded(analysis, limits)
        return payload, checksum

    @staticmethod
    def _away_from_nodata(analysis: BoundedAnalysis) -> npt.NDArray[np.uint32]:
        """Limits that are kept even where a decoder moves samples away from the nodata value."""
        if analysis.nodata is None:
            return analysis.limits
        whole = analysis.sample_type.whole(analysis.nodata)
        return without_nodata(
            analysis.limits, analysis.samples, analysis.valid, whole, analysis.relative
        )

    @staticmethod
    def _encoded(analysis: BoundedAnalysis, limits: npt.NDArray[np.uint32]) -> tuple[bytes, int]:
        relative = analysis.relative
        lossless = not relative.share and not limits.any()
        settings = _core.default_bounded_settings(analysis.tile.bands, lossless)
        return _core.encode_bounded_payload(
            analysis.samples,
            analysis.valid,
            limits,
            *settings,
            *relative.share.as_integer_ratio(),
            relative.zero,
        )

    @staticmethod
    def _meets_nodata(
        analysis: BoundedAnalysis, payload: bytes, bands: npt.NDArray[np.intp]
    ) -> bool:
        """Whether a valid sample of some bands is decoded to the nodata value."""
        samples, valid, _, _ = _core.decode_bounded_payload(analysis.tile, payload)
        for band in bands:
            met = analysis.sample_type.from_integers(samples[band]) == analysis.nodata
            if valid is not None:
                met &= valid[band] != 0
            if met.any():
                return True
        return False

    # ---- decoding -----------------------------------------------------------------------------

    def _decoded(
        self,
        tile: _core.BandTile,
        payload: bytes,
        carried: None,  # noqa: ARG002 - payloads of this profile need no other
    ) -> tuple[Symbols, int]:
        if self.way(payload) != "prediction":
            if self._base is None:
                raise StreamError("the chunk needs a reconstruction, and the stream names no pack")
            alone = self.way(payload) == "base"
            return (self._base.decoded_base if alone else self._base.decoded)(tile, payload)
        samples, valid, limits, found = _core.decode_bounded_payload(tile, payload)
        return PredictedSymbols(samples, valid, limits), found

    def lacks_layer(self, symbols: Symbols) -> bool:
        """Whether symbols are those of a base, which a layer goes with."""
        return isinstance(symbols, CorrectedSymbols) and symbols.corrections is None

    def _with_layer(
        self, tile: _core.BandTile, symbols: Symbols, checksum: int, payload: bytes
    ) -> tuple[Symbols, int]:
        if self.way(payload) == "prediction":
            return self._decoded(tile, payload, None)
        if self.way(payload) != "corrections" or not self.lacks_layer(symbols):
            raise StreamError(f"a layer of the way {self.way(payload)!r} does not go with its base")
        assert self._base is not None and isinstance(symbols, CorrectedSymbols)
        return self._base.with_corrections(tile, symbols.base, checksum, payload)

    def synthesise(
        self,
        tile: _core.BandTile,
        symbols: Symbols,
        bands: npt.NDArray[np.intp],
    ) -> Iterator[tuple[npt.NDArray[np.intp], npt.NDArray[np.float64]]]:
        """Give some bands of a tile in whole numbers, a few at a time."""
        if isinstance(symbols, CorrectedSymbols):
            assert self._base is not None
            yield from self._base.synthesise(tile, symbols, bands)
            return
        for position, band in enumerate(bands):
            yield np.array([position]), symbols.samples[band : band + 1].astype(np.float64)

    def reconstruct(
        self,
        tile: _core.BandTile,
        symbols: Symbols,
        bands: npt.NDArray[np.intp],
        window: tuple[slice, slice],
        sample_type: SampleType,
        avoid: Any | None,
        out: npt.NDArray[Any],
    ) -> None:
        """Write samples: whole numbers need no rounding."""
        if isinstance(symbols, CorrectedSymbols):
            super().reconstruct(tile, symbols, bands, window, sample_type, avoid, out)
            return
        for position, band in enumerate(bands):
            samples = sample_type.from_integers(symbols.samples[band][window])
            if avoid is not None:
                sample_type.avoid(samples, avoid)
            out[:, :, position] = samples


def stated_limits(tile: _core.BandTile, payload: bytes) -> tuple[int, Fraction]:
    """Largest limit of the bands of a payload in whole numbers, and the share of relative ones.

    Raises
    ------
    StreamError
        The payload is a base, which has no limits, or goes a way that is not known.
    CoreError
        The bytes hold no payload of this tile.
    """
    if BoundedCoder.way(payload) == "base":
        raise StreamError("a base has no limits")
    if BoundedCoder.way(payload) == "corrections":
        return int(_core.read_corrected_header(tile, payload)[1].max()), Fraction(0)
    limits, numerator, denominator, _ = _core.read_bounded_limits(tile, payload)
    return int(limits.max()), Fraction(numerator, denominator)


def _length(payload_and_checksum: tuple[bytes, int]) -> int:
    return len(payload_and_checksum[0])
