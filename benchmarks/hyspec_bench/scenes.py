"""Scenes of a benchmark: files that hyspec reads, as cubes of integers without nodata."""

from __future__ import annotations

import glob
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

import hyspec
from hyspec.errors import DataError, UsageError
from hyspec.nodata import validity

#: Floating-point samples count as multiples of 1 / n if they are that close to them.
_TOLERANCE = 1e-4
_MAX_MULTIPLIER = 1 << 16


@dataclass(frozen=True)
class Scene:
    """A cube to be measured.

    Attributes
    ----------
    name : str
        Name of the file without suffix.
    path : Path
        Where it was read from.
    cube : Cube
        Integer samples; wavelengths where the file has them, no other metadata.
    multiplier : int
        What the samples of the file were multiplied with to be integers.
    sha256 : str
        Hash of the integer samples, little-endian in the order (rows, columns, bands), after
        their shape and type as text.
    """

    name: str
    path: Path
    cube: hyspec.Cube
    multiplier: int
    sha256: str


def find(patterns: Sequence[str]) -> list[Path]:
    """Files of glob patterns, each once, sorted within a pattern.

    Raises
    ------
    UsageError
        A pattern fits no file, or two files have the same name without suffix.
    """
    paths: dict[str, Path] = {}
    for pattern in patterns:
        found = sorted(glob.glob(pattern, recursive=True))  # noqa: PTH207 (absolute patterns)
        if not found:
            raise UsageError(f"no file fits {pattern!r}", hint="quote patterns, check the folder")
        for path in map(Path, found):
            if paths.setdefault(path.stem, path).resolve() != path.resolve():
                raise UsageError(
                    f"{paths[path.stem]} and {path} share the name {path.stem!r}",
                    hint="results are kept by name: rename one, or use two output folders",
                )
    return list(paths.values())


def load(path: Path) -> Scene:
    """Read a scene as integers.

    Floating-point samples must be integers times 1 / n for some n up to 65536, as calibrated
    counts often are; they are multiplied with n.

    Raises
    ------
    DataError
        The samples are no such multiples, or the scene holds nodata.
    """
    source = hyspec.io.read(path)
    array = np.ascontiguousarray(source.array)
    valid = validity(array, source.nodata)
    if valid is not None and not valid.all():
        raise DataError(
            f"{path}: {np.count_nonzero(~valid)} samples hold nodata, of which rivals know nothing",
            hint="crop the scene, or remove bands, so that every sample is valid",
        )
    multiplier = 1
    if array.dtype.kind == "f":
        multiplier = integer_multiplier(array)
        array = np.rint(array.astype(np.float64) * multiplier).astype(np.int64)
        array = array.astype(smallest_type(int(array.min()), int(array.max())))
    digest = hashlib.sha256(f"{array.shape} {array.dtype.name} ".encode())
    digest.update(array.astype(array.dtype.newbyteorder("<")).tobytes())
    cube = hyspec.Cube(
        array, wavelengths=source.wavelengths, wavelength_unit=source.wavelength_unit
    )
    return Scene(path.stem, path, cube, multiplier, digest.hexdigest())


def integer_multiplier(array: npt.NDArray[np.floating]) -> int:
    """Least n for which n times the samples are integers.

    Raises
    ------
    DataError
        There is none up to 65536.
    """
    values = np.unique(array.astype(np.float64))
    if np.all(values == np.rint(values)):
        return 1
    # Differences of neighbouring values are multiples of 1 / n as well; one of them is the least.
    gaps = np.diff(values)
    least = float(gaps[gaps > _TOLERANCE / _MAX_MULTIPLIER].min(initial=np.inf))
    for times in range(1, 17):
        n = round(times / least)
        if 1 <= n <= _MAX_MULTIPLIER:
            scaled = values * n
            if np.abs(scaled - np.rint(scaled)).max() < _TOLERANCE * max(1.0, n / 1000):
                return n
    raise DataError(
        "the floating-point samples are no multiples of a common fraction",
        hint="convert the scene to integers first",
    )


def smallest_type(low: int, high: int) -> np.dtype[np.integer]:
    """Smallest integer type that holds a range.

    Raises
    ------
    DataError
        None of 32 bits does.
    """
    for name in ("uint8", "int8", "uint16", "int16", "uint32", "int32"):
        limits = np.iinfo(name)
        if limits.min <= low and high <= limits.max:
            return np.dtype(name)
    raise DataError(f"samples from {low} to {high} do not fit 32 bits")
