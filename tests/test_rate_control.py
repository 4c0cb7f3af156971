"""Targets: the search itself, and rate, PSNR and RMSE of the streams that it leads to."""

import itertools
import math
import re
import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import hyspec
from hyspec import _core, errors, framing, metrics, rate_control, step_search, tiling
from hyspec.band_profile import BandCoder
from hyspec.options import EncodeOptions
from hyspec.spectral_profile import SpectralCoder

#: For searches that cannot miss by a jump.
ANY = {"tolerance": math.inf}

# ---- the search ----------------------------------------------------------------------------------


@given(
    low=st.integers(-1000, 1000),
    span=st.integers(1, 2000),
    slope=st.floats(0.003, 0.3),
    sign=st.sampled_from([-1, 1]),
    at=st.floats(0, 1),
    guess=st.integers(-2000, 4000),
    misjudged=st.floats(0.1, 10),
)
def test_search_finds_the_nearest_step(low, span, slope, sign, at, guess, misjudged):
    """Wherever it begins and whatever it expects, but for the direction."""
    evaluated = []

    def value(step):
        evaluated.append(step)
        assert low <= step <= low + span
        return 2 ** (sign * slope * (step - low))

    target = 2 ** (sign * slope * span * at)
    found = rate_control.search(
        value, target, low, low + span, guess=guess, slope=sign * slope * misjudged, **ANY
    )
    distance = abs(math.log(found.value / target))
    assert distance <= max(slope * math.log(2) / 2 * 1.001, rate_control.CLOSE_ENOUGH) + 1e-9
    assert len(evaluated) <= 20  # an evaluation is a whole encoding
    assert len(set(evaluated)) == len(evaluated)
    assert found.value == value(found.step)


def test_a_good_guess_takes_few_evaluations():
    evaluated = []

    def value(step):
        evaluated.append(step)
        return 2 ** (-1.2 * step / 32 + 0.02 * math.sin(step))

    found = rate_control.search(value, value(200), -1000, 1000, guess=150, slope=-1.1 / 32, **ANY)
    assert abs(math.log(found.value / value(200))) <= 0.03
    assert len(evaluated) <= 6


def test_a_bend_of_the_values_takes_few_evaluations():
    """Planes of noise become worth coding all at once: rates are flat, then steep, then flat."""
    steps = [-500, -13, 0, 12, 15, 17, 22, 33, 74, 500]
    rates = [60.0, 0.928, 0.6, 0.3025, 0.248, 0.226, 0.179, 0.156, 0.1025, 0.01]
    evaluated = []

    def value(step):
        evaluated.append(step)
        return math.exp(np.interp(step, steps, np.log(rates)))

    found = rate_control.search(value, 0.25, -500, 500, guess=74, slope=-1 / 32, **ANY)
    assert abs(math.log(found.value / 0.25)) <= rate_control.CLOSE_ENOUGH
    assert len(evaluated) <= 6


@pytest.mark.parametrize("sign", [-1, 1])
def test_target_beyond_the_ends(sign):
    values = dict(zip(range(10), range(1, 11) if sign > 0 else range(10, 0, -1), strict=True))
    for target, best in ((0.01, 1), (1000, 10)):
        for guess in (0, 5, 9):
            found = rate_control.search(
                values.__getitem__, target, 0, 9, guess=guess, slope=0.3 * sign, **ANY
            )
            assert found.value == best


@pytest.mark.parametrize("guess", [0, 49, 51, 100])
def test_zero_values_do_not_disturb_the_search(guess):
    found = rate_control.search(
        lambda step: max(0, step - 50), 20, 0, 100, guess=guess, slope=0.05, **ANY
    )
    assert found == rate_control.Found(70, 20)


def test_flat_value():
    found = rate_control.search(lambda _: 3.0, 5.0, 0, 100, guess=40, slope=0.03, **ANY)
    assert found.value == 3.0


@pytest.mark.parametrize("sign", [-1, 1])
@pytest.mark.parametrize("target", [2.1, 3.0, 3.8])
def test_a_jump_across_the_target_is_left_below(sign, target):
    values = {step: 2.0 if (step < 37) == (sign > 0) else 4.0 for step in range(100)}
    found = rate_control.search(
        values.__getitem__, target, 0, 99, guess=60, slope=0.03 * sign, tolerance=0.03
    )
    assert found.value == 2.0


