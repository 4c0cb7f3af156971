"""Patches that differ a little from those of the scene, as DeepHyperX makes them.

- *Flips*: rows, columns, or both in reverse.
- *Radiation noise*: with some probability, all samples of a patch are multiplied by one factor from
  0.9 to 1.1, and normal noise is added.
- *Mixture*: with some probability, a patch becomes a weighted mean of itself and another one, with
  weights from 0.01 to 1, and normal noise is added. The other one is of the same class, so that the
  class stays true (in DeepHyperX, it may be of another class); abundances are mixed as the patches
  are.

Factors belong to light and shade, so they multiply samples, not what scaling made of them.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from hyspec_training.analysis.config import AugmentationConfig

Float32Array = npt.NDArray[np.float32]

_FACTORS = (0.9, 1.1)
_WEIGHTS = (0.01, 1.0)


def flip(x: Float32Array, rng: np.random.Generator) -> Float32Array:
    """Reverse rows and columns of each patch, each with a probability of one half.

    Parameters
    ----------
    x : ndarray, shape (N, bands, P, P)
    rng
        Of the draws.
    """
    for axis in (1, 2):
        reverse = rng.random(len(x)) < 0.5
        x[reverse] = np.flip(x[reverse], axis + 1)
    return x


def radiation(
    x: Float32Array, zero: Float32Array, config: AugmentationConfig, rng: np.random.Generator
) -> Float32Array:
    """Multiply the samples of some patches by a factor, and add noise.

    Parameters
    ----------
    x : ndarray, shape (N, bands, P, P)
        Scaled samples.
    zero : ndarray, shape (bands,)
        Scaled value of a sample of 0.
    config
        ``radiation`` is the share of the patches, ``noise`` the standard deviation of the noise.
    rng
        Of the draws.
    """
    chosen = rng.random(len(x)) < config.radiation
    factors = rng.uniform(*_FACTORS, len(x)).astype(np.float32)[chosen, None, None, None]
    dark = zero[:, None, None]
    changed = dark + factors * (x[chosen] - dark)
    x[chosen] = changed + _noise(changed.shape, config, rng)
    return x


def mix(
    x: Float32Array,
    partners: Float32Array,
    truths: Float32Array | None,
    config: AugmentationConfig,
    rng: np.random.Generator,
) -> tuple[Float32Array, Float32Array | None]:
    """Mix some patches with others.

    Parameters
    ----------
    x, partners : ndarray, shape (N, bands, P, P)
        Each patch and the one that it may be mixed with.
    truths : ndarray, shape (2, N, endmembers), or None
        Abundances of both, which are mixed as well.
    config
        ``mixture`` is the share of the patches, ``noise`` the standard deviation of the noise.
    rng
        Of the draws.

    Returns
    -------
    patches, and abundances (N, endmembers) or None
    """
    chosen = rng.random(len(x)) < config.mixture
    weights = rng.uniform(*_WEIGHTS, (2, len(x))).astype(np.float32)
    share = np.where(chosen, weights[0] / weights.sum(axis=0), np.float32(1))
    of_patch = share[chosen, None, None, None]
    mixed = of_patch * x[chosen] + (1 - of_patch) * partners[chosen]
    x[chosen] = mixed + _noise(mixed.shape, config, rng)
    if truths is None:
        return x, None
    return x, share[:, None] * truths[0] + (1 - share[:, None]) * truths[1]


def _noise(
    shape: tuple[int, ...], config: AugmentationConfig, rng: np.random.Generator
) -> Float32Array:
    return np.float32(config.noise) * rng.standard_normal(shape, np.float32)
