"""The rate-distortion loss, on one scale for all qualities.

With lambda-weighted losses the highest quality would drown the others, since its lambda is
thousands of times larger. Here each plane contributes ``rate + slope * log2(1 + mse / target)``:
bits per sample plus the logarithm of how far the error is above the target of its quality. Around
the target its derivative is that of ``rate + lambda * mse`` with ``lambda ~ slope / target``; a
plane whose error saturates far above its target stops pulling.
"""

from __future__ import annotations

import torch
from torch import Tensor

#: Target mean squared error at quality 0, in units of the plane's variance.
TARGET_AT_ZERO = 4.0


def target_mse(quality: Tensor) -> Tensor:
    """Target mean squared error of normalised planes at a quality in octaves; (N,) to (N,)."""
    return TARGET_AT_ZERO * torch.exp2(-2 * quality)


def rate_distortion(
    x: Tensor, decoded: Tensor, bits: Tensor, quality: Tensor, slope: float
) -> tuple[Tensor, Tensor, Tensor]:
    """Loss, and its two parts for reporting.

    Parameters
    ----------
    x, decoded
        Normalised planes, shape (N, 1, H, W).
    bits
        Bits per plane, shape (N,).
    quality
        Quality per plane in octaves, shape (N,).
    slope
        Weight of the distortion term.

    Returns
    -------
    tuple of Tensor
        Loss (scalar), bits per sample (N,), mean squared error (N,).
    """
    rate = bits / x[0].numel()
    mse = (x - decoded).square().mean(dim=(1, 2, 3))
    loss = rate + slope * torch.log2(1 + mse / target_mse(quality))
    return loss.mean(), rate, mse
