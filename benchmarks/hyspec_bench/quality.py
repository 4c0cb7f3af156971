"""Distortion measures of the benchmark; those that the runtime has come from `hyspec.metrics`.

All take the original and the decoded cube of shape (rows, columns, bands), of which every sample
counts. The squared error, the peak signal-to-noise ratio (peak: maximum minus minimum of the
original cube), the mean spectral angle and the maximum error are `hyspec.metrics.compare`'s.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from hyspec import metrics
from hyspec.analysis.spectral_angle import spectral_angles
from hyspec.analysis.structural_similarity import WINDOW_SIZE, similarity_terms
from hyspec.intervals import BandInterval

Array = npt.NDArray[Any]
Float64 = npt.NDArray[np.float64]

#: Weights of the scales from fine to coarse (Wang, Simoncelli and Bovik, 2003, section 4).
MS_SSIM_WEIGHTS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)
#: Samples below this count as this where logarithms of spectra are taken.
SID_FLOOR = 1.0


@dataclass(frozen=True)
class Quality:
    """Distortion of a decoded cube.

    Attributes
    ----------
    mse, rmse : float
        Mean squared error and its root, in sample units.
    psnr_db, psnr_peak : float
        Peak signal-to-noise ratio and its peak, the maximum minus the minimum of the original.
    snr_db : float
        Energy of the original over that of the error.
    sam_deg, sam_p99_deg : float
        Mean and 99th percentile over the pixels of the spectral angle in degrees.
    max_abs_error : float
        Largest absolute error.
    sid : float
        Mean over the pixels of the spectral information divergence in nats.
    ms_ssim : float
        Mean over the bands of the multi-scale structural similarity; NaN for tiny cubes.
    """

    mse: float
    rmse: float
    psnr_db: float
    psnr_peak: float
    snr_db: float
    sam_deg: float
    sam_p99_deg: float
    max_abs_error: float
    sid: float
    ms_ssim: float


def measure(original: Array, decoded: Array) -> Quality:
    """Compute all measures.

    Raises
    ------
    DataError
        The shapes differ.
    """
    basic = metrics.compare(original, decoded)
    angles = spectral_angles_deg(original, decoded)
    return Quality(
        mse=basic.rmse**2,
        rmse=basic.rmse,
        psnr_db=basic.psnr_db,
        psnr_peak=basic.psnr_peak,
        snr_db=basic.snr_db,
        sam_deg=basic.sam_deg,
        sam_p99_deg=float(np.percentile(angles, 99)),
        max_abs_error=basic.max_abs_error,
        sid=spectral_information_divergence(original, decoded),
        ms_ssim=ms_ssim(original, decoded),
    )


def spectral_angles_deg(original: Array, decoded: Array) -> Float64:
    """Angle in degrees between the two spectra of each pixel, shape (rows, columns).

    Two zero spectra give 0, one zero spectrum 90 (spectral angle mapper, Kruse et al., 1993).
    """
    angles: Float64 = np.degrees(spectral_angles(original, decoded))
    return angles


def spectral_information_divergence(original: Array, decoded: Array) -> float:
    """Mean over the pixels of the symmetric Kullback-Leibler divergence of two spectra, in nats.

    Spectra are taken as distributions over the bands (Chang, "An information-theoretic approach to
    spectral variability, similarity, and discrimination for hyperspectral image analysis", IEEE
    Trans. Inf. Theory 46, 2000); samples below `SID_FLOOR` count as `SID_FLOOR`.
    """
    p = np.maximum(original.astype(np.float64), SID_FLOOR)
    q = np.maximum(decoded.astype(np.float64), SID_FLOOR)
    p /= p.sum(axis=2, keepdims=True)
    q /= q.sum(axis=2, keepdims=True)
    return float(((p - q) * np.log(p / q)).sum(axis=2).mean())


def ms_ssim(original: Array, decoded: Array) -> float:
    """Mean over the bands of the multi-scale structural similarity.

    Wang, Simoncelli and Bovik, "Multi-scale structural similarity for image quality assessment",
    Asilomar Conference, 2003: window of 11 x 11 samples, inner part without borders, halving by
    the mean of 2 x 2 samples. The dynamic range is each original band's maximum minus minimum, at
    least 1. Of the five scales those are used in which a window fits; their weights are divided by
    their sum. NaN if none fits.
    """
    shortest = min(original.shape[:2])
    scales = sum(shortest >> scale >= WINDOW_SIZE for scale in range(len(MS_SSIM_WEIGHTS)))
    if scales == 0:
        return math.nan
    weights = np.array(MS_SSIM_WEIGHTS[:scales])
    weights /= weights.sum()
    total: float = 0.0
    for band in range(original.shape[2]):
        x = original[:, :, band].astype(np.float64)
        y = decoded[:, :, band].astype(np.float64)
        dynamic_range = max(1.0, float(np.ptp(x)))
        product: float = 1.0
        for scale, weight in enumerate(weights):
            luminance, contrast = similarity_terms(x, y, dynamic_range)
            last = scale == scales - 1
            factor = luminance * contrast if last else contrast
            # A negative correlation has no real power; it counts as no similarity.
            product *= math.pow(max(0.0, float(factor.mean())), float(weight))
            if not last:
                x, y = _halved(x), _halved(y)
        total += product
    return total / int(original.shape[2])


def interval_psnr_db(
    original: Array, decoded: Array, intervals: Sequence[BandInterval]
) -> list[float]:
    """Peak signal-to-noise ratio of each band interval; the peak is that of the whole cube."""
    peak = float(original.max()) - float(original.min())
    result = []
    for interval in intervals:
        bands = slice(interval.start, interval.stop)
        part = metrics.psnr_db(original[:, :, bands], decoded[:, :, bands], peak=peak)
        result.append(part)
    return result


def _halved(image: Float64) -> Float64:
    rows, columns = image.shape[0] // 2 * 2, image.shape[1] // 2 * 2
    blocks = image[:rows, :columns].reshape(rows // 2, 2, columns // 2, 2)
    mean: Float64 = blocks.mean(axis=(1, 3))
    return mean
