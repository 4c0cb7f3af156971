"""The ``band`` profile: band by band, small autoencoders, one model per band interval.

After Mijares i Verdú et al., "Hyperspectral remote sensing data compression with neural networks"
(DCC 2022). Every band of a tile is normalised by its own mean
and standard deviation, which are sent as integers, and goes through an analysis network of its
interval. All bands are quantised with one step in sample units: a band with twice the standard
deviation gets one octave more quality, and one that stays below the step is sent as its mean. That
is reverse water-filling, the allocation that minimises the mean squared error. What neighbouring
bands have in common costs little, as the entropy coder predicts latents from those of the bands
before. The payload is described in docs/band_profile.md.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from hyspec import _core, plane_networks
from hyspec.band_planes import BandPlanes, offset_and_factor
from hyspec.pack import PackNetwork
from hyspec.quality import SCALE_ONE
from hyspec.tile_coder import TileCoder, TileSamples, by_band

PROFILE_NAME = "band"
PROFILE_ID = 1
PROFILE_VERSION = 2

#: What a bit is worth in squared steps when latents are rounded.
BIT_VALUE = 0.09
#: Memory of an analysis, and that of each band, beside masks and latents.
_LEAST_BYTES = 1 << 12
_BAND_BYTES = 32

Float32Array = npt.NDArray[np.float32]


@dataclass(frozen=True)
class BandAnalysis:
    """What the encoder knows of one tile and interval before it chooses the quality.

    Attributes
    ----------
    tile : _core.BandTile
        Size.
    valid : ndarray of bool, shape (bands, rows, columns), or None
        Mask of measurements; ``None`` if all are.
    scale, mean : ndarray of int32, shape (bands,)
        Codes of standard deviation and mean.
    planes : BandPlanes
        The samples.
    latents : dict
        By the number of a network: its latents of the bands with a scale above 0, shape
        (bands, channels, positions); made when they are first needed.
    coded : dict
        By step: payload and checksum of the latest encoding, for searches that end where they are.
    """

    tile: _core.BandTile
    valid: npt.NDArray[np.bool_] | None
    scale: npt.NDArray[np.int32]
    mean: npt.NDArray[np.int32]
    planes: BandPlanes = field(repr=False)
    latents: dict[int, Float32Array] = field(default_factory=dict, repr=False)
    coded: dict[int, tuple[bytes, int]] = field(default_factory=dict, repr=False)


@dataclass(frozen=True)
class BandSymbols:
    """The integers of one tile and interval: all that a payload says. See docs/band_profile.md."""

    step: int
    network: int
    valid: npt.NDArray[np.uint8] | None
    scale: npt.NDArray[np.int32]
    mean: npt.NDArray[np.int32]
    latents: npt.NDArray[np.int32]


class BandCoder(TileCoder[BandAnalysis, BandSymbols]):
    """Band after band. The network is chosen by the level of a tile's median band."""

    # ---- encoding -----------------------------------------------------------------------------

    def analyse(self, tile: TileSamples) -> BandAnalysis:
        """Measure the bands of a tile."""
        rows, columns, bands = tile.samples.shape
        mask = by_band(tile.valid)
        planes = BandPlanes(tile.samples, mask, tile.sample_type)
        dropped = self._settings.bad if self._settings.drop_bad else None
        scale, mean = planes.statistics(dropped)
        return BandAnalysis(_core.BandTile(bands, rows, columns), mask, scale, mean, planes)

    def analysis_bytes(self, shape: tuple[int, int, int], *, masked: bool) -> int:
        """Memory that an analysis takes at most: latents of all networks, and a mask."""
        rows, columns, bands = shape
        latents = sum(
            n.channels * -(-rows // n.stride) * -(-columns // n.stride) for n in self._networks
        )
        mask = rows * columns if masked else 0
        return bands * (4 * latents + mask + _BAND_BYTES) + _LEAST_BYTES

    def encode(self, analysis: BandAnalysis, step: int) -> tuple[bytes, int, BandSymbols]:
        """Payload at a quality step (smaller is better), its symbols' checksum, and the symbols."""
        number = self._choose(analysis.scale, step)
        network = self._networks[number]
        levels = _core.band_levels(analysis.scale, step, network.levels)
        varying = levels[analysis.scale > 0]
        latents = self._latents(analysis, number)
        if not (varying >= 0).all():
            latents = latents[varying >= 0]
        mask = None if analysis.valid is None else analysis.valid.astype(np.uint8)
        payload, checksum, rounded = _core.encode_band_payload(
            self._core,
            analysis.tile,
            step,
            number,
            mask,
            analysis.scale,
            analysis.mean,
            latents,
            BIT_VALUE,
        )
        symbols = BandSymbols(step, number, mask, analysis.scale, analysis.mean, rounded)
        return payload, checksum, symbols

    def _choose(self, scale: npt.NDArray[np.int32], step: int) -> int:
        """Network for a tile: the last one whose levels begin below that of the median band."""
        if self._settings.network is not None:
            return self._settings.network
        varying = scale[scale > 0]
        # Of all bands that vary, active or not, so that finer steps never mean a coarser network.
        middle = 2 * (float(np.median(varying)) - SCALE_ONE) - step if varying.size else 0.0
        fitting = [k for k, network in enumerate(self._networks) if network.from_level <= middle]
        return max(fitting, default=0)

    def _latents(self, analysis: BandAnalysis, number: int) -> Float32Array:
        if number not in analysis.latents:
            analysis.latents[number] = self._transform(analysis, self._networks[number])
        return analysis.latents[number]

    def _transform(self, analysis: BandAnalysis, network: PackNetwork) -> Float32Array:
        varying = np.flatnonzero(analysis.scale)

        def normalised(part: slice) -> Float32Array:
            return analysis.planes.normalised(
                varying[part], analysis.scale, analysis.mean, network.stride
            )

        return plane_networks.analyse(
            network,
            analysis.tile,
            len(varying),
            normalised,
            int8=self._settings.int8,
            optimise=self._optimise,
        )

    # ---- decoding -----------------------------------------------------------------------------

    def _decoded(
        self,
        tile: _core.BandTile,
        payload: bytes,
        carried: None,  # noqa: ARG002 - payloads of this profile need no other
    ) -> tuple[BandSymbols, int]:
        step, network, valid, scale, mean, latents, found = _core.decode_band_payload(
            self._core, tile, payload
        )
        return BandSymbols(step, network, valid, scale, mean, latents), found

    def synthesise(
        self, tile: _core.BandTile, symbols: BandSymbols, bands: npt.NDArray[np.intp]
    ) -> Iterator[tuple[npt.NDArray[np.intp], npt.NDArray[np.float64]]]:
        """Reconstruct some bands of a tile on the integer scale, a few at a time."""
        network = self._networks[symbols.network]
        levels = _core.band_levels(symbols.scale, symbols.step, network.levels)
        rank = np.cumsum(levels >= 0) - 1  # position of each active band among the latents
        active_levels = levels[levels >= 0]
        offset, factor = offset_and_factor(symbols.scale, symbols.mean)
        grid = plane_networks.latent_grid(tile, network)
        for active in (False, True):
            where = np.flatnonzero((levels[bands] >= 0) == active)
            for part in plane_networks.batches(len(where), grid, network.stride):
                which = bands[where[part]]
                planes = np.empty((len(which), tile.rows, tile.columns))
                planes[:] = offset[which, None, None]
                if active:
                    decoded = plane_networks.synthesise(
                        network,
                        tile,
                        symbols.latents,
                        active_levels,
                        rank[which],
                        optimise=self._optimise,
                    )
                    planes += decoded * factor[which, None, None]
                yield where[part], planes
