"""How trained models do on test spectra with more noise than they were trained on."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch

from hyspec.analysis.scaling import Scaler
from hyspec.errors import DataError, UsageError
from hyspec_training import checkpoint
from hyspec_training.analysis.config import Recipe
from hyspec_training.analysis.fields import Field
from hyspec_training.analysis.objectives import Scores
from hyspec_training.analysis.preparation import Prepared, initial
from hyspec_training.analysis.runs import objective_of


def judged(
    recipe: Recipe,
    prepared: Prepared,
    number: int,
    work: Path,
    *,
    snrs: Sequence[float | None],
) -> dict[float | None, Scores]:
    """Judge the model of a run that has ended on its test pixels, with noise.

    Parameters
    ----------
    recipe
        What it was trained by.
    prepared
        Scenes of the run.
    number
        Of the run, from 0; decides the noise.
    work
        Folder of the checkpoints.
    snrs
        Signal-to-noise ratios in decibels, ``None`` for no added noise.

    Returns
    -------
    dict
        Scores by ratio.

    Raises
    ------
    DataError
        There is no checkpoint of the run.
    UsageError
        Samples are scaled spectrum by spectrum.
    """
    path = work / f"run-{number + 1}.pt"
    if not path.exists():
        raise DataError(f"no checkpoint {path}", hint="train the recipe first")
    seed = recipe.training.seed + number
    torch.manual_seed(seed)
    model = initial(recipe, prepared, seed)
    state = checkpoint.load(path)
    model.load_state_dict(state.best or state.model)
    objective, device = objective_of(recipe, prepared), torch.device("cpu")
    found = {}
    for snr in snrs:
        fields = prepared.fields
        if snr is not None:
            fields = [
                noisy(field, prepared.scalers[field.bands], snr, seed) for field in prepared.fields
            ]
        found[snr] = objective.score(model, fields, "test", device)
    return found


def noisy(field: Field, scaler: Scaler, snr_db: float, seed: int) -> Field:
    """Add white noise to all samples of a scene.

    Its variance is the mean square of the samples, as they are without the scaler, over
    ``10 ** (snr_db / 10)``.

    Raises
    ------
    UsageError
        The scaler is ``minmax``, which cannot be undone.
    """
    if scaler.kind == "minmax":
        raise UsageError("noise for samples that are scaled spectrum by spectrum is not defined")
    samples = scaler.inverse(field.planes.transpose(1, 2, 0))
    deviation = np.sqrt(np.mean(samples**2)) * 10 ** (-snr_db / 20)
    added = np.random.default_rng(seed).normal(0, deviation, samples.shape)
    planes = scaler(samples + added).astype(np.float32).transpose(2, 0, 1)
    return dataclasses.replace(field, planes=planes)
