"""Cubes and settings at the edge of what can be encoded, and what is said about them."""

import dataclasses

import numpy as np
import pytest

import hyspec
from hyspec import (
    cube_chunks,
    encoding_plan,
    errors,
    intervals,
    pack,
    step_search,
    survey,
    tiling,
)


@pytest.mark.parametrize("target", [{"bps": 0.5}, {"rmse": 5.0}])
def test_constant_cubes_need_no_target(tiny_pack, target):
    for array in (np.full((20, 20, 3), 7, np.uint16), np.full((20, 20, 3), np.nan, np.float32)):
        data = hyspec.encode(array, pack=tiny_pack, **target)
        assert np.array_equal(hyspec.decode(data, pack=tiny_pack).array, array, equal_nan=True)


def test_an_undeclared_fill_value_is_noticed(tiny_pack):
    array = np.random.default_rng(0).random((32, 32, 4)) * 0.4 + 0.1
    array[:5, :5] = -9999.0
    with pytest.raises(errors.DataError, match="-9999") as caught:
        hyspec.encode(array, pack=tiny_pack)
    assert "--nodata" in caught.value.hint
    declared = hyspec.Cube(array, nodata=-9999.0)
    decoded = hyspec.decode(hyspec.encode(declared, pack=tiny_pack), pack=tiny_pack)
    assert (decoded.array[:5, :5] == -9999.0).all()
    assert hyspec.metrics.compare(declared, decoded).rmse < 0.2
    hyspec.encode(array, pack=tiny_pack, float_step=1e-3)  # the user insists


def test_too_many_bands(tiny_pack):
    with pytest.raises(errors.DataError, match="65536 bands"):
        hyspec.encode(np.zeros((1, 1, 65536), np.uint8), pack=tiny_pack)


def test_too_many_chunks(tiny_pack, monkeypatch):
    monkeypatch.setattr(cube_chunks, "MAX_CHUNKS", 16)
    array = np.zeros((8, 8, 5), np.uint8)
    with pytest.raises(errors.UsageError, match="chunks") as caught:
        hyspec.encode(array, pack=tiny_pack, tile=(1, 1))
    assert "larger tiles" in caught.value.hint
    hyspec.encode(array, pack=tiny_pack, tile=(4, 8))


def test_packs_whose_models_cannot_be_assigned(tiny_pack):
    one = pack.load(tiny_pack)
    three = dataclasses.replace(one, models=one.models * 3)
    cube = hyspec.Cube(np.zeros((2, 2, 6), np.uint8))
    partition = intervals.parse_intervals("1-3,4-6", 6)
    assert encoding_plan._models(cube, partition, one) == (0, 0)
    with pytest.raises(errors.PackError, match="3 models"):
        encoding_plan._models(cube, partition, three)
    five = dataclasses.replace(one, models=one.models * 5)
    assert set(encoding_plan._models(cube, partition, five)) <= set(range(5))


@pytest.mark.parametrize("across", [4, 5, 8])
def test_searched_tiles_lie_in_all_columns_of_the_grid(tiny_pack, monkeypatch, across):
    """A search on one column of tiles would miss what the others cost."""
    cube = hyspec.Cube(np.zeros((64 * across, 64 * across, 2), np.uint16))
    chunks = cube_chunks.CubeChunks(
        cube, None, tiling.TileGrid(cube.rows, cube.columns, 64, 64), [None], []
    )
    search = step_search.StepSearch(
        chunks,
        encoding_plan.EncodingPlan.of(cube, hyspec.EncodeOptions(bps=1.0, pack=tiny_pack)),
        survey.survey(cube),
        0,
        lambda *_: None,
    )
    whole = 4 * pack.load(tiny_pack).latents_per_sample * cube.array.size
    monkeypatch.setattr(step_search, "CACHE_BYTES", whole / across)
    tiles = search._tiles()
    assert len(tiles) == across
    assert len({t % across for t in tiles}) >= across // 2
    assert len({t // across for t in tiles}) >= across // 2
    monkeypatch.setattr(step_search, "CACHE_BYTES", 2 * whole)
    assert search._tiles() == list(range(across * across))


def test_streams_in_memory_views_of_any_element_type(tiny_pack):
    array = np.arange(400, dtype=np.uint16).reshape(10, 20, 2)
    data = hyspec.encode(array, pack=tiny_pack)
    padded = data + bytes(-len(data) % 4)
    if len(padded) == len(data):
        words = memoryview(padded).cast("I")
        assert hyspec.decode(words, pack=tiny_pack).shape == array.shape
    octets = memoryview(np.frombuffer(data, np.int8))
    assert hyspec.decode(octets, pack=tiny_pack).shape == array.shape


def test_progress_names_every_phase(tiny_pack):
    seen = []
    options = hyspec.EncodeOptions(pack=tiny_pack, psnr=23.0)
    cube = hyspec.synthetic.scene(40, 40, sensor="enmap", seed=2).cube
    hyspec.encode_to(cube, lambda _: None, options, lambda *call: seen.append(call))
    assert list(dict.fromkeys(phase for phase, _, _ in seen)) == [
        "survey",
        "analysis",
        "searching",
        "encoding",
    ]
    for _, done, total in seen:
        assert 0 < done <= total
    assert all(
        [d for p, d, t in seen if p == phase][-1] == [t for p, d, t in seen if p == phase][-1]
        for phase in ("survey", "analysis", "encoding")
    )


def test_a_quantisation_step_beyond_the_range(tiny_pack):
    array = np.random.default_rng(1).random((8, 8, 2))
    with pytest.raises(errors.UsageError, match="whole range"):
        hyspec.encode(array, pack=tiny_pack, float_step=100.0)
