"""Initial weights of the networks of deephyp, by the names that it gives them."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor, nn

from hyspec.errors import UsageError

Initialiser = Callable[[Tensor], object]

#: Standard deviation of the normal distributions, and value of the constant, by default.
SCALE = 0.1


def initialiser(name: str, scale: float = SCALE) -> Initialiser:
    """Return a function that fills a weight.

    Parameters
    ----------
    name
        ``gaussian``; ``truncated-normal``, at two standard deviations; ``xavier``, uniform with the
        variance 1 / inputs (Glorot, Bengio, AISTATS 2010); ``xavier-improved``, normal with the
        variance 2 / inputs (He, Zhang, Ren, Sun, ICCV 2015); ``constant``.
    scale
        Standard deviation of the first two, value of ``constant``.

    Raises
    ------
    UsageError
        There is no such name.
    """
    known: dict[str, Initialiser] = {
        "gaussian": partial(nn.init.normal_, std=scale),
        "truncated-normal": partial(nn.init.trunc_normal_, std=scale, a=-2 * scale, b=2 * scale),
        "xavier": _xavier,
        "xavier-improved": partial(nn.init.kaiming_normal_, nonlinearity="relu"),
        "constant": partial(nn.init.constant_, val=scale),
    }
    if name not in known:
        raise UsageError(f"initialiser {name!r}; expected one of {', '.join(known)}")
    return known[name]


@torch.no_grad()
def _xavier(weight: Tensor) -> None:
    inputs = weight[0].numel()
    bound = math.sqrt(3 / inputs)
    weight.uniform_(-bound, bound)
