"""Packs of the ``spectral`` profile, trained and written by the programs that make any pack."""

import json

import numpy as np
import pytest
import torch

import hyspec
from hyspec import pack, synthetic
from hyspec.errors import UsageError
from hyspec.quality import STEPS_PER_OCTAVE
from hyspec.spectral_profile import SpectralCoder
from hyspec.tile_coder import TileSamples
from hyspec_tools import export
from hyspec_training import cache, checkpoint, components, config, recipe
from hyspec_training.profiles import PROFILES
from training_fixtures import SPECTRAL, write_recipe

torch.set_num_threads(1)

NAMES = ["scene-0.npy", "scene-1.npy"]


@pytest.fixture(scope="module")
def spectral(trained_spectral):
    return trained_spectral


def test_it_encodes_and_decodes(spectral, scene_cube):
    assert spectral.exit_code == 0
    errors, sizes = [], []
    for quality in (30, 60, 90):
        data = hyspec.encode(scene_cube, pack=spectral.pack, quality=quality)
        decoded = hyspec.decode(data, pack=spectral.pack).array
        errors.append(np.square(decoded - scene_cube.array.astype(float)).mean())
        sizes.append(len(data))
    assert sizes == sorted(sizes)
    spread = scene_cube.array.astype(float).var(axis=(0, 1)).mean()
    assert errors[0] < 0.1 * spread
    assert errors[2] < errors[1] < errors[0]
    assert errors[2] < 1e-3 * spread


def test_what_the_pack_says(spectral):
    manifest = json.loads((spectral.pack / "manifest.json").read_text(encoding="utf-8"))
    assert manifest["profile"] == "spectral"
    assert manifest["scenes"] == NAMES
    assert [r["quality"] for r in manifest["validation"]] == [0, 1, 2, 3]
    [network] = manifest["networks"]
    assert (network["stride"], network["channels"]) == (8, 64)
    assert network["levels"] >= 18 * STEPS_PER_OCTAVE + 1


def test_levels_far_beyond_the_trained_ones_are_finer_and_finer(spectral):
    """Leading components need them: each octave halves the step."""
    gain, inverse = (
        np.load(spectral.pack / "low" / f"{name}.npy").astype(int)
        for name in ("gain", "inverse_gain")
    )
    assert (np.diff(gain, axis=0) == 256 // STEPS_PER_OCTAVE).all()
    np.testing.assert_array_equal(gain, -inverse)


def test_networks_see_components(spectral, tmp_path, monkeypatch):
    """Of the scenes that the recipe names, each of one block here."""

    class Stop(Exception):  # noqa: N818
        pass

    def note(*arguments, **_):
        raise Stop([*arguments[3], *arguments[4]])  # those of the sampler, and those to validate on

    monkeypatch.setattr(recipe, "PatchSampler", lambda scenes, *_: scenes)
    monkeypatch.setattr(recipe, "train_stage", note)
    with pytest.raises(Stop) as stopped:
        run(spectral, tmp_path)
    for scene, name in zip(stopped.value.args[0], [*NAMES, "scene-2.npy"], strict=True):
        assert scene.name == name
        expected = components.component_planes(np.load(spectral.data / name))
        np.testing.assert_array_equal(scene.array.transpose(2, 0, 1), expected)


# ---- programs -----------------------------------------------------------------------------------


def run(spectral, folder, loaded=None, work=None):
    loaded = loaded or config.load(spectral.recipe)
    options = {"threads": 1, "quiet": True}
    return recipe.run(loaded, spectral.data, work or folder / "work", folder / "packs", **options)


def test_it_leaves_what_any_training_leaves(spectral):
    names = {path.name for path in spectral.work.iterdir()}
    assert names >= {"low.pt", "history.json", "rate_distortion.png", "tensorboard", "cache"}


def test_the_exported_pack_is_that_of_the_training(spectral, known_exports, tmp_path, capsys):
    arguments = [spectral.work, tmp_path / "p", "--data", spectral.data, "--quiet"]
    with known_exports():  # of equal weights
        assert export.main([str(a) for a in arguments]) == 0
    assert pack.load(tmp_path / "p").id == pack.load(spectral.pack).id
    assert capsys.readouterr().err == ""


def test_an_interrupted_run_ends_the_same(spectral, known_exports, tmp_path):
    work = tmp_path / "work"
    half = write_recipe(tmp_path, *SPECTRAL, ("checkpoint_every = 50", "checkpoint_every = 5"))
    stopped = checkpoint.Checkpoint.save

    def save_and_stop(self, path):
        stopped(self, path)
        raise KeyboardInterrupt

    with pytest.MonkeyPatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(checkpoint.Checkpoint, "save", save_and_stop)
        run(spectral, tmp_path, config.load(half), work)
    assert checkpoint.load(work / "low.pt").step == 5
    with known_exports():  # of equal weights
        [written] = run(spectral, tmp_path, work=work)
    assert pack.load(written).id == pack.load(spectral.pack).id


def test_checkpoints_of_another_profile_are_refused(spectral, tmp_path):
    """Also of one that was made before there was another profile."""
    path = tmp_path / "low.pt"
    old = checkpoint.load(spectral.work / "low.pt")
    for profile in ({"profile": "band"}, {}):
        del old.settings["profile"]
        old.settings.update(profile)
        old.save(path)
        with pytest.raises(UsageError, match="made with profile = 'band'"):
            run(spectral, tmp_path, work=tmp_path)
        old.settings["profile"] = "spectral"


# ---- entropy models -----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def trained_network(spectral):
    [model] = pack.load(spectral.pack).models
    return model.networks[0]


def test_the_whole_range_of_steps_is_learnt(spectral, grid):
    """From two planes or so to those of the noise."""
    [model] = pack.load(spectral.pack).models
    coder = SpectralCoder(model)
    profile = PROFILES["spectral"]
    samples = synthetic.scene(64, 64, sensor=grid, seed=9).cube.array
    analysis = coder.analyse(TileSamples(samples, None, profile.sample_type(samples)))
    steps = [step for step, _ in profile.steps(analysis)]
    assert set(np.diff(steps)) == {-STEPS_PER_OCTAVE // 2}
    counts = [len(coder.encode(analysis, step)[2].scale) for step in steps]
    assert 2 <= counts[0] <= 4
    assert counts == sorted(counts)
    assert counts[-1] > samples.shape[2] // 2


def test_entropy_models_learn_what_the_coder_makes(spectral, trained_network, tmp_path):
    """The trainer's state after one block is that of a trainer that is given its symbols."""
    folder = tmp_path / "cache"
    folder.mkdir()
    path = spectral.data / "scene-0.npy"
    scene = cache.open_scene(path, path.name, folder)
    profile = PROFILES["spectral"]
    [chunk] = profile.chunks(scene)
    np.testing.assert_array_equal(chunk.read(), np.load(path)[:, :, scene.bands])
    [model] = pack.load(spectral.pack).models
    coder = SpectralCoder(model)
    samples = chunk.read()
    analysis = coder.analyse(TileSamples(samples, None, profile.sample_type(samples)))
    _, _, symbols = coder.encode(analysis, -40)
    levels = profile.coded_levels(symbols.scale, symbols.step, trained_network.levels)
    assert len(levels) == len(symbols.latents)
    expected = np.clip(2 * (symbols.scale - 65) + 40, 0, trained_network.levels - 1)
    np.testing.assert_array_equal(levels, expected)
