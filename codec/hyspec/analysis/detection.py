"""Receiver operating characteristic of a detector, and the area below it.

The area (AUC) is the chance that a random target scores higher than a random other pixel, ties
counting half (J. A. Hanley and B. J. McNeil, "The meaning and use of the area under a receiver
operating characteristic (ROC) curve", Radiology 143, 1982), and that is what is computed: from the
ranks, equal scores sharing their mean rank.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from hyspec.errors import DataError

_Float = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Roc:
    """A receiver operating characteristic; one point per different score, and (0, 0).

    Attributes
    ----------
    thresholds : ndarray of float64, shape (points,)
        A pixel is detected where its score is at least that; infinity first, falling.
    false_alarms, detections : ndarray of float64, shape (points,)
        Shares of the other pixels and of the targets that are detected.
    """

    thresholds: _Float
    false_alarms: _Float
    detections: _Float


def roc(scores: npt.NDArray[Any], targets: npt.NDArray[Any]) -> Roc:
    """Return the characteristic of scores.

    Parameters
    ----------
    scores : ndarray of float, any shape
        Higher means target; pixels of score NaN are left out.
    targets : ndarray of bool or int, same shape
        Targets are those that are not 0.

    Raises
    ------
    DataError
        The shapes differ, or there are no targets, or nothing else.
    """
    values, hits, misses = _counts(scores, targets)
    detections = np.append(0, np.cumsum(hits[::-1])) / hits.sum()
    false_alarms = np.append(0, np.cumsum(misses[::-1])) / misses.sum()
    return Roc(np.append(np.inf, values[::-1]), false_alarms, detections)


def auc(scores: npt.NDArray[Any], targets: npt.NDArray[Any]) -> float:
    """Area under the characteristic, from 0 to 1; parameters and errors as for :func:`roc`."""
    _, hits, misses = _counts(scores, targets)
    below = np.cumsum(misses) - misses  # other pixels of lower score
    wins = float(hits @ (below + misses / 2))
    return wins / (float(hits.sum()) * float(misses.sum()))


def _counts(scores: npt.NDArray[Any], targets: npt.NDArray[Any]) -> tuple[_Float, _Float, _Float]:
    """Different scores, rising, with the number of targets and of other pixels at each."""
    scores, targets = np.asarray(scores, np.float64), np.asarray(targets)
    if scores.shape != targets.shape:
        raise DataError(f"scores have shape {scores.shape}, targets {targets.shape}")
    present = ~np.isnan(scores)
    truth = targets[present] != 0
    if truth.all() or not truth.any():
        raise DataError(
            f"{np.count_nonzero(truth)} of {truth.size} pixels are targets; expected some, and "
            "some that are not"
        )
    values, number = np.unique(scores[present], return_inverse=True)
    number = number.reshape(-1)
    hits = np.bincount(number[truth], minlength=len(values)).astype(np.float64)
    misses = np.bincount(number[~truth], minlength=len(values)).astype(np.float64)
    return values, hits, misses
