"""Classifiers of single spectra: nn, hu, boulch, mou.

All four are known from DeepHyperX (Audebert, Le Saux, Lefèvre, "Deep learning for classification of
hyperspectral data: a comparative review", IEEE Geoscience and Remote Sensing Magazine 7(2), 2019).
"""

from __future__ import annotations

import itertools
import math
from functools import partial

import torch
from torch import Tensor, nn

from hyspec_training.analysis.base import PixelModel, initialise, length_after


class DenseNetwork(PixelModel):
    """``nn``: three dense layers of 2048, 4096 and 2048 units, ReLU, optionally dropout."""

    def __init__(self, bands: int, classes: int, dropout: float = 0.0) -> None:
        super().__init__(bands)
        layers: list[nn.Module] = []
        sizes = (bands, 2048, 4096, 2048)
        for inputs, outputs in itertools.pairwise(sizes):
            layers += [nn.Linear(inputs, outputs), nn.ReLU(), nn.Dropout(dropout)]
        self.layers = nn.Sequential(*layers, nn.Linear(sizes[-1], classes))
        initialise(self, nn.init.kaiming_normal_)

    def spectra(self, x: Tensor) -> Tensor:
        """Map spectra (M, B) to scores (M, classes)."""
        scores: Tensor = self.layers(x)
        return scores


class Hu(PixelModel):
    """``hu``: one convolution along the spectrum, max-pooling, a dense layer of 100.

    Hu, Huang, Wei, Zhang, Li, "Deep convolutional neural networks for hyperspectral image
    classification", Journal of Sensors, 2015.

    Parameters
    ----------
    kernel, pool
        Samples of the convolution, ceil(B / 9) by default, and of the pooling, ceil(kernel / 5).
    """

    def __init__(
        self, bands: int, classes: int, kernel: int | None = None, pool: int | None = None
    ) -> None:
        super().__init__(bands)
        kernel = kernel or math.ceil(bands / 9)
        pool = pool or math.ceil(kernel / 5)
        length = length_after(length_after(bands, kernel), pool, pool)
        self.features = nn.Sequential(nn.Conv1d(1, 20, kernel), nn.MaxPool1d(pool), nn.Tanh())
        self.head = nn.Sequential(
            nn.Flatten(), nn.Linear(20 * length, 100), nn.Tanh(), nn.Linear(100, classes)
        )
        initialise(self, partial(nn.init.uniform_, a=-0.05, b=0.05))

    def spectra(self, x: Tensor) -> Tensor:
        """Map spectra (M, B) to scores (M, classes)."""
        scores: Tensor = self.head(self.features(x[:, None]))
        return scores


class Boulch(PixelModel):
    """``boulch``: convolutions and poolings down to three numbers; semi-supervised.

    Boulch, Audebert, Dubucq, "Autoencodeurs pour la visualisation d'images hyperspectrales",
    GRETSI 2017. The three numbers are classified and decoded.

    Attributes
    ----------
    auxiliary_weight : float
        Weight of the squared error of the decoded spectrum against the loss of the scores.
    """

    auxiliary_weight = 0.1

    def __init__(self, bands: int, classes: int, filters: int = 16) -> None:
        super().__init__(bands)
        layers: list[nn.Module] = []
        inputs, outputs, length = 1, 2 * filters, bands
        while length > 1:
            layers += [
                nn.Conv1d(inputs, outputs, 3, padding=1),
                nn.MaxPool1d(2),
                nn.ReLU(),
                nn.BatchNorm1d(outputs),
            ]
            inputs, outputs, length = outputs, filters, length // 2
        self.encoder = nn.Sequential(
            *layers, nn.Conv1d(inputs, 3, 3, padding=1), nn.Tanh(), nn.Flatten()
        )
        self.classifier = nn.Linear(3, classes)
        self.decoder = nn.Linear(3, bands)
        initialise(self, nn.init.kaiming_normal_)

    def spectra(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Map spectra (M, B) to scores (M, classes) and decoded spectra (M, B)."""
        features = self.encoder(x[:, None])  # (M, 3)
        return self.classifier(features), self.decoder(features)


class Mou(PixelModel):
    """``mou``: a gated recurrent unit of 64 that reads the spectrum band after band.

    Mou, Ghamisi, Zhu, "Deep recurrent neural networks for hyperspectral image classification", IEEE
    TGRS 55(7), 2017, with tanh in the place of the parametric activation of the paper.
    """

    def __init__(self, bands: int, classes: int, units: int = 64) -> None:
        super().__init__(bands)
        self.recurrent = nn.GRU(1, units, batch_first=True)
        self.norm = nn.BatchNorm1d(units * bands)
        self.classifier = nn.Linear(units * bands, classes)
        for parameter in (*self.recurrent.parameters(), *self.classifier.parameters()):
            nn.init.uniform_(parameter, -0.1, 0.1)

    def spectra(self, x: Tensor) -> Tensor:
        """Map spectra (M, B) to scores (M, classes)."""
        states = self.recurrent(x[..., None])[0]  # (M, B, units)
        scores: Tensor = self.classifier(torch.tanh(self.norm(states.flatten(1))))
        return scores
