"""The sensor: from the light of the scene to noisy samples, a few bands at a time."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from hyspec.synthetic.atmosphere import Illumination
from hyspec.synthetic.sensor import SensorGrid

#: Sample types, with their value for samples without a measurement: one no sensor here produces.
NODATA = {"uint16": 65535.0, "int16": -9999.0, "float32": -9999.0}

#: Samples of the float32 working block; more bands at once gain nothing.
_BLOCK_SAMPLES = 1 << 22


def expose(
    grid: SensorGrid,
    light: Illumination,
    planes: npt.NDArray[np.float32],
    spectra: npt.NDArray[np.float32],
    *,
    vapour: npt.NDArray[np.float32],
    inside: npt.NDArray[np.bool_] | None,
    element: npt.NDArray[np.intp],
    dtype: str,
    noise: float,
    striping: float,
    rng: np.random.Generator,
) -> tuple[npt.NDArray[Any], npt.NDArray[np.float64]]:
    """Turn planes into the samples of the sensor, some bands at a time.

    Parameters
    ----------
    grid, light
        The sensor and what it gets to see.
    planes : ndarray of float32, shape (P, rows * columns)
        Planes of the ground signal.
    spectra : ndarray of float32, shape (bands, P)
        Counts per unit of each plane.
    vapour : ndarray of float32, shape (rows, columns)
        Relative excess of water vapour.
    inside : ndarray of bool, shape (rows, columns), or None
        Pixels to expose; the others get nodata.
    element : ndarray of intp, shape (rows, columns)
        Column of the sensor that sees the pixel.
    dtype
        Sample type, a key of ``NODATA``.
    noise, striping
        Factors on the noise and the stripes of the sensor.
    rng
        Source of the noise.

    Returns
    -------
    array : ndarray of dtype, shape (rows, columns, bands)
    mean_signal : ndarray of float64, shape (bands,)
        Mean noise-free counts of the measured pixels.
    """
    rows, columns = vapour.shape
    pixels = rows * columns
    array = np.empty((pixels, grid.bands), dtype=dtype)
    mean_signal = np.empty(grid.bands)
    outside = None if inside is None else ~inside.ravel()
    moist = vapour.ravel()
    elements = int(element.max()) + 1
    step = max(1, min(32, _BLOCK_SAMPLES // pixels))
    for first in range(0, grid.bands, step):
        block = spectra[first : first + step] @ planes  # (step, pixels)
        for offset, counts in enumerate(block):  # (pixels,), changed in place
            band = first + offset
            if light.vapour_depth[band] > 1e-3:
                counts *= np.exp(np.float32(-light.vapour_depth[band]) * moist)
            counts += np.float32(light.path[band])
            np.maximum(counts, 0, out=counts)
            measured = counts if inside is None else counts[inside.ravel()]
            mean_signal[band] = measured.mean(dtype=np.float64)
            # Always drawn, so that leaving out one effect does not change the others.
            drawn = rng.standard_normal(pixels, dtype=np.float32)
            gain, shift = rng.standard_normal((2, elements), dtype=np.float32)
            if noise > 0:
                drawn *= np.sqrt(np.float32(grid.photon_gain) * counts + grid.read_noise**2)
                drawn *= np.float32(noise)
            if striping > 0 and (grid.stripe_gain > 0 or grid.stripe_offset > 0):
                gain *= np.float32(striping * grid.stripe_gain)
                shift *= np.float32(striping * grid.stripe_offset)
                view = counts.reshape(rows, columns)
                view *= 1 + gain[element]
                view += shift[element]
            if noise > 0:
                counts += drawn
        array[:, first : first + step] = _quantise(block, dtype, outside).T
    return array.reshape(rows, columns, grid.bands), mean_signal


def _quantise(
    block: npt.NDArray[np.float32], dtype: str, outside: npt.NDArray[np.bool_] | None
) -> npt.NDArray[Any]:
    """Round to the sample type and write nodata; measurements never take its value."""
    nodata = NODATA[dtype]
    if dtype != "float32":
        limits = np.iinfo(dtype)
        # nodata is excluded also where the scene has none: the same counts with and without
        low = nodata + 1 if nodata < 0 else float(limits.min)
        high = nodata - 1 if nodata > 0 else float(limits.max)
        np.rint(block, out=block)
        np.clip(block, low, high, out=block)
    if outside is not None:
        block[:, outside] = nodata
    return block.astype(dtype)
