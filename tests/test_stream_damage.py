"""Damaged streams: what is lost is filled and listed, and all else is as it was."""

import numpy as np
import pytest

import hyspec
from hyspec import Cube, Stream, errors
from stream_cases import INTERVALS, TILE, with_byte_flipped


@pytest.fixture(params=[None, 0.0, 65535.0, -9999.0])
def nodata(request):
    return request.param


@pytest.fixture
def marked(tiny_pack, scene_cube, nodata):
    cube = Cube(scene_cube.array, nodata=nodata)
    return hyspec.encode(cube, pack=tiny_pack, tile=TILE, intervals=INTERVALS)


def test_lost_chunks_are_filled_and_listed(tiny_pack, marked, nodata):
    expected = hyspec.decode(marked, pack=tiny_pack).array.copy()
    entries = {(e.tile, e.interval): e for e in Stream(marked).index.chunks}
    damaged = marked
    for tile, interval in ((4, 1), (0, 2)):
        entry = entries[tile, interval]
        damaged = with_byte_flipped(damaged, entry.offset + entry.length - 1)
    fill = nodata if nodata in (0.0, 65535.0) else 0  # -9999 is no uint16
    expected[16:32, 12:24, 8:20] = fill
    expected[:16, :12, 20:] = fill
    with pytest.raises(errors.StreamError):
        Stream(damaged, pack=tiny_pack)[:]
    stream = Stream(damaged, pack=tiny_pack, on_damage="fill")
    assert stream.damage == []
    for _ in range(2):  # reading again lists nothing twice
        assert np.array_equal(stream[:], expected)
        assert [(d.tile, d.rows, d.columns, d.bands) for d in stream.damage] == [
            (0, range(16), range(12), range(20, 24)),
            (4, range(16, 32), range(12, 24), range(8, 20)),
        ]
    assert all("checksum" in d.reason for d in stream.damage)


def test_lost_chunks_of_float_cubes_become_nan(tiny_pack):
    samples = np.random.default_rng(0).normal(size=(8, 8, 4)).astype("f4")
    data = hyspec.encode(samples, pack=tiny_pack, tile=4)
    entry = Stream(data).index.chunks[-1]
    damaged = with_byte_flipped(data, entry.offset + entry.length - 1)
    decoded = hyspec.decode(damaged, pack=tiny_pack, on_damage="fill").array
    lost = np.isnan(decoded).any((1, 2))
    assert lost.tolist() == [False] * 4 + [True] * 4


def test_cut_off_stream(tiny_pack, scene_stream, scene_decoded):
    """A stream that ends early keeps the chunks that were complete."""
    entries = sorted(Stream(scene_stream).index.chunks, key=lambda entry: entry.offset)
    for kept in (1, 13, 27):
        cut = scene_stream[: entries[kept - 1].offset + entries[kept - 1].length + 3]
        with pytest.raises(errors.StreamError, match="index") as caught:
            Stream(cut, pack=tiny_pack)
        assert "--recover" in caught.value.hint
        stream = Stream(cut, pack=tiny_pack, on_damage="fill")
        assert stream.index.rebuilt
        found = stream[:]
        assert len(stream.damage) == len(entries) - kept
        intact = np.ones(scene_decoded.shape, bool)
        for damage in stream.damage:
            rows, columns, bands = (
                slice(r.start, r.stop) for r in (damage.rows, damage.columns, damage.bands)
            )
            intact[rows, columns, bands] = False
        assert np.array_equal(found[intact], scene_decoded[intact])
        assert not found[~intact].any()


def test_nothing_left(tiny_pack, scene_stream):
    first = Stream(scene_stream).index.chunks[0]
    with pytest.raises(errors.StreamError, match="no chunk"):
        Stream(scene_stream[: first.offset + 5], pack=tiny_pack, on_damage="fill")


def test_check(tiny_pack, scene_stream):
    assert Stream(scene_stream, pack=tiny_pack).check() == []
    entry = Stream(scene_stream).index.chunks[10]
    damaged = with_byte_flipped(scene_stream, entry.offset + entry.length - 1)
    (damage,) = Stream(damaged, pack=tiny_pack, on_damage="fill").check()
    assert damage.tile == entry.tile


def test_index_that_loses_its_place_does_not_matter_with_fill(
    tiny_pack, scene_stream, scene_decoded
):
    damaged = with_byte_flipped(scene_stream, len(scene_stream) - 12)  # inside the index
    stream = Stream(damaged, pack=tiny_pack, on_damage="fill")
    assert stream.index.rebuilt
    assert np.array_equal(stream[:], scene_decoded)
    assert stream.damage == []


def test_on_damage_has_two_values(scene_stream):
    with pytest.raises(errors.UsageError, match="on_damage"):
        Stream(scene_stream, on_damage="ignore")


@pytest.fixture(scope="module")
def small(tiny_pack):
    cube = hyspec.synthetic.scene(20, 17, sensor="hyspex", seed=1, nodata=True).cube
    cube = Cube(cube.array[:, :, ::40], nodata=cube.nodata)
    return hyspec.encode(cube, pack=tiny_pack, tile=16, intervals="1-2,3-5")


def test_recovery_after_any_flipped_byte_loses_one_chunk_at_most(tiny_pack, small):
    preamble = Stream(small).index.chunks[0].offset
    for position in range(preamble, len(small)):
        damaged = bytearray(small)
        damaged[position] ^= 0xFF
        stream = Stream(damaged, pack=tiny_pack, on_damage="fill")
        stream.read()
        assert len(stream.damage) <= 1
