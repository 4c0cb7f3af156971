"""The rate-distortion loss: its value, and the pull of its two terms."""

import math

import numpy as np
import pytest
import torch

from hyspec_training.loss import TARGET_AT_ZERO, rate_distortion, target_mse

torch.set_num_threads(1)


def planes(seed):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(3, 1, 16, 32, generator=generator)


def test_an_octave_of_quality_halves_the_target_error():
    quality = torch.tensor([0.0, 1.0, 4.0])
    assert target_mse(quality).tolist() == [
        TARGET_AT_ZERO,
        TARGET_AT_ZERO / 4,
        TARGET_AT_ZERO / 256,
    ]


def test_the_loss_is_the_formula():
    x, decoded = planes(1), planes(2)
    bits, quality = torch.tensor([100.0, 300.0, 50.0]), torch.tensor([0.0, 1.5, 3.0])
    loss, rate, mse = rate_distortion(x, decoded, bits, quality, 0.42)
    expected_mse = ((x - decoded).numpy() ** 2).mean(axis=(1, 2, 3))
    target = TARGET_AT_ZERO * 4.0 ** -quality.numpy()
    expected = bits.numpy() / (16 * 32) + 0.42 * np.log2(1 + expected_mse / target)
    np.testing.assert_allclose(rate.numpy(), bits.numpy() / (16 * 32), rtol=1e-6)
    np.testing.assert_allclose(mse.numpy(), expected_mse, rtol=1e-5)
    assert loss.item() == pytest.approx(expected.mean(), rel=1e-5)


def test_perfect_planes_cost_their_rate_alone():
    x = planes(3)
    loss, rate, mse = rate_distortion(x, x, torch.full((3,), 256.0), torch.zeros(3), 0.42)
    assert loss.item() == rate.mean().item() == 0.5
    assert mse.tolist() == [0, 0, 0]


@pytest.mark.parametrize("quality", [0.0, 3.0, 7.0])
def test_near_the_target_every_quality_pulls_alike(quality):
    """d loss / d log2(mse) at mse = target is slope / 2, whatever the quality."""
    target = target_mse(torch.tensor([quality])).item()
    x = torch.zeros(1, 1, 16, 16, dtype=torch.float64)
    exponent = torch.tensor(math.log2(target), dtype=torch.float64, requires_grad=True)
    decoded = torch.exp2(exponent / 2).expand_as(x)
    loss, _, _ = rate_distortion(x, decoded, torch.zeros(1), torch.tensor([quality]), 0.42)
    loss.backward()
    assert exponent.grad.item() == pytest.approx(0.42 / 2, rel=1e-6)
