"""Search of the quality step that meets a target.

Rate falls and error grows with the step by nearly a constant factor per step, so a few secants on a
logarithmic scale find the one that comes nearest. The neighbouring step changes the rate by about
two per cent, but for places where many planes become worth coding at once.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from hyspec.errors import TargetError

#: How far from its target a result may be, as a factor less 1: rate and RMSE, and the error that a
#: PSNR stands for, which is 0.2 dB.
TOLERANCE = 0.03
PSNR_TOLERANCE = 10 ** (0.2 / 20) - 1
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
    tolerance: float,
    known: Mapping[int, float] | None = None,
) -> Found:
    """Find the step in [low, high] whose value is nearest to the target, on a logarithmic scale.

    Where values jump across the target, the one below it is taken: rates and errors are limits.

    Parameters
    ----------
    evaluate
        Value of a step; monotone but for small ripples.
    target
        Value wanted, positive.
    low, high
        Range of steps, both included.
    guess
        Step to try first, unless some are known.
    slope
        What to expect of the change of the value's base-2 logarithm per step. Its sign says whether
        the value grows with the step.
    tolerance
        How far from the target, as a factor less 1, a value may be without having missed it.
    known
        Values of steps in the range, which are not evaluated again.
    """
    seen = dict(known or {})
    while not any(_distance(value, target) < CLOSE_ENOUGH for value in seen.values()):
        # Steps that are known to lie before and after the target.
        before = {step for step, value in seen.items() if (value < target) == (slope > 0)}
        below = max(before, default=low - 1)
        above = min(seen.keys() - before, default=high + 1)
        if above - below <= 1:
            break
        step = _next(seen, target, slope, (below, above)) if seen else guess
        step = max(below + 1, min(above - 1, step))
        seen[step] = evaluate(step)
    return best_of(seen, target, tolerance)


def best_of(seen: Mapping[int, float], target: float, tolerance: float) -> Found:
    """Choose the step whose value is nearest to the target, or if that misses, one below."""
    best = min(seen, key=lambda step: (_distance(seen[step], target), -step))
    if missed(seen[best], target, tolerance):
        less = [step for step in seen if seen[step] <= target]
        best = max(less, key=lambda step: (seen[step], step), default=best)
    return Found(best, seen[best])


def missed(value: float, target: float, tolerance: float) -> bool:
    """Whether a value is further from its target than the tolerance, a factor less 1."""
    return not 1 / (1 + tolerance) <= value / target <= 1 + tolerance


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


@dataclass(frozen=True)
class Miss:
    """A target that was missed, and what can be reached.

    Attributes
    ----------
    what : str
        Name of the quantity.
    unit : str
        Its unit, with a space before it, or nothing.
    target, reached, lowest, highest : float
        Value wanted, value of the step found, and values at the ends of the range of steps.
    """

    what: str
    unit: str
    target: float
    reached: float
    lowest: float
    highest: float

    @property
    def between(self) -> bool:
        """Whether values on both sides of the target can be reached."""
        return self.lowest < self.target < self.highest

    def __str__(self) -> str:
        """Say what was wanted and what was found."""
        wanted, reached = self._text(self.target), self._text(self.reached)
        if self.between:
            return f"no {self.what} near {wanted} exists for this cube: {reached} was taken"
        return (
            f"the nearest {self.what} to {wanted} that this pack reaches on this cube is {reached}"
        )

    def error(self) -> TargetError:
        """The error that names the reachable range."""
        lowest, highest = self._text(self.lowest), self._text(self.highest)
        return TargetError(str(self), hint=f"what can be reached is {lowest} to {highest}")

    def _text(self, value: float) -> str:
        return f"{value:.4g}{self.unit}"
