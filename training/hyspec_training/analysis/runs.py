"""Running the recipe of an analysis model: data, training with several seeds, results."""

from __future__ import annotations

import dataclasses
import json
import statistics
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from hyspec.analysis import pack
from hyspec.errors import UsageError
from hyspec_training.analysis import baselines, objectives, packing, pretraining, scenes
from hyspec_training.analysis.config import Recipe
from hyspec_training.analysis.fields import Field
from hyspec_training.analysis.fitting import Fit, train
from hyspec_training.analysis.objectives import Objective, Scores
from hyspec_training.analysis.pixel_sampling import PixelSampler
from hyspec_training.analysis.preparation import Prepared, initial, prepare
from hyspec_training.analysis.registry import Model
from hyspec_training.analysis.scenes import Subject
from hyspec_training.distributed import Processes, processes
from hyspec_training.recipe import set_up

#: Settings of a training that its weights do not depend on.
_WEIGHTLESS = ("runs", "seed", "checkpoint_every")


def run(
    recipe: Recipe,
    data: Path,
    work: Path,
    packs: Path,
    *,
    threads: int | None = None,
    device: str = "auto",
    force: bool = False,
    quiet: bool = False,
    say: Callable[[str], None] = lambda _: None,
) -> list[Path]:
    """Train what a recipe describes, several times if it says so, and write the results.

    An interrupted run continues from its checkpoints in ``work`` and ends with the same weights.
    Of several processes, see :mod:`hyspec_training.distributed`, the first one writes.

    Parameters
    ----------
    recipe
        The recipe.
    data
        Folder of the scenes.
    work
        Folder for checkpoints, curves and ``results.json``.
    packs
        Folder to write the pack to, in a folder of the recipe's name. Baselines have none.
    threads
        Threads of PyTorch; by default as many as it finds processors.
    device
        ``"auto"``, ``"cpu"`` or ``"cuda"``.
    force
        Replace an existing pack.
    quiet
        Show no progress bars.
    say
        Is told each split and what leaks, and the results.

    Returns
    -------
    list of Path
        What was written.

    Raises
    ------
    DataError
        A scene is missing or unusable, or the training diverges.
    UsageError
        The pack exists already, ``work`` holds checkpoints of other settings, there is no such
        device, or the number of threads is below 1.
    """
    set_up(threads)
    target = packs / recipe.analysis.name
    if target.exists() and not force:
        raise UsageError(f"{target} exists already", hint="choose another name or use --force")
    work.mkdir(parents=True, exist_ok=True)
    with processes(device) as group:
        told = say if group.leads else _nothing
        subjects = scenes.load(recipe, data)
        results: list[dict[str, Any]] = []
        models: list[tuple[Prepared, Model]] = []
        for number in range(recipe.training.runs):
            prepared = prepare(recipe, subjects, number, data)
            split = prepared.division.split
            told(f"run {number + 1}: {split}")
            seed = recipe.training.seed + number
            if recipe.model.name in baselines.BASELINES:
                scores = _baseline(recipe, prepared, seed)
            else:
                model, scores = _trained(recipe, prepared, number, work, group, quiet=quiet)
                models.append((prepared, model))
            leaks = {"leakage": split.leakage(), "overlap": split.overlap()}
            results.append({"seed": seed, "split": str(split), **leaks, **scores})
        if not group.leads:
            return []
        summary = _summary(recipe, subjects, results)
        for name, (mean, deviation) in summary["test"].items():
            told(f"{name} {mean:.4f} ± {deviation:.4f}")
        written = [work / "results.json"]
        written[0].write_text(json.dumps(summary, indent=1), encoding="utf-8")
        if models:
            written.append(target)
            _write_pack(recipe, models, results, target, force=force)
    return written


def _write_pack(
    recipe: Recipe,
    models: Sequence[tuple[Prepared, Model]],
    results: Sequence[dict[str, Any]],
    target: Path,
    *,
    force: bool,
) -> None:
    """Write the pack of the run that did best in validation; the test decides nothing."""
    best = 0
    if all("validation" in result for result in results):
        objective = objective_of(recipe, models[0][0])
        best = min(range(len(results)), key=lambda k: objective.criterion(results[k]["validation"]))
    prepared, model = models[best]
    result = dict(results[best])
    measured = {name: v for name, v in result.pop("test").items() if isinstance(v, float)}
    about = {"scenes": [subject.scene.name for subject in prepared.subjects], **result}
    found = packing.pack_of(recipe, prepared, model, training=about, measured=measured)
    target.parent.mkdir(parents=True, exist_ok=True)
    pack.save(found, target, force=force)


def _nothing(_: str) -> None:
    """Say nothing."""


def _trained(
    recipe: Recipe, prepared: Prepared, number: int, work: Path, group: Processes, *, quiet: bool
) -> tuple[Model, Scores]:
    """Train the model of one run; return it, and what validation and test find."""
    training, seed = recipe.training, recipe.training.seed + number
    torch.manual_seed(seed)
    model = initial(recipe, prepared, seed)
    objective = objective_of(recipe, prepared)
    fit = Fit(
        name=f"run-{number + 1}",
        objective=objective,
        sampler=PixelSampler(
            prepared.fields,
            training.batch,
            processes=group.size,
            seed=seed,
            config=recipe.augmentation,
            epoch_size=training.epoch_size,
            unlabelled=training.unlabelled,
        ),
        fields=prepared.fields,
        training=training,
        settings=_settings(recipe, prepared, seed),
        seed=seed,
        epochs=training.epochs,
        recipe=recipe.text,
    )
    if training.pretraining:
        pretraining.pretrain(model, fit, recipe.loss, work, group, quiet=quiet)
    title = f"{fit.name} of {training.runs}"
    history = train(model, fit, work, group, title=title, quiet=quiet)
    scores: Scores = {}
    if group.leads:
        scores["test"] = objective.score(model, prepared.fields, "test", group.device)
        if fit.validated:
            scores["validation"] = min(history, key=objective.criterion)
    return model, scores


