"""The low-rate network: Ballé 2017 with few filters, one plane in, one plane out, any quality.

Analysis: conv 9x9 / 4, GDN, conv 5x5 / 2, GDN, conv 5x5 / 2; synthesis mirrored with inverse GDN
(Ballé, Laparra, Simoncelli, "End-to-end optimized image compression", ICLR 2017), with 48 filters
as in Mijares i Verdú et al., "Hyperspectral remote sensing data compression with neural networks",
DCC 2022. Gain units make one network serve a range of qualities: Cui et al., "Asymmetric gained
deep image compression with continuous rate adaptation", CVPR 2021.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from hyspec_training.gdn import GDN
from hyspec_training.prior import FactorizedPrior

#: Samples per latent position along each axis.
STRIDE = 16


def analysis_transform(filters: int) -> nn.Sequential:
    """Map planes (N, 1, H, W) to latents (N, filters, H/16, W/16)."""
    return nn.Sequential(
        nn.Conv2d(1, filters, 9, stride=4, padding=4),
        GDN(filters),
        nn.Conv2d(filters, filters, 5, stride=2, padding=2),
        GDN(filters),
        nn.Conv2d(filters, filters, 5, stride=2, padding=2),
    )


class ResidualBlock(nn.Module):
    """Two convolutions 3x3 beside a short cut; shapes stay."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(channels, channels, 3, padding=1),
            nn.LeakyReLU(0.1),
            nn.Conv2d(channels, channels, 3, padding=1),
        )

    def forward(self, x: Tensor) -> Tensor:
        """Refine ``x`` of shape (N, channels, H, W)."""
        result: Tensor = x + self.body(x)
        return result


def heavy_synthesis_transform(filters: int, width: int = 64) -> nn.Sequential:
    """Map latents (N, filters, h, w) to planes (N, 1, 16h, 16w), at more than twice the cost.

    Decoding is done on the ground: residual blocks before and between the first two convolutions.
    """
    return nn.Sequential(
        nn.Conv2d(filters, width, 3, padding=1),
        ResidualBlock(width),
        ResidualBlock(width),
        nn.ConvTranspose2d(width, width, 5, stride=2, padding=2, output_padding=1),
        GDN(width, inverse=True),
        ResidualBlock(width),
        nn.ConvTranspose2d(width, filters, 5, stride=2, padding=2, output_padding=1),
        GDN(filters, inverse=True),
        nn.ConvTranspose2d(filters, 1, 9, stride=4, padding=4, output_padding=3),
    )


def synthesis_transform(filters: int) -> nn.Sequential:
    """Map latents (N, filters, h, w) to planes (N, 1, 16h, 16w)."""
    return nn.Sequential(
        nn.ConvTranspose2d(filters, filters, 5, stride=2, padding=2, output_padding=1),
        GDN(filters, inverse=True),
        nn.ConvTranspose2d(filters, filters, 5, stride=2, padding=2, output_padding=1),
        GDN(filters, inverse=True),
        nn.ConvTranspose2d(filters, 1, 9, stride=4, padding=4, output_padding=3),
    )


class GainUnits(nn.Module):
    """Per-channel gains and inverse gains as functions of the quality in octaves.

    The logarithms are piecewise linear between knots at whole octaves, and continue beyond the
    last knot with one factor of two per octave.

    Parameters
    ----------
    filters
        Number of channels C.
    octaves
        Trained quality range: knots at 0, 1, ..., octaves.
    """

    def __init__(self, filters: int, octaves: int) -> None:
        super().__init__()
        ramp = torch.arange(octaves + 1, dtype=torch.float32)[:, None] * math.log(2)
        self.log_gain = nn.Parameter(ramp.repeat(1, filters))
        self.log_inverse = nn.Parameter(-ramp.repeat(1, filters))

    def forward(self, quality: Tensor) -> tuple[Tensor, Tensor]:
        """Return gains and inverse gains, shape (N, C), for ``quality`` of shape (N,)."""
        last = self.log_gain.shape[0] - 1
        low = quality.clamp(0, last - 1e-6).floor().long()
        frac = (quality.clamp(0, last) - low)[:, None]
        beyond = (quality - last).clamp_min(0)[:, None] * math.log(2)

        def interpolate(knots: Tensor) -> Tensor:
            return knots[low] * (1 - frac) + knots[low + 1] * frac

        gain = torch.exp(interpolate(self.log_gain) + beyond)
        inverse = torch.exp(interpolate(self.log_inverse) - beyond)
        return gain, inverse


class BandNetwork(nn.Module):
    """Analysis, gains, prior and synthesis of one interval model.

    Parameters
    ----------
    filters
        Number of filters, and of latent channels, C.
    octaves
        Trained quality range, see :class:`GainUnits`.
    heavy
        Give it the heavier synthesis.
    """

    stride = STRIDE
    #: Every plane is on its own.
    bands = 1
    #: Its distortion counts by its logarithm, see :mod:`hyspec_training.loss`.
    step_at_zero: float | None = None

    def __init__(self, filters: int = 48, octaves: int = 7, *, heavy: bool = False) -> None:
        super().__init__()
        self.channels = filters
        self.octaves = octaves
        self.analysis = analysis_transform(filters)
        self.synthesis = (heavy_synthesis_transform if heavy else synthesis_transform)(filters)
        self.gains = GainUnits(filters, octaves)
        self.prior = FactorizedPrior(filters)

    def forward(
        self, x: Tensor, quality: Tensor, generator: torch.Generator | None = None
    ) -> tuple[Tensor, Tensor]:
        """Training pass with additive uniform noise in place of rounding.

        Parameters
        ----------
        x
            Normalised planes, shape (N, 1, H, W), H and W multiples of 16.
        quality
            Quality in octaves, shape (N,).
        generator
            Source of the noise; rounding is used instead if ``None``.

        Returns
        -------
        tuple of Tensor
            Reconstruction (N, 1, H, W) and bits per plane (N,).
        """
        y = self.analysis(x)  # (N, C, h, w)
        gain, inverse = (g[:, :, None, None] for g in self.gains(quality))  # (N, C, 1, 1)
        z = y * gain
        if generator is None:
            z = torch.round(z)
        else:
            z = z + torch.rand(z.shape, generator=generator, device=z.device) - 0.5
        bits = self.prior.bits(z / gain, gain).sum(dim=(1, 2, 3))  # (N,)
        return self.synthesis(z * inverse), bits
