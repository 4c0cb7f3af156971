"""Training, validation and test pixels of the scenes of a recipe, and what leaks between them.

Scenes are split together: their maps of classes are laid out one below the other, further apart
than patches reach. So fractions, and numbers of pixels, are those of all scenes of a data set, and
one number says how many test patches hold a training pixel.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from hyspec.analysis import labelled, random_splits, spatial_split
from hyspec.analysis.split import PARTS, Split, close_to
from hyspec.errors import DataError, UsageError
from hyspec_training.analysis.config import SplitConfig
from hyspec_training.analysis.scenes import Subject

_Mask = npt.NDArray[np.bool_]
_Labels = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Division:
    """The split of several scenes.

    Attributes
    ----------
    split : Split
        Of all scenes, one below the other.
    parts : list of dict
        For each scene, the masks (rows, columns) of ``train``, ``validation``, ``test`` and
        ``unlabelled``: pixels that no patch of validation or test shares a pixel with, and that are
        not for training.
    """

    split: Split
    parts: list[dict[str, _Mask]]


def divide(subjects: Sequence[Subject], config: SplitConfig, patch: int, data: Path) -> Division:
    """Split the pixels of scenes.

    Parameters
    ----------
    subjects
        The scenes.
    config
        What the recipe says; its seed decides all draws.
    patch
        Side of the model's patch, which the recipe may override.
    data
        Folder of the scenes, for masks.

    Raises
    ------
    DataError
        No split leaves pixels for training and test, or the scenes have no official one.
    UsageError
        Fractions or numbers are out of range.
    """
    patch = config.patch or patch
    layout = _Layout(subjects, patch)
    labels = layout.joined([subject.strata for subject in subjects])
    split = _split(labels, layout, subjects, config, patch, data)
    if config.per_class or config.kept:
        split = _thinned(split, config)
    others = close_to(split.validation | split.test, patch)
    measured = layout.joined([np.ones(s.strata.shape, np.int64) for s in subjects]) > 0
    masks = {part: getattr(split, part) for part in PARTS}
    masks["unlabelled"] = measured & ~others & ~split.train
    return Division(
        split,
        [
            {part: layout.of_scene(mask, k) for part, mask in masks.items()}
            for k in range(len(subjects))
        ],
    )


class WholeScene(Split):
    """All pixels are for training and for the test: for models that see spectra and no truth."""

    def __post_init__(self) -> None:
        """Allow that the parts are the same."""

    def __str__(self) -> str:
        """Return one line: method, size."""
        return f"{self.method}: {np.count_nonzero(self.test)} pixels, of which spectra are seen"


class _Layout:
    """Maps of several scenes one below the other, ``patch`` rows apart."""

    def __init__(self, subjects: Sequence[Subject], patch: int) -> None:
        self._shapes = [subject.strata.shape for subject in subjects]
        heights = [rows + patch for rows, _ in self._shapes]
        self._starts = np.concatenate([[0], np.cumsum(heights)]).tolist()
        self._columns = max(columns for _, columns in self._shapes)

    def joined(self, maps: Sequence[_Labels]) -> _Labels:
        """Return one map, 0 between the scenes."""
        result = np.zeros((self._starts[-1], self._columns), np.int64)
        for start, one in zip(self._starts, maps, strict=False):
            result[start : start + one.shape[0], : one.shape[1]] = one
        return result

    def of_scene(self, mask: _Mask, number: int) -> _Mask:
        """Part of a mask that is of a scene."""
        rows, columns = self._shapes[number]
        start = self._starts[number]
        return mask[start : start + rows, :columns]


def _split(
    labels: _Labels,
    layout: _Layout,
    subjects: Sequence[Subject],
    config: SplitConfig,
    patch: int,
    data: Path,
) -> Split:
    if config.method == "spatial":
        return spatial_split.spatial(
            labels,
            train=config.train,
            validation=config.validation,
            patch=patch,
            seed=config.seed,
            candidates=config.candidates,
        )
    if config.method == "whole":
        every, none = labels > 0, np.zeros(labels.shape, np.bool_)
        return WholeScene(labels, every, none, every, patch, "whole scene, unmixed blindly")
    if config.method == "random":
        return random_splits.stratified(
            labels,
            train=config.train,
            validation=config.validation,
            patch=patch,
            seed=config.seed,
        )
    if config.method == "fixed":
        counts = [_count(name, getattr(config, name)) for name in ("train", "validation")]
        return random_splits.fixed_per_class(
            labels, train=counts[0], validation=counts[1], patch=patch, seed=config.seed
        )
    if config.method == "masks":
        masks = _own_masks(subjects, config, data)
    else:
        masks = {part: [s.strata * (s.scene.part == part) for s in subjects] for part in PARTS}
        strangers = [s.scene.name for s in subjects if s.scene.part not in PARTS]
        if strangers:
            raise DataError(
                f"{', '.join(strangers)}: no official part is known",
                hint="give scenes a part in the recipe, or use another method to split",
            )
    found = {part: layout.joined(maps) for part, maps in masks.items()}
    split = random_splits.of_masks(
        labels,
        train=found["train"],
        validation=found.get("validation"),
        test=found.get("test"),
        patch=patch,
    )
    return replace(split, method="whole scenes") if config.method == "official" else split


def _count(name: str, value: float) -> int:
    if value != int(value):
        raise UsageError(f"{name} is {value:g} pixels per class; expected a whole number")
    return int(value)


def _own_masks(
    subjects: Sequence[Subject], config: SplitConfig, data: Path
) -> dict[str, list[_Labels]]:
    if len(subjects) != 1:
        raise UsageError(f"masks for {len(subjects)} scenes; expected one scene")
    paths = {part: getattr(config, f"{part}_mask") for part in PARTS}
    return {
        part: [labelled.whole_numbers(labelled.read_map(data / path), path)]
        for part, path in paths.items()
        if path
    }


def _thinned(split: Split, config: SplitConfig) -> Split:
    """Keep some training and validation pixels of each class, drawn at random."""
    random = np.random.default_rng((config.seed, 1))
    kept = {}
    for part in ("train", "validation"):
        mask = np.zeros(split.labels.size, np.bool_)
        of_part = getattr(split, part)
        for label in np.unique(split.labels[of_part]):
            places = random.permutation(np.flatnonzero(of_part & (split.labels == label)))
            of_class = np.count_nonzero(split.labels == label)
            mask[places[: config.per_class or max(1, round(config.kept * of_class))]] = True
        kept[part] = mask.reshape(split.labels.shape)
    text = f"{config.per_class}" if config.per_class else f"{100 * config.kept:g} % of all"
    method = f"{split.method}, {text} pixels of each class drawn for training and for validation"
    return replace(split, method=method, train=kept["train"], validation=kept["validation"])
