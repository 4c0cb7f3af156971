"""The ``spectral`` profile: an adaptive spectral transform, then small networks on few planes.

Every tile is transformed along the spectrum by its own principal components. What bands have in
common, which is nearly all, so comes to lie in few planes. All of these are coded with one
quantiser step, which is reverse water-filling again: planes that lie below it cost neither bits nor
time. The payload is described in docs/spectral_profile.md.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from hyspec import _core, plane_networks
from hyspec.fill import fill_invalid
from hyspec.pack import PackNetwork
from hyspec.quality import STEPS_PER_OCTAVE, deviations, scale_codes
from hyspec.sample_type import SampleType
from hyspec.spectral_transform import TileSpectra, combine, orthonormal, quantised_basis
from hyspec.tile_coder import TileCoder, by_band

PROFILE_NAME = "spectral"
PROFILE_ID = 2
PROFILE_VERSION = 1

#: Level from which on a plane is worth coding, whatever it holds: where its standard deviation is
#: that of the quantiser step.
_STRONG_LEVEL = 96
#: Latents of more than so many steps become something else than zero, for so many bits.
_KEPT = 0.6
_BITS_OF_ONE = 5.0
#: Positions of a plane's grid, spread evenly, on which they are counted at least, if it has more.
_COUNTED_POSITIONS = 256
#: What a bit is worth in squared steps, when the levels of a channel are searched for and when
#: latents are rounded one by one.
BIT_VALUE = 0.12
FAST_BIT_VALUE = 0.09

Float32Array = npt.NDArray[np.float32]


@dataclass(frozen=True)
class _Planes:
    """Planes of a tile at one step, before their number is chosen.

    ``mean`` and ``scale`` hold codes, ``entries`` is the basis, and ``latents`` has the shape
    (planes, channels, positions).
    """

    mean: npt.NDArray[np.int32]
    entries: npt.NDArray[np.int32]
    scale: npt.NDArray[np.int32]
    latents: Float32Array


@dataclass(frozen=True)
class SpectralAnalysis:
    """What the encoder knows of one tile and interval before it chooses the quality.

    Attributes
    ----------
    tile : _core.BandTile
        Size.
    valid : ndarray of bool, shape (bands, rows, columns), or None
        Mask of measurements; ``None`` if all are.
    spectra : TileSpectra
        The samples.
    variance, direction : ndarray
        Principal components, see :meth:`TileSpectra.components`.
    scale : ndarray of int32, shape (1,) or (0,)
        Code of the standard deviation of the first component; empty if no band varies.
    coded : dict
        By step: payload and checksum of the latest encoding, for searches that end where they are.
    """

    tile: _core.BandTile
    valid: npt.NDArray[np.bool_] | None
    spectra: TileSpectra = field(repr=False)
    variance: npt.NDArray[np.float64] = field(repr=False)
    direction: npt.NDArray[np.float64] = field(repr=False)
    scale: npt.NDArray[np.int32]
    coded: dict[int, tuple[bytes, int]] = field(default_factory=dict, repr=False)


@dataclass(frozen=True)
class SpectralSymbols:
    """The integers of one tile and interval: all that a payload says.

    Latents are half steps; see docs/spectral_profile.md.
    """

    step: int
    network: int
    valid: npt.NDArray[np.uint8] | None
    varies: npt.NDArray[np.uint8]
    mean: npt.NDArray[np.int32]
    scale: npt.NDArray[np.int32]
    basis: npt.NDArray[np.int32]
    dependent: bool
    latents: npt.NDArray[np.int32]


class SpectralCoder(TileCoder[SpectralAnalysis, SpectralSymbols]):
    """Principal components, each a plane; the last network of the model, unless one is given."""

    # ---- encoding -----------------------------------------------------------------------------

    @property
    def _number(self) -> int:
        """Number of the network that encodes."""
        return len(self._networks) - 1 if self._network is None else self._network

    def analyse(
        self,
        samples: npt.NDArray[Any],
        valid: npt.NDArray[np.bool_] | None,
        sample_type: SampleType,
    ) -> SpectralAnalysis:
        """Measure the spectra of a tile."""
        rows, columns, bands = samples.shape
        mask = by_band(valid)
        spectra = TileSpectra(samples, None if mask is None else valid, sample_type)
        variance, direction = spectra.components()
        scale = scale_codes(np.sqrt(np.maximum(variance[:1], 0)))
        tile = _core.BandTile(bands, rows, columns)
        return SpectralAnalysis(tile, mask, spectra, variance, direction, scale)

    def encode(self, analysis: SpectralAnalysis, step: int) -> tuple[bytes, int, SpectralSymbols]:
        """Payload at a quality step (smaller is better), its symbols' checksum, and the symbols."""
        number = self._number
        network = self._networks[number]
        planes = self._planes(analysis, network, step)
        bit_value = FAST_BIT_VALUE if self._fast else BIT_VALUE
        count = _worthwhile(planes, network, step, bit_value)
        mask = None if analysis.valid is None else analysis.valid.astype(np.uint8)
        varies = analysis.spectra.varies.astype(np.uint8)
        scale, entries = planes.scale[:count], planes.entries[:count]
        dependent = not self._fast
        payload, checksum, rounded = _core.encode_spectral_payload(
            self._core,
            analysis.tile,
            step,
            number,
            mask,
            varies,
            planes.mean,
            scale,
            entries,
            planes.latents[:count],
            bit_value,
            dependent,
        )
        symbols = SpectralSymbols(
            step, number, mask, varies, planes.mean, scale, entries, dependent, rounded
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
        planes = self._planes(analysis, network, step)
        levels = np.maximum(_core.band_levels(planes.scale, step, network.levels), 0)
        return np.asarray(planes.latents / network.inverse_gain[levels][:, :, None])

    def _planes(self, analysis: SpectralAnalysis, network: PackNetwork, step: int) -> _Planes:
        """Transform a tile along the spectrum, as finely as a step needs it, and in space."""
        spectra, tile = analysis.spectra, analysis.tile
        mean = _mean_codes(spectra, step)
        offset = _means(mean, spectra.varies, step)
        # That of a plane at level 0, whose standard deviation is 2^(step / 32).
        quantiser = float(network.inverse_gain[0].mean()) * 2.0 ** (step / STEPS_PER_OCTAVE)
        basis = quantised_basis(
            analysis.variance, analysis.direction, quantiser, tile.rows * tile.columns
        )
        samples = spectra.project(offset, basis.rows)
        power = np.array([np.vdot(plane, plane) for plane in samples], np.float64)
        scale = scale_codes(np.sqrt(power / (tile.rows * tile.columns)))
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
            network, tile, len(scale), normalised, int8=self._int8, optimise=self._optimise
        )
        return _Planes(mean, basis.entries, scale, latents)

    # ---- decoding -----------------------------------------------------------------------------

    def _decoded(self, tile: _core.BandTile, payload: bytes) -> tuple[SpectralSymbols, int]:
        found = _core.decode_spectral_payload(self._core, tile, payload)
        return SpectralSymbols(*found[:-1]), found[-1]

    def synthesise(
        self, tile: _core.BandTile, symbols: SpectralSymbols, bands: npt.NDArray[np.intp]
    ) -> Iterator[tuple[npt.NDArray[np.intp], npt.NDArray[np.float64]]]:
        """Reconstruct some bands of a tile on the integer scale, a few at a time."""
        basis, offset = self._basis(tile, symbols)
        planes = self._decoded_planes(tile, symbols)
        for part, samples in combine(offset[bands], basis[:, bands], planes):
            yield np.arange(part.start, part.stop), samples

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
        basis, offset = self._basis(tile, symbols)
        planes = np.ascontiguousarray(self._decoded_planes(tile, symbols)[:, *window])
        _core.put_samples(
            planes,
            basis[:, bands].astype(np.float32),
            offset[bands].astype(np.float32),
            None if avoid is None else int(avoid),
            out,
        )

    def _basis(
        self, tile: _core.BandTile, symbols: SpectralSymbols
    ) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
        """Orthonormal rows, shape (planes, bands) with 0 where a band does not vary, and means."""
        varies = symbols.varies.astype(bool)
        rows = np.zeros((len(symbols.scale), tile.bands))
        rows[:, varies] = orthonormal(symbols.basis)
        return rows, _means(symbols.mean, varies, symbols.step)

    def _decoded_planes(self, tile: _core.BandTile, symbols: SpectralSymbols) -> Float32Array:
        network = self._networks[symbols.network]
        count = len(symbols.scale)
        levels = np.maximum(_core.band_levels(symbols.scale, symbols.step, network.levels), 0)
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
        return planes


