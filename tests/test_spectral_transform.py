"""The adaptive spectral transform: statistics, and the way to planes and back."""

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from hyspec.errors import DataError
from hyspec.sample_type import SampleType
from hyspec.spectral_basis import components, quantised_basis
from hyspec.spectral_transform import TileSpectra, combine

Float64Array = npt.NDArray[np.float64]


def principal(spectra: TileSpectra) -> tuple[Float64Array, Float64Array]:
    """Variances and directions of the components, these over all bands."""
    varies = spectra.varies
    variance, vector = spectra.scatter().components(varies)
    direction = np.zeros((len(vector), len(varies)))
    direction[:, varies] = vector
    return variance, direction


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
    rows, columns, bands = array.shape
    basis = quantised_basis(components(spectra.scatter(), spectra.varies), step, rows * columns)
    planes = spectra.project(spectra.mean, basis.rows)
    assert planes.shape == (len(basis.rows), rows, columns)
    assert planes.dtype == np.float32
    found = np.empty((bands, rows, columns))
    for part, samples in combine(spectra.mean, basis.rows, planes):
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
        variance, direction = principal(spectra)
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
    variance, direction = principal(spectra)
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
    variance, direction = principal(spectra)
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
    variance, direction = principal(found)
    assert direction.shape == (len(variance), 2100)
    assert len(variance) < 1050
    assert variance[3] < 1e-6 * variance[2]  # three spectra, and rounding
    planes = found.project(found.mean, direction[:3])
    left = array - found.mean - np.einsum("krc,kb->rcb", planes, direction[:3])
    assert np.abs(left).max() < 20
