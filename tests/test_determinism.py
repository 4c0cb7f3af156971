"""The same cube gives the same bytes, and the same bytes the same symbols, however it is done."""

import dataclasses
import subprocess
import sys
import tracemalloc

import numpy as np
import pytest

import hyspec
from hyspec import Stream, _core, metrics, survey
from hyspec.basis_sharing import CarriedBasis
from hyspec.options import EncodeOptions

SETTINGS = {"tile": (16, 12), "intervals": "1-8,9-20,21-24"}


@pytest.fixture(scope="module")
def data(each_pack, nodata_cube):
    return hyspec.encode(nodata_cube, pack=each_pack, threads=1, **SETTINGS)


@pytest.mark.parametrize("target", ["quality", "bps", "rmse"])
def test_threads_do_not_change_the_stream(each_pack, nodata_cube, data, target):
    decoded = hyspec.decode(data, pack=each_pack)
    value = {
        "quality": 60,
        "bps": 8 * len(data) / nodata_cube.array.size,
        "rmse": metrics.rmse(nodata_cube, decoded),
    }[target]
    streams = {
        hyspec.encode(nodata_cube, pack=each_pack, threads=n, **SETTINGS, **{target: value})
        for n in (1, 2, 5, None)
    }
    assert len(streams) == 1


def test_another_process_writes_the_same_stream(each_pack, nodata_cube, tmp_path):
    np.save(tmp_path / "cube.npy", nodata_cube.array)
    script = f"""
import sys, numpy, hyspec
cube = hyspec.Cube(numpy.load({str(tmp_path / "cube.npy")!r}), nodata={nodata_cube.nodata})
sys.stdout.buffer.write(hyspec.encode(cube, pack={str(each_pack)!r}, **{SETTINGS!r}))
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, check=True)
    cube = hyspec.Cube(nodata_cube.array, nodata=nodata_cube.nodata)
    assert done.stdout == hyspec.encode(cube, pack=each_pack, **SETTINGS)


def test_threads_do_not_change_the_samples(each_pack, data):
    one, many = (hyspec.decode(data, pack=each_pack, threads=n).array for n in (1, 4))
    assert np.array_equal(one, many)


def symbols_of(stream):
    """All symbols of a stream, by tile and interval."""
    return {
        (tile.number, interval): stream._chunks.symbols(tile, interval)
        for tile in stream.tiles()
        for interval in range(len(stream.intervals))
    }


def arrays_of(value):
    """Arrays that say the same as a symbol."""
    if isinstance(value, CarriedBasis):
        return [value.shared.varies, *arrays_of(value.shared.basis)]
    if isinstance(value, _core.SpectralBasis):
        return [value.sizes, value.counts, value.leading, value.entries]
    return [value]


def test_symbols_do_not_depend_on_the_networks(each_pack, data):
    """Optimised graphs may differ in the last digits: pixels by one count, symbols never."""
    fast = Stream(data, pack=each_pack, threads=4)
    plain = Stream(data, pack=each_pack, threads=1, optimise=False)
    first, second = symbols_of(fast), symbols_of(plain)
    assert first.keys() == second.keys()
    for key, symbols in first.items():
        for field in dataclasses.fields(symbols):
            values = (arrays_of(getattr(s, field.name)) for s in (symbols, second[key]))
            assert all(map(np.array_equal, *values)), (key, field.name)
    difference = fast[:].astype(int) - plain[:].astype(int)
    assert np.abs(difference).max() <= 1


def test_a_part_has_the_same_pixels_as_the_whole(each_pack, data):
    """Bands go through the network in groups; the groups do not show."""
    whole = hyspec.decode(data, pack=each_pack).array
    for band in range(24):
        part = hyspec.decode(data, bands=band, pack=each_pack).array
        assert np.array_equal(part[..., 0], whole[..., band])


# ---- streaming -----------------------------------------------------------------------------------


class CountingArray(np.ndarray):
    """Notes how many rows are read at a time; what becomes of the parts is not noted."""

    log = None

    def __getitem__(self, key):
        part = super().__getitem__(key)
        if self.log is not None:
            self.log.append(part.shape)
        return part


@pytest.fixture
def counting(nodata_cube):
    array = np.repeat(nodata_cube.array, 5, axis=0).view(CountingArray)  # 200 rows
    array.log = []
    return hyspec.Cube(array, nodata=nodata_cube.nodata)


def test_the_stream_is_written_forward_piece_by_piece(each_pack, counting, monkeypatch):
    monkeypatch.setattr(survey, "_BLOCK_SAMPLES", 8 * 36 * 24)
    pieces, tiles_read_before = [], []

    def write(piece):
        pieces.append(piece)
        tiles_read_before.append(len(counting.array.log))

    options = EncodeOptions(pack=each_pack, tile=8, threads=1, intervals="1-24")
    result = hyspec.encode_to(counting, write, options)
    assert (
        b"".join(pieces)
        == hyspec.encode(
            np.asarray(counting.array).view(np.ndarray), pack=each_pack, tile=8, intervals="1-24"
        )
        or len(pieces) == 27
    )
    assert len(pieces) == 25 + 2  # preamble, one per chunk, index
    assert result.bytes == sum(map(len, pieces))
    # Survey: 25 blocks; then every tile is read when its chunk is due, not before.
    assert tiles_read_before == [25, *range(26, 51), 50]
    assert max(shape[0] for shape in counting.array.log) == 8


def test_the_decoder_writes_into_the_array_it_is_given(each_pack, data):
    stream = Stream(data, pack=each_pack)
    whole = stream[:]
    out = np.zeros((10, 20, 4, 2), stream.dtype)[..., 0]  # not contiguous
    stream.read_into(out, range(3, 13), range(5, 25), range(6, 10))
    assert np.array_equal(out, whole[3:13, 5:25, 6:10])


def test_memory_does_not_grow_with_the_rows(each_pack, tmp_path, monkeypatch):
    """Peak memory of arrays, for a cube of four times as many rows.

    How threads meet is a matter of luck, so the small cube is encoded four times.
    """
    monkeypatch.setattr(survey, "_BLOCK_SAMPLES", 1 << 16)
    options = EncodeOptions(pack=each_pack, tile=16, threads=2)
    peaks = []
    for rows, times in ((128, 4), (512, 1)):
        samples = np.lib.format.open_memmap(
            tmp_path / f"{rows}.npy", "w+", np.uint16, (rows, 200, 20)
        )
        samples[:] = np.arange(samples.size).reshape(samples.shape) % 997
        tracemalloc.start()
        for _ in range(times):
            hyspec.encode_to(samples, len, options)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < 1.5 * peaks[0]
    assert peaks[1] < samples.nbytes
