"""Search of the quality step that meets a target.

Rate falls and error grows with the step by nearly a constant factor per step, so a few secants on a
logarithmic scale find the one that comes nearest. The neighbouring step changes the rate by about
two per cent.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from hyspec.errors import TargetError

#: How far from its target a result may be: a factor for the rate and the error, dB for the PSNR.
RATE_TOLERANCE = 0.03
PSNR_TOLERANCE_DB = 0.2
#: A search ends this near to its target, as a difference of natural logarithms.
CLOSE_ENOUGH = 0.02
#: A search that has taken more steps than this goes on by halves.
_MOST_SECANTS = 6
#: Share of the range of steps, at either end, that a secant stays away from.
_MARGIN = 8


@dataclass(frozen=True)
class Found:
    """A step and the value it reaches."""

    step: int
    value: float


def search(
    evaluate: Callable[[int], float],
    target: float,
    low: int,
    high: int,
    *,
    guess: int,
    slope: float,
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
    guess
        Step to try first.
    slope
        What to expect of the change of the value's base-2 logarithm per step. Its sign says whether
        the value grows with the step.
    """
    seen: dict[int, float] = {}
    step = max(low, min(high, guess))
    below, above = low - 1, high + 1  # steps that are known to lie before and after the target
    while step not in seen:
        seen[step] = evaluate(step)
        if _distance(seen[step], target) < CLOSE_ENOUGH:
            break
        if (seen[step] < target) == (slope > 0):
            below = max(below, step)
        else:
            above = min(above, step)
        if above - below <= 1:
            break
        step = max(below + 1, min(above - 1, _next(seen, target, slope, (below, above))))
    best = min(seen, key=lambda step: (_distance(seen[step], target), -step))
    return Found(best, seen[best])


def _next(seen: dict[int, float], target: float, slope: float, between: tuple[int, int]) -> int:
    """Step where the line through two values, or one of them, meets the target.

    The two are those on either side of the target, once there are any, else the nearest ones.
    """
    finite = [step for step in seen if 0 < seen[step] < math.inf]
    if len(finite) < len(seen) or len(seen) > _MOST_SECANTS:
        return sum(between) // 2
    below, above = between
    if below in seen and above in seen:
        share = math.log(target / seen[below]) / math.log(seen[above] / seen[below])
        margin = (above - below) // _MARGIN  # where values bend, secants creep along one side
        step = below + round(share * (above - below))
        return max(below + margin, min(above - margin, step))
    nearest = sorted(finite, key=lambda step: _distance(seen[step], target))[:2]
    if len(nearest) == 2:
        first, second = nearest
        found = math.log2(seen[first] / seen[second]) / (first - second)
        # Ripples of neighbouring steps may tell a slope that is none.
        slope = found if 0.25 < found / slope < 4 else slope
    return nearest[0] + round(math.log2(target / seen[nearest[0]]) / slope)


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
