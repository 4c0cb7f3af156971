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


def search_of(cube, tile, **options):
    """The search of an encoding, and its chunks."""
    plan = encoding_plan.EncodingPlan.of(cube, hyspec.EncodeOptions(bps=1.0, **options))
    grid = tiling.TileGrid(cube.rows, cube.columns, *tile)
    chunks = cube_chunks.CubeChunks(cube, None, grid, plan.partition, plan.coders)
    return step_search.StepSearch(chunks, plan, survey.survey(cube), 0, lambda *_: None), chunks


@pytest.mark.parametrize("rows", [640, 1000, 4096, 20000])
@pytest.mark.parametrize("tile", [(256, 128), (16, 64), (20000, 128)])
def test_searched_strips_are_spread_over_all_rows(each_pack, rows, tile):
    """A search on some place of the cube would miss what the others cost."""
    cube = hyspec.Cube(np.zeros((rows, 128, 2), np.uint16))
    search, _ = search_of(cube, tile, pack=each_pack)
    strips = search._strips()
    height = min(32, tile[0])
    assert all(strip.stop - strip.start == height for strip in strips)
    assert sum(height for _ in strips) == pytest.approx(max(rows // 8, 128), abs=height)
    starts = [-height, *(strip.start for strip in strips), rows]
    gaps = np.diff(starts) - height
    assert gaps.min() >= 0
    # Three distances between multiples of the golden ratio: 1, 1.618 and 2.618 of the smallest.
    assert gaps.max() < 2.7 * rows / len(strips)


@pytest.mark.parametrize("rows", [1, 31, 32, 40, 256])
def test_small_cubes_are_searched_as_a_whole(each_pack, rows):
    cube = hyspec.Cube(np.zeros((rows, 128, 2), np.uint16))
    assert search_of(cube, (16, 128), pack=each_pack)[0]._strips() is None


def test_no_more_is_searched_than_memory_holds(each_pack, monkeypatch):
    cube = hyspec.Cube(np.zeros((2048, 128, 2), np.uint16))
    search, chunks = search_of(cube, (64, 128), pack=each_pack)
    each = search._bytes_of(chunks.strip(slice(0, 32)))
    for held in (1, 2, 5):
        monkeypatch.setattr(step_search, "CACHE_BYTES", held * each)
        assert len(search._strips()) == held
    monkeypatch.setattr(step_search, "CACHE_BYTES", each // 2)
    assert len(search._strips()) == 1


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
