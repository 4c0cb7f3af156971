"""Bjøntegaard deltas of two rate-distortion curves over a stated range of rates.

G. Bjøntegaard, "Calculation of average PSNR differences between RD-curves", VCEG-M33, 2001; the
integration is that of the package ``bjontegaard`` (Herglotz et al., 2022-2023) with piecewise
cubic Hermite interpolation, which does not overshoot.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence

import bjontegaard
import numpy as np
from scipy.interpolate import PchipInterpolator

#: (bits per sample, PSNR in dB)
Point = tuple[float, float]

#: Limits of the rates of a comparison: none.
ALL_RATES = (0.0, math.inf)

_METHOD = "pchip"


def bd_rate(anchor: Sequence[Point], test: Sequence[Point], rates: tuple[float, float]) -> float:
    """Mean difference in rate at equal PSNR in per cent; negative where ``test`` needs less.

    Parameters
    ----------
    anchor, test
        Measured points.
    rates
        Bits per sample from which and to which the curves are compared.

    Returns
    -------
    float
        NaN where the curves have no PSNR in common in the range.
    """
    a, b = clipped(anchor, rates), clipped(test, rates)
    if min(len(a), len(b)) < 2:
        return math.nan
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of curves that do not overlap: the result says so
        columns = (*zip(*a, strict=True), *zip(*b, strict=True))
        return float(
            bjontegaard.bd_rate(*columns, _METHOD, require_matching_points=False, min_overlap=0)
        )


def bd_psnr(anchor: Sequence[Point], test: Sequence[Point], rates: tuple[float, float]) -> float:
    """Mean difference in PSNR at equal rate in dB; parameters as for `bd_rate`."""
    a, b = clipped(anchor, rates), clipped(test, rates)
    if min(len(a), len(b)) < 2:
        return math.nan
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        columns = (*zip(*a, strict=True), *zip(*b, strict=True))
        return float(
            bjontegaard.bd_psnr(*columns, _METHOD, require_matching_points=False, min_overlap=0)
        )


def angle_change(
    anchor: Sequence[Point], test: Sequence[Point], rates: tuple[float, float]
) -> float:
    """Mean change of the spectral angle at equal rate in per cent; negative where it is smaller.

    The mean is that of logarithms. Points are (bits per sample, degrees); otherwise as `bd_psnr`.
    """
    a, b = ([(r, -20 * math.log10(x)) for r, x in points if x > 0] for points in (anchor, test))
    return 100 * (10 ** (-bd_psnr(a, b, rates) / 20) - 1)


def overlap(
    anchor: Sequence[Point], test: Sequence[Point], rates: tuple[float, float], axis: int
) -> tuple[float, float]:
    """First and last rate (axis 0) or PSNR (axis 1) that two curves share in a range of rates.

    That is what `bd_psnr`, or `bd_rate`, compares; NaN where they share none.
    """
    spans = [[point[axis] for point in clipped(points, rates)] for points in (anchor, test)]
    if not all(spans):
        return math.nan, math.nan
    low, high = max(map(min, spans)), min(map(max, spans))
    return (low, high) if low < high else (math.nan, math.nan)


def clipped(points: Sequence[Point], rates: tuple[float, float]) -> list[Point]:
    """Points of a curve inside a range of rates, with interpolated ones at its limits.

    Points that another point beats in both rate and PSNR are left out, and those of infinite PSNR.
    """
    curve = _rising(points)
    if len(curve) < 2:
        return []
    low, high = rates
    inside = [point for point in curve if low < point[0] < high]
    ends = [(limit, psnr_at(curve, limit)) for limit in rates]
    return sorted(inside + [end for end in ends if not math.isnan(end[1])])


def psnr_at(points: Sequence[Point], rate: float) -> float:
    """PSNR of a curve at a rate, interpolated over the logarithm of the rate.

    Points count as for `clipped`. NaN where the curve does not reach the rate.
    """
    curve = _rising(points)
    if len(curve) < 2 or not curve[0][0] <= rate <= curve[-1][0]:
        return math.nan
    log_rates = np.log10([r for r, _ in curve])
    return float(PchipInterpolator(log_rates, [psnr for _, psnr in curve])(np.log10(rate)))


def _rising(points: Sequence[Point]) -> list[Point]:
    """Points that no other one beats in both rate and PSNR, by rate; none of infinite PSNR."""
    curve: list[Point] = []
    for rate, psnr in sorted(points):
        if math.isfinite(psnr) and (not curve or (psnr > curve[-1][1] and rate > curve[-1][0])):
            curve.append((rate, psnr))
    return curve
