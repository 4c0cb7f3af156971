"""Planes through the networks of a pack: what the synthesis is shown, and what batches change."""

import dataclasses

import numpy as np
import pytest

from hyspec import _core, errors, inference, pack, plane_networks


@pytest.fixture
def high(tiny_pack):
    """A network that sees the planes around a plane."""
    network = pack.load(tiny_pack).models[0].networks[1]
    assert network.context_bands == 3
    return network


def symbols_of(network, tile, planes):
    positions = int(np.prod(plane_networks.latent_grid(tile, network)))
    rng = np.random.default_rng(4)
    return rng.integers(-9, 10, (planes, network.channels, positions)).astype(np.int32)


def test_latents_around_a_plane(high, monkeypatch):
    """Own ones first, then those of the planes before and after, each at its own gain."""
    tile = _core.BandTile(9, 2 * high.stride, 3 * high.stride - 1)
    symbols = symbols_of(high, tile, 5)
    levels = np.array([10, 40, 40, 90, 5], np.int32)
    seen = []

    def network(graph, *, optimise):
        assert graph == high.synthesis
        assert optimise

        def run(latents, octave):
            seen.append((latents, octave))
            return np.zeros((len(latents), 1, 2 * high.stride, 3 * high.stride), np.float32)

        return run

    monkeypatch.setattr(inference, "network", network)
    which = np.array([0, 2, 4])
    planes = plane_networks.synthesise(high, tile, symbols, levels, which, optimise=True)
    assert planes.shape == (3, tile.rows, tile.columns)
    [(latents, octave)] = seen
    real = symbols * high.inverse_gain[levels][:, :, None]
    around = [[0, 0, 1], [2, 1, 3], [4, 3, 4]]
    expected = np.array([np.concatenate([real[k] for k in row]) for row in around])
    assert latents.dtype == octave.dtype == np.float32
    assert np.allclose(latents, expected.reshape(3, -1, 2, 3))
    assert octave.ravel().tolist() == [level / 32 for level in (10, 40, 5)]


def test_planes_do_not_depend_on_what_is_decoded_beside_them(high):
    tile = _core.BandTile(9, 20, 30)
    symbols, levels = symbols_of(high, tile, 4), np.array([20, 30, 40, 50], np.int32)

    def planes(*which):
        return plane_networks.synthesise(
            high, tile, symbols, levels, np.array(which), optimise=True
        )

    whole = planes(0, 1, 2, 3)
    assert np.ptp(whole) > 0
    for k in range(4):
        assert np.allclose(planes(k)[0], whole[k], rtol=0, atol=1e-4 * np.abs(whole).max())


def test_batches_hold_every_plane_once(tiny_pack, monkeypatch):
    """Latents are those of the planes one by one, whatever fits into a batch."""
    network = pack.load(tiny_pack).models[0].networks[0]
    tile = _core.BandTile(7, 3 * network.stride, network.stride)
    planes = np.random.default_rng(5).normal(size=(7, 1, tile.rows, tile.columns))
    planes = planes.astype(np.float32)
    asked = []

    def normalised(part):
        asked.append(part)
        return planes[part]

    def latents():
        asked.clear()
        return plane_networks.analyse(network, tile, 7, normalised, int8=False, optimise=True)

    whole = latents()
    assert asked == [slice(0, 7)]
    assert whole.shape == (7, network.channels, 3)
    monkeypatch.setattr(plane_networks, "_BATCH_SAMPLES", 3 * tile.rows * tile.columns)
    parts = latents()
    assert asked == [slice(0, 3), slice(3, 6), slice(6, 7)]
    assert np.allclose(parts, whole, rtol=1e-5, atol=1e-6)


def test_a_graph_of_another_shape_is_refused(high):
    tile = _core.BandTile(1, 16, 16)
    exchanged = dataclasses.replace(high, analysis=high.synthesis, synthesis=high.analysis)
    with pytest.raises(errors.PackError):
        plane_networks.analyse(
            exchanged, tile, 1, lambda _: np.zeros((1, 1, 16, 16), "f4"), int8=False, optimise=True
        )
