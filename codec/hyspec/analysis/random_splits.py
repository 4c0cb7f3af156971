"""Splits that draw pixels at random, by class, and splits by masks of one's own.

Random splits are what most published accuracies rest on. They leak: neighbours of training pixels
are tested (:meth:`hyspec.analysis.split.Split.leakage`). They are here to compare with such
figures; for a judgement use :func:`hyspec.analysis.spatial_split.spatial`.
"""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import numpy.typing as npt

from hyspec.analysis.split import Labels, Split, SplitWarning, check_labels
from hyspec.errors import DataError, UsageError


def stratified(
    labels: Labels, *, train: float, validation: float = 0.0, patch: int, seed: int
) -> Split:
    """Draw fractions of each class at random; the rest is for the test.

    Every class of two pixels or more has at least one in training and one in the test.

    Parameters
    ----------
    labels : ndarray of int, shape (rows, columns)
        Classes from 1; 0 and less is background.
    train, validation
        Fractions of the labelled pixels, not numbers of them: above 0, from 0, and below 1
        together.
    patch
        Side of the patches that the classifier will see.
    seed
        Of the draw.

    Raises
    ------
    UsageError
        The fractions are out of range.
    DataError
        As for :class:`~hyspec.analysis.split.Split`.

    Warns
    -----
    SplitWarning
        A class has a single pixel; it is for training.
    """
    if not (0 < train < 1 and 0 <= validation < 1 and train + validation < 1):
        raise UsageError(
            f"fractions {train} for training and {validation} for validation; expected numbers "
            "from 0 to 1 with something left for the test",
            hint="fixed_per_class() takes numbers of pixels",
        )
    check_labels(labels)

    def sizes(count: int) -> tuple[int, int]:
        first = min(max(1, round(train * count)), max(1, count - 1))
        return first, min(round(validation * count), max(0, count - first - 1))

    method = f"random, {train:.3g} of each class for training"
    return _drawn(labels, sizes, patch, seed, method)


def fixed_per_class(
    labels: Labels, *, train: int, validation: int = 0, patch: int, seed: int
) -> Split:
    """Draw the same number of pixels of each class at random; the rest is for the test.

    Parameters
    ----------
    labels : ndarray of int, shape (rows, columns)
    train, validation
        Pixels per class, above 0 and from 0. Of a class that has no more than the two together,
        half is drawn, in the same proportion.
    patch, seed
        As for :func:`stratified`.

    Raises
    ------
    UsageError
        The numbers are out of range.
    DataError
        As for :class:`~hyspec.analysis.split.Split`.

    Warns
    -----
    SplitWarning
        A class has too few pixels.
    """
    if train < 1 or validation < 0 or train != int(train) or validation != int(validation):
        raise UsageError(
            f"{train} pixels per class for training and {validation} for validation; expected "
            "whole numbers from 1 and from 0",
            hint="stratified() takes fractions",
        )
    check_labels(labels)
    _, class_sizes = np.unique(labels[labels > 0], return_counts=True)
    if class_sizes.min() <= train + validation:
        warnings.warn(
            SplitWarning(
                f"{np.count_nonzero(class_sizes <= train + validation)} classes have no more than "
                f"{train + validation} pixels; half of each is drawn"
            ),
            stacklevel=2,
        )

    def sizes(count: int) -> tuple[int, int]:
        if count > train + validation:
            return train, validation
        half = max(1, count // 2)
        first = max(1, half * train // (train + validation))
        return first, half - first

    return _drawn(labels, sizes, patch, seed, f"random, {train} pixels of each class for training")


def of_masks(
    labels: Labels,
    *,
    train: npt.NDArray[Any],
    test: npt.NDArray[Any] | None = None,
    validation: npt.NDArray[Any] | None = None,
    patch: int,
) -> Split:
    """Use masks of one's own, such as the official split of a data set.

    Parameters
    ----------
    labels : ndarray of int, shape (rows, columns)
    train, validation, test : ndarray, shape (rows, columns)
        Pixels of a part are those that are not 0, so a map of labels will do; pixels without label
        are left out. Without ``test``, all other labelled pixels are the test.
    patch
        Side of the patches that the classifier will see.

    Raises
    ------
    DataError
        As for :class:`~hyspec.analysis.split.Split`, or two masks overlap.
    """
    check_labels(labels)
    labelled = labels > 0
    parts = []
    for name, mask in (("train", train), ("validation", validation), ("test", test)):
        if mask is not None and mask.shape != labels.shape:
            raise DataError(f"the {name} mask has shape {mask.shape}; the labels {labels.shape}")
        parts.append(np.zeros_like(labelled) if mask is None else (mask > 0) & labelled)
    if test is None:
        parts[2] = labelled & ~parts[0] & ~parts[1]
    return Split(labels, parts[0], parts[1], parts[2], patch, "own masks")


def _drawn(labels: Labels, sizes: Any, patch: int, seed: int, method: str) -> Split:
    """Draw training and validation pixels of each class; ``sizes`` says how many of how many."""
    random = np.random.default_rng(seed)
    parts = np.zeros((3, labels.size), np.bool_)
    single = []
    for label in np.unique(labels[labels > 0]):
        places = random.permutation(np.flatnonzero(labels == label))
        if len(places) == 1:
            single.append(int(label))
        train, validation = sizes(len(places))
        parts[0, places[:train]] = True
        parts[1, places[train : train + validation]] = True
        parts[2, places[train + validation :]] = True
    if single:
        warnings.warn(
            SplitWarning(f"classes {single} have a single pixel each, which is for training"),
            stacklevel=3,
        )
    masks = parts.reshape(3, *labels.shape)
    return Split(labels, masks[0], masks[1], masks[2], patch, method)
