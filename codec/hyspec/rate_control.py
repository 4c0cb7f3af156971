"""Search of the quality step that meets a target.

Rate falls and error grows with the step, so a bisection over whole steps finds the one that comes
nearest. The neighbouring step changes the rate by about one per cent.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from hyspec.errors import TargetError

#: How far from its target a result may be: a factor for the rate and the error, dB for the PSNR.
RATE_TOLERANCE = 0.03
PSNR_TOLERANCE_DB = 0.2


@dataclass(frozen=True)
class Found:
    """A step and the value it reaches."""

    step: int
    value: float


def bisect(
    evaluate: Callable[[int], float], target: float, low: int, high: int, *, rising: bool
) -> Found:
    """Find the step in [low, high] whose value is nearest to the target, on a logarithmic scale.

    Parameters
    ----------
    evaluate
        Value of a step; monotone but for small ripples.
    target
        Value wanted, positive.
    low, high
        Range of steps, both included.
    rising
        Whether the value grows with the step.
    """
    seen: dict[int, float] = {}

    def value(step: int) -> float:
        if step not in seen:
            seen[step] = evaluate(step)
        return seen[step]

    while high - low > 1:
        middle = _probe(seen, target, low, high)
        if (value(middle) < target) == rising:
            low = middle
        else:
            high = middle
        if _distance(value(middle), target) < 2e-3:
            break
    value(low)
    value(high)
    best = min(seen, key=lambda step: (_distance(seen[step], target), -step))
    return Found(best, seen[best])


def _probe(seen: dict[int, float], target: float, low: int, high: int) -> int:
    """Next step to try: by interpolation between known ends, else the middle."""
    if low in seen and high in seen and seen[low] > 0 and seen[high] > 0:
        a, b = math.log(seen[low]), math.log(seen[high])
        if a != b:
            guess = low + (math.log(target) - a) / (b - a) * (high - low)
            # Kept away from the ends, so that the interval shrinks by an eighth at least.
            margin = max(1, (high - low) // 8)
            return max(low + margin, min(high - margin, round(guess)))
    return (low + high) // 2


def _distance(value: float, target: float) -> float:
    return abs(math.log(value / target)) if value > 0 else math.inf


def check_rate(bps: float, target: float, lowest: float, highest: float) -> None:
    """Refuse a rate that missed its target.

    Parameters
    ----------
    bps, target
        Nearest rate found and rate wanted, in bits per sample.
    lowest, highest
        Rates at the ends of the search.

    Raises
    ------
    TargetError
        The rate is further from the target than :data:`RATE_TOLERANCE`.
    """
    if not abs(bps / target - 1) <= RATE_TOLERANCE:
        raise _missed("rate", target, bps, lowest, highest, "{:.4g} bit/sample")


def check_rmse(rmse: float, target: float, lowest: float, highest: float) -> None:
    """Refuse an error that missed its target; as :func:`check_rate`, in sample units."""
    if not abs(rmse / target - 1) <= RATE_TOLERANCE:
        raise _missed("RMSE", target, rmse, lowest, highest, "{:.4g}")


def check_psnr(psnr: float, target: float, lowest: float, highest: float) -> None:
    """Refuse a PSNR that missed its target by more than :data:`PSNR_TOLERANCE_DB`.

    Otherwise as :func:`check_rate`, in dB.
    """
    if not abs(psnr - target) <= PSNR_TOLERANCE_DB:
        raise _missed("PSNR", target, psnr, lowest, highest, "{:.4g} dB")


def _missed(
    what: str, target: float, value: float, lowest: float, highest: float, form: str
) -> TargetError:
    wanted, nearest, low, high = (form.format(v) for v in (target, value, lowest, highest))
    # Few bands and pixels make few different streams; a target between two of them is missed, too.
    between = lowest < target < highest
    return TargetError(
        f"the nearest {what} to {wanted} that this pack reaches on this cube is {nearest}",
        hint=f"ask for {nearest}" if between else f"what can be reached is {low} to {high}",
    )
