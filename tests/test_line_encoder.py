"""Lines encoded as they come: the same as whole cubes, in the memory of one row of tiles."""

import math
import tracemalloc

import numpy as np
import pytest
from threadpoolctl import threadpool_limits

import hyspec
from hyspec import EncodeOptions, LineEncoder, errors, metrics
from linear_algebra import widths


def encoded(lines, options, size=5, **attributes):
    """Stream of lines that come so many at a time, and the result."""
    pieces = []
    with LineEncoder(pieces.append, options, **attributes) as encoder:
        for first in range(0, len(lines), size):
            block = lines[first : first + size].copy()
            encoder.push(block)
            block[:] = 0  # what was pushed may be overwritten
    return b"".join(pieces), encoder.finish()


@pytest.mark.parametrize("size", [1, 5, 16, 100])
def test_the_stream_does_not_depend_on_how_lines_come(each_pack, scene_cube, size):
    options = EncodeOptions(pack=each_pack, quality=40, tile=(8, 12))
    expected, _ = encoded(scene_cube.array, options)
    data, result = encoded(scene_cube.array, options, size)
    assert data == expected
    assert (result.bytes, result.samples) == (len(data), scene_cube.array.size)
    assert result.bps == 8 * len(data) / scene_cube.array.size


@pytest.mark.parametrize("threads", [1, 3])
def test_one_row_of_tiles_is_the_cube_itself(each_pack, scene_cube, threads):
    """Only the number of rows in the header differs, which is not known beforehand."""
    settings = {"pack": each_pack, "tile": (scene_cube.rows, 7), "threads": threads}
    options = EncodeOptions(rmse=200.0, **settings)
    data, _ = encoded(scene_cube.array, options)
    whole = hyspec.encode(scene_cube.array, rmse=200.0, **settings)
    np.testing.assert_array_equal(
        hyspec.decode(data, pack=options.pack).array, hyspec.decode(whole, pack=options.pack).array
    )