def objective_of(recipe: Recipe, prepared: Prepared) -> Objective:
    """Return what the model of a recipe is trained for."""
    task, training = recipe.analysis.task, recipe.training
    if task == "classification":
        weights = None
        if training.balance:
            weights = objectives.balanced_weights(prepared.fields, prepared.classes)
        return objectives.ClassificationObjective(
            prepared.classes, weights, training.label_smoothing
        )
    if task == "unmixing":
        subject = prepared.subjects[0]
        scene, scaler = subject.scene, prepared.scalers[len(subject.bands)]
        known = None
        if scene.endmembers is not None and scaler.kind != "minmax":
            known = objectives.Endmembers(
                scene.endmembers[:, subject.bands],
                lambda x: scaler.inverse(x) * scene.endmember_scale,
            )
        return objectives.UnmixingObjective(recipe.loss, recipe.target, known)
    return objectives.SpectraObjective(recipe.loss)


def _baseline(recipe: Recipe, prepared: Prepared, seed: int) -> Scores:
    """Fit a baseline of scikit-learn; return what the test finds."""
    estimator, chosen = _fitted(recipe, prepared, seed)
    return {"test": _judged(estimator, prepared.fields, prepared.classes), "settings": chosen}


def _fitted(recipe: Recipe, prepared: Prepared, seed: int) -> tuple[Any, dict[str, Any]]:
    """Fit a baseline; return it and the settings that were chosen."""
    return baselines.fitted(
        recipe.model.name,
        _spectra(prepared.fields, "train"),
        _spectra(prepared.fields, "validation"),
        seed=seed,
        balance=recipe.training.balance,
        options=recipe.model.options,
    )


def _judged(estimator: Any, fields: Sequence[Field], classes: int) -> Scores:
    spectra, true = _spectra(fields, "test")
    found = np.asarray(estimator.predict(spectra), np.int64)
    return objectives.scores_of_classes(true, found, classes)


def _spectra(fields: Sequence[Field], part: str) -> tuple[Any, Any]:
    """Spectra (N, bands) and classes (N,) of a part."""
    return (
        np.concatenate([f.planes[:, *f.pixels(part).T].T for f in fields]),
        np.concatenate([f.labels[f.parts[part]] for f in fields]),
    )


def transfer(
    recipe: Recipe,
    prepared: Prepared,
    number: int,
    work: Path,
    others: Mapping[str, Sequence[Field]],
) -> dict[str, Scores]:
    """Train the model of one run, in this process, and test it on other versions of the scenes.

    Parameters
    ----------
    recipe
        The recipe.
    prepared
        Scenes of the run.
    number
        Of the run, from 0.
    work
        Folder for checkpoints and curves.
    others
        Scenes to test on, by a name for each version; with the same patches and scaling.

    Returns
    -------
    dict
        Scores of the test, by the same names.
    """
    work.mkdir(parents=True, exist_ok=True)
    if recipe.model.name in baselines.BASELINES:
        estimator, _ = _fitted(recipe, prepared, recipe.training.seed + number)
        return {
            name: _judged(estimator, fields, prepared.classes) for name, fields in others.items()
        }
    objective = objective_of(recipe, prepared)
    with processes("cpu") as group:
        model, _ = _trained(recipe, prepared, number, work, group, quiet=True)
        return {
            name: objective.score(model, fields, "test", group.device)
            for name, fields in others.items()
        }


def _settings(recipe: Recipe, prepared: Prepared, seed: int) -> dict[str, Any]:
    """All that decides the weights of a run."""
    training = dataclasses.asdict(recipe.training)
    for name in _WEIGHTLESS:
        del training[name]
    return {
        "scenes": [subject.scene.name for subject in prepared.subjects],
        "target": recipe.target,
        "split": str(prepared.division.split),
        "scaling": dataclasses.asdict(recipe.scaling),
        "augmentation": dataclasses.asdict(recipe.augmentation),
        "model": dataclasses.asdict(recipe.model),
        "training": training,
        "seed": seed,
    }


def _summary(
    recipe: Recipe, subjects: Sequence[Subject], results: Sequence[dict[str, Any]]
) -> dict[str, Any]:
    """What ``results.json`` holds: the runs, and mean and deviation of the measures of the test."""
    measures = [name for name, value in results[0]["test"].items() if isinstance(value, float)]
    test = {}
    for name in measures:
        values = [result["test"][name] for result in results]
        deviation = statistics.stdev(values) if len(values) > 1 else 0.0
        test[name] = (statistics.fmean(values), deviation)
    return {
        "name": recipe.analysis.name,
        "task": recipe.analysis.task,
        "model": recipe.model.name,
        "scenes": [subject.scene.name for subject in subjects],
        "test": test,
        "runs": list(results),
    }
