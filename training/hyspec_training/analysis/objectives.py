"""What models of each task are trained for, and how well they do: losses and scores."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from torch import Tensor

from hyspec.analysis import abundance_metrics, classification_metrics, spectral_angles
from hyspec.errors import UsageError
from hyspec_training.analysis.fields import Field
from hyspec_training.analysis.losses import LOSSES
from hyspec_training.analysis.pixel_sampling import Batch
from hyspec_training.analysis.prediction import apply, predict
from hyspec_training.analysis.registry import Model

_Float = npt.NDArray[np.float64]

#: What a validation or a test found, by name of the measure.
Scores = dict[str, Any]


class Objective(ABC):
    """What a model is trained for."""

    @abstractmethod
    def loss(self, model: Any, batch: Batch) -> Tensor:
        """Loss of a batch, a mean over its pixels; the model may be shared between processes."""

    @abstractmethod
    def score(self, model: Any, fields: Sequence[Field], part: str, device: torch.device) -> Scores:
        """Judge a model on a part of the scenes, which has pixels."""

    @abstractmethod
    def criterion(self, scores: Scores) -> tuple[float, ...]:
        """What the best validation has least of; later numbers decide where earlier are equal."""


class ClassificationObjective(Objective):
    """Cross-entropy of the classes, and of semi-supervised models the decoded spectrum's error.

    Parameters
    ----------
    classes
        Number of classes.
    weights
        Weight of each class, shape (classes,), or ``None`` for equal ones.
    smoothing
        Share of each label that is spread over all classes.
    """

    def __init__(self, classes: int, weights: Tensor | None = None, smoothing: float = 0.0) -> None:
        self._classes, self._weights, self._smoothing = classes, weights, smoothing

    def loss(self, model: Any, batch: Batch) -> Tensor:
        """Weighted mean over the labelled pixels, and for two outputs a mean over all pixels."""
        found = apply(model, batch.x, batch.code)
        scores, decoded = (found, None) if isinstance(found, Tensor) else found
        known = batch.labels > 0
        weights = None if self._weights is None else self._weights.to(scores.device)
        loss = F.cross_entropy(
            scores[known, :, 0, 0],
            batch.labels[known] - 1,
            weight=weights,
            label_smoothing=self._smoothing,
        )
        if decoded is None:
            return loss
        inner: Any = getattr(model, "module", model)
        error = F.mse_loss(decoded[:, :, 0, 0], batch.spectra)
        both: Tensor = loss + inner.auxiliary_weight * error
        return both

    def score(self, model: Any, fields: Sequence[Field], part: str, device: torch.device) -> Scores:
        """Overall and average accuracy, kappa, recall and F1 by class, confusion, mean loss."""
        found, true = [], []
        for field in fields:
            pixels = field.pixels(part)
            if len(pixels):
                found.append(predict(model, field, pixels, device)[0])
                true.append(field.labels[pixels[:, 0], pixels[:, 1]])
        scores, labels = np.concatenate(found), np.concatenate(true)
        loss = F.cross_entropy(torch.from_numpy(scores), torch.from_numpy(labels - 1))
        result = scores_of_classes(labels, scores.argmax(axis=1) + 1, self._classes)
        return {**result, "loss": float(loss)}

    def criterion(self, scores: Scores) -> tuple[float, ...]:
        """Average accuracy first, then the loss."""
        return -scores["average_accuracy"], scores["loss"]


def scores_of_classes(
    true: npt.NDArray[np.int64], predicted: npt.NDArray[np.int64], classes: int
) -> Scores:
    """Measures of a classification as what JSON takes; NaN becomes None."""
    score = classification_metrics.score(true, predicted, classes=classes)
    return {
        "overall_accuracy": score.overall_accuracy,
        "average_accuracy": score.average_accuracy,
        "kappa": score.kappa,
        "recall": [None if math.isnan(v) else float(v) for v in score.recall],
        "f1": [None if math.isnan(v) else float(v) for v in score.f1],
        "confusion": score.confusion.tolist(),
    }


def balanced_weights(fields: Sequence[Field], classes: int) -> Tensor:
    """Weights of the classes, shape (classes,): median frequency over the class's own.

    Eigen, Fergus, "Predicting depth, surface normals and semantic labels", ICCV 2015. A class
    without training pixels has the weight 0.
    """
    counts = np.zeros(classes + 1, np.int64)
    for field in fields:
        counts += np.bincount(field.labels[field.parts["train"]], minlength=classes + 1)
    present = counts[1:] > 0
    median = np.median(counts[1:][present])
    weights = np.where(present, median / np.maximum(counts[1:], 1), 0.0)
    return torch.from_numpy(weights.astype(np.float32))


@dataclass(frozen=True)
class Endmembers:
    """True endmembers of a scene, and the way to their unit.

    Attributes
    ----------
    spectra : ndarray, shape (endmembers, bands)
    unscaled : callable
        Takes what a model sees (..., bands) to the unit of the endmembers.
    """

    spectra: _Float
    unscaled: Callable[[npt.NDArray[Any]], _Float]


class UnmixingObjective(Objective):
    """A loss of abundances, or of the spectra that a model decodes.

    Parameters
    ----------
    loss
        Name of the loss.
    target
        ``abundances`` or ``spectra``.
    endmembers
        True ones, which are only looked at to score, or ``None`` if they are not known.
    """

    def __init__(self, loss: str, target: str, endmembers: Endmembers | None) -> None:
        self._loss, self._target, self._endmembers = LOSSES[loss], target, endmembers

    def loss(self, model: Any, batch: Batch) -> Tensor:
        """Mean over the pixels of the loss."""
        found = apply(model, batch.x, batch.code)
        abundances, decoded = (found, None) if isinstance(found, Tensor) else found
        if self._target == "abundances":
            assert batch.abundances is not None
            return self._loss(batch.abundances, abundances[:, :, 0, 0], "mean")
        if decoded is None:
            raise UsageError(
                "this model decodes no spectra to learn from", hint='use target = "abundances"'
            )
        return self._loss(batch.spectra, decoded[:, :, 0, 0], "mean")

    def score(self, model: Any, fields: Sequence[Field], part: str, device: torch.device) -> Scores:
        """Errors of the abundances, where they are known, and the loss.

        Of models that learn endmembers, these are matched with the true ones first. Abundances are
        mixed with these, or else with the true ones, to be compared with the spectra in the unit of
        the endmembers.
        """
        found, decoded, true, spectra = [], [], [], []
        for field in fields:
            pixels = field.pixels(part)
            if not len(pixels):
                continue
            result = predict(model, field, pixels, device)
            found.append(result[0])
            decoded.append(result[1])
            border = field.patch // 2
            spectra.append(field.planes[:, pixels[:, 0] + border, pixels[:, 1] + border].T)
            if field.abundances is not None:
                true.append(field.abundances[:, pixels[:, 0], pixels[:, 1]].T)
        estimated, x = np.concatenate(found), np.concatenate(spectra)
        scores: Scores = {}
        if true:
            order, endmembers, scores = self._matched(model)
            ordered = estimated[:, order]
            score = abundance_metrics.abundance_score(np.concatenate(true), ordered)
            scores |= {
                "a_rmse": score.a_rmse,
                "overall_rmse": score.overall_rmse,
                "class_rmse": score.class_rmse.tolist(),
                "class_rmse_sum": score.class_rmse_sum,
                "a_sam": score.a_sam,
                "rms_aad": score.rms_aad,
            }
            if self._endmembers is not None and endmembers is not None:
                rebuilt = abundance_metrics.reconstruction_score(
                    self._endmembers.unscaled(x), ordered, endmembers
                )
                scores |= {"r_rmse": rebuilt.r_rmse, "r_sid_per_pixel": rebuilt.r_sid_per_pixel}
        if self._target == "abundances":
            target, values = np.concatenate(true), estimated
        else:
            target, values = x, np.concatenate([d for d in decoded if d is not None])
        loss = self._loss(torch.from_numpy(target), torch.from_numpy(values), "mean")
        return {**scores, "loss": float(loss)}

    def criterion(self, scores: Scores) -> tuple[float, ...]:
        """The loss."""
        return (scores["loss"],)

    def _matched(self, model: Model) -> tuple[Any, _Float | None, Scores]:
        """Order of the abundances, their endmembers, and angles of learned and true ones."""
        learned = getattr(model, "endmembers", None)
        if (
            self._target == "abundances"
            or not isinstance(learned, Tensor)
            or self._endmembers is None
        ):
            known = None if self._endmembers is None else self._endmembers.spectra
            return slice(None), known, {}
        estimated = self._endmembers.unscaled(learned.detach().cpu().numpy())
        match = abundance_metrics.match_endmembers(self._endmembers.spectra, estimated)
        angles = match.angles.tolist()
        measured = {"endmember_angle": float(match.angles.mean()), "angles": angles}
        return match.order, estimated[match.order], measured


class SpectraObjective(Objective):
    """A loss between spectra and what an autoencoder makes of them.

    Parameters
    ----------
    loss
        Name of the loss.
    """

    def __init__(self, loss: str) -> None:
        self._loss = LOSSES[loss]

    def loss(self, model: Any, batch: Batch) -> Tensor:
        """Mean over the pixels of the loss."""
        found = apply(model, batch.x, batch.code)
        assert isinstance(found, Tensor)
        return self._loss(batch.spectra, found[:, :, 0, 0], "mean")

    def score(self, model: Any, fields: Sequence[Field], part: str, device: torch.device) -> Scores:
        """Mean loss, squared error and spectral angle in radians, of scaled samples.

        The PSNR refers to the range of the samples that are judged; of several scenes, it is a
        mean.
        """
        losses, errors, angles, ratios, counts = [], [], [], [], []
        for field in fields:
            pixels = field.pixels(part)
            if not len(pixels):
                continue
            border = field.patch // 2
            x = field.planes[:, pixels[:, 0] + border, pixels[:, 1] + border].T
            y = predict(model, field, pixels, device)[0]
            losses.append(float(self._loss(torch.from_numpy(x), torch.from_numpy(y), "mean")))
            errors.append(float(np.mean((x.astype(np.float64) - y) ** 2)))
            angles.append(float(spectral_angles(x, y).mean()))
            ratios.append(10 * math.log10(float(np.ptp(x)) ** 2 / max(errors[-1], 1e-30)))
            counts.append(len(pixels))
        return {
            "loss": float(np.average(losses, weights=counts)),
            "mse": float(np.average(errors, weights=counts)),
            "spectral_angle": float(np.average(angles, weights=counts)),
            "psnr_db": float(np.mean(ratios)),
        }

    def criterion(self, scores: Scores) -> tuple[float, ...]:
        """The loss."""
        return (scores["loss"],)
