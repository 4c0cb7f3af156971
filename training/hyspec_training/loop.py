"""One training stage: a resumable loop."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from hyspec_training import checkpoint
from hyspec_training.checkpoint import Checkpoint
from hyspec_training.config import Config, TrainingConfig
from hyspec_training.data import Scene
from hyspec_training.distributed import Processes
from hyspec_training.loss import rate_distortion
from hyspec_training.prefetch import Prefetcher
from hyspec_training.sampling import PatchSampler
from hyspec_training.stages import Stage
from hyspec_training.steps import check_loss, learning_rate, optimiser_of, set_learning_rate
from hyspec_training.tracking import Tracker
from hyspec_training.validation import validate

#: What a step tells, and what of it the progress bar shows.
_PARTS = ("loss", "rate", "distortion")
_SHOWN = {"bps": ("rate", ".3f"), "mse": ("distortion", ".4f")}


def train_stage(
    net: Any,
    stage: Stage,
    config: Config,
    sampler: PatchSampler,
    validation: Sequence[Scene],
    folder: Path,
    processes: Processes,
    *,
    title: str | None = None,
    quiet: bool = False,
) -> list[dict[str, Any]]:
    """Train ``net`` in place, resuming from the stage's checkpoint in ``folder`` if there is one.

    Parameters
    ----------
    net
        The network, see :mod:`hyspec_training.networks`; changed in place.
    stage
        What to do.
    config
        The recipe.
    sampler
        Where the training planes come from.
    validation
        Scenes to validate on; may be empty.
    folder
        Folder of the checkpoint and of the curves.
    processes
        Who trains.
    title
        Name of the stage for the progress bar, if it is not that of the checkpoint.
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
    UsageError
        The checkpoint was made with other settings.
    """
    network, device = stage.network, processes.device
    path = folder / f"{stage.name}.pt"
    net.to(device)
    optimiser = _optimiser(net, config.training, stage.learning_rate)
    found = checkpoint.resumed(path, stage.settings, net, optimiser)
    first = 0 if found is None else found.step
    history = [] if found is None else found.history
    processes.wait()  # nobody writes what another still reads
    if first >= stage.steps:
        return history
    trained = processes.shared(net)
    curves = folder / "tensorboard" / stage.name if processes.leads else None
    quiet = quiet or not processes.leads
    part = processes.part(network.batch)

    def draw(step: int) -> Tensor:
        x = torch.from_numpy(sampler.batch(step, network.batch, part))  # (n, depth, patch, patch)
        return x.pin_memory() if device.type == "cuda" else x

    with (
        Tracker(
            title or stage.name, first, stage.steps, curves, quiet=quiet, shown=_SHOWN
        ) as tracker,
        Prefetcher(draw, first, stage.steps) as batches,
    ):
        for step, batch in enumerate(batches, first):
            final = network.final_learning_rate
            rate = learning_rate(stage.learning_rate, final, step, stage.steps)
            set_learning_rate(optimiser, rate)
            parts = _step(trained, stage, optimiser, batch, step, processes)
            check_loss(parts[0], stage.name, step)
            done = step + 1
            tracker.step(done, dict(zip(_PARTS, parts, strict=True)), rate)
            last = done == stage.steps
            if not processes.leads:
                continue
            if done % config.training.validate_every == 0 or last:
                records = validate(
                    net, validation, done, network.lowest_quality, stage.interval, device
                )
                tracker.validated(done, _curves(records))
                history += records
            if done % config.training.checkpoint_every == 0 or last:
                Checkpoint(
                    stage=stage.name,
                    network=network.name,
                    interval=stage.interval,
                    recipe=config.text,
                    scenes=stage.settings["scenes"],
                    settings=stage.settings,
                    step=done,
                    steps=stage.steps,
                    model=net.state_dict(),
                    optimiser=optimiser.state_dict(),
                    history=history,
                ).save(path)
    processes.wait()
    return history


def _curves(records: Sequence[dict[str, Any]]) -> dict[str, float]:
    """One point for each scene and quality of a validation, by name of its curve."""
    return {
        f"{record['scene']}/{key} at quality {record['quality']}": record[key]
        for record in records
        for key in ("bps", "snr_db", "ms_ssim")
    }


def _step(
    trained: nn.Module,
    stage: Stage,
    optimiser: torch.optim.Optimizer,
    batch: Tensor,
    step: int,
    processes: Processes,
) -> tuple[float, float, float]:
    """Train on one batch; return the loss, bits per sample and mean squared error before it."""
    network, device = stage.network, processes.device
    net: Any = getattr(trained, "module", trained)  # DistributedDataParallel hides attributes
    draws = torch.Generator().manual_seed(stage.seed * 1_000_003 + step)
    quality = torch.rand(network.batch, generator=draws)
    quality = network.lowest_quality + quality * (network.octaves - network.lowest_quality)
    if processes.rank > 0:  # noise of its own for each process
        draws.manual_seed(draws.initial_seed() + (processes.rank << 52))
    if device.type != "cpu":
        draws = torch.Generator(device).manual_seed(draws.initial_seed())
    x = batch.to(device, non_blocking=True)  # (n, depth, patch, patch)
    quality = quality[processes.part(network.batch)].to(device)  # (n,)
    decoded, bits = trained(x, quality, draws)
    loss, rate, mse = rate_distortion(
        x,
        decoded,
        bits,
        quality,
        network.rate_slope,
        network.loss,
        step_at_zero=net.step_at_zero,
    )
    optimiser.zero_grad(set_to_none=True)
    loss.backward()  # type: ignore[no-untyped-call]
    nn.utils.clip_grad_norm_(trained.parameters(), network.clip_norm)
    optimiser.step()
    # One transfer for the three of them: on a GPU each would wait for the step to end.
    total, mean_rate, mean_mse = torch.stack([loss, rate.mean(), mse.mean()]).tolist()
    return total, mean_rate, mean_mse


def _optimiser(net: nn.Module, settings: TrainingConfig, rate: float) -> torch.optim.Optimizer:
    """Make the optimiser of a network, of which the kernels of convolutions decay."""
    decay = settings.weight_decay if settings.optimiser == "adamw" else 0.0
    return optimiser_of(
        net,
        settings.optimiser,
        rate,
        weight_decay=decay,
        decayed=lambda p: bool(decay) and p.ndim == 4,
    )
