"""Payloads of the spectral profile that lie in the document's own terms, and their memory."""

import numpy as np
import pytest

from hyspec import _core
from payload_cases import HIGHEST, LOWEST, MAX_SCALE
from plane_cases import no_terms
from reference.planes import PlaneDecoder
from reference_cases import untrained_planes
from script_cases import needs_proc, peak_growth, run_alone
from spectral_forger import Coded, Steered, answers, message, numbers, uniform
from spectral_payload_cases import (
    NETWORKS,
    SpectralContent,
    make_plane_model,
    without_planes,
)

# ---- lies that are coded as the document says


#: Quantisers do not take turns, or they do.
PLAIN, TURNING = uniform(0, 1), uniform(1, 1)


def forged(*tables: Coded) -> bytes:
    """Payload at step 0 of network 0 that says these numbers."""
    return bytes(3) + message(tables)


def plane(*levels: int) -> Coded:
    """A plane of one position; the level of each channel is coded like a table of one number."""
    steered = Steered([answer for level in levels for answer in answers(level)])
    network = untrained_planes(np.zeros((1, len(levels)), np.int16), no_terms())
    decoder = PlaneDecoder(steered, network, (1, 1), take_turns=True)  # type: ignore[arg-type]
    try:
        decoder.plane()
    except ValueError:  # beyond int32
        assert max(map(abs, levels)) >= 2**30
    return steered.coded


NONE, FLAG, MEAN = numbers(0), numbers(1), numbers(7)


def one_band(payload: bytes) -> SpectralContent:
    return SpectralContent.read(NETWORKS, _core.BandTile(1, 1, 1), payload)[0]


def test_the_forger_writes_what_the_core_writes() -> None:
    """A band that varies, without planes, and with one of one latent."""
    nothing = {**without_planes(1), "varies": np.ones(1, np.uint8)}
    nothing |= {"basis": np.zeros((0, 1), np.int32), "latents": np.zeros((0, 3, 1), np.int32)}
    tile, mean = _core.BandTile(1, 1, 1), np.array([7], np.int32)
    content = SpectralContent.simple(**nothing, tile=tile, step=0, mean=mean)
    for content.dependent, turns in ((False, PLAIN), (True, TURNING)):
        assert forged(FLAG, MEAN, uniform(0, 16), turns) == content.write(NETWORKS)[0]
    content.scale = np.array([70], np.int32)
    content.basis = np.array([[-3]], np.int32)
    content.latents = np.array([[[400]]], np.int32)  # of level 200
    network = [(1, make_plane_model(1, 1))]
    for content.dependent, turns in ((False, PLAIN), (True, TURNING)):
        tables = (uniform(1, 16), numbers(70), numbers(-3), turns, plane(200))
        assert forged(FLAG, MEAN, *tables) == content.write(network)[0]


@pytest.mark.parametrize("value", [2, -1, 16, HIGHEST, LOWEST])
def test_a_flag_that_is_neither_is_refused(value: int) -> None:
    with pytest.raises(_core.CoreError, match="varies") as caught:
        one_band(forged(numbers(value), MEAN, uniform(0, 16)))
    assert caught.value.args[2] == "corrupt"


@pytest.mark.parametrize("value", [LOWEST, -20, 0, 1, 20, HIGHEST])
def test_any_mean_is_a_mean(value: int) -> None:
    for flag in (0, 1):
        found = one_band(forged(numbers(flag), numbers(value), uniform(0, 16), PLAIN))
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
    none = forged(*start, uniform(0, 16), PLAIN)
    assert SpectralContent.read(NETWORKS, _core.BandTile(2, 1, 1), none)
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


def one_plane(*levels: int) -> list[int]:
    """Latents that the core reads of a plane of one position, with turning quantisers."""
    tables = (FLAG, MEAN, uniform(1, 16), numbers(70), numbers(-3), TURNING, plane(*levels))
    network = [(1, model_without_terms(len(levels)))]
    found, _ = SpectralContent.read(network, _core.BandTile(1, 1, 1), forged(*tables))
    return [int(z) for z in found.latents.ravel()]


def model_without_terms(channels: int) -> _core.PlaneModel:
    return _core.PlaneModel.untrained(np.zeros((1, channels), np.int16), no_terms())


#: Channel 0, another one with quantiser 0, and one with quantiser 1 after two odd levels.
PLACES: list[list[int]] = [[], [0], [0, 1, 1]]


@pytest.mark.parametrize(
    ("before", "level", "latent"),
    [
        *((before, 2**30 - 1, 2**31 - 2) for before in PLACES[:2]),
        *((before, -(2**30), LOWEST) for before in PLACES[:2]),
        (PLACES[2], 2**30, HIGHEST),
        (PLACES[2], -(2**30), LOWEST + 1),
    ],
)
def test_the_largest_levels(before: list[int], level: int, latent: int) -> None:
    assert one_plane(*before, level)[-1] == latent


@pytest.mark.parametrize(
    ("before", "level"),
    [
        *((before, level) for before in PLACES[:2] for level in (2**30, -(2**30) - 1)),
        *((PLACES[2], level) for level in (2**30 + 1, -(2**30) - 1)),
        *((before, level) for before in PLACES for level in (2**32, -(2**32), 2**33 - 2)),
    ],
)
def test_latents_beyond_int32_are_refused(before: list[int], level: int) -> None:
    """The arithmetic on levels does not wrap."""
    with pytest.raises(_core.CoreError) as caught:
        one_plane(*before, level)
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
