"""A hyperspectral cube in memory: samples, spectral axis, nodata and the source's own metadata."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from hyspec.errors import DataError

#: Sample types that hyspec encodes.
SAMPLE_DTYPES = ("uint8", "int8", "uint16", "int16", "uint32", "int32", "float32", "float64")


@dataclass
class Cube:
    """A hyperspectral cube.

    Attributes
    ----------
    array : ndarray, shape (rows, columns, bands)
        Samples; any view or memory map will do, nothing is copied.
    wavelengths : ndarray of float64, shape (bands,), or None
        Band centres in ``wavelength_unit``.
    fwhm : ndarray of float64, shape (bands,), or None
        Full widths at half maximum in ``wavelength_unit``.
    wavelength_unit : str or None
        Unit as the source writes it, such as ``"Nanometers"`` or ``"um"``.
    nodata : float or None
        Value of samples that hold no measurement; may be NaN. NaN samples of a floating-point
        cube are always nodata.
    bad_bands : ndarray of bool, shape (bands,), or None
        True where the source marks the band as bad.
    metadata : dict
        JSON-serialisable metadata of the source, by file format, e.g. ``{"envi": {...}}``.

    Raises
    ------
    DataError
        The array is not three-dimensional, is empty, has an unsupported sample type, or an
        attribute does not have one entry per band.
    """

    array: npt.NDArray[Any]
    wavelengths: npt.NDArray[np.float64] | None = None
    fwhm: npt.NDArray[np.float64] | None = None
    wavelength_unit: str | None = None
    nodata: float | None = None
    bad_bands: npt.NDArray[np.bool_] | None = None
    metadata: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Check shape, type and lengths."""
        if self.array.ndim != 3:
            raise DataError(
                f"a cube has 3 dimensions (rows, columns, bands); found shape {self.array.shape}",
                hint="add a band axis with array[..., None], or select a variable that has one",
            )
        if 0 in self.array.shape:
            raise DataError(f"the cube is empty: shape {self.array.shape}")
        if self.array.dtype.name not in SAMPLE_DTYPES:
            raise DataError(
                f"samples of type {self.array.dtype} are not supported",
                hint=f"convert to one of {', '.join(SAMPLE_DTYPES)}",
            )
        if self.wavelengths is not None:
            self.wavelengths = self._per_band("wavelengths", self.wavelengths, np.float64)
        if self.fwhm is not None:
            self.fwhm = self._per_band("fwhm", self.fwhm, np.float64)
        if self.bad_bands is not None:
            self.bad_bands = self._per_band("bad_bands", self.bad_bands, np.bool_)

    def _per_band(self, name: str, values: npt.ArrayLike, dtype: Any) -> npt.NDArray[Any]:
        result = np.asarray(values, dtype=dtype)
        if result.shape != (self.bands,):
            raise DataError(f"{name} has shape {result.shape}; expected ({self.bands},)")
        return result

    @property
    def rows(self) -> int:
        """Number of rows (lines)."""
        return int(self.array.shape[0])

    @property
    def columns(self) -> int:
        """Number of columns (samples per line)."""
        return int(self.array.shape[1])

    @property
    def bands(self) -> int:
        """Number of bands."""
        return int(self.array.shape[2])

    @property
    def shape(self) -> tuple[int, int, int]:
        """(rows, columns, bands)."""
        return self.rows, self.columns, self.bands
