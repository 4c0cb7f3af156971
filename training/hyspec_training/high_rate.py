"""The high-rate network: an invertible transform, and if wanted a dequantiser on the ground.

48 latents to 256 samples can not follow a plane in all its detail, whatever the rate. This network
has one latent per sample. Its analysis is linear and costs a sixth of the other network's. A
dequantiser sits in the decoder and refines each quantised latent from its neighbours in space and
in the two bands beside it. It learns what rounding takes, and suits latents that are rounded one by
one alone.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from hyspec_training.conditional_prior import ConditionalPrior
from hyspec_training.transform import BLOCK, CHANNELS, FixedTransform, Transform

#: Steps for the other network's quality, where both win and lose as much by a bit more or less.
_STEP_AT_ZERO = 8.0
#: Differences between bands count up to this many steps.
_REACH = 3.0


class Dequantiser(nn.Module):
    """Estimates what rounding took from latents.

    Parameters
    ----------
    width
        Filters of the hidden layers.
    blocks
        Residual blocks.
    """

    def __init__(self, width: int = 64, blocks: int = 2) -> None:
        super().__init__()
        self.first = nn.Conv2d(3 * CHANNELS + 1, width, 3, padding=1)
        self.blocks = nn.ModuleList(
            nn.Sequential(
                nn.Conv2d(width, width, 3, padding=1),
                nn.LeakyReLU(0.1),
                nn.Conv2d(width, width, 3, padding=1),
            )
            for _ in range(blocks)
        )
        self.last = nn.Conv2d(width, CHANNELS, 3, padding=1)
        #: Where steps are fine, little can be learned of what rounding took.
        self.share = nn.Conv2d(1, CHANNELS, 1)
        for layer in (self.last, self.share):
            nn.init.zeros_(layer.weight)
            nn.init.zeros_(layer.bias)  # type: ignore[arg-type]

    def forward(self, symbols: Tensor, octave: Tensor) -> Tensor:
        """Return corrections in steps, shape (N, 64, h, w).

        Parameters
        ----------
        symbols
            Latents of a band, of the one before and of the one after it, all in steps of the band,
            shape (N, 192, h, w).
        octave
            Quality in octaves, shape (N, 1, 1, 1).
        """
        own, others = symbols[:, :CHANNELS], symbols[:, CHANNELS:]
        # Bounded: of large values nothing can be learned but that they are.
        features = [
            own / (1 + own.abs()),
            (others - torch.cat([own, own], 1)).clamp(-_REACH, _REACH) / _REACH,
            (octave / 8).expand(-1, -1, *symbols.shape[2:]),
        ]
        x = nn.functional.leaky_relu(self.first(torch.cat(features, 1)), 0.1)
        for block in self.blocks:
            x = x + block(x)
        result: Tensor = self.last(x) * torch.sigmoid(self.share(octave / 8))
        return result


class Analysis(nn.Module):
    """Planes (N, 1, 8h, 8w) to latents (N, 64, h, w), with a fixed transform."""

    def __init__(self, transform: Transform) -> None:
        super().__init__()
        self.transform = FixedTransform(transform)

    def forward(self, x: Tensor) -> Tensor:
        """Transform planes."""
        return self.transform.analyse(x, self.transform.bank)


class Synthesis(nn.Module):
    """Latents (N, 64, h, w) to planes (N, 1, 8h, 8w), with a fixed transform."""

    def __init__(self, transform: Transform) -> None:
        super().__init__()
        self.transform = FixedTransform(transform)

    def forward(self, latents: Tensor) -> Tensor:
        """Reconstruct planes."""
        return self.transform.synthesise(latents, self.transform.bank)


class RefinedSynthesis(nn.Module):
    """Latents of three bands to planes of the one in the middle, with a fixed transform."""

    def __init__(self, transform: Transform, dequantiser: Dequantiser) -> None:
        super().__init__()
        self.transform = FixedTransform(transform)
        self.dequantiser = dequantiser

    def forward(self, latents: Tensor, octave: Tensor) -> Tensor:
        """Reconstruct planes (N, 1, 8h, 8w) from (N, 192, h, w) and (N, 1, 1, 1)."""
        step = _STEP_AT_ZERO * torch.exp2(-octave)
        own = latents[:, :CHANNELS] + step * self.dequantiser(latents / step, octave)
        return self.transform.synthesise(own, self.transform.bank)


class HighRateNetwork(nn.Module):
    """Transform, entropy model and dequantiser.

    The quantisation step of normalised planes is ``8 * 2^-quality``: gains have nothing to learn
    where the transform keeps distances.

    Parameters
    ----------
    transform
        The transform, which is trained as well.
    octaves
        Trained quality range.
    dequantiser
        The dequantiser, ``None`` for none.
    """

    stride = BLOCK
    channels = CHANNELS
    #: Neighbouring bands that are trained together.
    bands = 3
    #: Quantisation step of normalised planes at quality 0, in standard deviations.
    step_at_zero: float = _STEP_AT_ZERO

    def __init__(
        self, transform: Transform, octaves: int, dequantiser: Dequantiser | None = None
    ) -> None:
        super().__init__()
        self.octaves = octaves
        self.transform = transform
        self.dequantiser = dequantiser
        self.prior = ConditionalPrior(CHANNELS)

    @property
    def context_bands(self) -> int:
        """Bands whose latents the synthesis sees."""
        return self.bands if self.dequantiser is not None else 1

    def synthesis(self) -> nn.Module:
        """What decoders run, as it is now."""
        if self.dequantiser is None:
            return Synthesis(self.transform)
        return RefinedSynthesis(self.transform, self.dequantiser)

    def forward(
        self, x: Tensor, quality: Tensor, generator: torch.Generator | None = None
    ) -> tuple[Tensor, Tensor]:
        """Training pass: additive uniform noise for the rate, rounding for the distortion.

        Parameters
        ----------
        x
            Normalised planes of neighbouring bands, shape (N, T, H, W), H and W multiples of 8.
        quality
            Quality in octaves, shape (N,).
        generator
            Source of the noise; rounding is used for the rate, too, if ``None``.

        Returns
        -------
        tuple of Tensor
            Reconstruction (N, T, H, W), and bits (N,) of all bands if the first one is as dear as
            the mean of the others; it has no reference here.
        """
        n, depth, rows, columns = x.shape
        bank = self.transform.bank()
        y = self.transform.analyse(x.reshape(n * depth, 1, rows, columns), bank)
        gain = (torch.exp2(quality) / _STEP_AT_ZERO)[:, None, None, None, None]  # (N, 1, 1, 1, 1)
        z = y.reshape(n, depth, *y.shape[1:]) * gain  # (N, T, C, h, w)
        rounded = z + (torch.round(z) - z).detach()  # what the decoder sees, with gradients
        if generator is None:
            z = rounded
        else:
            z = z + torch.rand(z.shape, generator=generator, device=z.device) - 0.5
        if depth > 1:
            later, earlier = z[:, 1:].flatten(0, 1), z[:, :-1].flatten(0, 1)
            bits = self.prior.bits(later, earlier).reshape(n, -1).sum(1) * (depth / (depth - 1))
        else:
            bits = self.prior.bits(z[:, 0], torch.zeros_like(z[:, 0])).flatten(1).sum(1)
        refined = rounded.flatten(0, 1)
        if self.dequantiser is not None:
            before = torch.cat([rounded[:, :1], rounded[:, :-1]], 1)
            after = torch.cat([rounded[:, 1:], rounded[:, -1:]], 1)
            stacked = torch.cat([rounded, before, after], 2).flatten(0, 1)  # (NT, 3C, h, w)
            octave = quality.repeat_interleave(depth)[:, None, None, None]
            refined = refined + self.dequantiser(stacked, octave)
        latents = refined / gain.repeat_interleave(depth, 0)[:, 0]
        decoded = self.transform.synthesise(latents, bank)
        return decoded.reshape(n, depth, rows, columns), bits