def test_a_value_within_the_tolerance_may_be_above():
    values = {step: 2.0 if step < 37 else 4.0 for step in range(100)}
    found = rate_control.search(
        values.__getitem__, 3.95, 0, 99, guess=60, slope=0.03, tolerance=0.03
    )
    assert found.value == 4.0


def test_tolerances():
    missed = rate_control.missed
    assert not any(missed(v, 1.0, rate_control.TOLERANCE) for v in (1.029, 0.971))
    assert all(missed(v, 1.0, rate_control.TOLERANCE) for v in (1.031, 0.969, 0.0, math.nan))
    errors_of = [10 ** (-decibels / 20) for decibels in (0.19, -0.19, 0.21, -0.21)]
    assert [missed(e, 1.0, rate_control.PSNR_TOLERANCE) for e in errors_of] == [0, 0, 1, 1]


def test_a_miss_tells_the_range_or_what_was_taken():
    miss = rate_control.Miss("rate", " bit/sample", 9, 2, 0.125, 2)
    assert not miss.between
    error = miss.error()
    assert "nearest rate to 9 bit/sample" in str(error)
    assert "0.125 bit/sample to 2 bit/sample" in error.hint
    miss = rate_control.Miss("PSNR", " dB", 41.5, 42.25, 10, 60)
    assert miss.between
    assert "41.5 dB" in str(miss)
    assert "42.25 dB was taken" in str(miss)


@pytest.mark.parametrize("rows", [5, 200, 20_000])
@pytest.mark.parametrize("payload", [0, 1, 100, 127, 128, 20_000])
def test_size_of_a_stream_is_predicted_exactly(rows, payload):
    header = _core.Header(
        rows=rows,
        columns=3,
        bands=4,
        sample_type="uint8",
        tile_rows=100,
        tile_columns=2,
        profile=1,
        profile_version=1,
        intervals=[(1, 0), (3, 0)],
    )
    writer = _core.StreamWriter(header)
    size, chunks = len(writer.begin()), []
    preamble = size
    for tile in tiling.TileGrid(rows, 3, 100, 2):
        for interval in range(2):
            written = writer.chunk(tile.number, interval, tile.rows, 0, bytes(payload))
            assert len(written) == framing.chunk_size(tile.number, interval, tile.rows, payload)
            chunks.append(len(written))
    size += sum(chunks) + len(writer.finish())
    assert framing.stream_size(preamble, rows, chunks) == size == writer.size


# ---- streams -------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def large(grid):
    """Enough tiles to steer over: 20 of 8 rows."""
    return hyspec.synthetic.scene(160, 64, sensor=grid, seed=5).cube


def rate(data, cube):
    return 8 * len(data) / cube.array.size


@pytest.mark.parametrize("bps", [0.06, 0.1, 0.12])
@pytest.mark.parametrize("tile", [256, 32, (64, 32)])
def test_bps(each_pack, large, bps, tile):
    data = hyspec.encode(large, pack=each_pack, bps=bps, tile=tile, network=1)
    assert rate(data, large) == pytest.approx(bps, rel=0.03)


@pytest.mark.parametrize("bps", [0.65, 0.8])
def test_bps_of_a_small_cube(each_pack, scene_cube, bps):
    """Where header, index and chunk headers are most of the stream."""
    part = hyspec.Cube(scene_cube.array[:, :, :6])
    data = hyspec.encode(part, pack=each_pack, bps=bps, tile=(20, 18))
    assert rate(data, part) == pytest.approx(bps, rel=0.03)


@pytest.mark.parametrize("psnr", [25.6, 26.8, 28.0, 29.0])
def test_psnr(tiny_pack, scene_cube, psnr):
    data = hyspec.encode(scene_cube, pack=tiny_pack, psnr=psnr)
    decoded = hyspec.decode(data, pack=tiny_pack)
    assert metrics.psnr_db(scene_cube, decoded) == pytest.approx(psnr, abs=0.2)


