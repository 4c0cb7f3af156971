"""What the encoder can be asked for."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest

import hyspec
from hyspec.errors import UsageError
from hyspec.options import MAX_TILE_PIXELS, EncodeOptions


def test_defaults():
    options = EncodeOptions()
    # What these are follows from each other: test_profile_defaults.py.
    assert [options.profile, options.pack, options.intervals] == [None] * 3
    assert [options.quality, options.bps, options.psnr, options.rmse] == [None] * 4
    assert options.tile_size(1000, 700) == (256, 700)


def test_a_bounded_profile_without_a_bound():
    for target in ({}, {"bps": 1.0}):
        with pytest.raises(UsageError, match="how large errors may be") as caught:
            EncodeOptions(profile="bounded", **target)
        assert "--lossless" in caught.value.hint
        assert "--max-error" in caught.value.hint


def test_unknown_profile():
    with pytest.raises(UsageError, match="band, spectral, bounded"):
        EncodeOptions(profile="wavelet")


BOUNDS = [
    {"lossless": True},
    {"max_error": 2.0},
    {"max_error": 0.0},
    {"max_error": [1, 2]},
    {"max_relative_error": 0.1},
]


@pytest.mark.parametrize("settings", BOUNDS)
@pytest.mark.parametrize(
    ("other", "text"),
    [
        ({"bps": 1.0}, "2 targets"),
        ({"psnr": 40.0}, "2 targets"),
        ({"rmse": 1.0}, "2 targets"),
        ({"quality": 50.0}, "2 targets"),
        ({"profile": "spectral"}, "needs the profile 'bounded'"),
        ({"profile": "band"}, "needs the profile 'bounded'"),
    ],
)
def test_what_does_not_go_with_bounds(settings, other, text):
    assert EncodeOptions(**settings, profile="bounded", pack="generic-spectral").bounded
    with pytest.raises(UsageError, match=text) as caught:
        EncodeOptions(**settings, **other)
    assert next(iter(settings)) in str(caught.value)
    assert caught.value.hint


def test_bounds_are_one_target():
    with pytest.raises(UsageError, match=r"2 targets \(max_error, lossless\)"):
        EncodeOptions(max_error=1.0, lossless=True)
    assert EncodeOptions(max_error=1.0, max_relative_error=0.1).bounded


@pytest.mark.parametrize(
    "bound", [-1, float("nan"), float("inf"), [1.0, -2.0], "3", [1, "2"], True]
)
def test_bounds_that_are_none(bound):
    with pytest.raises(UsageError, match="max_error"):
        EncodeOptions(max_error=bound)


@pytest.mark.parametrize("share", [0, 1, -0.1, 7, float("nan"), float("inf"), "0.1", True, [0.1]])
def test_shares_that_are_none(share):
    with pytest.raises(UsageError, match="max_relative_error"):
        EncodeOptions(max_relative_error=share)


def test_bounds_of_bands():
    assert EncodeOptions().error_bounds(3) is None
    assert EncodeOptions(lossless=True).error_bounds(3).tolist() == [0, 0, 0]
    assert EncodeOptions(max_relative_error=0.1).error_bounds(2).tolist() == [np.inf, np.inf]
    assert EncodeOptions(max_error=2).error_bounds(3).tolist() == [2, 2, 2]
    for several in ([1, 2, 0.5], (1, 2, 0.5), np.array([1, 2, 0.5])):
        assert EncodeOptions(max_error=several).error_bounds(3).tolist() == [1, 2, 0.5]
    with pytest.raises(UsageError, match="2 values; expected one, or 3"):
        EncodeOptions(max_error=[1, 2]).error_bounds(3)


@pytest.mark.parametrize(
    "settings",
    [{"quality": 50, "bps": 1}, {"psnr": 40, "rmse": 3}, {"bps": 1, "psnr": 1, "rmse": 1}],
)
def test_one_target(settings):
    with pytest.raises(UsageError, match=f"{len(settings)} targets") as caught:
        EncodeOptions(**settings)
    assert all(name in str(caught.value) for name in settings)


@pytest.mark.parametrize("name", ["bps", "psnr", "rmse"])
@pytest.mark.parametrize("value", [0, -1, float("nan"), float("inf")])
def test_targets_are_positive(name, value):
    with pytest.raises(UsageError, match=name):
        EncodeOptions(**{name: value})


@pytest.mark.parametrize("quality", [-0.1, 100.1, float("nan"), float("-inf")])
def test_quality_out_of_range(quality):
    with pytest.raises(UsageError, match="quality"):
        EncodeOptions(quality=quality)


@pytest.mark.parametrize("quality", [0, 100, 33.3])
def test_quality_in_range(quality):
    assert EncodeOptions(quality=quality).quality == quality


@pytest.mark.parametrize("step", [0, -2.0, float("nan"), float("inf")])
def test_float_step(step):
    with pytest.raises(UsageError, match="step"):
        EncodeOptions(float_step=step)


@pytest.mark.parametrize("threads", [0, -3])
def test_threads(threads):
    with pytest.raises(UsageError, match="threads"):
        EncodeOptions(threads=threads)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("tile", "64"), ("tile", b"64"), ("tile", 16.7), ("tile", None), ("tile", (16, 8.0)),
        ("tile", True), ("tile", ("1", "2")), ("tile", np.array([16, 8])),
        ("quality", "50"), ("bps", "x"), ("bps", True), ("psnr", 3j), ("rmse", [1]),
        ("float_step", "1"), ("threads", "2"), ("threads", 2.0), ("threads", True),
        ("intervals", 5), ("intervals", [(1, 4)]), ("profile", 2), ("profile", b"band"),
        ("pack", 3), ("pack", True), ("lossless", "no"), ("max_error", "3"), ("joint", "yes"),
        ("joint", 1), ("bad_bands", True), ("bad_bands", None), ("bad_bands", [3]),
    ],
)  # fmt: skip
def test_wrong_types(name, value):
    """They say what was found and what was expected, and nothing is cut to fit."""
    with pytest.raises(UsageError, match=f"{name} is .*; expected ") as caught:
        EncodeOptions(**{name: value})
    assert repr(value) in str(caught.value)


@pytest.mark.parametrize(
    "settings",
    [
        {"bps": np.float32(0.5)}, {"quality": np.int64(50)}, {"threads": np.int32(2)},
        {"tile": [np.int64(8), 4]}, {"bps": 1}, {"float_step": 2}, {"pack": Path("a")},
        {"profile": None, "pack": None, "intervals": None}, {"profile": "band"},
        {"profile": "spectral", "intervals": "all"}, {"joint": np.True_}, {"bad_bands": "drop"},
    ],
)  # fmt: skip
def test_types_that_will_do(settings):
    EncodeOptions(**settings)


@pytest.mark.parametrize("value", ["", "Drop", "skip", "keep "])
def test_bad_bands_are_kept_or_dropped(value):
    with pytest.raises(UsageError, match="expected keep or drop") as caught:
        EncodeOptions(bad_bands=value)
    assert repr(value) in str(caught.value)
    assert "--bad-bands keep" in caught.value.hint


@pytest.mark.parametrize("tile", [0, -5, (), (0, 4), (4, 0), (1, 2, 3)])
def test_bad_tiles(tile):
    with pytest.raises(UsageError, match="tile"):
        EncodeOptions(tile=tile)


@pytest.mark.parametrize(
    ("tile", "rows", "columns", "expected"),
    [
        (16, 100, 50, (16, 50)),
        ((16,), 100, 50, (16, 50)),
        ((16, 8), 100, 50, (16, 8)),
        ([16, 80], 10, 50, (10, 50)),
        (np.int64(16), 100, 50, (16, 50)),
        (2**40, 100, 50, (100, 50)),
    ],
)
def test_tile_sizes(tile, rows, columns, expected):
    assert EncodeOptions(tile=tile).tile_size(rows, columns) == expected


def test_largest_tile():
    columns = MAX_TILE_PIXELS // 256
    assert EncodeOptions().tile_size(1000, columns) == (256, columns)
    with pytest.raises(UsageError, match="pixels") as caught:
        EncodeOptions().tile_size(1000, columns + 1)
    assert "--tile 255" in caught.value.hint


def test_unknown_settings():
    with pytest.raises(TypeError, match="colour"):
        hyspec.encode(np.zeros((2, 2, 2), "u1"), colour="red")


def test_options_do_not_change():
    with pytest.raises(dataclasses.FrozenInstanceError):
        EncodeOptions().bps = 3
