"""MS-SSIM against the formulas of the papers, written out in NumPy."""

import numpy as np
import pytest
import torch
from scipy import ndimage

from hyspec_training.msssim import DYNAMIC_RANGE, WEIGHTS, ms_ssim, ssim_parts

torch.set_num_threads(1)


def planes(noise, side=96, seed=0):
    """Pairs of smooth planes, mean 0 and variance about 1, and noisy versions of them."""
    rng = np.random.default_rng(seed)
    x = ndimage.gaussian_filter(rng.normal(size=(3, side, side)), (0, 2, 2))
    x = (x - x.mean(axis=(1, 2), keepdims=True)) / x.std(axis=(1, 2), keepdims=True)
    return x, x + noise * rng.normal(size=x.shape)


def tensors(*arrays):
    return [torch.from_numpy(a[:, None]) for a in arrays]


def ssim_by_definition(x, y):
    """Equations 6 to 13 of Wang et al. 2004, window by window, and the part without luminance."""
    at = np.arange(-5, 6)
    window = np.exp(-(at[:, None] ** 2 + at**2) / (2 * 1.5**2))
    window /= window.sum()
    c1, c2 = (0.01 * DYNAMIC_RANGE) ** 2, (0.03 * DYNAMIC_RANGE) ** 2
    whole, structure = [], []
    for row in range(x.shape[0] - 10):
        for column in range(x.shape[1] - 10):
            a, b = (p[row : row + 11, column : column + 11] + DYNAMIC_RANGE / 2 for p in (x, y))
            mean_a, mean_b = (window * a).sum(), (window * b).sum()
            variance_a = (window * (a - mean_a) ** 2).sum()
            variance_b = (window * (b - mean_b) ** 2).sum()
            covariance = (window * (a - mean_a) * (b - mean_b)).sum()
            structure.append((2 * covariance + c2) / (variance_a + variance_b + c2))
            luminance = (2 * mean_a * mean_b + c1) / (mean_a**2 + mean_b**2 + c1)
            whole.append(luminance * structure[-1])
    return np.mean(whole), np.mean(structure)


@pytest.mark.parametrize("noise", [0.05, 0.5, 2.0])
def test_one_scale_is_the_formula(noise):
    x, y = planes(noise, side=24)
    whole, structure = ssim_parts(*tensors(x, y))
    expected = [ssim_by_definition(a, b) for a, b in zip(x, y, strict=True)]
    np.testing.assert_allclose(whole, [e[0] for e in expected], rtol=1e-10)
    np.testing.assert_allclose(structure, [e[1] for e in expected], rtol=1e-10)


def test_three_scales_are_the_weighted_product():
    x, y = planes(0.3)
    found = ms_ssim(*tensors(x, y))
    for k, (a, b) in enumerate(zip(x, y, strict=True)):
        expected = 1.0
        for scale, weight in enumerate(WEIGHTS):
            expected *= ssim_by_definition(a, b)[0 if scale == 2 else 1] ** (weight / sum(WEIGHTS))
            a, b = (p.reshape(p.shape[0] // 2, 2, -1, 2).mean(axis=(1, 3)) for p in (a, b))
        assert found[k].item() == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("side", [11, 16, 32, 43, 44, 96])
def test_equal_planes_are_similar_at_any_size(side):
    [x] = tensors(planes(0, side)[0])
    np.testing.assert_allclose(ms_ssim(x, x), 1, rtol=1e-12)


def test_similarity_falls_with_noise_and_stays_positive():
    found = [ms_ssim(*tensors(*planes(noise))).mean().item() for noise in (0.01, 0.1, 1.0, 5.0)]
    assert found == sorted(found, reverse=True)
    x, _ = planes(0)
    opposite = ms_ssim(*tensors(x, -x))
    assert ((opposite > 0) & (opposite < 0.01)).all()


def test_it_can_be_trained_on():
    x, y = tensors(*planes(1.0))
    y.requires_grad_()
    first = ms_ssim(x, y).sum()
    (gradient,) = torch.autograd.grad(first, y)
    assert torch.isfinite(gradient).all()
    step = 1e-3 * gradient / gradient.norm()
    risen = ms_ssim(x, y.detach() + step).sum() - first.detach()
    assert risen.item() == pytest.approx(1e-3 * gradient.norm().item(), rel=1e-2)


def test_gradients_are_finite_where_there_is_no_structure():
    x, _ = tensors(*planes(0))
    y = torch.zeros_like(x, requires_grad=True)
    (gradient,) = torch.autograd.grad(ms_ssim(x, y).sum(), y)
    assert torch.isfinite(gradient).all()
    assert gradient.abs().max() > 0
