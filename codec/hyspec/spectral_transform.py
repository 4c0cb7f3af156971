"""The adaptive spectral transform of a tile: spectra to planes, and planes to spectra.

The Karhunen-Loève transform packs what bands have in common into few planes. Its basis is estimated
from some of the tile's pixels. (Q. Du, J. E. Fowler, "Hyperspectral image compression using
JPEG2000 and principal component analysis", IEEE Geoscience and Remote Sensing Letters 4(2), 2007.)
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from hyspec.sample_type import SampleType
from hyspec.scatter import Scatter

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
    bad
        Bands that are not to be trusted, shape (bands,), or ``None``: they have no part in what is
        found out about the others.
    drop_bad
        Take these bands for constant.

    Attributes
    ----------
    varies : ndarray of bool, shape (bands,)
        Bands whose valid samples are not all equal, but for those that are dropped.
    mean : ndarray of float64, shape (bands,)
        Mean of the valid samples, or 0 without any.

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
        bad: npt.NDArray[np.bool_] | None = None,
        *,
        drop_bad: bool = False,
    ) -> None:
        self._samples = samples
        self._valid = valid
        self._type = sample_type
        self._apart = bad
        #: Numbers of 16 bits and their differences are exact in single precision.
        self._float: Any = np.float32 if sample_type.is_small else np.float64
        low, high, mean = self._survey()
        self.varies = high > low
        self.mean = np.where(self.varies, mean, np.where(np.isfinite(low), low, 0.0))
        if drop_bad and bad is not None:
            self.varies &= ~bad

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
        if self._apart is not None:
            counts[..., self._apart] = 0
        return np.asarray(np.einsum("rcb,rcb->rc", counts, counts)).ravel()

    def energy(self) -> Float64Array:
        """Squared length of each spectrum in sample units, the step as unit, shape (rows, columns).

        Samples that are not valid count as 0.
        """
        zero = self._zero()
        found = np.empty(self._samples.shape[:2])
        for part in self._row_blocks():
            counts, valid = self._counts(part)
            counts = counts.astype(np.float64) - zero
            if valid is not None:
                counts[~valid] = 0
            found[part] = np.einsum("rcb,rcb->rc", counts, counts)
        return found

    def _zero(self) -> float:
        """The whole number of a sample of 0."""
        return float(self._type.to_counts(np.zeros(1, self._type.dtype))[0])

    def brightness(self, mean: Float64Array, basis: Float64Array) -> Float64Array:
        """Components of a mean spectrum from 0, in a basis as of :meth:`project`."""
        return np.asarray(basis @ (mean - self._zero()))

    def scatter(self, pixel_weights: Float64Array | None = None) -> Scatter:
        """Second moments of all bands, estimated from some of the pixels.

        Parameters
        ----------
        pixel_weights
            How much each pixel counts, shape (rows, columns); by default all do the same.
        """
        drawn, weights = self._drawn()
        if pixel_weights is not None:
            weights = weights * pixel_weights.ravel()[drawn]
        row, column = np.divmod(drawn, self._samples.shape[1])
        part = self._samples[row, column]
        valid = None if self._valid is None else self._valid[row, column]
        if valid is not None:
            part = np.where(valid, part, part.dtype.type(0))
        centred = self._type.to_counts(part) - self.mean
        if valid is not None:
            centred[~valid] = 0.0
        centred[:, ~self.varies] = 0.0
        return Scatter(centred * np.sqrt(weights)[:, None], weights.sum(), self._apart)

    def project(self, mean: Float64Array, basis: Float64Array) -> npt.NDArray[np.float32]:
        """Planes of a basis.

        Parameters
        ----------
        mean
            Shape (bands,).
        basis
            Orthonormal rows, shape (planes, bands).

        Returns
        -------
        ndarray of float32, shape (planes, rows, columns)
            Pixels without any valid sample are 0; other invalid samples count as their mean.
        """
        rows, columns, bands = self._samples.shape
        full = basis.astype(self._float)
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
