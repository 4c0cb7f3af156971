"""The ``spectral`` profile: an adaptive spectral transform, then small networks on few planes.

Every tile is transformed along the spectrum by its own principal components. What bands have in
common, which is nearly all, so comes to lie in few planes. All of these are coded with one
quantiser step, which is reverse water-filling again: planes that lie below it cost neither bits nor
time. The payload is described in docs/spectral_profile.md. This is the encoding half;
:mod:`hyspec.spectral_decoder` is the other.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from hyspec import _core, plane_networks
from hyspec.basis_sharing import Choice, RowOfTiles, TileStatistics, Trial
from hyspec.fill import fill_invalid
from hyspec.pack import PackNetwork
from hyspec.quality import STEPS_PER_OCTAVE, deviations, scale_codes
from hyspec.spectral_angle import AngleWeights
from hyspec.spectral_basis import Basis, components
from hyspec.spectral_decoder import SpectralDecoder
from hyspec.spectral_means import sent_means
from hyspec.spectral_symbols import SpectralAnalysis, SpectralSymbols
from hyspec.spectral_transform import TileSpectra
from hyspec.tile_coder import TileSamples, by_band
from hyspec.tile_planes import TilePlanes, Worth, joined

PROFILE_NAME = "spectral"
PROFILE_ID = 2
PROFILE_VERSION = 1

#: Planes of less than so many steps of deviation are looked at in batches of so many.
_LIKELY = 0.6
_AT_ONCE = 24
#: What a bit is worth in squared steps, when the levels of a channel are searched for and when
#: latents are rounded one by one.
BIT_VALUE = 0.12
FAST_BIT_VALUE = 0.09

#: Memory of an analysis: of each pair of bands second moments, principal directions, and a basis
#: with its whole numbers in one level or two; half as much again for what tiles of a row have in
#: common. Beside that, of each band, and of each pixel where angles count.
_PAIR_BYTES = 48
_LEAST_BYTES = 1 << 13
_BAND_BYTES = 128
_WEIGHT_BYTES = 9

Float32Array = npt.NDArray[np.float32]


class SpectralCoder(SpectralDecoder):
    """Principal components, each a plane; the last network of the model, unless one is given."""

    by_row = True

    @property
    def _number(self) -> int:
        """Number of the network that encodes."""
        return len(self._networks) - 1 if self._settings.network is None else self._settings.network

    def analyse(self, tile: TileSamples) -> SpectralAnalysis:
        """Measure the spectra of a tile."""
        return self.analyse_row([tile])[0]

    def analyse_row(self, tiles: Sequence[TileSamples]) -> list[SpectralAnalysis]:
        """Measure the spectra of the tiles of a row, which may share a basis."""
        surveyed = [self._survey(tile) for tile in tiles]
        row = RowOfTiles(surveyed, self._settings.groups)
        analyses = []
        for position, (tile, found) in enumerate(zip(tiles, surveyed, strict=True)):
            largest = [variance[:1].sum() for variance in found.components.variance]
            # All groups together may have as much in one direction.
            scale = scale_codes(np.sqrt(np.maximum([sum(largest)], 0)))[: len(largest)]
            mask = by_band(tile.valid)
            analyses.append(SpectralAnalysis(found.tile, mask, found, row, position, scale))
        return analyses

    def _survey(self, tile: TileSamples) -> TileStatistics:
        valid = None if tile.valid is None or tile.valid.all() else tile.valid
        settings = self._settings
        spectra = TileSpectra(
            tile.samples, valid, tile.sample_type, settings.bad, drop_bad=settings.drop_bad
        )
        weights = AngleWeights.of(spectra.energy()) if settings.angles else None
        scatter = spectra.scatter(None if weights is None else weights.covariance)
        found = components(scatter, spectra.varies, settings.groups)
        rows, columns, bands = tile.samples.shape
        size = _core.BandTile(bands, rows, columns)
        offset = 0 if weights is None else weights.step_offset(tile.brightness, bands)
        return TileStatistics(spectra, size, scatter, found, weights, offset)

    def analysis_bytes(self, shape: tuple[int, int, int], *, masked: bool) -> int:
        """Memory that an analysis takes at most: moments, directions and bases, and masks."""
        rows, columns, bands = shape
        pixel = 2 * bands * masked + _WEIGHT_BYTES * self._settings.angles
        return rows * columns * pixel + bands * (_PAIR_BYTES * bands + _BAND_BYTES) + _LEAST_BYTES

    def encode(self, analysis: SpectralAnalysis, step: int) -> tuple[bytes, int, SpectralSymbols]:
        """Payload at a quality step (smaller is better), its symbols' checksum, and the symbols."""
        number = self._number
        network = self._networks[number]
        choice = self._choose(analysis, network, step)
        step = _own_step(analysis.statistics, step)
        row_bits = choice.basis.row_bits()
        row_bits[: choice.kept] = 0
        planes = self._worthwhile(analysis.statistics, choice.basis, row_bits, network, step)
        count = len(planes.scale)
        mask = None if analysis.valid is None else analysis.valid.astype(np.uint8)
        varies = analysis.statistics.varies.astype(np.uint8)
        scale = planes.scale
        carried, dependent = choice.carried, not self._settings.fast
        basis = choice.basis.first(max(count, choice.kept)).symbols()
        payload, checksum, rounded = _core.encode_spectral_payload(
            self._core,
            analysis.tile,
            choice.back,
            None if carried is None else carried.shared,
            step,
            number,
            mask,
            varies,
            planes.mean.codes,
            basis if carried is None else None,
            scale,
            planes.latents,
            self._bit_value,
            dependent,
            planes.weights,
            planes.mean.fineness,
        )
        symbols = SpectralSymbols(
            choice.back,
            step,
            number,
            mask,
            varies,
            planes.mean.fineness,
            planes.mean.codes,
            basis,
            scale,
            dependent,
            rounded,
            carried,
        )
        return payload, checksum, symbols

    def latents(self, analysis: SpectralAnalysis, step: int) -> Float32Array:
        """Latents of all planes that are considered at a step, in steps, before rounding.

        For training: models learn from them where latents are large.

        Returns
        -------
        ndarray of float32, shape (planes, channels, positions)
        """
        network = self._networks[self._number]
        basis = self._choose(analysis, network, step).basis
        planes = self._planes(analysis.statistics, basis.rows, network, step)
        levels = np.maximum(_core.band_levels(planes.scale, step, network.levels), 0)
        return np.asarray(planes.latents / network.inverse_gain[levels][:, :, None])

    def coded_planes(
        self, analysis: SpectralAnalysis, symbols: SpectralSymbols
    ) -> tuple[Float32Array, Float32Array]:
        """Planes that were coded, and what a decoder makes of them without refinement.

        For training: a refinement learns the first from the second.

        Returns
        -------
        tuple of ndarray of float32, shape (planes, rows, columns)
            On the integer scale.
        """
        spectra = analysis.statistics.spectra
        planes = spectra.project(self._offset(symbols), self._rows(symbols))
        return planes, self._decoded_planes(analysis.tile, symbols)

    @property
    def _bit_value(self) -> float:
        return FAST_BIT_VALUE if self._settings.fast else BIT_VALUE

    def _choose(self, analysis: SpectralAnalysis, network: PackNetwork, step: int) -> Choice:
        """Basis of a tile."""

        def attempt(tile: TileStatistics, basis: Basis, row_bits: npt.NDArray[np.float64]) -> Trial:
            mine = _own_step(tile, step)
            planes = self._worthwhile(tile, basis, row_bits, network, mine)
            # Latents of planes of one deviation are coefficients of an orthonormal transform.
            squares = np.square(planes.latents, dtype=np.float64).mean(2)
            return Trial(len(planes.scale), squares * np.square(deviations(planes.scale))[:, None])

        quantiser = _quantiser_step(network, step)
        return analysis.row.choose(analysis.position, quantiser, attempt)

    def _worthwhile(
        self,
        statistics: TileStatistics,
        basis: Basis,
        row_bits: npt.NDArray[np.float64],
        network: PackNetwork,
        step: int,
    ) -> TilePlanes:
        """Planes whose coding saves more squared error than their bits are worth.

        They fall from plane to plane: where some in a row are worth nothing, none is that follows.
        ``row_bits`` are those of the rows of the basis.
        """
        rows = basis.rows[: statistics.pixels]
        variance = statistics.scatter.variance(rows)
        likely = variance > (_LIKELY * _quantiser_step(network, step)) ** 2
        last = max(_AT_ONCE, int(np.flatnonzero(likely).max(initial=-1)) + 1)
        starts = [0, *range(last, len(rows), _AT_ONCE)]
        parts: list[TilePlanes] = []
        worth = Worth(network, step, self._bit_value)
        for first, stop in zip(starts, [*starts[1:], len(rows)], strict=True):
            planes = self._planes(statistics, rows[first:stop], network, step)
            worth.add(planes, row_bits[first:stop])
            parts.append(planes)
            if worth.count <= first:
                break
        return joined(parts, worth.count)

    def _planes(
        self,
        statistics: TileStatistics,
        rows: npt.NDArray[np.float64],
        network: PackNetwork,
        step: int,
    ) -> TilePlanes:
        """Transform a tile along the spectrum, by rows of a basis, and in space."""
        spectra, tile = statistics.spectra, statistics.tile
        mean = sent_means(spectra.mean, spectra.varies, step, statistics.pixels)
        offset = mean.values
        samples = spectra.project(offset, rows)
        power = np.array([np.vdot(plane, plane) for plane in samples], np.float64)
        scale = scale_codes(np.sqrt(power / statistics.pixels))
        measured = spectra.measured()
        padding = [(0, -tile.rows % network.stride), (0, -tile.columns % network.stride)]

        def normalised(part: slice) -> Float32Array:
            batch = samples[part] / deviations(scale[part]).astype(np.float32)[:, None, None]
            if measured is not None:
                batch = np.stack([fill_invalid(plane, measured) for plane in batch])
            if padding != [(0, 0), (0, 0)]:
                batch = np.pad(batch, [(0, 0), *padding], "edge")
            return np.asarray(batch[:, None])

        latents = plane_networks.analyse(
            network, tile, len(scale), normalised, int8=self._settings.int8, optimise=self._optimise
        )
        weights = None
        if statistics.weights is not None:
            brightness = spectra.brightness(offset, rows)
            weights = statistics.weights.of_latents(samples, brightness, network.stride)
        return TilePlanes(mean, scale, latents, weights)


def _own_step(tile: TileStatistics, step: int) -> int:
    """Quality step of a tile where that of the cube is ``step``."""
    return max(_core.MIN_STEP, min(_core.MAX_STEP, step + tile.step_offset))


def _quantiser_step(network: PackNetwork, step: int) -> float:
    """Quantiser step of a plane at level 0, whose standard deviation is 2^(step / 32)."""
    return float(network.inverse_gain[0].mean() * 2.0 ** (step / STEPS_PER_OCTAVE))
