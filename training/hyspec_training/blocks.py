"""Parts of scenes that are transformed or coded as one, like the tiles of the codec."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from hyspec_training.data import Scene

#: A block has at most this many rows and columns,
SIDE = 256
#: and at least this many, or is none.
LEAST_SIDE = 16
#: Blocks of a scene.
_MOST_BLOCKS = 4


@dataclass(frozen=True)
class Block:
    """Rows and columns of a scene."""

    rows: slice
    columns: slice

    def read(self, scene: Scene, bands: npt.NDArray[np.int64]) -> npt.NDArray[np.generic]:
        """Samples of some bands in the type of the scene, shape (rows, columns, bands)."""
        return np.ascontiguousarray(scene.array[self.rows, self.columns][:, :, bands])


def middle(scene: Scene) -> Block:
    """Return the block in the middle of a scene."""
    sizes = [(n, min(n, SIDE)) for n in scene.array.shape[:2]]
    return Block(*(slice((n - side) // 2, (n + side) // 2) for n, side in sizes))


def spread(scene: Scene) -> list[Block]:
    """Return up to four blocks of one size, spread over a scene; none if it is too small."""
    rows, columns = (_parts(n) for n in scene.array.shape[:2])
    blocks = [Block(r, c) for r in rows for c in columns]
    if len(blocks) > _MOST_BLOCKS:
        picks = np.linspace(0, len(blocks) - 1, _MOST_BLOCKS).round().astype(int)
        blocks = [blocks[k] for k in picks]
    return blocks


def _parts(length: int) -> list[slice]:
    """Equal parts of an axis."""
    count = math.ceil(length / SIDE)
    side = length // count
    if side < LEAST_SIDE:
        return []
    return [slice(k * side, (k + 1) * side) for k in range(count)]
