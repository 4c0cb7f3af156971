"""The ``spectral`` profile: an adaptive spectral transform, then small networks on few planes.

Every tile is transformed along the spectrum by its own principal components. What bands have in
common, which is nearly all, so comes to lie in few planes. All of these are coded with one
quantiser step, which is reverse water-filling again: planes that lie below it cost neither bits nor
time. The payload is described in docs/spectral_profile.md.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from hyspec import _core, plane_networks, refinement
from hyspec.basis_sharing import CarriedBasis, Choice, RowOfTiles, TileStatistics, Trial
from hyspec.fill import fill_invalid
from hyspec.pack import PackNetwork
from hyspec.quality import STEPS_PER_OCTAVE, deviations, scale_codes
from hyspec.sample_type import SampleType
from hyspec.spectral_angle import AngleWeights
from hyspec.spectral_basis import Basis, basis_rows, components
from hyspec.spectral_means import mean_values, sent_means
from hyspec.spectral_transform import TileSpectra, combine
from hyspec.tile_coder import TileCoder, TileSamples, by_band
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

Float32Array = npt.NDArray[np.float32]


@dataclass(frozen=True)
class SpectralAnalysis:
    """What the encoder knows of one tile and interval before it chooses the quality.

    Attributes
    ----------
    tile : _core.BandTile
        Size.
    valid : ndarray of bool, shape (bands, rows, columns), or None
        Mask of measurements; ``None`` if all are.
    statistics : TileStatistics
        The samples and their principal components.
    row : RowOfTiles
        The tiles that may share a basis.
    position : int
        Place of this tile among them, from 0.
    scale : ndarray of int32, shape (1,) or (0,)
        Code of the standard deviation of the first component; empty if no band varies.
    coded : dict
        By step: payload and checksum of the latest encoding, for searches that end where they are.
    """

    tile: _core.BandTile
    valid: npt.NDArray[np.bool_] | None
    statistics: TileStatistics = field(repr=False)
    row: RowOfTiles = field(repr=False)
    position: int
    scale: npt.NDArray[np.int32]
    coded: dict[int, tuple[bytes, int]] = field(default_factory=dict, repr=False)


@dataclass(frozen=True)
class SpectralSymbols:
    """The integers of one tile and interval: all that a payload says.

    Latents are half steps; see docs/spectral_profile.md. ``carried`` is the basis that ``back``
    leads to.
    """

    back: int
    step: int
    network: int
    valid: npt.NDArray[np.uint8] | None
    varies: npt.NDArray[np.uint8]
    fineness: int
    mean: npt.NDArray[np.int32]
    basis: _core.SpectralBasis
    scale: npt.NDArray[np.int32]
    dependent: bool
    latents: npt.NDArray[np.int32]
    carried: CarriedBasis | None = None


class SpectralCoder(TileCoder[SpectralAnalysis, SpectralSymbols]):
    """Principal components, each a plane; the last network of the model, unless one is given."""

    by_row = True

    # ---- encoding -----------------------------------------------------------------------------

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

    # ---- decoding -----------------------------------------------------------------------------

    def back(self, payload: bytes) -> int:
        """Tiles back to the one whose basis a payload uses; 0 if it has its own."""
        return _core.spectral_payload_back(payload)

    def carried(self, tile: _core.BandTile, payload: bytes) -> CarriedBasis:
        """The basis of a payload that has its own."""
        return CarriedBasis.of(_core.decode_spectral_basis(len(self._core), tile, payload))

    def _decoded(
        self, tile: _core.BandTile, payload: bytes, carried: CarriedBasis | None
    ) -> tuple[SpectralSymbols, int]:
        shared = None if carried is None else carried.shared
        found = _core.decode_spectral_payload(self._core, tile, payload, shared)
        return SpectralSymbols(*found[:-1], carried), found[-1]

    def synthesise(
        self, tile: _core.BandTile, symbols: SpectralSymbols, bands: npt.NDArray[np.intp]
    ) -> Iterator[tuple[npt.NDArray[np.intp], npt.NDArray[np.float64]]]:
        """Reconstruct some bands of a tile on the integer scale, a few at a time."""
        rows, offset = self._rows(symbols), self._offset(symbols)
        planes = self._decoded_planes(tile, symbols)
        for part, samples in combine(offset[bands], rows[:, bands], planes):
            yield np.arange(part.start, part.stop), samples

    def components(
        self, tile: _core.BandTile, symbols: SpectralSymbols
    ) -> tuple[Float32Array, npt.NDArray[np.float64], npt.NDArray[np.float64]]:
        """Decode planes (planes, rows, columns), basis (planes, bands) and mean (bands,).

        On the integer scale; no band is reconstructed.
        """
        planes = self._decoded_planes(tile, symbols)
        return planes, self._rows(symbols), self._offset(symbols)

    def reconstruct(
        self,
        tile: _core.BandTile,
        symbols: SpectralSymbols,
        bands: npt.NDArray[np.intp],
        window: tuple[slice, slice],
        sample_type: SampleType,
        avoid: Any | None,
        out: npt.NDArray[Any],
    ) -> None:
        """Write samples; those of at most 16 bits need single precision only."""
        if not sample_type.is_small:
            super().reconstruct(tile, symbols, bands, window, sample_type, avoid, out)
            return
        rows, offset = self._rows(symbols), self._offset(symbols)
        planes = np.ascontiguousarray(self._decoded_planes(tile, symbols)[:, *window])
        _core.put_samples(
            planes,
            rows[:, bands].astype(np.float32),
            offset[bands].astype(np.float32),
            None if avoid is None else int(avoid),
            out,
        )

    def _offset(self, symbols: SpectralSymbols) -> npt.NDArray[np.float64]:
        """Means of the bands, shape (bands,)."""
        varies = symbols.varies.astype(bool)
        return mean_values(symbols.mean, varies, symbols.step, symbols.fineness)

    def _decoded_planes(self, tile: _core.BandTile, symbols: SpectralSymbols) -> Float32Array:
        network = self._networks[symbols.network]
        count = len(symbols.scale)
        levels = self.levels(symbols)
        planes = np.empty((count, tile.rows, tile.columns), np.float32)
        grid = plane_networks.latent_grid(tile, network)
        deviation = deviations(symbols.scale).astype(np.float32)
        half_step = 0.5 * (_core.DEPENDENT_STEP if symbols.dependent else 1.0)
        for part in plane_networks.batches(count, grid, network.stride):
            normalised = plane_networks.synthesise(
                network,
                tile,
                symbols.latents,
                levels,
                np.arange(part.start, part.stop),
                unit=half_step,
                optimise=self._optimise,
            )
            # Only a malicious stream drives a network that far; bands that do not vary stay exact.
            with np.errstate(over="ignore", invalid="ignore"):
                scaled = normalised * deviation[part, None, None]
            planes[part] = np.nan_to_num(scaled, copy=False)
        wanted = self._refine and refinement.pays(count, int(symbols.varies.sum()))
        if not wanted or network.refinement is None:
            return planes
        refined = refinement.refined(
            network,
            network.refinement,
            tile,
            planes,
            levels,
            symbols.step,
            optimise=self._optimise,
        )
        return np.nan_to_num(refined, copy=False)

    def levels(self, symbols: SpectralSymbols) -> npt.NDArray[np.int32]:
        """Levels of the planes, shape (planes,)."""
        network = self._networks[symbols.network]
        return np.maximum(_core.band_levels(symbols.scale, symbols.step, network.levels), 0)

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

    def _rows(self, symbols: SpectralSymbols) -> npt.NDArray[np.float64]:
        """Orthonormal rows of the planes, shape (planes, bands); 0 at bands that do not vary."""
        varies, count = symbols.varies.astype(bool), len(symbols.scale)
        if symbols.carried is None:
            return basis_rows(symbols.basis, varies)[:count]
        return np.asarray(symbols.carried.rows[:count] * varies)


def _own_step(tile: TileStatistics, step: int) -> int:
    """Quality step of a tile where that of the cube is ``step``."""
    return max(_core.MIN_STEP, min(_core.MAX_STEP, step + tile.step_offset))


def _quantiser_step(network: PackNetwork, step: int) -> float:
    """Quantiser step of a plane at level 0, whose standard deviation is 2^(step / 32)."""
    return float(network.inverse_gain[0].mean() * 2.0 ** (step / STEPS_PER_OCTAVE))