def reached(cube, pack, quality):
    """All that an encoding reaches, by the name of the target."""
    data = hyspec.encode(cube, pack=pack, quality=quality)
    decoded = hyspec.decode(data, pack=pack)
    return {
        "quality": quality,
        "bps": rate(data, cube),
        "psnr": metrics.psnr_db(cube, decoded),
        "rmse": metrics.rmse(cube, decoded),
    }


@pytest.mark.parametrize("name", ["bps", "psnr", "rmse"])
@pytest.mark.parametrize("quality", [5, 16.5, 28])
def test_what_was_reached_can_be_asked_for(each_pack, scene_cube, name, quality):
    target = reached(scene_cube, each_pack, quality)[name]
    data = hyspec.encode(scene_cube, pack=each_pack, **{name: target})
    decoded = hyspec.decode(data, pack=each_pack)
    if name == "bps":
        assert rate(data, scene_cube) == pytest.approx(target, rel=0.03)
    elif name == "psnr":
        assert metrics.psnr_db(scene_cube, decoded) == pytest.approx(target, abs=0.2)
    else:
        assert metrics.rmse(scene_cube, decoded) == pytest.approx(target, rel=0.03)


@pytest.mark.parametrize("share", [0.3, 0.7])
def test_rmse(each_pack, nodata_cube, share):
    """Over the valid samples alone; the share is of the way from the least error to the most."""
    lossy, fine = (
        metrics.rmse(nodata_cube, hyspec.decode(data, pack=each_pack))
        for data in (hyspec.encode(nodata_cube, pack=each_pack, quality=q) for q in (5, 100))
    )
    target = fine + share * (lossy - fine)
    data = hyspec.encode(nodata_cube, pack=each_pack, rmse=target, tile=16)
    decoded = hyspec.decode(data, pack=each_pack)
    assert metrics.rmse(nodata_cube, decoded) == pytest.approx(target, rel=0.03)


def test_rmse_of_floats_is_in_sample_units(each_pack, scene_cube):
    for factor in (1e-4, 1.0, 1e7):
        cube = hyspec.Cube(scene_cube.array * factor)
        target = reached(cube, each_pack, 20)["rmse"]
        assert 50 * factor < target < 500 * factor
        data = hyspec.encode(cube, pack=each_pack, rmse=target)
        decoded = hyspec.decode(data, pack=each_pack)
        assert metrics.rmse(cube, decoded) == pytest.approx(target, rel=0.03)


@pytest.mark.parametrize("tile", [256, 16])
def test_quality_is_monotone(each_pack, large, tile):
    rates, rmse = [], []
    for quality in (0, 10, 20, 30, 50, 80):
        data = hyspec.encode(large, pack=each_pack, quality=quality, tile=tile)
        rates.append(len(data))
        rmse.append(metrics.rmse(large, hyspec.decode(data, pack=each_pack)))
    assert rates == sorted(rates)
    assert rates[0] < rates[-1]
    assert np.all(np.diff(rmse) <= 0.002 * rmse[0])
    assert rmse[-1] < 0.9 * rmse[0]


@pytest.mark.parametrize(
    "target",
    [{"bps": 30.0}, {"bps": 1e-5}, {"psnr": 190.0}, {"psnr": 1.0}, {"rmse": 1e-3}, {"rmse": 9e9}],
)
def test_out_of_reach(each_pack, scene_cube, target):
    with pytest.raises(errors.TargetError) as caught:
        hyspec.encode(scene_cube, pack=each_pack, **target)
    ends = [float(text) for text in re.findall(r"\d[\d.e+-]*", caught.value.hint)]
    (wanted,) = target.values()
    low, high = ends
    assert low < high
    assert not low <= wanted <= high
    # The range is the truth: its ends can be had.
    (name,) = target
    nearest = low if wanted < low else high
    hyspec.encode(scene_cube, pack=each_pack, **{name: nearest})


def test_a_target_between_two_steps_is_kept(tiny_spectral_pack):
    """Components of noise become worth coding all at once, and the rate jumps."""
    noise = hyspec.Cube(np.random.default_rng(5).normal(1000, 50, (24, 24, 4)).astype(np.uint16))
    rates = {
        rate(hyspec.encode(noise, pack=tiny_spectral_pack, quality=quality), noise)
        for quality in np.arange(15, 25, 0.3125)
    }
    jump, low, high = max((b / a, a, b) for a, b in itertools.pairwise(sorted(rates)))
    assert jump > 1.07
    with pytest.warns(errors.TargetWarning, match="was taken") as caught:
        data = hyspec.encode(noise, pack=tiny_spectral_pack, bps=math.sqrt(low * high))
    assert rate(data, noise) == low
    assert len(caught) == 1


