"""Entropy model of latents, given the decoded latents of the band before.

It stands in for the adaptive context coder of the codec while networks are trained: neighbouring
bands resemble each other, so that most of what a latent says is said by the one before. The density
is logistic, with a learned share of the reference as its mean, and a scale that follows the
reference and the errors of the neighbours that are decoded already.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

_FEATURES = 4
_LEAST_SCALE = 0.03


class ConditionalPrior(nn.Module):
    """Density of C channels of latents in units of their quantisation step.

    Parameters
    ----------
    channels
        Number of channels C.
    """

    _neighbours: Tensor
    _around: Tensor

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.share = nn.Parameter(torch.full((channels, 1, 1), 2.0))  # of the reference; logit
        self.offset = nn.Parameter(torch.full((channels, 1, 1), -1.0))
        self.weights = nn.Parameter(torch.full((_FEATURES, channels, 1, 1), 0.2))
        causal = torch.tensor([[1.0, 2.0, 1.0], [2.0, 0.0, 0.0], [0.0, 0.0, 0.0]]) / 6
        self.register_buffer("_neighbours", causal.expand(channels, 1, 3, 3).clone(), False)
        self.register_buffer("_around", torch.full((channels, 1, 3, 3), 1 / 9), False)

    def bits(self, z: Tensor, reference: Tensor) -> Tensor:
        """Bits of latents with noise, or rounded, given a reference in the same units.

        Both have the shape (N, C, h, w), and so has the result.
        """
        channels = z.shape[1]
        mean = reference * torch.sigmoid(self.share)
        error = (z - mean).abs()
        features = [
            reference.abs(),
            F.conv2d(reference.abs(), self._around, padding=1, groups=channels),
            F.conv2d(error, self._neighbours, padding=1, groups=channels),
            error.mean(dim=(2, 3), keepdim=True).detach().expand_as(error),
        ]
        logarithm = self.offset
        for weight, feature in zip(self.weights, features, strict=True):
            logarithm = logarithm + weight * torch.log(feature + 0.1)
        scale = torch.exp(logarithm.clamp(-8, 12)) + _LEAST_SCALE
        # In the tail where the sigmoid does not saturate, as differences near one lose all digits.
        upper, lower = (0.5 - error) / scale, (-0.5 - error) / scale
        mass = torch.sigmoid(upper) - torch.sigmoid(lower)
        return -torch.log2(mass.clamp_min(1e-9))
