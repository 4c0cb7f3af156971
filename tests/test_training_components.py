"""Principal components of scenes: blocks, planes and their cache."""

import os
from types import SimpleNamespace

import numpy as np
import pytest

from hyspec import Cube, io, synthetic
from hyspec.errors import DataError
from hyspec_training import blocks, cache, components
from hyspec_training.components import component_planes


@pytest.fixture(scope="module")
def samples(grid):
    return synthetic.scene(60, 50, sensor=grid, seed=4).cube.array


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "cache").mkdir()
    return tmp_path / "cache"


def write(path, samples):
    io.write(path, Cube(samples), force=True)


def opened(path, folder):
    return cache.open_components(path, cache.open_scene(path, path.name, folder), folder)


# ---- blocks -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("size", "count", "side"),
    [
        ((100, 120), 1, (100, 120)),
        ((256, 256), 1, (256, 256)),
        ((257, 100), 2, (128, 100)),
        ((512, 512), 4, (256, 256)),
        ((600, 500), 4, (200, 250)),
        ((5000, 90), 4, (250, 90)),
        ((16, 16), 1, (16, 16)),
        ((15, 400), 0, None),
    ],
)
def test_blocks_are_spread_over_a_scene(size, count, side):
    hits = np.zeros(size, int)
    found = blocks.spread(SimpleNamespace(array=hits[:, :, None]))
    assert len(found) == count
    for block in found:
        part = hits[block.rows, block.columns]
        assert part.shape == side
        part += 1
    assert hits.max() <= 1  # no pixel twice
    if count > 1:
        last = found[-1]
        assert found[0].rows.start == found[0].columns.start == 0
        assert size[0] - last.rows.stop < blocks.SIDE // 2
        assert size[1] - last.columns.stop < blocks.SIDE // 2


# ---- planes -------------------------------------------------------------------------------------


def test_planes_are_uncorrelated_and_their_variance_falls(samples):
    planes = component_planes(samples).astype(np.float64)
    assert planes.shape == (24, 60, 50)
    flat = planes.reshape(24, -1)
    spread = flat.std(1)
    np.testing.assert_allclose(flat.mean(1), 0, atol=1e-4 * spread[0])
    assert (np.diff(spread) <= 1e-6 * spread[:-1]).all()
    correlation = np.corrcoef(flat) - np.eye(24)
    assert np.abs(correlation).max() < 0.01
    expected = np.linalg.eigvalsh(np.cov(samples.reshape(-1, 24).T.astype(float), bias=True))
    np.testing.assert_allclose(np.square(spread), expected[::-1], rtol=1e-3)


def test_the_transform_is_orthonormal(samples):
    """Distances between spectra are those between their components."""
    planes = component_planes(samples).astype(np.float64).reshape(24, -1).T
    spectra = samples.reshape(-1, 24).astype(np.float64)
    first, second = np.random.default_rng(0).integers(0, len(spectra), (2, 200))
    expected = np.linalg.norm(spectra[first] - spectra[second], axis=1)
    found = np.linalg.norm(planes[first] - planes[second], axis=1)
    np.testing.assert_allclose(found, expected, rtol=1e-5)


def test_only_leading_components_are_kept():
    rng = np.random.default_rng(1)
    noise = rng.normal(size=(40, 40, 80))
    assert len(component_planes(noise)) == components.MOST_COMPONENTS
    three = rng.normal(size=(40, 40, 3)) @ rng.normal(size=(3, 30))
    assert len(component_planes(three)) == 3
    weights = np.array([1.0, 1e-3, 1e-6])  # variance 1e-12 of the first one's
    assert len(component_planes((noise[:, :, :3] * weights + 5).astype(np.float64))) == 2
    assert len(component_planes(np.full((20, 20, 4), 7, np.int16))) == 0


