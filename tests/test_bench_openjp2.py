"""JPEG 2000 through libopenjp2: foreign decoders read our codestreams, and we read theirs."""

import imagecodecs
import numpy as np
import pytest

from hyspec.errors import DataError, MissingDependencyError
from hyspec_bench import openjp2


@pytest.fixture
def planes():
    rng = np.random.default_rng(1)
    smooth = rng.normal(size=(4, 24, 30)).cumsum(axis=1).cumsum(axis=2)
    return np.rint(400 + 20 * smooth).clip(0).astype(np.int32)


def test_lossless(planes):
    data = openjp2.encode(planes, budget=None, reversible=True)
    assert np.array_equal(openjp2.decode(data), planes)


def test_small_planes_get_fewer_resolutions(planes):
    data = openjp2.encode(planes[:, :3], budget=None, reversible=True, resolutions=6)
    assert np.array_equal(openjp2.decode(data), planes[:, :3])


def test_lossless_negative(planes):
    shifted = planes - int(planes.max()) // 2
    data = openjp2.encode(shifted, budget=None, reversible=True, resolutions=3)
    assert np.array_equal(openjp2.decode(data), shifted)


@pytest.mark.parametrize("low, high", [(0, 1), (-1, 0), (-4, 3), (-5, 3), (0, 2**20 - 1)])
def test_extremes(low, high):
    values = np.where(np.indices((2, 9, 11)).sum(axis=0) % 2, low, high)
    data = openjp2.encode(values, budget=None, reversible=True, resolutions=2)
    assert np.array_equal(openjp2.decode(data), values)


def test_foreign_decoder(planes):
    """imagecodecs decodes the same samples from the lossy codestream of a plane."""
    data = openjp2.encode(planes[:1], budget=400)
    assert np.array_equal(imagecodecs.jpeg2k_decode(data), openjp2.decode(data)[0])


def test_foreign_encoder(planes):
    plane = planes[0].astype(np.uint16)
    data = imagecodecs.jpeg2k_encode(plane, level=0, reversible=True, codecformat="j2k")
    assert np.array_equal(openjp2.decode(bytes(data))[0], plane)


def test_budget_is_shared(planes):
    """At a common slope, planes that are 30 times as strong get nearly all the bytes."""
    planes = np.concatenate([planes, planes // 30])
    budget = 1500
    data = openjp2.encode(planes, budget=budget)
    assert 0.95 * budget < len(data) <= 1.01 * budget
    errors = np.square(openjp2.decode(data) - planes).mean(axis=(1, 2))
    alone = openjp2.encode(planes[:1], budget=budget // 8)
    assert errors[0] < np.square(openjp2.decode(alone) - planes[:1]).mean()


def test_high_precision_is_not_clipped():
    """The largest coefficients of the coarsest resolution fit OpenJPEG's 32 bits."""
    planes = np.full((1, 64, 64), 2**openjp2.MAX_PRECISION - 1)
    planes[:, ::7, ::5] = 0
    decoded = openjp2.decode(openjp2.encode(planes, budget=planes.size * 4))
    # OpenJPEG's constants of the 9/7 filters do not quite invert each other: 5e-5.
    assert np.abs(decoded - planes).max() <= 64


def test_too_many_bits():
    with pytest.raises(DataError, match="21 bits"):
        openjp2.encode(np.full((1, 8, 8), 2**20), budget=None)


def test_free_bits():
    values = np.array([-100.0, 60.0])
    scaled = np.ldexp(values, openjp2.free_bits(values))
    assert (
        2 ** (openjp2.MAX_PRECISION - 2) <= np.abs(scaled).max() < 2 ** (openjp2.MAX_PRECISION - 1)
    )


@pytest.mark.parametrize("data", [b"", b"not a codestream", b"\xff\x4f\xff\x51" + bytes(60)])
def test_bad_bytes(data):
    with pytest.raises(DataError, match="OpenJPEG"):
        openjp2.decode(data)


def test_no_library(monkeypatch, tmp_path):
    monkeypatch.setenv("HYSPEC_OPENJP2", str(tmp_path / "none.so"))
    openjp2.load.cache_clear()
    try:
        with pytest.raises(MissingDependencyError, match="libopenjp2"):
            openjp2.load()
    finally:
        openjp2.load.cache_clear()
