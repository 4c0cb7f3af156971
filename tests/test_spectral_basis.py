"""Bases of the spectral transform: quantised, in one level or two, and made orthonormal again."""

from __future__ import annotations

import tracemalloc
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from hyspec import _core, spectral_basis
from hyspec.sample_type import SampleType
from hyspec.scatter import Scatter
from hyspec.spectral_basis import (
    Basis,
    Components,
    basis_rows,
    components,
    orthonormal,
    quantised_basis,
)
from hyspec.spectral_transform import TileSpectra

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
    found = components(spectra.scatter(), spectra.varies)
    basis = quantised_basis(found, 8 * 2.0**octave, rows * columns)
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
    found = components(spectra.scatter(), spectra.varies)
    [direction] = found.direction
    counts, errors = [], []
    for step in (512.0, 64.0, 8.0, 1.0):
        basis = quantised_basis(found, step, 900)
        counts.append(len(basis.rows))
        errors.append(float(1 - np.abs((basis.rows[:2] * direction[:2]).sum(1)).min()))
    assert counts == sorted(counts)
    assert 0 < counts[0] < counts[-1]
    assert errors == sorted(errors, reverse=True)


# ---- two levels

Float64Array = npt.NDArray[np.float64]


def spectra_of(seed: int, bands: int, *, pixels: int = 400, fields: int = 6) -> Float64Array:
    """Centred spectra, shape (pixels, bands): smooth ones of falling strength, little noise."""
    rng = np.random.default_rng(seed)
    shapes = rng.normal(0, 1, (fields, bands)).cumsum(1) * 0.5 ** np.arange(fields)[:, None]
    found: Float64Array = 50 * rng.normal(0, 1, (pixels, fields)) @ shapes
    found += rng.normal(0, 1, found.shape)
    return found - found.mean(0)


def found_in(spectra: Float64Array, groups: tuple[int, ...] = (), **changes: Any) -> Components:
    """Components of all bands, unless others are said to vary."""
    scatter = Scatter(spectra, len(spectra))
    varies = changes.get("varies", np.ones(spectra.shape[1], bool))
    return components(scatter, varies, groups)


def left_of(spectra: Float64Array, basis: Basis) -> float:
    """Mean squared error of the spectra without what the planes hold."""
    rest = spectra - (spectra @ basis.rows.T) @ basis.rows
    return float(np.square(rest).mean())


@pytest.mark.parametrize("groups", [(12, 12, 12), (1, 30, 5), (36,), (2,) * 18, (1,) * 36])
@pytest.mark.parametrize("step", [2.0, 16.0, 400.0])
def test_rows_of_two_levels(groups: tuple[int, ...], step: float) -> None:
    """They are orthonormal, what is sent stands for them, and they hold nearly as much."""
    spectra = spectra_of(1, 36)
    basis = quantised_basis(found_in(spectra, groups), step, len(spectra))
    check_orthonormal(basis.rows)
    np.testing.assert_allclose(
        basis_rows(basis.symbols(), np.ones(36, bool)), basis.rows, rtol=0, atol=1e-12
    )
    single = quantised_basis(found_in(spectra), step, len(spectra))
    assert left_of(spectra, basis) <= 1.02 * left_of(spectra, single) + 0.1 * step**2
    sent = basis.symbols()
    if len(basis.entries):
        assert len(sent.sizes) == (0 if len(groups) == 1 else len(groups))


def test_components_that_no_plane_uses_are_not_sent() -> None:
    """With fewer planes, fewer of them; what is left of the planes stays the same."""
    spectra = spectra_of(2, 40)
    basis = quantised_basis(found_in(spectra, (20, 20)), 2.0, len(spectra))
    assert len(basis.rows) > 8
    counts = []
    for count in range(len(basis.rows) + 1):
        first = basis.first(count)
        sent = first.symbols()
        np.testing.assert_allclose(
            basis_rows(sent, np.ones(40, bool)), basis.rows[:count], rtol=0, atol=1e-12
        )
        assert len(sent.entries) == count
        assert count == 0 or (sent.counts <= [len(part) for part in basis.leading]).all()
        counts.append(int(sent.counts.sum()))
        assert first.bits() <= basis.bits()
    assert counts[0] == 0
    assert counts == sorted(counts)
    assert counts[1] < counts[-1]


