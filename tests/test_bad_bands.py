"""Bands that the cube marks as bad: kept apart from the others, or dropped."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest

import hyspec
from golden import make_streams
from hyspec import Cube
from hyspec.pack import load
from hyspec.sample_type import SampleType
from hyspec.spectral_profile import SpectralCoder
from hyspec.tile_coder import CoderSettings, TileSamples
from sharing_cases import PACK, TINY, Array, alike, bases_of

BANDS = 24
BAD = np.arange(BANDS) % 8 == 5
each_pack = pytest.mark.parametrize("pack", [make_streams.PACK, TINY], ids=["band", "spectral"])


def array(*, wild: bool, seed: int = 1) -> Array:
    """Bad bands are like the others, or wild: noise from end to end."""
    found = alike(40, 36, BANDS, seed=seed)
    if wild:
        shape = (40, 36, int(BAD.sum()))
        found[..., BAD] = np.random.default_rng(9).integers(0, 65536, shape)
    return found


def good_error(cube: Array, decoded: Array) -> float:
    difference = decoded[..., ~BAD].astype(float) - cube[..., ~BAD]
    return float(np.sqrt(np.square(difference).mean()))


def coded(samples: Array, step: int, **settings: Any) -> tuple[Any, Array]:
    """Symbols of the spectral profile at a step, and samples as they come back."""
    coder = SpectralCoder(load(TINY).models[0], CoderSettings(**settings))
    analysis = coder.analyse(TileSamples(samples, None, SampleType(samples.dtype)))
    *_, symbols = coder.encode(analysis, step)
    found = np.empty(samples.shape)
    for where, planes in coder.synthesise(analysis.tile, symbols, np.arange(BANDS)):
        found[..., where] = planes.transpose(1, 2, 0)
    return symbols, found


# ---- keep


@pytest.mark.parametrize("step", [128, 192])
def test_wild_bands_have_no_part_in_what_becomes_of_good_ones(step: int) -> None:
    """No plane has numbers for both; good bands come back as near as without bad ones."""
    wild = array(wild=True)
    symbols, found = coded(wild, step, bad=BAD)
    entries = symbols.basis.entries
    of_bad = np.square(entries[:, BAD].astype(float)).sum(1)
    of_good = np.square(entries[:, ~BAD].astype(float)).sum(1)
    assert (np.minimum(of_bad, of_good) == 0).all()
    assert of_bad.any()
    _, without = coded(wild, step, bad=BAD, drop_bad=True)
    assert good_error(wild, found) <= 1.02 * good_error(wild, without)
    _, mixed = coded(wild, step)
    assert good_error(wild, found) <= 1.02 * good_error(wild, mixed)


def test_bad_bands_that_are_kept_come_back() -> None:
    wild = array(wild=True)
    cube = Cube(wild, bad_bands=BAD)
    found = hyspec.decode(hyspec.encode(cube, pack=PACK, quality=70)).array
    error = found[..., BAD].astype(float) - wild[..., BAD]
    assert np.sqrt(np.square(error).mean()) < 0.3 * wild[..., BAD].std()


def test_quality_is_that_of_the_good_bands() -> None:
    """What the bad ones hold does not coarsen it."""
    sizes = []
    for wild in (False, True):
        cube = Cube(array(wild=wild), bad_bands=BAD)
        data = hyspec.encode(cube, pack=TINY, quality=60, bad_bands="drop")
        sizes.append(good_error(cube.array, hyspec.decode(data, pack=TINY).array))
    assert sizes[1] == pytest.approx(sizes[0], rel=1e-6)


# ---- drop


@each_pack
def test_dropped_bands_come_back_as_their_mean(pack: Any) -> None:
    cube = Cube(array(wild=True), bad_bands=BAD)
    options = {"pack": pack, "intervals": "1-9,10-24", "quality": 55, "tile": (40, 18)}
    data = hyspec.encode(cube, bad_bands="drop", **options)
    assert len(data) < 0.8 * len(hyspec.encode(cube, **options))
    decoded = hyspec.decode(data, pack=pack)
    assert decoded.bad_bands is not None
    np.testing.assert_array_equal(decoded.bad_bands, BAD)
    for half in (np.s_[:, :18], np.s_[:, 18:]):
        found, original = decoded.array[half], cube.array[half]
        assert (found[..., BAD] == found[0, 0, BAD]).all()
        mean = original[..., BAD].mean((0, 1))
        # The band profile counts means more coarsely.
        assert np.abs(found[0, 0, BAD] - mean).max() <= (0.51 if pack is TINY else 60)
    good = array(wild=False)
    assert good_error(good, decoded.array) < 0.2 * good[..., ~BAD].std()


@pytest.mark.parametrize("pack", ["generic-band", PACK])
def test_errors_of_dropped_bands_do_not_count(pack: Any) -> None:
    cube = Cube(array(wild=True), bad_bands=BAD)
    wanted = 0.2 * cube.array[..., ~BAD].std()
    options = {"pack": pack, "intervals": "all", "bad_bands": "drop"}
    data = hyspec.encode(cube, rmse=wanted, **options)
    found = hyspec.decode(data, pack=pack).array
    assert good_error(cube.array, found) == pytest.approx(wanted, rel=0.04)
    peak = float(np.ptp(cube.array.astype(float)))
    psnr = 20 * np.log10(peak / wanted)
    data = hyspec.encode(cube, psnr=psnr, **options)
    found = hyspec.decode(data, pack=pack).array
    assert good_error(cube.array, found) == pytest.approx(wanted, rel=0.04)


@each_pack
def test_nodata_of_dropped_bands_stays(pack: Any) -> None:
    samples = array(wild=True)
    samples[2:9, 3:8] = 0
    samples[20:, :, 5] = 0
    cube = Cube(samples, nodata=0.0, bad_bands=BAD)
    data = hyspec.encode(cube, pack=pack, quality=50, bad_bands="drop", intervals="all")
    found = hyspec.decode(data, pack=pack).array
    np.testing.assert_array_equal(found == 0, samples == 0)


# ---- where there is nothing to drop


@each_pack
@pytest.mark.parametrize("bad", [None, np.zeros(BANDS, bool), np.ones(BANDS, bool)])
def test_nothing_to_drop_is_harmless(pack: Any, bad: Array | None) -> None:
    """No list, no bad band, or no good one: the stream is that of bands that are kept."""
    cube = Cube(array(wild=False), bad_bands=bad)
    options = {"pack": pack, "quality": 50, "intervals": "all"}
    kept = hyspec.encode(cube, **options)
    assert hyspec.encode(cube, bad_bands="drop", **options) == kept
    plain = hyspec.encode(dataclasses.replace(cube, bad_bands=None), **options)
    np.testing.assert_array_equal(
        hyspec.decode(kept, pack=pack).array, hyspec.decode(plain, pack=pack).array
    )


@pytest.mark.filterwarnings("ignore::hyspec.errors.TargetWarning")
@pytest.mark.parametrize("pack", ["generic-band", PACK])
def test_an_interval_of_bad_bands_alone(pack: Any) -> None:
    bad = np.arange(BANDS) < 6
    cube = Cube(array(wild=False), bad_bands=bad)
    options = {"pack": pack, "intervals": "1-6,7-24", "bad_bands": "drop"}
    for target in ({"quality": 50}, {"rmse": 40.0}):
        data = hyspec.encode(cube, **options, **target)
        found = hyspec.decode(data, pack=pack).array
        assert (found[..., :6] == found[0, 0, :6]).all()
        assert found[..., 6:].std() > 0.5 * cube.array[..., 6:].std()


def test_good_bands_without_a_valid_sample() -> None:
    """Nothing counts: whatever is asked for, the stream is one."""
    samples = array(wild=False)
    samples[..., ~BAD] = 0
    cube = Cube(samples, nodata=0.0, bad_bands=BAD)
    for target in ({"quality": 50}, {"psnr": 40.0}, {"rmse": 3.0}):
        data = hyspec.encode(cube, pack=TINY, bad_bands="drop", **target)
        found = hyspec.decode(data, pack=TINY).array
        assert (found[..., ~BAD] == 0).all()
        assert (found[..., BAD] == found[0, 0, BAD]).all()


def test_dropped_bands_are_shared_by_nobody() -> None:
    """Nor by tiles of a row that have a basis in common."""
    cube = Cube(alike(32, 80, 60), bad_bands=np.arange(60) % 9 == 4)
    data = hyspec.encode(cube, pack=PACK, tile=(16, 16), quality=60, bad_bands="drop")
    assert any(found.back for found in bases_of(data))
    found = hyspec.decode(data).array
    for row in (0, 16):
        for column in range(0, 80, 16):
            part = found[row : row + 16, column : column + 16, cube.bad_bands]
            assert (part == part[0, 0]).all()
