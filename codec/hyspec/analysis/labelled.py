"""Scenes with what is known of them: classes, abundances, endmembers, or anomalies."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from hyspec import io
from hyspec.cube import Cube
from hyspec.errors import DataError


@dataclass(frozen=True)
class LabelledScene:
    """A cube and its ground truth.

    Attributes
    ----------
    name : str
    cube : Cube
    labels : ndarray of int64, shape (rows, columns), or None
        Classes from 1; 0 is background.
    class_names : tuple of str
        Name of class i + 1; empty where the source has none.
    abundances : ndarray of float64, shape (rows, columns, endmembers), or None
    endmembers : ndarray of float64, shape (endmembers, bands), or None
        In the unit of the samples times ``endmember_scale``.
    endmember_scale : float
        Spectra in the unit of the endmembers are samples times this.
    anomalies : ndarray of bool, shape (rows, columns), or None
    part : str or None
        ``train``, ``validation`` or ``test`` where the data set has an official split.

    Raises
    ------
    DataError
        Shapes do not fit each other.
    """

    name: str
    cube: Cube
    labels: npt.NDArray[np.int64] | None = None
    class_names: tuple[str, ...] = ()
    abundances: npt.NDArray[np.float64] | None = None
    endmembers: npt.NDArray[np.float64] | None = None
    endmember_scale: float = 1.0
    anomalies: npt.NDArray[np.bool_] | None = None
    part: str | None = None

    def __post_init__(self) -> None:
        """Check the shapes."""
        image = self.cube.array.shape[:2]
        for name in ("labels", "abundances", "anomalies"):
            values = getattr(self, name)
            if values is not None and values.shape[:2] != image:
                raise DataError(
                    f"{self.name}: {name} have shape {values.shape}; the cube has {image} pixels"
                )
        if self.endmembers is not None and self.endmembers.shape[1:] != (self.cube.bands,):
            raise DataError(
                f"{self.name}: endmembers have shape {self.endmembers.shape}; the cube has "
                f"{self.cube.bands} bands"
            )

    def spectra(self) -> npt.NDArray[np.float64]:
        """Samples in the unit of the endmembers, shape (rows, columns, bands)."""
        return np.asarray(self.cube.array, np.float64) * self.endmember_scale


def read(
    cube: str | Path | Cube,
    labels: str | Path | npt.NDArray[Any],
    *,
    class_names: tuple[str, ...] = (),
    cube_variable: str | None = None,
    labels_variable: str | None = None,
) -> LabelledScene:
    """Read a scene of one's own: a cube and a map of classes.

    Parameters
    ----------
    cube
        A file that :func:`hyspec.io.read` reads (ENVI, GeoTIFF, MATLAB, NumPy, HDF5), or a cube.
    labels
        A file of the same formats with one band, or an array of shape (rows, columns).
    class_names
        Name of class i + 1.
    cube_variable, labels_variable
        MATLAB variable or HDF5 dataset, where a file holds several.

    Raises
    ------
    DataError
        A file cannot be read, labels are not whole numbers, or the shapes do not fit.
    """
    if not isinstance(cube, Cube):
        name = Path(cube).stem
        cube = io.read(cube, variable=cube_variable)
    else:
        name = "scene"
    if not isinstance(labels, np.ndarray):
        labels = read_map(labels, variable=labels_variable)
    return LabelledScene(name, cube, whole_numbers(labels, name), class_names)


def read_map(path: str | Path, *, variable: str | None = None) -> npt.NDArray[Any]:
    """Read an image of one band, such as a map of classes, shape (rows, columns).

    Raises
    ------
    DataError
        The file cannot be read or has more than one band.
    """
    axes = "rc" if Path(path).suffix.lower() in (".mat", ".npy", ".h5", ".hdf5") else None
    array = io.read(path, variable=variable, axes=axes).array
    if array.shape[2] != 1:
        raise DataError(
            f"{path} has {array.shape[2]} bands; expected one, a map",
            hint="name the variable of the map, or take one band out",
        )
    return np.asarray(array[:, :, 0])


def whole_numbers(labels: npt.NDArray[Any], name: str) -> npt.NDArray[np.int64]:
    """Labels as integers; what is not finite or below 0 becomes 0, background.

    Raises
    ------
    DataError
        A label has a fractional part, or the array is not (rows, columns).
    """
    labels = np.asarray(labels)
    if labels.ndim != 2:
        raise DataError(f"{name}: labels have shape {labels.shape}; expected (rows, columns)")
    values = np.nan_to_num(labels.astype(np.float64), nan=0.0, posinf=0.0, neginf=0.0)
    values = np.maximum(values, 0)
    if np.any(values != np.rint(values)):
        raise DataError(
            f"{name}: labels are not whole numbers",
            hint="expected classes from 1 and 0 for background, not probabilities or colours",
        )
    return values.astype(np.int64)
