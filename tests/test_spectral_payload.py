"""Payloads of the spectral profile: extreme symbols, numbers of planes, rounding, units."""

import numpy as np
import pytest

from half_steps import half_steps
from hyspec import _core
from payload_cases import HIGHEST, LOWEST, MAX_SCALE, positions
from plane_cases import usual_terms
from reference import spectral
from spectral_payload_cases import NETWORKS, SpectralContent, without_planes


@pytest.mark.parametrize("dependent", [False, True])
@pytest.mark.parametrize("value", [LOWEST, LOWEST + 1, HIGHEST - 1, HIGHEST])
def test_the_ends_of_int32(value: int, dependent: bool) -> None:
    """As means, entries of the basis and latents; also from one end to the other."""
    other = -value - 1
    for step in (_core.MIN_STEP, _core.MAX_STEP):
        content = SpectralContent.simple(
            step=step,
            mean=np.array([value, other, value, other], np.int32),
            scale=np.array([1, MAX_SCALE], np.int32),
            basis=np.array([[value, other, value], [value] * 3], np.int32),
            dependent=dependent,
            latents=half_steps(np.full((2, 3, 6), value), dependent),
        )
        content.check_round_trip(NETWORKS)


def test_tiles_without_planes() -> None:
    """Constant bands, bands that vary below the distortion, and no samples at all."""
    for varies in ([0, 0, 0, 0], [1, 0, 1, 1]):
        flags = np.array(varies, np.uint8)
        nothing = {**without_planes(4), "varies": flags}
        nothing["basis"] = np.zeros((0, flags.sum()), np.int32)
        content = SpectralContent.simple(**nothing)
        content.check_round_trip(NETWORKS)
        assert len(content.write(NETWORKS)[0]) <= 16
    lost = SpectralContent.simple(
        **without_planes(4), valid=np.zeros((4, 20, 40), np.uint8), mean=np.zeros(4, np.int32)
    )
    lost.check_round_trip(NETWORKS)
    assert len(lost.write(NETWORKS)[0]) <= 16


def test_one_pixel() -> None:
    """Two bands vary, as an encoder would never say; at most one plane is possible."""
    shape = (1, NETWORKS[0][1].channels, 1)
    one = SpectralContent.simple(
        tile=_core.BandTile(2, 1, 1),
        varies=np.ones(2, np.uint8),
        mean=np.array([-1, 2], np.int32),
        scale=np.array([70], np.int32),
        basis=np.array([[3, -4]], np.int32),
        latents=half_steps(np.full(shape, 5), dependent=True),
    )
    one.check_round_trip(NETWORKS)
    one.scale, one.basis = np.array([70, 70], np.int32), np.zeros((2, 2), np.int32)
    one.latents = half_steps(np.full((2, *shape[1:]), 5), dependent=True)
    with pytest.raises(_core.CoreError, match="planes"):
        one.write(NETWORKS)


def test_as_many_planes_as_bands() -> None:
    """Many bands: no table is as short as the others."""
    bands = 300
    rng = np.random.default_rng(1)
    tile = _core.BandTile(bands, 17, 18)
    shape = (bands, 3, positions(tile, 16))
    content = SpectralContent.simple(
        tile=tile,
        varies=np.ones(bands, np.uint8),
        mean=np.cumsum(rng.integers(-50, 51, bands)).astype(np.int32),
        scale=np.sort(rng.integers(1, MAX_SCALE + 1, bands))[::-1].astype(np.int32),
        basis=rng.integers(-900, 901, (bands, bands)).astype(np.int32),
        latents=half_steps(rng.integers(-3, 4, shape), dependent=True),
    )
    content.check_round_trip(NETWORKS)


def test_bands_without_valid_samples_say_nothing() -> None:
    """Whatever the encoder is given for them: the basis has no column for them."""
    valid = np.ones((4, 20, 40), np.uint8)
    valid[0] = 0
    narrow = np.array([[20, -10], [-2, 2]], np.int32)
    with_numbers = SpectralContent.simple(valid=valid, basis=narrow)
    without = SpectralContent.simple(valid=valid, basis=narrow)
    without.varies[0] = without.mean[0] = 0
    assert with_numbers.write(NETWORKS) == without.write(NETWORKS)
    without.check_round_trip(NETWORKS)


@pytest.mark.parametrize("dependent", [False, True])
@pytest.mark.parametrize("bit_value", [0.0, 0.1, 0.5])
def test_real_latents_are_rounded(bit_value: float, dependent: bool) -> None:
    """The decoder finds what the encoder says it made of them."""
    c = SpectralContent.simple()
    real = np.random.default_rng(3).laplace(0, 2, c.latents.shape).astype(np.float32)
    arguments = (c.varies, c.mean, c.scale, c.basis, real, bit_value, dependent)
    payload, crc, rounded = _core.encode_spectral_payload(
        NETWORKS, c.tile, c.step, 0, None, *arguments
    )
    found, read_crc = SpectralContent.read(NETWORKS, c.tile, payload)
    assert read_crc == crc
    np.testing.assert_array_equal(found.latents, rounded)
    again = SpectralContent.simple(dependent=dependent, latents=rounded)
    assert again.write(NETWORKS) == (payload, crc)


def test_quantisers_that_take_turns_without_planes() -> None:
    """The payload says it even so."""
    for dependent in (False, True):
        content = SpectralContent.simple(**without_planes(4), dependent=dependent)
        found, _ = SpectralContent.read(NETWORKS, content.tile, content.write(NETWORKS)[0])
        assert found.dependent is dependent


@pytest.mark.parametrize("bit_value", [-0.1, 0.6, float("nan")])
def test_the_value_of_a_bit_is_bounded(bit_value: float) -> None:
    c = SpectralContent.simple()
    arguments = (c.varies, c.mean, c.scale, c.basis, c.latents.astype(np.float32), bit_value)
    with pytest.raises(_core.CoreError, match="bit"):
        _core.encode_spectral_payload(NETWORKS, c.tile, c.step, 0, None, *arguments)


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
    model = [(16, _core.PlaneModel.untrained(gains, usual_terms(1)))]
    real = np.full((2, 1, 6), 10.0, np.float32)
    c = SpectralContent.simple(scale=np.array([1, MAX_SCALE], np.int32), latents=real)
    arguments = (c.varies, c.mean, c.scale, c.basis, real)
    rounded = _core.encode_spectral_payload(model, c.tile, 0, 0, None, *arguments)[2]
    assert rounded[:, 0, 0].tolist() == [20, 40]
