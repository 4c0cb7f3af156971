"""Training planes: what is drawn depends on seed and step alone, and never on validation scenes."""

import numpy as np
import pytest
import torch

from hyspec import Cube, io, synthetic
from hyspec.errors import DataError, UsageError
from hyspec_training import config, data, recipe
from hyspec_training.data import Scene, find_scenes, load_scene
from hyspec_training.sampling import PatchSampler, validation_planes
from training_fixtures import SIZES, write_recipe, write_scenes

torch.set_num_threads(1)


def flat_scene(name, values, rows=32, columns=32, models=None):
    """A scene whose normalised band b is the constant values[b]: draws tell where they are from."""
    bands = len(values)
    array = np.broadcast_to(np.asarray(values, np.float64), (rows, columns, bands))
    zeros = np.zeros(bands)
    models = np.zeros(bands, np.int64) if models is None else np.asarray(models)
    return Scene(name, array, np.arange(bands), zeros, np.ones(bands), models)


def ramp_scene(rows, columns):
    """One band whose samples are all different."""
    array = np.arange(rows * columns, dtype=np.float64).reshape(rows, columns, 1)
    return Scene("ramp", array, np.arange(1), np.zeros(1), np.ones(1), np.zeros(1, np.int64))


@pytest.fixture(scope="module")
def folder(tmp_path_factory, grid):
    return write_scenes(tmp_path_factory.mktemp("scenes"), grid)


# ---- drawing ------------------------------------------------------------------------------------


def test_a_batch_depends_on_seed_and_step_only(folder):
    scenes = [load_scene(*found) for found in find_scenes(folder, ["*.npy"])]
    fresh, used = PatchSampler(scenes, 32, 5), PatchSampler(scenes, 32, 5)
    for step in (8, 3, 100):
        used.batch(step, 4)
    batch = fresh.batch(7, 4)
    assert batch.shape == (4, 1, 32, 32)
    assert batch.dtype == np.float32
    np.testing.assert_array_equal(batch, used.batch(7, 4))
    np.testing.assert_array_equal(batch, used.batch(7, 4))
    assert not np.array_equal(batch, fresh.batch(8, 4))
    assert not np.array_equal(batch, PatchSampler(scenes, 32, 6).batch(7, 4))


def test_global_random_states_do_not_matter(folder):
    scenes = [load_scene(*found) for found in find_scenes(folder, ["*.npy"])]
    torch.manual_seed(1)
    first = PatchSampler(scenes, 32, 5).batch(0, 3)
    torch.manual_seed(2)
    np.testing.assert_array_equal(first, PatchSampler(scenes, 32, 5).batch(0, 3))


def test_all_orientations_and_places_are_drawn():
    sampler = PatchSampler([ramp_scene(24, 20)], 16, 0)
    seen = set()
    for step in range(100):
        for plane in sampler.batch(step, 8)[:, 0]:
            steps = (plane[0, 1] - plane[0, 0], plane[1, 0] - plane[0, 0])
            assert set(np.abs(steps)) == {1, 20}  # a crop, turned or mirrored, not resampled
            seen.add((*steps, plane.min()))
    assert len({s[:2] for s in seen}) == 8
    assert {s[2] for s in seen} == {20 * row + column for row in range(9) for column in range(5)}


def test_steps_do_not_share_their_crops():
    """Of consecutive steps, too: each has its own random numbers, not the next part of others'."""
    sampler = PatchSampler([ramp_scene(200, 200)], 16, 0)  # room for 270 000 different crops
    drawn = np.concatenate([sampler.batch(step, 16)[:, 0, :2, :2] for step in range(200)])
    assert len(np.unique(drawn, axis=0)) > 0.95 * len(drawn)


def test_the_share_of_the_own_model():
    # Bands 0 to 7 of model 0, bands 8 and 9 of model 3.
    scene = flat_scene("s", range(10), models=[0] * 8 + [3] * 2)
    count = 2000

    def own_share(share, model=3):
        sampler = PatchSampler([scene], 16, 1, model, share)
        return (sampler.batch(0, count)[:, 0, 0, 0] >= 8).mean()

    # Own bands also turn up among the draws from all: 0.2 of them.
    for share in (0.0, 0.5, 1.0):
        expected = share + (1 - share) * 0.2
        assert own_share(share) == pytest.approx(expected, abs=0.05)
    assert own_share(1.0) == 1.0
    assert own_share(1.0, model=0) == 0.0


