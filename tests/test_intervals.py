"""Band intervals: text form, the AVIRIS seed mapped to other cubes, and the search in the data."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hyspec.cube import Cube
from hyspec.errors import UsageError
from hyspec.intervals import (
    SEED_EDGES_NM,
    SEED_STARTS,
    BandInterval,
    auto_intervals,
    band_correlation,
    check_partition,
    format_intervals,
    model_indices,
    parse_intervals,
    seed_intervals,
    to_nanometres,
)

#: AVIRIS: four spectrometers, each overlapping the next.
AVIRIS_NM = np.concatenate(
    [
        np.linspace(365.9, 667.5, 32),
        np.linspace(655.5, 1263.1, 64),
        np.linspace(1253.4, 1881.2, 64),
        np.linspace(1866.8, 2496.2, 64),
    ]
)
SEED_TEXT = "1-40,41-96,97-155,156-165,166-224"


def partitions(bands, count):
    """Every partition of ``bands`` bands into ``count`` contiguous intervals."""
    for inner in itertools.combinations(range(1, bands), count - 1):
        limits = [0, *inner, bands]
        yield tuple(map(BandInterval, limits[:-1], limits[1:]))


# Text form


def test_an_interval_knows_its_bands():
    interval = BandInterval(40, 96)
    assert str(interval) == "41-96"
    assert len(interval) == 56
    assert np.arange(224)[interval.slice].tolist() == list(range(40, 96))


@pytest.mark.parametrize(("start", "stop"), [(3, 3), (5, 2), (-1, 4)])
def test_empty_and_negative_intervals_are_refused(start, stop):
    with pytest.raises(UsageError, match="empty or starts below 0"):
        BandInterval(start, stop)


def test_parse():
    assert parse_intervals(" 1-2, 3 ,4 - 9", 9) == (
        BandInterval(0, 2),
        BandInterval(2, 3),
        BandInterval(3, 9),
    )


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", "found band interval ''"),
        ("1-10,", "found band interval ''"),
        ("1-x", "'1-x'"),
        ("1-1000000000000", "FIRST-LAST"),
        ("0-10", "expected 1 <= FIRST <= LAST"),
        ("1-5,10-6", "'10-6'"),
        ("2-10", "bands 1-1 are in no interval"),
        ("1-4,6-10", "bands 5-5 are in no interval"),
        ("1-4,4-10", "4-10 overlaps the one before it, which ends at band 4"),
        ("1-4,5-11", "beyond the last band; the cube has 10 bands"),
        ("1-4,11-12", "bands 5-10 are in no interval"),
        ("1-4,5-9", "end at band 9; the cube has 10 bands"),
        ("6-10,1-5", "bands 1-5 are in no interval"),
    ],
)
def test_bad_text_is_refused_with_a_hint(text, found):
    with pytest.raises(UsageError) as caught:
        parse_intervals(text, 10)
    assert found in str(caught.value)
    assert caught.value.hint


def test_no_intervals_are_no_partition():
    with pytest.raises(UsageError, match="end at band 0"):
        check_partition([], 5)


@st.composite
def random_partition(draw):
    bands = draw(st.integers(1, 60))
    inner = draw(st.sets(st.integers(1, bands - 1))) if bands > 1 else set()
    limits = [0, *sorted(inner), bands]
    return bands, tuple(map(BandInterval, limits[:-1], limits[1:]))


@given(random_partition())
def test_text_form_round_trip(case):
    bands, intervals = case
    assert parse_intervals(format_intervals(intervals), bands) == intervals


# The seed


def test_the_seed_without_wavelengths_is_the_paper():
    seed = seed_intervals(224)
    assert format_intervals(seed.intervals) == SEED_TEXT
    assert seed.models == (0, 1, 2, 3, 4)


@pytest.mark.parametrize("factor", [(1, "nm"), (1e-3, "um"), (1e-3, "Micrometers"), (1, None)])
def test_the_seed_by_aviris_wavelengths_is_the_paper(factor):
    """The spectrometer overlap at 96 | 97 does not disturb it."""
    scale, unit = factor
    seed = seed_intervals(224, AVIRIS_NM * scale, unit)
    assert format_intervals(seed.intervals) == SEED_TEXT
    assert seed.models == (0, 1, 2, 3, 4)


def test_the_seed_by_band_number_is_proportional():
    assert format_intervals(seed_intervals(112).intervals) == "1-20,21-48,49-78,79-83,84-112"
    assert seed_intervals(1).models == (2,)
    three = seed_intervals(3)
    assert format_intervals(three.intervals) == "1-1,2-2,3-3"
    assert three.models == (0, 2, 4)


def test_the_seed_drops_empty_intervals():
    seed = seed_intervals(10, np.linspace(400, 700, 10), "nm")
    assert format_intervals(seed.intervals) == "1-10"
    assert seed.models == (0,)
    seed = seed_intervals(4, [2000, 2100, 2200, 9000.0], "nm")
    assert seed.models == (4,)
    seed = seed_intervals(4, [0.5, 0.8, 1.0, 2.2], "um")
    assert format_intervals(seed.intervals) == "1-1,2-3,4-4"
    assert seed.models == (0, 1, 4)


def test_the_seed_follows_descending_wavelengths():
    seed = seed_intervals(224, AVIRIS_NM[::-1], "nm")
    assert format_intervals(seed.intervals) == "1-59,60-69,70-128,129-184,185-224"
    assert seed.models == (4, 3, 2, 1, 0)
    visible = seed_intervals(10, np.linspace(700, 400, 10), "nm")
    assert visible.models == (0,)


def test_a_deep_overlap_of_spectrometers_ends_where_the_second_one_starts():
    wavelengths = [*range(1200, 1301, 5), *range(1220, 1401, 10)]
    seed = seed_intervals(len(wavelengths), wavelengths, "nm")
    assert format_intervals(seed.intervals) == "1-21,22-40"
    assert seed.models == (1, 2)


def test_the_seed_of_interleaved_spectrometers_is_contiguous():
    """Two overlapping spectrometers, sorted badly around the first edge."""
    wavelengths = [700, 710, 735, 720, 740, 725, 750, 760]
    seed = seed_intervals(8, wavelengths, "nm")
    check_partition(seed.intervals, 8)
    assert seed.models == (0, 1)
    assert 2 <= seed.intervals[1].start <= 6


@pytest.mark.parametrize("wavelengths", [np.zeros(224), np.full(224, np.nan), np.arange(224.0) - 5])
def test_unusable_wavelengths_fall_back_to_band_numbers(wavelengths):
    assert format_intervals(seed_intervals(224, wavelengths, "nm").intervals) == SEED_TEXT


def test_seed_arguments_are_checked():
    with pytest.raises(UsageError, match="at least 1"):
        seed_intervals(0)
    with pytest.raises(UsageError, match=r"\(3,\).*\(4,\)"):
        seed_intervals(4, [1, 2, 3], "um")


@given(
    st.lists(st.floats(1, 1e5, allow_nan=False), min_size=1, max_size=50),
    st.sampled_from(["nm", "um", None, "Index", "nonsense"]),
)
def test_the_seed_of_any_wavelengths_is_a_partition(wavelengths, unit):
    seed = seed_intervals(len(wavelengths), wavelengths, unit)
    check_partition(seed.intervals, len(wavelengths))
    assert len(seed.models) == len(seed.intervals)
    assert len(set(seed.models)) == len(seed.models)
    assert set(seed.models) <= set(range(5))


def test_seed_edges_lie_between_the_bands_beside_them():
    for start, edge in zip(SEED_STARTS, SEED_EDGES_NM, strict=True):
        beside = sorted(AVIRIS_NM[start - 1 : start + 1])
        assert beside[0] < edge < beside[1]


def test_model_of_any_partition():
    intervals = parse_intervals("1-50,51-160,161-162,163-224", 224)
    assert model_indices(intervals, 224) == (0, 2, 3, 4)
    assert model_indices(intervals, 224, AVIRIS_NM, "nm") == (0, 2, 3, 4)
    with pytest.raises(UsageError):
        model_indices(intervals, 225)


@pytest.mark.parametrize(
    ("value", "unit", "nanometres"),
    [
        (550, "nm", 550),
        (550, "Nanometers", 550),
        (0.55, "Micrometers", 550),
        (0.55, "um", 550),
        (0.55, "\u00b5m", 550),
        (0.55, "\u03bcm", 550),
        (0.55, "MICRONS", 550),
        (0.55, None, 550),
        (550, None, 550),
        (550, "Unknown", 550),
        (0.55, "Unknown", 550),
        (0.55, "Nanometers", 550),
        (550, "Micrometers", 550),
        (5500, "Angstroms", 550),
        (5.5e-7, "m", 550),
        (10, "um", 10_000),
        (20_000, "Wavenumber", 500),
    ],
)
def test_units(value, unit, nanometres):
    result = to_nanometres([value, value], unit)
    assert result is not None
    assert result == pytest.approx([nanometres] * 2)


@pytest.mark.parametrize(
    ("values", "unit"), [([1, 2], "Index"), ([0, 500], "nm"), ([np.inf, 1], "nm"), ([], "nm")]
)
def test_no_wavelengths(values, unit):
    assert to_nanometres(values, unit) is None


# The search


def scatter(correlation, interval):
    """The criterion as its definition reads."""
    block = correlation[interval.slice, interval.slice] ** 2
    size = np.trace(block)
    return size - block.sum() / size if size else 0.0


def total(correlation, intervals):
    return sum(scatter(correlation, interval) for interval in intervals)


def random_correlation(bands, seed):
    rng = np.random.default_rng(seed)
    walk = rng.normal(size=(40, bands)).cumsum(axis=1) + rng.normal(size=(40, bands))
    return np.corrcoef(walk.T)


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("dead", [(), (0,), (3, 4)])
def test_the_search_is_exact(seed, dead):
    bands = 8
    correlation = random_correlation(bands, seed)
    for band in dead:
        correlation[band] = correlation[:, band] = 0
    best = {}
    for count in range(1, bands + 1):
        best[count] = min(total(correlation, p) for p in partitions(bands, count))
        found = auto_intervals(correlation, count=count)
        check_partition(found, bands)
        assert len(found) == count
        assert total(correlation, found) == pytest.approx(best[count], abs=1e-12)
    for penalty in (0.0, 0.01, 0.05, 0.3):
        found = auto_intervals(correlation, penalty=penalty, max_intervals=5)
        check_partition(found, bands)
        cost = total(correlation, found) / bands + penalty * len(found)
        expected = min(best[k] / bands + penalty * k for k in range(1, 6))
        assert cost == pytest.approx(expected, abs=1e-12)


def test_blocks_of_equal_bands_are_found():
    correlation = np.zeros((12, 12))
    for start, stop in ((0, 5), (5, 6), (6, 12)):
        correlation[start:stop, start:stop] = 1
    assert format_intervals(auto_intervals(correlation)) == "1-5,6-6,7-12"
    assert format_intervals(auto_intervals(-correlation)) == "1-5,6-6,7-12"
    assert len(auto_intervals(np.ones((12, 12)))) == 1
    assert len(auto_intervals(correlation, max_intervals=2)) == 2
    assert len(auto_intervals(correlation, penalty=1.0)) == 1


def test_uncorrelated_bands_are_not_split_without_end():
    assert len(auto_intervals(np.eye(300))) == 1
    assert len(auto_intervals(np.zeros((20, 20)))) == 1


def test_search_arguments_are_checked():
    correlation = np.eye(5)
    for bad in (0, 6):
        with pytest.raises(UsageError, match="count="):
            auto_intervals(correlation, count=bad)
    with pytest.raises(UsageError, match="penalty="):
        auto_intervals(correlation, penalty=float("nan"))
    with pytest.raises(UsageError, match="max_intervals="):
        auto_intervals(correlation, max_intervals=0)
    with pytest.raises(UsageError, match=r"\(2, 3\)"):
        auto_intervals(np.zeros((2, 3)))


def test_one_band():
    assert auto_intervals(np.eye(1)) == (BandInterval(0, 1),)
    assert auto_intervals(Cube(np.ones((1, 1, 1)))) == (BandInterval(0, 1),)


def two_groups(rows=60, columns=50):
    """Ten bands that follow one field, then six that follow another."""
    rng = np.random.default_rng(7)
    fields = rng.normal(size=(rows, columns, 2))
    group = np.repeat([0, 1], [10, 6])
    noise = rng.normal(scale=0.1, size=(rows, columns, 16))
    return 1000 + 100 * (fields[:, :, group] + noise)


def test_intervals_of_a_cube():
    assert format_intervals(auto_intervals(Cube(two_groups()))) == "1-10,11-16"


def test_correlation_is_that_of_numpy():
    array = two_groups()
    expected = np.corrcoef(array.reshape(-1, 16).T)
    assert band_correlation(Cube(array)) == pytest.approx(expected, abs=1e-12)
    integers = np.rint(array).astype(np.int16)
    expected = np.corrcoef(integers.reshape(-1, 16).astype(float).T)
    assert band_correlation(Cube(integers)) == pytest.approx(expected, abs=1e-12)


def test_correlation_of_a_sample():
    array = two_groups(200, 300)
    cube = Cube(array)
    full = np.corrcoef(array.reshape(-1, 16).T)
    sampled = band_correlation(cube, max_pixels=5000, seed=1)
    assert np.abs(sampled - full).max() < 0.08
    assert not np.array_equal(sampled, full)
    assert np.array_equal(sampled, band_correlation(cube, max_pixels=5000, seed=1))
    assert not np.array_equal(sampled, band_correlation(cube, max_pixels=5000, seed=2))
    with pytest.raises(UsageError, match="max_pixels=0"):
        band_correlation(cube, max_pixels=0)


def test_constant_and_nan_bands_do_not_poison():
    array = two_groups()
    array[:, :, 3] = 0.1  # a constant whose mean is inexact
    array[:, :, 12] = np.nan
    cube = Cube(array)
    correlation = band_correlation(cube)
    live = np.delete(np.arange(16), [3, 12])
    expected = np.corrcoef(array[:, :, live].reshape(-1, 14).T)
    assert correlation[np.ix_(live, live)] == pytest.approx(expected, abs=1e-12)
    for band in (3, 12):
        assert not correlation[band].any()
        assert not correlation[:, band].any()
    assert format_intervals(auto_intervals(cube)) == "1-10,11-16"


def test_nodata_pixels_and_samples_are_left_out():
    array = np.rint(two_groups()).astype(np.int16)
    expected = np.corrcoef(array[20:].reshape(-1, 16).astype(float).T)
    damaged = array.copy()
    damaged[:20] = -9999
    assert band_correlation(Cube(damaged, nodata=-9999)) == pytest.approx(expected, abs=1e-12)
    damaged[20:22, :, 5] = -9999  # samples of one band only
    assert band_correlation(Cube(damaged, nodata=-9999)) == pytest.approx(expected, abs=0.02)
    assert np.abs(band_correlation(Cube(damaged)) - expected).max() > 0.5


def test_each_pair_of_bands_uses_the_pixels_valid_in_both():
    rng = np.random.default_rng(9)
    array = two_groups()[:, :, 8:12]
    array[rng.random(array.shape) < 0.3] = np.nan
    array[:, :, 2][array[:, :, 0] > 1050] = np.nan  # so that means differ from pair to pair
    correlation = band_correlation(Cube(array))
    bands = array.reshape(-1, 4).T
    for i, j in itertools.combinations(range(4), 2):
        both = ~np.isnan(bands[i]) & ~np.isnan(bands[j])
        expected = np.corrcoef(bands[i][both], bands[j][both])[0, 1]
        assert correlation[i, j] == pytest.approx(expected, abs=1e-12)


def test_bands_that_are_never_valid_together_correlate_zero():
    array = two_groups()
    array[:30, :, 0] = np.nan
    array[30:, :, 1] = np.nan
    correlation = band_correlation(Cube(array))
    assert correlation[0, 1] == 0
    assert correlation[0, 2] > 0.9
    assert correlation[1, 2] > 0.9


@pytest.mark.parametrize("value", [-1.0, np.nan, np.inf, 1e300])
def test_cubes_without_information(value):
    array = np.full((4, 5, 6), value)
    correlation = band_correlation(Cube(array, nodata=-1))
    assert not correlation.any()
    assert auto_intervals(Cube(array, nodata=-1)) == (BandInterval(0, 6),)


def test_huge_values_do_not_warn():
    array = np.random.default_rng(0).normal(size=(4, 5, 3)) * 1e300
    assert np.isfinite(band_correlation(Cube(array))).all()
