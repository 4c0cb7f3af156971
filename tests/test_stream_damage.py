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
def marked(each_pack, scene_cube, nodata):
    cube = Cube(scene_cube.array, nodata=nodata)
    return hyspec.encode(cube, pack=each_pack, tile=TILE, intervals=INTERVALS)


def test_lost_chunks_are_filled_and_listed(each_pack, marked, nodata):
    expected = hyspec.decode(marked, pack=each_pack).array.copy()
    entries = {(e.tile, e.interval): e for e in Stream(marked).index.chunks}
    damaged = marked
    # With a tile that others borrow from, these would be lost, too.
    for tile, interval in ((4, 1), (2, 2)):
        entry = entries[tile, interval]
        damaged = with_byte_flipped(damaged, entry.offset + entry.length - 1)
    fill = nodata if nodata in (0.0, 65535.0) else 0  # -9999 is no uint16
    expected[16:32, 12:24, 8:20] = fill
    expected[:16, 24:, 20:] = fill
    with pytest.raises(errors.StreamError):
        Stream(damaged, pack=each_pack)[:]
    stream = Stream(damaged, pack=each_pack, on_damage="fill")
    assert stream.damage == []
    for _ in range(2):  # reading again lists nothing twice
        assert np.array_equal(stream[:], expected)
        assert [(d.tile, d.rows, d.columns, d.bands) for d in stream.damage] == [
            (2, range(16), range(24, 36), range(20, 24)),
            (4, range(16, 32), range(12, 24), range(8, 20)),
        ]
    assert all("checksum" in d.reason for d in stream.damage)


def test_lost_chunks_of_float_cubes_become_nan(each_pack):
    samples = np.random.default_rng(0).normal(size=(8, 8, 4)).astype("f4")
    data = hyspec.encode(samples, pack=each_pack, tile=4)
    entry = Stream(data).index.chunks[-1]
    damaged = with_byte_flipped(data, entry.offset + entry.length - 1)
    decoded = hyspec.decode(damaged, pack=each_pack, on_damage="fill").array
    lost = np.isnan(decoded).any((1, 2))
    assert lost.tolist() == [False] * 4 + [True] * 4


def test_cut_off_stream(each_pack, each_stream, each_decoded):
    """A stream that ends early keeps the chunks that were complete."""
    entries = sorted(Stream(each_stream).index.chunks, key=lambda entry: entry.offset)
    for kept in (1, 13, 27):
        cut = each_stream[: entries[kept - 1].offset + entries[kept - 1].length + 3]
        with pytest.raises(errors.StreamError, match="index") as caught:
            Stream(cut, pack=each_pack)
        assert "--recover" in caught.value.hint
        stream = Stream(cut, pack=each_pack, on_damage="fill")
        assert stream.index.rebuilt
        found = stream[:]
        assert len(stream.damage) == len(entries) - kept
        intact = np.ones(each_decoded.shape, bool)
        for damage in stream.damage:
            rows, columns, bands = (
                slice(r.start, r.stop) for r in (damage.rows, damage.columns, damage.bands)
            )
            intact[rows, columns, bands] = False
        assert np.array_equal(found[intact], each_decoded[intact])
        assert not found[~intact].any()


def test_nothing_left(each_pack, each_stream):
    first = Stream(each_stream).index.chunks[0]
    with pytest.raises(errors.StreamError, match="no chunk"):
        Stream(each_stream[: first.offset + 5], pack=each_pack, on_damage="fill")


def test_check(each_pack, each_stream):
    assert Stream(each_stream, pack=each_pack).check() == []
    entry = Stream(each_stream).index.chunks[10]
    damaged = with_byte_flipped(each_stream, entry.offset + entry.length - 1)
    (damage,) = Stream(damaged, pack=each_pack, on_damage="fill").check()
    assert damage.tile == entry.tile


def test_index_that_loses_its_place_does_not_matter_with_fill(each_pack, each_stream, each_decoded):
    damaged = with_byte_flipped(each_stream, len(each_stream) - 12)  # inside the index
    stream = Stream(damaged, pack=each_pack, on_damage="fill")
    assert stream.index.rebuilt
    assert np.array_equal(stream[:], each_decoded)
    assert stream.damage == []


def test_on_damage_has_two_values(each_stream):
    with pytest.raises(errors.UsageError, match="on_damage"):
        Stream(each_stream, on_damage="ignore")


@pytest.fixture(scope="module")
def small(each_pack):
    cube = hyspec.synthetic.scene(20, 17, sensor="hyspex", seed=1, nodata=True).cube
    cube = Cube(cube.array[:, :, ::40], nodata=cube.nodata)
    return hyspec.encode(cube, pack=each_pack, tile=16, intervals="1-2,3-5")


def test_recovery_after_any_flipped_byte_loses_one_chunk_at_most(each_pack, small):
    preamble = Stream(small).index.chunks[0].offset
    for position in range(preamble, len(small)):
        damaged = bytearray(small)
        damaged[position] ^= 0xFF
        stream = Stream(damaged, pack=each_pack, on_damage="fill")
        stream.read()
        assert len(stream.damage) <= 1
