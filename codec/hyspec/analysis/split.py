"""A division of labelled pixels into training, validation and test, and how much of it leaks.

A classifier of patches sees the neighbours of a pixel. Where a test patch holds training pixels, or
shares pixels with a training patch, accuracy says less about new places the more it does so. Both
shares are computed for every split, and printed by ``str(split)``.

A patch of side P around a pixel reaches from ``P // 2`` pixels before it to ``P - 1 - P // 2``
after it, in rows and columns. Two patches share no pixel if and only if their centres are at least
P apart in rows or in columns, that is, with P - 1 pixels between them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from hyspec.errors import DataError, UsageError

Mask = npt.NDArray[np.bool_]
Labels = npt.NDArray[np.integer[Any]]

#: Parts of a split, in order.
PARTS = ("train", "validation", "test")


class SplitWarning(UserWarning):
    """A class is missing from a part of a split, or smaller than asked for."""


@dataclass(frozen=True)
class Split:
    """Labelled pixels in three parts that have none in common.

    Attributes
    ----------
    labels : ndarray of int, shape (rows, columns)
        Classes from 1; 0 and less is background, which is in no part.
    train, validation, test : ndarray of bool, shape (rows, columns)
        Pixels of each part.
    patch : int
        Side of the patches that the split is judged by, in pixels.
    method : str
        How the split was made, in words.

    Raises
    ------
    DataError
        Shapes differ, parts overlap, or training or test is empty.
    """

    labels: Labels
    train: Mask
    validation: Mask
    test: Mask
    patch: int
    method: str

    def __post_init__(self) -> None:
        """Check that the parts are parts."""
        check_labels(self.labels)
        check_patch(self.patch)
        total = np.zeros(self.labels.shape, np.int64)
        for name in PARTS:
            mask = getattr(self, name)
            if mask.shape != self.labels.shape or mask.dtype != np.bool_:
                raise DataError(
                    f"the {name} mask is {mask.dtype} of shape {mask.shape}; expected bool of "
                    f"shape {self.labels.shape}"
                )
            if np.any(mask & (self.labels <= 0)):
                raise DataError(f"the {name} mask holds pixels without label")
            total += mask
        if total.max() > 1:
            raise DataError(f"{np.count_nonzero(total > 1)} pixels are in two parts of the split")
        for name in ("train", "test"):
            if not getattr(self, name).any():
                raise DataError(
                    f"no pixel is left for {name}",
                    hint="use a smaller patch, other fractions, or another scene for the test",
                )

    def counts(self) -> dict[int, tuple[int, int, int]]:
        """Pixels of each class in training, validation and test."""
        classes = [int(c) for c in np.unique(self.labels[self.labels > 0])]
        masks = [getattr(self, name) for name in PARTS]
        return {
            c: (
                int(np.count_nonzero(masks[0] & (self.labels == c))),
                int(np.count_nonzero(masks[1] & (self.labels == c))),
                int(np.count_nonzero(masks[2] & (self.labels == c))),
            )
            for c in classes
        }

    def missing(self) -> dict[str, list[int]]:
        """Classes without a pixel, by part; validation counts only if it has pixels."""
        counts = self.counts()
        parts = [p for p in PARTS if p != "validation" or self.validation.any()]
        absent = {p: [c for c, n in counts.items() if n[PARTS.index(p)] == 0] for p in parts}
        return {part: classes for part, classes in absent.items() if classes}

    def leakage(self) -> float:
        """Share of test pixels whose patch holds a training pixel."""
        return share_near(self.test, self.train, self.patch, patches=False)

    def overlap(self) -> float:
        """Share of test pixels whose patch shares a pixel with the patch of a training pixel."""
        return share_near(self.test, self.train, self.patch, patches=True)

    def validation_overlap(self) -> float:
        """Share of validation pixels whose patch shares a pixel with a training or test patch."""
        others = self.train | self.test
        return share_near(self.validation, others, self.patch, patches=True)

    def __str__(self) -> str:
        """Return one line: method, sizes, leakage."""
        sizes = ", ".join(f"{np.count_nonzero(getattr(self, name))} {name}" for name in PARTS)
        left_out = np.count_nonzero(self.labels > 0) - sum(
            np.count_nonzero(getattr(self, name)) for name in PARTS
        )
        text = (
            f"{self.method}: {sizes}, {left_out} left out; {self.patch}x{self.patch} patches: "
            f"{100 * self.leakage():.1f} % of test patches hold a training pixel, "
            f"{100 * self.overlap():.1f} % share pixels with a training patch"
        )
        if self.validation.any():
            text += (
                f"; validation: {100 * self.validation_overlap():.1f} % share pixels with others"
            )
        return text


def share_near(pixels: Mask, others: Mask, patch: int, *, patches: bool) -> float:
    """Share of pixels whose patch holds one of the others, or shares a pixel with their patches.

    Returns 0 where there are no pixels.
    """
    if not pixels.any():
        return 0.0
    near = close_to(others, patch) if patches else in_patch(others, patch)
    return float(np.count_nonzero(pixels & near)) / float(np.count_nonzero(pixels))


def in_patch(pixels: Mask, patch: int) -> Mask:
    """Pixels whose patch holds one of those given."""
    before = patch // 2
    return _any_within(pixels, before, patch - 1 - before)


def close_to(pixels: Mask, patch: int) -> Mask:
    """Pixels whose patch shares a pixel with the patch of one of those given."""
    return _any_within(pixels, patch - 1, patch - 1)


def _any_within(pixels: Mask, before: int, after: int) -> Mask:
    """Whether any pixel from ``before`` before to ``after`` after is set, in rows and columns."""
    result = pixels
    for axis in (0, 1):
        length = result.shape[axis]
        sums = np.cumsum(result, axis=axis, dtype=np.int64)
        sums = np.concatenate([np.zeros_like(sums.take([0], axis=axis)), sums], axis=axis)
        places = np.arange(length)
        last = np.minimum(places + after + 1, length)
        first = np.maximum(places - before, 0)
        result = sums.take(last, axis=axis) > sums.take(first, axis=axis)
    return result


def check_labels(labels: npt.NDArray[Any]) -> None:
    """Raise DataError unless labels are a map of integers with a labelled pixel."""
    if labels.ndim != 2 or labels.dtype.kind not in "iu":
        raise DataError(
            f"labels are {labels.dtype} of shape {labels.shape}; expected integers of shape "
            "(rows, columns)"
        )
    if not np.any(labels > 0):
        raise DataError("no pixel is labelled: expected labels above 0")


def check_patch(patch: int) -> None:
    """Raise UsageError unless the side of a patch is 1 or more."""
    if patch < 1:
        raise UsageError(f"patches of side {patch}; expected 1 or more pixels")
