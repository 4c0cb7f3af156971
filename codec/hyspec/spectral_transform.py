"""The adaptive spectral transform of a tile: its mean spectrum and principal components.

The Karhunen-Loève transform packs what bands have in common into few planes. Its basis is estimated
from some of the tile's pixels, sent as whole numbers, and made orthonormal again from these on both
sides: an error of the basis costs a little compaction, never exactness. (Q. Du, J. E. Fowler,
"Hyperspectral image compression using JPEG2000 and principal component analysis", IEEE Geoscience
and Remote Sensing Letters 4(2), 2007.)
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from hyspec.sample_type import SampleType

#: Pixels that the covariance is estimated from, unless the tile has fewer.
_DRAWN_PIXELS = 1 << 14
#: Of more bands than this, fewer pixels are drawn, so that neither time nor memory grow with the
#: square of the bands.
_MANY_BANDS = 2048
_DRAWN_OF_MANY = 512
#: Pixels far from the mean that are drawn, too.
_FARTHEST_PIXELS = 256
#: Pixels that are transformed at once.
_BLOCK_PIXELS = 1 << 12
#: A component is considered if its variance is more than this share of the squared quantiser step.
_LEAST_VARIANCE = 0.05
#: Unit of a row of the basis, times sqrt(variance * pixels) / quantiser step.
_BASIS_STEP = 1.3
_LARGEST_ENTRY = 1 << 24
#: A row of the basis is left out if less than this is left of its largest number without the rows
#: before.
_LEAST_REMAINDER = 1e-3

Float64Array = npt.NDArray[np.float64]


class TileSpectra:
    """Samples of a tile as spectra on the integer scale, a few pixels at a time.

    Parameters
    ----------
    samples
        Samples as the cube holds them, shape (rows, columns, bands).
    valid
        Mask of the same shape, or ``None`` for all.
    sample_type
        How samples become whole numbers.

    Attributes
    ----------
    varies : ndarray of bool, shape (bands,)
        Bands whose valid samples are not all equal.
    mean : ndarray of float64, shape (bands,)
        Mean of those; of the others their value, or 0 without valid samples.

    Raises
    ------
    DataError
        A valid sample is infinite, or too large for its quantisation step.
    """

    def __init__(
        self,
        samples: npt.NDArray[Any],
        valid: npt.NDArray[np.bool_] | None,
        sample_type: SampleType,
    ) -> None:
        self._samples = samples
        self._valid = valid
        self._type = sample_type
        #: Numbers of 16 bits and their differences are exact in single precision.
        self._float: Any = np.float32 if sample_type.is_small else np.float64
        low, high, mean = self._survey()
        self.varies = high > low
        self.mean = np.where(self.varies, mean, np.where(np.isfinite(low), low, 0.0))

    def _counts(self, rows: slice) -> tuple[npt.NDArray[Any], npt.NDArray[np.bool_] | None]:
        """Whole numbers of some rows, 0 where they are not valid, and the mask."""
        part = self._samples[rows]
        valid = None if self._valid is None else self._valid[rows]
        if valid is not None:
            part = np.where(valid, part, part.dtype.type(0))
        if self._float == np.float32:
            return part.astype(np.float32), valid
        return self._type.to_counts(part), valid

    def _survey(self) -> tuple[Float64Array, Float64Array, Float64Array]:
        """Lowest, highest and mean valid sample of each band; infinities and 0 without any."""
        bands = self._samples.shape[2]
        low, high = np.full(bands, np.inf), np.full(bands, -np.inf)
        total, number = np.zeros(bands), np.zeros(bands)
        for rows in self._row_blocks():
            counts, valid = self._counts(rows)
            where: Any = True if valid is None else valid
            low = np.minimum(low, counts.min((0, 1), initial=np.inf, where=where))
            high = np.maximum(high, counts.max((0, 1), initial=-np.inf, where=where))
            total += counts.sum((0, 1), dtype=np.float64, where=where)
            number += counts.shape[0] * counts.shape[1] if valid is None else valid.sum((0, 1))
        return low, high, total / np.maximum(number, 1)

    def _row_blocks(self) -> list[slice]:
        rows, columns, _ = self._samples.shape
        step = max(1, _BLOCK_PIXELS // columns)
        return [slice(row, min(row + step, rows)) for row in range(0, rows, step)]

    def _drawn(self) -> tuple[npt.NDArray[np.intp], Float64Array]:
        """Pixels to take the covariance from, and how many pixels each stands for.

        Some that are spread evenly over those with valid samples, and those that lie farthest from
        the mean: a direction that no drawn pixel has could not be coded, at any quality.
        """
        rows, columns, _ = self._samples.shape
        measured = self.measured()
        usable = np.arange(rows * columns) if measured is None else np.flatnonzero(measured)
        most = _DRAWN_PIXELS if self.varies.sum() <= _MANY_BANDS else _DRAWN_OF_MANY
        every = max(1, -(-len(usable) // most))
        while math.gcd(every, columns) > 1:  # in step with the columns, some would never be drawn
            every += 1
        drawn = usable[every // 2 :: every] if every > 1 else usable
        weights = np.full(len(drawn), float(every))
        if every > 1:
            distance = np.concatenate([self._distances(part) for part in self._row_blocks()])
            farthest = np.argpartition(distance, -_FARTHEST_PIXELS)[-_FARTHEST_PIXELS:]
            added = np.setdiff1d(farthest, drawn)
            drawn = np.concatenate([drawn, added])
            weights = np.concatenate([weights, np.ones(len(added))])
        return drawn, weights

    def _distances(self, rows: slice) -> npt.NDArray[Any]:
        """Squared distances of the spectra of some rows from the mean, flat."""
        counts, valid = self._counts(rows)
        counts -= self.mean.astype(self._float)
        if valid is not None:
            counts[~valid] = 0
        return np.asarray(np.einsum("rcb,rcb->rc", counts, counts)).ravel()

    def components(self) -> tuple[Float64Array, Float64Array]:
        """Principal components of the bands that vary, estimated from some of the pixels.

        Returns
        -------
        variance : ndarray, shape (n,)
            Descending; as many as bands that vary, or as pixels if there are far fewer of them.
        direction : ndarray, shape (n, varying)
            One unit vector per row.
        """
        drawn, weights = self._drawn()
        row, column = np.divmod(drawn, self._samples.shape[1])
        part = self._samples[row, column]
        valid = None if self._valid is None else self._valid[row, column]
        if valid is not None:
            part = np.where(valid, part, part.dtype.type(0))
        centred = self._type.to_counts(part) - self.mean
        if valid is not None:
            centred[~valid] = 0.0
        centred = centred[:, self.varies] * np.sqrt(weights / max(weights.sum(), 1.0))[:, None]
        pixels, bands = centred.shape
        if 2 * pixels < bands:
            _, singular, direction = np.linalg.svd(centred, full_matrices=False)
            return np.square(singular), direction
        variance, vector = np.linalg.eigh(centred.T @ centred)
        return variance[::-1], vector.T[::-1]

    def project(self, mean: Float64Array, basis: Float64Array) -> npt.NDArray[np.float32]:
        """Planes of a basis.

        Parameters
        ----------
        mean
            Shape (bands,).
        basis
            Orthonormal rows, shape (planes, varying).

        Returns
        -------
        ndarray of float32, shape (planes, rows, columns)
            Pixels without any valid sample are 0; other invalid samples count as their mean.
        """
        rows, columns, bands = self._samples.shape
        full = np.zeros((len(basis), bands), self._float)
        full[:, self.varies] = basis
        offset = mean.astype(self._float)
        planes = np.empty((len(basis), rows, columns), np.float32)
        for part in self._row_blocks():
            counts, valid = self._counts(part)
            counts -= offset
            if valid is not None:
                counts[~valid] = 0
            planes[:, part] = (full @ counts.reshape(-1, bands).T).reshape(
                len(basis), len(counts), columns
            )
        return planes

    def measured(self) -> npt.NDArray[np.bool_] | None:
        """Pixels with at least one valid sample, shape (rows, columns); ``None`` if all have."""
        if self._valid is None:
            return None
        some = np.asarray(self._valid.any(2))
        return None if some.all() else some


@dataclass(frozen=True)
class Basis:
    """A basis as it is sent.

    Attributes
    ----------
    entries : ndarray of int32, shape (planes, varying)
        Directions, each to a scale of its own.
    rows : ndarray of float64, shape (planes, varying)
        The orthonormal basis that they stand for.
    """

    entries: npt.NDArray[np.int32]
    rows: Float64Array


def quantised_basis(
    variance: Float64Array, direction: Float64Array, step: float, pixels: int
) -> Basis:
    """Choose the components that are worth coding, and quantise their directions.

    Parameters
    ----------
    variance, direction
        Of :meth:`TileSpectra.components`.
    step
        Quantiser step of the planes.
    pixels
        Pixels of the tile.

    Notes
    -----
    A direction that is off by ``e`` per entry leaves ``variance * e^2`` per band and pixel outside
    of the planes. One bit more for every entry saves three quarters of that; as many bits for the
    latents of the plane save less the more pixels there are. So ``e`` is in proportion to
    ``step / sqrt(variance * pixels)``.
    """
    count = int((variance > _LEAST_VARIANCE * step**2).sum())
    count = min(count, pixels)
    precision = _BASIS_STEP * step / np.sqrt(np.maximum(variance[:count], 1e-300) * pixels)
    directions = direction[:count]
    # The sign of a component means nothing: most entries positive.
    directions = directions * np.where(directions.sum(1) < 0, -1.0, 1.0)[:, None]
    entries = np.rint(directions / np.maximum(precision, 1.0 / _LARGEST_ENTRY)[:, None])
    whole = entries.astype(np.int32)
    # Decoders may differ in what they make of rows that depend on others, such as those of zeros.
    _, triangle = _decomposed(whole)
    whole = whole[np.abs(np.diagonal(triangle)) > _LEAST_REMAINDER]
    return Basis(whole, orthonormal(whole))


def _decomposed(entries: npt.NDArray[np.int32]) -> tuple[Float64Array, Float64Array]:
    """QR decomposition of the transposed rows, each divided by its largest number."""
    largest = np.abs(entries.astype(np.float64)).max(1, initial=0)
    q, r = np.linalg.qr((entries / np.maximum(largest, 1)[:, None]).T)
    return q, r


def orthonormal(entries: npt.NDArray[np.int32]) -> Float64Array:
    """Make rows orthonormal, one after the other.

    Parameters
    ----------
    entries
        Shape (planes, varying), with no more rows than columns.

    Returns
    -------
    ndarray of float64, same shape
        Row k lies in the span of the first k + 1 rows, on the side of the k-th. Rows that depend
        on those before are replaced by some that complete the basis.
    """
    if not len(entries):
        return np.zeros(entries.shape)
    q, r = _decomposed(entries)
    side = np.where(np.diagonal(r) < 0, -1.0, 1.0)
    return np.ascontiguousarray((q * side).T)


def combine(
    mean: Float64Array, basis: Float64Array, planes: npt.NDArray[np.float32]
) -> Iterator[tuple[slice, Float64Array]]:
    """Undo the transform for some bands.

    Parameters
    ----------
    mean
        Means of the bands, shape (n,).
    basis
        The basis at these bands, shape (planes, n).
    planes
        Decoded planes, shape (planes, rows, columns).

    Yields
    ------
    tuple of slice and ndarray
        Some of the bands, and their samples on the integer scale, shape (m, rows, columns).
    """
    count, rows, columns = planes.shape
    flat = planes.reshape(count, rows * columns).astype(np.float64)
    size = max(1, (1 << 22) // max(1, rows * columns))
    for first in range(0, len(mean), size):
        part = slice(first, min(first + size, len(mean)))
        samples = basis[:, part].T @ flat + mean[part, None]
        yield part, samples.reshape(-1, rows, columns)
