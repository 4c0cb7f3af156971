"""Generalised divisive normalisation and its approximate inverse.

Ballé, Laparra, Simoncelli, "Density modeling of images using a generalized normalization
transformation", ICLR 2016, with exponents fixed to 2 and 1/2 as in "End-to-end optimized image
compression", ICLR 2017.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class GDN(nn.Module):
    """``y_i = x_i / sqrt(beta_i + sum_j gamma_ij x_j^2)``, or the product if ``inverse``.

    Parameters
    ----------
    channels
        Number of channels C of the input, shape (N, C, H, W).
    inverse
        Multiply instead of divide (the synthesis transform's inverse GDN).
    """

    def __init__(self, channels: int, *, inverse: bool = False) -> None:
        super().__init__()
        self.inverse = inverse
        # Both parameters are stored as square roots, which keeps beta and gamma non-negative. The
        # off-diagonal roots start above zero: at zero their gradient would vanish for ever.
        self.beta_root = nn.Parameter(torch.ones(channels))
        self.gamma_root = nn.Parameter(
            torch.full((channels, channels), 0.01) + torch.eye(channels) * (0.1**0.5 - 0.01)
        )

    def forward(self, x: Tensor) -> Tensor:
        """Normalise ``x`` of shape (N, C, H, W)."""
        beta = self.beta_root.square() + 1e-6  # (C,)
        gamma = self.gamma_root.square()[:, :, None, None]  # (C, C, 1, 1)
        norm = torch.sqrt(F.conv2d(x * x, gamma, beta))  # (N, C, H, W)
        return x * norm if self.inverse else x / norm