def test_without_a_model_the_share_means_nothing():
    scene = flat_scene("s", range(10), models=[0] * 8 + [3] * 2)
    plain, shared = PatchSampler([scene], 16, 1), PatchSampler([scene], 16, 1, None, 1.0)
    np.testing.assert_array_equal(plain.batch(0, 50), shared.batch(0, 50))


def test_scenes_without_the_own_model_give_only_common_planes():
    scenes = [flat_scene("without", [1.0, 2.0]), flat_scene("with", [3.0, 4.0], models=[0, 2])]
    sampler = PatchSampler(scenes, 16, 1, 2, 1.0)
    assert set(sampler.batch(0, 100)[:, 0, 0, 0]) == {4.0}
    with pytest.raises(DataError, match="interval"):
        PatchSampler(scenes, 16, 1, 4, 0.5)


def test_larger_scenes_are_drawn_by_the_root_of_their_size():
    scenes = [flat_scene("small", [1.0], 32, 32), flat_scene("large", [2.0], 96, 96)]
    drawn = PatchSampler(scenes, 16, 3).batch(0, 4000)[:, 0, 0, 0]
    assert (drawn == 2).mean() == pytest.approx(3 / 4, abs=0.03)


@pytest.mark.parametrize("depth", [2, 3, 4])
def test_stacks_are_neighbouring_bands_of_one_place(depth):
    rng = np.random.default_rng(0)
    plane = rng.normal(size=(24, 20, 1))
    scene = flat_scene("s", range(10))
    scene.array = plane + 100 * np.arange(10)
    scene.bands = np.array([0, 1, 4, 5, 6, 9])
    stacks = PatchSampler([scene], 16, 0, depth=depth).batch(0, 300)
    assert stacks.shape == (300, depth, 16, 16)
    bands = np.rint(stacks.mean(axis=(2, 3)) / 100).astype(int)
    at = np.searchsorted(scene.bands, bands)
    np.testing.assert_array_equal(scene.bands[at], bands)
    assert (np.diff(at, axis=1) == 1).all()
    assert set(bands.ravel()) == set(scene.bands)
    difference = np.diff(stacks - 100 * bands[:, :, None, None], axis=1)
    np.testing.assert_allclose(difference, 0, atol=1e-3)


def test_stacks_repeat_the_last_band_where_there_are_too_few():
    stacks = PatchSampler([flat_scene("s", [3, 8])], 16, 0, depth=3).batch(0, 20)
    assert {tuple(stack) for stack in stacks[:, :, 0, 0]} == {(3, 8, 8)}
    [(_, first), (_, second)] = validation_planes([flat_scene("s", [3, 8])], depth=3)
    assert first[:, 0, 0].tolist() == second[:, 0, 0].tolist() == [3, 8, 8]


@pytest.mark.parametrize(("rows", "columns"), [(10, 40), (40, 10), (1, 1), (5, 3)])
def test_small_scenes_are_extended_by_reflection(rows, columns):
    sampler = PatchSampler([ramp_scene(rows, columns)], 32, 2)
    for plane in sampler.batch(0, 8)[:, 0]:
        assert plane.shape == (32, 32)
        if min(rows, columns) < 32 <= max(rows, columns):
            assert len(np.unique(plane)) == 32 * min(rows, columns)
        else:
            assert len(np.unique(plane)) == rows * columns
        # Mirrored at the edge: neighbours are neighbours in the scene, or the same sample.
        for steps in (np.diff(plane, axis=0), np.diff(plane, axis=1)):
            assert set(np.abs(steps).ravel()) <= {0, 1, columns}
        if min(rows, columns) > 1:  # turned back at the edge, not stretched
            flat_down, flat_across = (np.diff(plane, axis=axis) == 0 for axis in (0, 1))
            assert not (flat_down[1:] & flat_down[:-1]).any()
            assert not (flat_across[:, 1:] & flat_across[:, :-1]).any()


