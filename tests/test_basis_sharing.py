"""Tiles of a row share a basis where that pays, and decode alone even so."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

import hyspec
from hyspec import Cube, basis_sharing, cube_chunks, step_search
from hyspec.tile_coder import TileAnalysis
from sharing_cases import PACK, TINY, Array, alike, bases_of, psnr, unshared

TILE = (16, 16)


@pytest.fixture(scope="module")
def array() -> Array:
    """2 x 5 tiles of 60 bands."""
    found = alike(32, 80, 60)
    found.flags.writeable = False
    return found


@pytest.fixture(scope="module")
def stream(array: Array) -> bytes:
    return hyspec.encode(array, pack=PACK, tile=TILE, quality=55)


# ---- whether it pays


@pytest.mark.parametrize("quality", [40, 55, 70])
def test_sharing_pays_where_tiles_are_alike(array: Array, quality: float) -> None:
    """A smaller stream, and at least as near, but for what may be had by other means."""
    shared = hyspec.encode(array, pack=PACK, tile=TILE, quality=quality)
    with unshared():
        alone = hyspec.encode(array, pack=PACK, tile=TILE, quality=quality)
    assert not any(found.back for found in bases_of(alone))
    assert any(found.back for found in bases_of(shared))
    assert len(shared) < 0.97 * len(alone)
    assert psnr(array, shared) >= psnr(array, alone) - 0.02


def test_tiles_that_have_nothing_in_common_share_nothing() -> None:
    tiles = [alike(32, 32, 50, seed=seed) for seed in range(4)]
    data = hyspec.encode(np.concatenate(tiles, 1), pack=PACK, tile=(32, 32), quality=60)
    assert [found.back for found in bases_of(data)] == [0] * 4


def test_a_tile_alone_shares_with_nobody(array: Array) -> None:
    for part, tile in ((array[:16, :16], TILE), (array, (16, 80)), (array, 8)):
        data = hyspec.encode(part, pack=PACK, tile=tile, quality=55)
        assert {found.back for found in bases_of(data)} == {0}
        with unshared():
            assert hyspec.encode(part, pack=PACK, tile=tile, quality=55) == data


def test_carriers_are_of_the_same_row_and_have_rows_for_all(stream: bytes) -> None:
    found = {f.tile: f for f in bases_of(stream)}
    borrowers = [f for f in found.values() if f.back]
    assert len(borrowers) >= 4
    for f in borrowers:
        carrier = found[f.tile - f.back]
        assert f.back <= f.tile % 5
        assert carrier.back == 0
        assert f.planes <= carrier.rows
        assert f.rows == 0


# ---- streams


def test_threads_do_not_matter(array: Array, stream: bytes) -> None:
    for threads in (1, 2, 5):
        options = {"pack": PACK, "tile": TILE, "threads": threads}
        assert hyspec.encode(array, quality=55, **options) == stream
    both = [hyspec.encode(array, psnr=50, pack=PACK, tile=TILE, threads=n) for n in (1, 4)]
    assert both[0] == both[1]
    whole = hyspec.decode(stream, threads=1).array
    for threads in (2, 5):
        np.testing.assert_array_equal(hyspec.decode(stream, threads=threads).array, whole)


def test_any_part_decodes_alone(stream: bytes) -> None:
    """Of a stream that is opened for it, and of one that is open already, in any order."""
    whole = hyspec.decode(stream).array
    rng = np.random.default_rng(4)
    with hyspec.Stream(stream) as opened:
        for number in rng.permutation(10).tolist():
            row, column = number // 5 * 16, number % 5 * 16
            bands = sorted(rng.choice(61, 2, replace=False).tolist())
            part = {"rows": (row, row + 16), "cols": (column, column + 16), "bands": tuple(bands)}
            key = tuple(slice(*part[axis]) for axis in ("rows", "cols", "bands"))
            np.testing.assert_array_equal(hyspec.decode(stream, **part).array, whole[key])
            np.testing.assert_array_equal(opened[key], whole[key])


@pytest.mark.parametrize("target", [{"bps": 0.6}, {"psnr": 48.0}, {"rmse": 30.0}])
def test_targets_are_met(array: Array, target: dict[str, float]) -> None:
    data = hyspec.encode(array, pack=PACK, tile=TILE, **target)
    found = hyspec.metrics.compare(array, hyspec.decode(data))
    bps = 8 * len(data) / array.size
    reached = {"bps": bps, "psnr": found.psnr_db, "rmse": found.rmse}
    [(name, wanted)] = target.items()
    assert reached[name] == pytest.approx(wanted, rel=0.03 if name != "psnr" else 0.005)


def test_a_search_on_some_rows_of_tiles(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whole rows, as their tiles are analysed together, once each: three strips, then all tiles."""
    array = alike(160, 48, 20)
    seen: list[tuple[int, int]] = []
    real = cube_chunks.CubeChunks._analyse_row

    def analyse(self: cube_chunks.CubeChunks, key: tuple[int, int]) -> list[TileAnalysis]:
        found = real(self, key)
        assert len(found) == 3
        seen.append((self.cube.rows, key[0]))
        return found

    monkeypatch.setattr(step_search, "_WHOLE_PIXELS", 0)
    monkeypatch.setattr(step_search, "_LEAST_PIXELS", 3 * 16 * 48)
    monkeypatch.setattr(cube_chunks.CubeChunks, "_analyse_row", analyse)
    data = hyspec.encode(array, pack=TINY, tile=TILE, bps=0.5, threads=1)
    assert seen == [(16, 0)] * 3 + [(160, row) for row in range(10)]
    assert 8 * len(data) / array.size == pytest.approx(0.5, rel=0.05)


