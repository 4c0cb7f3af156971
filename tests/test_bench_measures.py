"""Measures of the benchmark, against definitions written out and cases computed by hand."""

import math

import numpy as np
import pytest

from hyspec import metrics
from hyspec.intervals import BandInterval
from hyspec_bench import delta, quality


@pytest.fixture
def pair():
    rng = np.random.default_rng(5)
    original = rng.integers(100, 900, (24, 30, 6)).astype(np.uint16)
    decoded = original + rng.integers(-20, 21, original.shape)
    return original, decoded


def line(rates, gain=1.0):
    """10 dB per decade; ``gain`` times the bits give the same quality."""
    return [(gain * rate, 40 + 10 * math.log10(rate)) for rate in rates]


def test_bd_of_straight_lines():
    """Half the bits at every quality: -50 %, and 10 log10(2) dB at every rate."""
    rates = [0.1, 0.2, 0.4, 0.8, 1.6]
    anchor, test = line(rates), line(rates, 0.5)
    assert delta.bd_rate(anchor, test, (0.1, 0.8)) == pytest.approx(-50)
    assert delta.bd_psnr(anchor, test, (0.1, 0.8)) == pytest.approx(10 * math.log10(2))
    assert delta.bd_rate(test, anchor, (0.1, 0.8)) == pytest.approx(100)


def test_bd_of_a_range():
    """Only the range counts: curves that part beyond it are equal in it."""
    anchor = [(0.1, 30.0), (0.2, 33.0), (0.4, 36.0), (0.8, 39.0)]
    test = [*anchor[:3], (0.8, 45.0)]
    assert delta.bd_psnr(anchor, test, (0.1, 0.2)) == pytest.approx(0, abs=0.2)
    assert delta.bd_psnr(anchor, test, (0.1, 0.8)) > 0.5


def test_clipped_adds_the_ends():
    curve = delta.clipped(line([0.1, 1.0, 10.0]), (0.2, 2.0))
    assert curve == [pytest.approx((r, 40 + 10 * math.log10(r))) for r in (0.2, 1.0, 2.0)]


def test_clipped_drops_what_is_beaten():
    points = [(0.1, 30.0), (0.2, 29.0), (0.3, 33.0), (0.4, math.inf)]
    assert delta.clipped(points, (0.1, 0.3)) == [(0.1, 30.0), (0.3, 33.0)]


def test_overlap():
    """What is compared: of the range, the rates and the PSNR that both curves reach."""
    anchor, test = line([0.1, 1.0, 10.0]), line([0.2, 4.0], 0.5)
    assert delta.overlap(anchor, test, (0.05, 1.0), 0) == pytest.approx((0.1, 1.0))
    assert delta.overlap(anchor, test, (0.05, 1.0), 1) == pytest.approx(
        (40 + 10 * math.log10(0.2), 40)
    )
    assert all(map(math.isnan, delta.overlap(anchor, test[:1], (0.05, 1.0), 0)))
    assert all(map(math.isnan, delta.overlap(anchor, test, (3.0, 4.0), 0)))


def test_overlap_of_all_rates():
    first, second = [(0.1, 30.0), (0.5, 35.0)], [(0.2, 31.0), (0.7, 36.0)]
    for curves in ((first, second), (second, first)):
        assert delta.overlap(*curves, delta.ALL_RATES, 0) == (0.2, 0.5)
        assert delta.overlap(*curves, delta.ALL_RATES, 1) == (31.0, 35.0)


def test_psnr_at():
    points = [*line([0.1, 1.0, 10.0]), (2.0, 30.0), (20.0, math.inf)]  # two that do not count
    for rate in (0.1, 0.3, 4.0, 10.0):
        assert delta.psnr_at(points, rate) == pytest.approx(40 + 10 * math.log10(rate))
    for rate in (0.09, 11.0):
        assert math.isnan(delta.psnr_at(points, rate))
    assert math.isnan(delta.psnr_at(points[:1], 0.1))


def test_bd_without_overlap():
    low, high = [(0.1, 20.0), (1.0, 25.0)], [(0.1, 40.0), (1.0, 45.0)]
    assert math.isnan(delta.bd_rate(low, high, (0.1, 1.0)))
    assert delta.bd_psnr(low, high, (0.1, 1.0)) == pytest.approx(20)
    assert math.isnan(delta.bd_psnr(low, high[:1], (0.1, 1.0)))


