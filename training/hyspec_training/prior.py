"""Fully factorised entropy model: one learned univariate density per latent channel.

Ballé et al., "Variational image compression with a scale hyperprior", ICLR 2018, appendix 6.1: the
cumulative distribution is a small monotone network, so that the mass of any interval is exact.
"""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional as F

_WIDTHS = (1, 3, 3, 3, 1)


class FactorizedPrior(nn.Module):
    """Learned cumulative distributions of C independent channels.

    The density describes latents *before* the gain; a gain g only changes the width 1/g of the
    quantisation interval. One prior therefore serves every quality.

    Parameters
    ----------
    channels
        Number of channels C.
    init_scale
        Approximate width of the initial densities.
    """

    def __init__(self, channels: int, init_scale: float = 4.0) -> None:
        super().__init__()
        self.channels = channels
        scale = init_scale ** (1 / (len(_WIDTHS) - 1))
        self.matrices = nn.ParameterList()
        self.biases = nn.ParameterList()
        self.factors = nn.ParameterList()
        for n_in, n_out in pairwise(_WIDTHS):
            start = torch.log(torch.expm1(torch.tensor(1 / scale / n_out)))
            self.matrices.append(nn.Parameter(torch.full((channels, n_out, n_in), float(start))))
            self.biases.append(nn.Parameter(torch.rand(channels, n_out, 1) - 0.5))
            if n_out != 1:
                self.factors.append(nn.Parameter(torch.zeros(channels, n_out, 1)))

    def cumulative_logits(self, y: Tensor) -> Tensor:
        """Logits of the cumulative distribution at ``y`` of shape (C, M); same shape out."""
        h = y[:, None, :]  # (C, 1, M)
        for k, (matrix, bias) in enumerate(zip(self.matrices, self.biases, strict=True)):
            h = F.softplus(matrix) @ h + bias  # (C, n_out, M)
            if k < len(self.factors):
                h = h + torch.tanh(self.factors[k]) * torch.tanh(h)
        return h[:, 0, :]

    def interval_mass(self, lower: Tensor, upper: Tensor) -> Tensor:
        """Probability of [lower, upper], each of shape (C, M); same shape out."""
        lo, hi = self.cumulative_logits(lower), self.cumulative_logits(upper)
        # Evaluated in the tail where the sigmoid does not saturate: differences of numbers near
        # one would lose all digits.
        sign = torch.where((lo + hi).detach() > 0, -1.0, 1.0)
        return torch.abs(torch.sigmoid(sign * hi) - torch.sigmoid(sign * lo))

    def bits(self, y: Tensor, gain: Tensor) -> Tensor:
        """Bits of latents quantised with a gain.

        Parameters
        ----------
        y
            Latents before the gain, noisy or quantised, shape (N, C, h, w).
        gain
            Shape (N, C, 1, 1); the quantisation interval is 1 / gain wide.

        Returns
        -------
        Tensor
            Bits per latent, same shape as ``y``.
        """
        n, c, h, w = y.shape
        half = (0.5 / gain).expand_as(y)
        flat = y.transpose(0, 1).reshape(c, -1)  # (C, N*h*w)
        width = half.transpose(0, 1).reshape(c, -1)
        mass = self.interval_mass(flat - width, flat + width).clamp_min(1e-9)
        return -torch.log2(mass).reshape(c, n, h, w).transpose(0, 1)
