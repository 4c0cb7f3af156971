"""The adaptive spectral transform: statistics, bases, and the way to planes and back."""

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from hyspec.errors import DataError
from hyspec.sample_type import SampleType
from hyspec.spectral_transform import TileSpectra, combine, orthonormal, quantised_basis

LOWEST, HIGHEST = -(2**31), 2**31 - 1

# ---- orthonormal rows


def check_orthonormal(rows: npt.NDArray[np.float64]) -> None:
    assert np.isfinite(rows).all()
    np.testing.assert_allclose(rows @ rows.T, np.eye(len(rows)), rtol=0, atol=1e-12)


@st.composite
def entries(draw: st.DrawFn) -> npt.NDArray[np.int32]:
    """Rows of any kind: small and huge numbers, zeros, the same row again."""
    columns = draw(st.integers(1, 12))
    rows = draw(st.integers(0, columns))
    values = st.integers(-3, 3) | st.sampled_from([LOWEST, HIGHEST]) | st.integers(LOWEST, HIGHEST)
    found = draw(hnp.arrays(np.int32, (rows, columns), elements=values, fill=st.just(0)))
    if rows > 1 and draw(st.booleans()):
        found[draw(st.integers(1, rows - 1))] = found[0]
    return found


@settings(deadline=None, max_examples=200)
@given(entries())
def test_any_rows_are_made_orthonormal(rows: npt.NDArray[np.int32]) -> None:
    found = orthonormal(rows)
    assert found.shape == rows.shape
    check_orthonormal(found)


@pytest.mark.parametrize("columns", [1, 2, 50])
def test_rows_that_depend_on_others_are_replaced(columns: int) -> None:
    """Zeros, equal rows, and sums of rows: the rows that do not depend stay what they are."""
    zeros = np.zeros((columns, columns), np.int32)
    check_orthonormal(orthonormal(zeros))
    check_orthonormal(orthonormal(np.full((columns, columns), HIGHEST, np.int32)))
    if columns < 3:
        return
    rows = np.zeros((3, columns), np.int32)
    rows[0, :2], rows[1], rows[2, 2] = 1, 5 * rows[0], -7
    rows[1, :2] = 5
    found = orthonormal(rows)
    check_orthonormal(found)
    np.testing.assert_allclose(found[0, :2], np.sqrt([0.5, 0.5]), atol=1e-12)


def test_rows_stay_on_their_side_and_in_their_span() -> None:
    """Gram-Schmidt: the triangle that leads back to the rows has a positive diagonal."""
    rows = np.random.default_rng(0).integers(-900, 901, (20, 31)).astype(np.int32)
    found = orthonormal(rows)
    triangle = rows @ found.T
    np.testing.assert_allclose(np.triu(triangle, 1), 0, atol=1e-9)
    assert (np.diagonal(triangle) > 0).all()
    np.testing.assert_allclose(triangle @ found, rows, atol=1e-9)


@settings(deadline=None, max_examples=50)
@given(st.integers(0, 2**32), st.integers(1, 30), st.data())
def test_rows_depend_on_those_before_only(seed: int, columns: int, data: st.DataObject) -> None:
    """And not on the length of any, so that planes can be dropped at the end."""
    rng = np.random.default_rng(seed)
    rows = rng.integers(-2000, 2001, (columns, columns)).astype(np.int32)
    rows += 4000 * np.eye(columns, dtype=np.int32)  # far from depending on each other
    whole = orthonormal(rows)
    count = data.draw(st.integers(0, columns))
    np.testing.assert_allclose(orthonormal(rows[:count]), whole[:count], rtol=0, atol=1e-9)
    longer = rows * rng.integers(1, 100, (columns, 1)).astype(np.int32)
    np.testing.assert_allclose(orthonormal(longer), whole, rtol=0, atol=1e-9)


# ---- quantised bases


@settings(deadline=None, max_examples=100)
@given(
    st.integers(0, 2**32),
    st.integers(1, 8),
    st.integers(1, 8),
    st.integers(1, 30),
    st.integers(-2, 8),
)
@example(403, 4, 6, 26, 1)  # rounded, two of its components are the same
def test_bases_are_independent(seed: int, rows: int, columns: int, bands: int, octave: int) -> None:
    """What a decoder makes of dependent rows is its own affair: none are sent."""
    rng = np.random.default_rng(seed)
    size = 10 * np.exp(rng.normal(0, 2, bands))
    array = np.rint(rng.normal(0, 1, (rows, columns, bands)) * size).astype(np.int32)
    spectra = TileSpectra(array, None, SampleType(array.dtype))
    variance, direction = spectra.components()
    basis = quantised_basis(variance, direction, 8 * 2.0**octave, rows * columns)
    assert basis.entries.dtype == np.int32
    assert len(basis.entries) <= min(rows * columns, spectra.varies.sum())
    check_orthonormal(basis.rows)
    if len(basis.entries):
        length = np.maximum(np.abs(basis.entries).max(1, keepdims=True), 1)
        triangle = np.linalg.qr((basis.entries / length).T)[1]
        assert np.abs(np.diagonal(triangle)).min() > 1e-6


