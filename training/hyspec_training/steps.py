"""What every training loop does at a step: a learning rate, and a look at the loss."""

from __future__ import annotations

import math

from hyspec.errors import DataError

#: Steps over which the learning rate rises to its first value.
_WARMUP_STEPS = 100


def learning_rate(first: float, final: float, step: int, steps: int) -> float:
    """Learning rate of a step of so many: a short rise, then half a cosine to the final value."""
    warmup = min(1.0, (step + 1) / _WARMUP_STEPS)
    return warmup * (final + (first - final) * 0.5 * (1 + math.cos(math.pi * step / steps)))


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
