"""FCLS against SciPy and against the conditions of optimality; VCA on mixtures with known truth."""

import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import nnls

from hyspec.analysis import abundance_metrics, fcls, local_sets, vca
from hyspec.errors import DataError, UsageError


def mixtures(seed, endmembers, bands, pixels=40, noise=0.05):
    """Endmembers, mixtures of them with noise, and spectra far from any mixture."""
    random = np.random.default_rng(seed)
    e = random.random((endmembers, bands))
    a = random.dirichlet(np.full(endmembers, 0.5), pixels)
    x = a @ e + random.normal(0, noise, (pixels, bands))
    return e, np.concatenate([x, random.normal(0, 3, (pixels, bands)), e])


SIZES = [(1, 5), (2, 1), (2, 3), (3, 2), (4, 198), (6, 20), (12, 30), (20, 100)]


@pytest.mark.parametrize(("endmembers", "bands"), SIZES)
def test_abundances_are_those_of_scipy(endmembers, bands):
    """SciPy's non-negative least squares with the sum as an equation of large weight."""
    e, x = mixtures(endmembers, endmembers, bands)
    found = fcls(x, e)
    weight = 1e4
    system = np.vstack([e.T, np.full(endmembers, weight)])
    expected = np.array([nnls(system, np.append(pixel, weight))[0] for pixel in x])
    assert np.abs(found - expected).max() < 2e-5
    ours, theirs = (
        ((x - a @ e) ** 2).sum(axis=1) for a in (found, expected / expected.sum(1)[:, None])
    )
    assert np.all(ours <= theirs * (1 + 1e-9) + 1e-12)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32), st.sampled_from(SIZES), st.floats(1e-3, 1e5), st.floats(-1e3, 1e3))
def test_conditions_of_optimality(seed, size, scale, offset):
    """Karush-Kuhn-Tucker: these alone prove the minimum of a convex problem."""
    e, x = mixtures(seed, *size)
    e, x = e * scale + offset, x * scale + offset
    a = fcls(x, e)
    assert a.min() >= 0
    assert a.sum(axis=1) == pytest.approx(1, abs=1e-9)
    centre = e.mean(axis=0)
    unit = np.abs(e - centre).max() or 1.0
    residual = (a @ (e - centre) - (x - centre)) / unit
    gradient = residual @ ((e - centre) / unit).T
    shared = (a * gradient).sum(axis=1, keepdims=True)  # the gradient where a > 0
    slack = 1e-8 * (1 + np.abs(gradient).max())
    assert np.abs(np.where(a > 0, gradient - shared, 0)).max() <= slack
    assert (gradient - shared).min() >= -slack


def test_exact_mixtures_are_found():
    random = np.random.default_rng(1)
    e = random.random((5, 50))
    a = random.dirichlet(np.full(5, 0.3), 500).reshape(20, 25, 5)
    assert np.abs(fcls(a @ e, e) - a).max() < 1e-10
    assert fcls(e, e) == pytest.approx(np.eye(5), abs=1e-12)


def test_samples_of_integers_and_blocks_of_pixels(monkeypatch):
    from hyspec.analysis import constrained_least_squares

    e, x = mixtures(3, 4, 30)
    e, x = np.rint(e * 1000), np.rint(x * 1000).astype(np.int32)
    whole = fcls(x, e)
    monkeypatch.setattr(constrained_least_squares, "_BLOCK_PIXELS", 7)
    assert fcls(x, e) == pytest.approx(whole, abs=1e-12)


@pytest.mark.parametrize(
    ("spectra", "endmembers", "message"),
    [
        (np.ones((5, 4)), np.ones((2, 3)), "shape"),
        (np.ones((5, 3)), np.ones((2, 3)), "combination"),
        (np.ones((5, 1)), np.array([[1.0], [2], [3]]), "combination"),
        (np.full((5, 3), np.nan), np.eye(3), "finite"),
        (np.ones((5, 3)), np.full((1, 3), np.inf), "finite"),
    ],
)
def test_unusable(spectra, endmembers, message):
    with pytest.raises(DataError, match=message):
        fcls(spectra, endmembers)


# ---- endmembers ----------------------------------------------------------------------------------


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32), st.integers(2, 6), st.sampled_from([None, 0.0, 100.0]))
def test_pure_pixels_are_found(seed, count, snr_db):
    """Without noise and with pure pixels, VCA is exact with either projection."""
    random = np.random.default_rng(seed)
    e = random.random((count, 40)) + 0.1
    a = random.dirichlet(np.ones(count), 300)
    pure = random.choice(300, count, replace=False)
    a[pure] = np.eye(count)
    found = vca(a @ e, count, seed=seed, snr_db=snr_db)
    assert sorted(found.pixels) == sorted(pure)
    assert abundance_metrics.match_endmembers(e, found.endmembers).angles.max() < 1e-6


def test_noise_is_estimated():
    random = np.random.default_rng(2)
    clean = random.dirichlet(np.ones(3), 4000) @ (random.random((3, 60)) + 0.2)
    power = np.sqrt(np.mean(clean**2))
    for expected in (15, 30, 45):
        noise = random.normal(0, power * 10 ** (-expected / 20), clean.shape)
        assert vca(clean + noise, 3, seed=0).snr_db == pytest.approx(expected, abs=0.5)
    assert vca(clean, 3, seed=0).snr_db == np.inf


def test_seeds():
    _, x = mixtures(5, 6, 30, pixels=400)
    assert np.array_equal(vca(x, 6, seed=1).pixels, vca(x, 6, seed=1).pixels)
    assert len({tuple(sorted(vca(x, 6, seed=seed).pixels)) for seed in range(8)}) > 1


def test_unusable_scenes():
    with pytest.raises(UsageError, match="2 to 5"):
        vca(np.ones((9, 5)), 6, seed=0)
    with pytest.raises(DataError, match="3 pixels"):
        vca(np.ones((3, 5)), 4, seed=0)
    with pytest.raises(DataError, match="finite"):
        vca(np.full((9, 5), np.nan), 2, seed=0)


# ---- a real scene --------------------------------------------------------------------------------


@pytest.mark.skipif(
    not os.environ.get("HYSPEC_DATA"), reason="HYSPEC_DATA does not name a folder of scenes"
)
def test_jasper_ridge():
    """FCLS with the true endmembers; figures that others computed, to the digits they gave."""
    assert (Path(os.environ["HYSPEC_DATA"]) / "test" / "jasper-ridge.mat").exists()
    scene = local_sets.load("jasper-ridge")[0]
    found = fcls(scene.spectra(), scene.endmembers)
    score = abundance_metrics.abundance_score(scene.abundances, found)
    assert score.a_rmse == pytest.approx(0.0607, abs=5e-5)
    assert score.overall_rmse == pytest.approx(0.0851, abs=5e-5)
    assert score.a_sam == pytest.approx(0.138, abs=5e-4)
    assert score.rms_aad == pytest.approx(0.209, abs=5e-4)
    spectra = abundance_metrics.reconstruction_score(scene.spectra(), found, scene.endmembers)
    assert spectra.r_rmse == pytest.approx(0.0318, abs=5e-5)