def test_rows_are_analysed_once_however_many_intervals_there_are(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    array = alike(32, 32, 40)
    seen: list[tuple[int, int]] = []
    real = cube_chunks.CubeChunks._analyse_row

    def analyse(self: cube_chunks.CubeChunks, key: tuple[int, int]) -> object:
        seen.append(key)
        return real(self, key)

    monkeypatch.setattr(cube_chunks.CubeChunks, "_analyse_row", analyse)
    each = ",".join(map(str, range(1, 41)))
    hyspec.encode(array, pack=TINY, tile=TILE, intervals=each, quality=30)
    assert len(seen) == len(set(seen)) == 80


# ---- tiles that differ


def check(cube: Cube, **options: object) -> list[int]:
    """How far back tiles borrow; a stream and its samples are as good as without sharing."""
    data = hyspec.encode(cube, pack=PACK, tile=TILE, **options)
    with unshared():
        alone = hyspec.encode(cube, pack=PACK, tile=TILE, **options)
    assert len(data) <= len(alone)
    found, other = (hyspec.decode(d).array.astype(float) for d in (data, alone))
    valid = np.ones(cube.shape, bool) if cube.nodata is None else cube.array != cube.nodata
    np.testing.assert_array_equal(found[~valid], other[~valid])
    original = cube.array.astype(float)
    error, old = (np.square((d - original)[valid]).mean() for d in (found, other))
    assert error <= 1.03 * old
    return [f.back for f in bases_of(data)]


def test_bands_that_vary_in_some_tiles_only(array: Array) -> None:
    """The carrier has all of them; constant bands come back exactly."""
    changed = array.copy()
    changed[:, :16, 5] = 700
    changed[:, 32:, 9] = 800
    assert any(back > 0 for back in check(Cube(changed), quality=55))
    found = hyspec.decode(hyspec.encode(changed, pack=PACK, tile=TILE, quality=55)).array
    assert (found[:, :16, 5] == 700).all()
    assert (found[:, 32:, 9] == 800).all()


def test_no_tile_has_all_bands(array: Array) -> None:
    """A band varies in each tile but one: none can carry a basis of all."""
    changed = array.copy()
    for k in range(5):
        changed[:, 16 * k : 16 * k + 16, 10 * k] = 600 + k
    assert set(check(Cube(changed), quality=55)) == {0}


def test_tiles_with_nodata(array: Array) -> None:
    """Pixels, a band, a whole tile, and all bands of some pixels."""
    changed = array.copy()
    changed[3:9, 20:40] = 0
    changed[:, 48:64, 7] = 0
    changed[:16, 64:] = 0
    changed[16:, :16, 3:5] = 0
    assert any(back > 0 for back in check(Cube(changed, nodata=0.0), quality=55))


def test_all_tiles_constant_or_empty() -> None:
    for fill in (0, 77):
        array = np.full((16, 48, 9), fill, np.uint16)
        data = hyspec.encode(Cube(array, nodata=0.0), pack=TINY, tile=TILE)
        np.testing.assert_array_equal(hyspec.decode(data, pack=TINY).array, array)


@pytest.mark.parametrize("tile", [(1, 1), (1, 7), (5, 3), (16, 13)])
def test_odd_tiles(tile: tuple[int, int]) -> None:
    """Of one pixel, and narrower ones at the edge."""
    array = alike(6, 15, 12)
    data = hyspec.encode(array, pack=TINY, tile=tile, quality=60)
    found = hyspec.decode(data, pack=TINY).array
    error = np.abs(found.astype(float) - array)
    assert error.max() <= (0 if tile == (1, 1) else 400)
    assert error.mean() < 40


@pytest.mark.parametrize("dtype", ["uint8", "int16", "float32"])
def test_sample_types(array: Array, dtype: str) -> None:
    cube = Cube((array / 60).astype(dtype) if dtype == "uint8" else (array / 3).astype(dtype))
    check(dataclasses.replace(cube), quality=60)


def test_rows_are_those_that_decoders_make(array: Array) -> None:
    """What the encoder uses as the basis is what the whole numbers stand for."""
    real, seen = basis_sharing.CarriedBasis, []

    def made(shared: object, rows: object) -> object:
        seen.append(real(shared, rows))  # type: ignore[arg-type]
        return seen[-1]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(basis_sharing, "CarriedBasis", made)
        hyspec.encode(array, pack=PACK, tile=TILE, quality=55, threads=1)
    assert seen
    for carried in seen:
        again = real.of(carried.shared)
        np.testing.assert_allclose(again.rows, carried.rows, rtol=0, atol=1e-12)
