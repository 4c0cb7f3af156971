"""Rates for codecs that have none: the parameter is searched whose result comes nearest."""

from __future__ import annotations

import math
from collections.abc import Callable

#: A result within this share of the target rate is good enough.
_TOLERANCE = 0.01


def nearest(
    encode: Callable[[float], bytes], budget: int, low: float, high: float, trials: int = 14
) -> bytes:
    """Bisect a parameter on a logarithmic scale.

    Parameters
    ----------
    encode
        Gives fewer bytes for a larger parameter.
    budget
        Bytes to come near to.
    low, high
        Range of the parameter.
    trials
        Encodings at most.

    Returns
    -------
    bytes
        Of all trials the one whose length has the smallest ratio to the budget, or of the budget
        to it.
    """

    def distance(data: bytes) -> float:
        return abs(math.log(len(data) / budget))

    best = encode(high)
    if len(best) >= budget:
        return best
    for _ in range(trials - 1):
        middle = math.sqrt(low * high)
        data = encode(middle)
        best = min(best, data, key=distance)
        if distance(best) < _TOLERANCE:
            break
        if len(data) > budget:
            low = middle
        else:
            high = middle
    return best
