"""Payloads of the spectral profile: round trips of any symbols, refusals of the encoder."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from band_payload_cases import HIGHEST, LOWEST, MAX_SCALE, NETWORKS, make_model, networks, positions
from hyspec import _core
from reference import spectral
from spectral_payload_cases import check_round_trip, contents, read, simple, without_planes, write


@settings(deadline=None, max_examples=100)
@given(st.data())
def test_round_trip(data: st.DataObject) -> None:
    found = data.draw(networks())
    check_round_trip(found, data.draw(contents(found)))


@pytest.mark.parametrize("value", [LOWEST, LOWEST + 1, HIGHEST - 1, HIGHEST])
def test_the_ends_of_int32(value: int) -> None:
    """As means, entries of the basis and latents; also from one end to the other."""
    other = -value - 1
    for step in (_core.MIN_STEP, _core.MAX_STEP):
        check_round_trip(
            NETWORKS,
            simple(
                step=step,
                mean=np.array([value, other, value, other], np.int32),
                scale=np.array([1, MAX_SCALE], np.int32),
                basis=np.array([[value, other, value], [value] * 3], np.int32),
                latents=np.full((2, 3, 6), value, np.int32),
            ),
        )


def test_tiles_without_planes() -> None:
    """Constant bands, bands that vary below the distortion, and no samples at all."""
    for varies in ([0, 0, 0, 0], [1, 0, 1, 1]):
        flags = np.array(varies, np.uint8)
        nothing = {**without_planes(4), "varies": flags}
        nothing["basis"] = np.zeros((0, flags.sum()), np.int32)
        content = simple(**nothing)
        check_round_trip(NETWORKS, content)
        assert len(write(NETWORKS, content)[0]) <= 16
    lost = simple(
        **without_planes(4), valid=np.zeros((4, 20, 40), np.uint8), mean=np.zeros(4, np.int32)
    )
    check_round_trip(NETWORKS, lost)
    assert len(write(NETWORKS, lost)[0]) <= 16


def test_one_pixel() -> None:
    """Two bands vary, as an encoder would never say; at most one plane is possible."""
    shape = (1, NETWORKS[0][1].channels, 1)
    one = simple(
        tile=_core.BandTile(2, 1, 1),
        varies=np.ones(2, np.uint8),
        mean=np.array([-1, 2], np.int32),
        scale=np.array([70], np.int32),
        basis=np.array([[3, -4]], np.int32),
        latents=np.full(shape, 5, np.int32),
    )
    check_round_trip(NETWORKS, one)
    one.scale, one.basis = np.array([70, 70], np.int32), np.zeros((2, 2), np.int32)
    one.latents = np.repeat(one.latents, 2, 0)
    with pytest.raises(_core.CoreError, match="planes"):
        write(NETWORKS, one)


def test_as_many_planes_as_bands() -> None:
    """Many bands: no table is as short as the others."""
    bands = 300
    rng = np.random.default_rng(1)
    tile = _core.BandTile(bands, 17, 18)
    shape = (bands, 3, positions(tile, 16))
    content = simple(
        tile=tile,
        varies=np.ones(bands, np.uint8),
        mean=np.cumsum(rng.integers(-50, 51, bands)).astype(np.int32),
        scale=np.sort(rng.integers(1, MAX_SCALE + 1, bands))[::-1].astype(np.int32),
        basis=rng.integers(-900, 901, (bands, bands)).astype(np.int32),
        latents=rng.integers(-3, 4, shape).astype(np.int32),
    )
    check_round_trip(NETWORKS, content)


def test_bands_without_valid_samples_say_nothing() -> None:
    """Whatever the encoder is given for them: the basis has no column for them."""
    valid = np.ones((4, 20, 40), np.uint8)
    valid[0] = 0
    narrow = np.array([[20, -10], [-2, 2]], np.int32)
    with_numbers = simple(valid=valid, basis=narrow)
    without = simple(valid=valid, basis=narrow)
    without.varies[0] = without.mean[0] = 0
    assert write(NETWORKS, with_numbers) == write(NETWORKS, without)
    check_round_trip(NETWORKS, without)


@pytest.mark.parametrize("bit_value", [0.0, 0.1, 0.5])
def test_real_latents_are_rounded(bit_value: float) -> None:
    """The decoder finds what the encoder says it made of them."""
    c = simple()
    real = np.random.default_rng(3).laplace(0, 2, c.latents.shape).astype(np.float32)
    arguments = (c.varies, c.mean, c.scale, c.basis, real, bit_value)
    payload, crc, rounded = _core.encode_spectral_payload(
        NETWORKS, c.tile, c.step, 0, None, *arguments
    )
    found, read_crc = read(NETWORKS, c.tile, payload)
    assert read_crc == crc
    np.testing.assert_array_equal(found.latents, rounded)
    assert write(NETWORKS, simple(latents=rounded)) == (payload, crc)


@pytest.mark.parametrize("bit_value", [-0.1, 0.6, float("nan")])
def test_the_value_of_a_bit_is_bounded(bit_value: float) -> None:
    c = simple()
    arguments = (c.varies, c.mean, c.scale, c.basis, c.latents.astype(np.float32), bit_value)
    with pytest.raises(_core.CoreError, match="bit"):
        _core.encode_spectral_payload(NETWORKS, c.tile, c.step, 0, None, *arguments)


@pytest.mark.parametrize(
    "changes",
    [
        {"step": _core.MIN_STEP - 1},
        {"step": _core.MAX_STEP + 1},
        {"varies": np.array([1, 2, 1, 1], np.uint8)},
        {"varies": np.array([1, 0, 1], np.uint8)},
        {"varies": np.array([1, 1, 1, 1], np.uint8)},  # of another basis
        {"mean": np.array([110], np.int32)},
        {"scale": np.array([112, 0], np.int32)},
        {"scale": np.array([112, -1], np.int32)},
        {"scale": np.array([MAX_SCALE + 1, 112], np.int32)},
        {"scale": np.array([112], np.int32)},
        {"basis": np.zeros((2, 4), np.int32)},
        {"basis": np.zeros((1, 3), np.int32)},
        {"network": 2},
        {"network": 1},  # of other latents
        {"latents": np.zeros((1, 3, 6), np.int32)},
        {"latents": np.zeros((3, 3, 6), np.int32)},
        {"latents": np.zeros((2, 3, 5), np.int32)},
        {"valid": np.ones((3, 20, 40), np.uint8)},
        {"valid": np.full((4, 20, 40), 2, np.uint8)},
        {
            "scale": np.full(4, 112, np.int32),
            "basis": np.ones((4, 3), np.int32),
            "latents": np.zeros((4, 3, 6), np.int32),
        },
    ],
)
def test_encoder_refuses(changes: dict[str, Any]) -> None:
    with pytest.raises(_core.CoreError) as caught:
        write(NETWORKS, simple(**changes))
    assert caught.value.args[2] == "bad-argument"


def test_a_tile_with_more_latents_than_fit_an_array() -> None:
    """Its samples would fit, the latents of a model with several channels do not."""
    tile = _core.BandTile(2**30, 2**15, 2**15)
    with pytest.raises(_core.CoreError, match="latents") as caught:
        _core.decode_spectral_payload([(1, make_model(8, 3))], tile, b"\0\0\0")
    assert caught.value.args[2] == "bad-argument"


# ---- several networks


def test_the_payload_tells_its_network() -> None:
    """With which its latents are laid out; to which the others do not matter."""
    (_, coarse), (_, fine) = NETWORKS
    rng = np.random.default_rng(2)
    networks = [*NETWORKS, (8, coarse)]
    for number, (stride, model) in enumerate([(16, coarse), (4, fine), (8, coarse)]):
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
            read(NETWORKS, simple().tile, payload[:2] + bytes([number]) + payload[3:])
        assert caught.value.args[2] == "corrupt"
    with pytest.raises(_core.CoreError, match="network"):
        read([], simple().tile, payload)
    with pytest.raises(_core.CoreError, match="network"):
        write([], simple())


@pytest.mark.parametrize("network", [(0, NETWORKS[0][1]), (16, None)])
def test_networks_that_are_none(network: Any) -> None:
    payload, _ = write(NETWORKS, simple())
    with pytest.raises(_core.CoreError, match="network") as caught:
        read([network], simple().tile, payload)
    assert caught.value.args[2] == "bad-argument"
    with pytest.raises(_core.CoreError, match="network"):
        write([network], simple())


# ---- units


def test_units_of_means() -> None:
    for step in range(_core.MIN_STEP, _core.MAX_STEP + 1):
        for varies in (False, True):
            found = _core.spectral_mean_exponent(varies, step)
            assert found == spectral.exponent(int(varies), step)
    assert _core.spectral_mean_exponent(True, 95) == 0
    assert _core.spectral_mean_exponent(True, 96) == 1
    assert _core.spectral_mean_exponent(False, _core.MAX_STEP) == 0


def test_planes_have_a_level_however_small_they_are() -> None:
    """A plane below the distortion has that of the lowest level, with its gains."""
    gains = np.array([[0], [256]], np.int16)  # level 1 is one octave finer
    model = [(16, _core.LatentModel.untrained(gains))]
    real = np.full((2, 1, 6), 10.0, np.float32)
    c = simple(scale=np.array([1, MAX_SCALE], np.int32), latents=real)
    arguments = (c.varies, c.mean, c.scale, c.basis, real)
    rounded = _core.encode_spectral_payload(model, c.tile, 0, 0, None, *arguments)[2]
    assert rounded[:, 0, 0].tolist() == [10, 20]
