"""Entropy models that start from what training scenes have shown, read a chunk at a time."""

import dataclasses
import tracemalloc

import numpy as np
import pytest

from exported_once import exported_once, random_lapped, random_wavelet
from hyspec import _core, pack, synthetic
from hyspec.band_profile import BandCoder
from hyspec.errors import DataError
from hyspec.pack import GAINS_PER_OCTAVE, PackModel, PackNetwork
from hyspec.sample_type import SampleType
from hyspec.spectral_profile import SpectralCoder
from hyspec.tile_coder import TileSamples
from hyspec_training import blocks, cache
from hyspec_training.data import Scene
from hyspec_training.entropy_training import TrainedNetwork, switch_level, train_entropy_models
from hyspec_training.graphs import Graphs
from hyspec_training.profiles import PROFILES
from hyspec_training.surroundings import NO_TERMS


@pytest.fixture(scope="module")
def graphs(tiny_pack):
    """The first network of the tiny pack, a cosine transform, without its entropy model."""
    network = pack.load(tiny_pack).models[0].networks[0]
    gain, inverse = (np.load(tiny_pack / "low" / f"{n}.npy") for n in ("gain", "inverse_gain"))
    return Graphs(
        stride=network.stride,
        channels=network.channels,
        context_bands=network.context_bands,
        analysis=network.analysis,
        synthesis=network.synthesis,
        full=network.analysis,
        gain=gain.astype(np.int16),
        inverse_gain=inverse.astype(np.int16),
    )


@pytest.fixture(scope="module")
def high_rate(tmp_path_factory):
    """Graphs of an untrained high-rate network for each profile."""
    return {
        "band": exported_once(tmp_path_factory, random_lapped()),
        "spectral": exported_once(tmp_path_factory, random_wavelet()),
    }


@pytest.fixture(scope="module")
def scenes(tmp_path_factory, grid):
    """Mapped scenes of 24 bands."""
    folder = tmp_path_factory.mktemp("scenes")
    for seed in range(4):
        cube = synthetic.scene(64, 80, sensor=grid, seed=seed).cube
        np.save(folder / f"{seed}.npy", cube.array)
    paths = sorted(folder.glob("*.npy"))
    return [cache.open_scene(path, path.name, folder) for path in paths]


def trained(graphs, scenes, interval=None, profile="band"):
    networks = {"n": (graphs, interval)}
    return train_entropy_models(PROFILES[profile], networks, scenes, quiet=True)["n"]


def in_memory(scene):
    array = np.array(scene.array)
    return Scene(scene.name, array, scene.bands, scene.mean, scene.std, scene.models)


def assert_same(first, second):
    for a, b in zip(first.state, second.state, strict=True):
        np.testing.assert_array_equal(a, b)
    np.testing.assert_array_equal(first.cost, second.cost)


def test_mapped_scenes_train_the_same_models_as_arrays(graphs, scenes):
    assert all(isinstance(scene.array.base, np.memmap) for scene in scenes)
    assert_same(trained(graphs, scenes), trained(graphs, [in_memory(s) for s in scenes]))


def test_memory_is_that_of_one_scene(graphs, scenes):
    """However many there are."""
    trained(graphs, scenes[:1])  # sessions and tables that stay

    def peak(some):
        tracemalloc.start()
        trained(graphs, some)
        found = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return found

    least = min(peak([scene]) for scene in scenes)
    rows, columns, _ = scenes[0].array.shape
    in_single_precision = 4 * rows * columns * len(scenes[0].bands)
    assert peak(scenes * 4) < least + 2 * in_single_precision


def test_only_the_middle_of_a_large_scene_is_coded(graphs, scenes, monkeypatch):
    monkeypatch.setattr(blocks, "SIDE", 48)
    around = in_memory(scenes[0])
    middle = in_memory(scenes[0])
    middle.array = middle.array[8:56, 16:64]
    around.array[:8] = around.array[:, :16] = 7
    assert_same(trained(graphs, [around]), trained(graphs, [middle]))


