"""A compact classifier of spectra and their surroundings: spectral-spatial."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from hyspec.errors import UsageError
from hyspec_training.analysis.base import AnalysisModel, crop

#: Features after the two convolutions along the spectrum.
_SPECTRAL = (16, 32)


class SpectralSpatial(AnalysisModel):
    """``spectral-spatial``: convolutions along the spectrum, then separable ones in space.

    Each pixel's spectrum is filtered and mixed to ``width`` features. Blocks of a depthwise 3 x 3
    and a 1 x 1 convolution (Howard et al., "MobileNets", 2017) with short cuts (He, Zhang, Ren,
    Sun, CVPR 2016) collect those around it, and the scores follow from both, so that a pixel is not
    outvoted by its surroundings. Nothing is padded in space: a scene in one piece gives what its
    patches give.

    Parameters
    ----------
    bands, classes
        Numbers of bands and classes.
    patch
        Side of the patch, odd; there are (patch - 1) / 2 blocks.
    width
        Features of a pixel.
    dropout
        Share of the features that is left out before the scores.
    """

    whole_scenes = True

    def __init__(
        self, bands: int, classes: int, patch: int = 9, width: int = 64, dropout: float = 0.3
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
        self.blocks = nn.ModuleList(_Block(width) for _ in range(patch // 2))
        self.head = nn.Sequential(nn.Dropout(dropout), nn.Conv2d(2 * width, classes, 1))

    def forward(self, x: Tensor) -> Tensor:
        """Map planes (N, B, H, W) to scores (N, classes, H - P + 1, W - P + 1)."""
        y = self.along(x[:, None]).flatten(1, 2)  # (N, 32 * length, H, W)
        own = self.mix(y)  # (N, width, H, W)
        y = own
        for block in self.blocks:
            y = block(y)
        both = torch.cat([crop(own, self.patch // 2), y], dim=1)
        scores: Tensor = self.head(both)
        return scores


class _Block(nn.Module):
    """Depthwise 3 x 3 and 1 x 1 convolution beside a short cut; a border of 1 is lost."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(width, width, 3, groups=width, bias=False),
            nn.BatchNorm2d(width),
            nn.ReLU(),
            nn.Conv2d(width, width, 1, bias=False),
            nn.BatchNorm2d(width),
        )

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, width, H, W) to (N, width, H - 2, W - 2)."""
        return F.relu(crop(x, 1) + self.body(x))


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
