"""The quantisation step of an encoding: how samples of a cube become whole numbers."""

from __future__ import annotations

import math

import numpy as np

from hyspec.cube import Cube
from hyspec.errors import DataError, UsageError
from hyspec.options import EncodeOptions
from hyspec.sample_type import LEAST_EXPONENT, SampleType, automatic_step
from hyspec.survey import Survey

#: Quantisation steps that the interquartile range of a floating-point cube must span at least.
_LEAST_SPREAD_STEPS = 4
#: Whole numbers of floating-point samples, and steps, stay below these.
_MOST_WHOLE = 2**31
_MOST_STEPS = 2**30
#: A bound is this many octaves above the step: two per cent of it are lost to quantisation.
_BOUND_OCTAVES = 6


def sample_type(cube: Cube, found: Survey, options: EncodeOptions) -> SampleType:
    """How the samples of a cube become whole numbers.

    Parameters
    ----------
    cube
        The cube.
    found
        Its statistics.
    options
        What the user asked for: perhaps a quantisation step of floating-point samples, or bounds
        that one has to serve.

    Raises
    ------
    UsageError
        A step that makes no sense for this cube.
    DataError
        No step serves both the range and the spread of the samples, or they cannot be lossless.
    """
    dtype, float_step = cube.array.dtype.newbyteorder("="), options.float_step
    if dtype.kind != "f":
        if float_step is not None:
            raise UsageError(
                f"a quantisation step is for floating-point cubes; this one holds {dtype.name}",
                hint="leave out --float-step; --rmse bounds the error of integer cubes",
            )
        return SampleType(dtype)
    if float_step is not None:
        if 0 < found.highest - found.lowest < float_step:
            raise UsageError(
                f"a quantisation step of {float_step:g} is more than the whole range of the "
                f"samples, {found.lowest:g} to {found.highest:g}",
                hint="use a smaller --float-step, or leave it out",
            )
        return SampleType(dtype, float_step)
    if not found.valid:
        return SampleType(dtype, 1.0)
    bounds = options.error_bounds(cube.bands)
    if bounds is not None:
        smallest = float(bounds.min())
        if options.max_relative_error is not None:
            share = options.max_relative_error * found.smallest
            smallest = min(smallest, max(share, np.finfo(np.float64).tiny))
        return SampleType(dtype, bounded_step(found, smallest))
    step = automatic_step(found.lowest, found.highest, found.integers)
    if not found.integers and 0 < found.spread < _LEAST_SPREAD_STEPS * step:
        raise DataError(
            f"samples reach from {found.lowest:g} to {found.highest:g}, but half of them lie "
            f"within {found.spread:.3g}: a quantisation step for the whole range would leave "
            "nothing of them",
            hint="mark extreme values that are no measurements with --nodata, or give a "
            "--float-step",
        )
    return SampleType(dtype, step)


def bounded_step(found: Survey, smallest: float) -> float:
    """Quantisation step of floating-point samples whose errors are bounded.

    Parameters
    ----------
    found
        Statistics of the cube, which has valid samples.
    smallest
        Smallest of their bounds in sample units; 0 for lossless.

    Returns
    -------
    float
        1 for whole numbers, which it leaves as they are. Otherwise a power of two of which the
        smallest bound holds so many that little of it is lost to quantisation, unless the range of
        the samples is too large for that.

    Raises
    ------
    DataError
        Samples that are to be lossless are not whole numbers.
    """
    largest = max(abs(found.lowest), abs(found.highest))
    if found.integers and largest < _MOST_WHOLE:
        return 1.0
    if smallest == 0:
        raise DataError(
            "floating-point samples that are not all whole numbers below 2^31 have no step that "
            "lossless coding could use",
            hint="give a --float-step that all samples are multiples of, or --max-error",
        )
    step = 2.0 ** max(math.floor(math.log2(smallest)) - _BOUND_OCTAVES, LEAST_EXPONENT)
    while largest / step >= _MOST_STEPS:
        step *= 2
    return step
