"""The rate-distortion loss: its value, and the pull of its two terms."""

import math

import numpy as np
import pytest
import torch

from hyspec_training.loss import TARGET_AT_ZERO, rate_distortion, target_mse
from hyspec_training.msssim import ms_ssim

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


def test_structural_similarity_may_take_the_place_of_the_error():
    x, decoded = planes(1), planes(1) + 0.3 * planes(2)
    bits, quality = torch.tensor([100.0, 300.0, 50.0]), torch.tensor([0.0, 1.5, 3.0])
    loss, rate, mse = rate_distortion(x, decoded, bits, quality, 0.42, "ms-ssim")
    _, *same = rate_distortion(x, decoded, bits, quality, 0.42)
    assert torch.equal(rate, same[0])
    assert torch.equal(mse, same[1])  # for the report
    distortion = 1 - ms_ssim(x, decoded)
    assert not torch.allclose(distortion, mse, rtol=0.1)
    expected = rate + 0.42 * torch.log2(1 + distortion / target_mse(quality))
    assert loss.item() == pytest.approx(expected.mean().item(), rel=1e-6)


def test_bands_of_a_stack_are_judged_one_by_one():
    generator = torch.Generator().manual_seed(1)
    x = torch.randn(2, 3, 32, 32, generator=generator)
    decoded = x + torch.tensor([0.1, 0.5, 2.0])[:, None, None]
    bits, quality = torch.tensor([100.0, 300.0]), torch.tensor([1.0, 2.0])
    for loss in ("mse", "ms-ssim"):
        found, rate, mse = rate_distortion(x, decoded, bits, quality, 0.42, loss)
        torch.testing.assert_close(rate, bits / (3 * 32 * 32))
        torch.testing.assert_close(mse, torch.full((2,), (0.01 + 0.25 + 4) / 3))
        distortion = mse
        if loss == "ms-ssim":
            by_band = [ms_ssim(x[:, k : k + 1], decoded[:, k : k + 1]) for k in range(3)]
            distortion = 1 - torch.stack(by_band).mean(0)
        expected = rate + 0.42 * torch.log2(1 + distortion / target_mse(quality))
        torch.testing.assert_close(found, expected.mean())


def test_at_high_rates_the_error_counts_in_squares_of_the_step():
    """With the slope of the theory, the loss of uniform noise has its minimum at the step."""
    x = torch.zeros(1, 1, 16, 16, dtype=torch.float64)
    quality, step_at_zero = torch.tensor([3.0], dtype=torch.float64), 8.0
    step = step_at_zero * 2.0**-3
    losses = []
    for factor in (0.8, 0.9, 1.0, 1.1, 1.25):
        noise = math.sqrt((factor * step) ** 2 / 12)
        bits = -256 * torch.log2(torch.tensor([factor * step], dtype=torch.float64))
        loss, _, mse = rate_distortion(
            x, x + noise, bits, quality, 6 / math.log(2), step_at_zero=step_at_zero
        )
        losses.append(loss.item())
        assert mse.item() == pytest.approx(noise**2)
    assert min(losses) == losses[2]


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
