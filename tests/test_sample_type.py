"""Samples, the integers that the codec works on, and back."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hyspec.cube import SAMPLE_DTYPES
from hyspec.errors import DataError, UsageError
from hyspec.sample_type import SampleType, automatic_step, check_step

INTEGERS = [name for name in SAMPLE_DTYPES if not name.startswith("float")]
FLOATS = ["float32", "float64"]


@pytest.mark.parametrize("name", INTEGERS)
def test_integers_survive_exactly(name):
    limits = np.iinfo(name)
    rng = np.random.default_rng(0)
    samples = rng.integers(limits.min, limits.max, 1000, name, endpoint=True)
    samples[:2] = limits.min, limits.max
    kind = SampleType(np.dtype(name))
    counts = kind.to_counts(samples)
    assert counts.dtype == np.float64
    assert np.array_equal(counts, np.rint(counts))
    assert -(2**31) <= counts.min() <= counts.max() < 2**31
    back = kind.from_values(counts)
    assert back.dtype == samples.dtype
    assert np.array_equal(back, samples)


@pytest.mark.parametrize("name", INTEGERS)
def test_values_out_of_range_saturate(name):
    limits = np.iinfo(name)
    back = SampleType(np.dtype(name)).from_values(np.array([-1e300, 1e300, -np.inf, np.inf]))
    assert back.tolist() == [limits.min, limits.max] * 2


@pytest.mark.parametrize("name", SAMPLE_DTYPES)
def test_values_are_rounded(name):
    step = 0.5 if name in FLOATS else 0.0
    kind = SampleType(np.dtype(name), step)
    shift = -(2.0**31) if name == "uint32" else 0
    found = kind.from_values(np.array([2.4, 2.6, 41.0]) + shift)
    assert found.tolist() == [1.0, 1.5, 20.5] if step else [2, 3, 41]


@pytest.mark.parametrize("name", SAMPLE_DTYPES)
def test_undefined_values_become_numbers(name):
    assert np.isfinite(SampleType(np.dtype(name), 1.0).from_values(np.array([np.nan]))).all()


@given(step=st.floats(1e-6, 1e6), seed=st.integers(0, 99), name=st.sampled_from(FLOATS))
def test_floats_survive_within_half_a_step(step, seed, name):
    samples = (np.random.default_rng(seed).normal(0, 1000 * step, 50)).astype(name)
    kind = SampleType(np.dtype(name), step)
    back = kind.from_values(kind.to_counts(samples))
    assert back.dtype == samples.dtype
    slack = np.abs(samples).max() * np.finfo(name).eps
    assert np.abs(back.astype("f8") - samples).max() <= step / 2 + slack


@pytest.mark.parametrize("name", FLOATS)
def test_floats_never_overflow(name):
    for step in (1e30, 1.0, 1e-30):
        found = SampleType(np.dtype(name), step).from_values(np.array([1e300, -1e300]))
        assert np.isfinite(found).all()


def test_nan_is_left_to_the_mask():
    assert SampleType(np.dtype("f4"), 1.0).to_counts(np.array([np.nan, 3], "f4")).tolist() == [0, 3]


def test_samples_that_do_not_fit():
    kind = SampleType(np.dtype("f8"), 1e-3)
    assert kind.to_counts(np.array([2147483.647])).tolist() == [2147483647]
    with pytest.raises(DataError, match="infinite"):
        kind.to_counts(np.array([1.0, np.inf]))
    with pytest.raises(DataError, match="quantisation steps"):
        kind.to_counts(np.array([-2147483.648]))


# ---- nodata --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "nodata", "fill", "marks"),
    [
        ("uint8", None, 0, False),
        ("uint8", 255.0, 255, True),
        ("uint8", 256.0, 0, False),
        ("uint8", -1.0, 0, False),
        ("uint8", 0.5, 0, False),
        ("int16", -32768.0, -32768, True),
        ("int16", math.nan, 0, False),
        ("int16", math.inf, 0, False),
        ("uint32", 4294967295.0, 4294967295, True),
        ("float32", -9999.0, -9999, True),
        ("float32", -9999.9, np.float32(-9999.9), True),
        ("float32", math.inf, math.inf, True),
        ("float32", -1e300, -math.inf, True),
        ("float32", None, math.nan, False),
        ("float64", math.nan, math.nan, False),
    ],
)
def test_nodata_in_the_sample_type(name, nodata, fill, marks):
    kind = SampleType(np.dtype(name), 1.0 if name in FLOATS else 0.0)
    found = kind.nodata_fill(nodata)
    assert found.dtype == np.dtype(name)
    assert found == fill or (np.isnan(found) and math.isnan(fill))
    assert kind.marks(nodata) == marks


@pytest.mark.parametrize("name", INTEGERS)
@pytest.mark.parametrize("end", ["min", "max"])
def test_integers_step_aside_of_nodata(name, end):
    limits = np.iinfo(name)
    nodata = np.dtype(name).type(getattr(limits, end))
    samples = np.array([limits.min, 5, limits.max], name)
    before = samples.copy()
    SampleType(np.dtype(name)).avoid(samples, nodata)
    assert not (samples == nodata).any()
    # By one, without wrapping round.
    assert np.abs(samples.astype("i8") - before.astype("i8")).tolist() == (
        [1, 0, 0] if end == "min" else [0, 0, 1]
    )


@pytest.mark.parametrize("step", [2.0**-20, 0.25, 1.0, 100.0])
def test_floats_step_aside_of_nodata(step):
    """Also where the step is below the spacing of numbers of that size."""
    nodata = np.float32(-9999.0)
    samples = np.array([-9999.0, 3.0, -9999.0], "f4")
    SampleType(np.dtype("f4"), step).avoid(samples, nodata)
    assert not (samples == nodata).any()
    assert np.abs(samples[0] + 9999) <= max(step, 1e-3)
    assert samples[1] == 3.0


# ---- steps ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("lowest", "highest", "integers", "step"),
    [
        (0.0, 1.0, False, 2.0**-16),
        (-0.5, 0.5, False, 2.0**-16),
        (0.0, 0.99, False, 2.0**-17),
        (0.0, 10_000.0, True, 1.0),
        (-3.0, 2.0**24 - 1, True, 1.0),
        (0.0, 2.0**26, True, 2.0**10),
        (5.0, 5.0, True, 1.0),
        (0.5, 0.5, False, 2.0**-16),
    ],
)
def test_automatic_step(lowest, highest, integers, step):
    assert automatic_step(lowest, highest, integers) == step


@given(
    lowest=st.floats(-1e140, 1e140),
    span=st.floats(0, 1e140),
    integers=st.booleans(),
)
def test_any_range_fits_31_bits(lowest, span, integers):
    highest = lowest + span
    step = automatic_step(lowest, highest, integers)
    assert 0 < step < math.inf
    assert max(abs(lowest), abs(highest)) / step < 2**31


@pytest.mark.parametrize("step", [0, -1, math.nan, math.inf])
def test_bad_steps(step):
    with pytest.raises(UsageError, match="quantisation step"):
        check_step(step)
    assert check_step(0.5) == 0.5
