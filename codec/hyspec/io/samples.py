"""Sample types and nodata values, brought to those that a Cube can hold."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from hyspec.cube import SAMPLE_DTYPES
from hyspec.errors import DataError


def supported_samples(array: npt.NDArray[Any], source: str) -> npt.NDArray[Any]:
    """Return the array unchanged, or converted without loss to a supported sample type.

    64-bit integers become the smallest integer type that holds all their values, logical values
    uint8, half-precision floats float32.

    Raises
    ------
    DataError
        The values do not fit, or the type is no number.
    """
    dtype = array.dtype
    if dtype.name in SAMPLE_DTYPES:
        return array
    if dtype.kind == "b":
        return array.astype(np.uint8)
    if dtype.name == "float16":
        return array.astype(np.float32)
    if dtype.kind in "iu" and array.size:
        low, high = int(array.min()), int(array.max())
        for name in ("uint8", "int8", "uint16", "int16", "uint32", "int32"):
            limits = np.iinfo(name)
            if limits.min <= low and high <= limits.max:
                return array.astype(name)
        raise DataError(
            f"{source}: values from {low} to {high} in {dtype} do not fit 32-bit integers",
            hint="rescale the samples, or convert them to float32",
        )
    raise DataError(
        f"{source}: samples of type {dtype} are not supported",
        hint=f"convert them to one of {', '.join(SAMPLE_DTYPES)}",
    )


def nodata_for(value: float | None, dtype: np.dtype[Any]) -> float | None:
    """Return a nodata value as samples of ``dtype`` hold it.

    Headers give decimal numbers such as -3.4028235e+38; compared with float32 samples they only
    match after rounding to float32.
    """
    if value is None or dtype.name != "float32":
        return value
    with np.errstate(over="ignore"):
        return float(np.float32(value))


def parse_nodata(text: str, source: str) -> float | None:
    """Return the number that a header gives as nodata value; None for an empty or ``none`` field.

    Raises
    ------
    DataError
        The text is no number.
    """
    text = text.strip(" \t\r\n\0")
    if text.lower() in ("", "none"):
        return None
    try:
        return float(text)
    except ValueError:
        raise DataError(
            f"{source}: nodata value {text!r} is no number", hint="correct or remove that field"
        ) from None


def format_number(value: float) -> str:
    """Return the shortest decimal text that reads back as the same double; integers without dot."""
    number = float(value)
    return str(int(number)) if number.is_integer() and abs(number) < 2**53 else repr(number)
