"""What tests of encoding make of cubes."""

import numpy as np

from hyspec.nodata import validity


def scaled(samples, dtype):
    """The scene, stretched over the range of a sample type."""
    unit = (samples - samples.min()) / np.ptp(samples).astype(float)
    if np.dtype(dtype).kind == "f":
        return (unit * 0.8 - 0.1).astype(dtype)
    limits = np.iinfo(dtype)
    return (limits.min + unit * (float(limits.max) - limits.min)).astype(dtype)


def mask_of(cube):
    valid = validity(cube.array, cube.nodata)
    return np.ones(cube.shape, bool) if valid is None else valid
