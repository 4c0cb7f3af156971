"""Graphs of an analysis model over a whole scene, piece by piece, in bounded memory.

Pieces overlap by P - 1 pixels, the extent of the model's patches, so that where they meet nothing
is to be seen. Beyond its edges the scene is continued as in a mirror.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from hyspec import inference
from hyspec.analysis import band_matching, scene_level
from hyspec.analysis.band_matching import Choice
from hyspec.analysis.pack_contents import AnalysisPack
from hyspec.analysis.scaling import Scaler
from hyspec.analysis.scene_rows import SceneRows, reflected
from hyspec.cube import Cube
from hyspec.errors import PackError, UsageError
from hyspec.parallel import default_threads, ordered_map
from hyspec.stream import Stream

Float32Array = npt.NDArray[np.float32]

#: Samples that a graph is given at once, about; what it makes of them inside may be 100 times more.
_SAMPLES = 1 << 20
#: Pixels that a graph is given at once, at least, and the most rows of them.
_LEAST_PIXELS, _MOST_ROWS = 256, 64
#: Samples of the rows that are read at once, about.
_ROW_SAMPLES = 1 << 24


@dataclass(frozen=True)
class Piece:
    """What a graph says of a part of a scene.

    Attributes
    ----------
    rows, columns : slice
        The part.
    values : ndarray of float32, shape (rows, columns, F)
    valid : ndarray of bool, shape (rows, columns)
        False for pixels of which a sample is missing, or the result is not finite.
    """

    rows: slice
    columns: slice
    values: Float32Array
    valid: npt.NDArray[np.bool_]


@dataclass(frozen=True)
class _Tile:
    """Samples of a part of a scene and of P - 1 rows and columns around it."""

    rows: slice
    columns: slice
    samples: npt.NDArray[Any]


class _Prepared:
    """Samples of a scene as the graphs of a model take them.

    Parameters
    ----------
    scene, pack, bands
        As of :func:`pieces`.
    """

    def __init__(self, scene: Cube | Stream, pack: AnalysisPack, bands: Choice) -> None:
        self._matching = band_matching.match(scene, pack, bands)
        self.code = self._matching.code
        self.bands = len(self._matching.lower)
        self._scaler = pack.scaler
        if pack.bands is None and pack.scaler.kind == "level":
            self._scaler = scene_level.level(scene, self._matching)
        elif pack.bands is None:
            of_all = (np.full(self.bands, v[0]) for v in (pack.scaler.offset, pack.scaler.scale))
            self._scaler = Scaler(pack.scaler.kind, *of_all)

    def __call__(self, samples: npt.NDArray[Any]) -> tuple[Float32Array, npt.NDArray[np.bool_]]:
        """Make planes (B, rows, columns) of samples, and tell which pixels are valid."""
        spectra, valid = self._matching(samples)
        with np.errstate(over="ignore", invalid="ignore"):
            planes = self._scaler(spectra).astype(np.float32).transpose(2, 0, 1)
        return planes, valid


def pieces(
    scene: Cube | Stream,
    pack: AnalysisPack,
    graph: str,
    outputs: int,
    *,
    bands: Choice = None,
    precision: str = "fp32",
    threads: int | None = None,
) -> Iterator[Piece]:
    """Run a graph over a scene.

    Parameters
    ----------
    scene
        The scene.
    pack
        The model.
    graph
        Name of a graph that takes spectra.
    outputs
        Number F of planes that it makes.
    bands
        As of :func:`hyspec.analysis.band_matching.match`.
    precision
        ``"fp32"``, or ``"int8"`` for the graph in 8-bit integers.
    threads
        Pieces that are computed at a time; all processors by default. The result does not depend
        on it.

    Raises
    ------
    PackError
        The bands do not fit, the pack has no such graph, or the graph does not what it should.
    UsageError
        There is no such precision.
    """
    if threads is not None and threads < 1:
        raise UsageError(f"threads is {threads}; expected at least 1")
    network = inference.network(_graph(pack, graph, precision))
    prepared = _Prepared(scene, pack, bands)

    def run(tile: _Tile) -> Piece:
        planes, valid = prepared(tile.samples)
        height, width = (s.stop - s.start for s in (tile.rows, tile.columns))
        if pack.whole_scenes:
            found = network(np.ascontiguousarray(planes)[None], prepared.code)
        else:
            found = _patches(network, planes, pack.patch, prepared.code, (outputs, height, width))
        if found.shape != (1, outputs, height, width):
            raise PackError(
                f"graph {graph!r} of pack {pack.name!r} gives {found.shape[1:]}; expected "
                f"{(outputs, height, width)}"
            )
        values = np.ascontiguousarray(found[0].transpose(1, 2, 0))
        middle = pack.patch // 2
        valid = valid[middle : middle + height, middle : middle + width]
        return Piece(tile.rows, tile.columns, values, valid & np.isfinite(values).all(axis=2))

    tiles = _tiles(scene, pack.patch, _SAMPLES // max(prepared.bands, outputs))
    return ordered_map(run, tiles, threads or default_threads())


def sampled_patches(
    scene: Cube | Stream,
    pack: AnalysisPack,
    count: int,
    *,
    bands: Choice = None,
    seed: int = 0,
) -> Float32Array:
    """Draw patches around pixels of a scene, as graphs of a model take them.

    Parameters
    ----------
    scene, pack, bands
        As of :func:`pieces`.
    count
        How many at most: pixels of which a sample is missing are left out.
    seed
        Of the draw.

    Returns
    -------
    ndarray of float32, shape (N, B, P, P)
        In the order of the pixels in the scene.

    Raises
    ------
    PackError
        The bands do not fit.
    """
    rows, columns, _ = scene.shape
    drawn = np.unique(np.random.default_rng(seed).integers(rows * columns, size=count))
    prepared, found = _Prepared(scene, pack, bands), []
    for tile in _tiles(scene, pack.patch, _SAMPLES // prepared.bands):
        row, column = np.divmod(drawn, columns)
        here = (row >= tile.rows.start) & (row < tile.rows.stop)
        here &= (column >= tile.columns.start) & (column < tile.columns.stop)
        row, column = row[here] - tile.rows.start, column[here] - tile.columns.start
        planes, valid = prepared(tile.samples)
        measured = valid[row + pack.patch // 2, column + pack.patch // 2]
        found.append(_views(planes, pack.patch)[:, row[measured], column[measured]].swapaxes(0, 1))
    return np.ascontiguousarray(np.concatenate(found))


def _graph(pack: AnalysisPack, name: str, precision: str) -> bytes:
    if precision not in ("fp32", "int8"):
        raise UsageError(f"precision is {precision!r}; expected 'fp32' or 'int8'")
    graphs = pack.graphs if precision == "fp32" else pack.graphs_int8
    if name not in graphs:
        raise PackError(
            f"pack {pack.name!r} has no graph {name!r} of precision {precision}",
            hint="use precision fp32" if name in pack.graphs else None,
        )
    return graphs[name]


def _tiles(scene: Cube | Stream, patch: int, pixels: int) -> Iterator[_Tile]:
    """Cut a scene into parts of about so many pixels."""
    rows, columns, bands = scene.shape
    pixels = max(pixels, _LEAST_PIXELS)
    height = min(rows, _MOST_ROWS, max(patch, _ROW_SAMPLES // (columns * bands)))
    width = min(columns, max(1, pixels // height))
    border = np.arange(patch - 1 + max(height, width)) - patch // 2
    source = SceneRows(scene)
    for row in range(0, rows, height):
        last = min(row + height, rows)
        block = source.take(reflected(row + border[: last - row + patch - 1], rows))
        for column in range(0, columns, width):
            end = min(column + width, columns)
            numbers = reflected(column + border[: end - column + patch - 1], columns)
            yield _Tile(slice(row, last), slice(column, end), block[:, numbers])


def _patches(
    network: inference.Network,
    planes: Float32Array,
    patch: int,
    code: Float32Array | None,
    shape: tuple[int, int, int],
) -> Float32Array:
    """Run a graph that takes one patch per pixel, and put its results together."""
    views = _views(planes, patch)
    bands, (outputs, height, width) = len(planes), shape
    size = max(1, _SAMPLES // (bands * patch**2))
    result = np.empty((outputs, height * width), np.float32)
    for start in range(0, height * width, size):
        rows, columns = np.divmod(np.arange(start, min(start + size, height * width)), width)
        batch = np.ascontiguousarray(views[:, rows, columns].swapaxes(0, 1))  # (N, bands, P, P)
        found = network(batch, code)
        if found.shape != (len(batch), outputs, 1, 1):
            raise PackError(
                f"a graph of the pack gives {found.shape}; expected {(len(batch), outputs, 1, 1)}"
            )
        result[:, start : start + size] = found[:, :, 0, 0].T
    return result.reshape(1, outputs, height, width)


def _views(planes: Float32Array, patch: int) -> Float32Array:
    """Patches (B, rows, columns, P, P) of planes, as a view."""
    return np.lib.stride_tricks.sliding_window_view(planes, (patch, patch), axis=(1, 2))
