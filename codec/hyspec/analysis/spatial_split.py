"""Splits by place: no patch of one part shares a pixel with a patch of another.

The image is divided into areas, each of which belongs to one part. A labelled pixel is left out if
its patch reaches into the area of another part and a labelled pixel of another part is near enough
for the two patches to meet. This leaves no two patches of different parts that share a pixel:
patches that do so cannot both stay within their own areas, and the one that does not is left out.

Of many divisions into blocks or stripes of many sizes, the one is taken that keeps most classes in
all parts, then comes nearest to the wanted fractions of each class and leaves least out.
"""

from __future__ import annotations

import warnings
from typing import Literal

import numpy as np
import numpy.typing as npt

from hyspec.analysis.split import (
    PARTS,
    Labels,
    Split,
    SplitWarning,
    check_labels,
    check_patch,
    close_to,
    in_patch,
)
from hyspec.errors import DataError, UsageError

_Areas = npt.NDArray[np.int8]
_Float = npt.NDArray[np.float64]

#: How much worse a class without pixels in training, validation or test is than one at odds with
#: its fraction.
_MISSING = (100.0, 30.0, 100.0)
Missing = Literal["error", "warn", "ignore"]


def spatial(
    labels: Labels,
    *,
    train: float,
    validation: float = 0.0,
    patch: int,
    seed: int,
    candidates: int = 256,
    missing: Missing = "warn",
) -> Split:
    """Divide the labelled pixels by place, with a buffer of ``patch - 1`` pixels between parts.

    Parameters
    ----------
    labels : ndarray of int, shape (rows, columns)
        Classes from 1; 0 and less is background.
    train, validation
        Wanted fractions of each class before the buffer is taken out; the rest is for the test.
    patch
        Side of the patches that the classifier will see.
    seed
        Of the divisions that are tried.
    candidates
        How many divisions are tried.
    missing
        What to do about classes that a part lacks: ``"error"``, ``"warn"`` or ``"ignore"``.

    Raises
    ------
    UsageError
        The fractions are out of range, or there are no candidates.
    DataError
        No division leaves pixels for training and test, or a class is missing from a part and
        ``missing`` is ``"error"``.

    Warns
    -----
    SplitWarning
        A class is missing from a part, and ``missing`` is ``"warn"``.
    """
    if not (0 < train < 1 and 0 <= validation < 1 and train + validation < 1) or candidates < 1:
        raise UsageError(
            f"fractions {train} for training and {validation} for validation, {candidates} "
            "candidates; expected fractions with something left for the test, and 1 or more"
        )
    check_labels(labels)
    check_patch(patch)
    wanted = np.array([train, validation, 1 - train - validation])
    best: tuple[float, npt.NDArray[np.bool_]] | None = None
    for areas in _divisions(labels, wanted, patch, np.random.default_rng(seed), candidates):
        parts = _buffered(labels, areas, patch)
        badness = _badness(labels, parts, wanted)
        if best is None or badness < best[0]:
            best = badness, parts
    if best is None or not (best[1][0].any() and best[1][2].any()):
        raise DataError(
            f"no division of {labels.shape[0]} x {labels.shape[1]} pixels leaves labelled ones "
            f"for training and test with {patch} x {patch} patches",
            hint="use a smaller patch, more candidates, or another scene for the test",
        )
    parts = best[1]
    method = f"spatially disjoint, buffer of {patch - 1} pixels"
    split = Split(labels, parts[0], parts[1], parts[2], patch, method)
    absent = split.missing()
    if wanted[1] > 0 and not split.validation.any():
        absent["validation"] = sorted(split.counts())
    if absent and missing != "ignore":
        text = "; ".join(f"{part} lacks classes {found}" for part, found in absent.items())
        hint = "use a smaller patch or more candidates; a class in one small place cannot be split"
        if missing == "error":
            raise DataError(text, hint=hint)
        warnings.warn(SplitWarning(f"{text}: {hint}"), stacklevel=2)
    return split


