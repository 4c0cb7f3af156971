"""Planes of a tile in the ``spectral`` profile, and how many of them are worth coding."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from hyspec import _core
from hyspec.pack import PackNetwork
from hyspec.spectral_means import SentMeans

#: Level from which on a plane is worth coding, whatever it holds: where its standard deviation is
#: that of the quantiser step.
_STRONG_LEVEL = 96
#: Latents of more than so many steps become something else than zero, for so many bits.
_KEPT = 0.6
_BITS_OF_ONE = 5.0
#: Positions of a plane's grid, spread evenly, on which they are counted at least, if it has more.
_COUNTED_POSITIONS = 256

Float32Array = npt.NDArray[np.float32]


@dataclass(frozen=True)
class TilePlanes:
    """Planes of a tile at one step, before their number is chosen.

    ``scale`` holds codes, ``latents`` has the shape (planes, channels, positions), and
    ``weights``, of squared errors, (planes, positions); ``None`` if all count alike.
    """

    mean: SentMeans
    scale: npt.NDArray[np.int32]
    latents: Float32Array
    weights: Float32Array | None


class Worth:
    """How many planes are worth coding, of those that were seen.

    Of strong planes that is known beforehand; what weak ones save is counted.

    Attributes
    ----------
    count : int
        Planes that are worth coding.
    """

    def __init__(self, network: PackNetwork, step: int, bit_value: float) -> None:
        self._network = network
        self._step = step
        self._bit_value = bit_value
        self._seen = 0
        self._worth = self._best = 0.0
        self.count = 0

    def add(self, planes: TilePlanes, row_bits: npt.NDArray[np.float64]) -> None:
        """See the next planes, and the bits of their rows of the basis."""
        network = self._network
        levels = np.maximum(_core.band_levels(planes.scale, self._step, network.levels), 0)
        every = max(1, planes.latents.shape[2] // _COUNTED_POSITIONS)
        for k, level in enumerate(levels):
            self._seen += 1
            if level >= _STRONG_LEVEL:
                self.count, self._worth, self._best = self._seen, 0.0, 0.0
                continue
            energy = np.square(planes.latents[k, :, ::every] / network.inverse_gain[level][:, None])
            if planes.weights is not None:
                energy *= planes.weights[k, ::every]
            large = energy > _KEPT**2
            kept = every * np.count_nonzero(large)
            bits = row_bits[k] + _BITS_OF_ONE * kept
            saved = every * float(energy[large].sum(dtype=np.float64)) - kept / 12
            self._worth += saved - self._bit_value * bits
            if self._worth > self._best:
                self._best, self.count = self._worth, self._seen


def joined(parts: list[TilePlanes], count: int) -> TilePlanes:
    """The first planes of several parts."""
    weights = [part.weights for part in parts if part.weights is not None]
    return TilePlanes(
        parts[0].mean,
        np.concatenate([part.scale for part in parts])[:count],
        np.concatenate([part.latents for part in parts])[:count],
        np.concatenate(weights)[:count] if weights else None,
    )
