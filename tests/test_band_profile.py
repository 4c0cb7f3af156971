"""What the encoder measures of bands, which network it takes, and what the decoder shows it."""

import dataclasses

import numpy as np
import pytest

import hyspec
from hyspec import Cube, _core, errors, pack
from hyspec.band_profile import BandCoder
from hyspec.quality import step_for_octave
from hyspec.sample_type import SampleType
from hyspec.tile_coder import CoderSettings, TileSamples

LOWEST, HIGHEST = -(2**31), 2**31 - 1


def measure(path, array):
    coder = BandCoder(pack.load(path).models[0])
    return coder.analyse(TileSamples(array, None, SampleType(array.dtype)))


@pytest.mark.parametrize("dtype", ["int32", "uint32"])
def test_means_at_the_ends_of_the_range(tiny_pack, dtype):
    """Means lie among the samples: none of them leaves int32, in any unit."""
    ends = np.iinfo(dtype)
    array = np.empty((20, 24, 6), dtype)
    array[..., :2] = ends.min, ends.max
    array[..., 2:4] = ends.min, ends.max
    array[3, 4, 2:4] += np.array([1, -1]).astype(dtype)
    array[..., 4:] = ends.min, ends.max
    array[0, 0, 4:] = ends.max, ends.min
    found = measure(tiny_pack, array)
    assert found.mean[:4].tolist() == [LOWEST, HIGHEST, LOWEST, HIGHEST]
    assert found.scale[:2].tolist() == [0, 0]
    assert found.mean[4] < 0 < found.mean[5]  # in units of an eighth of a huge deviation
    unit = 2.0 ** np.maximum(0, (found.scale[4:] - 65) // 16 - 3)
    shift = 2**31 if dtype == "uint32" else 0
    expected = array[..., 4:].mean(axis=(0, 1), dtype=np.float64) - shift
    assert np.abs(found.mean[4:] * unit - expected).max() <= unit.max() / 2

    data = hyspec.encode(Cube(array), pack=tiny_pack, intervals="1-6")
    decoded = hyspec.decode(data, pack=tiny_pack).array
    np.testing.assert_array_equal(decoded[..., :2], array[..., :2])


def test_a_mean_beyond_the_range_is_clipped(tiny_pack, monkeypatch):
    """As the sum of very many samples at the end of the range may leave it, by rounding."""

    class Higher(np.ndarray):
        def mean(self):
            return np.asarray(self).mean() + np.sign(np.asarray(self).mean())

    to_counts = SampleType.to_counts
    monkeypatch.setattr(SampleType, "to_counts", lambda *a: to_counts(*a).view(Higher))
    array = np.broadcast_to(np.array([HIGHEST, LOWEST], np.int32), (4, 4, 2))
    assert measure(tiny_pack, array).mean.tolist() == [HIGHEST, LOWEST]


# ---- networks ------------------------------------------------------------------------------------


@pytest.fixture
def scene_tile(tiny_pack, scene_cube):
    """A model, a coder of it, and the analysis of a tile with constant bands."""
    model = pack.load(tiny_pack).models[0]
    array = scene_cube.array[:33, :30].copy()
    array[..., 4:6] = 500
    coder = BandCoder(model)
    return model, coder, coder.analyse(TileSamples(array, None, SampleType(array.dtype))), array


def middle_deviation(analysis):
    return 2.0 ** ((np.median(analysis.scale[analysis.scale > 0]) - 65) / 16)


def test_the_network_is_that_of_the_level_of_the_median_band(scene_tile):
    model, coder, analysis, _ = scene_tile
    first, second = model.networks
    assert first.from_level == 0 < second.from_level
    varying = np.flatnonzero(analysis.scale)
    analysis.scale[varying] = 120
    analysis.scale[varying[:4]] = 100, 101, 170, 171  # neither the lowest nor the highest
    for level, expected in (
        (0, 0),
        (second.from_level - 1, 0),
        (second.from_level, 1),
        (second.levels + 40, 1),
    ):
        _, _, symbols = coder.encode(analysis, 2 * (120 - 65) - level)
        assert symbols.network == expected, level
    _, _, nothing = coder.encode(analysis, _core.MAX_STEP)
    assert (nothing.network, len(nothing.latents)) == (0, 0)


def test_a_network_can_be_prescribed(scene_tile):
    """Decoders follow the payload: no coder needs to know which one it was."""
    model, coder, analysis, array = scene_tile
    step = step_for_octave(middle_deviation(analysis), 5.0)
    found = []
    for number, network in enumerate(model.networks):
        chosen = BandCoder(model, CoderSettings(network=number))
        payload, checksum, symbols = chosen.encode(analysis, step)
        assert symbols.network == number
        assert symbols.latents.shape[1] == network.channels
        read = coder.read(analysis.tile, payload, checksum)
        assert np.array_equal(read.latents, symbols.latents)
        found.append(squared_error(coder, analysis, read, array))
    assert found[1] < found[0]  # the finer network is for high quality


def squared_error(coder, analysis, symbols, array):
    bands = np.arange(array.shape[2])
    total = 0.0
    for where, planes in coder.synthesise(analysis.tile, symbols, bands):
        total += np.square(planes - array.transpose(2, 0, 1)[bands[where]]).sum()
    return total / array.size


@pytest.mark.parametrize("number", [0, 1])
def test_bands_do_not_depend_on_what_else_is_decoded(scene_tile, number):
    """A synthesis that sees the bands around a band sees them when it is decoded alone."""
    model, _, analysis, array = scene_tile
    coder = BandCoder(model, CoderSettings(network=number))
    _, _, symbols = coder.encode(analysis, step_for_octave(middle_deviation(analysis), 3.0))
    bands = np.arange(array.shape[2])
    whole = np.empty((len(bands), *array.shape[:2]))
    for where, planes in coder.synthesise(analysis.tile, symbols, bands):
        whole[where] = planes
    for band in bands:
        [(where, planes)] = coder.synthesise(analysis.tile, symbols, bands[band : band + 1])
        assert where.tolist() == [0]
        assert np.allclose(planes[0], whole[band], rtol=0, atol=1e-3 * array.std())
    assert (whole[4:6] == 500).all()


def test_latents_are_made_once_for_each_network(scene_tile, monkeypatch):
    _, coder, analysis, _ = scene_tile
    made = []
    real = BandCoder._transform
    monkeypatch.setattr(
        BandCoder, "_transform", lambda self, *a: made.append(a[1].name) or real(self, *a)
    )
    for step in (_core.MAX_STEP, 0, _core.MAX_STEP, -32, 0):
        coder.encode(analysis, step)
    assert made == ["low", "high"]


def test_the_quantised_analysis_is_taken_if_asked_for(scene_tile):
    """Here it is a graph that does not fit, so that it is noticed."""
    model, _, analysis, _ = scene_tile
    low, high = model.networks
    odd = dataclasses.replace(
        model, networks=(dataclasses.replace(low, analysis_int8=high.analysis),)
    )
    BandCoder(odd).encode(analysis, 0)
    analysis.latents.clear()
    with pytest.raises(errors.PackError, match="yields shape"):
        BandCoder(odd, CoderSettings(int8=True)).encode(analysis, 0)
    # Where there is none, the other one serves.
    BandCoder(model, CoderSettings(int8=True)).encode(analysis, 0)
