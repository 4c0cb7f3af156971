"""Analysis packs in 8-bit integers, and what that costs."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx

from hyspec import inference
from hyspec.analysis.band_matching import Choice
from hyspec.analysis.pack_contents import GRAPHS, AnalysisPack
from hyspec.analysis.prediction import Piece, pieces, sampled_patches
from hyspec.cube import Cube
from hyspec.errors import DataError, PackError, UsageError
from hyspec.stream import Stream

#: Operators that are worth computing in integers: nearly all of the time goes there.
_PRODUCTS = ("Conv", "Gemm", "MatMul")
#: Patches of a batch of calibration.
_BATCH = 64


def quantise_pack(
    pack: AnalysisPack,
    scene: Cube | Stream,
    *,
    pixels: int = 2048,
    bands: Choice = None,
    labels: npt.NDArray[np.int64] | None = None,
    threads: int | None = None,
) -> tuple[AnalysisPack, dict[str, float]]:
    """Add the first graph of a pack in 8-bit integers.

    Parameters
    ----------
    pack
        The pack; what it has in integers is replaced.
    scene
        Scene to calibrate on, and to measure the loss on.
    pixels
        Pixels to calibrate on, at most.
    bands
        As of :func:`hyspec.analysis.band_matching.match`.
    labels : ndarray, shape (rows, columns), or None
        Of a classification: classes from 1, and 0 for pixels that are not known.
    threads
        All processors by default.

    Returns
    -------
    AnalysisPack
        With the graph, and with the loss under ``measured``.
    dict
        The loss, see :func:`loss`.

    Raises
    ------
    UsageError
        The pack takes any number of bands.
    DataError
        The scene has no pixel to calibrate on.
    PackError
        The bands do not fit, or nothing can be quantised.
    """
    if pack.bands is None:
        raise UsageError(
            f"pack {pack.name!r} takes any bands; only models of one sensor can be quantised"
        )
    patches = sampled_patches(scene, pack, pixels, bands=bands)
    if not len(patches):
        raise DataError("the scene has no pixel whose samples are all measured")
    batches = [patches[start : start + _BATCH] for start in range(0, len(patches), _BATCH)]
    name = GRAPHS[pack.task][0]
    graph = inference.quantised(pack.graphs[name], batches, inner_products)
    made = dataclasses.replace(pack, graphs_int8={name: graph}, id=b"")
    found = loss(made, scene, bands=bands, labels=labels, threads=threads)
    measured = {**pack.about.get("measured", {}), "int8": found}
    return dataclasses.replace(made, about={**pack.about, "measured": measured}), found


def inner_products(graph: bytes) -> list[str]:
    """Name the products of a graph, but for the last ones before the output.

    These stay in float32: 8 bits would bound the range of the result.

    Raises
    ------
    PackError
        There are no others.
    """
    found = onnx.load_from_string(graph).graph
    makers = {output: node for node in found.node for output in node.output}
    waiting, passed, last = [found.output[0].name], set(), set()
    while waiting:
        tensor = waiting.pop()
        if tensor in passed or tensor not in makers:
            continue
        passed.add(tensor)
        if makers[tensor].op_type in _PRODUCTS:
            last.add(tensor)
        else:
            waiting.extend(makers[tensor].input)
    products = [n for n in found.node if n.op_type in _PRODUCTS and n.output[0] not in last]
    inner = [node.name for node in products if node.name]  # ONNX Runtime finds them by name
    if not inner:
        raise PackError("a graph of the pack has no named product but the last to quantise")
    return inner


def loss(
    pack: AnalysisPack,
    scene: Cube | Stream,
    *,
    bands: Choice = None,
    labels: npt.NDArray[np.int64] | None = None,
    threads: int | None = None,
) -> dict[str, float]:
    """Measure what the graph in integers loses against the one in float32, over a whole scene.

    Parameters
    ----------
    pack, scene, bands, labels, threads
        As of :func:`quantise_pack`.

    Returns
    -------
    dict
        ``rmse`` between the two results; ``relative``, the same divided by the standard deviation
        of the float32 result over all pixels and planes. Of a classification also ``agreement``,
        the share of pixels with the same class, and, with labels, ``accuracy`` and
        ``accuracy_int8``, the shares of labelled pixels whose class is right.

    Raises
    ------
    DataError
        The labels do not have the shape of the scene, or no pixel has a result.
    """
    if labels is not None and labels.shape != scene.shape[:2]:
        raise DataError(f"labels have shape {labels.shape}; the scene has {scene.shape[:2]} pixels")
    sums = _Sums()
    for exact, integer in _both(pack, scene, bands, threads):
        known = exact.valid & integer.valid
        sums.results(exact.values[known], integer.values[known])
        if labels is not None:
            here = labels[exact.rows, exact.columns]
            counted = known & (here > 0)
            sums.truth(here[counted], exact.values[counted], integer.values[counted])
    if not sums.pixels:
        raise DataError("the scene has no pixel whose samples are all measured")
    return sums.record(classifies=bool(pack.classes))


def _both(
    pack: AnalysisPack, scene: Cube | Stream, bands: Choice, threads: int | None
) -> Iterator[tuple[Piece, Piece]]:
    name = GRAPHS[pack.task][0]
    settings: dict[str, Any] = {"bands": bands, "threads": threads}
    yield from zip(
        pieces(scene, pack, name, pack.outputs, **settings),
        pieces(scene, pack, name, pack.outputs, precision="int8", **settings),
        strict=True,
    )


class _Sums:
    """Sums over pixels, some at a time."""

    def __init__(self) -> None:
        self.pixels = self.same = self.labelled = self.right = self.right_int8 = 0
        self._squares = self._first = self._second = 0.0
        self._numbers = 0

    def results(self, exact: npt.NDArray[np.float32], integer: npt.NDArray[np.float32]) -> None:
        """Add results (pixels, F)."""
        values = exact.astype(np.float64)
        self._squares += float(((values - integer) ** 2).sum())
        self._first += float(values.sum())
        self._second += float((values**2).sum())
        self._numbers += values.size
        self.pixels += len(values)
        self.same += int((exact.argmax(axis=1) == integer.argmax(axis=1)).sum())

    def truth(
        self,
        labels: npt.NDArray[np.int64],
        exact: npt.NDArray[np.float32],
        integer: npt.NDArray[np.float32],
    ) -> None:
        """Add pixels (N) whose classes are known."""
        self.labelled += len(labels)
        self.right += int((exact.argmax(axis=1) + 1 == labels).sum())
        self.right_int8 += int((integer.argmax(axis=1) + 1 == labels).sum())

    def record(self, *, classifies: bool) -> dict[str, float]:
        """Return what the sums say."""
        rmse = (self._squares / self._numbers) ** 0.5
        mean = self._first / self._numbers
        spread = max(self._second / self._numbers - mean**2, 0.0) ** 0.5
        found = {"rmse": rmse, "relative": rmse / spread if spread else 0.0}
        if classifies:
            found["agreement"] = self.same / self.pixels
        if classifies and self.labelled:
            found["accuracy"] = self.right / self.labelled
            found["accuracy_int8"] = self.right_int8 / self.labelled
        return found
