"""Random fields over the pixels: correlated texture, parcels with edges, abundances, swaths."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

Field = npt.NDArray[np.float32]


def gaussian_field(rows: int, columns: int, exponent: float, rng: np.random.Generator) -> Field:
    """Draw a Gaussian random field with a power-law spectrum.

    Parameters
    ----------
    rows, columns
        Size in pixels.
    exponent
        The power falls as spatial frequency to the minus ``exponent``: 2 is rough as texture, 4
        smooth as terrain.
    rng
        Source of randomness.

    Returns
    -------
    ndarray of float32, shape (rows, columns)
        Mean 0 and standard deviation 1; all zero for a single pixel.
    """
    # Cut from a larger field: the transform is periodic, a scene is not.
    height, width = (_even(size + size // 4 + 2) for size in (rows, columns))
    spectrum = np.fft.rfft2(rng.standard_normal((height, width)))
    frequency = np.hypot(np.fft.fftfreq(height)[:, None], np.fft.rfftfreq(width)[None, :])
    frequency[0, 0] = 1.0
    spectrum *= frequency ** (-exponent / 2)
    spectrum[0, 0] = 0
    field = np.fft.irfft2(spectrum, s=(height, width))[:rows, :columns]
    field -= field.mean()
    deviation = float(field.std())
    return (field / deviation if deviation > 0 else field).astype(np.float32)


def abundances(
    rows: int, columns: int, endmembers: int, rng: np.random.Generator
) -> npt.NDArray[np.float32]:
    """Draw abundances: parcels with sharp edges, mixtures that vary smoothly inside them.

    Every parcel of a Voronoi diagram with wavy borders favours one endmember; correlated fields
    add to that, and a softmax makes fractions of the sum. Roads or rivers (a level set of a smooth
    field) and small rectangular objects are laid on top, and a slight blur mixes the pixels at the
    edges as optics do.

    Returns
    -------
    ndarray of float32, shape (endmembers, rows, columns)
        Not negative; the sum over endmembers is 1 to rounding.
    """
    parcel = _parcels(rows, columns, rng)
    parcels = int(parcel.max()) + 1
    # Dirichlet weights: some materials are common, others rare.
    share = rng.dirichlet(np.full(endmembers, 4.0))
    favourite = rng.choice(endmembers, size=parcels, p=share)
    purity = rng.uniform(1.5, 6.0, size=parcels).astype(np.float32)

    fractions = np.empty((endmembers, rows, columns), dtype=np.float32)
    for index in range(endmembers):
        offset = rng.normal(0.0, 0.7, size=parcels).astype(np.float32)
        offset[favourite == index] += purity[favourite == index]
        fractions[index] = offset[parcel] + 0.9 * gaussian_field(rows, columns, 2.8, rng)
    fractions -= fractions.max(axis=0)
    np.exp(fractions, out=fractions)
    fractions /= fractions.sum(axis=0)

    if endmembers > 1:
        line = np.abs(gaussian_field(rows, columns, 4.0, rng)) < 0.02 * rng.uniform(1, 2)
        _lay(fractions, line, int(rng.integers(endmembers)), 0.9)
        for _ in range(min(rows * columns // 1500, 2000)):
            height, width = (int(size) for size in rng.integers(2, 9, size=2))
            top, left = int(rng.integers(rows)), int(rng.integers(columns))
            index = int(rng.integers(endmembers))
            _lay(fractions[:, top : top + height, left : left + width], None, index, 0.95)
    fractions = _blur(fractions)
    fractions /= fractions.sum(axis=0)
    return fractions


def swath(
    rows: int, columns: int, rng: np.random.Generator
) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.intp]]:
    """Place a rotated flight line in the scene, as resampling to a map does.

    Returns
    -------
    inside : ndarray of bool, shape (rows, columns)
        True where the flight line covers the pixel and the pixel is not dead.
    element : ndarray of intp, shape (rows, columns)
        Column of the sensor that saw the pixel, from 0.
    """
    angle = math.radians(rng.uniform(6.0, 20.0)) * (1 if rng.random() < 0.5 else -1)
    row = np.arange(rows)[:, None] - (rows - 1) / 2
    column = np.arange(columns)[None, :] - (columns - 1) / 2
    across = column * math.cos(angle) + row * math.sin(angle)
    along = row * math.cos(angle) - column * math.sin(angle)
    inside = (np.abs(across) <= 0.46 * columns) & (np.abs(along) <= 0.46 * rows + 0.5)
    dead = rng.random((rows, columns)) < 2e-4
    inside &= ~dead
    inside[rows // 2, columns // 2] = True  # a scene is never without a measurement
    element = np.rint(across - across.min()).astype(np.intp)
    return inside, element


def _even(size: int) -> int:
    """Round up to a multiple of 32 (of 2 where small), for which the transform is quick."""
    unit = 32 if size > 64 else 2
    return -(-size // unit) * unit


def _parcels(rows: int, columns: int, rng: np.random.Generator) -> npt.NDArray[np.intp]:
    """Number the parcels of a Voronoi diagram whose borders a random field makes wavy."""
    count = int(np.clip(rows * columns / 900, 4, 250))
    site_row = rng.uniform(0, rows, count).astype(np.float32)
    site_column = rng.uniform(0, columns, count).astype(np.float32)
    bend = 0.25 * math.sqrt(rows * columns / count)
    row = np.arange(rows, dtype=np.float32)[:, None] + bend * gaussian_field(rows, columns, 3, rng)
    column = np.arange(columns, dtype=np.float32) + bend * gaussian_field(rows, columns, 3, rng)
    nearest = np.zeros((rows, columns), dtype=np.intp)
    distance = np.full((rows, columns), np.inf, dtype=np.float32)
    for index in range(count):
        candidate = (row - site_row[index]) ** 2 + (column - site_column[index]) ** 2
        closer = candidate < distance
        nearest[closer] = index
        np.minimum(distance, candidate, out=distance)
    return nearest


def _lay(
    fractions: Field, where: npt.NDArray[np.bool_] | None, endmember: int, cover: float
) -> None:
    """Cover pixels (all, or those of a mask) with an endmember, to a fraction of ``cover``."""
    keep = np.float32(1 - cover) if where is None else np.where(where, np.float32(1 - cover), 1)
    fractions *= keep
    fractions[endmember] += 1 - keep


def _blur(fractions: Field) -> Field:
    """Mix each pixel with its neighbours: one seventh from either side, rows then columns."""
    for axis in (1, 2):
        width = [(0, 0), (0, 0), (0, 0)]
        width[axis] = (1, 1)
        padded = np.pad(fractions, width, mode="edge")
        size = fractions.shape[axis]
        before, after = (np.take(padded, range(start, start + size), axis=axis) for start in (0, 2))
        fractions = (5 * fractions + before + after) / np.float32(7)
    return fractions
