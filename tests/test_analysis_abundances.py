"""Errors of abundances, spectra and endmembers: definitions, identities, permutations."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hyspec import metrics
from hyspec.analysis import abundance_metrics as am
from hyspec.analysis import spectral_angles, ssim
from hyspec.errors import DataError
from hyspec_bench import quality


def random_abundances(seed, pixels=50, endmembers=4):
    return np.random.default_rng(seed).dirichlet(np.ones(endmembers), pixels)


@settings(deadline=None)
@given(st.integers(0, 2**32), st.integers(1, 40), st.integers(2, 6))
def test_definitions_and_identities(seed, pixels, endmembers):
    a, b = (random_abundances([seed, i], pixels, endmembers) for i in (0, 1))
    score = am.abundance_score(a, b)
    assert score.a_rmse == pytest.approx(
        np.mean([math.sqrt(np.mean((x - y) ** 2)) for x, y in zip(a, b, strict=True)])
    )
    assert score.overall_rmse**2 == pytest.approx(np.mean(score.class_rmse**2))
    assert score.class_rmse_sum == pytest.approx(score.class_rmse.sum())
    cosine = [x @ y / np.linalg.norm(x) / np.linalg.norm(y) for x, y in zip(a, b, strict=True)]
    angles = np.arccos(np.clip(cosine, -1, 1))
    assert score.a_sam == pytest.approx(angles.mean(), abs=1e-6)
    assert score.rms_aad == pytest.approx(math.sqrt(np.mean(angles**2)), abs=1e-6)
    # By Jensen's inequality.
    assert score.a_rmse <= score.overall_rmse * (1 + 1e-12)
    assert score.a_sam <= score.rms_aad * (1 + 1e-12)


def test_known_values():
    score = am.abundance_score(np.array([[1.0, 0], [0.5, 0.5]]), np.array([[0.0, 1], [0.5, 0.5]]))
    assert score.a_rmse == 0.5
    assert score.overall_rmse == pytest.approx(math.sqrt(0.5))
    assert score.class_rmse == pytest.approx([math.sqrt(0.5)] * 2)
    assert score.a_sam == pytest.approx(math.pi / 4)
    assert score.rms_aad == pytest.approx(math.pi / 2 / math.sqrt(2))


def test_image_or_list_of_pixels():
    a, b = random_abundances(1, 48), random_abundances(2, 48)
    image = am.abundance_score(a.reshape(6, 8, 4), b.reshape(6, 8, 4))
    assert image.a_rmse == am.abundance_score(a, b).a_rmse


def test_reconstruction():
    random = np.random.default_rng(3)
    e, a = random.random((3, 20)) + 0.1, random_abundances(4, 30, 3)
    exact = am.reconstruction_score(a @ e, a, e)
    assert exact.r_rmse == pytest.approx(0, abs=1e-15)
    assert exact.r_sid == pytest.approx(0, abs=1e-15)
    x = a @ e + 0.01
    score = am.reconstruction_score(x, a, e)
    assert score.r_rmse == pytest.approx(0.01)
    p, q = x / x.sum(1, keepdims=True), (a @ e) / (a @ e).sum(1, keepdims=True)
    sid = (p * np.log2(p / q)).sum(1) + (q * np.log2(q / p)).sum(1)
    assert score.r_sid == pytest.approx(sid.sum())
    assert score.r_sid_per_pixel == pytest.approx(sid.mean())


def test_divergence_of_zeros_is_finite():
    assert am.spectral_information_divergence(np.zeros(5), np.zeros(5)) == 0
    assert math.isfinite(am.spectral_information_divergence(np.zeros(5), np.eye(5)[0]))


@settings(deadline=None)
@given(st.permutations(range(5)), st.integers(0, 2**32))
def test_matching_finds_the_permutation(order, seed):
    random = np.random.default_rng(seed)
    true = random.random((5, 30))
    estimated = np.empty_like(true)
    estimated[list(order)] = true * random.uniform(0.5, 2, (5, 1))  # angles know no scale
    match = am.match_endmembers(true, estimated)
    assert match.order.tolist() == list(order)
    assert match.angles == pytest.approx(0, abs=1e-7)


def test_matching_is_best_of_all():
    import itertools

    random = np.random.default_rng(8)
    true, estimated = random.random((4, 6)), random.random((4, 6))
    angles = spectral_angles(true[:, None], estimated[None])
    best = min(sum(angles[range(4), p]) for p in itertools.permutations(range(4)))
    assert am.match_endmembers(true, estimated).angles.sum() == pytest.approx(best)


def test_angles():
    assert spectral_angles(np.array([1.0, 0]), np.array([0, 2.0])) == pytest.approx(math.pi / 2)
    assert spectral_angles(np.array([1.0, 0]), np.array([-3.0, 0])) == pytest.approx(math.pi)
    assert spectral_angles(np.zeros(2), np.zeros(2)) == 0
    assert spectral_angles(np.zeros(2), np.ones(2)) == pytest.approx(math.pi / 2)
    tiny = 1e-10  # an arc cosine gives 0
    assert spectral_angles(np.array([1.0, 0]), np.array([1.0, tiny])) == pytest.approx(tiny)


def test_angles_are_those_of_the_codec():
    random = np.random.default_rng(9)
    x, y = random.random((5, 6, 7)), random.random((5, 6, 7))
    degrees = math.degrees(spectral_angles(x, y).mean())
    assert degrees == pytest.approx(metrics.spectral_angle_deg(x, y))


@pytest.mark.parametrize("call", [am.abundance_score, am.match_endmembers])
def test_shapes_must_fit(call):
    with pytest.raises(DataError, match="shape"):
        call(np.ones((3, 4)), np.ones((4, 3)))


def test_unusable_values():
    with pytest.raises(DataError, match="shape"):
        am.abundance_score(np.ones((0, 4)), np.ones((0, 4)))
    with pytest.raises(DataError, match="finite"):
        am.match_endmembers(np.full((2, 3), np.nan), np.ones((2, 3)))
    with pytest.raises(DataError, match="endmembers"):
        am.reconstruction_score(np.ones((5, 9)), np.ones((5, 2)), np.ones((3, 9)))


# ---- structural similarity -----------------------------------------------------------------------


def test_similarity_by_the_formula():
    """Against a direct sum over every window, weights in two dimensions."""
    random = np.random.default_rng(5)
    x, y = random.random((13, 14, 2)) * 100, random.random((13, 14, 2)) * 100
    offsets = np.arange(-5, 6)
    weights = np.exp(-(offsets[:, None] ** 2 + offsets**2) / (2 * 1.5**2))
    weights /= weights.sum()
    c1, c2 = 0.01**2 * 100**2, 0.03**2 * 100**2
    values = []
    for band in range(2):
        for row in range(3):
            for column in range(4):
                u = x[row : row + 11, column : column + 11, band]
                v = y[row : row + 11, column : column + 11, band]
                mu, mv = (weights * u).sum(), (weights * v).sum()
                su, sv = (weights * (u - mu) ** 2).sum(), (weights * (v - mv) ** 2).sum()
                suv = (weights * (u - mu) * (v - mv)).sum()
                values.append(
                    (2 * mu * mv + c1) * (2 * suv + c2) / ((mu**2 + mv**2 + c1) * (su + sv + c2))
                )
    assert ssim(x, y, dynamic_range=100) == pytest.approx(np.mean(values))


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 2**32), st.floats(0.01, 50))
def test_similarity_falls_with_noise(seed, noise):
    random = np.random.default_rng(seed)
    x = random.random((16, 16, 2)) * 100
    y = x + random.normal(0, noise, x.shape)
    worse = x + (y - x) * 3
    assert ssim(x, x) == pytest.approx(1)
    assert ssim(x, worse) < ssim(x, y) < 1
    assert ssim(x, y, dynamic_range=100) == pytest.approx(ssim(y, x, dynamic_range=100))


def test_similarity_of_one_scale_is_that_of_the_benchmark():
    random = np.random.default_rng(6)
    x = random.random((12, 15, 1)) * 1000  # only one scale fits
    y = x + random.normal(0, 50, x.shape)
    span = float(np.ptp(x))
    assert quality.ms_ssim(x, y) == pytest.approx(ssim(x, y, dynamic_range=span))


def test_similarity_has_its_limits():
    assert math.isnan(ssim(np.ones((10, 20, 3)), np.ones((10, 20, 3))))
    with pytest.raises(DataError, match="dynamic range"):
        ssim(np.ones((20, 20, 3)), np.ones((20, 20, 3)))
    with pytest.raises(DataError, match="shapes"):
        ssim(np.ones((20, 20)), np.ones((20, 20)))
