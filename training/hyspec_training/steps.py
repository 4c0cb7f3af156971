"""What every training loop does: an optimiser, its learning rate, and a look at the loss."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor, nn

from hyspec.errors import DataError

#: Steps over which the learning rate rises to its first value.
_WARMUP_STEPS = 100


def learning_rate(first: float, final: float, step: int, steps: int) -> float:
    """Learning rate of a step of so many: a short rise, then half a cosine to the final value."""
    warmup = min(1.0, (step + 1) / _WARMUP_STEPS)
    return warmup * (final + (first - final) * 0.5 * (1 + math.cos(math.pi * step / steps)))


def optimiser_of(
    net: nn.Module,
    name: str,
    rate: float,
    *,
    weight_decay: float = 0.0,
    decayed: Callable[[Tensor], bool],
    momentum: float = 0.9,
) -> torch.optim.Optimizer:
    """Make the optimiser of a network.

    Parameters
    ----------
    net
        The network; what is frozen stays so.
    name
        ``adam``, ``adamw`` or ``sgd``.
    rate
        Learning rate.
    weight_decay
        Of ``adamw``, apart from the gradient; of the others, a part of it.
    decayed
        Says which parameters decay.
    momentum
        Of ``sgd``.
    """
    parameters = [p for p in net.parameters() if p.requires_grad]
    groups = [
        {"params": [p for p in parameters if decayed(p)], "weight_decay": weight_decay},
        {"params": [p for p in parameters if not decayed(p)], "weight_decay": 0.0},
    ]
    groups = [group for group in groups if group["params"]]
    if name == "sgd":
        return torch.optim.SGD(groups, lr=rate, momentum=momentum)
    if name == "adamw":
        return torch.optim.AdamW(groups, lr=rate)
    return torch.optim.Adam(groups, lr=rate)


def set_learning_rate(optimiser: torch.optim.Optimizer, rate: float) -> None:
    """Let an optimiser go on at a learning rate."""
    for group in optimiser.param_groups:
        group["lr"] = rate


def check_loss(loss: float, stage: str, step: int) -> None:
    """Stop a training that diverges.

    Raises
    ------
    DataError
        The loss is no longer finite.
    """
    if not math.isfinite(loss):
        raise DataError(
            f"training of {stage} diverged: the loss at step {step} is {loss:g}",
            hint="lower the learning rate, and start again in an empty work folder",
        )
