"""Classifiers of patches by three-dimensional convolutions: hamida, chen, li, he, luo.

Kernels, strides and patches are given as (bands, rows, columns). All five are known from DeepHyperX
(see :mod:`hyspec_training.analysis.pixel_networks`).
"""

from __future__ import annotations

from functools import partial

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from hyspec_training.analysis.base import AnalysisModel, initialise, length_after


class VolumeNetwork(AnalysisModel):
    """A network of patches as volumes (N, 1, B, P, P), with one score for each class.

    Attributes
    ----------
    layers : Module
        From volumes to features (N, F).
    classifier : Module
        From these to scores (N, classes).
    """

    layers: nn.Module
    classifier: nn.Module

    def forward(self, x: Tensor) -> Tensor:
        """Map patches (N, B, P, P) to scores (N, classes, 1, 1)."""
        scores: Tensor = self.classifier(self.layers(x[:, None]))
        return scores[..., None, None]


class Hamida(VolumeNetwork):
    """``hamida``: convolutions that alternate between space and strides along the spectrum.

    Ben Hamida, Benoit, Lambert, Ben Amar, "3-D deep learning approach for remote sensing image
    classification", IEEE TGRS 56(8), 2018.
    """

    def __init__(self, bands: int, classes: int, patch: int = 5) -> None:
        super().__init__(bands, patch)
        border = 1 if patch == 3 else 0  # keeps a patch of 3 large enough for two kernels of 3
        along = (1, 0, 0)
        self.layers = nn.Sequential(
            nn.Conv3d(1, 20, 3, padding=border),
            nn.ReLU(),
            nn.Conv3d(20, 20, (3, 1, 1), stride=(2, 1, 1), padding=along),
            nn.Conv3d(20, 35, 3, padding=along),
            nn.ReLU(),
            nn.Conv3d(35, 35, (3, 1, 1), stride=(2, 1, 1), padding=along),
            nn.Conv3d(35, 35, (3, 1, 1), padding=along),
            nn.ReLU(),
            nn.Conv3d(35, 35, (2, 1, 1), stride=(2, 1, 1), padding=along),
            nn.ReLU(),
            nn.Flatten(),
        )
        length = length_after(bands, 3, 1, border)
        for kernel, stride in ((3, 2), (3, 1), (3, 2), (3, 1), (2, 2)):
            length = length_after(length, kernel, stride, 1)
        side = length_after(length_after(patch, 3, 1, border), 3)
        self.classifier = nn.Linear(35 * length * side**2, classes)
        initialise(self, nn.init.kaiming_normal_)


class Chen(VolumeNetwork):
    """``chen``: three convolutions of 32 x 4 x 4 with pooling in space and dropout.

    Chen, Jiang, Li, Jia, Ghamisi, "Deep feature extraction and classification of hyperspectral
    images based on convolutional neural networks", IEEE TGRS 54(10), 2016. It needs 94 bands.
    """

    def __init__(self, bands: int, classes: int, patch: int = 27, filters: int = 32) -> None:
        super().__init__(bands, patch)
        layers: list[nn.Module] = []
        length, side = bands, patch
        for inputs, pool in ((1, 2), (filters, 2), (filters, 1)):
            layers += [nn.Conv3d(inputs, filters, (32, 4, 4)), nn.ReLU()]
            layers += [nn.MaxPool3d((1, 2, 2))] if pool == 2 else []
            layers += [nn.Dropout(0.5)]
            length = length_after(length, 32)
            side = length_after(length_after(side, 4), pool, pool)
        self.layers = nn.Sequential(*layers, nn.Flatten())
        self.classifier = nn.Linear(filters * length * side**2, classes)
        initialise(self, partial(nn.init.normal_, std=0.001))


class Li(VolumeNetwork):
    """``li``: two convolutions of 7 x 3 x 3 and 3 x 3 x 3.

    Li, Zhang, Shen, "Spectral-spatial classification of hyperspectral imagery with 3D convolutional
    neural network", Remote Sensing 9(1), 2017.
    """

    def __init__(self, bands: int, classes: int, patch: int = 5, filters: int = 16) -> None:
        super().__init__(bands, patch)
        along = (1, 0, 0)
        self.layers = nn.Sequential(
            nn.Conv3d(1, filters, (7, 3, 3), padding=along),
            nn.ReLU(),
            nn.Conv3d(filters, 2 * filters, 3, padding=along),
            nn.ReLU(),
            nn.Flatten(),
        )
        length = length_after(length_after(bands, 7, 1, 1), 3, 1, 1)
        side = length_after(length_after(patch, 3), 3)
        self.classifier = nn.Linear(2 * filters * length * side**2, classes)
        initialise(self, nn.init.xavier_uniform_)


class _Scales(nn.Module):
    """Sum of convolutions of 1, 3, 5 and 11 bands."""

    def __init__(self, filters: int) -> None:
        super().__init__()
        self.branches = nn.ModuleList(
            nn.Conv3d(filters, filters, (k, 1, 1), padding=(k // 2, 0, 0)) for k in (1, 3, 5, 11)
        )

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, filters, L, H, W) to the same shape."""
        return torch.stack([branch(x) for branch in self.branches]).sum(dim=0)


class He(VolumeNetwork):
    """``he``: two blocks of parallel convolutions at four spectral scales.

    He, Li, Chen, "Multi-scale 3D deep convolutional neural network for hyperspectral image
    classification", ICIP 2017.
    """

    def __init__(self, bands: int, classes: int, patch: int = 7, filters: int = 16) -> None:
        super().__init__(bands, patch)
        self.layers = nn.Sequential(
            nn.Conv3d(1, filters, (11, 3, 3), stride=(3, 1, 1)),
            nn.ReLU(),
            _Scales(filters),
            nn.ReLU(),
            _Scales(filters),
            nn.ReLU(),
            nn.Conv3d(filters, filters, (3, 2, 2)),
            nn.ReLU(),
            nn.Flatten(),
            nn.Dropout(0.6),
        )
        length = length_after(length_after(bands, 11, 3), 3)
        side = length_after(length_after(patch, 3), 2)
        self.classifier = nn.Linear(filters * length * side**2, classes)
        initialise(self, nn.init.kaiming_uniform_)


class Luo(AnalysisModel):
    """``luo``: 90 features along the spectrum become an image that is convolved again.

    Luo, Zou, Yao, Zhao, Li, Bai, "HSI-CNN: a novel convolution neural network for hyperspectral
    image", ICALIP 2018. The rows of that image are positions along the spectrum, its columns
    features.
    """

    def __init__(self, bands: int, classes: int, patch: int = 3, filters: int = 90) -> None:
        super().__init__(bands, patch)
        self.along = nn.Conv3d(1, filters, (24, 3, 3), stride=(9, 1, 1))
        self.image = nn.Conv2d(1, 64, 3)
        rows = length_after(bands, 24, 9) * length_after(patch, 3) ** 2
        size = 64 * length_after(rows, 3) * length_after(filters, 3)
        self.head = nn.Sequential(
            nn.Flatten(), nn.Linear(size, 1024), nn.ReLU(), nn.Linear(1024, classes)
        )
        initialise(self, nn.init.kaiming_uniform_)

    def forward(self, x: Tensor) -> Tensor:
        """Map patches (N, B, P, P) to scores (N, classes, 1, 1)."""
        features = F.relu(self.along(x[:, None])).flatten(2)  # (N, filters, rows)
        image = features.transpose(1, 2)[:, None]  # (N, 1, rows, filters)
        scores: Tensor = self.head(F.relu(self.image(image)))
        return scores[..., None, None]
