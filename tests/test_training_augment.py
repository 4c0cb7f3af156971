"""Augmentation: mixtures of neighbours, coarser pixels and noise, and nothing of it when off."""

import numpy as np
import pytest

from hyspec_training.config import AugmentationConfig
from hyspec_training.data import Scene
from hyspec_training.sampling import PatchSampler


def scene_of(array, bands=None):
    count = array.shape[2]
    bands = np.arange(count) if bands is None else np.array(bands)
    zeros = np.zeros(count)
    return Scene("s", array, bands, zeros, np.ones(count), np.zeros(count, np.int64))


def flat_scene(values, bands=None, rows=40, columns=40):
    return scene_of(np.broadcast_to(np.asarray(values, float), (rows, columns, len(values))), bands)


def drawn(scene, count=400, patch=16, **settings):
    sampler = PatchSampler([scene], patch, 3, augmentation=AugmentationConfig(**settings))
    return sampler.batch(0, count)[:, 0]


def test_off_is_as_if_there_were_none():
    scene = scene_of(np.random.default_rng(0).normal(size=(40, 50, 7)))
    plain = PatchSampler([scene], 16, 3).batch(5, 40)
    np.testing.assert_array_equal(PatchSampler([scene], 16, 3).batch(5, 40), plain)
    off = PatchSampler([scene], 16, 3, augmentation=AugmentationConfig())
    np.testing.assert_array_equal(off.batch(5, 40), plain)


def test_what_is_not_augmented_is_drawn_as_without():
    scene = scene_of(np.random.default_rng(0).normal(size=(40, 50, 7)))
    plain = PatchSampler([scene], 16, 3).batch(5, 400)[:, 0]
    mixed = PatchSampler([scene], 16, 3, augmentation=AugmentationConfig(band_mixing=0.25))
    same = (mixed.batch(5, 400)[:, 0] == plain).all(axis=(1, 2))
    assert same.mean() == pytest.approx(0.75, abs=0.06)


def test_bands_are_mixed_with_their_usable_neighbours():
    planes = drawn(flat_scene([0, 10, 1000, 20, 30], bands=[0, 1, 3, 4]), band_mixing=1.0)
    assert (planes == planes[:, :1, :1]).all()
    values = planes[:, 0, 0]
    assert values.min() >= 0
    assert values.max() < 31  # never the unusable band of 1000
    # The first and last bands have one neighbour, and half of their draws are not mixed.
    assert (values % 10 == 0).mean() == pytest.approx(0.25, abs=0.06)
    assert len(np.unique(values)) > 250


def test_half_scale_is_the_mean_of_four_pixels():
    rows, columns = np.meshgrid(np.arange(64.0), np.arange(80.0), indexing="ij")
    scene = scene_of((100 * rows + columns)[:, :, None])
    for plane in drawn(scene, half_scale=1.0):
        steps = {abs(float(plane[0, 1] - plane[0, 0])), abs(float(plane[1, 0] - plane[0, 0]))}
        assert steps == {2, 200}
        assert plane.min() % 1 == 0.5  # mean of columns c and c + 1, rows r and r + 1
    checkerboard = ((rows + columns) % 2)[:, :, None]
    assert (drawn(scene_of(checkerboard), half_scale=1.0) == 0.5).all()


@pytest.mark.parametrize(("rows", "columns"), [(20, 20), (21, 19), (2, 50), (1, 30)])
def test_half_scale_of_small_scenes(rows, columns):
    array = np.random.default_rng(0).normal(size=(rows, columns, 2))
    planes = drawn(scene_of(array), count=10, half_scale=1.0)
    assert planes.shape == (10, 16, 16)
    assert np.abs(planes).max() < np.abs(array).max() + 1e-6


def test_noise_has_random_levels_up_to_the_limit():
    planes = drawn(flat_scene([5.0]), patch=32, noise=0.2) - 5
    levels = planes.std(axis=(1, 2))
    assert 0.19 < levels.max() < 0.21
    assert levels.min() < 0.02
    assert np.median(levels) == pytest.approx(0.1, abs=0.02)
    assert abs(planes.mean()) < 1e-3
    neighbours = (planes[:, :-1] * planes[:, 1:]).mean() / planes.var()
    assert abs(neighbours) < 0.02  # white


def test_augmentation_depends_on_seed_and_step_only():
    scene = scene_of(np.random.default_rng(0).normal(size=(40, 50, 7)))
    settings = AugmentationConfig(0.5, 0.5, 0.1)
    first, second = (PatchSampler([scene], 16, 3, augmentation=settings) for _ in range(2))
    first.batch(1, 8)
    batch = first.batch(2, 8)
    np.testing.assert_array_equal(batch, second.batch(2, 8))
    assert not np.array_equal(batch, first.batch(3, 8))
