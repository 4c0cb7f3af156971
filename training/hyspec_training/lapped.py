"""A lapped transform of 8 x 8 blocks that is orthonormal whatever its parameters are.

Time-domain lapped transform: an orthogonal pre-filter across the borders of the blocks, then the
discrete cosine transform of each block (T. D. Tran, J. Liang, C. Tu, "Lapped transform via
time-domain pre- and post-filtering", IEEE Trans. Signal Processing 51(6), 2003). The pre-filter is
learned, from that of the lapped orthogonal transform on. Undoing it is exact, so that training can
not leave a floor under the error, and errors of latents are errors of samples. As a filter bank the
whole is one convolution of 16 x 16 with stride 8, 256 multiplications per sample.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from hyspec_training.transform import BLOCK, CHANNELS, Bank, Transform

#: Samples that a pre-filter takes from the neighbouring block.
_OVERLAP = BLOCK // 2


def cosine_transform(size: int) -> Tensor:
    """Orthonormal discrete cosine transform of type II, shape (size, size), a row per frequency."""
    frequency = torch.arange(size, dtype=torch.float64)[:, None]
    position = torch.arange(size, dtype=torch.float64)[None]
    basis = math.sqrt(2 / size) * torch.cos((2 * position + 1) * frequency * math.pi / (2 * size))
    basis[0] /= math.sqrt(2)
    return basis


def _cosine_transform_iv(size: int) -> Tensor:
    k = torch.arange(size, dtype=torch.float64)[:, None]
    n = torch.arange(size, dtype=torch.float64)[None]
    return math.sqrt(2 / size) * torch.cos((2 * n + 1) * (2 * k + 1) * math.pi / (4 * size))


def zigzag() -> list[int]:
    """Numbers ``8 * vertical + horizontal`` of the frequencies of a block, from low to high."""
    places = [(v + h, v, h) for v in range(BLOCK) for h in range(BLOCK)]
    return [BLOCK * v + h for _, v, h in sorted(places)]


class LappedTransform(Transform):
    """Lapped transform with a learned pre-filter.

    Latents come in the order of :func:`zigzag`, 64 to a block of 8 x 8 samples.
    """

    _basis: Tensor
    _start: Tensor
    _mirror_rows: Tensor
    _mirror_columns: Tensor

    def __init__(self) -> None:
        super().__init__()
        flip = torch.eye(_OVERLAP, dtype=torch.float64).flip(0)
        start = flip @ cosine_transform(_OVERLAP).T @ _cosine_transform_iv(_OVERLAP) @ flip
        self.register_buffer("_start", start.float(), persistent=False)
        #: Generator of the rotation by which training has moved the pre-filter, shape (4, 4).
        self.rotation = nn.Parameter(torch.zeros(_OVERLAP, _OVERLAP))
        order = zigzag()
        basis = cosine_transform(BLOCK)
        self.register_buffer("_basis", torch.kron(basis, basis)[order].float(), persistent=False)
        # A block beyond the edge is the mirror image of the one at the edge: frequencies that are
        # odd along an axis change their sign.
        sign = torch.tensor([[(-1.0) ** (n // BLOCK), (-1.0) ** (n % BLOCK)] for n in order])
        self.register_buffer("_mirror_rows", sign[:, 0].reshape(1, -1, 1, 1), persistent=False)
        self.register_buffer("_mirror_columns", sign[:, 1].reshape(1, -1, 1, 1), persistent=False)

    def filters(self) -> Tensor:
        """Filters of shape (64, 1, 16, 16), of the transform and of its inverse."""
        # Acts on the differences across a border.
        matrix = torch.matrix_exp(self.rotation - self.rotation.T) @ self._start
        half, flip = torch.eye(_OVERLAP), torch.eye(_OVERLAP).flip(0)
        half, flip = half.to(matrix), flip.to(matrix)
        butterfly = torch.cat([torch.cat([half, flip], 1), torch.cat([flip, -half], 1)])
        middle = torch.block_diag(half, matrix)  # type: ignore[no-untyped-call]
        border = 0.5 * butterfly @ middle @ butterfly  # (8, 8), across one border
        # Window of 16 samples to the 8 of its block: the right half of one border, the left half of
        # the next.
        window = torch.cat(
            [
                torch.cat([border[_OVERLAP:], torch.zeros(_OVERLAP, BLOCK).to(matrix)], 1),
                torch.cat([torch.zeros(_OVERLAP, BLOCK).to(matrix), border[:_OVERLAP]], 1),
            ]
        )  # (8, 16)
        blocks = self._basis.reshape(CHANNELS, BLOCK, BLOCK)
        return torch.einsum("cij,ix,jy->cxy", blocks, window, window)[:, None]

    def bank(self) -> Bank:
        """Filters, and the signs of mirrored latents along rows and columns."""
        return self.filters(), self._mirror_rows, self._mirror_columns

    @staticmethod
    def analyse(x: Tensor, bank: Bank) -> Tensor:
        """Filter planes that are mirrored at their edges."""
        filters, _, _ = bank
        n = _OVERLAP
        x = torch.cat([x[:, :, :n].flip(2), x, x[:, :, -n:].flip(2)], 2)
        x = torch.cat([x[..., :n].flip(3), x, x[..., -n:].flip(3)], 3)
        return F.conv2d(x, filters, stride=BLOCK)

    @staticmethod
    def synthesise(y: Tensor, bank: Bank) -> Tensor:
        """Filter latents that are mirrored at their edges, and cut those off."""
        filters, mirror_rows, mirror_columns = bank
        y = torch.cat([y[:, :, :1] * mirror_rows, y, y[:, :, -1:] * mirror_rows], 2)
        y = torch.cat([y[..., :1] * mirror_columns, y, y[..., -1:] * mirror_columns], 3)
        x = F.conv_transpose2d(y, filters, stride=BLOCK)
        edge = BLOCK + _OVERLAP
        return x[:, :, edge:-edge, edge:-edge]
