"""Bands of a tile as normalised planes: what the networks of the ``band`` profile see."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from hyspec import _core
from hyspec.fill import fill_invalid
from hyspec.quality import LEAST_DEVIATION, deviations, scale_codes
from hyspec.sample_type import SampleType

Float32Array = npt.NDArray[np.float32]


class BandPlanes:
    """Bands of a tile as whole numbers with their masks, converted one at a time.

    Parameters
    ----------
    samples
        Samples as the cube holds them, shape (rows, columns, bands).
    mask
        Valid samples, shape (bands, rows, columns), or ``None`` for all.
    sample_type
        How samples become whole numbers.
    """

    def __init__(
        self,
        samples: npt.NDArray[Any],
        mask: npt.NDArray[np.bool_] | None,
        sample_type: SampleType,
    ) -> None:
        self._samples = samples
        self._mask = mask
        self._type = sample_type

    def counts(self, band: int) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.bool_] | None]:
        """Whole numbers of a band and the mask of those that count, or ``None`` for all."""
        samples = self._samples[:, :, band]
        if self._mask is None:
            return self._type.to_counts(samples), None
        valid = self._mask[band]
        return self._type.to_counts(np.where(valid, samples, samples.dtype.type(0))), valid

    def statistics(
        self, dropped: npt.NDArray[np.bool_] | None = None
    ) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int32]]:
        """Codes of scale and mean of each band, both of shape (bands,); dropped ones are flat."""
        bands = self._samples.shape[2]
        mean, std = np.zeros(bands), np.zeros(bands)
        for band in range(bands):
            counts, valid = self.counts(band)
            samples = counts if valid is None else counts[valid]
            if samples.size:
                mean[band] = samples.mean()
                if samples.min() != samples.max():
                    std[band] = max(float(samples.std()), LEAST_DEVIATION)
        if dropped is not None:
            std[dropped] = 0
        scale = np.zeros(bands, np.int32)
        varying = std > 0
        scale[varying] = scale_codes(std[varying])
        unit = np.exp2(_core.mean_exponents(scale))
        # Whole numbers lie within int32 and so does their mean; the clip holds what summation in
        # floating point may add to it at the ends of the range.
        return scale, np.clip(np.rint(mean / unit), -(2**31), 2**31 - 1).astype(np.int32)

    def normalised(
        self,
        bands: npt.NDArray[np.intp],
        scale: npt.NDArray[np.int32],
        mean: npt.NDArray[np.int32],
        stride: int,
    ) -> Float32Array:
        """Normalised planes extended to whole strides, shape (len(bands), 1, rows', columns')."""
        rows, columns = self._samples.shape[:2]
        offset, factor = offset_and_factor(scale[bands], mean[bands])
        batch = np.empty((len(bands), 1, rows + -rows % stride, columns + -columns % stride), "f4")
        for k, band in enumerate(bands):
            counts, valid = self.counts(int(band))
            plane = ((counts - offset[k]) / factor[k]).astype(np.float32)
            if valid is not None:
                plane = fill_invalid(plane, valid)
            batch[k, 0, :rows, :columns] = plane
            batch[k, 0, rows:, :columns] = plane[-1]
            batch[k, 0, :, columns:] = batch[k, 0, :, columns - 1 : columns]
        return batch


def offset_and_factor(
    scale: npt.NDArray[np.int32], mean: npt.NDArray[np.int32]
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Mean and standard deviation that the codes stand for, both of shape (bands,)."""
    offset = mean * np.exp2(_core.mean_exponents(scale))
    return offset.astype(np.float64), deviations(scale)
