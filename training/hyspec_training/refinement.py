"""The network that refines decoded planes: it estimates what quantisation took from them.

A plane that was quantised coarsely shows little of an edge that its neighbours, or the first
planes, show well. The network looks at a plane itself, by differences that do not depend on its
mean, and at how strong such differences are in other planes: the signs of principal components mean
nothing, so that only magnitudes of these can be learned from.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from hyspec.refinement import GUIDES, INPUTS
from hyspec_training.local_regression import CELL, regressions

#: Differences of the plane itself and of each other plane.
_OWN, _OTHER = 24, 8
#: Corrections are less than this, in quantiser steps.
_BOUND = 1.5
_SLOPE = 0.1


class Differences(nn.Module):
    """Weighted sums of 3 x 3 cells around each cell, with weights that add up to zero.

    Parameters
    ----------
    count
        Sums.
    """

    def __init__(self, count: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(0.15 * torch.randn(count, CELL * CELL, 3, 3))

    def forward(self, x: Tensor) -> Tensor:
        """Planes (N, 1, H + 2 CELL, W + 2 CELL) to (N, count, H / CELL, W / CELL)."""
        weight = self.weight - self.weight.mean((1, 2, 3), keepdim=True)
        return F.conv2d(F.pixel_unshuffle(x, CELL), weight)


class Refinement(nn.Module):
    """Residual network on cells of 2 x 2 samples.

    Parameters
    ----------
    width
        Filters of the hidden layers.
    blocks
        Residual blocks of two convolutions each.
    """

    def __init__(self, width: int, blocks: int) -> None:
        super().__init__()
        self.own, self.other = Differences(_OWN), Differences(_OTHER)
        regressed = (len(GUIDES) + 1) * (CELL * CELL + 1)
        features = _OWN + CELL * CELL + (INPUTS - 1) * _OTHER + 1 + regressed
        self.first = nn.Conv2d(features, width, 1)
        self.blocks = nn.ModuleList(
            nn.Sequential(
                nn.Conv2d(width, width, 3, padding=1),
                nn.LeakyReLU(_SLOPE),
                nn.Conv2d(width, width, 3, padding=1),
            )
            for _ in range(blocks)
        )
        self.last = nn.Conv2d(width, CELL * CELL, 3, padding=1)
        nn.init.zeros_(self.last.weight)
        nn.init.zeros_(self.last.bias)  # type: ignore[arg-type]

    def forward(self, planes: Tensor, octave: Tensor) -> Tensor:
        """Return corrections in quantiser steps, shape (N, 1, H, W).

        Parameters
        ----------
        planes
            The plane and those that :func:`hyspec.refinement.surrounding` puts behind it, in
            quantiser steps, shape (N, INPUTS, H, W), H and W even.
        octave
            Level of the plane in octaves, shape (N, 1, 1, 1).
        """
        padded = F.pad(planes, (CELL, CELL, CELL, CELL), mode="replicate")
        own = self.own(padded[:, :1])
        rows, columns = own.shape[2:]
        # Other planes as if each were a plane of the batch.
        others = self.other(padded[:, 1:].reshape(-1, 1, *padded.shape[2:]))
        others = others.reshape(-1, (INPUTS - 1) * _OTHER, rows, columns)
        with torch.no_grad():  # nothing in there is learned
            found, explained = regressions(planes[:, :1], planes[:, GUIDES])
            weighted = _bounded(found) * explained[:, :, None]
        features = [
            _bounded(own),
            F.pixel_unshuffle(_bounded(planes[:, :1]), CELL),
            (octave / 8).expand(-1, 1, rows, columns),
            0.5 * torch.log1p(others.abs()),
            weighted.flatten(1, 2),
            explained,
        ]
        x = F.leaky_relu(self.first(torch.cat(features, 1)), _SLOPE)
        for block in self.blocks:
            x = x + block(x)
        correction = F.pixel_shuffle(self.last(x), CELL)
        return _BOUND * torch.tanh(correction / _BOUND)

    @property
    def operations(self) -> float:
        """Multiplications per sample of a plane."""
        count = self.own.weight.numel() + (INPUTS - 1) * self.other.weight.numel()
        kernels = (m.weight.numel() for m in self.modules() if isinstance(m, nn.Conv2d))
        return (count + sum(kernels)) / CELL**2


def _bounded(x: Tensor) -> Tensor:
    """Of large values nothing can be learned but that they are."""
    return x / (1 + x.abs())