def test_finer_steps_keep_more_and_state_it_more_exactly() -> None:
    rng = np.random.default_rng(1)
    array = np.rint(rng.normal(0, 1, (30, 30, 12)) * 2.0 ** -np.arange(12) * 4000).astype(np.int32)
    spectra = TileSpectra(array, None, SampleType(array.dtype))
    variance, direction = spectra.components()
    counts, errors = [], []
    for step in (512.0, 64.0, 8.0, 1.0):
        basis = quantised_basis(variance, direction, step, 900)
        counts.append(len(basis.rows))
        errors.append(float(1 - np.abs((basis.rows[:2] * direction[:2]).sum(1)).min()))
    assert counts == sorted(counts)
    assert 0 < counts[0] < counts[-1]
    assert errors == sorted(errors, reverse=True)


# ---- spectra of tiles

TYPES = ["uint8", "int8", "uint16", "int16", "uint32", "int32", "float32", "float64"]


def tile(dtype: str, rows: int = 9, columns: int = 11, bands: int = 6) -> npt.NDArray[Any]:
    """Bands that have much in common, from end to end of small types."""
    rng = np.random.default_rng(rows * columns + bands)
    field = rng.normal(0, 1, (rows, columns, 1)) * rng.normal(0, 1, bands)
    field += 0.1 * rng.normal(0, 1, (rows, columns, bands))
    unit = (field - field.min()) / max(float(np.ptp(field)), 1e-9)
    if np.dtype(dtype).kind == "f":
        return (unit * 50 - 20).astype(dtype)
    limits = np.iinfo(dtype)
    array: npt.NDArray[Any] = np.rint(limits.min + unit * (float(limits.max) - limits.min))
    return np.minimum(array, limits.max).astype(dtype)


def sample_type(array: npt.NDArray[Any]) -> SampleType:
    return SampleType(array.dtype, 2.0**-10 if array.dtype.kind == "f" else 0.0)


def back(spectra: TileSpectra, array: npt.NDArray[Any], step: float) -> npt.NDArray[Any]:
    """Samples after the transform and back, shape (bands, rows, columns), on the integer scale."""
    variance, direction = spectra.components()
    rows, columns, bands = array.shape
    basis = quantised_basis(variance, direction, step, rows * columns)
    planes = spectra.project(spectra.mean, basis.rows)
    assert planes.shape == (len(basis.rows), rows, columns)
    assert planes.dtype == np.float32
    full = np.zeros((len(basis.rows), bands))
    full[:, spectra.varies] = basis.rows
    found = np.empty((bands, rows, columns))
    for part, samples in combine(spectra.mean, full, planes):
        found[part] = samples
    return found


@pytest.mark.parametrize("dtype", TYPES)
def test_samples_come_back(dtype: str) -> None:
    """With all planes, but for the rounding of 32-bit floats."""
    array = tile(dtype)
    kind = sample_type(array)
    spectra = TileSpectra(array, None, kind)
    counts = kind.to_counts(array).transpose(2, 0, 1)
    assert spectra.varies.all()
    np.testing.assert_allclose(spectra.mean, counts.mean((1, 2)), rtol=1e-12, atol=1e-9)
    found = back(spectra, array, 1e-3)
    assert np.abs(found - counts).max() <= 1e-6 * np.ptp(counts) + 1e-3


@pytest.mark.parametrize(
    ("rows", "columns", "bands"), [(1, 1, 1), (1, 1, 9), (7, 5, 1), (2, 3, 40), (1, 50, 4)]
)
def test_shapes(rows: int, columns: int, bands: int) -> None:
    """One pixel, one band, and more bands than pixels."""
    array = tile("int16", rows, columns, bands)
    spectra = TileSpectra(array, None, sample_type(array))
    if rows * columns == 1:
        assert not spectra.varies.any()
    counts = array.astype(float).transpose(2, 0, 1)
    np.testing.assert_allclose(back(spectra, array, 1e-2), counts, rtol=0, atol=0.02)


