"""Multi-scale structural similarity of normalised planes.

Wang, Simoncelli, Bovik, "Multi-scale structural similarity for image quality assessment", Asilomar
2003, with the window of Wang, Bovik, Sheikh, Simoncelli, "Image quality assessment: from error
visibility to structural similarity", IEEE Trans. Image Processing 13 (2004), section III.B.

The index is made for intensities from 0 to a dynamic range L. Planes of mean zero and variance one
are taken as if three standard deviations to either side were that range: 3 is added, and L = 6.
Training planes are too small for the five scales of the paper: the first three are used, with
their weights scaled to a sum of one, and fewer where a plane is smaller still.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

#: Dynamic range of normalised planes, in standard deviations.
DYNAMIC_RANGE = 6.0
#: Weights of the scales, finest first (equation 8 and section 3.2 of the 2003 paper).
WEIGHTS = (0.0448, 0.2856, 0.3001)
#: Side and standard deviation of the Gaussian window, in samples.
WINDOW, SIGMA = 11, 1.5

_K1, _K2 = 0.01, 0.03
#: Contrast times structure may be negative; powers of it begin here.
_LOWEST = 1e-4


def _window(like: Tensor) -> Tensor:
    at = torch.arange(WINDOW, dtype=like.dtype, device=like.device) - WINDOW // 2
    window = torch.exp(-at.square() / (2 * SIGMA**2))
    return window / window.sum()


def _blurred(x: Tensor, window: Tensor) -> Tensor:
    """Weighted means over all windows within a plane: (N, 1, H, W) to (N, 1, H - 10, W - 10)."""
    return F.conv2d(F.conv2d(x, window[None, None, :, None]), window[None, None, None, :])


def ssim_parts(x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    """Structural similarity, and contrast times structure alone, averaged over the windows.

    Parameters
    ----------
    x, y
        Normalised planes, shape (N, 1, H, W), H and W at least 11.

    Returns
    -------
    tuple of Tensor
        Shape (N,) each.
    """
    window = _window(x)
    c1, c2 = (_K1 * DYNAMIC_RANGE) ** 2, (_K2 * DYNAMIC_RANGE) ** 2
    mean_x, mean_y = _blurred(x, window), _blurred(y, window)
    variance_x = _blurred(x.square(), window) - mean_x.square()
    variance_y = _blurred(y.square(), window) - mean_y.square()
    covariance = _blurred(x * y, window) - mean_x * mean_y
    structure = (2 * covariance + c2) / (variance_x + variance_y + c2)
    bright_x, bright_y = mean_x + DYNAMIC_RANGE / 2, mean_y + DYNAMIC_RANGE / 2
    luminance = (2 * bright_x * bright_y + c1) / (bright_x.square() + bright_y.square() + c1)
    return (luminance * structure).mean(dim=(1, 2, 3)), structure.mean(dim=(1, 2, 3))


def ms_ssim(x: Tensor, y: Tensor) -> Tensor:
    """Multi-scale structural similarity.

    Parameters
    ----------
    x, y
        Normalised planes, shape (N, 1, H, W), H and W at least 11.

    Returns
    -------
    Tensor
        Shape (N,); 1 where the planes are equal.
    """
    scales = 1
    while scales < len(WEIGHTS) and min(x.shape[2:]) >> scales >= WINDOW:
        scales += 1
    total = sum(WEIGHTS[:scales])
    result = x.new_ones(x.shape[0])
    for scale, weight in enumerate(WEIGHTS[:scales]):
        whole, structure = ssim_parts(x, y)
        last = scale == scales - 1
        result = result * (whole if last else structure).clamp_min(_LOWEST) ** (weight / total)
        if not last:
            x, y = F.avg_pool2d(x, 2), F.avg_pool2d(y, 2)
    return result
