"""A wavelet transform of three levels by lifting, which is invertible whatever its parameters are.

The 9/7 wavelet of Cohen, Daubechies and Feauveau in four lifting steps per level (I. Daubechies,
W. Sweldens, "Factoring wavelet transforms into lifting steps", J. Fourier Analysis and Applications
4(3), 1998, section 7.7). Training moves the coefficients of each step, of two neighbours on either
side, from those of the 9/7 wavelet on. Undoing a step is exact, so that training can not leave a
floor under the error.

Latents of a subband are multiplied by the norm of its synthesis functions. This makes up for the
scale of the subbands as well, so that lifting needs no scaling step. The subbands of all levels are
arranged on a grid of cells of 8 x 8 samples, as channels.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from hyspec_training.transform import Bank, Transform

LEVELS = 3
#: Lifting steps of the 9/7 wavelet: alpha, beta, gamma, delta.
_LIFTING = (-1.586134342059924, -0.052980118572961, 0.882911075530934, 0.443506852043971)
#: A unit of a parameter in coefficients, which so learn at this share of the learning rate.
_UNIT = 0.1
#: Samples of an impulse at the coarsest level: more than synthesis functions reach.
_IMPULSE = 32


class Channel(NamedTuple):
    """What a channel of latents holds.

    Attributes
    ----------
    level : int
        Level of its subband, 1 is the finest.
    band : str
        ``"LL"``, or low or high frequencies along rows, then along columns: ``"HL"``, ``"LH"``,
        ``"HH"``.
    row, column : int
        Its positions are those of the subband that leave these when divided by ``cell(level)``.
    """

    level: int
    band: str
    row: int
    column: int


def cell(level: int) -> int:
    """Positions of a subband in a cell of latents, along each axis."""
    return int(2 ** (LEVELS - level))


def _phases(size: int) -> list[tuple[int, int]]:
    """Positions in a square, coarse grids first: all others have decoded ones around them."""
    if size == 1:
        return [(0, 0)]
    grids = ((0, 0), (1, 1), (0, 1), (1, 0))
    return [(y + 2 * v, x + 2 * u) for y, x in grids for v, u in _phases(size // 2)]


def layout() -> list[Channel]:
    """Channels in their order, 64: coarse levels first."""
    return [Channel(LEVELS, "LL", 0, 0)] + [
        Channel(level, band, *phase)
        for level in range(LEVELS, 0, -1)
        for band in ("HL", "LH", "HH")
        for phase in _phases(cell(level))
    ]


class WaveletTransform(Transform):
    """Wavelet transform with learned lifting steps; latents come in the order of `layout`."""

    _start: Tensor
    _split: Tensor
    _arrange_2: Tensor
    _arrange_1: Tensor

    def __init__(self) -> None:
        super().__init__()
        start = torch.zeros(LEVELS, len(_LIFTING), 2)
        start[..., 0] = torch.tensor(_LIFTING)
        self.register_buffer("_start", start, persistent=False)
        #: How far training has moved the coefficients, shape (3, 4, 2).
        self.moved = nn.Parameter(torch.zeros_like(start))
        columns_first = [(0, 0), (1, 0), (0, 1), (1, 1)]
        self.register_buffer("_split", _pickers(columns_first, 1), persistent=False)
        for level in (2, 1):
            pickers = _pickers(_phases(cell(level)), 3)
            self.register_buffer(f"_arrange_{level}", pickers, persistent=False)

    def steps(self) -> Tensor:
        """Coefficients of the lifting steps, shape (3, 4, 2).

        By level, from 1 on; by step, in the order of the analysis; of the nearest neighbours, and
        of those behind them.
        """
        return self._start + _UNIT * self.moved

    def norms(self) -> Tensor:
        """Norms of the synthesis functions of the lifting steps far from edges, shape (64, 1, 1).

        Synthesis functions are products of one along each axis, and so are their norms.
        """
        steps = self.steps()
        functions = steps.new_zeros(0, 1, 1, _IMPULSE)
        for level in range(LEVELS, 0, -1):
            nothing = steps.new_zeros(1, 1, 1, functions.shape[-1])
            impulse = nothing.clone()
            impulse[..., impulse.shape[-1] // 2] = 1
            low = torch.cat([functions, impulse, nothing])
            high = torch.cat([torch.zeros_like(functions), nothing, impulse])
            low, high = _unlift(low, high, 3, steps[level - 1])
            functions = torch.stack([low, high], -1).flatten(3)  # (2 per level, 1, 1, samples)
        norms = functions.square().sum(3).sqrt()  # of low and high frequencies, level by level
        across, down = (
            [2 * (LEVELS - c.level) + "LH".index(c.band[k]) for c in layout()] for k in (0, 1)
        )
        return norms[across] * norms[down]

    def bank(self) -> Bank:
        """Coefficients, norms, and kernels of zeros and ones that arrange positions as channels."""
        return self.steps(), self.norms(), self._split, self._arrange_2, self._arrange_1

    @staticmethod
    def analyse(x: Tensor, bank: Bank) -> Tensor:
        """Split off the high frequencies of each level; arrange and scale all subbands."""
        steps, norms, split, arrange_2, arrange_1 = bank
        details = []
        for level, arrange in ((1, arrange_1), (2, arrange_2), (3, None)):
            y = F.conv2d(x, split, stride=2)  # even columns, odd columns; even rows first in each
            y = torch.cat(_lift(y[:, :2], y[:, 2:], 3, steps[level - 1]), 1)
            y = torch.cat(_lift(y[:, 0::2], y[:, 1::2], 2, steps[level - 1]), 1)
            x, detail = y[:, :1], y[:, 1:]  # LL; HL, LH, HH
            if arrange is not None:
                detail = F.conv2d(detail, arrange, stride=cell(level), groups=3)
            details.append(detail)
        return torch.cat([x, *reversed(details)], 1) * norms

    @staticmethod
    def synthesise(y: Tensor, bank: Bank) -> Tensor:
        """Undo `analyse`, in the opposite order."""
        steps, norms, split, arrange_2, arrange_1 = bank
        y = y / norms
        x, first = y[:, :1], 1
        for level, arrange in ((3, None), (2, arrange_2), (1, arrange_1)):
            count = 3 * cell(level) ** 2
            detail = y[:, first : first + count]
            first += count
            if arrange is not None:
                detail = F.conv_transpose2d(detail, arrange, stride=cell(level), groups=3)
            low, high = torch.cat([x, detail[:, :1]], 1), detail[:, 1:]
            even, odd = _unlift(low, high, 2, steps[level - 1])  # rows
            low, high = (torch.cat([even[:, k : k + 1], odd[:, k : k + 1]], 1) for k in (0, 1))
            z = torch.cat(_unlift(low, high, 3, steps[level - 1]), 1)
            x = F.conv_transpose2d(z, split, stride=2)
        return x


def _pickers(positions: list[tuple[int, int]], groups: int) -> Tensor:
    """Kernels that pick each position of a square in turn, shape (groups * n, 1, side, side)."""
    side = 1 + max(max(position) for position in positions)
    kernels = torch.zeros(len(positions), 1, side, side)
    for k, (y, x) in enumerate(positions):
        kernels[k, 0, y, x] = 1
    return kernels.repeat(groups, 1, 1, 1)


def _lift(even: Tensor, odd: Tensor, axis: int, steps: Tensor) -> tuple[Tensor, Tensor]:
    """Low and high frequencies, of even and odd samples (N, C, H, W) along an axis."""
    odd = odd + _between(even, axis, 1, steps[0])
    even = even + _between(odd, axis, 2, steps[1])
    odd = odd + _between(even, axis, 1, steps[2])
    even = even + _between(odd, axis, 2, steps[3])
    return even, odd


def _unlift(low: Tensor, high: Tensor, axis: int, steps: Tensor) -> tuple[Tensor, Tensor]:
    low = low - _between(high, axis, 2, steps[3])
    high = high - _between(low, axis, 1, steps[2])
    low = low - _between(high, axis, 2, steps[1])
    high = high - _between(low, axis, 1, steps[0])
    return low, high


def _between(x: Tensor, axis: int, before: int, step: Tensor) -> Tensor:
    """Weighted sums of the two neighbours on either side of the places between samples.

    The first place has `before` of its neighbours before it; there the first sample is repeated,
    and the last one at the other end.
    """
    ends = (before, 3 - before)
    if axis == 2:
        x = F.pad(x, (0, 0, *ends), mode="replicate")
        near, far = x[:, :, 1:-2] + x[:, :, 2:-1], x[:, :, :-3] + x[:, :, 3:]
    else:
        x = F.pad(x, (*ends, 0, 0), mode="replicate")
        near, far = x[..., 1:-2] + x[..., 2:-1], x[..., :-3] + x[..., 3:]
    return step[0] * near + step[1] * far
