"""The ``band`` profile: band by band, one small autoencoder per band interval.

After Mijares i Verdú et al., "Hyperspectral remote sensing data compression with neural networks"
(DCC 2022). Every band of a tile is normalised by its own mean
and standard deviation, which are sent as integers, and goes through the interval's analysis
network. All bands are quantised with one step in sample units: a band with twice the standard
deviation gets one octave more quality, and one that stays below the step is sent as its mean. That
is reverse water-filling, the allocation that minimises the mean squared error. The payload is
described in docs/band_profile.md.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from hyspec import _core, inference
from hyspec.errors import PackError, StreamError
from hyspec.fill import fill_invalid
from hyspec.pack import BandModel, Pack
from hyspec.sample_type import SampleType

PROFILE_NAME = "band"
PROFILE_ID = 1
PROFILE_VERSION = 1

#: Steps per octave of the quality parameter ``step``.
STEPS_PER_OCTAVE = 32
#: Scale codes: 0 is a constant band, 1 the standard deviation 2^-4, then sixteen per octave.
_SCALE_ONE = 65
_SCALES_PER_OCTAVE = 16
#: Samples that go through a network at once; bounds memory and keeps caches warm.
_BATCH_SAMPLES = 1 << 18
#: Latents are rounded to the nearest integer: a dead zone (less than one half) loses more
#: distortion than it saves rate, with networks trained on uniform noise.
_ROUNDING = 0.5

Float32Array = npt.NDArray[np.float32]


@dataclass(frozen=True)
class TileAnalysis:
    """What the encoder knows of one tile and interval before it chooses the quality.

    Attributes
    ----------
    tile : _core.BandTile
        Size.
    valid : ndarray of bool, shape (bands, rows, columns), or None
        Mask of measurements; ``None`` if all are.
    scale, mean : ndarray of int32, shape (bands,)
        Codes of standard deviation and mean.
    latents : ndarray of float32, shape (varying bands, channels, positions)
        Output of the analysis network for the bands with a scale above 0.
    """

    tile: _core.BandTile
    valid: npt.NDArray[np.bool_] | None
    scale: npt.NDArray[np.int32]
    mean: npt.NDArray[np.int32]
    latents: Float32Array


@dataclass(frozen=True)
class TileSymbols:
    """The integers of one tile and interval: all that a payload says. See docs/band_profile.md."""

    step: int
    valid: npt.NDArray[np.uint8] | None
    scale: npt.NDArray[np.int32]
    mean: npt.NDArray[np.int32]
    channel_offset: npt.NDArray[np.int32]
    latents: npt.NDArray[np.int32]


class BandCoder:
    """Encodes and decodes tiles of one interval with one model of a pack.

    Parameters
    ----------
    pack, model
        The pack and the model in it.
    optimise
        Let ONNX Runtime rewrite the graphs; see :class:`hyspec.inference.Network`.
    """

    def __init__(self, pack: Pack, model: BandModel, *, optimise: bool = True) -> None:
        self._stride = pack.stride
        self._model = model
        self._levels = model.tables.levels
        self._optimise = optimise

    def analyse(
        self,
        samples: npt.NDArray[Any],
        valid: npt.NDArray[np.bool_] | None,
        sample_type: SampleType,
    ) -> TileAnalysis:
        """Measure and transform the bands of a tile.

        Parameters
        ----------
        samples
            Samples as the cube holds them, shape (rows, columns, bands).
        valid
            Mask of the same shape, or ``None`` if all samples are valid.
        sample_type
            How samples become whole numbers.

        Raises
        ------
        DataError
            A valid sample is infinite or too large for its quantisation step.
        """
        rows, columns, bands = samples.shape
        tile = _core.BandTile(bands, rows, columns, self._stride)
        mask = None if valid is None else np.ascontiguousarray(valid.transpose(2, 0, 1))
        if mask is not None and mask.all():
            mask = None
        planes = _Planes(samples, mask, sample_type)
        mean, std = _statistics(planes, bands)
        scale = np.zeros(bands, np.int32)
        varying = std > 0
        scale[varying] = np.maximum(
            1, _SCALE_ONE + np.rint(_SCALES_PER_OCTAVE * np.log2(std[varying]))
        )
        unit = np.exp2(_core.mean_exponents(scale))
        # Whole numbers lie within int32 and so does their mean; the clip holds what summation in
        # floating point may add to it at the ends of the range.
        means = np.clip(np.rint(mean / unit), -(2**31), 2**31 - 1).astype(np.int32)
        latents = np.empty((int(varying.sum()), self._model.tables.channels, tile.positions), "f4")
        network = inference.network(self._model.analysis, optimise=self._optimise)
        where = np.flatnonzero(varying)
        for part in self._batches(len(where), rows, columns):
            batch = self._normalise(planes, where[part], scale, means)
            found = _checked(network(batch), (*latents[part].shape[:2], *self._grid(rows, columns)))
            latents[part] = found.reshape(latents[part].shape)
        return TileAnalysis(tile, mask, scale, means, latents)

    def _grid(self, rows: int, columns: int) -> tuple[int, int]:
        """Latent positions along both axes of a tile."""
        return -(-rows // self._stride), -(-columns // self._stride)

    def _batches(self, count: int, rows: int, columns: int) -> list[slice]:
        padded = math.prod(self._grid(rows, columns)) * self._stride**2
        size = max(1, _BATCH_SAMPLES // padded)
        return [slice(k, min(k + size, count)) for k in range(0, count, size)]

    def _normalise(
        self,
        planes: _Planes,
        bands: npt.NDArray[np.intp],
        scale: npt.NDArray[np.int32],
        mean: npt.NDArray[np.int32],
    ) -> Float32Array:
        """Normalised planes extended to whole strides, shape (len(bands), 1, rows', columns')."""
        rows, columns = planes.size
        offset, factor = _offset_and_factor(scale[bands], mean[bands])
        batch = np.empty(
            (len(bands), 1, rows + -rows % self._stride, columns + -columns % self._stride), "f4"
        )
        for k, band in enumerate(bands):
            counts, valid = planes[int(band)]
            plane = ((counts - offset[k]) / factor[k]).astype(np.float32)
            if valid is not None:
                plane = fill_invalid(plane, valid)
            batch[k, 0, :rows, :columns] = plane
            batch[k, 0, rows:, :columns] = plane[-1]
            batch[k, 0, :, columns:] = batch[k, 0, :, columns - 1 : columns]
        return batch

    def quantise(self, analysis: TileAnalysis, step: int) -> TileSymbols:
        """Turn latents into integers at a quality step (smaller is better)."""
        levels = _core.band_levels(analysis.scale, step, self._levels)
        varying = levels[analysis.scale > 0]
        chosen = np.flatnonzero(varying >= 0)
        gain = np.exp2(self._model.log2_gain[varying[chosen]])  # (active, channels)
        latents = _core.quantise(analysis.latents[chosen], gain, _ROUNDING)
        offset = (
            _core.choose_channel_offsets(self._model.tables, varying[chosen], latents)
            if len(chosen)
            else np.zeros(0, np.int32)
        )
        mask = None if analysis.valid is None else analysis.valid.astype(np.uint8)
        return TileSymbols(step, mask, analysis.scale, analysis.mean, offset, latents)

    def write(self, tile: _core.BandTile, symbols: TileSymbols) -> tuple[bytes, int]:
        """Payload of the symbols, and the checksum of the symbols."""
        return _core.encode_band_payload(
            self._model.tables,
            tile,
            symbols.step,
            symbols.valid,
            symbols.scale,
            symbols.mean,
            symbols.channel_offset,
            symbols.latents,
        )

    def read(self, tile: _core.BandTile, payload: bytes, checksum: int) -> TileSymbols:
        """Symbols of a payload.

        Raises
        ------
        CoreError
            The payload is damaged.
        StreamError
            The decoded symbols do not have the checksum that the encoder stored.
        """
        step, valid, scale, mean, offset, latents, found = _core.decode_band_payload(
            self._model.tables, tile, payload
        )
        if found != checksum:
            raise StreamError(
                f"decoded symbols have checksum {found:08x}, the stream says {checksum:08x}",
                hint="the stream was written with other tables than this pack's; report it",
            )
        return TileSymbols(step, valid, scale, mean, offset, latents)

    def synthesise(
        self, tile: _core.BandTile, symbols: TileSymbols, bands: npt.NDArray[np.intp]
    ) -> Iterator[tuple[npt.NDArray[np.intp], npt.NDArray[np.float64]]]:
        """Reconstruct some bands of a tile on the integer scale, a few at a time.

        Yields
        ------
        tuple of ndarray
            Positions in ``bands``, shape (n,), and their planes, shape (n, rows, columns).
        """
        levels = _core.band_levels(symbols.scale, symbols.step, self._levels)
        rank = np.cumsum(levels >= 0) - 1  # position of each active band among the latents
        offset, factor = _offset_and_factor(symbols.scale, symbols.mean)
        network = inference.network(self._model.synthesis, optimise=self._optimise)
        grid = self._grid(tile.rows, tile.columns)
        extent = (1, grid[0] * self._stride, grid[1] * self._stride)
        for active in (False, True):
            where = np.flatnonzero((levels[bands] >= 0) == active)
            for part in self._batches(len(where), tile.rows, tile.columns):
                which = bands[where[part]]
                planes = np.empty((len(which), tile.rows, tile.columns))
                planes[:] = offset[which, None, None]
                if active:
                    inverse = np.exp2(self._model.log2_inverse_gain[levels[which]])
                    latents = _core.dequantise(symbols.latents[rank[which]], inverse)
                    decoded = _checked(
                        network(latents.reshape(len(which), -1, *grid)), (len(which), *extent)
                    )
                    planes += decoded[:, 0, : tile.rows, : tile.columns] * factor[which, None, None]
                yield where[part], planes


def _checked(output: Float32Array, shape: tuple[int, ...]) -> Float32Array:
    """Refuse the output of a graph that is not the network that its pack says it is."""
    if output.shape != shape:
        raise PackError(f"a graph of the pack yields shape {output.shape}; expected {shape}")
    return output


def scale_code(std: float) -> int:
    """Code of a standard deviation above 0, on the integer scale."""
    return max(1, _SCALE_ONE + round(_SCALES_PER_OCTAVE * math.log2(std)))


def step_for_octave(std: float, octave: float) -> int:
    """Quality step that gives a band of this standard deviation a quality in octaves."""
    step = round(STEPS_PER_OCTAVE * (math.log2(max(std, 2.0**-4)) - octave))
    return max(_core.MIN_STEP, min(_core.MAX_STEP, step))


class _Planes:
    """Bands of a tile as whole numbers with their masks, converted one at a time."""

    def __init__(
        self,
        samples: npt.NDArray[Any],
        mask: npt.NDArray[np.bool_] | None,
        sample_type: SampleType,
    ) -> None:
        self._samples = samples
        self._mask = mask
        self._type = sample_type

    @property
    def size(self) -> tuple[int, int]:
        return int(self._samples.shape[0]), int(self._samples.shape[1])

    def __getitem__(
        self, band: int
    ) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.bool_] | None]:
        samples = self._samples[:, :, band]
        if self._mask is None:
            return self._type.to_counts(samples), None
        valid = self._mask[band]
        return self._type.to_counts(np.where(valid, samples, samples.dtype.type(0))), valid


def _statistics(
    planes: _Planes, bands: int
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Mean and standard deviation of the valid samples of each band, both of shape (bands,)."""
    mean, std = np.zeros(bands), np.zeros(bands)
    for band in range(bands):
        counts, valid = planes[band]
        samples = counts if valid is None else counts[valid]
        if samples.size:
            mean[band] = samples.mean()
            if samples.min() != samples.max():
                std[band] = max(float(samples.std()), 2.0**-4)
    return mean, std


def _offset_and_factor(
    scale: npt.NDArray[np.int32], mean: npt.NDArray[np.int32]
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Mean and standard deviation that the codes stand for, both of shape (bands,)."""
    offset = mean * np.exp2(_core.mean_exponents(scale))
    factor = np.exp2((scale - _SCALE_ONE) / _SCALES_PER_OCTAVE)
    return offset.astype(np.float64), factor.astype(np.float64)
