"""The parts of the band network against formulas written out in NumPy."""

import itertools
import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from hyspec_training.balle import STRIDE, BandNetwork, GainUnits
from hyspec_training.gdn import GDN
from hyspec_training.prior import FactorizedPrior

torch.set_num_threads(1)


def randomise(module, seed, spread=0.5):
    """Move every parameter away from its symmetric start."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in module.parameters():
            parameter += spread * torch.randn(parameter.shape, generator=generator)
    return module


# ---- GDN ----------------------------------------------------------------------------------------


def gdn_by_hand(x, beta_root, gamma_root, inverse):
    beta, gamma = beta_root**2 + 1e-6, gamma_root**2
    norm = np.sqrt(beta[:, None, None] + np.einsum("ij,njhw->nihw", gamma, x**2))
    return x * norm if inverse else x / norm


@pytest.mark.parametrize("inverse", [False, True])
def test_gdn_is_the_formula(inverse):
    gdn = randomise(GDN(5, inverse=inverse), 1).double()
    x = np.random.default_rng(2).normal(0, 3, (2, 5, 4, 6))
    with torch.no_grad():
        found = gdn(torch.from_numpy(x)).numpy()
    roots = gdn.beta_root.detach().numpy(), gdn.gamma_root.detach().numpy()
    assert not np.allclose(roots[1], roots[1].T)  # a transposed gamma would be noticed
    np.testing.assert_allclose(found, gdn_by_hand(x, *roots, inverse), rtol=1e-12)


def test_inverse_gdn_undoes_the_normalisation_of_a_lone_channel():
    # With gamma 0, GDN divides by a constant and the inverse multiplies by it.
    forward, inverse = GDN(3), GDN(3, inverse=True)
    with torch.no_grad():
        for gdn in (forward, inverse):
            gdn.gamma_root.zero_()
            gdn.beta_root.copy_(torch.tensor([0.5, 1.0, 3.0]))
    x = torch.randn(2, 3, 4, 4, generator=torch.Generator().manual_seed(3))
    torch.testing.assert_close(inverse(forward(x)), x)


def test_every_gdn_parameter_learns():
    gdn = GDN(3)
    gdn(
        torch.randn(1, 3, 5, 5, generator=torch.Generator().manual_seed(4))
    ).square().sum().backward()
    for parameter in gdn.parameters():
        assert (parameter.grad != 0).all()


# ---- gain units ---------------------------------------------------------------------------------


def test_gains_start_at_one_octave_per_octave():
    quality = torch.tensor([0.0, 0.3, 1.0, 2.5, 3.0, 4.7])
    gain, inverse = GainUnits(6, 3)(quality)
    expected = torch.exp2(quality)[:, None].expand(-1, 6)
    torch.testing.assert_close(gain, expected)
    torch.testing.assert_close(inverse, 1 / expected)


@given(quality=st.floats(0, 8), seed=st.integers(0, 50))
@settings(deadline=None, max_examples=60)
def test_gains_are_log_linear_between_knots_and_beyond(quality, seed):
    octaves = 4
    units = randomise(GainUnits(3, octaves), seed, 0.3).double()
    with torch.no_grad():
        found = units(torch.tensor([quality], dtype=torch.float64))
    knots = np.arange(octaves + 1)
    for values, logs, slope in zip(
        found, (units.log_gain, units.log_inverse), (1, -1), strict=True
    ):
        for channel in range(3):
            inside = np.interp(quality, knots, logs[:, channel].detach().numpy())
            beyond = slope * max(0.0, quality - octaves) * math.log(2)
            assert values[0, channel].item() == pytest.approx(math.exp(inside + beyond), rel=1e-6)


# ---- prior --------------------------------------------------------------------------------------


def cumulative_by_hand(prior, channel, y):
    """Equations of the paper for one channel: h <- H h + b, then h + tanh(a) tanh(h)."""
    h = y[None, :]
    for k, (matrix, bias) in enumerate(zip(prior.matrices, prior.biases, strict=True)):
        weights = np.logaddexp(0, matrix[channel].detach().numpy())
        h = weights @ h + bias[channel].detach().numpy()
        if k < len(prior.factors):
            h = h + np.tanh(prior.factors[k][channel].detach().numpy()) * np.tanh(h)
    return 1 / (1 + np.exp(-h[0]))


@pytest.fixture(scope="module", params=range(3))
def prior(request):
    torch.manual_seed(request.param)
    return randomise(FactorizedPrior(4), request.param).double()


def test_cumulative_is_that_of_the_paper(prior):
    y = np.linspace(-20, 20, 101)
    with torch.no_grad():
        logits = prior.cumulative_logits(torch.from_numpy(y).expand(4, -1))
    for channel in range(4):
        expected = cumulative_by_hand(prior, channel, y)
        np.testing.assert_allclose(torch.sigmoid(logits[channel]).numpy(), expected, atol=1e-12)


def test_cumulative_is_strictly_monotone(prior):
    y = torch.linspace(-300, 300, 5001, dtype=torch.float64).expand(4, -1)
    with torch.no_grad():
        assert (prior.cumulative_logits(y).diff(dim=1) > 0).all()


@pytest.mark.parametrize("width", [0.25, 1.0, 6.0])
def test_masses_sum_to_one(prior, width):
    edges = torch.arange(-4000, 4001, dtype=torch.float64) * width
    lower, upper = edges[:-1].expand(4, -1), edges[1:].expand(4, -1)
    with torch.no_grad():
        mass = prior.interval_mass(lower, upper)
    assert (mass >= 0).all()
    torch.testing.assert_close(mass.sum(dim=1), torch.ones(4, dtype=torch.float64))


def test_tail_masses_keep_their_digits(prior):
    # Far out on either side the cumulative saturates in 1 - eps; a plain difference would be 0.
    far = []
    for sign in (-1, 1):
        y = torch.full((4, 1), 1.0, dtype=torch.float64)
        with torch.no_grad():
            while (prior.cumulative_logits(sign * y).abs() < 60).any():
                y = y * 1.1
            far.append(prior.interval_mass(sign * y - 0.5, sign * y + 0.5))
    assert (torch.cat(far) > 0).all()
    assert (torch.cat(far) < 1e-15).all()


def test_bits_are_minus_log2_of_the_mass(prior):
    generator = torch.Generator().manual_seed(9)
    y = 2 * torch.randn(2, 4, 3, 5, generator=generator, dtype=torch.float64)
    gain = torch.tensor([[0.5, 1, 2, 8], [1, 3, 0.25, 4]], dtype=torch.float64)[:, :, None, None]
    with torch.no_grad():
        bits = prior.bits(y, gain)
    assert bits.shape == y.shape
    for n, c in itertools.product(range(2), range(4)):
        half = 0.5 / gain[n, c].item()
        values = y[n, c].numpy()
        upper = cumulative_by_hand(prior, c, values.ravel() + half)
        mass = upper - cumulative_by_hand(prior, c, values.ravel() - half)
        np.testing.assert_allclose(bits[n, c].numpy().ravel(), -np.log2(mass), rtol=1e-8)


def test_impossible_latents_have_a_finite_price(prior):
    y = torch.full((1, 4, 1, 1), 1e6, dtype=torch.float64)
    bits = prior.bits(y, torch.ones(1, 4, 1, 1, dtype=torch.float64))
    assert torch.isfinite(bits).all()
    assert (bits > 25).all()


# ---- whole network ------------------------------------------------------------------------------


@pytest.mark.parametrize(("rows", "columns"), [(16, 16), (32, 48), (64, 16)])
def test_shapes(rows, columns):
    net = BandNetwork(4, 2)
    x = torch.zeros(3, 1, rows, columns)
    with torch.no_grad():
        y = net.analysis(x)
        decoded, bits = net(x, torch.tensor([0.0, 1.0, 2.0]))
    assert y.shape == (3, 4, rows // STRIDE, columns // STRIDE)
    assert decoded.shape == x.shape
    assert bits.shape == (3,)


def test_rounding_without_a_generator_and_noise_with_one():
    net = randomise(BandNetwork(4, 2), 5, 0.05)
    x = torch.randn(2, 1, 32, 32, generator=torch.Generator().manual_seed(6))
    quality = torch.tensor([2.0, 1.0])
    with torch.no_grad():
        gain, inverse = (g[:, :, None, None] for g in net.gains(quality))
        symbols = torch.round(net.analysis(x) * gain)
        assert symbols.abs().max() >= 1
        decoded, bits = net(x, quality)
        torch.testing.assert_close(decoded, net.synthesis(symbols * inverse))
        price = net.prior.bits(symbols / gain, gain).sum(dim=(1, 2, 3))
        torch.testing.assert_close(bits, price)
        noisy = [net(x, quality, torch.Generator().manual_seed(seed))[0] for seed in (1, 1, 2)]
    assert torch.equal(noisy[0], noisy[1])
    assert not torch.equal(noisy[0], noisy[2])
    assert not torch.equal(noisy[0], decoded)


def test_the_noise_is_that_of_rounding():
    net = randomise(BandNetwork(4, 2), 5, 0.05)
    x = torch.randn(8, 1, 64, 64, generator=torch.Generator().manual_seed(6))
    quality = torch.full((8,), 1.5)
    seen = []
    net.synthesis.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    with torch.no_grad():
        gain, inverse = (g[:, :, None, None] for g in net.gains(quality))
        net(x, quality, torch.Generator().manual_seed(7))
        noise = seen[0] / inverse - net.analysis(x) * gain
    assert noise.abs().max() <= 0.5 + 1e-5
    assert noise.mean().item() == pytest.approx(0, abs=0.05)
    assert noise.var().item() == pytest.approx(1 / 12, rel=0.1)
