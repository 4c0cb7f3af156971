"""Losses of spectra and abundances that are finite, with finite gradients, everywhere.

All take targets and results of the same shape, with the bands or endmembers along axis 1, such as
(M, B) or (N, B, H, W). One number for each pixel is summed, or averaged, over the pixels; deephyp
sums. Definitions: Windrim et al., Remote Sensing 11(7), 2019; of the divergence, Chang, "An
information-theoretic approach to spectral variability, similarity, and discrimination for
hyperspectral image analysis", IEEE Transactions on Information Theory 46(5), 2000.
"""

from __future__ import annotations

import math
from typing import Literal, Protocol

import torch
from torch import Tensor

from hyspec.errors import UsageError

Reduction = Literal["sum", "mean", "none"]


class Loss(Protocol):
    """A loss, by target and result of the same shape."""

    def __call__(self, target: Tensor, result: Tensor, reduction: Reduction = ...) -> Tensor:
        """Return the losses of the pixels, reduced."""


#: Spectra shorter than this have no direction, and are taken as zero.
_SHORT = 1e-6
#: Takes the kink out of the angle at 0.
_KINK = 1e-7
#: Smallest share of a band in the divergence.
EPSILON = 1e-7
#: Weight of the squared error beside the angle, where shade is to be left to the pixels.
SHADE = 0.03


def squared_error(target: Tensor, result: Tensor, reduction: Reduction = "sum") -> Tensor:
    """SSE: sum over the bands of the squared difference."""
    return _reduced(((target - result) ** 2).sum(dim=1), reduction)


def mean_squared_error(target: Tensor, result: Tensor, reduction: Reduction = "mean") -> Tensor:
    """MSE: mean over bands or endmembers of the squared difference; for abundances."""
    return _reduced(((target - result) ** 2).mean(dim=1), reduction)


def cosine_angle(target: Tensor, result: Tensor, reduction: Reduction = "sum") -> Tensor:
    """CSA: 1 - cos of the spectral angle.

    It is 0 for equal spectra, two zero spectra included, and 1 if one of them is zero.
    """
    apart, together = _half_angle(target, result)
    # 1 - cos(a) = 2 sin^2(a / 2); |u - v| : |u + v| is the tangent of the half angle.
    return _reduced(2 * apart / (apart + together + _SHORT**2), reduction)


def spectral_angle(target: Tensor, result: Tensor, reduction: Reduction = "sum") -> Tensor:
    """SA: the spectral angle in radians.

    It is 0 for equal spectra, two zero spectra included, where its gradient is taken as 0, and a
    right angle if one of them is zero.
    """
    apart, together = _half_angle(target, result)
    sine = torch.sqrt(apart + _KINK**2) - _KINK
    cosine = torch.sqrt(together + _KINK**2)
    return _reduced(2 * torch.atan2(sine, cosine), reduction)


def information_divergence(
    target: Tensor,
    result: Tensor,
    reduction: Reduction = "sum",
    *,
    base: float = math.e,
    epsilon: float = EPSILON,
) -> Tensor:
    """SID: symmetric divergence of the spectra as distributions over the bands.

    Parameters
    ----------
    target, result
        Spectra; what is negative counts as 0.
    reduction
        Of the numbers of all pixels.
    base
        Of the logarithms: e in deephyp, 2 in hypernet.
    epsilon
        Is added to all samples, so that no logarithm is one of 0, and zero spectra are flat ones.
    """
    p, q = _distribution(target, epsilon), _distribution(result, epsilon)
    # sum p log(p / q) + sum q log(q / p)
    divergence = ((p - q) * (torch.log(p) - torch.log(q))).sum(dim=1)
    return _reduced(divergence / math.log(base), reduction)


def shaded_angle(target: Tensor, result: Tensor, reduction: Reduction = "sum") -> Tensor:
    """Spectral angle in radians, and a small share of the squared error.

    The angle leaves each pixel its own light and shade. The squared error, in units of the mean
    squared length of the targets and with the weight :data:`SHADE`, says how bright endmembers are
    beside each other, on which the abundances of mixed pixels depend.
    """
    power = (target * target).sum(dim=1).mean() + _SHORT**2
    error = ((target - result) ** 2).sum(dim=1) / power
    return _reduced(spectral_angle(target, result, "none") + SHADE * error, reduction)


#: Losses by the names that recipes give them; each sums over the pixels, ``mse`` averages.
LOSSES: dict[str, Loss] = {
    "sse": squared_error,
    "csa": cosine_angle,
    "sa": spectral_angle,
    "sid": information_divergence,
    "mse": mean_squared_error,
    "shaded-angle": shaded_angle,
}


def _half_angle(target: Tensor, result: Tensor) -> tuple[Tensor, Tensor]:
    """Squared lengths of difference and sum of the spectra at unit length."""
    u, v = _direction(target), _direction(result)
    return ((u - v) ** 2).sum(dim=1), ((u + v) ** 2).sum(dim=1)


def _direction(x: Tensor) -> Tensor:
    """Spectra at unit length; short ones stay as they are, which is next to nothing."""
    squared = (x * x).sum(dim=1, keepdim=True)
    return x * torch.rsqrt(torch.where(squared > _SHORT**2, squared, torch.ones_like(squared)))


def _distribution(x: Tensor, epsilon: float) -> Tensor:
    raised = x.clamp_min(0) + epsilon
    return raised / raised.sum(dim=1, keepdim=True)


def _reduced(values: Tensor, reduction: Reduction) -> Tensor:
    if reduction == "none":
        return values
    if reduction == "sum":
        return values.sum()
    if reduction == "mean":
        return values.mean()
    raise UsageError(f"reduction {reduction!r}; expected sum, mean or none")
