"""Pictures of a cube, its decoded form and the error between them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from hyspec.cube import Cube
from hyspec.intervals import to_nanometres
from hyspec.nodata import validity
from hyspec_tools.common import extra

#: Wavelengths in nm that stand for red, green and blue.
_RGB_NM = (640.0, 550.0, 460.0)


def rgb_bands(cube: Cube) -> tuple[int, int, int]:
    """Bands nearest to red, green and blue; evenly spaced ones where wavelengths are unknown."""
    centres = None
    if cube.wavelengths is not None:
        centres = to_nanometres(cube.wavelengths, cube.wavelength_unit)
    if centres is None:
        picks = [round(f * (cube.bands - 1)) for f in (0.75, 0.5, 0.25)]
    else:
        picks = [int(np.nanargmin(np.abs(centres - nm))) for nm in _RGB_NM]
    return picks[0], picks[1], picks[2]


def pyplot() -> Any:
    """Return ``matplotlib.pyplot``, drawing to files only.

    Raises
    ------
    MissingDependencyError
        matplotlib is not installed.
    """
    with extra("plot", "drawing"):
        import matplotlib as mpl

        mpl.use("Agg")
        from matplotlib import pyplot as plt
    return plt


def comparison_figure(original: Cube, decoded: Cube, path: Path, title: str) -> None:
    """Write a picture: original, decoded, error per pixel, and spectra of three pixels.

    Parameters
    ----------
    original, decoded
        Cubes of the same shape.
    path
        File to write; the suffix gives the format.
    title
        Line above the panels.

    Raises
    ------
    MissingDependencyError
        matplotlib is not installed.
    """
    plt = pyplot()
    bands = rgb_bands(original)
    low, high = _stretch(original, bands)
    valid = validity(original.array, original.nodata)
    mask = np.ones(original.shape, bool) if valid is None else valid
    difference = decoded.array.astype(np.float64) - original.array.astype(np.float64)
    squares = np.where(mask, difference, 0) ** 2
    error = np.sqrt(squares.sum(2) / np.maximum(mask.sum(2), 1))
    error[~mask.any(2)] = np.nan

    figure, axes = plt.subplots(
        2, 3, figsize=(12, 8), layout="constrained", height_ratios=(3, 2), dpi=110
    )
    figure.suptitle(title)
    for axis, cube, name in ((axes[0, 0], original, "original"), (axes[0, 1], decoded, "decoded")):
        axis.imshow(_rgb(cube, bands, low, high))
        axis.set_title(name)
    shown = axes[0, 2].imshow(error, cmap="magma", vmin=0)
    axes[0, 2].set_title("RMSE per pixel")
    figure.colorbar(shown, ax=axes[0, 2], shrink=0.8)
    for axis in axes[0]:
        axis.set_xticks([])
        axis.set_yticks([])
    x: npt.NDArray[Any] = np.arange(original.bands)
    label = "band"
    if original.wavelengths is not None:
        x, label = original.wavelengths, f"wavelength, {original.wavelength_unit or 'unknown unit'}"
    for axis, (row, column) in zip(axes[1], _pixels(mask), strict=True):
        axis.plot(x, _spectrum(original, mask, row, column), lw=1.2, label="original")
        axis.plot(x, _spectrum(decoded, mask, row, column), lw=0.9, label="decoded")
        axis.set_title(f"pixel {row}, {column}", fontsize=9)
        axis.set_xlabel(label)
        axes[0, 0].plot(column, row, "+", color="white", ms=9)
    axes[1, 0].set_ylabel("sample value")
    axes[1, 0].legend(fontsize=8)
    figure.savefig(path)
    plt.close(figure)


def _stretch(
    cube: Cube, bands: tuple[int, int, int]
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Second and 98th percentile of each of the three bands, both of shape (3,)."""
    low, high = np.zeros(3), np.ones(3)
    for k, band in enumerate(bands):
        plane = cube.array[:, :, band]
        valid = validity(plane, cube.nodata)
        samples = plane if valid is None else plane[valid]
        if samples.size:
            low[k], high[k] = np.percentile(samples, (2, 98))
    return low, np.where(high > low, high, low + 1)


def _rgb(
    cube: Cube,
    bands: tuple[int, int, int],
    low: npt.NDArray[np.float64],
    high: npt.NDArray[np.float64],
) -> npt.NDArray[np.float64]:
    picked = np.nan_to_num(cube.array[:, :, list(bands)].astype(np.float64))
    return np.asarray(np.clip((picked - low) / (high - low), 0, 1))


def _pixels(mask: npt.NDArray[np.bool_]) -> list[tuple[int, int]]:
    """Three valid pixels on the diagonal, as far as there are any."""
    rows, columns, _ = mask.shape
    usable = np.argwhere(mask.any(2))
    wanted = [(rows * f // 4, columns * f // 4) for f in (1, 2, 3)]
    if not len(usable):
        return wanted
    nearest = [usable[np.abs(usable - np.array(w)).sum(1).argmin()] for w in wanted]
    return [(int(r), int(c)) for r, c in nearest]


def _spectrum(
    cube: Cube, mask: npt.NDArray[np.bool_], row: int, column: int
) -> npt.NDArray[np.float64]:
    values = cube.array[row, column].astype(np.float64)
    return np.where(mask[row, column], values, np.nan)