def test_parts_of_a_batch_are_the_batch(folder):
    scenes = [load_scene(*found) for found in find_scenes(folder, ["*.npy"])]
    settings = config.AugmentationConfig(band_mixing=0.5, half_scale=0.5, noise=0.1)
    for augmentation in (None, settings):
        sampler = PatchSampler(scenes, 32, 5, augmentation=augmentation)
        parts = [sampler.batch(7, 6, slice(first, first + 2)) for first in (0, 2, 4)]
        np.testing.assert_array_equal(np.concatenate(parts), sampler.batch(7, 6))


def test_the_patch_is_a_multiple_of_the_stride():
    with pytest.raises(UsageError, match="multiple of 16"):
        PatchSampler([ramp_scene(64, 64)], 40, 0)


# ---- scenes -------------------------------------------------------------------------------------


def test_planes_are_normalised_by_band(folder):
    scene = load_scene(folder / "scene-0.npy", "scene-0.npy")
    rows, columns = SIZES[0]
    for band in scene.bands[::5]:
        plane = scene.plane(int(band), 0, 0, rows, columns)
        assert plane.dtype == np.float32
        assert plane.mean() == pytest.approx(0, abs=1e-5)
        assert plane.std() == pytest.approx(1, abs=1e-5)
    part = scene.plane(3, 4, 5, 6, 7)
    np.testing.assert_array_equal(part, scene.plane(3, 0, 0, rows, columns)[4:10, 5:12])


@pytest.mark.parametrize("rows_per_block", [1, 3, 20])
def test_statistics_do_not_depend_on_the_blocks(tmp_path, monkeypatch, rows_per_block):
    array = np.random.default_rng(1).normal(5e4, 3, (20, 30, 5)) * [1, 1e-6, 1, 1, 1]
    array[:10, :, 2] -= 7e3  # the blocks differ much
    array[19, 29, 3] = np.nan  # in the last block
    array[:, :, 4] = 7e-3
    path = tmp_path / "scene.npy"
    np.save(path, array)
    monkeypatch.setattr(data, "BLOCK_BYTES", rows_per_block * array[0].nbytes)
    scene = load_scene(path, "scene")
    assert scene.bands.tolist() == [0, 1, 2]
    bands = array[:, :, :3]
    np.testing.assert_allclose(scene.mean[:3], bands.mean(axis=(0, 1)), rtol=1e-14)
    np.testing.assert_allclose(scene.std[:3], bands.std(axis=(0, 1)), rtol=1e-9)


def test_bands_with_infinite_samples_are_left_out(tmp_path):
    array = np.random.default_rng(0).normal(100, 5, (20, 30, 3)).astype(np.float32)
    array[3, 4, 1] = np.inf
    np.save(tmp_path / "scene.npy", array)
    assert load_scene(tmp_path / "scene.npy", "scene").bands.tolist() == [0, 2]


def test_unusable_bands_are_left_out(tmp_path):
    array = np.random.default_rng(0).normal(100, 5, (20, 30, 5)).astype(np.float32)
    array[:, :, 1] = 7  # constant
    array[3, 4, 2] = np.nan
    array[0, 0, 4] = -9999
    path = tmp_path / "scene.hdr"
    io.write(path, Cube(array, nodata=-9999))
    assert load_scene(path, "scene").bands.tolist() == [0, 3]


def test_a_scene_without_usable_bands_is_refused(tmp_path):
    np.save(tmp_path / "flat.npy", np.full((20, 30, 4), 3, np.uint16))
    with pytest.raises(DataError, match=r"flat\.npy has no band") as caught:
        load_scene(tmp_path / "flat.npy", "flat.npy")
    assert caught.value.hint


def test_bands_belong_to_intervals_by_wavelength(tmp_path):
    sensor = synthetic.SensorGrid(np.array([500.0, 1000, 1500, 1870, 2200]), np.full(5, 20.0))
    io.write(tmp_path / "five.hdr", synthetic.scene(20, 20, sensor=sensor, seed=0).cube)
    assert load_scene(tmp_path / "five.hdr", "five").models.tolist() == [0, 1, 2, 3, 4]


