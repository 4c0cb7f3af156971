"""Rows of a scene, some at a time: of a cube, or of a stream that is decoded on the way."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from hyspec import io
from hyspec.cube import Cube
from hyspec.decoder import open_stream
from hyspec.stream import Stream

#: What can be analysed: a cube, a stream, or the path of either.
Scene = Cube | Stream | str | Path


@contextmanager
def opened(scene: Scene) -> Iterator[Cube | Stream]:
    """Open a path for the time of a ``with`` block; ``.hyc`` is a stream, all else a cube's file.

    Raises
    ------
    DataError, StreamError
        The file cannot be read.
    """
    if isinstance(scene, Cube | Stream):
        yield scene
    elif Path(scene).suffix.lower() == ".hyc":
        with open_stream(scene) as stream:
            yield stream
    else:
        yield io.read(scene)


class SceneRows:
    """The rows of a scene.

    Of a stream, whole rows of tiles are decoded, each once if rows are asked for in order; those in
    use are kept.

    Parameters
    ----------
    scene
        A cube or a stream.
    """

    def __init__(self, scene: Cube | Stream) -> None:
        self._scene = scene
        self._decoded: dict[int, npt.NDArray[Any]] = {}

    def take(self, numbers: npt.NDArray[np.int64]) -> npt.NDArray[Any]:
        """Samples of rows, shape (len(numbers), columns, bands), in the type of the scene.

        Parameters
        ----------
        numbers
            Of the rows: each near to the others, in any order.
        """
        first, last = int(numbers.min()), int(numbers.max())
        if isinstance(self._scene, Cube):
            return np.asarray(self._scene.array[first : last + 1])[numbers - first]
        height, rows = self._scene.tile_size[0], self._scene.shape[0]
        tiles = range(first // height, last // height + 1)
        self._decoded = {k: each for k, each in self._decoded.items() if k in tiles}
        for k in tiles:
            if k not in self._decoded:
                end = min((k + 1) * height, rows)
                self._decoded[k] = self._scene.read((k * height, end)).array
        _, columns, bands = self._scene.shape
        result = np.empty((len(numbers), columns, bands), self._scene.dtype)
        for k in tiles:
            here = numbers // height == k
            result[here] = self._decoded[k][numbers[here] - k * height]
        return result


def reflected(numbers: npt.NDArray[np.int64], size: int) -> npt.NDArray[np.int64]:
    """Indices within 0 to size - 1: beyond the edges, the scene is seen as in a mirror.

    The pixels at the edge are repeated: -1 becomes 0, -2 becomes 1 (``symmetric`` in NumPy).
    """
    folded = numbers % (2 * size)
    return np.minimum(folded, 2 * size - 1 - folded)
