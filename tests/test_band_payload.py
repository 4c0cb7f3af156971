"""Payloads of the band profile: round trips of any symbols, networks, refusals."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from band_payload_cases import (
    HIGHEST,
    LOWEST,
    MAX_SCALE,
    NETWORKS,
    Int32Array,
    check_round_trip,
    contents,
    make_model,
    networks,
    plain_level,
    positions,
    simple,
    write,
)
from hyspec import _core
from reference import band


@settings(deadline=None, max_examples=100)
@given(st.data())
def test_round_trip(data: st.DataObject) -> None:
    found = data.draw(networks())
    check_round_trip(found, data.draw(contents(found)))


@pytest.mark.parametrize("value", [LOWEST, LOWEST + 1, HIGHEST - 1, HIGHEST])
def test_the_ends_of_int32(value: int) -> None:
    """As means and latents; means also from one end to the other and in any unit."""
    scale = np.array([577, 1, 577], np.int32)
    mean = np.array([value, -value - 1, value], np.int32)
    for step in (_core.MIN_STEP, 0):
        active = sum(plain_level(s, step, 8) >= 0 for s in scale.tolist())
        check_round_trip(
            NETWORKS,
            simple(
                step=step,
                scale=scale,
                mean=mean,
                latents=np.full((active, 3, 6), value, np.int32),
            ),
        )


def test_tiles_of_constant_bands_need_no_latents() -> None:
    nothing = {"latents": np.zeros((0, 3, 6), np.int32)}
    constant = simple(scale=np.zeros(3, np.int32), **nothing)
    check_round_trip(NETWORKS, constant)
    assert len(write(NETWORKS, constant)[0]) <= 16
    lost = simple(
        valid=np.zeros((3, 20, 40), np.uint8),
        scale=np.zeros(3, np.int32),
        mean=np.zeros(3, np.int32),
        **nothing,
    )
    check_round_trip(NETWORKS, lost)
    assert len(write(NETWORKS, lost)[0]) <= 16


def test_bands_without_valid_samples_say_nothing() -> None:
    """Whatever scale and mean the encoder is given for them."""
    valid = np.ones((3, 20, 40), np.uint8)
    valid[0] = 0
    one = np.full((1, 3, 6), 4, np.int32)
    with_numbers = simple(valid=valid, latents=one)
    without = simple(valid=valid, latents=one)
    without.scale[0] = without.mean[0] = 0
    assert write(NETWORKS, with_numbers) == write(NETWORKS, without)
    check_round_trip(NETWORKS, without)


@pytest.mark.parametrize(
    "changes",
    [
        {"step": _core.MIN_STEP - 1},
        {"step": _core.MAX_STEP + 1},
        {"scale": np.array([110, -1, 112], np.int32)},
        {"scale": np.array([578, 0, 112], np.int32)},
        {"scale": np.array([110, 0], np.int32)},
        {"mean": np.array([110], np.int32)},
        {"network": 2},
        {"network": 1},  # of other latents
        {"latents": np.zeros((1, 3, 6), np.int32)},
        {"latents": np.zeros((3, 3, 6), np.int32)},
        {"latents": np.zeros((2, 3, 5), np.int32)},
        {"valid": np.ones((2, 20, 40), np.uint8)},
        {"valid": np.full((3, 20, 40), 2, np.uint8)},
        {"tile": _core.BandTile(3, 20, 41), "valid": np.ones((3, 20, 40), np.uint8)},
    ],
)
def test_encoder_refuses(changes: dict[str, Any]) -> None:
    with pytest.raises(_core.CoreError) as caught:
        write(NETWORKS, simple(**changes))
    assert caught.value.args[2] == "bad-argument"


@pytest.mark.parametrize(
    "sizes",
    [
        (0, 20, 40),
        (3, 0, 40),
        (3, 20, 0),
        (4, 2**31, 2**31),  # 2^64 samples: 0, if the product wrapped
        (2**32 - 1, 2**32 - 1, 2**32 - 1),
    ],
)
def test_tiles_that_are_none(sizes: tuple[int, int, int]) -> None:
    with pytest.raises(_core.CoreError, match="tile") as caught:
        _core.BandTile(*sizes)
    assert caught.value.args[2] == "bad-argument"


def test_a_tile_with_more_latents_than_fit_an_array() -> None:
    """Its samples would fit, the latents of a model with several channels do not."""
    tile = _core.BandTile(2**30, 2**15, 2**15)
    fine = [(1, make_model(8, 3))]
    with pytest.raises(_core.CoreError, match="latents") as caught:
        _core.decode_band_payload(fine, tile, b"\0\0\0")
    assert caught.value.args[2] == "bad-argument"
    with pytest.raises(_core.CoreError, match="latents"):
        write(fine, simple(tile=tile))


# ---- several networks


def test_the_payload_tells_its_network() -> None:
    """With which its latents are laid out; to which the others do not matter."""
    (_, coarse), (_, fine) = NETWORKS
    rng = np.random.default_rng(2)
    for number, (stride, model) in enumerate([(16, coarse), (4, fine), (8, coarse)]):
        networks = [*NETWORKS, (8, coarse)]
        content = simple(network=number)
        shape = (2, model.channels, positions(content.tile, stride))
        content.latents = rng.integers(-4, 5, shape, np.int32)
        check_round_trip(networks, content)
        alone, _ = write([(stride, model)], simple(latents=content.latents))
        payload, _ = write(networks, content)
        start = 2  # bytes of the step
        assert payload[start] == number
        assert payload[:start] + b"\0" + payload[start + 1 :] == alone


def test_networks_that_are_not_there() -> None:
    payload, _ = write(NETWORKS, simple())
    for number in (2, 2**7 - 1):
        with pytest.raises(_core.CoreError, match="network") as caught:
            _core.decode_band_payload(
                NETWORKS, simple().tile, payload[:2] + bytes([number]) + payload[3:]
            )
        assert caught.value.args[2] == "corrupt"
    for none in ([], NETWORKS[:0]):
        with pytest.raises(_core.CoreError, match="network"):
            _core.decode_band_payload(none, simple().tile, payload)
        with pytest.raises(_core.CoreError, match="network"):
            write(none, simple())


@pytest.mark.parametrize("network", [(0, NETWORKS[0][1]), (16, None)])
def test_networks_that_are_none(network: Any) -> None:
    payload, _ = write(NETWORKS, simple())
    with pytest.raises(_core.CoreError, match="network") as caught:
        _core.decode_band_payload([network], simple().tile, payload)
    assert caught.value.args[2] == "bad-argument"
    with pytest.raises(_core.CoreError, match="network"):
        write([network], simple())


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