def _worthwhile(planes: _Planes, network: PackNetwork, step: int, bit_value: float) -> int:
    """Number of planes whose coding saves more squared error than its bits are worth.

    Of strong planes that is known beforehand; weak ones are counted.
    """
    levels = np.maximum(_core.band_levels(planes.scale, step, network.levels), 0)
    strong = int(np.flatnonzero(levels >= _STRONG_LEVEL).max(initial=-1)) + 1
    worth = 0.0
    best, count = 0.0, strong
    every = max(1, planes.latents.shape[2] // _COUNTED_POSITIONS)
    for k in range(strong, len(planes.scale)):
        energy = np.square(planes.latents[k, :, ::every] / network.inverse_gain[levels[k]][:, None])
        large = energy > _KEPT**2
        kept = every * np.count_nonzero(large)
        entries = planes.entries[k].astype(np.float64)
        bits = len(entries) * (1 + 0.5 * np.log2(1 + np.square(entries).mean()))
        bits += _BITS_OF_ONE * kept
        worth += every * float(energy[large].sum(dtype=np.float64)) - kept / 12 - bit_value * bits
        if worth > best:
            best, count = worth, k + 1
    return count


def _units(varies: npt.NDArray[np.bool_], step: int) -> npt.NDArray[np.float64]:
    """Unit that the mean of each band is counted in."""
    exponents = [_core.spectral_mean_exponent(flag, step) for flag in (False, True)]
    return np.asarray(np.exp2(np.where(varies, *exponents[::-1])), np.float64)


def _mean_codes(spectra: TileSpectra, step: int) -> npt.NDArray[np.int32]:
    codes = np.rint(spectra.mean / _units(spectra.varies, step))
    return np.clip(codes, -(2**31), 2**31 - 1).astype(np.int32)


def _means(
    codes: npt.NDArray[np.int32], varies: npt.NDArray[np.bool_], step: int
) -> npt.NDArray[np.float64]:
    return codes * _units(varies, step)
