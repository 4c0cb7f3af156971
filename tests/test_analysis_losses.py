"""Losses of spectra: their definitions, and that nothing makes them or their gradients infinite."""

import math

import numpy as np
import pytest
import torch

from hyspec.errors import UsageError
from hyspec_training.analysis import losses
from hyspec_training.analysis.losses import LOSSES

#: Pairs of spectra where a definition divides by zero, or has no derivative.
SINGULAR = {
    "zero target": ([0.0, 0, 0], [0.1, 0.2, 0.3]),
    "zero result": ([0.1, 0.2, 0.3], [0.0, 0, 0]),
    "both zero": ([0.0, 0, 0], [0.0, 0, 0]),
    "equal": ([0.1, 0.2, 0.3], [0.1, 0.2, 0.3]),
    "same direction": ([0.1, 0.2, 0.3], [0.2, 0.4, 0.6]),
    "opposite": ([0.1, 0.2, 0.3], [-0.1, -0.2, -0.3]),
    "zeros among bands": ([0.0, 0.2, 0.3], [0.1, 0.0, 0.3]),
    "negative": ([0.1, -0.2, 0.3], [-0.5, 0.2, -0.1]),
    "tiny": ([1e-20, 2e-20, 0], [1e-20, 0, 3e-20]),
    "huge": ([1e9, 2e9, 0], [1e9, 0, 3e9]),
}


def spectra(seed, bands=12, count=5):
    generator = torch.Generator().manual_seed(seed)
    return torch.rand(count, bands, generator=generator, dtype=torch.float64) + 0.05


def by_definition(name, t, r):
    """One number for each pair of spectra, as the papers write them."""
    if name == "sse":
        return ((t - r) ** 2).sum(1)
    if name == "mse":
        return ((t - r) ** 2).mean(1)
    if name == "sid":
        p, q = t / t.sum(1, keepdims=True), r / r.sum(1, keepdims=True)
        return (p * np.log(p / q)).sum(1) + (q * np.log(q / p)).sum(1)
    cosine = (t * r).sum(1) / np.linalg.norm(t, axis=1) / np.linalg.norm(r, axis=1)
    if name == "shaded-angle":
        power = (t**2).sum(1).mean()
        return np.arccos(cosine) + losses.SHADE * ((t - r) ** 2).sum(1) / power
    return 1 - cosine if name == "csa" else np.arccos(cosine)


@pytest.mark.parametrize("name", LOSSES)
def test_definitions(name):
    t, r = spectra(0), spectra(1)
    expected = by_definition(name, t.numpy(), r.numpy())
    each = LOSSES[name](t, r, "none")
    np.testing.assert_allclose(each.numpy(), expected, rtol=2e-6)
    assert LOSSES[name](t, r, "sum").item() == pytest.approx(expected.sum())
    assert LOSSES[name](t, r, "mean").item() == pytest.approx(expected.mean())
    whole = expected.mean() if name == "mse" else expected.sum()
    assert LOSSES[name](t, r).item() == pytest.approx(whole)
    with pytest.raises(UsageError, match="'median'; expected sum, mean or none"):
        LOSSES[name](t, r, "median")


@pytest.mark.parametrize("name", LOSSES)
def test_planes_are_as_good_as_spectra(name):
    t, r = spectra(0, count=6), spectra(1, count=6)
    planes = [x.reshape(1, 2, 3, 12).permute(0, 3, 1, 2) for x in (t, r)]
    assert LOSSES[name](*planes).item() == pytest.approx(LOSSES[name](t, r).item())
    assert LOSSES[name](*planes, "none").shape == (1, 2, 3)


@pytest.mark.parametrize("name", LOSSES)
def test_gradients_are_the_derivatives(name):
    t, r = spectra(2).requires_grad_(), spectra(3).requires_grad_()
    assert torch.autograd.gradcheck(LOSSES[name], (t, r))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("case", SINGULAR)
@pytest.mark.parametrize("name", LOSSES)
def test_singular_points(name, case, dtype):
    t, r = (torch.tensor([x], dtype=dtype, requires_grad=True) for x in SINGULAR[case])
    value = LOSSES[name](t, r)
    value.backward()
    assert torch.isfinite(value)
    assert value >= 0
    for x in (t, r):
        assert torch.isfinite(x.grad).all()


@pytest.mark.parametrize("name", LOSSES)
def test_equal_spectra_differ_by_nothing(name):
    for values in ([0.1, 0.2, 0.3], [0.0, 0, 0], [7.0, 0, 0]):
        t = torch.tensor([values])
        r = t.clone().requires_grad_()
        value = LOSSES[name](t, r)
        value.backward()
        assert value.item() == pytest.approx(0, abs=1e-9)
        assert r.grad.abs().max() < 1e-3


@pytest.mark.parametrize("name", ["csa", "sa"])
def test_angles(name):
    """Right angles for zero spectra, half turns, and tiny angles in single precision."""

    def angle(t, r):
        value = LOSSES[name](torch.tensor([t]), torch.tensor([r])).item()
        return math.acos(max(-1, 1 - value)) if name == "csa" else value

    assert angle([1.0, 2.0], [0.0, 0.0]) == pytest.approx(math.pi / 2, abs=1e-5)
    assert angle([1.0, 2.0], [-2.0, 1.0]) == pytest.approx(math.pi / 2, abs=1e-5)
    assert angle([1.0, 2.0], [-0.1, -0.2]) == pytest.approx(math.pi, abs=1e-3)
    small = LOSSES[name](torch.tensor([[1.0, 0.0]]), torch.tensor([[1.0, 1e-4]])).item()
    assert small == pytest.approx(1e-4 if name == "sa" else 0.5e-8, rel=0.01)


@pytest.mark.parametrize("name", ["csa", "sa", "sid"])
def test_brightness_does_not_count(name):
    t, r = spectra(4), spectra(5)
    assert LOSSES[name](3 * t, 0.5 * r).item() == pytest.approx(LOSSES[name](t, r).item(), rel=1e-5)


def test_divergence_in_bits():
    t, r = spectra(6), spectra(7)
    nats = losses.information_divergence(t, r, "mean")
    bits = losses.information_divergence(t, r, "mean", base=2, epsilon=1e-7)
    assert bits.item() == pytest.approx(nats.item() / math.log(2))
    assert losses.information_divergence(r, t, "mean").item() == pytest.approx(nats.item())
