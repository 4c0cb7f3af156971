"""Pictures of maps: classes in their colours, abundances and features side by side."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from hyspec.analysis.palette import NO_CLASS, Colour
from hyspec_tools.png import write_png

Uint8Array = npt.NDArray[np.uint8]

#: Between the panels, and where there is no result.
_GREY: Colour = (48, 48, 48)
_GAP = 4
#: Pictures with more pixels along a side show every second, third, ... pixel of the map.
_LARGEST_SIDE = 8192
#: Rows of a map that are read at a time.
_ROWS = 64


def class_picture(path: Path, classes: npt.NDArray[Any], colours: Sequence[Colour]) -> None:
    """Write a picture of a map of classes.

    Parameters
    ----------
    path
        PNG file to write.
    classes : ndarray of integers, shape (rows, columns)
        Classes from 1; 0 is black.
    colours
        Of the classes.
    """
    table = np.array([NO_CLASS, *colours], np.uint8)
    step = _step(*classes.shape)
    shown = classes[::step, ::step]
    height, width = shown.shape
    write_png(path, height, width, (table[rows] for rows in _blocks(shown)))


def mosaic(
    path: Path, planes: npt.NDArray[np.float32], colours: Sequence[Colour] | None = None
) -> None:
    """Write a picture with a panel per plane, in rows from the top left.

    Parameters
    ----------
    path
        PNG file to write.
    planes : ndarray of float32, shape (rows, columns, planes)
        Numbers; NaN is grey.
    colours
        Of the number 1 in each plane, with 0 as black. Without them, panels go from black at the
        2nd to white at the 98th percentile of the plane.
    """
    rows, columns, count = planes.shape
    across = min(count, max(1, round(math.sqrt(count * rows / columns))))  # nearly square
    down = -(-count // across)
    step = _step(down * (rows + _GAP), across * (columns + _GAP))
    shown = planes[::step, ::step]
    height, width = shown.shape[:2]
    size = down * (height + _GAP) - _GAP, across * (width + _GAP) - _GAP
    scales = [
        (*_stretch(shown[:, :, k]), (255, 255, 255)) if colours is None else (0.0, 1.0, colours[k])
        for k in range(count)
    ]

    def blocks() -> Iterator[Uint8Array]:
        for line in range(down):
            panels = range(line * across, min((line + 1) * across, count))
            for part in _blocks(shown):
                yield _line([_coloured(part[:, :, k], *scales[k]) for k in panels], size[1])
            if line < down - 1:
                yield _line([], size[1], _GAP)

    write_png(path, *size, blocks())


def _step(height: int, width: int) -> int:
    return -(-max(height, width) // _LARGEST_SIDE)


def _blocks(values: npt.NDArray[Any]) -> Iterator[npt.NDArray[Any]]:
    for row in range(0, len(values), _ROWS):
        yield np.asarray(values[row : row + _ROWS])


def _line(panels: Sequence[Uint8Array], width: int, rows: int = 0) -> Uint8Array:
    """Rows of panels beside each other."""
    result = np.empty((len(panels[0]) if panels else rows, width, 3), np.uint8)
    result[:] = _GREY
    for k, panel in enumerate(panels):
        start = k * (panel.shape[1] + _GAP)
        result[:, start : start + panel.shape[1]] = panel
    return result


def _coloured(
    values: npt.NDArray[np.float32], low: float, high: float, colour: Colour
) -> Uint8Array:
    known = np.isfinite(values)
    share = np.clip((np.where(known, values, 0).astype(np.float64) - low) / (high - low), 0, 1)
    painted = np.rint(share[:, :, None] * np.array(colour))
    return np.where(known[:, :, None], painted, np.array(_GREY)).astype(np.uint8)


def _stretch(plane: npt.NDArray[np.float32]) -> tuple[float, float]:
    known = plane[np.isfinite(plane)]
    if not known.size:
        return 0.0, 1.0
    low, high = (float(value) for value in np.percentile(known, (2, 98)))
    return low, high if high > low else low + 1
