"""A compact classifier of spectra and their surroundings: spectral-spatial."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from hyspec.errors import UsageError
from hyspec_training.analysis.base import AnalysisModel, crop

#: Features after the two convolutions along the spectrum.
_SPECTRAL = (16, 32)
#: Numbers that likeness of pixels is judged by.
_LIKENESS = 8
#: Share of the patches that are judged by the pixel alone while the model is trained.
_ALONE = 0.5


class SpectralSpatial(AnalysisModel):
    """``spectral-spatial``: convolutions along the spectrum, then means over similar neighbours.

    Each pixel's spectrum is filtered and mixed to ``width`` features. Steps of a bilateral filter
    (Tomasi, Manduchi, ICCV 1998) average them over those neighbours that are like the pixel, by a
    likeness that is learned; so noise goes, and edges stay. The scores are the sum of what the
    pixel's own features and what the averaged ones say. In training, half of the patches are judged
    by their own features alone: few labels would else be learned by heart from surroundings.
    Nothing is padded in space: a scene in one piece gives what its patches give.

    Parameters
    ----------
    bands, classes
        Numbers of bands and classes.
    patch
        Side of the patch, odd; there are (patch - 1) / 2 steps.
    width
        Features of a pixel.
    dropout
        Share of the features that is left out before the scores.
    """

    whole_scenes = True

    def __init__(
        self, bands: int, classes: int, patch: int = 5, width: int = 64, dropout: float = 0.3
    ) -> None:
        if patch < 1 or patch % 2 == 0:
            raise UsageError(f"a patch of {patch}; expected an odd number")
        super().__init__(bands, patch)
        first, second = _SPECTRAL
        length = (bands + 8) // 9  # both strides round up
        self.along = nn.Sequential(
            _spectral(1, first, 7),
            nn.BatchNorm3d(first),
            nn.ReLU(),
            _spectral(first, second, 5, groups=4),
            nn.BatchNorm3d(second),
            nn.ReLU(),
        )
        self.mix = nn.Sequential(
            nn.Conv2d(second * length, width, 1), nn.BatchNorm2d(width), nn.ReLU()
        )
        self.likeness = nn.Conv2d(width, _LIKENESS, 1)
        self.steps = nn.ModuleList(_Bilateral() for _ in range(patch // 2))
        self.dropout = nn.Dropout(dropout)
        self.own = nn.Conv2d(width, classes, 1)
        self.averaged = nn.Conv2d(width, classes, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Map planes (N, B, H, W) to scores (N, classes, H - P + 1, W - P + 1)."""
        y = self.along(x[:, None]).flatten(1, 2)  # (N, 32 * length, H, W)
        features = self.mix(y)  # (N, width, H, W)
        scores: Tensor = self.own(self.dropout(crop(features, self.patch // 2)))
        likeness = self.likeness(features)
        for step in self.steps:
            features, likeness = step(features, likeness), crop(likeness, 1)
        around: Tensor = self.averaged(self.dropout(features))
        if self.training:
            around = around * torch.empty_like(around[:, :1, :1, :1]).bernoulli_(1 - _ALONE)
        return scores + around


class _Bilateral(nn.Module):
    """Mean over 3 x 3 pixels, by place and likeness; a border of 1 is lost."""

    def __init__(self) -> None:
        super().__init__()
        self.place = nn.Parameter(torch.zeros(9))
        self.log_sharpness = nn.Parameter(torch.zeros(()))

    def forward(self, features: Tensor, likeness: Tensor) -> Tensor:
        """Map features (N, C, H, W) of pixels with a likeness (N, L, H, W) to (N, C, H - 2, W - 2).

        Weights are a softmax over the 9 pixels: of their place, minus the mean square of the
        difference of their likeness to that of the pixel in the middle, times a sharpness.
        """
        middle = crop(likeness, 1)
        distances = torch.cat(
            [(other - middle).square().mean(1, keepdim=True) for other in _shifted(likeness)], 1
        )
        logits = self.place[:, None, None] - torch.exp(self.log_sharpness) * distances
        weights = torch.softmax(logits, dim=1)  # (N, 9, H - 2, W - 2)
        parts = [weights[:, k : k + 1] * other for k, other in enumerate(_shifted(features))]
        return torch.stack(parts).sum(0)


def _shifted(x: Tensor) -> list[Tensor]:
    """The 9 neighbours (N, C, H - 2, W - 2) of the pixels of (N, C, H, W), row by row."""
    rows, columns = x.shape[2] - 2, x.shape[3] - 2
    return [x[:, :, i : i + rows, j : j + columns] for i in range(3) for j in range(3)]


def _spectral(inputs: int, outputs: int, kernel: int, **options: Any) -> nn.Conv3d:
    """A convolution along the spectrum with stride 3 that rounds up."""
    return nn.Conv3d(
        inputs,
        outputs,
        (kernel, 1, 1),
        stride=(3, 1, 1),
        padding=(kernel // 2, 0, 0),
        **options,
    )
