"""One tile and interval of the ``spectral`` profile: what its encoder knows, and what is sent."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from hyspec import _core
from hyspec.basis_sharing import CarriedBasis, RowOfTiles, TileStatistics


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
