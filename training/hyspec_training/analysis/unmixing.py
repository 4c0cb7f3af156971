"""Supervised unmixing networks: unmixing-pixel-cnn, -cube-cnn, -pixel-dcae, -cube-dcae.

CNN: Zhang, Sun, Zhang, Wu, Jiao, "Hyperspectral unmixing via deep convolutional neural networks",
IEEE GRSL 15(11), 2018. DCAE, deep convolutional autoencoders: Khajehrayeni, Ghassemian,
"Hyperspectral unmixing using deep convolutional autoencoders in a supervised scenario", IEEE JSTARS
13, 2020. Layers as in the hypernet package of KP Labs.

The abundances of K endmembers are numbers from 0 to 1 with the sum 1. Kernels are given as (bands,
rows, columns).
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from hyspec_training.analysis.base import (
    AnalysisModel,
    Prediction,
    check_endmembers,
    length_after,
    pixels,
    planes,
)

#: Filters, kernel, pooling along the spectrum, dropout.
_Layer = tuple[int, tuple[int, int, int], int, float]


class AbundanceNetwork(AnalysisModel):
    """Convolutions of volumes, dense layers, softmax.

    Parameters
    ----------
    bands, endmembers
        Numbers of bands B and endmembers K.

    Attributes
    ----------
    side : int
        Side P of the patch.
    layers : sequence of tuple
        Of the convolutions: filters, kernel, pooling along the spectrum, dropout.
    units : tuple of int
        Of the dense layers before the last one.
    dropout : float
        After each of these.
    """

    result = "abundances"

    side = 1
    layers: Sequence[_Layer]
    units: tuple[int, ...]
    dropout = 0.0

    def __init__(self, bands: int, endmembers: int) -> None:
        super().__init__(bands, self.side)
        self.endmembers = endmembers
        self.whole_scenes = self.side == 1
        convolutions: list[nn.Module] = []
        channels, length, side = 1, bands, self.side
        for filters, kernel, pool, dropped in self.layers:
            convolutions += [nn.Conv3d(channels, filters, kernel), nn.ReLU()]
            convolutions += [nn.MaxPool3d((pool, 1, 1))] if pool > 1 else []
            convolutions += [nn.Dropout(dropped)] if dropped else []
            channels = filters
            length = length_after(length_after(length, kernel[0]), pool, pool)
            side = length_after(side, kernel[1])
        self.convolutions = nn.Sequential(*convolutions, nn.Flatten())
        dense: list[nn.Module] = []
        sizes = [channels * length * side**2, *self.units]
        for inputs, outputs in itertools.pairwise(sizes):
            dense += [nn.Linear(inputs, outputs), nn.ReLU(), nn.Dropout(self.dropout)]
        self.head = nn.Sequential(*dense, nn.Linear(sizes[-1], endmembers), nn.Softmax(dim=1))

    def forward(self, x: Tensor) -> Prediction:
        """Map patches (N, B, P, P) to abundances (N, K, 1, 1); of any size where P is 1."""
        return self.abundances(x)

    def abundances(self, x: Tensor) -> Tensor:
        """Map patches (N, B, P, P) to abundances (N, K, 1, 1); of any size where P is 1."""
        if self.patch > 1:
            return self._volumes(x)[..., None, None]
        return planes(self._volumes(pixels(x)[..., None, None]), x)

    def _volumes(self, x: Tensor) -> Tensor:
        found: Tensor = self.head(self.convolutions(x[:, None]))
        return found


class PixelCNN(AbundanceNetwork):
    """``unmixing-pixel-cnn``: four convolutions along the spectrum, each with pooling."""

    layers = tuple((3 * 2**k, (kernel, 1, 1), 2, 0.0) for k, kernel in enumerate((5, 4, 5, 4)))
    units = (192, 150)


class CubeCNN(AbundanceNetwork):
    """``unmixing-cube-cnn``: four convolutions along the spectra of 3 x 3 pixels."""

    side = 3
    layers = (
        (16, (5, 1, 1), 1, 0.0),
        (32, (4, 1, 1), 1, 0.0),
        (64, (5, 1, 1), 1, 0.2),
        (128, (4, 1, 1), 1, 0.2),
    )
    units = (192, 150)


class UnmixingAutoencoder(AbundanceNetwork):
    """An abundance network whose result is decoded by known endmembers.

    The decoder holds the endmembers and a bias of zeros, and is not trained; exported graphs, which
    give abundances, are without it.
    """

    def __init__(self, bands: int, endmembers: int) -> None:
        super().__init__(bands, endmembers)
        self.decoder = nn.Linear(endmembers, bands)
        nn.init.zeros_(self.decoder.bias)
        self.decoder.requires_grad_(False)

    @torch.no_grad()
    def set_endmembers(self, spectra: Tensor) -> None:
        """Take endmembers (K, B) in the units of the spectra.

        Raises
        ------
        UsageError
            The shape is another one.
        """
        weight = self.decoder.weight
        check_endmembers(spectra, weight.T.shape)
        weight.copy_(spectra.T)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Map patches as :meth:`abundances`; also give the decoded spectra (N, B, ., .)."""
        abundances = self.abundances(x)
        return abundances, planes(self.decoder(pixels(abundances)), abundances)


class PixelDCAE(UnmixingAutoencoder):
    """``unmixing-pixel-dcae``: five convolutions along the spectrum, four with pooling."""

    layers = tuple((2 ** (k + 1), (3, 1, 1), pool, 0.0) for k, pool in enumerate((2, 2, 2, 2, 1)))
    units = (256,)


class CubeDCAE(UnmixingAutoencoder):
    """``unmixing-cube-dcae``: convolutions of 3 x 3 x 3, then along the spectrum; 5 x 5 pixels."""

    side = 5
    layers = (
        (16, (3, 3, 3), 1, 0.0),
        (32, (3, 3, 3), 1, 0.0),
        (64, (3, 1, 1), 1, 0.0),
        (128, (3, 1, 1), 1, 0.0),
    )
    units = (256,)
    dropout = 0.2