def with_validation(split: Split, *, fraction: float, seed: int, candidates: int = 256) -> Split:
    """Take a validation set out of the training pixels, by place, with the buffer of the patch.

    For splits that came without, such as fixed training masks. Training pixels within the buffer
    are left out. Where the patches of training and test share no pixel, those of validation and
    test do not, either.

    Parameters
    ----------
    split
        Its validation pixels, if it has any, join training first.
    fraction
        Wanted share of the training pixels of each class, above 0 and below 1.
    seed, candidates
        As for :func:`spatial`.

    Raises
    ------
    UsageError, DataError
        As for :func:`spatial`.
    """
    training = np.where(split.train | split.validation, split.labels, 0)
    inner = spatial(
        training,
        train=1 - fraction,
        patch=split.patch,
        seed=seed,
        candidates=candidates,
        missing="ignore",
    )
    return Split(
        split.labels,
        inner.train,
        inner.test,
        split.test,
        split.patch,
        f"{split.method}, validation spatially disjoint from training",
    )


def _divisions(
    labels: Labels, wanted: _Float, patch: int, random: np.random.Generator, count: int
) -> list[_Areas]:
    """Areas by part, shape (rows, columns) each, of blocks and stripes of many sizes."""
    rows, columns = labels.shape
    classes, dense = np.unique(np.where(labels > 0, labels, 0), return_inverse=True)
    dense = dense.reshape(labels.shape)
    largest = max(rows, columns)
    smallest = min(max(2, patch), largest)
    result = []
    for number in range(count):
        # From half the image down to the patch, evenly in the logarithm.
        share = random.random()
        side = max(1, round(largest / 2 * (2 * smallest / largest) ** share))
        heights, widths = ((side, side), (side, columns), (rows, side))[number % 3]
        row = (np.arange(rows) + random.integers(heights)) // heights
        column = (np.arange(columns) + random.integers(widths)) // widths
        blocks = row[:, None] * (int(column.max()) + 1) + column[None, :]
        size = int(blocks.max()) + 1
        table = np.bincount((blocks * len(classes) + dense).ravel(), minlength=size * len(classes))
        counts = table.reshape(size, len(classes)).astype(np.float64)
        counts = counts[:, 1:] if classes[0] == 0 else counts
        result.append(_assigned(counts, wanted, random)[blocks])
    return result


def _assigned(table: _Float, wanted: _Float, random: np.random.Generator) -> _Areas:
    """Part of each block so that classes come near the wanted fractions; table: blocks x classes.

    Blocks are dealt out in random order, those with a large part of some class first, each to the
    part that lacks most of what it holds.
    """
    shares = table / table.sum(axis=0)
    order = np.argsort(-shares.max(axis=1) + random.random(len(shares)) * 0.1, kind="stable")
    lacking = np.repeat(wanted[:, None], shares.shape[1], axis=1)
    parts = np.zeros(len(shares), np.int8)
    for block in order:
        # Relative to what is wanted, so that a small part gets its share, too.
        need = np.where(wanted > 0, (lacking @ shares[block]) / np.maximum(wanted, 1e-9), -np.inf)
        part = int(np.argmax(need + 1e-9 * random.random(len(PARTS))))
        parts[block] = part
        lacking[part] -= shares[block]
    return parts


def _buffered(labels: Labels, areas: _Areas, patch: int) -> npt.NDArray[np.bool_]:
    """Pixels of each part, shape (3, rows, columns), without those of the buffer."""
    own = np.stack([areas == number for number in range(len(PARTS))])
    labelled = own & (labels > 0)
    result = np.empty_like(labelled)
    for number in range(len(PARTS)):
        others = (labels > 0) & ~own[number]
        meets = in_patch(~own[number], patch) & close_to(others, patch)
        result[number] = labelled[number] & ~meets
    return result


def _badness(labels: Labels, parts: npt.NDArray[np.bool_], wanted: _Float) -> float:
    """How far the parts are from the wanted fractions, classes that a part lacks counting most."""
    classes, dense = np.unique(labels[labels > 0], return_inverse=True)
    total = np.bincount(dense, minlength=len(classes))
    badness = 0.0
    for part, share, missing in zip(parts, wanted, _MISSING, strict=True):
        if share == 0:
            continue
        found = np.bincount(dense[part[labels > 0]], minlength=len(classes))
        lack = np.maximum(share - found / total, 0) / share
        badness += float(lack.mean()) + missing * float(np.count_nonzero(found == 0))
    return badness
