"""The ``bounded`` profile: no sample is off by more than a limit, from lossless up.

Limits are absolute, in proportion to the samples, or both.

Samples are predicted from what is decoded already, in exact arithmetic in the core, and what is
left is quantised as finely as the limit asks for. There is no network and no pack, and there is
no quality to search for. The payload is described in docs/bounded_profile.md.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from hyspec import _core
from hyspec.error_limits import RelativeLimit, check_nodata, whole_limits, without_nodata
from hyspec.relative_error import relative_limit
from hyspec.sample_type import SampleType
from hyspec.tile_coder import TileCoder, TileSamples, by_band

PROFILE_NAME = "bounded"
PROFILE_ID = 3
PROFILE_VERSION = 1


@dataclass(frozen=True)
class BoundedAnalysis:
    """A tile and interval in whole numbers, and how far each band may be off.

    Attributes
    ----------
    tile : _core.BandTile
        Size.
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
    valid: npt.NDArray[np.bool_] | None
    samples: npt.NDArray[np.int32] = field(repr=False)
    sample_type: SampleType
    limits: npt.NDArray[np.uint32]
    relative: RelativeLimit
    nodata: Any | None = None
    scale: npt.NDArray[np.int32] = field(default_factory=lambda: np.zeros(0, np.int32))
    coded: dict[int, tuple[bytes, int]] = field(default_factory=dict, repr=False)


@dataclass(frozen=True)
class BoundedSymbols:
    """What a payload says: samples in whole numbers, shape (bands, rows, columns), and limits."""

    samples: npt.NDArray[np.int32]
    valid: npt.NDArray[np.uint8] | None
    limits: npt.NDArray[np.uint32]


class BoundedCoder(TileCoder[BoundedAnalysis, BoundedSymbols]):
    """Prediction over bands, rows and columns, with the limits of the settings."""

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
        return BoundedAnalysis(size, mask, counts, tile.sample_type, limits, relative, nodata)

    def encode(self, analysis: BoundedAnalysis, step: int) -> tuple[bytes, int, BoundedSymbols]:
        """Payload, the checksum of its symbols, and the symbols."""
        payload, checksum = self.payload(analysis, step)
        return payload, checksum, self._decoded(analysis.tile, payload, None)[0]

    def payload(
        self,
        analysis: BoundedAnalysis,
        step: int,  # noqa: ARG002 - the limits say it all
    ) -> tuple[bytes, int]:
        """Payload and the checksum of its symbols."""
        payload, checksum = self._encoded(analysis, analysis.limits)
        if analysis.nodata is None:
            return payload, checksum
        whole = analysis.sample_type.whole(analysis.nodata)
        limits = without_nodata(
            analysis.limits, analysis.samples, analysis.valid, whole, analysis.relative
        )
        near = np.flatnonzero(limits < analysis.limits)
        if len(near) and self._meets_nodata(analysis, payload, near):
            return self._encoded(analysis, limits)
        return payload, checksum

    @staticmethod
    def _encoded(analysis: BoundedAnalysis, limits: npt.NDArray[np.uint32]) -> tuple[bytes, int]:
        settings = _core.default_bounded_settings(analysis.tile.bands)
        relative = analysis.relative
        return _core.encode_bounded_payload(
            analysis.samples, analysis.valid, limits, *settings, relative.share, relative.zero
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
    ) -> tuple[BoundedSymbols, int]:
        samples, valid, limits, found = _core.decode_bounded_payload(tile, payload)
        return BoundedSymbols(samples, valid, limits), found

    def synthesise(
        self,
        tile: _core.BandTile,  # noqa: ARG002 - the symbols know it
        symbols: BoundedSymbols,
        bands: npt.NDArray[np.intp],
    ) -> Iterator[tuple[npt.NDArray[np.intp], npt.NDArray[np.float64]]]:
        """Give some bands of a tile as they are, one at a time."""
        for position, band in enumerate(bands):
            yield np.array([position]), symbols.samples[band : band + 1].astype(np.float64)

    def reconstruct(
        self,
        tile: _core.BandTile,  # noqa: ARG002 - the symbols know it
        symbols: BoundedSymbols,
        bands: npt.NDArray[np.intp],
        window: tuple[slice, slice],
        sample_type: SampleType,
        avoid: Any | None,
        out: npt.NDArray[Any],
    ) -> None:
        """Write samples: whole numbers need no rounding."""
        for position, band in enumerate(bands):
            samples = sample_type.from_integers(symbols.samples[band][window])
            if avoid is not None:
                sample_type.avoid(samples, avoid)
            out[:, :, position] = samples