def test_scenes_are_found_once_and_in_order(tmp_path):
    for name in ("b.npy", "a/c.npy", "a/d.npy"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    found = find_scenes(tmp_path, ["b.npy", "a/*.npy", "a/c.npy"])
    assert [name for _, name in found] == ["a/c.npy", "a/d.npy", "b.npy"]
    assert all(path == tmp_path / name for path, name in found)
    with pytest.raises(DataError, match=r"no scene matches 'c/\*\.npy'"):
        find_scenes(tmp_path, ["b.npy", "c/*.npy"])


@pytest.mark.parametrize("pattern", ["", "/data/*.npy"])
def test_patterns_are_relative(tmp_path, pattern):
    with pytest.raises(UsageError, match="pattern"):
        find_scenes(tmp_path, [pattern])


# ---- validation ---------------------------------------------------------------------------------


def test_validation_planes_are_whole_and_padded(folder):
    scenes = [load_scene(*found) for found in find_scenes(folder, ["scene-[02].npy"])]
    planes = list(validation_planes(scenes, per_scene=5))
    assert [name for name, _ in planes] == ["scene-0.npy"] * 5 + ["scene-2.npy"] * 5
    rows, columns = SIZES[2]
    scene = scenes[1]
    picks = [0, *(len(scene.bands) - 1) * np.array([1, 2, 3]) / 4, len(scene.bands) - 1]
    for (_, [plane]), pick in zip(planes[5:], np.rint(picks).astype(int), strict=True):
        assert plane.shape == (48, 64)
        whole = scene.plane(int(scene.bands[pick]), 0, 0, rows, columns)
        np.testing.assert_array_equal(plane[:rows, :columns], whole)
        np.testing.assert_array_equal(plane[rows:, :columns], whole[-1:].repeat(48 - rows, 0))
        np.testing.assert_array_equal(
            plane[:, columns:], plane[:, columns - 1 : columns].repeat(14, 1)
        )


def test_validation_planes_of_large_scenes_are_their_middle():
    [(_, [plane])] = validation_planes([ramp_scene(700, 520)])
    expected = np.arange(700 * 520).reshape(700, 520)[94:606, 4:516]
    np.testing.assert_array_equal(plane, expected)
    [(_, [plane])] = validation_planes([ramp_scene(20, 600)])
    assert plane.shape == (32, 512)
    assert plane[0, 0] == 44


def test_validation_planes_of_one_model():
    scene = flat_scene("s", range(10), models=[0] * 8 + [3] * 2)
    planes = validation_planes([scene], model=3)
    assert [plane[0, 0] for _, [plane] in planes] == [8, 9]
    assert not list(validation_planes([scene], model=1))


def test_no_validation_scene_is_ever_drawn(tmp_path):
    for k in range(4):  # band b of scene k runs from 100 k + b, so that draws can be told apart
        array = np.full((32, 32, 3), 100.0 * k) + np.arange(3) + np.eye(32)[:, :, None] / 8
        np.save(tmp_path / f"scene-{k}.npy", array)
    path = write_recipe(tmp_path)
    train, validation = recipe.load_scenes(config.load(path).data, tmp_path, tmp_path / "cache")
    assert [scene.name for scene in train] == ["scene-0.npy", "scene-1.npy", "scene-3.npy"]
    assert [scene.name for scene in validation] == ["scene-2.npy"]
    for scene in train:  # undo the normalisation
        scene.mean[:], scene.std[:] = 0, 1
    sampler = PatchSampler(train, 32, 0)
    drawn = np.concatenate([sampler.batch(step, 50) for step in range(10)])
    assert set((drawn // 100).ravel()) == {0, 1, 3}


def test_validation_scenes_must_be_scenes(folder, tmp_path):
    path = write_recipe(tmp_path, ('["scene-2.npy"]', '["scene-9.npy"]'))
    with pytest.raises(UsageError, match=r"scene-9\.npy"):
        recipe.load_scenes(config.load(path).data, folder, tmp_path / "cache")


def test_some_scene_must_be_left_to_train_on(folder, tmp_path):
    names = '["scene-0.npy", "scene-1.npy", "scene-2.npy"]'
    path = write_recipe(tmp_path, ('["scene-2.npy"]', names))
    with pytest.raises(DataError, match="no scene to train on"):
        recipe.load_scenes(config.load(path).data, folder, tmp_path / "cache")
