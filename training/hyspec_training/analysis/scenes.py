"""Scenes of a recipe: what is read, which pixels and bands count, and what is known of them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from hyspec import io
from hyspec.analysis import LabelledScene, labelled, local_sets, public_sets
from hyspec.errors import DataError
from hyspec_training.analysis.config import Recipe, SceneConfig
from hyspec_training.data import find_scenes


@dataclass(frozen=True)
class Subject:
    """A scene, and what is learned of it.

    Attributes
    ----------
    scene : LabelledScene
    bands : ndarray of int64, shape (bands used,)
        Bands that models see: all that the source does not mark as bad.
    strata : ndarray of int64, shape (rows, columns)
        Classes from 1 that splits are made by; 0 where there is nothing to learn, or a sample of a
        band in use is missing.
    abundances : ndarray of float64, shape (rows, columns, endmembers), or None
        Where they are the target.
    """

    scene: LabelledScene
    bands: npt.NDArray[np.int64]
    strata: npt.NDArray[np.int64]
    abundances: npt.NDArray[np.float64] | None

    @property
    def samples(self) -> npt.NDArray[np.float64]:
        """Samples of the bands in use, shape (rows, columns, bands used); 0 for missing ones."""
        samples = np.asarray(self.scene.cube.array[:, :, self.bands], np.float64)
        return np.where(np.isfinite(samples), samples, 0.0)


def load(recipe: Recipe, data: Path) -> list[Subject]:
    """Read the scenes of a recipe.

    Parameters
    ----------
    recipe
        The recipe.
    data
        Folder of the scenes.

    Raises
    ------
    DataError
        A scene is missing, or has not what the target needs.
    """
    scenes = [scene for config in recipe.scenes for scene in _read(config, data)]
    return [subject_of(scene, recipe.target) for scene in scenes]


def _read(config: SceneConfig, data: Path) -> list[LabelledScene]:
    if config.source in local_sets.NAMES:
        found = local_sets.load(config.source, root=data)
    elif config.source:
        found = [public_sets.load(config.source)]
    elif config.labels:
        found = [
            labelled.read(
                data / config.cube,
                data / config.labels,
                cube_variable=config.cube_variable or None,
                labels_variable=config.labels_variable or None,
            )
        ]
    else:
        found = [
            LabelledScene(name, io.read(path, variable=config.cube_variable or None))
            for path, name in find_scenes(data, (config.cube,))
        ]
    return [replace(scene, part=config.part) for scene in found] if config.part else found


def subject_of(scene: LabelledScene, target: str) -> Subject:
    """Say what is learned of a scene, see :data:`~hyspec_training.analysis.config.TARGETS`.

    Raises
    ------
    DataError
        The scene has not what the target needs.
    """
    cube = scene.cube
    bad = np.zeros(cube.bands, np.bool_) if cube.bad_bands is None else cube.bad_bands
    bands = np.flatnonzero(~bad).astype(np.int64)
    samples = cube.array[:, :, bands]
    measured = np.isfinite(samples).all(axis=2)
    if cube.nodata is not None:
        measured &= (samples != cube.nodata).all(axis=2)
    if target == "labels":
        if scene.labels is None:
            raise DataError(f"{scene.name} has no labels", hint='try target = "dominant"')
        strata = scene.labels
    elif scene.abundances is not None:
        known = scene.abundances.sum(axis=2) > 0
        strata = np.where(known, scene.abundances.argmax(axis=2) + 1, 0)
    elif target == "spectra":
        strata = np.ones(measured.shape, np.int64)
    else:
        raise DataError(f"{scene.name} has no abundances; the target is {target}")
    abundances = scene.abundances if target in ("abundances", "spectra") else None
    strata = np.where(measured, strata, 0).astype(np.int64)
    return Subject(scene, bands, strata, abundances)
