"""Tasks of classification: how well classes are told apart in a scene that was compressed.

Classes are the dominant endmembers of a scene with abundances. Classifiers are support vector
machines for the spectrum of a pixel, each trained on 40 pixels per class of a split in space that
leaks nothing; figures are means over several splits. They learn from the original, or, retrained,
from what was decoded, and are tested on what was decoded.
"""

from __future__ import annotations

import dataclasses
import functools
import statistics
from pathlib import Path
from typing import Any

import numpy as np

from hyspec.analysis import LabelledScene, local_sets
from hyspec_bench.codecs.codec import Samples
from hyspec_bench.scenes import Scene
from hyspec_training.analysis import preparation, runs, scenes
from hyspec_training.analysis.config import (
    AnalysisConfig,
    ModelConfig,
    Recipe,
    SceneConfig,
    SplitConfig,
    TrainingConfig,
)
from hyspec_training.analysis.fields import field_of
from hyspec_training.analysis.preparation import Prepared

#: Splits over which figures are averaged.
SPLITS = 5
_RECIPE = Recipe(
    AnalysisConfig("classes", "classification", target="dominant"),
    (SceneConfig(source="of the benchmark"),),
    ModelConfig("svm"),
    SplitConfig(train=0.3, validation=0.15, patch=5, per_class=40, varied=True),
    training=TrainingConfig(balance=True),
)


def oa(scene: Scene, decoded: Samples) -> float:
    """Overall accuracy of classifiers that were trained on the original."""
    return _mean(scene, decoded, "overall_accuracy", retrained=False)


def aa(scene: Scene, decoded: Samples) -> float:
    """Average accuracy of classifiers that were trained on the original."""
    return _mean(scene, decoded, "average_accuracy", retrained=False)


def oa_retrained(scene: Scene, decoded: Samples) -> float:
    """Overall accuracy of classifiers that were trained on the decoded samples."""
    return _mean(scene, decoded, "overall_accuracy", retrained=True)


def aa_retrained(scene: Scene, decoded: Samples) -> float:
    """Average accuracy of classifiers that were trained on the decoded samples."""
    return _mean(scene, decoded, "average_accuracy", retrained=True)


def _mean(scene: Scene, decoded: Samples, measure: str, *, retrained: bool) -> float:
    truth = _truth(scene.path)
    samples = np.asarray(decoded, np.float64) / scene.multiplier
    cube = dataclasses.replace(truth.cube, array=samples)
    version = scenes.subject_of(dataclasses.replace(truth, cube=cube), _RECIPE.target)
    values = []
    for number in range(SPLITS):
        if retrained:
            ready, estimator = _trained(version.scene, number)
            fields = ready.fields
        else:
            ready, estimator = _original(scene.path, number)
            [parts], [field] = ready.division.parts, ready.fields
            fields = [field_of(version, parts, ready.scalers[field.bands], field.patch)]
        values.append(runs.judged(estimator, fields, ready.classes)[measure])
    return statistics.fmean(values)


@functools.lru_cache(maxsize=8)
def _truth(path: Path) -> LabelledScene:
    return local_sets.read_unmixing(path)


@functools.lru_cache(maxsize=8 * SPLITS)
def _original(path: Path, number: int) -> tuple[Prepared, Any]:
    """Classifier of the original, trained once for all decoded versions."""
    return _trained(_truth(path), number)


def _trained(scene: LabelledScene, number: int) -> tuple[Prepared, Any]:
    subject = scenes.subject_of(scene, _RECIPE.target)
    ready = preparation.prepare(_RECIPE, [subject], number, Path())
    return ready, runs.fitted(_RECIPE, ready, number)[0]