def test_a_group_that_no_plane_uses() -> None:
    """It has no component at all, and its bands are 0 in all rows."""
    spectra = spectra_of(3, 30)
    spectra[:, 10:20] *= 1e-4
    basis = quantised_basis(found_in(spectra, (10, 10, 10)), 4.0, len(spectra))
    sent = basis.symbols()
    assert sent.counts.tolist()[1] == 0
    assert min(sent.counts.tolist()[::2]) > 0
    assert (basis_rows(sent, np.ones(30, bool))[:, 10:20] == 0).all()


def test_groups_without_bands_that_vary() -> None:
    """They are left out; bands that do not vary are 0 in all rows."""
    spectra = spectra_of(4, 30)
    varies = np.ones(30, bool)
    varies[10:20] = varies[3] = False
    spectra[:, ~varies] = 0
    found = found_in(spectra, (10, 10, 10), varies=varies)
    assert found.sizes == (9, 10)
    basis = quantised_basis(found, 4.0, len(spectra))
    sent = basis.symbols()
    assert sent.sizes.tolist() == [9, 10]
    rows = basis_rows(sent, varies)
    assert (rows[:, ~varies] == 0).all()
    check_orthonormal(rows)
    nothing = components(Scatter(spectra, 400.0), np.zeros(30, bool), (10, 10, 10))
    empty = quantised_basis(nothing, 4.0, 400)
    assert empty.rows.shape == (0, 30)
    assert basis_rows(empty.symbols(), np.zeros(30, bool)).shape == (0, 30)


@pytest.mark.parametrize("groups", [(), (20, 20)])
def test_steps_beyond_all_components(groups: tuple[int, ...]) -> None:
    basis = quantised_basis(found_in(spectra_of(5, 40), groups), 1e9, 400)
    assert basis.rows.shape == (0, 40)
    assert basis.bits() == 0
    assert basis.row_bits().shape == (0,)
    assert basis.symbols().entries.size == 0


@pytest.mark.parametrize("groups", [(), (3, 4, 5)])
@pytest.mark.parametrize("pixels", [1, 2, 3])
def test_no_more_rows_than_pixels(groups: tuple[int, ...], pixels: int) -> None:
    """Nor leading components of a group."""
    spectra = spectra_of(6, 12, pixels=pixels)
    basis = quantised_basis(found_in(spectra, groups), 1e-3, pixels)
    assert len(basis.rows) <= pixels
    assert max((len(part) for part in basis.leading), default=0) <= pixels
    check_orthonormal(basis.rows)


@pytest.mark.parametrize(("bands", "groups"), [(512, 1), (513, 3), (600, 3), (3000, 12)])
def test_many_bands_are_transformed_in_groups(bands: int, groups: int) -> None:
    """Of at most half as many bands as are transformed at once, and about equal ones."""
    spectra = spectra_of(7, bands, pixels=300, fields=4)
    found = found_in(spectra)
    assert len(found.sizes) == groups
    assert sum(found.sizes) == bands
    assert max(found.sizes) - min(found.sizes) <= 1
    assert groups == 1 or max(found.sizes) <= spectral_basis.MOST_AT_ONCE // 2
    basis = quantised_basis(found, 30.0, 300)
    check_orthonormal(basis.rows)
    assert len(basis.rows) >= 4
    assert left_of(spectra, basis) < 4  # the noise has a variance of one


def test_the_number_of_groups_is_bounded() -> None:
    """However many bands there are, the format has room for 256 groups."""
    varies = np.ones(70_000, bool)
    found = components(Scatter(np.ones((2, 70_000)), 2.0), varies)
    assert len(found.sizes) == spectral_basis.MOST_GROUPS
    assert sum(found.sizes) == 70_000


def test_hostile_groups_take_no_more_than_their_numbers() -> None:
    """Many wide groups and a single row: no matrix of all leading components by all bands."""
    groups, size = 64, 256
    leading = np.zeros(groups * size * size, np.int32)
    entries = np.ones((1, groups * size), np.int32)
    sizes = np.full(groups, size, np.int32)
    basis = _core.SpectralBasis(entries, sizes, sizes, leading)
    tracemalloc.start()
    rows = basis_rows(basis, np.ones(groups * size, bool))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 40 << 20
    np.testing.assert_allclose(np.linalg.norm(rows), 1, atol=1e-9)
