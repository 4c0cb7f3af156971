"""Weights under which squared errors count by how far they turn spectra.

The angle between a spectrum x and its reconstruction x + e is |e'| / |x| for small errors, where e'
is the part of e across x. So the error at a pixel counts the more the darker it is, and not at all
along the spectrum itself. (F. A. Kruse et al., "The spectral image processing system (SIPS)",
Remote Sensing of Environment 44, 1993.)

Encoders alone use them, to choose what they send; streams do not hold them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from hyspec.quality import STEPS_PER_OCTAVE

#: Spectra of less than this share of the mean squared length count as that long.
_LEAST_ENERGY = 1e-3
#: Least share of an error across the spectra that is reckoned with, such as that of a plane which
#: is little but brightness.
_LEAST_ACROSS = 0.02
#: Weights are those of squared angles to this power: it is the mean of angles that counts, not that
#: of their squares, and one quantiser step serves all. Tiles have steps in proportion to the length
#: of their spectra to the same power, at most so many octaves from that of the cube.
_POWER = 0.5
_MOST_OCTAVES = 2.0

Float32Array = npt.NDArray[np.float32]
Float64Array = npt.NDArray[np.float64]


@dataclass(frozen=True)
class AngleWeights:
    """What errors at the pixels of a tile count.

    Attributes
    ----------
    energy : ndarray of float64, shape (rows, columns)
        Squared lengths of the spectra, those of the darkest ones raised; all are above 0.
    lit : ndarray of bool, shape (rows, columns)
        Spectra that are not zero. The others, those without valid samples among them, have no
        direction to keep.
    """

    energy: Float64Array
    lit: npt.NDArray[np.bool_]

    @classmethod
    def of(cls, energy: Float64Array) -> AngleWeights:
        """Weights from the squared lengths of the spectra of a tile, shape (rows, columns)."""
        lit = energy > 0
        if not lit.any():
            return cls(np.ones_like(energy), lit)
        raised = np.maximum(energy, _LEAST_ENERGY * energy[lit].mean())
        return cls(np.where(lit, raised, raised.max()), lit)

    def step_offset(self, brightness: float, bands: int) -> int:
        """How much larger than that of the cube the quality step of the tile is.

        Parameters
        ----------
        brightness
            Root mean square of the samples of the cube.
        bands
            Bands of the tile.
        """
        if not (self.lit.any() and brightness > 0):
            return 0
        relative = self.energy[self.lit] / (bands * brightness**2)
        octaves = _POWER * 0.5 * float(np.log2(relative).mean())
        return round(STEPS_PER_OCTAVE * max(-_MOST_OCTAVES, min(_MOST_OCTAVES, octaves)))

    @property
    def covariance(self) -> Float64Array:
        """Weights of the pixels in the covariance, shape (rows, columns).

        What is darker than most hardly counts more: it may be noise that is not worth coding.
        """
        return np.asarray((self.energy / np.median(self.energy) + 1.0) ** -0.5)

    def of_latents(
        self, planes: Float32Array, brightness: Float64Array, stride: int
    ) -> Float32Array:
        """Weights of the latents of some planes.

        Parameters
        ----------
        planes
            Components of the spectra minus their mean, shape (planes, rows, columns).
        brightness
            The same components of the mean spectrum, shape (planes,).
        stride
            Samples per latent position along each axis.

        Returns
        -------
        ndarray of float32, shape (planes, positions)
            What positions contribute has the geometric mean 1; what planes do is at most 1.
        """
        dark = _block_means(1.0 / self.energy, stride) ** _POWER
        some = _block_means(self.lit.astype(np.float64), stride) > 0
        dark /= np.exp(np.log(dark[some]).mean()) if some.any() else 1.0
        weights = np.empty((len(planes), dark.size), np.float32)
        for k, (plane, centre) in enumerate(zip(planes, brightness, strict=True)):
            along = np.square(plane + centre) / self.energy
            across = _block_means(np.maximum(1.0 - along, 0.0), stride)
            weights[k] = (np.maximum(across, _LEAST_ACROSS) ** _POWER * dark).ravel()
        return weights


def _block_means(image: Float64Array, stride: int) -> Float64Array:
    """Means over blocks of stride x stride pixels; those at the edges are extended."""
    rows, columns = image.shape
    padded = np.pad(image, [(0, -rows % stride), (0, -columns % stride)], "edge")
    blocks = padded.reshape(padded.shape[0] // stride, stride, -1, stride)
    return np.asarray(blocks.mean((1, 3)))
