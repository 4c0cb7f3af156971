"""RX detector and ROC: definitions, invariances, ties."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hyspec.analysis import auc, roc, rx
from hyspec.errors import DataError, UsageError


def scene(seed=0, rows=20, columns=24, bands=6):
    random = np.random.default_rng(seed)
    mixing = random.normal(size=(bands, bands))
    return random.normal(size=(rows, columns, bands)) @ mixing + 100


def test_distance_of_mahalanobis():
    from scipy.spatial.distance import mahalanobis

    cube = scene()
    pixels = cube.reshape(-1, 6)
    inverse = np.linalg.inv(np.cov(pixels.T))
    expected = [mahalanobis(pixel, pixels.mean(axis=0), inverse) ** 2 for pixel in pixels]
    assert rx(cube, regularisation=1e-12).ravel() == pytest.approx(np.array(expected), rel=1e-6)


def test_mean_distance_is_the_number_of_bands():
    assert rx(scene(), regularisation=1e-12).mean() == pytest.approx(6 * (1 - 1 / 480), rel=1e-6)


@settings(deadline=None)
@given(st.integers(0, 2**32), st.floats(0.01, 1000), st.floats(-1000, 1000))
def test_units_do_not_matter(seed, scale, offset):
    cube = scene(seed)
    assert rx(cube * scale + offset) == pytest.approx(rx(cube), rel=1e-4)


def test_anomaly_stands_out():
    cube = scene(1)
    cube[7, 9] += 40
    for windows in (None, (3, 11)):
        scores = rx(cube, windows=windows)
        assert np.unravel_index(np.argmax(scores), scores.shape) == (7, 9)


def test_windows_adapt_to_surroundings():
    """A pixel that is common elsewhere is an anomaly only to the local detector."""
    random = np.random.default_rng(3)
    cube = random.normal(0, 1, (30, 30, 3))
    cube[:, 15:] += 50
    cube[15, 7] = 50
    ranks = [np.mean(rx(cube, windows=w) >= rx(cube, windows=w)[15, 7]) for w in (None, (3, 9))]
    assert ranks[1] == 1 / 900
    assert ranks[0] > 0.05


def test_windows_by_the_definition():
    cube = scene(4, 7, 8, 2)
    background = np.ones((7, 8), bool)
    row, column = 2, 6
    background[:] = False
    background[0:5, 4:8] = True  # 5 x 5 around it, cut at the edge
    background[1:4, 5:8] = False  # without 3 x 3
    pixels = cube[background]
    covariance = np.cov(pixels.T)
    covariance += 1e-3 * np.trace(covariance) / 2 * np.eye(2)
    difference = cube[row, column] - pixels.mean(axis=0)
    expected = difference @ np.linalg.solve(covariance, difference)
    found = rx(cube, windows=(3, 5), regularisation=1e-3)[row, column]
    assert found == pytest.approx(expected)


def test_pixels_without_measurement():
    cube = scene(5)
    holes = cube.copy()
    holes[3, 4, 1] = np.nan
    scores = rx(holes)
    assert np.isnan(scores[3, 4])
    assert np.isfinite(np.delete(scores.ravel(), 3 * 24 + 4)).all()
    without = np.delete(cube.reshape(1, -1, 6), 3 * 24 + 4, axis=1)
    assert np.delete(scores.ravel(), 3 * 24 + 4) == pytest.approx(rx(without).ravel())
    assert np.isnan(rx(holes, windows=(1, 5))[3, 4])


def test_dependent_bands_and_constant_scenes():
    cube = scene(6)
    assert np.isfinite(rx(np.concatenate([cube, cube], axis=2))).all()
    constant = np.ones((5, 5, 3))
    assert np.array_equal(rx(constant), np.zeros((5, 5)))


@pytest.mark.parametrize("windows", [(2, 5), (3, 4), (5, 5), (7, 5), (0, 3)])
def test_windows_are_odd_and_nested(windows):
    with pytest.raises(UsageError, match="windows"):
        rx(scene(), windows=windows)


def test_unusable():
    with pytest.raises(UsageError, match="regularisation"):
        rx(scene(), regularisation=0)
    with pytest.raises(DataError, match="shape"):
        rx(np.ones((4, 5)))
    with pytest.raises(DataError, match="finite"):
        rx(np.full((4, 5, 3), np.nan))


# ---- receiver operating characteristic -----------------------------------------------------------

SCORES = st.lists(st.tuples(st.integers(0, 6), st.booleans()), min_size=2, max_size=60).filter(
    lambda pairs: 0 < sum(t for _, t in pairs) < len(pairs)
)


@settings(deadline=None)
@given(SCORES)
def test_area_counts_pairs(pairs):
    scores, targets = (np.array(values) for values in zip(*pairs, strict=True))
    high, low = scores[targets][:, None], scores[~targets][None]
    assert auc(scores, targets) == pytest.approx(np.mean((high > low) + 0.5 * (high == low)))


@settings(deadline=None)
@given(SCORES)
def test_area_is_below_the_curve(pairs):
    scores, targets = (np.array(values) for values in zip(*pairs, strict=True))
    curve = roc(scores, targets)
    assert auc(scores, targets) == pytest.approx(np.trapezoid(curve.detections, curve.false_alarms))
    for threshold, false_alarm, detection in zip(
        curve.thresholds, curve.false_alarms, curve.detections, strict=True
    ):
        assert detection == pytest.approx(np.mean(scores[targets] >= threshold))
        assert false_alarm == pytest.approx(np.mean(scores[~targets] >= threshold))


@settings(deadline=None)
@given(SCORES)
def test_order_alone_matters(pairs):
    scores, targets = (np.array(values) for values in zip(*pairs, strict=True))
    assert auc(np.exp(scores), targets) == auc(scores, targets)
    assert auc(-scores, targets) == pytest.approx(1 - auc(scores, targets))


def test_known_areas():
    assert auc(np.array([1, 2, 3, 4]), np.array([0, 0, 1, 1])) == 1
    assert auc(np.array([5, 5, 5]), np.array([0, 1, 0])) == 0.5
    assert auc(np.array([np.nan, 1, 2]), np.array([1, 0, 1])) == 1


@pytest.mark.parametrize("targets", [[0, 0], [1, 1]])
def test_both_kinds_of_pixels(targets):
    with pytest.raises(DataError, match="are targets"):
        auc(np.array([1.0, 2.0]), np.array(targets))
    with pytest.raises(DataError, match="shape"):
        roc(np.ones(3), np.array(targets))
