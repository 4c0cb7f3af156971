"""One training stage: a resumable loop with a progress bar."""

from __future__ import annotations

import pickle
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from tqdm import tqdm

from hyspec.errors import DataError
from hyspec_training.balle import BandNetwork
from hyspec_training.data import PatchSampler, Scene, validation_planes
from hyspec_training.loss import rate_distortion

#: What reading a checkpoint of any content can raise.
_DAMAGED = (
    AttributeError,
    EOFError,
    LookupError,
    OSError,
    RuntimeError,
    TypeError,
    ValueError,
    pickle.UnpicklingError,
)
#: Steps over which the learning rate rises to its first value.
_WARMUP_STEPS = 100


@dataclass(frozen=True)
class Stage:
    """What one stage does; the fields are those of the recipe's [training] section.

    ``name`` is also that of its checkpoint, and ``seed`` that of its quality and noise draws.
    """

    name: str
    steps: int
    batch: int
    learning_rate: float
    final_learning_rate: float
    clip_norm: float
    rate_slope: float
    seed: int
    checkpoint_every: int
    validate_every: int


def train_stage(
    net: BandNetwork,
    stage: Stage,
    sampler: PatchSampler,
    validation: Sequence[Scene],
    folder: Path,
    *,
    model: int | None = None,
    quiet: bool = False,
) -> list[dict[str, float]]:
    """Train ``net`` in place, resuming from the stage's checkpoint in ``folder`` if there is one.

    Parameters
    ----------
    net
        The network; changed in place.
    stage
        What to do.
    sampler
        Where the training planes come from.
    validation
        Scenes to validate on; may be empty.
    folder
        Folder of the checkpoint.
    model
        Validate on the bands of this interval model only.
    quiet
        Show no progress bar.

    Returns
    -------
    list of dict
        Validation records, see :func:`validate`.

    Raises
    ------
    DataError
        The loss is no longer finite, or the checkpoint is damaged.
    """
    checkpoint = folder / f"{stage.name}.pt"
    optimiser = torch.optim.Adam(net.parameters(), lr=stage.learning_rate)
    first = 0
    history: list[dict[str, float]] = []
    if checkpoint.exists():
        first, history = _restore(checkpoint, net, optimiser)
    bar = tqdm(
        range(first, stage.steps),
        stage.name,
        stage.steps,
        initial=first,
        disable=quiet,
        unit="step",
    )
    rate_mean = mse_mean = float("nan")
    for step in bar:
        for group in optimiser.param_groups:
            group["lr"] = _cosine(stage, step)
        x = torch.from_numpy(sampler.batch(step, stage.batch))  # (N, 1, patch, patch)
        draws = torch.Generator().manual_seed(stage.seed * 1_000_003 + step)
        quality = torch.rand(stage.batch, generator=draws) * net.octaves
        decoded, bits = net(x, quality, draws)
        loss, rate, mse = rate_distortion(x, decoded, bits, quality, stage.rate_slope)
        if not torch.isfinite(loss):
            raise DataError(
                f"training of {stage.name} diverged: the loss at step {step} is {loss.detach():g}",
                hint="lower the learning rate, and start again in an empty work folder",
            )
        optimiser.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(net.parameters(), stage.clip_norm)
        optimiser.step()
        done = step + 1
        if np.isnan(rate_mean):
            rate_mean, mse_mean = float(rate.detach().mean()), float(mse.detach().mean())
        rate_mean += 0.02 * (float(rate.detach().mean()) - rate_mean)
        mse_mean += 0.02 * (float(mse.detach().mean()) - mse_mean)
        bar.set_postfix(bps=f"{rate_mean:.3f}", mse=f"{mse_mean:.4f}", refresh=False)
        if done % stage.validate_every == 0 or done == stage.steps:
            history += validate(net, validation, done, model)
        if done % stage.checkpoint_every == 0 or done == stage.steps:
            _save(checkpoint, net, optimiser, done, history)
    return history


def _cosine(stage: Stage, step: int) -> float:
    span = stage.learning_rate - stage.final_learning_rate
    warmup = min(1.0, (step + 1) / _WARMUP_STEPS)
    return warmup * (
        stage.final_learning_rate + span * 0.5 * (1 + float(np.cos(np.pi * step / stage.steps)))
    )


def validate(
    net: BandNetwork, scenes: Sequence[Scene], step: int, model: int | None
) -> list[dict[str, float]]:
    """Rate and distortion with real rounding, averaged over whole planes of unseen scenes.

    Parameters
    ----------
    net
        The network.
    scenes
        Validation scenes.
    step
        Steps done so far, for the records.
    model
        Only bands of this interval model, or ``None`` for all.

    Returns
    -------
    list of dict
        One record per whole octave of quality: ``step``, ``quality`` in octaves, ``bps`` (bits per
        sample by the prior's estimate) and ``snr_db`` (mean over the planes of their variance in
        the scene over the mean squared error, in decibels). Empty if there is no plane.
    """
    planes = [torch.from_numpy(p)[None, None] for _, p in validation_planes(scenes, model=model)]
    records: list[dict[str, float]] = []
    if not planes:
        return records
    with torch.no_grad():
        for quality in range(net.octaves + 1):
            rates, errors = [], []
            for x in planes:
                decoded, bits = net(x, torch.tensor([float(quality)]))
                rates.append(float(bits.sum()) / x.numel())
                errors.append(float((x - decoded).square().mean()))
            records.append(
                {
                    "step": step,
                    "quality": quality,
                    "bps": float(np.mean(rates)),
                    "snr_db": float(-10 * np.mean(np.log10(errors))),
                }
            )
    return records


def _restore(
    path: Path, net: BandNetwork, optimiser: torch.optim.Optimizer
) -> tuple[int, list[dict[str, float]]]:
    """Steps done and validation history of a checkpoint; network and optimiser are set to it."""
    try:
        state = torch.load(path, weights_only=True)
        net.load_state_dict(state["model"])
        optimiser.load_state_dict(state["optimiser"])
        return int(state["step"]), list(state["history"])
    except _DAMAGED as error:
        raise DataError(
            f"checkpoint {path} is damaged: {type(error).__name__}",
            hint="delete it to train this stage again from its beginning",
        ) from error


def _save(
    path: Path,
    net: BandNetwork,
    optimiser: torch.optim.Optimizer,
    step: int,
    history: list[dict[str, float]],
) -> None:
    # Written beside and renamed: a kill in the middle leaves the previous checkpoint.
    temporary = path.with_suffix(".tmp")
    torch.save(
        {
            "model": net.state_dict(),
            "optimiser": optimiser.state_dict(),
            "step": step,
            "history": history,
        },
        temporary,
    )
    temporary.replace(path)
