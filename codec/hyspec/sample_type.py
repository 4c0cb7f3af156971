"""Sample types of cubes and the signed 32-bit integers that the codec works on.

Integer samples are taken as they are, 32-bit unsigned ones shifted by 2^31. Floating-point samples
are counted in multiples of a quantisation step that the stream states: what is decoded is always
``step * integer``. docs/container_format.md, section 3.2.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from hyspec.errors import DataError, UsageError

_UINT32_SHIFT = 1 << 31
#: Automatic quantisation steps give a cube's range about this many levels.
_AUTO_LEVELS = 1 << 16
#: No automatic step is smaller than the smallest normal number of float64.
LEAST_EXPONENT = -1022


@dataclass(frozen=True)
class SampleType:
    """How samples become integers and integers become samples.

    Attributes
    ----------
    dtype : numpy.dtype
        Type of the cube's samples.
    step : float
        Quantisation step of floating-point samples; 0 for integer ones.
    """

    dtype: np.dtype[Any]
    step: float = 0.0

    @property
    def is_float(self) -> bool:
        """Whether samples are floating point."""
        return self.dtype.kind == "f"

    @property
    def is_small(self) -> bool:
        """Whether samples are integers of at most 16 bits: exact in single precision."""
        return not self.is_float and self.dtype.itemsize <= 2

    def to_counts(self, samples: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
        """Whole numbers of samples, any shape; NaN becomes 0 and is the mask's business.

        Raises
        ------
        DataError
            A sample is infinite, or too large for its step.
        """
        if not self.is_float:
            counts = np.asarray(samples).astype(np.float64)
            return counts - _UINT32_SHIFT if self.dtype == np.uint32 else counts
        counts = np.rint(np.asarray(samples, np.float64) / self.step)
        counts[np.isnan(counts)] = 0.0
        largest = float(np.abs(counts).max(initial=0.0))
        if math.isinf(largest):
            raise DataError(
                "the cube holds infinite samples that are not marked as nodata",
                hint="replace them, or declare them with --nodata inf",
            )
        if largest >= 2**31:
            raise DataError(
                f"a sample is {largest:.3g} quantisation steps; at most 2^31 - 1 are possible",
                hint=f"use a larger --float-step than {self.step:g}",
            )
        return counts

    def from_values(self, values: npt.NDArray[np.float64]) -> npt.NDArray[Any]:
        """Samples of decoded real values on the integer scale, rounded and clipped, any shape."""
        counts = np.rint(values)
        counts[np.isnan(counts)] = 0.0  # only a malicious stream drives a network that far
        if self.is_float:
            # The codec may overshoot the largest sample, which may be the largest of its type.
            most = math.floor(min(2.0**62, float(np.finfo(self.dtype).max) / self.step))
            return (np.clip(counts, -most, most) * self.step).astype(self.dtype)
        if self.dtype == np.uint32:
            counts = counts + _UINT32_SHIFT
        limits = np.iinfo(self.dtype)
        return np.clip(counts, limits.min, limits.max).astype(self.dtype)

    def to_integers(self, samples: npt.NDArray[Any]) -> npt.NDArray[np.int32]:
        """Whole numbers of samples, any shape, as the core takes them; errors as `to_counts`."""
        if not self.is_float and self.dtype != np.uint32:
            return np.ascontiguousarray(samples, np.int32)
        return np.ascontiguousarray(self.to_counts(samples).astype(np.int32))

    def from_integers(self, counts: npt.NDArray[np.int32]) -> npt.NDArray[Any]:
        """Samples of decoded whole numbers, clipped, any shape."""
        if self.is_float or self.dtype == np.uint32:
            return self.from_values(counts.astype(np.float64))
        limits = np.iinfo(self.dtype)
        return np.clip(counts, limits.min, limits.max).astype(self.dtype)

    def whole(self, sample: float) -> float:
        """Place of one sample among the whole numbers, which may lie between two of them."""
        if self.is_float:
            return float(sample) / self.step
        return float(sample) - (_UINT32_SHIFT if self.dtype == np.uint32 else 0)

    def nodata_fill(self, nodata: float | None) -> Any:
        """The value that marks nodata in decoded cubes, in the cube's own type.

        NaN or 0 where the cube has no nodata value, or one that its type cannot hold.
        """
        if nodata is None or (not self.is_float and not self._holds(nodata)):
            return self.dtype.type(np.nan) if self.is_float else self.dtype.type(0)
        with np.errstate(over="ignore"):
            return np.asarray(nodata).astype(self.dtype)[()]

    def marks(self, nodata: float | None) -> bool:
        """Whether a decoded sample could be mistaken for the nodata value."""
        if nodata is None or math.isnan(nodata):
            return False
        return self.is_float or self._holds(nodata)

    def _holds(self, value: float) -> bool:
        limits = np.iinfo(self.dtype)
        return float(value).is_integer() and limits.min <= value <= limits.max

    def avoid(self, samples: npt.NDArray[Any], nodata: Any) -> None:
        """Move decoded samples that happen to equal ``nodata`` by one step, in place."""
        hit = samples == nodata
        if not hit.any():
            return
        if self.is_float:
            moved = self.dtype.type(float(nodata) + self.step)
            # A step below the spacing of the type's numbers changes nothing.
            samples[hit] = np.nextafter(nodata, np.inf) if moved == nodata else moved
        else:
            limits = np.iinfo(self.dtype)
            samples[hit] = nodata - 1 if int(nodata) == limits.max else nodata + 1


def automatic_step(lowest: float, highest: float, integers: bool) -> float:
    """Quantisation step for floating-point samples of a range.

    Parameters
    ----------
    lowest, highest
        Range of the valid samples.
    integers
        Whether all valid samples are whole numbers.

    Returns
    -------
    float
        1 for whole numbers below 2^24, else the largest power of two that divides the range into
        at least 65536 steps.
    """
    if integers and max(abs(lowest), abs(highest)) < 2**24:
        return 1.0
    span = highest - lowest
    if span <= 0:
        span = max(abs(highest), 1.0)
    step = 2.0 ** max(LEAST_EXPONENT, math.floor(math.log2(span) - math.log2(_AUTO_LEVELS)))
    # A large common offset must still fit 31 bits.
    while max(abs(lowest), abs(highest)) / step >= 2**30:
        step *= 2
    return step


def check_step(step: float) -> float:
    """Return a user's quantisation step.

    Raises
    ------
    UsageError
        It is not a positive number.
    """
    if not (math.isfinite(step) and step > 0):
        raise UsageError(f"the quantisation step is {step}; expected a positive number")
    return step
