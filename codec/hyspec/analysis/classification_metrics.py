"""Accuracy of a classification: overall, average, per class, and Cohen's kappa.

Labels are integers; a pixel counts where its true label is above 0, which is how the public scenes
mark what has been labelled. All measures follow from the confusion matrix, so they are computed
from it alone.

References: J. Cohen, "A coefficient of agreement for nominal scales", Educational and Psychological
Measurement 20, 1960; R. G. Congalton, "A review of assessing the accuracy of classifications of
remotely sensed data", Remote Sensing of Environment 37, 1991.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import numpy.typing as npt

from hyspec.errors import DataError, UsageError

_Labels = npt.NDArray[np.integer[Any]]


@dataclass(frozen=True)
class ClassificationScore:
    """Accuracy of one classification.

    Attributes
    ----------
    confusion : ndarray of int64, shape (classes, classes)
        Entry (i, j): pixels of class i + 1 that were predicted as class j + 1.
    rejected : ndarray of int64, shape (classes,)
        Pixels of class i + 1 that were predicted as background (0 or less): wrong, in no column.
    overall_accuracy : float
        Share of the labelled pixels that are right (OA).
    average_accuracy : float
        Mean recall of the classes that have pixels (AA).
    kappa : float
        Cohen's kappa: agreement beyond chance; NaN where chance alone agrees fully.
    recall : ndarray of float64, shape (classes,)
        Share of a class's pixels that are right (producer's accuracy); NaN without pixels.
    f1 : ndarray of float64, shape (classes,)
        Harmonic mean of recall and precision; NaN for a class neither labelled nor predicted.
    """

    confusion: npt.NDArray[np.int64]
    rejected: npt.NDArray[np.int64]
    overall_accuracy: float
    average_accuracy: float
    kappa: float
    recall: npt.NDArray[np.float64]
    f1: npt.NDArray[np.float64]


@dataclass(frozen=True)
class Spread:
    """A measure over several runs.

    Attributes
    ----------
    mean, deviation : float or ndarray
        Mean and sample standard deviation (n - 1); of one run, the deviation is NaN.
    runs : int
    """

    mean: Any
    deviation: Any
    runs: int

    def __str__(self) -> str:
        """Return ``mean ± deviation``, or the mean alone for one run."""
        if np.ndim(self.mean):
            pairs = zip(self.mean, self.deviation, strict=True)
            return ", ".join(str(Spread(m, d, self.runs)) for m, d in pairs)
        if self.runs == 1:
            return f"{self.mean:.4f}"
        return f"{self.mean:.4f} ± {self.deviation:.4f}"


def score(true: _Labels, predicted: _Labels, *, classes: int | None = None) -> ClassificationScore:
    """Compare predicted labels with true ones; see :class:`ClassificationScore`.

    Parameters
    ----------
    true, predicted : ndarray of int, any equal shape
        Labels from 1. Pixels whose true label is 0 or less are background and do not count.
    classes
        Number of classes; by default the largest label that occurs at a labelled pixel.

    Raises
    ------
    DataError
        The shapes or types do not fit, no pixel is labelled, or a label exceeds ``classes``.
    """
    true, predicted = np.asarray(true), np.asarray(predicted)
    if true.shape != predicted.shape:
        raise DataError(f"predicted labels have shape {predicted.shape}; the true {true.shape}")
    for name, labels in (("true", true), ("predicted", predicted)):
        if labels.dtype.kind not in "iu":
            raise DataError(
                f"{name} labels are of type {labels.dtype}; expected integers",
                hint="convert with astype(int), or take argmax of scores",
            )
    labelled = true > 0
    t = true[labelled].astype(np.int64)
    p = np.maximum(predicted[labelled].astype(np.int64), 0)
    if t.size == 0:
        raise DataError("no pixel is labelled: expected labels above 0")
    largest = int(max(t.max(), p.max()))
    count = largest if classes is None else classes
    if largest > count:
        raise DataError(f"found label {largest}; expected at most {count} classes")
    table = np.bincount(t * (count + 1) + p, minlength=(count + 1) ** 2)
    table = table.reshape(count + 1, count + 1)[1:].astype(np.int64)
    return of_confusion(table[:, 1:], rejected=table[:, 0])


def of_confusion(
    confusion: npt.NDArray[np.integer[Any]],
    *,
    rejected: npt.NDArray[np.integer[Any]] | None = None,
) -> ClassificationScore:
    """Compute all measures of a confusion matrix; see :class:`ClassificationScore`.

    Parameters
    ----------
    confusion : ndarray of int, shape (classes, classes)
        True classes by rows, predicted ones by columns.
    rejected : ndarray of int, shape (classes,), optional
        Labelled pixels predicted as background; none by default.

    Raises
    ------
    DataError
        The matrix is not square, or holds no pixel.
    """
    matrix = confusion.astype(np.int64)
    if matrix.ndim != 2 or matrix.shape[0] != matrix.shape[1]:
        raise DataError(f"the confusion matrix has shape {matrix.shape}; expected a square")
    lost = np.zeros(len(matrix), np.int64) if rejected is None else rejected.astype(np.int64)
    right = np.diagonal(matrix).astype(np.float64)
    actual = (matrix.sum(axis=1) + lost).astype(np.float64)
    called = matrix.sum(axis=0).astype(np.float64)
    total = float(actual.sum())
    if total == 0:
        raise DataError("the confusion matrix holds no pixel")
    recall = _ratio(right, actual)
    overall = float(right.sum()) / total
    chance = float(actual @ called) / total**2
    return ClassificationScore(
        confusion=matrix,
        rejected=lost,
        overall_accuracy=overall,
        average_accuracy=float(np.nanmean(recall)),
        kappa=(overall - chance) / (1 - chance) if chance < 1 else math.nan,
        recall=recall,
        f1=_ratio(2 * right, actual + called),
    )


def over_runs(scores: Sequence[ClassificationScore]) -> dict[str, Spread]:
    """Mean and spread over runs of every measure, by its name; confusion matrices are left out.

    A class that has no value in some run is averaged over the others.

    Raises
    ------
    UsageError
        There is no run, or the runs differ in their number of classes.
    """
    if not scores:
        raise UsageError("no run to average", hint="give at least one score")
    if len({len(s.recall) for s in scores}) > 1:
        raise UsageError(
            f"the runs have {sorted({len(s.recall) for s in scores})} classes",
            hint="give the number of classes to score()",
        )
    result = {}
    for field in fields(ClassificationScore)[2:]:
        values = np.array([getattr(s, field.name) for s in scores], np.float64)
        present = np.count_nonzero(~np.isnan(values), axis=0)
        mean = _ratio(np.nansum(values, axis=0), present)
        squares = np.nansum((values - mean) ** 2, axis=0)
        deviation = np.sqrt(_ratio(squares, np.maximum(present - 1, 0)))
        result[field.name] = Spread(mean[()], deviation[()], len(scores))
    return result


def _ratio(numerator: Any, denominator: Any) -> npt.NDArray[np.float64]:
    """Quotient, NaN where the denominator is 0."""
    numerator, denominator = np.asarray(numerator, np.float64), np.asarray(denominator, np.float64)
    result = np.full(numerator.shape, np.nan)
    return np.asarray(np.divide(numerator, denominator, out=result, where=denominator != 0))
