"""Whether the tiles of a row share one basis, or have one each.

A basis of its own packs a tile best; but in small tiles it takes a quarter of the bits. What either
way costs is reckoned from the variances of the planes alone, before any plane is made.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from hyspec import _core
from hyspec.quality import STEPS_PER_OCTAVE
from hyspec.scatter import Scatter
from hyspec.spectral_angle import AngleWeights
from hyspec.spectral_basis import Basis, Components, basis_rows, components, quantised_basis
from hyspec.spectral_transform import TileSpectra

#: What a bit is worth, in squared quantiser steps, and the variance from which on a plane of noise
#: is worth coding: there, the slopes of rate and of distortion meet.
_BIT_VALUE = 0.12
_LEAST_CODED = _BIT_VALUE / (2 * np.log(2))
#: A plane of noise is worth coding from about this deviation on, in steps.
_LEAST_DEVIATION = 0.6

Float64Array = npt.NDArray[np.float64]


@dataclass(frozen=True)
class CarriedBasis:
    """A basis that other tiles use, too.

    Attributes
    ----------
    shared : _core.SharedBasis
        What the payload of its tile says.
    rows : ndarray of float64, shape (planes, bands)
        The orthonormal rows that it stands for.
    """

    shared: _core.SharedBasis
    rows: Float64Array = field(repr=False)

    @classmethod
    def of(cls, shared: _core.SharedBasis) -> CarriedBasis:
        """With the rows."""
        return cls(shared, basis_rows(shared.basis, shared.varies.astype(bool)))


@dataclass(frozen=True)
class Choice:
    """The basis of a tile at one step.

    Attributes
    ----------
    back : int
        Tiles back to the one that carries it; 0 if it is the tile's own.
    basis : Basis
        The basis.
    carried : CarriedBasis or None
        The same if another tile carries it.
    kept : int
        Rows that have to be sent whether or not the tile uses them, for the sake of others.
    """

    back: int
    basis: Basis
    carried: CarriedBasis | None = None
    kept: int = 0


@dataclass(frozen=True)
class TileStatistics:
    """What the choice of a basis needs to know of a tile.

    Attributes
    ----------
    spectra : TileSpectra
        The samples.
    tile : _core.BandTile
        Size.
    scatter : Scatter
        Second moments of all bands.
    components : Components
        Principal components of the bands that vary.
    weights : AngleWeights or None
        What errors count, if it is spectral angles that matter.
    step_offset : int
        What the quality step of this tile is more than that of the cube.
    """

    spectra: TileSpectra = field(repr=False)
    tile: _core.BandTile
    scatter: Scatter = field(repr=False)
    components: Components = field(repr=False)
    weights: AngleWeights | None = field(default=None, repr=False)
    step_offset: int = 0

    @property
    def varies(self) -> npt.NDArray[np.bool_]:
        """Bands that vary, shape (bands,)."""
        return self.spectra.varies

    @property
    def pixels(self) -> int:
        """Pixels of the tile."""
        return self.tile.rows * self.tile.columns


@dataclass(frozen=True)
class Trial:
    """What the planes of a tile are like with some basis.

    Attributes
    ----------
    count : int
        Planes that are worth coding.
    variance : ndarray, shape (planes, channels)
        Mean squares of the coefficients of each plane, channel by channel.
    """

    count: int
    variance: Float64Array


#: Makes the planes of a tile with a basis whose rows cost so many bits.
Try = Callable[[TileStatistics, Basis, Float64Array], Trial]


class RowOfTiles:
    """The tiles of one row and interval, which may share a basis.

    Parameters
    ----------
    tiles
        Statistics of the tiles, from left to right.
    groups
        Bands of each group of the transform, or none; see :func:`spectral_basis.components`.
    """

    def __init__(self, tiles: Sequence[TileStatistics], groups: tuple[int, ...] = ()) -> None:
        self._tiles = tiles
        self._groups = groups
        self._lock = threading.Lock()
        self._common: tuple[npt.NDArray[np.bool_], Components] | None = None
        self._latest: tuple[float, list[Choice]] | None = None

    def choose(self, position: int, step: float, attempt: Try) -> Choice:
        """Basis of the tile at a position, from 0.

        Parameters
        ----------
        position
            Place of the tile.
        step
            Quantiser step of the planes, but for the offsets of the tiles.
        attempt
            Tries a basis on a tile.
        """
        with self._lock:
            if self._latest is None or self._latest[0] != step:
                self._latest = step, self._choices(step, attempt)
            return self._latest[1][position]

    def _choices(self, step: float, attempt: Try) -> list[Choice]:
        steps = [step * 2.0 ** (t.step_offset / STEPS_PER_OCTAVE) for t in self._tiles]
        own = [
            quantised_basis(tile.components, mine, tile.pixels)
            for tile, mine in zip(self._tiles, steps, strict=True)
        ]
        choices = [Choice(0, basis) for basis in own]
        if len(own) == 1:
            return choices
        union, found = self._in_common()
        common = quantised_basis(found, min(steps), sum(tile.pixels for tile in self._tiles))
        variances = [tile.scatter.variance(common.rows) for tile in self._tiles]
        # Planes are not noise: what they are like is tried where they are strongest.
        strongest = max(range(len(own)), key=lambda k: (_wanted(variances[k], steps[k]), -k))
        trial = attempt(self._tiles[strongest], common, common.row_bits() / len(own))
        share = _rate(trial.variance, steps[strongest]).mean(1).sum() / max(
            _rate(variances[strongest], steps[strongest]).sum(), 1e-9
        )
        gains = [
            _own_bits(tile, basis, mine) - min(share, 1.0) * _loss(tile, basis, variance, mine)
            for tile, basis, variance, mine in zip(self._tiles, own, variances, steps, strict=True)
        ]
        sharing = [k for k, gain in enumerate(gains) if gain > 0]
        largest = max((len(part) for part in common.leading), default=0)
        # The first one that all bands vary in carries the basis, if it has room for it.
        carriers = [
            k
            for k in sharing
            if (self._tiles[k].varies == union).all() and self._tiles[k].pixels >= largest
        ]
        if not carriers:
            return choices
        carrier = carriers[0]
        sharing = [k for k in sharing if k >= carrier]
        most = min(trial.count, self._tiles[carrier].pixels)
        common = common.first(most)
        if len(sharing) < 2 or sum(gains[k] for k in sharing) <= common.bits():
            return choices
        carried = CarriedBasis(_core.SharedBasis(union, common.symbols()), common.rows)
        for k in sharing:
            choices[k] = Choice(k - carrier, common, carried if k > carrier else None, most)
        return choices

    def _in_common(self) -> tuple[npt.NDArray[np.bool_], Components]:
        """Bands that vary in any tile, and the components of all tiles together."""
        if self._common is None:
            union = np.any([tile.varies for tile in self._tiles], axis=0)
            total = Scatter.total([tile.scatter for tile in self._tiles])
            self._common = union, components(total, union, self._groups)
        return self._common


def _wanted(variance: Float64Array, step: float) -> int:
    """Planes up to the last one that is worth coding, if all are noise."""
    return int(np.flatnonzero(variance > (_LEAST_DEVIATION * step) ** 2).max(initial=-1)) + 1


def _own_bits(tile: TileStatistics, basis: Basis, step: float) -> float:
    """Bits of a basis of the tile's own."""
    return basis.first(_wanted(tile.scatter.variance(basis.rows), step)).bits()


def _loss(tile: TileStatistics, own: Basis, shared: Float64Array, step: float) -> float:
    """Bits that the planes of a tile take more, if all are noise, with those of another basis."""
    return _cost(tile, shared, step) - _cost(tile, tile.scatter.variance(own.rows), step)


def _rate(variance: Float64Array, step: float) -> Float64Array:
    """Bits per coefficient of noise: T. M. Cover, J. A. Thomas, *Elements of Information Theory*,
    section 10.3.
    """  # noqa: D205
    return np.asarray(0.5 * np.log2(np.maximum(variance / (_LEAST_CODED * step**2), 1.0)))


def _cost(tile: TileStatistics, variance: Float64Array, step: float) -> float:
    """Bits of the planes of a tile, and what their errors are worth in bits, if all are noise."""
    relative = variance / step**2
    error = np.minimum(relative, _LEAST_CODED)
    outside = max(0.0, tile.scatter.trace() / step**2 - float(relative.sum()))
    return float(tile.pixels * (_rate(variance, step).sum() + (error.sum() + outside) / _BIT_VALUE))
