"""Second moments of spectra, as a matrix or as the spectra themselves, against numpy."""

from __future__ import annotations

import tracemalloc

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hyspec.scatter import Scatter

Float64Array = npt.NDArray[np.float64]


def centred(seed: int, count: int, bands: int) -> Float64Array:
    """Spectra about their mean, whose bands have much in common."""
    rng = np.random.default_rng(seed)
    found: Float64Array = rng.normal(0, 5, (count, 3)) @ rng.normal(0, 2, (3, bands))
    found += rng.normal(0, 1, found.shape)
    return found - found.mean(0)


def covariance(spectra: Float64Array) -> Float64Array:
    return np.atleast_2d(np.cov(spectra.T, bias=True))


#: Numbers of spectra and bands: more spectra than bands, and far fewer.
SIZES = [(50, 7), (50, 60), (20, 60), (3, 40), (1, 5), (9, 1)]


@pytest.mark.parametrize(("count", "bands"), SIZES)
def test_moments_are_those_of_the_covariance(count: int, bands: int) -> None:
    spectra = centred(1, count, bands)
    scatter, expected = Scatter(spectra, count), covariance(spectra)
    rows = np.random.default_rng(2).normal(0, 1, (4, bands))
    slack = 1e-10 * max(float(np.abs(expected).max()), 1.0) * bands
    np.testing.assert_allclose(scatter.trace(), np.trace(expected), atol=slack)
    wanted = rows @ expected @ rows.T
    np.testing.assert_allclose(scatter.covariance(rows), wanted, atol=10 * slack)
    np.testing.assert_allclose(scatter.variance(rows), np.diagonal(wanted), atol=10 * slack)


@pytest.mark.parametrize(("count", "bands"), SIZES)
def test_components_diagonalise_the_covariance(count: int, bands: int) -> None:
    spectra = centred(3, count, bands)
    some = np.zeros(bands, bool)
    some[::2] = True
    for index in (np.ones(bands, bool), some, np.flatnonzero(some)):
        variance, direction = Scatter(spectra, count).components(index)
        part = covariance(spectra[:, index])
        assert (np.diff(variance) <= 1e-9).all()
        assert direction.shape == (len(variance), len(part))
        np.testing.assert_allclose(direction @ direction.T, np.eye(len(direction)), atol=1e-10)
        found = direction @ part @ direction.T
        np.testing.assert_allclose(found, np.diag(variance), atol=1e-9 * max(1, variance[0]))
        np.testing.assert_allclose(variance.sum(), np.trace(part), rtol=1e-9, atol=1e-9)


@settings(deadline=None, max_examples=50)
@given(st.integers(0, 2**32), st.integers(1, 40), st.integers(1, 30))
def test_both_forms_agree(seed: int, count: int, bands: int) -> None:
    """The spectra as they are, and so many zeros with them that the matrix takes their place."""
    spectra = centred(seed, count, bands)
    first = Scatter(spectra, count)
    second = Scatter(np.concatenate([spectra, np.zeros((2 * bands, bands))]), count)
    rows = np.random.default_rng(seed).normal(0, 1, (3, bands))
    size = max(1.0, first.trace() * bands)
    np.testing.assert_allclose(first.trace(), second.trace(), rtol=1e-9)
    np.testing.assert_allclose(first.covariance(rows), second.covariance(rows), atol=1e-10 * size)
    np.testing.assert_allclose(first.variance(rows), second.variance(rows), atol=1e-10 * size)
    everything = np.ones(bands, bool)
    one, other = first.components(everything)[0], second.components(everything)[0]
    np.testing.assert_allclose(one, other[: len(one)], atol=1e-10 * size)
    np.testing.assert_allclose(other[len(one) :], 0, atol=1e-10 * size)


@pytest.mark.parametrize(
    "counts",
    [(4, 5, 6), (50, 60), (4, 60), (9,), (15, 15, 15)],
    ids=lambda c: f"{len(c)} of {c[0]}",
)
def test_totals_are_those_of_all_spectra(counts: tuple[int, ...]) -> None:
    """Whatever form the parts have; each about a mean of its own."""
    bands = 40
    parts = [centred(k, count, bands) for k, count in enumerate(counts)]
    total = Scatter.total([Scatter(part, len(part)) for part in parts])
    whole = np.concatenate(parts)
    assert total.pixels == len(whole)
    expected = whole.T @ whole / len(whole)
    np.testing.assert_allclose(total.covariance(np.eye(bands)), expected, atol=1e-9)
    np.testing.assert_allclose(total.trace(), np.trace(expected))
    variance, _ = total.components(np.ones(bands, bool))
    found = np.linalg.eigvalsh(expected)[::-1][: len(variance)]
    np.testing.assert_allclose(variance, found, atol=1e-8 * variance[0])


def test_weights_are_pixels() -> None:
    """A spectrum times the square root of a number stands for so many pixels."""
    spectra, number = centred(5, 30, 6), np.arange(30) % 4
    weighted = Scatter(spectra * np.sqrt(number)[:, None], number.sum())
    repeated = Scatter(np.repeat(spectra, number, axis=0), number.sum())
    np.testing.assert_allclose(weighted.covariance(np.eye(6)), repeated.covariance(np.eye(6)))


@pytest.mark.parametrize("count", [10, 200])
def test_bands_apart_have_nothing_in_common_with_others(count: int) -> None:
    """Neither covariance nor components; what they have among themselves stays."""
    bands, apart = 50, np.arange(50) % 7 == 3
    spectra = centred(6, count, bands)
    scatter, expected = Scatter(spectra, count, apart), covariance(spectra)
    expected[apart[:, None] != apart] = 0
    np.testing.assert_allclose(scatter.covariance(np.eye(bands)), expected, atol=1e-9)
    assert scatter.pixels == count
    _, direction = scatter.components(np.ones(bands, bool))
    share = np.square(direction[:6, apart]).sum(1)
    assert np.minimum(share, 1 - share).max() < 1e-9


@pytest.mark.parametrize("apart", [np.zeros(8, bool), np.ones(8, bool), None])
def test_none_and_all_apart_are_the_same(apart: npt.NDArray[np.bool_] | None) -> None:
    spectra = centred(7, 30, 8)
    found = Scatter(spectra, 30, apart).covariance(np.eye(8))
    np.testing.assert_allclose(found, covariance(spectra), atol=1e-10)


def test_no_spectra_at_all() -> None:
    """As of a tile without a valid sample."""
    scatter = Scatter(np.zeros((0, 5)), 0.0)
    assert scatter.trace() == 0
    assert scatter.variance(np.eye(5)).tolist() == [0] * 5
    assert scatter.components(np.zeros(5, bool))[0].shape == (0,)


def test_memory_does_not_grow_with_the_square_of_the_bands() -> None:
    spectra = centred(8, 20, 20_000)
    rows = spectra[:2] / np.linalg.norm(spectra[:2], axis=1)[:, None]
    tracemalloc.start()
    scatter = Scatter.total([Scatter(spectra, 20), Scatter(spectra, 20)])
    scatter.components(np.ones(20_000, bool))
    scatter.covariance(rows)
    scatter.trace()
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 20 * spectra.nbytes
