"""Batches of patches: each pixel once in an epoch, and changes that keep the truth true."""

import dataclasses

import numpy as np
import pytest

from analysis_scenes import known_scene, recipe
from hyspec_training.analysis import augmentation, objectives, preparation, scenes
from hyspec_training.analysis.config import AugmentationConfig
from hyspec_training.analysis.pixel_sampling import PixelSampler

__all__ = ["known_scene"]

NOTHING = AugmentationConfig()


@pytest.fixture
def prepared(known_scene):
    found = recipe()
    return preparation.prepare(found, scenes.load(found, known_scene), 0, known_scene)


def sampler(prepared, config=NOTHING, **options):
    return PixelSampler(prepared.fields, 16, seed=3, config=config, **options)


def test_an_epoch_sees_each_training_pixel_once(prepared):
    found = sampler(prepared)
    [field] = prepared.fields
    seen = np.concatenate([found.batch(step).spectra.numpy() for step in range(found.steps)])
    expected = field.planes[:, *field.pixels("train").T]
    count = expected.shape[1]
    assert found.steps == -(-count // 16)
    assert len(np.unique(seen, axis=0)) == len(np.unique(expected.T, axis=0)) == count


def test_a_batch_depends_on_its_step_alone(prepared):
    config = AugmentationConfig(flips=True, radiation=0.5, mixture=0.5)
    one, other = sampler(prepared, config), sampler(prepared, config)
    later = [one.batch(step) for step in range(5)][4]
    assert np.array_equal(other.batch(4).x, later.x)
    assert not np.array_equal(other.batch(4 + other.steps).x, later.x)


def test_a_patch_is_the_scene_around_its_pixel(prepared):
    [subject], [field] = prepared.subjects, prepared.fields
    wide = dataclasses.replace(
        field, planes=np.pad(field.planes, ((0, 0), (1, 1), (1, 1)), "symmetric"), patch=3
    )
    rng = np.random.default_rng(0)
    pixels = np.stack([rng.integers(1, 27, 20), rng.integers(1, 27, 20)], axis=1)
    for patch, (row, column) in zip(wide.patches(pixels), pixels, strict=True):
        around = subject.samples[row - 1 : row + 2, column - 1 : column + 2]
        expected = prepared.scalers[field.bands](around).transpose(2, 0, 1)
        np.testing.assert_allclose(patch, expected, rtol=1e-5, atol=1e-6)


def test_pixels_of_a_share_without_class_have_none(known_scene):
    few = recipe(("patch = 3", "patch = 3\nper_class = 10"))
    prepared = preparation.prepare(few, scenes.load(few, known_scene), 0, known_scene)
    found = sampler(prepared, unlabelled=0.25).batch(0)
    assert np.count_nonzero(found.labels == 0) == 4
    assert len(found.labels) == 16


def test_batches_are_a_multiple_of_the_processes(prepared):
    assert len(sampler(prepared, processes=5).batch(0).labels) == 15


def test_mixtures_stay_in_their_class(prepared):
    """Mixtures of pixels of one class lie between them, in every band."""
    config = AugmentationConfig(mixture=1.0, noise=0.0)
    [field] = prepared.fields
    batch = sampler(prepared, config).batch(0)
    changed = sampler(prepared).batch(0)
    assert np.array_equal(batch.labels, changed.labels)
    assert not np.array_equal(batch.x, changed.x)
    for label in np.unique(batch.labels):
        of_class = field.planes[:, field.parts["train"] & (field.labels == label)]
        found = batch.spectra.numpy()[batch.labels.numpy() == label]
        assert (found <= of_class.max(axis=1) + 1e-5).all()
        assert (found >= of_class.min(axis=1) - 1e-5).all()


def test_abundances_are_mixed_as_the_patches_are():
    rng = np.random.default_rng(5)
    truths = rng.dirichlet([1, 1, 1], (2, 8)).astype(np.float32)
    spectra = rng.random((3, 6), np.float32)
    x, partners = (np.ascontiguousarray((t @ spectra)[:, :, None, None]) for t in truths)
    config = AugmentationConfig(mixture=1.0, noise=0.0)
    mixed, truth = augmentation.mix(x, partners, truths, config, rng)
    np.testing.assert_allclose(mixed[:, :, 0, 0], truth @ spectra, rtol=1e-5)
    assert not np.allclose(truth, truths[0])


def test_radiation_multiplies_samples_not_scaled_values():
    """Scaled by (x - 5) / 2, a factor of samples is still one factor in all bands."""
    samples = np.random.default_rng(0).random((50, 4, 1, 1), np.float32) * 10 + 1
    zero = np.full(4, -2.5, np.float32)
    config = AugmentationConfig(radiation=1.0, noise=0.0)
    scaled = augmentation.radiation((samples - 5) / 2, zero, config, np.random.default_rng(1))
    factors = (scaled * 2 + 5) / samples
    np.testing.assert_allclose(factors, factors[:, :1].repeat(4, 1), rtol=1e-4)
    assert factors.min() >= 0.9 - 1e-4
    assert factors.max() <= 1.1 + 1e-4
    assert np.ptp(factors) > 0.1


def test_flips_are_the_four_of_a_patch():
    patch = np.arange(9, dtype=np.float32).reshape(1, 1, 3, 3)
    found = augmentation.flip(patch.repeat(200, 0), np.random.default_rng(0))
    kinds = {tuple(f.ravel()) for f in found}
    one = patch[0, 0]
    assert kinds == {tuple(f.ravel()) for f in (one, one[::-1], one[:, ::-1], one[::-1, ::-1])}


def test_rare_classes_weigh_more(prepared):
    [field] = prepared.fields
    weights = objectives.balanced_weights(prepared.fields, 4).numpy()
    counts = [np.count_nonzero(field.labels[field.parts["train"]] == c) for c in (1, 2, 3)]
    np.testing.assert_allclose(weights[:3] * counts, np.median(counts), rtol=1e-6)
    assert weights[3] == 0
