"""Classifiers on encoders for any sensor, trained with few labels: from pretraining or scratch."""

from __future__ import annotations

import copy
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from hyspec.analysis import classification_metrics, spatial_split
from hyspec.analysis.classification_metrics import ClassificationScore
from hyspec.analysis.sensor_scenes import SensorScene
from hyspec.analysis.split import Split
from hyspec.errors import DataError
from hyspec_training.analysis.unseen_sensors import Encoder, encoded

_Labels = npt.NDArray[np.int64]
_Mask = npt.NDArray[np.bool_]

#: Side of the areas that keep training and test apart; the classifiers see single pixels.
PATCH = 5
#: Pixels of each class at least, however few the share asks for.
LEAST_PIXELS = 2
#: Spectra that are classified at once.
_PIXELS = 2048


@dataclass(frozen=True)
class Settings:
    """How a classifier is fine-tuned, all of its weights at once.

    Rates of learning are of AdamW, of the encoder and of the linear layer on its latents; ``share``
    is that of the labelled pixels of each class. With ``standardised``, the layer sees latents less
    their mean, divided by their deviation, over the training area, labelled or not.
    """

    share: float = 0.01
    steps: int = 100
    encoder_rate: float = 1e-3
    head_rate: float = 1e-2
    weight_decay: float = 1e-4
    standardised: bool = True


@dataclass(frozen=True)
class FewLabels:
    """A split, and the few pixels of its training area whose labels are used.

    Attributes
    ----------
    split : Split
        By place; its training pixels are the area that the few are drawn from.
    drawn : ndarray of bool, shape (rows, columns)
    """

    split: Split
    drawn: _Mask


def few_labels(labels: _Labels, share: float, seed: int) -> FewLabels:
    """Split labelled pixels by place, and draw a share of each class from the training area.

    Parameters
    ----------
    labels : ndarray of int64, shape (rows, columns)
        Classes from 1; 0 is background.
    share
        Of all labelled pixels of the class; at least :data:`LEAST_PIXELS` are drawn.
    seed
        Of the split and of the draw.
    """
    split = spatial_split.spatial(
        labels, train=0.3, patch=PATCH, seed=seed, candidates=64, missing="ignore"
    )
    rng = np.random.default_rng(seed)
    drawn = np.zeros(labels.shape, np.bool_)
    for label in np.unique(labels[labels > 0]):
        places = np.flatnonzero(split.train & (labels == label))
        wanted = max(LEAST_PIXELS, round(share * np.count_nonzero(labels == label)))
        drawn.flat[rng.permutation(places)[:wanted]] = True
    return FewLabels(split, drawn)


def classified(
    model: Encoder,
    scene: SensorScene,
    labels: _Labels,
    few: FewLabels,
    seed: int,
    settings: Settings | None = None,
) -> ClassificationScore:
    """Fine-tune a classifier on few labels, and score it on the pixels of the test.

    The encoder that is given stays as it is; what is trained is a copy, with a linear layer on its
    latents. What standardises these is found once, from what the encoder gives at first.

    Parameters
    ----------
    model
        The encoder, pretrained or not.
    scene
        The scene.
    labels : ndarray of int64, shape (rows, columns)
        Classes from 1.
    few
        Which pixels are for what.
    seed
        Of the run.
    settings
        How it is trained.

    Raises
    ------
    DataError
        Labels and scene differ in shape.
    """
    if labels.shape != scene.measured.shape:
        raise DataError(f"labels of shape {labels.shape}; the scene has {scene.measured.shape}")
    chosen = settings or Settings()
    torch.manual_seed(seed)
    encoder = copy.deepcopy(model).train()
    code = torch.from_numpy(scene.code)
    classes = int(labels.max())
    with torch.no_grad():
        area = encoded(encoder, torch.from_numpy(scene.array[few.split.train]), code)
        centre, spread = area.mean(dim=0), area.std(dim=0) + 1e-6
    if not chosen.standardised:
        centre, spread = torch.zeros_like(centre), torch.ones_like(spread)
    head = nn.Linear(area.shape[1], classes)
    nn.init.zeros_(head.weight)
    nn.init.zeros_(head.bias)
    optimiser = torch.optim.AdamW(
        [
            {"params": encoder.parameters(), "lr": chosen.encoder_rate},
            {"params": head.parameters(), "lr": chosen.head_rate},
        ],
        weight_decay=chosen.weight_decay,
    )

    def scores(x: Tensor) -> Tensor:
        found: Tensor = head((encoded(encoder, x, code) - centre) / spread)
        return found

    spectra = torch.from_numpy(scene.array[few.drawn])
    truth = torch.from_numpy(labels[few.drawn] - 1)
    for _ in range(chosen.steps):
        loss = F.cross_entropy(scores(spectra), truth)
        optimiser.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
    with torch.no_grad():
        test = torch.from_numpy(scene.array[few.split.test])
        found = torch.cat([scores(x).argmax(dim=1) for x in torch.split(test, _PIXELS)]).numpy() + 1
    return classification_metrics.score(labels[few.split.test], found, classes=classes)