def test_every_row_of_tiles_keeps_the_error(tiny_spectral_pack, scene_cube):
    lines = scene_cube.array.copy()
    lines[: len(lines) // 2] //= 2  # dark lines, then bright ones
    options = EncodeOptions(pack=tiny_spectral_pack, rmse=250.0, tile=8)
    data, _ = encoded(lines, options)
    decoded = hyspec.decode(data, pack=options.pack).array
    parts = [slice(row, row + 8) for row in range(0, len(lines), 8)]
    found = [metrics.compare(hyspec.Cube(lines[p]), hyspec.Cube(decoded[p])).rmse for p in parts]
    assert max(found) == pytest.approx(250, rel=0.04)  # dark ones may stay below


def test_all_lines_together_keep_the_rate(tiny_spectral_pack, scene_cube):
    lines = np.concatenate([scene_cube.array] * 4)
    lines[: len(lines) // 2] //= 4
    options = EncodeOptions(pack=tiny_spectral_pack, bps=1.5, tile=8)
    data, result = encoded(lines, options)
    assert result.bps == pytest.approx(1.5, rel=0.04)
    assert hyspec.decode(data, pack=options.pack).shape == lines.shape


def test_a_target_out_of_reach_does_not_end_the_stream(tiny_spectral_pack, scene_cube):
    lines = scene_cube.array.copy()
    lines[:8] = 7  # nothing to spend bits on
    options = EncodeOptions(pack=tiny_spectral_pack, bps=12.0, tile=8)
    data, result = encoded(lines, options)
    assert result.missed
    decoded = hyspec.decode(data, pack=options.pack).array
    np.testing.assert_array_equal(decoded[:8], lines[:8])


def test_attributes_reach_the_stream(tiny_spectral_pack, nodata_cube):
    options = EncodeOptions(pack=tiny_spectral_pack, tile=(8, 12))
    names = ("wavelengths", "fwhm", "wavelength_unit", "nodata", "bad_bands", "metadata")
    attributes = {name: getattr(nodata_cube, name) for name in names}
    data, _ = encoded(nodata_cube.array, options, **attributes)
    decoded = hyspec.decode(data, pack=options.pack)
    np.testing.assert_array_equal(decoded.wavelengths, nodata_cube.wavelengths)
    assert decoded.nodata == nodata_cube.nodata
    missing = nodata_cube.array == nodata_cube.nodata
    assert missing.any()
    np.testing.assert_array_equal(decoded.array == nodata_cube.nodata, missing)


def test_floats_need_a_step(tiny_spectral_pack, scene_cube):
    lines = (scene_cube.array / 100).astype(np.float32)
    options = EncodeOptions(pack=tiny_spectral_pack)
    with pytest.raises(errors.UsageError, match="quantisation step"):
        encoded(lines, options)
    options = EncodeOptions(pack=tiny_spectral_pack, float_step=0.01, rmse=2.0)
    data, _ = encoded(lines, options)
    found = hyspec.decode(data, pack=options.pack).array
    assert math.sqrt(np.square(found - lines).mean()) == pytest.approx(2, rel=0.04)


def test_a_psnr_is_refused(tiny_spectral_pack):
    with pytest.raises(errors.UsageError, match="range of all lines"):
        LineEncoder(list, EncodeOptions(pack=tiny_spectral_pack, psnr=40.0))


def test_lines_that_do_not_go_together(tiny_spectral_pack, scene_cube):
    encoder = LineEncoder(lambda _: None, EncodeOptions(pack=tiny_spectral_pack, tile=4))
    encoder.push(scene_cube.array[:3])
    for wrong in (
        scene_cube.array[:2, :-1],
        scene_cube.array[:2, :, :-1],
        scene_cube.array[:2].astype(np.int32),
        scene_cube.array[0],
    ):
        with pytest.raises(errors.UsageError, match="do not go with"):
            encoder.push(wrong)
    encoder.push(scene_cube.array[3:4])
    assert encoder.finish().samples == 4 * scene_cube.columns * scene_cube.bands
    assert encoder.finish() is encoder.finish()
    with pytest.raises(errors.UsageError, match="finished"):
        encoder.push(scene_cube.array[:1])


def test_without_lines_there_is_no_stream(tiny_spectral_pack):
    written = []
    encoder = LineEncoder(written.append, EncodeOptions(pack=tiny_spectral_pack))
    with pytest.raises(errors.UsageError, match="at least one line"):
        encoder.finish()
    assert not written


def test_an_interrupted_stream_can_be_recovered(tiny_spectral_pack, scene_cube):
    pieces = []
    options = EncodeOptions(pack=tiny_spectral_pack, tile=8, quality=40)

    def interrupted():
        with LineEncoder(pieces.append, options) as encoder:
            encoder.push(scene_cube.array[:20])
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    stream = hyspec.Stream(b"".join(pieces), on_damage="fill", pack=options.pack)
    whole, _ = encoded(scene_cube.array[:16], options)
    np.testing.assert_array_equal(
        stream.read().array, hyspec.decode(whole, pack=options.pack).array
    )


def test_memory_does_not_grow_with_the_lines(tiny_spectral_pack, scene_cube):
    options = EncodeOptions(pack=tiny_spectral_pack, tile=8, quality=40, threads=1)

    def peak(times):
        tracemalloc.start()
        encoder = LineEncoder(lambda _: None, options)
        for _ in range(times):
            encoder.push(scene_cube.array)
        encoder.finish()
        found = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return found

    peak(1)  # what is loaded once
    assert peak(24) < 1.3 * peak(3)


def test_linear_algebra_has_no_threads_of_its_own(tiny_spectral_pack, scene_cube):
    found = []
    options = EncodeOptions(pack=tiny_spectral_pack, tile=8)
    with threadpool_limits(2, user_api="blas"):
        encoder = LineEncoder(lambda _: found.append(widths()), options)
        encoder.push(scene_cube.array[:16])
        encoder.finish()
    assert found[:-1] == [{1}] * 3  # header and two rows of tiles
    assert found[-1] == {2}  # the end of the stream, for which nothing is computed
