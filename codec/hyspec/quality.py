"""Codes of standard deviations and of qualities, which all profiles share.

docs/band_profile.md, section 3.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from hyspec import _core

#: Scale codes: 0 is a constant band, 1 the standard deviation 2^-4, then sixteen per octave.
SCALE_ONE = 65
SCALES_PER_OCTAVE = 16
#: Steps per octave of the quality parameter ``step``, and levels per octave.
STEPS_PER_OCTAVE = 32
#: Least standard deviation that has a code.
LEAST_DEVIATION = 2.0**-4


def scale_codes(deviation: npt.NDArray[np.float64]) -> npt.NDArray[np.int32]:
    """Codes of standard deviations above 0 on the integer scale, any shape.

    Those beyond the largest code, which only components of extreme 32-bit samples have, share it.
    """
    octaves = np.log2(np.maximum(deviation, LEAST_DEVIATION))
    codes = SCALE_ONE + np.rint(SCALES_PER_OCTAVE * octaves)
    return np.asarray(np.clip(codes, 1, _core.MAX_SCALE), np.int32)


def deviations(codes: npt.NDArray[np.int32]) -> npt.NDArray[np.float64]:
    """Standard deviations that codes of 1 or more stand for, any shape."""
    return np.asarray(np.exp2((codes - SCALE_ONE) / SCALES_PER_OCTAVE), np.float64)


def step_for_octave(deviation: float, octave: float) -> int:
    """Quality step that gives a band of this standard deviation a quality in octaves."""
    step = round(STEPS_PER_OCTAVE * (math.log2(max(deviation, LEAST_DEVIATION)) - octave))
    return max(_core.MIN_STEP, min(_core.MAX_STEP, step))
