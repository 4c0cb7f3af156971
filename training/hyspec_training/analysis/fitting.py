"""Training one model: a resumable loop of epochs that ends with the best validation."""

from __future__ import annotations

import copy
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn

from hyspec_training import checkpoint
from hyspec_training.analysis.config import TrainingConfig
from hyspec_training.analysis.fields import Field
from hyspec_training.analysis.objectives import Objective, Scores
from hyspec_training.analysis.pixel_sampling import Batch, PixelSampler
from hyspec_training.checkpoint import Checkpoint
from hyspec_training.distributed import Processes
from hyspec_training.prefetch import Prefetcher
from hyspec_training.steps import check_loss, optimiser_of, set_learning_rate
from hyspec_training.tracking import Tracker

_SHOWN = {"loss": ("loss", ".4f")}


@dataclass(frozen=True)
class Fit:
    """One training of a model.

    Attributes
    ----------
    name : str
        Of its checkpoint.
    objective : Objective
    sampler : PixelSampler
        Where the batches come from.
    fields : sequence of Field
        The scenes; validation pixels decide which epoch is the best, where there are any.
    training : TrainingConfig
    settings : dict
        All that decides the weights.
    seed : int
        Of what networks draw while they are trained.
    epochs : int
    recipe : str
        Text of the recipe.
    """

    name: str
    objective: Objective
    sampler: PixelSampler
    fields: Sequence[Field]
    training: TrainingConfig
    settings: dict[str, Any]
    seed: int
    epochs: int
    recipe: str

    @property
    def validated(self) -> bool:
        """Whether there are validation pixels."""
        return any(field.parts["validation"].any() for field in self.fields)


def rate_of_epoch(training: TrainingConfig, epoch: float) -> float:
    """Learning rate at an epoch, which may have a fraction.

    ``exponential`` multiplies by ``decay_factor`` every ``decay_every`` epochs, at once with
    ``staircase`` and else step by step; ``piecewise`` has a rate from each of some epochs on;
    ``cosine`` falls to 0 along half a cosine.
    """
    first = training.learning_rate
    if training.decay == "exponential":
        times = epoch / training.decay_every
        return float(first * training.decay_factor ** (int(times) if training.staircase else times))
    if training.decay == "piecewise":
        begun = sum(epoch >= start for start in training.decay_epochs)
        return (first, *training.decay_rates)[begun]
    if training.decay == "cosine":
        return first * 0.5 * (1 + math.cos(math.pi * epoch / training.epochs))
    return first


def train(
    model: nn.Module,
    fit: Fit,
    folder: Path,
    processes: Processes,
    *,
    title: str | None = None,
    quiet: bool = False,
) -> list[Scores]:
    """Train a model in place, resuming from the checkpoint in ``folder`` if there is one.

    It ends with the weights of the best validation, or the last ones without validation pixels.

    Parameters
    ----------
    model
        The model.
    fit
        What to do.
    folder
        Folder of the checkpoint and of the curves.
    processes
        Who trains.
    title
        Begins the progress bar, if it is not the name.
    quiet
        Show no progress bar.

    Returns
    -------
    list of dict
        Scores of the validations, each with its ``epoch``.

    Raises
    ------
    DataError
        The loss is no longer finite, or the checkpoint is damaged.
    UsageError
        The checkpoint was made with other settings.
    """
    training, sampler = fit.training, fit.sampler
    model.to(processes.device)
    optimiser = optimiser_of(
        model,
        training.optimiser,
        training.learning_rate,
        weight_decay=training.weight_decay,
        decayed=lambda p: p.ndim > 1,
        momentum=training.momentum,
    )
    path = folder / f"{fit.name}.pt"
    found = checkpoint.resumed(path, fit.settings, model, optimiser)
    first = 0 if found is None else found.step
    history: list[Scores] = [] if found is None else found.history
    best = None if found is None else found.best
    processes.wait()  # nobody writes what another still reads
    steps = fit.epochs * sampler.steps
    ended = first >= steps or _out_of_patience(history, fit)
    trained = processes.shared(model)
    curves = folder / "tensorboard" / fit.name if processes.leads and not ended else None
    quiet = quiet or not processes.leads or ended
    with (
        Tracker(title or fit.name, first, steps, curves, quiet=quiet, shown=_SHOWN) as tracker,
        Prefetcher(sampler.batch, first, first if ended else steps) as batches,
    ):
        model.train()
        for step, batch in enumerate(batches, first):
            rate = rate_of_epoch(training, step / sampler.steps)
            set_learning_rate(optimiser, rate)
            tracker.step(
                step + 1, {"loss": _step(trained, optimiser, batch, step, fit, processes)}, rate
            )
            epoch, rest = divmod(step + 1, sampler.steps)
            if rest:
                continue
            last = epoch == fit.epochs
            if fit.validated and (epoch % training.validate_every == 0 or last):
                if processes.leads:
                    scores = fit.objective.score(model, fit.fields, "validation", processes.device)
                    history.append({"epoch": epoch, **scores})
                    tracker.validated(step + 1, _curves(scores))
                    if _best(history, fit) == len(history) - 1:
                        best = copy.deepcopy(model.state_dict())
                ended = processes.agreed(_out_of_patience(history, fit))
            if processes.leads and (epoch % training.checkpoint_every == 0 or last or ended):
                state = (model.state_dict(), optimiser.state_dict(), best)
                _checkpoint(fit, step + 1, steps, history, *state).save(path)
            if ended:
                break
    processes.wait()
    if fit.validated:
        # All processes take what the first one wrote.
        model.load_state_dict(checkpoint.load(path).best or {})
    model.eval()
    return history


def _step(
    trained: nn.Module,
    optimiser: torch.optim.Optimizer,
    batch: Batch,
    step: int,
    fit: Fit,
    processes: Processes,
) -> float:
    """Train on a batch; return the loss before it."""
    part = batch.part(processes.part(len(batch.x))).to(processes.device)
    torch.manual_seed(fit.seed * 1_000_003 + step + (processes.rank << 52))
    loss = fit.objective.loss(trained, part)
    value = float(loss.detach())
    check_loss(value, fit.name, step)
    optimiser.zero_grad(set_to_none=True)
    loss.backward()  # type: ignore[no-untyped-call]
    if fit.training.clip_norm:
        nn.utils.clip_grad_norm_(trained.parameters(), fit.training.clip_norm)
    optimiser.step()
    return value


def _best(history: Sequence[Scores], fit: Fit) -> int:
    """Number of the best validation."""
    return min(range(len(history)), key=lambda k: fit.objective.criterion(history[k]))


def _out_of_patience(history: Sequence[Scores], fit: Fit) -> bool:
    if not fit.training.patience or not history:
        return False
    best = history[_best(history, fit)]["epoch"]
    return bool(history[-1]["epoch"] - best >= fit.training.patience)


def _curves(scores: Scores) -> dict[str, float]:
    return {name: value for name, value in scores.items() if isinstance(value, float)}


def _checkpoint(
    fit: Fit,
    step: int,
    steps: int,
    history: list[Scores],
    model: dict[str, Any],
    optimiser: dict[str, Any],
    best: dict[str, Any] | None,
) -> Checkpoint:
    return Checkpoint(
        stage=fit.name,
        network=str(fit.settings["model"]["name"]),
        interval=None,
        recipe=fit.recipe,
        scenes=list(fit.settings["scenes"]),
        settings=fit.settings,
        step=step,
        steps=steps,
        model=model,
        optimiser=optimiser,
        history=history,
        best=best,
    )
