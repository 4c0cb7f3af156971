"""Layer by layer: each pair of an autoencoder's layers learns first what those before it give.

Bengio, Lamblin, Popovici, Larochelle, "Greedy layer-wise training of deep networks", NIPS 2006.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from hyspec.errors import UsageError
from hyspec_training.analysis.deephyp import StackedAutoencoder
from hyspec_training.analysis.fields import Field
from hyspec_training.analysis.fitting import Fit, train
from hyspec_training.analysis.losses import LOSSES
from hyspec_training.analysis.objectives import Objective, Scores
from hyspec_training.analysis.pixel_sampling import Batch
from hyspec_training.analysis.registry import Model
from hyspec_training.distributed import Processes


class PairObjective(Objective):
    """The loss of one pair of layers on the features before it.

    Parameters
    ----------
    model
        Where the pair is from.
    depth
        Number of the pair, from 1.
    loss
        Name of the loss.
    """

    def __init__(self, model: StackedAutoencoder, depth: int, loss: str) -> None:
        self._model, self._depth, self._loss = model, depth, LOSSES[loss]

    def loss(self, model: Any, batch: Batch) -> Tensor:
        """Mean over the pixels of the loss between features and decoded features."""
        with torch.no_grad():
            features = self._model.features(batch.spectra, self._depth - 1)  # (N, C, L)
        return self._loss(features.flatten(1), model(features).flatten(1), "mean")

    @torch.no_grad()
    def score(self, model: Any, fields: Sequence[Field], part: str, device: torch.device) -> Scores:
        """Mean loss."""
        total, count = 0.0, 0
        for field in fields:
            pixels = field.pixels(part)
            spectra = torch.from_numpy(field.planes[:, pixels[:, 0], pixels[:, 1]].T).to(device)
            features = self._model.features(spectra, self._depth - 1)
            found = model(features)
            total += float(self._loss(features.flatten(1), found.flatten(1), "sum"))
            count += len(pixels)
        return {"loss": total / count}

    def criterion(self, scores: Scores) -> tuple[float, ...]:
        """The loss."""
        return (scores["loss"],)


def pretrain(
    model: Model, fit: Fit, loss: str, folder: Path, processes: Processes, *, quiet: bool
) -> None:
    """Train the pairs of layers of an autoencoder one after the other, in place.

    Parameters
    ----------
    model
        The autoencoder.
    fit
        How the whole is trained; each pair is trained like it, for ``pretraining`` epochs.
    loss
        Name of the loss.
    folder
        Folder of checkpoints and curves.
    processes
        Who trains.
    quiet
        Show no progress bars.

    Raises
    ------
    UsageError
        The model is not a stack of layers.
    """
    if not isinstance(model, StackedAutoencoder):
        raise UsageError(
            "pretraining of a model that is no stack of layers",
            hint="it is for deephyp-mlp-autoencoder and deephyp-cnn-autoencoder",
        )
    model.to(processes.device)
    for depth in range(1, len(model.encoder) + 1):
        of_pair = dataclasses.replace(
            fit,
            name=f"{fit.name}-layer-{depth}",
            objective=PairObjective(model, depth, loss),
            epochs=fit.training.pretraining,
            settings={**fit.settings, "layer": depth},
        )
        train(model.pair(depth), of_pair, folder, processes, quiet=quiet)
