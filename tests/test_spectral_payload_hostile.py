"""Payloads of the spectral profile that lie in the document's own terms, and their memory."""

import numpy as np
import pytest

from hyspec import _core
from payload_cases import HIGHEST, LOWEST, MAX_SCALE, NETWORKS, make_model
from script_cases import needs_proc, peak_growth, run_alone
from spectral_forger import Coded, message, numbers, uniform
from spectral_payload_cases import SpectralContent, without_planes

# ---- lies that are coded as the document says


def forged(*tables: Coded) -> bytes:
    """Payload at step 0 of network 0 that says these numbers."""
    return bytes(3) + message(tables)


NONE, FLAG, MEAN = numbers(0), numbers(1), numbers(7)


def one_band(payload: bytes) -> SpectralContent:
    return SpectralContent.read(NETWORKS, _core.BandTile(1, 1, 1), payload)[0]


def test_the_forger_writes_what_the_core_writes() -> None:
    """A band that varies, without planes, and with one of one latent."""
    nothing = {**without_planes(1), "varies": np.ones(1, np.uint8)}
    nothing |= {"basis": np.zeros((0, 1), np.int32), "latents": np.zeros((0, 3, 1), np.int32)}
    tile, mean = _core.BandTile(1, 1, 1), np.array([7], np.int32)
    content = SpectralContent.simple(**nothing, tile=tile, step=0, mean=mean)
    assert forged(FLAG, MEAN, uniform(0, 16)) == content.write(NETWORKS)[0]
    content.scale = np.array([70], np.int32)
    content.basis = np.array([[-3]], np.int32)
    content.latents = np.array([[[400]]], np.int32)
    network = [(1, make_model(1, 1))]
    found = forged(FLAG, MEAN, uniform(1, 16), numbers(70), numbers(-3), numbers(400))
    assert found == content.write(network)[0]


@pytest.mark.parametrize("value", [2, -1, 16, HIGHEST, LOWEST])
def test_a_flag_that_is_neither_is_refused(value: int) -> None:
    with pytest.raises(_core.CoreError, match="varies") as caught:
        one_band(forged(numbers(value), MEAN, uniform(0, 16)))
    assert caught.value.args[2] == "corrupt"


@pytest.mark.parametrize("value", [LOWEST, -20, 0, 1, 20, HIGHEST])
def test_any_mean_is_a_mean(value: int) -> None:
    for flag in (0, 1):
        found = one_band(forged(numbers(flag), numbers(value), uniform(0, 16)))
        assert (found.varies.tolist(), found.mean.tolist()) == ([flag], [value])


@pytest.mark.parametrize("count", [1, 2, 65535])
def test_more_planes_than_bands_that_vary(count: int) -> None:
    with pytest.raises(_core.CoreError, match="more planes") as caught:
        one_band(forged(NONE, MEAN, uniform(count, 16)))
    assert caught.value.args[2] == "corrupt"
    if count > 1:
        with pytest.raises(_core.CoreError, match="more planes"):
            one_band(forged(FLAG, MEAN, uniform(count, 16)))


def test_more_planes_than_pixels() -> None:
    both = numbers(1, 1)
    start = (both, numbers(0, 0))
    assert SpectralContent.read(NETWORKS, _core.BandTile(2, 1, 1), forged(*start, uniform(0, 16)))
    with pytest.raises(_core.CoreError, match="more planes"):
        SpectralContent.read(NETWORKS, _core.BandTile(2, 1, 1), forged(*start, uniform(2, 16)))


@pytest.mark.parametrize("scale", [0, MAX_SCALE + 1, -1, HIGHEST, LOWEST])
def test_a_scale_out_of_range_is_refused(scale: int) -> None:
    with pytest.raises(_core.CoreError, match="scale") as caught:
        one_band(forged(FLAG, MEAN, uniform(1, 16), numbers(scale), numbers(5)))
    assert caught.value.args[2] == "corrupt"


@pytest.mark.parametrize("distance", [2**31, 2**32 - 1, 2**33 - 2])
def test_numbers_beyond_int32_are_refused(distance: int) -> None:
    with pytest.raises(_core.CoreError) as caught:
        one_band(forged(FLAG, numbers(distance), uniform(0, 16)))
    assert caught.value.args[2] == "corrupt"


# ---- memory


def growth_for_a_large_basis() -> tuple[int, int, int]:
    """Bytes of a payload, and of memory to read its beginning and all of it."""
    side = 2000
    content = SpectralContent.simple(
        tile=_core.BandTile(side, 1, side),
        varies=np.ones(side, np.uint8),
        mean=np.zeros(side, np.int32),
        scale=np.ones(side, np.int32),
        basis=np.zeros((side, side), np.int32),
        latents=np.zeros((side, 3, 125), np.int32),
    )
    payload, _ = content.write(NETWORKS)
    del content.basis, content.latents

    def read_the_beginning() -> None:
        with pytest.raises(_core.CoreError):
            SpectralContent.read(NETWORKS, content.tile, payload[:8])

    cut = peak_growth(read_the_beginning)
    whole = peak_growth(lambda: SpectralContent.read(NETWORKS, content.tile, payload))
    return len(payload), cut, whole


@needs_proc
def test_memory_is_bounded_by_the_tile_and_what_was_shown() -> None:
    """A few bytes that say a basis of zeros, as large as the tile: some 50 bytes per entry.

    And the same bytes cut off before: nothing is reserved for planes before their count is known.
    """
    length, cut, whole = run_alone(growth_for_a_large_basis, timeout=120)
    assert length < 10_000
    assert cut < 4 << 20
    assert whole < 60 * 2000 * 2000 + (16 << 20)
