"""Band intervals from the data: the exact search, and pooling of scenes."""

import itertools
import os
from pathlib import Path

import numpy as np
import pytest

from hyspec import io
from hyspec.cube import Cube
from hyspec.errors import UsageError
from hyspec.intervals import (
    BandInterval,
    BestPartitions,
    auto_intervals,
    band_correlation,
    check_partition,
    format_intervals,
    parse_intervals,
    pool_correlations,
)

FOLDER = os.environ.get("HYSPEC_DATA")


def partitions(bands, count):
    """Every partition of ``bands`` bands into ``count`` contiguous intervals."""
    for inner in itertools.combinations(range(1, bands), count - 1):
        limits = [0, *inner, bands]
        yield tuple(map(BandInterval, limits[:-1], limits[1:]))


def scatter(correlation, interval):
    """The criterion as its definition reads."""
    block = correlation[interval.slice, interval.slice] ** 2
    size = np.trace(block)
    return size - block.sum() / size if size else 0.0


def total(correlation, intervals):
    return sum(scatter(correlation, interval) for interval in intervals)


def random_correlation(bands, seed, dead=()):
    rng = np.random.default_rng(seed)
    walk = rng.normal(size=(40, bands)).cumsum(axis=1) + rng.normal(size=(40, bands))
    result = np.corrcoef(walk.T)
    for band in dead:
        result[band] = result[:, band] = 0
    return result


# The search


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("dead", [(), (0,), (3, 4), (0, 2, 7)])
def test_the_search_is_exact(seed, dead):
    bands, varying = 8, 8 - len(dead)
    matrix = random_correlation(bands, seed, dead)
    best = {}
    for count in range(1, varying + 1):
        best[count] = min(total(matrix, p) for p in partitions(bands, count))
        found = auto_intervals(matrix, count=count)
        check_partition(found, bands)
        assert len(found) == count
        assert total(matrix, found) == pytest.approx(best[count], abs=1e-12)
    for penalty in (0.0, 0.01, 0.05, 0.3):
        found = auto_intervals(matrix, penalty=penalty, max_intervals=5)
        check_partition(found, bands)
        cost = total(matrix, found) / varying + penalty * len(found)
        expected = min(best[k] / varying + penalty * k for k in range(1, 6) if k in best)
        assert cost == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("least", [1, 2, 3, 4])
def test_the_search_is_exact_with_a_least_number_of_bands(seed, least):
    matrix = random_correlation(9, seed)
    best = BestPartitions.search(matrix, most=9, min_bands=least)
    for count in range(1, 10):
        costs = [total(matrix, p) / 9 for p in partitions(9, count) if min(map(len, p)) >= least]
        if costs:
            found = best.intervals(count)
            assert min(map(len, found)) >= least
            assert best.scatter[count - 1] == pytest.approx(min(costs), abs=1e-12)
            assert total(matrix, found) / 9 == pytest.approx(min(costs), abs=1e-12)
        else:
            assert np.isinf(best.scatter[count - 1])
            with pytest.raises(UsageError, match=f"found {count} intervals; expected 1 to "):
                best.intervals(count)
    assert len(best.intervals(best.choose(0.0))) <= 9 // least


def test_bands_without_variance_count_towards_the_least_number():
    matrix = random_correlation(9, 1, dead=(1, 2, 4, 5, 7, 8))
    assert format_intervals(auto_intervals(matrix, count=3, min_bands=2)) == "1-2,3-5,6-9"
    assert len(auto_intervals(matrix, penalty=0.0, min_bands=3)) == 2


def test_scatter_of_any_interval():
    matrix = random_correlation(8, 2, dead=(0, 3, 4))
    best = BestPartitions.search(matrix, most=3)
    assert best.varying.tolist() == [1, 2, 5, 6, 7]
    for start, stop in itertools.combinations(range(9), 2):
        interval = BandInterval(start, stop)
        expected = scatter(matrix, interval) / 5
        assert best.scatter_of(interval) == pytest.approx(expected, abs=1e-12)
    for count in (1, 2, 3):
        parts = sum(map(best.scatter_of, best.intervals(count)))
        assert best.scatter[count - 1] == pytest.approx(parts, abs=1e-12)


def test_blocks_of_equal_bands_are_found():
    matrix = np.zeros((12, 12))
    for start, stop in ((0, 5), (5, 6), (6, 12)):
        matrix[start:stop, start:stop] = 1
    assert format_intervals(auto_intervals(matrix)) == "1-5,6-6,7-12"
    assert format_intervals(auto_intervals(-matrix)) == "1-5,6-6,7-12"
    assert len(auto_intervals(np.ones((12, 12)))) == 1
    assert len(auto_intervals(matrix, max_intervals=2)) == 2
    assert len(auto_intervals(matrix, penalty=1.0)) == 1
    assert len(auto_intervals(matrix, min_bands=5)) == 2


@pytest.mark.parametrize(
    ("dead", "expected"),
    [
        ([4], "1-5,6-12"),  # in the middle of three: to the lower one
        ([5], "1-6,7-12"),
        ([4, 5], "1-5,6-12"),
        ([3, 4, 5, 6], "1-5,6-12"),
        ([4, 5, 6], "1-6,7-12"),
        ([0, 11], "1-5,6-12"),
    ],
)
def test_bands_without_variance_go_with_the_nearest_one(dead, expected):
    matrix = np.zeros((12, 12))
    matrix[:5, :5] = matrix[5:, 5:] = 1
    for band in dead:
        matrix[band] = matrix[:, band] = 0
    assert format_intervals(auto_intervals(matrix, count=2)) == expected


