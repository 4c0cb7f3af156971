"""Trains what the entropy coder expects of a latent of a component plane from those around it.

Magnitudes of latents around it, in space, in frequency and in the planes before, are summed with
trained weights. The weights maximise the likelihood of the latents of training scenes, as integers
whose magnitudes have a geometric distribution of that mean, and are shared by frequencies of one
diagonal of the block.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from hyspec_training.lapped import BLOCK, CHANNELS, zigzag

#: Weights are stored in units of this, and are at most 4.
_UNIT = 1 / 256
_LARGEST = 1024
#: Larger magnitudes count as this much in the codec.
_MOST_COUNTED = 4095
#: Steps back in vertical and horizontal frequency, of the channels that a sum takes; the last two
#: share a weight.
_BACK = ((0, 1), (1, 0), (1, 1), (0, 2), (2, 0))
#: Terms: west, north, both diagonals; the channels; the same place one and two planes before.
_TERMS = 9
#: Diagonals of the block that have weights of their own; the last ones share theirs.
_CLASSES = 14
#: Latents drawn of each coded block, and of these in each step of the fit.
_DRAWN = 20_000
_BATCH = 1_000
_STEPS = 400
_LEARNING_RATE = 0.05
_FIRST_LOGARITHM, _FIRST_FLOOR = -2.5, -4.0

Drawn = tuple[npt.NDArray[np.float32], npt.NDArray[np.float32], npt.NDArray[np.int64]]


def earlier_channels() -> npt.NDArray[np.int16]:
    """Channels of lower frequency that a sum takes, -1 where there is none, shape (64, 5)."""
    order = zigzag()
    place = {frequency: k for k, frequency in enumerate(order)}
    result = np.full((CHANNELS, len(_BACK)), -1, np.int16)
    for k, frequency in enumerate(order):
        for j, (down, across) in enumerate(_BACK):
            v, h = frequency // BLOCK - down, frequency % BLOCK - across
            if min(v, h) >= 0:
                result[k, j] = place[BLOCK * v + h]
    return result


def draw_latents(latents: npt.NDArray[np.int32], rng: np.random.Generator) -> Drawn | None:
    """Draw latents of a coded block, with what surrounds them.

    Parameters
    ----------
    latents
        Integers, shape (planes, 64, rows, columns).
    rng
        Source of the draw.

    Returns
    -------
    magnitude : ndarray of float32, shape (n,)
    around : ndarray of float32, shape (n, 9)
        Terms of the sum; of each latent some are not zero.
    channel : ndarray of int64, shape (n,)

    ``None`` if there are none that have something around them.
    """
    if not latents.size:
        return None
    planes, channels, rows, columns = latents.shape
    # Zeros around: two planes before, a channel for those that are missing, a row, two columns.
    a = np.zeros((planes + 2, channels + 1, rows + 1, columns + 2), np.float32)
    a[2:, :-1, 1:, 1:-1] = np.minimum(np.abs(latents), _MOST_COUNTED)
    k, c, y, x = np.unravel_index(rng.integers(latents.size, size=4 * _DRAWN), latents.shape)
    k, y, x = k + 2, y + 1, x + 1
    earlier = earlier_channels()[c].T  # -1 is the channel of zeros
    in_channel = [a[k, each, y, x] for each in earlier]
    around = np.stack(
        [
            a[k, c, y, x - 1],
            a[k, c, y - 1, x],
            a[k, c, y - 1, x - 1] + a[k, c, y - 1, x + 1],
            *in_channel[:3],
            in_channel[3] + in_channel[4],
            a[k - 1, c, y, x],
            a[k - 2, c, y, x],
        ],
        axis=1,
    )
    some = np.flatnonzero(around.any(1))[:_DRAWN]
    if not some.size:
        return None
    return a[k, c, y, x][some], around[some], c[some]


def fit(drawn: Sequence[Drawn], seed: int) -> npt.NDArray[np.int16]:
    """Fit the weights to latents of several blocks, which count alike.

    Parameters
    ----------
    drawn
        Of :func:`draw_latents`.
    seed
        Seed of the draws of the fit.

    Returns
    -------
    ndarray of int16, shape (64, 15)
        Table of :class:`hyspec._core.LatentModel`.
    """
    logarithm = torch.full((_CLASSES, _TERMS), _FIRST_LOGARITHM, requires_grad=True)
    floor = torch.full((_CLASSES,), _FIRST_FLOOR, requires_grad=True)
    optimiser = torch.optim.Adam([logarithm, floor], lr=_LEARNING_RATE)
    rng = np.random.default_rng(seed)
    classes = np.array([min(_CLASSES - 1, n // BLOCK + n % BLOCK) for n in zigzag()])
    for _ in range(_STEPS if drawn else 0):
        picks = [rng.integers(len(m), size=_BATCH) for m, _, _ in drawn]
        magnitude, around, channel = (
            torch.from_numpy(np.stack([d[i][p] for d, p in zip(drawn, picks, strict=True)]))
            for i in range(3)
        )  # (blocks, batch), (blocks, batch, terms), (blocks, batch)
        of_class = torch.from_numpy(classes)[channel]
        mean = (torch.exp(logarithm)[of_class] * around).sum(2) + torch.exp(floor)[of_class]
        bits = _bits(magnitude, mean).mean(1)
        # Blocks of large latents would outweigh all others.
        loss = (bits / (2 * magnitude.mean(1) + 0.1)).mean()
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
    weights = np.rint(np.exp(logarithm.detach().double().numpy()) / _UNIT)
    found = np.clip(weights, 0, _LARGEST).astype(np.int16)[classes]  # (64, terms)
    sides, frequencies, before = found[:, :3], found[:, [3, 4, 5, 6, 6]], found[:, 7:]
    return np.concatenate([earlier_channels(), frequencies, sides, before], axis=1)


def _bits(magnitude: Tensor, mean: Tensor) -> Tensor:
    """Bits of integers of some magnitudes where their mean is expected, signs included."""
    sign = (magnitude > 0).float()
    return torch.log2(1 + mean) + magnitude * torch.log2(1 + 1 / mean) + sign
