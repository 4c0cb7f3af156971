"""What the readers and writers of all formats are told: layouts, options and templates."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from hyspec.cube import Cube
from hyspec.errors import UsageError

#: For each interleave, the order of the axes in the file; r = row, c = column, b = band.
FILE_AXES: dict[str, str] = {"bsq": "brc", "bil": "rbc", "bip": "rcb"}


def checked_interleave(value: str) -> str:
    """Return the interleave in lower case, or raise UsageError."""
    if value.lower() not in FILE_AXES:
        raise UsageError(f"interleave {value!r}; expected one of {', '.join(FILE_AXES)}")
    return value.lower()


def byte_order_mark(value: str) -> Literal["<", ">"]:
    """Return NumPy's mark (``<`` or ``>``) for ``little`` or ``big``, or raise UsageError."""
    marks: dict[str, Literal["<", ">"]] = {"little": "<", "big": ">"}
    if value not in marks:
        raise UsageError(f"byte order {value!r}; expected little or big")
    return marks[value]


@dataclass(frozen=True)
class RawLayout:
    """Layout of a headerless binary file.

    Attributes
    ----------
    rows, columns, bands : int
        Shape of the cube.
    dtype : str
        NumPy name of the sample type, such as ``"uint16"``.
    interleave : {"bsq", "bil", "bip"}
        Order of the samples: band by band, line by line and within it band by band, or pixel by
        pixel.
    byte_order : {"little", "big"}
        Byte order of each sample.
    offset : int
        Bytes before the first sample.

    Raises
    ------
    UsageError
        A dimension is not positive, the offset is negative, or a name is unknown.
    """

    rows: int
    columns: int
    bands: int
    dtype: str
    interleave: str = "bsq"
    byte_order: str = "little"
    offset: int = 0

    def __post_init__(self) -> None:
        """Check the values."""
        if min(self.rows, self.columns, self.bands) < 1:
            raise UsageError(
                f"raw layout of {self.rows} rows, {self.columns} columns and {self.bands} bands; "
                "expected positive numbers"
            )
        if self.offset < 0:
            raise UsageError(f"raw layout with offset {self.offset}; expected 0 or more")
        checked_interleave(self.interleave)
        _ = self.file_dtype

    @property
    def file_dtype(self) -> np.dtype[Any]:
        """Sample type in the file, with its byte order."""
        mark = byte_order_mark(self.byte_order)
        try:
            dtype = np.dtype(self.dtype)
        except TypeError:
            dtype = np.dtype(object)
        if dtype.kind not in "iuf":
            raise UsageError(
                f"raw layout with sample type {self.dtype!r}",
                hint="use a NumPy name such as uint8, int16, uint16, int32 or float32",
            )
        return dtype.newbyteorder(mark)

    @property
    def nbytes(self) -> int:
        """Expected size of the file in bytes."""
        return self.offset + self.rows * self.columns * self.bands * self.file_dtype.itemsize


@dataclass(frozen=True)
class ReadOptions:
    """Choices that only some formats can use; see :func:`hyspec.io.read`."""

    variable: str | None = None
    axes: str | None = None
    rows: int | None = None
    columns: int | None = None


@dataclass(frozen=True)
class Template:
    """Everything of a cube except its samples, to create a file that is filled afterwards.

    The attributes are those of :class:`hyspec.Cube`, with ``shape`` (rows, columns, bands) and
    ``dtype`` in place of the array.
    """

    shape: tuple[int, int, int]
    dtype: np.dtype[Any]
    wavelengths: npt.NDArray[np.float64] | None = None
    fwhm: npt.NDArray[np.float64] | None = None
    wavelength_unit: str | None = None
    nodata: float | None = None
    bad_bands: npt.NDArray[np.bool_] | None = None
    metadata: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Check shape, sample type and lengths with the rules of Cube."""
        rows, columns, bands = self.shape
        # A broadcast scalar has the shape and costs no memory.
        samples = np.broadcast_to(np.zeros((), self.dtype), (rows, columns, bands))
        Cube(samples, self.wavelengths, self.fwhm, bad_bands=self.bad_bands)

    @classmethod
    def of(cls, cube: Cube) -> Template:
        """Return the template of an existing cube."""
        return cls(
            shape=cube.shape,
            dtype=cube.array.dtype,
            wavelengths=cube.wavelengths,
            fwhm=cube.fwhm,
            wavelength_unit=cube.wavelength_unit,
            nodata=cube.nodata,
            bad_bands=cube.bad_bands,
            metadata=cube.metadata,
        )

    @property
    def bands(self) -> int:
        """Number of bands."""
        return self.shape[2]

    def section(self, name: str) -> dict[str, Any]:
        """Return the metadata of one file format, empty where there is none."""
        section = self.metadata.get(name)
        return section if isinstance(section, dict) else {}
