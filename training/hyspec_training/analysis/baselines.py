"""Classifiers of scikit-learn to compare networks with: SVM, linear classifiers by SGD, neighbours.

They see the spectrum of a pixel. Their settings are those of a grid that do best on the validation
pixels, which are apart from the training pixels, or in five-fold cross-validation where there are
none. Grids follow DeepHyperX.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from hyspec.analysis import classification_metrics
from hyspec.errors import UsageError
from hyspec.io.optional import require

_Int = npt.NDArray[np.int64]
_Float = npt.NDArray[np.floating[Any]]

_STRENGTHS = [1.0, 10.0, 100.0, 1000.0]
_WIDTHS = [1e-3, 1e-2, 1e-1]
#: For each baseline: module and class of scikit-learn, fixed settings, and the grid.
BASELINES: dict[str, tuple[str, str, dict[str, Any], list[dict[str, list[Any]]]]] = {
    "svm": (
        "sklearn.svm",
        "SVC",
        {},
        [
            {"kernel": ["rbf"], "C": _STRENGTHS, "gamma": _WIDTHS},
            {"kernel": ["linear"], "C": [0.1, 1.0, 10.0]},
            {"kernel": ["poly"], "C": _STRENGTHS, "gamma": _WIDTHS, "degree": [3]},
        ],
    ),
    "sgd": (
        "sklearn.linear_model",
        "SGDClassifier",
        {"average": 10},
        [{"alpha": [1e-5, 1e-4, 1e-3, 1e-2]}],
    ),
    "knn": (
        "sklearn.neighbors",
        "KNeighborsClassifier",
        {},
        [{"n_neighbors": [1, 3, 5, 10, 20]}],
    ),
}
#: Those with weights of classes, and those with random draws.
_WEIGHTED, _RANDOM = ("svm", "sgd"), ("svm", "sgd")


def fitted(
    name: str,
    train: tuple[_Float, _Int],
    validation: tuple[_Float, _Int],
    *,
    seed: int,
    balance: bool = False,
    options: dict[str, Any] | None = None,
) -> tuple[Any, dict[str, Any]]:
    """Fit a baseline with the best settings of its grid.

    Parameters
    ----------
    name
        Name in :data:`BASELINES`.
    train, validation
        Scaled spectra (N, bands) and classes (N,); the latter may be empty.
    seed
        Of draws.
    balance
        Weigh classes by inverse frequency, where the method can.
    options
        Settings of the class of scikit-learn that are fixed, in place of the grid's.

    Returns
    -------
    estimator
        Has ``predict``, from spectra (N, bands) to classes (N,).
    dict
        The settings that were chosen.

    Raises
    ------
    UsageError
        The class has no such option.
    MissingDependencyError
        scikit-learn is not installed.
    """
    module, cls, fixed, grid = BASELINES[name]
    builder = getattr(require(module, f"the baseline {name}", extra="analysis"), cls)
    selection = require("sklearn.model_selection", "choosing settings", extra="analysis")
    fixed = {**fixed, **(options or {})}
    if name in _RANDOM:
        fixed["random_state"] = seed
    if balance and name in _WEIGHTED:
        fixed["class_weight"] = "balanced"
    best: tuple[float, dict[str, Any], Any] | None = None
    for settings in selection.ParameterGrid(grid):
        chosen = {**settings, **fixed}
        if chosen.get("n_neighbors", 1) > len(train[1]):
            continue
        try:
            estimator = builder(**chosen)
        except TypeError as error:
            raise UsageError(f"{name}: {error}", hint="see the class of scikit-learn") from error
        accuracy = _accuracy(selection, estimator, train, validation, seed)
        if best is None or accuracy > best[0]:
            best = accuracy, chosen, estimator
    assert best is not None
    return best[2].fit(*train), best[1]


def _accuracy(
    selection: Any,
    estimator: Any,
    train: tuple[_Float, _Int],
    validation: tuple[_Float, _Int],
    seed: int,
) -> float:
    """Average accuracy on the validation pixels, or in cross-validation."""
    if len(validation[1]):
        true, found = validation[1], estimator.fit(*train).predict(validation[0])
    else:
        folds = selection.KFold(min(5, len(train[1])), shuffle=True, random_state=seed)
        true, found = train[1], selection.cross_val_predict(estimator, *train, cv=folds)
    return classification_metrics.score(true, np.asarray(found, np.int64)).average_accuracy