def test_bits_are_saved_on_other_scenes(graphs, scenes, tiny_pack):
    """A coder that starts from the trained state needs fewer than one that knows nothing."""
    state = trained(graphs, scenes[:3]).state
    network = pack.load(tiny_pack).models[0].networks[0]
    sizes = []
    for latents in (
        _core.LatentModel.untrained(graphs.gain),
        _core.LatentModel(graphs.gain, *state),
    ):
        model = PackModel("any", (dataclasses.replace(network, latents=latents),))
        coder = BandCoder(model)
        unseen = np.array(scenes[3].array)
        analysis = coder.analyse(TileSamples(unseen, None, SampleType(unseen.dtype)))
        sizes.append([len(coder.encode(analysis, step)[0]) for step in (0, 64, 128, 192)])
    assert (np.array(sizes[1]) < sizes[0]).all()


def test_an_interval_model_has_the_costs_of_its_own_bands(graphs, scenes):
    """It learns from all bands, those of its own last, and is compared on its own alone."""
    first = trained(graphs, scenes, interval=0)
    joint = trained(graphs, scenes)
    assert not np.array_equal(first.state[0], joint.state[0])
    assert not np.array_equal(first.cost, joint.cost, equal_nan=True)
    assert np.isnan(trained(graphs, scenes, interval=99).cost).all()


def test_no_scenes(graphs):
    with pytest.raises(DataError, match="no scene"):
        trained(graphs, [])


@pytest.mark.parametrize("profile", ["band", "spectral"])
def test_the_same_scenes_train_the_same_models(high_rate, scenes, profile):
    first, second = (trained(high_rate[profile], scenes[:2], profile=profile) for _ in range(2))
    assert_same(first, second)
    assert (first.surroundings is None) == (profile == "band")
    if profile == "spectral":
        np.testing.assert_array_equal(first.surroundings, second.surroundings)


def test_bits_of_components_are_saved_on_other_scenes(high_rate, scenes):
    """By what surrounds a latent, and by the state of the models."""
    unseen = np.array(scenes[3].array)
    graphs = high_rate["spectral"]
    found = trained(graphs, scenes[:3], profile="spectral")
    models = {
        "none": _core.PlaneModel.untrained(graphs.gain, NO_TERMS),
        "surroundings": _core.PlaneModel.untrained(graphs.gain, found.surroundings),
        "both": _core.PlaneModel(graphs.gain, *found.state, found.surroundings),
    }
    sizes = {}
    for name, latents in models.items():
        network = PackNetwork(
            name="n",
            stride=graphs.stride,
            channels=graphs.channels,
            levels=len(graphs.gain),
            from_level=0,
            context_bands=3,
            analysis=graphs.analysis,
            analysis_int8=None,
            synthesis=graphs.synthesis,
            inverse_gain=np.exp2(graphs.inverse_gain / GAINS_PER_OCTAVE).astype(np.float32),
            latents=latents,
        )
        coder = SpectralCoder(PackModel("any", (network,)))
        analysis = coder.analyse(TileSamples(unseen, None, SampleType(unseen.dtype)))
        coded = [len(coder.encode(analysis, step)[0]) for step in (32, 96, 160)]
        sizes[name] = np.array(coded)
    assert (sizes["surroundings"] < sizes["none"]).all()
    assert (sizes["both"] < sizes["surroundings"]).all()


@pytest.mark.parametrize(
    ("coarser", "finer", "steps"),
    [
        ([5, 5, 5, 5], [6, 6, 4, 4], 2),
        ([5, 5, 5, 5], [4, 4, 4, 4], 0),
        ([5, 5, 5, 5], [4, 6, 4, 4], 2),  # from where on it always costs less
        ([5, np.nan, 5, 5], [6, 9, 4, 4], 1),  # nothing is known of what was not seen
    ],
)
def test_networks_change_where_the_finer_one_costs_less(coarser, finer, steps):
    state = (np.zeros(0, np.uint16), np.zeros(0, np.uint8), *2 * [np.zeros(0, np.int32)])
    first, second = (TrainedNetwork(state, np.array(cost, float)) for cost in (coarser, finer))
    assert switch_level([first], second) == 16 * steps
    worse = TrainedNetwork(state, first.cost + 10)
    assert switch_level([worse, first], second) == 16 * steps