def test_angle_change():
    """Of angles that are all a fifth smaller; nothing where curves share no rate."""
    anchor = [(0.1, 4.0), (0.2, 2.5), (0.4, 1.5), (0.8, 0.8)]
    smaller = [(rate, 0.8 * angle) for rate, angle in anchor]
    assert delta.angle_change(anchor, smaller, delta.ALL_RATES) == pytest.approx(-20)
    assert delta.angle_change(smaller, anchor, delta.ALL_RATES) == pytest.approx(25)
    assert math.isnan(delta.angle_change(anchor, smaller[:1], delta.ALL_RATES))


def test_angles(pair):
    original, decoded = pair
    angles = quality.spectral_angles_deg(original, decoded)
    x, y = original[3, 4].astype(float), decoded[3, 4].astype(float)
    cosine = x @ y / np.sqrt((x @ x) * (y @ y))
    assert angles[3, 4] == pytest.approx(np.degrees(np.arccos(cosine)), abs=1e-6)
    assert angles.mean() == pytest.approx(metrics.spectral_angle_deg(original, decoded))


def test_angles_of_zero_spectra():
    zero, one = np.zeros((1, 1, 3)), np.ones((1, 1, 3))
    assert quality.spectral_angles_deg(zero, zero)[0, 0] == 0
    assert quality.spectral_angles_deg(zero, one)[0, 0] == 90
    assert quality.spectral_angles_deg(one, 3 * one)[0, 0] == pytest.approx(0, abs=1e-6)


def test_spectral_information_divergence():
    """Distributions (1/2, 1/2) and (1/4, 3/4): (1/4) log(3) in both directions together."""
    original = np.array([[[2.0, 2.0]]])
    decoded = np.array([[[5.0, 15.0]]])
    found = quality.spectral_information_divergence(original, decoded)
    assert found == pytest.approx(0.25 * math.log(3))
    assert quality.spectral_information_divergence(original, 7 * original) == pytest.approx(0)


def test_ms_ssim_of_one_window(pair):
    """On 11 x 11 samples there is one window: the formula of 2004 with weighted moments."""
    original, decoded = (cube[:11, :11, :1].astype(float) for cube in pair)
    axis = np.exp(-0.5 * (np.arange(-5, 6) / 1.5) ** 2)
    window = np.outer(axis, axis) / axis.sum() ** 2
    x, y = original[:, :, 0], decoded[:, :, 0]
    mx, my = (window * x).sum(), (window * y).sum()
    sxx, syy = (window * (x - mx) ** 2).sum(), (window * (y - my) ** 2).sum()
    sxy = (window * (x - mx) * (y - my)).sum()
    c1, c2 = (0.01 * np.ptp(x)) ** 2, (0.03 * np.ptp(x)) ** 2
    expected = (2 * mx * my + c1) / (mx**2 + my**2 + c1) * (2 * sxy + c2) / (sxx + syy + c2)
    assert quality.ms_ssim(original, decoded) == pytest.approx(expected)


def test_ms_ssim(pair):
    original, decoded = pair
    assert quality.ms_ssim(original, original) == pytest.approx(1)
    near, far = quality.ms_ssim(original, decoded), quality.ms_ssim(original, decoded[::-1])
    assert 0 <= far < near < 1
    assert math.isnan(quality.ms_ssim(original[:10], decoded[:10]))


def test_all_measures(pair):
    original, decoded = pair
    found = quality.measure(original, decoded)
    error = decoded - original.astype(float)
    assert found.mse == pytest.approx(np.square(error).mean())
    peak = int(original.max()) - int(original.min())
    assert found.psnr_peak == peak
    assert found.psnr_db == pytest.approx(10 * math.log10(peak**2 / found.mse))
    assert found.max_abs_error == np.abs(error).max()
    assert found.sam_p99_deg > found.sam_deg


def test_intervals_share_the_peak(pair):
    original, decoded = pair
    parts = [BandInterval(0, 2), BandInterval(2, 6)]
    first, second = quality.interval_psnr_db(original, decoded, parts)
    peak = int(original.max()) - int(original.min())
    mse = [peak**2 / 10 ** (psnr / 10) for psnr in (first, second)]
    assert (2 * mse[0] + 4 * mse[1]) / 6 == pytest.approx(quality.measure(original, decoded).mse)