def test_a_sampled_search_keeps_a_limit(monkeypatch, tiny_spectral_pack):
    """Of several strips of noise one is searched; the rate of all jumps."""
    monkeypatch.setattr(step_search, "CACHE_BYTES", 1)
    noise = np.random.default_rng(5).normal(1000, 50, (48, 24, 4)).astype(np.uint16)
    cube, settings = hyspec.Cube(noise), {"pack": tiny_spectral_pack, "tile": 24}
    rates = {
        rate(hyspec.encode(cube, quality=quality, **settings), cube)
        for quality in np.arange(15, 25, 0.3125)
    }
    jump, low, high = max((b / a, a, b) for a, b in itertools.pairwise(sorted(rates)))
    assert jump > 1.07
    with pytest.warns(errors.TargetWarning):
        data = hyspec.encode(cube, bps=math.sqrt(low * high), **settings)
    assert rate(data, cube) <= low


def test_the_range_is_that_of_the_whole_cube(monkeypatch, each_pack):
    """The searched strip is constant, so that it tells nothing of what can be reached."""
    monkeypatch.setattr(step_search, "CACHE_BYTES", 1)
    samples = np.full((64, 16, 8), 500, np.uint16)
    samples[:16] += np.random.default_rng(1).integers(0, 200, (16, 16, 8)).astype(np.uint16)
    cube = hyspec.Cube(samples)
    like = hyspec.encode(cube, pack=each_pack, tile=16, quality=30)
    decoded = hyspec.decode(like, pack=each_pack)
    for name, value in (("bps", rate(like, cube)), ("rmse", metrics.rmse(cube, decoded))):
        for factor in (0.99, 1.0, 1.01):
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", errors.TargetWarning)
                hyspec.encode(cube, pack=each_pack, tile=16, **{name: factor * value})
    with pytest.raises(errors.TargetError) as caught:
        hyspec.encode(cube, pack=each_pack, tile=16, bps=40)
    ends = [float(text) for text in re.findall(r"\d[\d.e+-]*", caught.value.hint)]
    assert ends[0] < rate(like, cube) < ends[1]


def test_bytes_are_not_written_when_the_target_is_out_of_reach(each_pack, scene_cube):
    written = []
    with pytest.raises(errors.TargetError):
        hyspec.encode_to(scene_cube, written.append, EncodeOptions(pack=each_pack, bps=30))
    assert written == []


@pytest.mark.parametrize("value", [7, -9999])
def test_cubes_without_anything_to_search(each_pack, value):
    """Constant and all-nodata cubes come back exactly at one rate, whatever is asked for."""
    cube = hyspec.Cube(np.full((20, 20, 8), value, np.int16), nodata=-9999.0)
    only = hyspec.encode(cube, pack=each_pack)
    for target in ({"bps": rate(only, cube)}, {"bps": 10.0}, {"rmse": 1.0}):
        assert hyspec.encode(cube, pack=each_pack, **target) == only
    with pytest.raises(errors.DataError, match="constant") as caught:
        hyspec.encode(cube, pack=each_pack, psnr=30)
    assert "--quality" in caught.value.hint


@pytest.mark.parametrize("name", ["bps", "psnr", "quality"])
def test_result_tells_the_quality_that_gives_the_same_stream(each_pack, scene_cube, name):
    pieces = []
    target = reached(scene_cube, each_pack, 33.0)[name]
    options = EncodeOptions(pack=each_pack, **{name: target})
    result = hyspec.encode_to(scene_cube, pieces.append, options)
    assert 0 < result.quality < 100
    again = hyspec.encode(scene_cube, pack=each_pack, quality=result.quality)
    assert again == b"".join(pieces)


# ---- cubes that are searched on strips -----------------------------------------------------------


