"""What other planes say of a plane: local linear regression, as of the guided filter.

Where two materials meet, all components are nearly linear functions of one mixture. So an edge that
a plane shows badly can be drawn as other planes show it. (K. He, J. Sun, X. Tang, "Guided image
filtering", IEEE Transactions on Pattern Analysis and Machine Intelligence 35(6), 2013; with several
guides, and coefficients per cell of 2 x 2 samples.) Nothing is learned here.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

#: Samples along each axis of a cell. A window is 3 x 3 of them.
CELL = 2
#: Variance in squared steps that is added to that of the guides and of the plane, about that of the
#: errors of both.
_RIDGE = 0.2


def windows(planes: Tensor) -> Tensor:
    """Samples of the windows around all cells.

    Parameters
    ----------
    planes
        Shape (N, G, H, W), H and W even.

    Returns
    -------
    Tensor, shape (N, G, 36, H / 2, W / 2)
        Those of the cell itself are number 16 to 19. At edges, cells are repeated.
    """
    count, guides, rows, columns = planes.shape
    cells = F.pixel_unshuffle(planes, CELL)  # (N, 4 G, h, w)
    padded = F.pad(cells, (1, 1, 1, 1), mode="replicate")
    h, w = rows // CELL, columns // CELL
    shifted = [
        padded[:, :, y : y + h, x : x + w].reshape(count, guides, CELL * CELL, h, w)
        for y in range(3)
        for x in range(3)
    ]
    return torch.cat(shifted, 2)


def regressions(plane: Tensor, guides: Tensor) -> tuple[Tensor, Tensor]:
    """Regress a plane on each of its guides, and on all of them.

    Parameters
    ----------
    plane
        Shape (N, 1, H, W).
    guides
        Shape (N, G, H, W).

    Returns
    -------
    differences : Tensor, shape (N, G + 1, 4, H / 2, W / 2)
        What the regressions say, less the plane, for the samples of each cell.
    explained : Tensor, shape (N, G + 1, H / 2, W / 2)
        Share of the variance that they explain.
    """
    count = guides.shape[1]
    samples = windows(torch.cat([plane, guides], 1))
    mean = samples.mean(2, keepdim=True)
    centred = samples - mean
    own = centred[:, 0]
    parts = [centred[:, 1 + k] for k in range(count)]
    variance = (own * own).mean(1) + _RIDGE
    matrix = [
        [(parts[i] * parts[j]).mean(1) + (_RIDGE if i == j else 0.0) for j in range(i + 1)]
        for i in range(count)
    ]
    shared = [(part * own).mean(1) for part in parts]
    inside = slice(4 * CELL * CELL, 5 * CELL * CELL)
    lacking = own[:, inside]
    differences, explained = [], []
    for k in range(count):
        slope = shared[k] / matrix[k][k]
        differences.append(slope[:, None] * parts[k][:, inside] - lacking)
        explained.append(slope * shared[k] / variance)
    slopes = _solved(matrix, shared)
    together = sum(s[:, None] * p[:, inside] for s, p in zip(slopes, parts, strict=True))
    differences.append(together - lacking)
    explained.append(sum(s * c for s, c in zip(slopes, shared, strict=True)) / variance)
    return torch.stack(differences, 1), torch.stack(explained, 1)


def _solved(matrix: list[list[Tensor]], right: list[Tensor]) -> list[Tensor]:
    """Solve symmetric systems of equations, given by their lower triangle, by LDL^T."""
    count = len(right)
    lower: list[list[Tensor]] = []
    diagonal: list[Tensor] = []
    for i in range(count):
        row: list[Tensor] = []
        for j in range(i):
            rest = matrix[i][j]
            for m in range(j):
                rest = rest - row[m] * lower[j][m] * diagonal[m]
            row.append(rest / diagonal[j])
        left = matrix[i][i]
        for m in range(i):
            left = left - row[m] * row[m] * diagonal[m]
        lower.append(row)
        diagonal.append(left.clamp_min(_RIDGE))  # it is, but for rounding
    values = list(right)
    for i in range(count):
        for m in range(i):
            values[i] = values[i] - lower[i][m] * values[m]
    values = [v / d for v, d in zip(values, diagonal, strict=True)]
    for i in reversed(range(count)):
        for m in range(i + 1, count):
            values[i] = values[i] - lower[m][i] * values[m]
    return values
