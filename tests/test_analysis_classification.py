"""Accuracy of classifications: known values, definitions, and what must not change them."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hyspec.analysis import classification_metrics as metrics
from hyspec.errors import DataError, UsageError

LABELS = st.lists(st.tuples(st.integers(-1, 4), st.integers(0, 4)), min_size=1, max_size=60).filter(
    lambda pairs: any(t > 0 for t, _ in pairs)
)


def test_worked_example():
    """Cohen's kappa by hand: agreement 0.7, chance 0.5, thus 0.4."""
    confusion = np.array([[20, 5], [10, 15]])
    score = metrics.of_confusion(confusion)
    assert score.overall_accuracy == 0.7
    assert score.kappa == pytest.approx(0.4)
    assert score.recall.tolist() == [0.8, 0.6]
    assert score.average_accuracy == pytest.approx(0.7)
    assert score.f1 == pytest.approx([2 * 20 / (25 + 30), 2 * 15 / (25 + 20)])


def test_classes_of_different_size():
    """Average accuracy is that of classes, overall that of pixels."""
    score = metrics.score(np.array([1] * 9 + [2]), np.ones(10, int))
    assert score.overall_accuracy == 0.9
    assert score.average_accuracy == 0.5
    assert score.kappa == 0
    assert score.f1[1] == 0


@settings(deadline=None)
@given(LABELS)
def test_definitions(pairs):
    true, predicted = (np.array(values) for values in zip(*pairs, strict=True))
    score = metrics.score(true, predicted, classes=4)
    labelled = true > 0
    assert score.overall_accuracy == pytest.approx(np.mean(true[labelled] == predicted[labelled]))
    assert score.confusion.sum() + score.rejected.sum() == np.count_nonzero(labelled)
    for c in range(1, 5):
        for d in range(1, 5):
            assert score.confusion[c - 1, d - 1] == np.sum((true == c) & (predicted == d))
        tp = np.sum((true == c) & (predicted == c))
        actual, called = np.sum(true == c), np.sum(labelled & (predicted == c))
        if actual == 0:
            assert math.isnan(score.recall[c - 1])
        else:
            assert score.recall[c - 1] == pytest.approx(tp / actual)
        if tp:
            precision, recall = tp / called, tp / actual
            harmonic = 2 * precision * recall / (precision + recall)
            assert score.f1[c - 1] == pytest.approx(harmonic)
    present = [np.mean(predicted[true == c] == c) for c in range(1, 5) if np.any(true == c)]
    assert score.average_accuracy == pytest.approx(np.mean(present))


@settings(deadline=None)
@given(LABELS, st.integers(-3, 0), st.integers(0, 9))
def test_background_does_not_count(pairs, background, predicted_there):
    true, predicted = (np.array(values) for values in zip(*pairs, strict=True))
    more = metrics.score(
        np.append(true, [background] * 5), np.append(predicted, [predicted_there] * 5), classes=4
    )
    alone = metrics.score(true, predicted, classes=4)
    assert np.array_equal(more.confusion, alone.confusion)
    assert more.kappa == alone.kappa or (math.isnan(more.kappa) and math.isnan(alone.kappa))


def test_perfect_and_independent():
    random = np.random.default_rng(1)
    true = random.integers(1, 5, 20000)
    assert metrics.score(true, true).kappa == 1
    assert abs(metrics.score(true, random.integers(1, 5, 20000)).kappa) < 0.02


def test_background_predicted_is_wrong():
    score = metrics.score(np.array([1, 1, 2]), np.array([1, 0, 2]))
    assert score.rejected.tolist() == [1, 0]
    assert score.overall_accuracy == pytest.approx(2 / 3)
    assert score.recall.tolist() == [0.5, 1]


def test_over_runs():
    true = np.array([1, 1, 2, 2, 3])
    scores = [
        metrics.score(true, np.array(p), classes=4) for p in ([1, 1, 2, 2, 3], [1, 2, 2, 2, 1])
    ]
    spread = metrics.over_runs(scores)
    assert set(spread) == {"overall_accuracy", "average_accuracy", "kappa", "recall", "f1"}
    assert spread["overall_accuracy"].mean == pytest.approx(0.8)
    assert spread["overall_accuracy"].deviation == pytest.approx(np.std([1, 0.6], ddof=1))
    assert spread["recall"].mean[:3] == pytest.approx([0.75, 1, 0.5])
    assert math.isnan(spread["recall"].mean[3])
    assert str(spread["overall_accuracy"]) == "0.8000 ± 0.2828"
    assert str(metrics.over_runs(scores[:1])["overall_accuracy"]) == "1.0000"


@pytest.mark.parametrize(
    ("true", "predicted", "message"),
    [
        ([1, 2], [1], "shape"),
        ([1.0, 2.0], [1, 2], "integers"),
        ([0, -1], [1, 1], "no pixel"),
        ([1, 7], [1, 1], "at most 4"),
    ],
)
def test_unusable(true, predicted, message):
    with pytest.raises(DataError, match=message):
        metrics.score(np.array(true), np.array(predicted), classes=4)


def test_runs_must_fit():
    with pytest.raises(UsageError, match="no run"):
        metrics.over_runs([])
    scores = [metrics.score(np.array([c]), np.array([c])) for c in (1, 2)]
    with pytest.raises(UsageError, match="classes"):
        metrics.over_runs(scores)
    with pytest.raises(DataError, match="square"):
        metrics.of_confusion(np.ones((2, 3), int))