@pytest.fixture(params=["long", "little memory"])
def sampled(request, monkeypatch, large):
    """The large cube is searched on a quarter of its 20 tiles, as very large ones are."""
    if request.param == "long":
        monkeypatch.setattr(step_search, "_WHOLE_PIXELS", 0)
        monkeypatch.setattr(step_search, "_LEAST_PIXELS", large.rows * large.columns // 4)
    else:
        each = large.array.itemsize * large.array.size // 20 + 1000
        monkeypatch.setattr(step_search, "CACHE_BYTES", 5 * each)
        for coder in (BandCoder, SpectralCoder):
            monkeypatch.setattr(coder, "analysis_bytes", lambda *_, **__: 500)


@pytest.mark.usefixtures("sampled")
@pytest.mark.parametrize("bps", [0.11, 0.2])
def test_sampled_rate(each_pack, large, bps):
    analysed = []
    options = EncodeOptions(pack=each_pack, bps=bps, tile=8, intervals="1-12,13-24", threads=1)
    pieces = []

    def progress(phase, _, total):
        if phase == "analysis":
            analysed.append(total)

    hyspec.encode_to(large, pieces.append, options, progress)
    assert set(analysed) == {10}  # of 40 chunks: it saw a quarter
    data = b"".join(pieces)
    assert rate(data, large) == pytest.approx(bps, rel=0.03)
    assert hyspec.decode(data, pack=each_pack).shape == large.shape


@pytest.mark.usefixtures("sampled")
def test_sampled_search_is_the_same_for_any_number_of_threads(each_pack, large):
    streams = {
        hyspec.encode(large, pack=each_pack, bps=0.15, tile=8, threads=threads)
        for threads in (1, 3)
    }
    assert len(streams) == 1


@pytest.mark.usefixtures("sampled")
@pytest.mark.parametrize("flip", [False, True])
def test_sampled_search_of_an_uneven_scene(each_pack, large, flip):
    """A scene of which one half is flat: a sample of its rows misleads."""
    samples = large.array.copy()
    samples[:80] = samples[:80].mean((0, 1)).astype("u2") + (samples[:80] % 5)
    cube = hyspec.Cube(samples[::-1] if flip else samples)
    data = hyspec.encode(cube, pack=each_pack, bps=0.22, tile=8)
    assert rate(data, cube) == pytest.approx(0.22, rel=0.03)


@pytest.mark.parametrize("name", ["bps", "psnr"])
def test_sample_of_constant_rows(each_pack, large, monkeypatch, name):
    """The only strip that the search looks at is empty, the others are not."""
    monkeypatch.setattr(step_search, "CACHE_BYTES", 1)
    samples = large.array.copy()
    only = int((5**0.5 - 1) / 2 * -(-samples.shape[0] // 20))
    samples[20 * only : 20 * only + 20] = 500
    cube = hyspec.Cube(samples)
    whole = hyspec.encode(cube, pack=each_pack, tile=20, quality=10)
    if name == "bps":
        data = hyspec.encode(cube, pack=each_pack, tile=20, bps=rate(whole, cube))
        assert rate(data, cube) == pytest.approx(rate(whole, cube), rel=0.03)
    else:
        target = metrics.psnr_db(cube, hyspec.decode(whole, pack=each_pack))
        data = hyspec.encode(cube, pack=each_pack, tile=20, psnr=target)
        decoded = hyspec.decode(data, pack=each_pack)
        assert metrics.psnr_db(cube, decoded) == pytest.approx(target, abs=0.2)


@pytest.mark.usefixtures("sampled")
def test_sampled_psnr(each_pack, large):
    like = hyspec.decode(hyspec.encode(large, pack=each_pack, quality=15, tile=8), pack=each_pack)
    target = metrics.psnr_db(large, like)
    data = hyspec.encode(large, pack=each_pack, psnr=target, tile=8)
    decoded = hyspec.decode(data, pack=each_pack)
    assert metrics.psnr_db(large, decoded) == pytest.approx(target, abs=0.2)


@pytest.mark.usefixtures("sampled")
def test_cube_of_one_tile_is_searched_as_a_whole(each_pack, large):
    data = hyspec.encode(large, pack=each_pack, bps=0.08)
    assert rate(data, large) == pytest.approx(0.08, rel=0.03)