@pytest.mark.parametrize("dtype", [">i2", "<i4", "<f4", ">f8"])
def test_the_type_of_the_samples_does_not_matter(samples, dtype):
    found = component_planes((samples // 4).astype(dtype))
    expected = component_planes(samples // 4)
    np.testing.assert_allclose(found, expected, atol=1e-5 * np.abs(expected).max())


# ---- cache --------------------------------------------------------------------------------------


def test_components_are_scenes(tmp_path, folder, monkeypatch):
    """One for each block, mapped, and of no interval."""
    monkeypatch.setattr(blocks, "SIDE", 40)
    samples = np.random.default_rng(2).integers(0, 900, (80, 30, 6)).astype(np.uint16)
    samples[3, 4, 2] = 0
    write(tmp_path / "scene.hdr", samples)
    for _ in range(2):  # as they are made, and as they are found
        upper, lower = opened(tmp_path / "scene.hdr", folder)
        for scene, part in ((upper, samples[:40]), (lower, samples[40:])):
            assert scene.name == "scene.hdr"
            assert scene.array.shape == (40, 30, 6)
            assert scene.array.dtype == np.float32
            assert isinstance(scene.array.base, np.memmap)
            assert scene.array.strides[1] == scene.array.itemsize
            np.testing.assert_array_equal(scene.array.transpose(2, 0, 1), component_planes(part))
            assert scene.bands.tolist() == list(range(6))
            assert not scene.models.any()
            np.testing.assert_allclose(scene.std, scene.array.std((0, 1)), rtol=1e-4)


def test_only_usable_bands_count(tmp_path, folder):
    samples = np.random.default_rng(3).normal(100, 5, (20, 30, 5)).astype(np.float32)
    samples[:, :, 1] = 7
    samples[3, 4, 2] = np.nan
    write(tmp_path / "scene.hdr", samples)
    [scene] = opened(tmp_path / "scene.hdr", folder)
    np.testing.assert_array_equal(
        scene.array.transpose(2, 0, 1), component_planes(samples[:, :, [0, 3, 4]])
    )


def test_components_are_made_once(tmp_path, folder, samples, monkeypatch):
    path = tmp_path / "scene.hdr"
    write(path, samples)
    opened(path, folder)
    made = []
    monkeypatch.setattr(
        components, "component_planes", lambda x: made.append(1) or component_planes(x)
    )
    opened(path, folder)
    assert not made
    monkeypatch.setattr(components, "VERSION", components.VERSION + 1)
    opened(path, folder)
    assert made == [1]


def test_components_of_a_changed_scene_are_made_again(tmp_path, folder, samples):
    path = tmp_path / "scene.hdr"
    write(path, samples)
    [before] = opened(path, folder)
    spread = before.std.copy()
    write(path, samples // 2)
    for file in io.source_files(path):
        later = file.stat().st_mtime_ns + 10**9
        os.utime(file, ns=(later, later))
    [after] = opened(path, folder)
    np.testing.assert_allclose(after.std[0], spread[0] / 2, rtol=0.01)
    np.testing.assert_array_equal(after.array.transpose(2, 0, 1), component_planes(samples // 2))


@pytest.mark.parametrize("suffix", [".json", ".npy"])
def test_lost_files_are_made_again(tmp_path, folder, samples, suffix):
    path = tmp_path / "scene.hdr"
    write(path, samples)
    opened(path, folder)
    [copy] = folder.glob("*-0.npy")
    copy.with_suffix(suffix).unlink()
    [scene] = opened(path, folder)
    np.testing.assert_array_equal(scene.array.transpose(2, 0, 1), component_planes(samples))


def test_scenes_without_components(tmp_path, folder, monkeypatch):
    rng = np.random.default_rng(5)
    write(tmp_path / "narrow.hdr", rng.integers(0, 9, (12, 90, 4)).astype(np.int16))
    with pytest.raises(DataError, match="found 12 x 90 pixels, expected at least 16 x 16"):
        opened(tmp_path / "narrow.hdr", folder)
    monkeypatch.setattr(blocks, "SIDE", 40)
    half = rng.integers(0, 9, (80, 30, 4)).astype(np.int16)
    half[:40] = 3
    write(tmp_path / "half.hdr", half)
    [scene] = opened(tmp_path / "half.hdr", folder)  # a block that does not vary is left out
    np.testing.assert_array_equal(scene.array.transpose(2, 0, 1), component_planes(half[40:]))