@pytest.mark.parametrize("dtype", TYPES)
def test_constant_bands_come_back_exactly(dtype: str) -> None:
    array = tile(dtype)
    ends = (-3, 5) if array.dtype.kind == "f" else (np.iinfo(dtype).min, np.iinfo(dtype).max)
    array[..., 1], array[..., 4] = ends
    kind = sample_type(array)
    spectra = TileSpectra(array, None, kind)
    assert spectra.varies.tolist() == [True, False, True, True, False, True]
    counts = kind.to_counts(array).transpose(2, 0, 1)
    np.testing.assert_array_equal(back(spectra, array, 4.0)[[1, 4]], counts[[1, 4]])


@pytest.mark.parametrize("dtype", ["int16", "uint32", "float32"])
def test_masks_keep_invalid_samples_out(dtype: str) -> None:
    """Statistics and planes are the same whatever the invalid samples hold."""
    array = tile(dtype)
    valid = np.ones(array.shape, bool)
    valid[2:4, 3:6] = False
    valid[6, :, 2] = False
    valid[..., 5] = False
    ends = (-20, 30) if array.dtype.kind == "f" else (np.iinfo(dtype).min, np.iinfo(dtype).max)
    results = []
    for other in ends:
        array[~valid] = other
        spectra = TileSpectra(array, valid, sample_type(array))
        variance, direction = spectra.components()
        planes = spectra.project(spectra.mean, direction)
        results.append((spectra.varies, spectra.mean, variance, planes))
    for first, second in zip(*results, strict=True):
        np.testing.assert_array_equal(first, second)
    varies, mean, variance, planes = results[0]
    assert varies.tolist() == [True] * 5 + [False]
    assert mean[5] == 0
    counts = sample_type(array).to_counts(array)
    expected = [counts[..., b][valid[..., b]].mean() for b in range(5)]
    np.testing.assert_allclose(mean[:5], expected, rtol=1e-9)
    assert (planes[:, 2:4, 3:6] == 0).all()
    measured = spectra.measured()
    assert measured is not None
    np.testing.assert_array_equal(measured, valid.any(2))


def test_not_numbers_are_no_samples() -> None:
    array = tile("float32")
    array[3, 4] = np.nan
    spectra = TileSpectra(array, np.isfinite(array), sample_type(array))
    assert np.isfinite(spectra.mean).all()
    variance, direction = spectra.components()
    assert np.isfinite(variance).all()
    assert np.isfinite(spectra.project(spectra.mean, direction)).all()


def test_samples_beyond_the_step_are_refused() -> None:
    array = tile("float32")
    array[1, 1, 1] = 1e30
    with pytest.raises(DataError):
        TileSpectra(array, None, sample_type(array))
    array[1, 1, 1] = np.inf
    with pytest.raises(DataError):
        TileSpectra(array, None, sample_type(array))


def test_components_are_those_of_the_covariance() -> None:
    """All pixels are drawn from a small tile; of a large one, some from every column."""
    array = tile("int16", 20, 30, 5)
    spectra = TileSpectra(array, None, sample_type(array))
    variance, direction = spectra.components()
    flat = array.reshape(-1, 5).astype(float)
    covariance = np.cov(flat.T, bias=True)
    np.testing.assert_allclose(variance, np.linalg.eigvalsh(covariance)[::-1], rtol=1e-8, atol=1e-6)
    np.testing.assert_allclose(
        direction @ covariance @ direction.T, np.diag(variance), atol=1e-6 * variance[0]
    )


@pytest.mark.parametrize("columns", [100, 128, 210, 1, 20011])
def test_statistics_of_large_tiles_see_every_column(columns: int) -> None:
    """Columns may differ, as those of a pushbroom do: the mean is not that of some of them."""
    rows = -(-60000 // columns)
    column = np.arange(columns) % 7 * 1000
    array = np.broadcast_to(column[None, :, None], (rows, columns, 2)).astype(np.int32)
    if columns == 1:
        array = array + np.arange(rows, dtype=np.int32)[:, None, None] % 7
    spectra = TileSpectra(array, None, sample_type(array))
    spread = max(float(array.std()), 1e-9)
    assert np.abs(spectra.mean - array.mean((0, 1))).max() < 0.05 * spread


def test_thousands_of_bands_take_few_pixels() -> None:
    """Fewer than half as many as bands, so that the time stays that of a singular value problem."""
    rng = np.random.default_rng(5)
    spectra = rng.normal(0, 100, (3, 2100)).cumsum(1)
    array = np.rint(rng.normal(0, 10, (40, 40, 3)) @ spectra).astype(np.int32)
    found = TileSpectra(array, None, sample_type(array))
    variance, direction = found.components()
    assert direction.shape == (len(variance), 2100)
    assert len(variance) < 1050
    assert variance[3] < 1e-6 * variance[2]  # three spectra, and rounding
    planes = found.project(found.mean, direction[:3])
    left = array - found.mean - np.einsum("krc,kb->rcb", planes, direction[:3])
    assert np.abs(left).max() < 20
