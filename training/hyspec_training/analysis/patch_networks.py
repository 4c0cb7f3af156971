"""Classifiers of patches by two-dimensional convolutions over all bands: lee, sharma, liu.

All three are known from DeepHyperX (see :mod:`hyspec_training.analysis.pixel_networks`).
"""

from __future__ import annotations

import itertools

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from hyspec_training.analysis.base import AnalysisModel, crop, initialise, length_after


class Lee(AnalysisModel):
    """``lee``: 3 x 3 beside 1 x 1 convolutions, then residual blocks of 1 x 1.

    Lee, Kwon, "Contextual deep CNN based hyperspectral classification", IGARSS 2016. The layers see
    3 x 3 pixels; the rest of the patch of 5 is the border that the published network predicts, too.
    """

    whole_scenes = True

    def __init__(self, bands: int, classes: int, patch: int = 5, filters: int = 128) -> None:
        super().__init__(bands, patch)
        length_after(patch, 3)
        self.wide = nn.Conv2d(bands, filters, 3)
        self.narrow = nn.Conv2d(bands, filters, 1)
        self.first = nn.Conv2d(2 * filters, filters, 1)
        self.blocks = nn.ModuleList(
            nn.Sequential(nn.Conv2d(filters, filters, 1), nn.ReLU(), nn.Conv2d(filters, filters, 1))
            for _ in range(2)
        )
        self.head = nn.Sequential(
            nn.Conv2d(filters, filters, 1),
            nn.ReLU(),
            nn.Dropout(0.5),
            nn.Conv2d(filters, filters, 1),
            nn.ReLU(),
            nn.Dropout(0.5),
            nn.Conv2d(filters, classes, 1),
        )
        self.norms = nn.ModuleList(nn.LocalResponseNorm(n) for n in (2 * filters, filters))
        initialise(self, nn.init.kaiming_uniform_)

    def forward(self, x: Tensor) -> Tensor:
        """Map planes (N, B, H, W) to scores (N, classes, H - P + 1, W - P + 1)."""
        x = crop(x, self.patch // 2 - 1)
        x = torch.cat([self.wide(x), self.narrow(crop(x, 1))], dim=1)
        x = self.first(F.relu(self.norms[0](x)))
        x = F.relu(self.norms[1](x))
        for block in self.blocks:
            x = F.relu(x + block(x))
        scores: Tensor = self.head(x)
        return scores


class Sharma(AnalysisModel):
    """``sharma``: three convolutions with strides, and a dense layer of 1024.

    Sharma, Diba, Tuytelaars, Van Gool, "Hyperspectral CNN for image classification & band
    selection, with application to face recognition", KU Leuven, 2016.
    """

    def __init__(self, bands: int, classes: int, patch: int = 64) -> None:
        super().__init__(bands, patch)
        side = patch
        for kernel, stride in ((6, 2), (2, 2), (3, 2), (2, 2), (3, 1)):
            side = length_after(side, kernel, stride)
        self.layers = nn.Sequential(
            nn.Conv2d(bands, 96, 6, stride=2),
            nn.BatchNorm2d(96),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Conv2d(96, 256, 3, stride=2),
            nn.BatchNorm2d(256),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Conv2d(256, 512, 3),
            nn.ReLU(),
            nn.Flatten(),
            nn.Linear(512 * side**2, 1024),
            nn.Dropout(0.5),
            nn.Linear(1024, classes),
        )
        initialise(self, nn.init.kaiming_normal_)

    def forward(self, x: Tensor) -> Tensor:
        """Map patches (N, B, P, P) to scores (N, classes, 1, 1)."""
        scores: Tensor = self.layers(x)
        return scores[..., None, None]


class Liu(AnalysisModel):
    """``liu``: one convolution, and a ladder that decodes its features; semi-supervised.

    Liu, Yu, Zhang, Tan, Yu, Xue, "A semi-supervised convolutional neural network for hyperspectral
    image classification", Remote Sensing Letters 8(9), 2017. Each layer of the decoder adds the
    features of the encoder at its level.

    Attributes
    ----------
    auxiliary_weight : float
        Weight of the squared error of the decoded spectrum against the loss of the scores.
    """

    auxiliary_weight = 1.0

    def __init__(self, bands: int, classes: int, patch: int = 9, filters: int = 80) -> None:
        super().__init__(bands, patch)
        side = length_after(patch, 3)
        wide = filters * side**2
        pooled = filters * length_after(side, 2, 2) ** 2
        self.encoder = nn.Sequential(nn.Conv2d(bands, filters, 3), nn.BatchNorm2d(filters))
        self.pool = nn.MaxPool2d(2)
        self.classifier = nn.Linear(pooled, classes)
        sizes = (pooled, pooled, pooled, wide)
        self.rungs = nn.ModuleList(nn.Linear(*pair) for pair in itertools.pairwise(sizes))
        self.norms = nn.ModuleList(nn.BatchNorm1d(size) for size in sizes[1:])
        self.decoder = nn.Linear(wide, bands)
        initialise(self, nn.init.kaiming_normal_)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Map patches (N, B, P, P) to scores (N, classes, 1, 1) and the pixel's (N, B, 1, 1)."""
        convolved = self.encoder(x)
        pooled = self.pool(convolved)
        features = F.relu(pooled).flatten(1)
        y = features
        levels = (features, pooled.flatten(1), convolved.flatten(1))
        for rung, norm, level in zip(self.rungs, self.norms, levels, strict=True):
            y = F.relu(norm(rung(y) + level))
        return self.classifier(features)[..., None, None], self.decoder(y)[..., None, None]
