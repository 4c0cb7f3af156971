"""Scenes of one run of a recipe, split and scaled, and the model that begins to learn from them."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from hyspec.analysis import archetypes, vca
from hyspec.analysis.scaling import Scaler
from hyspec.errors import DataError, UsageError
from hyspec_training.analysis import registry
from hyspec_training.analysis.baselines import BASELINES
from hyspec_training.analysis.config import Recipe
from hyspec_training.analysis.fields import Field, field_of, fit_scaler
from hyspec_training.analysis.registry import Model
from hyspec_training.analysis.scenes import Subject
from hyspec_training.analysis.splitting import Division, divide


@dataclass(frozen=True)
class Prepared:
    """Scenes of a run, split and scaled.

    Attributes
    ----------
    subjects : list of Subject
    division : Division
    scalers : dict
        The scaler of each sensor, by its number of bands.
    fields : list of Field
    classes : int
        Number of classes or endmembers.
    """

    subjects: list[Subject]
    division: Division
    scalers: dict[int, Scaler]
    fields: list[Field]
    classes: int


def prepare(recipe: Recipe, subjects: list[Subject], run: int, data: Path) -> Prepared:
    """Split and scale the scenes of a recipe for one of its runs.

    Parameters
    ----------
    recipe
        The recipe.
    subjects
        Its scenes, see :func:`hyspec_training.analysis.scenes.load`.
    run
        Number of the run, from 0.
    data
        Folder of the scenes, for masks.

    Raises
    ------
    DataError, UsageError
        As of :func:`hyspec_training.analysis.splitting.divide`.
    """
    split = recipe.split
    if split.varied:
        split = dataclasses.replace(split, seed=split.seed + run)
    classes = _classes(subjects, recipe)
    patch = _patch(recipe, subjects, classes)
    division = divide(subjects, split, patch, data)
    sensors: dict[int, list[int]] = {}
    for number, subject in enumerate(subjects):
        sensors.setdefault(len(subject.bands), []).append(number)
    scalers = {
        bands: fit_scaler(
            [subjects[n] for n in numbers],
            Division(division.split, [division.parts[n] for n in numbers]),
            recipe.scaling.kind,
        )
        for bands, numbers in sensors.items()
    }
    fields = [
        field_of(subject, parts, scalers[len(subject.bands)], patch)
        for subject, parts in zip(subjects, division.parts, strict=True)
    ]
    return Prepared(subjects, division, scalers, fields, classes)


def initial(recipe: Recipe, prepared: Prepared, seed: int) -> Model:
    """Build the model of a recipe, with the endmembers that it begins with."""
    bands = prepared.fields[0].bands
    model = registry.build(recipe.model.name, bands, prepared.classes, **recipe.model.options)
    if not recipe.model.endmembers:
        return model
    place = getattr(model, "set_endmembers", None)
    if place is None:
        raise UsageError(f"{recipe.model.name} takes no endmembers")
    scaler = prepared.scalers[bands]
    if recipe.model.endmembers == "true":
        subject = prepared.subjects[0]
        if subject.scene.endmembers is None:
            raise DataError(f"{subject.scene.name}: no endmembers are known")
        found = scaler(subject.scene.endmembers[:, subject.bands] / subject.scene.endmember_scale)
    else:
        spectra = [
            scaler(subject.samples[parts["train"]])
            for subject, parts in zip(prepared.subjects, prepared.division.parts, strict=True)
        ]
        seen = np.concatenate(spectra)
        if recipe.model.endmembers == "vca":
            found = vca(seen, prepared.classes, seed=seed).endmembers
        else:
            found = archetypes(seen, prepared.classes, seed=seed).endmembers
    place(torch.from_numpy(found.astype(np.float32)))
    return model


def _classes(subjects: Sequence[Subject], recipe: Recipe) -> int:
    """Number of classes, or of endmembers."""
    if recipe.target in ("labels", "dominant"):
        named = max(len(subject.scene.class_names) for subject in subjects)
        return max(named, *(int(subject.strata.max()) for subject in subjects))
    counts = [s.abundances.shape[2] for s in subjects if s.abundances is not None]
    return max(counts, default=max(1, recipe.model.classes))


def _patch(recipe: Recipe, subjects: Sequence[Subject], classes: int) -> int:
    """Side of the patches that the model sees."""
    if recipe.model.name in BASELINES:
        return 1
    with torch.device("meta"):
        bands = len(subjects[0].bands)
        return registry.build(recipe.model.name, bands, classes, **recipe.model.options).patch
