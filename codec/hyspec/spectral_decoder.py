"""The decoding half of the ``spectral`` profile: from payloads to planes, and to samples."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from hyspec import _core, plane_networks, refinement
from hyspec.basis_sharing import CarriedBasis
from hyspec.quality import deviations
from hyspec.sample_type import SampleType
from hyspec.spectral_basis import basis_rows
from hyspec.spectral_means import mean_values
from hyspec.spectral_symbols import SpectralAnalysis, SpectralSymbols
from hyspec.spectral_transform import combine
from hyspec.tile_coder import TileCoder

Float32Array = npt.NDArray[np.float32]


class SpectralDecoder(TileCoder[SpectralAnalysis, SpectralSymbols]):
    """Planes through the synthesis, the transform undone; how to encode, a subclass says."""

    def back(self, payload: bytes) -> int:
        """Tiles back to the one whose basis a payload uses; 0 if it has its own."""
        return _core.spectral_payload_back(payload)

    def carried(self, tile: _core.BandTile, payload: bytes) -> CarriedBasis:
        """The basis of a payload that has its own."""
        return CarriedBasis.of(_core.decode_spectral_basis(len(self._core), tile, payload))

    def symbols_and_checksum(
        self, tile: _core.BandTile, payload: bytes
    ) -> tuple[SpectralSymbols, int]:
        """Symbols of a payload that needs no other, and their checksum; errors of the core."""
        return self._decoded(tile, payload, None)

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

    def _rows(self, symbols: SpectralSymbols) -> npt.NDArray[np.float64]:
        """Orthonormal rows of the planes, shape (planes, bands); 0 at bands that do not vary."""
        varies, count = symbols.varies.astype(bool), len(symbols.scale)
        if symbols.carried is None:
            return basis_rows(symbols.basis, varies)[:count]
        return np.asarray(symbols.carried.rows[:count] * varies)
