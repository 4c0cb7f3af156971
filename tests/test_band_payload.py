"""Payloads of the band profile: extreme symbols, bands that say nothing, units and levels."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from band_payload_cases import BandContent, plain_level
from hyspec import _core
from payload_cases import HIGHEST, LOWEST, MAX_SCALE, NETWORKS, Int32Array
from reference import band


@pytest.mark.parametrize("value", [LOWEST, LOWEST + 1, HIGHEST - 1, HIGHEST])
def test_the_ends_of_int32(value: int) -> None:
    """As means and latents; means also from one end to the other and in any unit."""
    scale = np.array([577, 1, 577], np.int32)
    mean = np.array([value, -value - 1, value], np.int32)
    for step in (_core.MIN_STEP, 0):
        active = sum(plain_level(s, step, 8) >= 0 for s in scale.tolist())
        latents = np.full((active, 3, 6), value, np.int32)
        content = BandContent.simple(step=step, scale=scale, mean=mean, latents=latents)
        content.check_round_trip(NETWORKS)


def test_tiles_of_constant_bands_need_no_latents() -> None:
    constant, lost = BandContent.constant(), BandContent.constant()
    lost.valid, lost.mean = np.zeros((3, 20, 40), np.uint8), np.zeros(3, np.int32)
    for content in (constant, lost):
        content.check_round_trip(NETWORKS)
        assert len(content.write(NETWORKS)[0]) <= 16


def test_bands_without_valid_samples_say_nothing() -> None:
    """Whatever scale and mean the encoder is given for them."""
    valid = np.ones((3, 20, 40), np.uint8)
    valid[0] = 0
    one = np.full((1, 3, 6), 4, np.int32)
    with_numbers = BandContent.simple(valid=valid, latents=one)
    without = BandContent.simple(valid=valid, latents=one)
    without.scale[0] = without.mean[0] = 0
    assert with_numbers.write(NETWORKS) == without.write(NETWORKS)
    without.check_round_trip(NETWORKS)


# ---- units and levels


def test_units_of_means() -> None:
    scale = np.arange(MAX_SCALE + 1, dtype=np.int32)
    found = _core.mean_exponents(scale)
    assert found.dtype == np.int32
    assert found.tolist() == [band.exponent(s) for s in scale.tolist()]
    assert _core.mean_exponents(scale[:0]).shape == (0,)


@given(
    hnp.arrays(np.int32, st.integers(0, 20), elements=st.integers(0, MAX_SCALE)),
    st.integers(_core.MIN_STEP, _core.MAX_STEP),
    st.integers(1, 400),
)
def test_levels(scale: Int32Array, step: int, levels: int) -> None:
    found = _core.band_levels(scale, step, levels)
    assert found.tolist() == [plain_level(s, step, levels) for s in scale.tolist()]


def test_a_level_is_a_32nd_of_an_octave_above_the_distortion() -> None:
    scale = np.arange(1, MAX_SCALE + 1, dtype=np.int32)
    for step in (-100, 0, 300):
        found = _core.band_levels(scale, step, 10000)
        octaves = np.log2([band.sigma(s) for s in scale.tolist()]) - step / 32
        np.testing.assert_allclose(found[found >= 0], 32 * octaves[found >= 0], atol=1e-9)
        assert (octaves[found < 0] < 0).all()
