"""Band intervals: text form, and the AVIRIS seed mapped to other cubes."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hyspec.errors import UsageError
from hyspec.intervals import (
    SEED_EDGES_NM,
    SEED_STARTS,
    BandInterval,
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