def test_the_default_penalty_is_at_least_one_band():
    assert BestPartitions.search(np.eye(200), most=1).default_penalty == 0.01
    assert BestPartitions.search(np.eye(20), most=1).default_penalty == 1 / 20
    pair = np.array([[1, 0.1], [0.1, 1]])  # gains 0.99 of a band
    assert len(auto_intervals(pair)) == 1
    assert len(auto_intervals(pair, penalty=0.49)) == 2
    assert BestPartitions.search(pair, most=2).choose() == 1


def test_uncorrelated_bands_are_not_split_without_end():
    assert len(auto_intervals(np.eye(300))) == 1
    assert len(auto_intervals(np.zeros((20, 20)))) == 1


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"count": 0}, "found 0 intervals; expected at least 1"),
        ({"count": 6}, "found 6 intervals; expected 1 to 5"),
        ({"penalty": float("nan")}, "penalty of nan"),
        ({"penalty": -1.0}, "penalty of -1"),
        ({"max_intervals": 0}, "found 0 intervals"),
        ({"min_bands": 0}, "found at least 0 bands in an interval; expected 1 to 5"),
        ({"min_bands": 6}, "found at least 6 bands in an interval; expected 1 to 5"),
        ({"count": 2, "min_bands": 3}, "found 2 intervals; expected 1 to 1"),
    ],
)
def test_search_arguments_are_checked(settings, message):
    with pytest.raises(UsageError, match=message):
        auto_intervals(np.eye(5), **settings)


@pytest.mark.parametrize("shape", [(2, 3), (0, 0), (4,)])
def test_what_is_no_correlation_matrix(shape):
    with pytest.raises(UsageError, match=r"expected \(bands, bands\)"):
        auto_intervals(np.zeros(shape))


def test_one_band():
    assert auto_intervals(np.eye(1)) == (BandInterval(0, 1),)
    assert auto_intervals(Cube(np.ones((1, 1, 1)))) == (BandInterval(0, 1),)


# Pooling


def test_pooling_minimises_the_mean_scatter_of_the_scenes():
    scenes = [random_correlation(8, seed) for seed in (11, 12, 13)]
    pooled = pool_correlations(scenes)
    for count in range(1, 9):
        candidates = list(partitions(8, count))
        means = [np.mean([total(scene, p) for scene in scenes]) for p in candidates]
        found = auto_intervals(pooled, count=count)
        assert means[candidates.index(found)] == pytest.approx(min(means), abs=1e-12)
        assert total(pooled, found) == pytest.approx(min(means), abs=1e-12)


def test_pooling_one_scene_keeps_its_squares():
    scene = random_correlation(6, 0, dead=(2,))
    assert pool_correlations([scene]) == pytest.approx(np.abs(scene))
    signs = np.outer([1, -1, 1, 1, -1, 1], [1, -1, 1, 1, -1, 1])
    assert pool_correlations([scene, signs * scene]) == pytest.approx(np.abs(scene))


def test_a_pair_of_bands_is_pooled_over_the_scenes_in_which_both_vary():
    first, second = random_correlation(4, 1, dead=(0,)), random_correlation(4, 2, dead=(0, 3))
    pooled = pool_correlations([first, second])
    assert not pooled[0].any()
    assert pooled[3] == pytest.approx(np.abs(first[3]))
    assert pooled[1, 2] ** 2 == pytest.approx((first[1, 2] ** 2 + second[1, 2] ** 2) / 2)
    assert np.diagonal(pooled) == pytest.approx([0, 1, 1, 1])


@pytest.mark.parametrize("shapes", [[], [(3, 3), (4, 4)], [(3, 4)], [(3,)]])
def test_what_cannot_be_pooled(shapes):
    with pytest.raises(UsageError, match=r"of the same shape \(bands, bands\)"):
        pool_correlations([np.ones(shape) for shape in shapes])


# Real scenes


PAPER = "1-40,41-96,97-155,156-165,166-224"


def correlation_of(name):
    if not FOLDER:
        pytest.skip("HYSPEC_DATA does not name a folder of scenes")
    return band_correlation(io.read(Path(FOLDER) / "train" / name), max_pixels=None)


def test_the_intervals_of_the_paper_are_nearly_optimal_on_san_diego():
    """One of them holds no band that varies here, so the others compare with the best four."""
    best = BestPartitions.search(correlation_of("san-diego-224.mat"), most=8)
    paper = [best.scatter_of(interval) for interval in parse_intervals(PAPER, 224)]
    assert paper[3] == 0
    assert best.scatter[3] <= sum(paper) < 1.01 * best.scatter[3]
    assert format_intervals(best.intervals(5)) == "1-16,17-40,41-87,88-159,160-224"
    assert best.choose() == 3


def test_two_aviris_scenes_together():
    scenes = [correlation_of(name) for name in ("san-diego-224.mat", "salton-sea.mat")]
    best = BestPartitions.search(pool_correlations(scenes), most=8)
    assert format_intervals(best.intervals(5)) == "1-40,41-83,84-106,107-160,161-224"
    assert format_intervals(best.intervals(best.choose())) == "1-40,41-83,84-106,107-224"
