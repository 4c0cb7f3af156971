"""The rate-distortion loss, on one scale for all qualities.

With lambda-weighted losses the highest quality would drown the others, since its lambda is
thousands of times larger. Here each plane contributes ``rate + slope * log2(1 + mse / target)``:
bits per sample plus the logarithm of how far the error is above the target of its quality. Around
the target its derivative is that of ``rate + lambda * mse`` with ``lambda ~ slope / target``; a
plane whose error saturates far above its target stops pulling.

Networks whose error falls with their step as far as anyone asks have no need of that: their loss is
``rate + slope * mse / step^2``. At high rates the slope that fits is 6 / ln 2, where a step of
``q`` has the error ``q^2 / 12`` and one bit more halves the step (H. Gish, J. N. Pierce,
"Asymptotically efficient quantizing", IEEE Trans. Information Theory 14(5), 1968).

With the loss ``ms-ssim``, 1 - MS-SSIM takes the place of the mean squared error, with the same
targets: of a reconstruction that says nothing of a plane both are about one.
"""

from __future__ import annotations

import torch
from torch import Tensor

from hyspec_training.msssim import ms_ssim

#: Target mean squared error at quality 0, in units of the plane's variance.
TARGET_AT_ZERO = 4.0


def target_mse(quality: Tensor) -> Tensor:
    """Target mean squared error of normalised planes at a quality in octaves; (N,) to (N,)."""
    return TARGET_AT_ZERO * torch.exp2(-2 * quality)


def rate_distortion(
    x: Tensor,
    decoded: Tensor,
    bits: Tensor,
    quality: Tensor,
    slope: float,
    loss: str = "mse",
    *,
    step_at_zero: float | None = None,
) -> tuple[Tensor, Tensor, Tensor]:
    """Loss, and its two parts for reporting.

    Parameters
    ----------
    x, decoded
        Normalised planes, T to a stack, shape (N, T, H, W).
    bits
        Bits per stack, shape (N,).
    quality
        Quality per stack in octaves, shape (N,).
    slope
        Weight of the distortion term.
    loss
        ``"mse"`` or ``"ms-ssim"``: the distortion that counts.
    step_at_zero
        Step at quality 0, in standard deviations, of networks whose distortion counts as it is and
        not by its logarithm.

    Returns
    -------
    tuple of Tensor
        Loss (scalar), bits per sample (N,), mean squared error (N,) whatever the loss.
    """
    rate = bits / x[0].numel()
    mse = (x - decoded).square().mean(dim=(1, 2, 3))
    distortion = mse
    if loss == "ms-ssim":
        flat = [planes.flatten(0, 1)[:, None] for planes in (x, decoded)]
        distortion = 1 - ms_ssim(*flat).reshape(x.shape[:2]).mean(1)
    if step_at_zero is None:
        cost = torch.log2(1 + distortion / target_mse(quality))
    else:
        cost = distortion * torch.exp2(2 * quality) / step_at_zero**2
    total = rate + slope * cost
    return total.mean(), rate, mse
