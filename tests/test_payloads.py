"""Payloads of each profile: round trips of any symbols, networks, refusals of the encoder."""

from collections.abc import Callable
from itertools import product
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from band_payload_cases import BandContent, band_contents
from hyspec import _core
from payload_cases import HIGHEST, MAX_SCALE, Content, networks, positions
from spectral_payload_cases import (
    NETWORKS,
    SpectralContent,
    neighbour,
    spectral_contents,
    without_planes,
)

each_profile = pytest.mark.parametrize("profile", [BandContent, SpectralContent])


@pytest.mark.parametrize(
    ("profile", "contents"), [(BandContent, band_contents), (SpectralContent, spectral_contents)]
)
@settings(deadline=None, max_examples=100)
@given(data=st.data())
def test_round_trip(
    profile: type[Content],
    contents: Callable[..., st.SearchStrategy[Content]],
    data: st.DataObject,
) -> None:
    found = data.draw(networks(profile.make_model))
    data.draw(contents(found)).check_round_trip(found)


EITHER: list[dict[str, Any]] = [
    {"step": _core.MIN_STEP - 1},
    {"step": _core.MAX_STEP + 1},
    {"mean": np.array([110], np.int32)},
    {"network": 2},
    {"network": 1},  # of other latents
    {"latents": np.zeros((1, 3, 6), np.int32)},
    {"latents": np.zeros((3, 3, 6), np.int32)},
    {"latents": np.zeros((2, 3, 5), np.int32)},
]
BAND: list[dict[str, Any]] = [
    {"scale": np.array([110, -1, 112], np.int32)},
    {"scale": np.array([MAX_SCALE + 1, 0, 112], np.int32)},
    {"scale": np.array([110, 0], np.int32)},
    {"valid": np.ones((2, 20, 40), np.uint8)},
    {"valid": np.full((3, 20, 40), 2, np.uint8)},
    {"tile": _core.BandTile(3, 20, 41), "valid": np.ones((3, 20, 40), np.uint8)},
]
SPECTRAL: list[dict[str, Any]] = [
    {"varies": np.array([1, 2, 1, 1], np.uint8)},
    {"varies": np.array([1, 0, 1], np.uint8)},
    {"varies": np.array([1, 1, 1, 1], np.uint8)},  # of another basis
    {"scale": np.array([112, 0], np.int32)},
    {"scale": np.array([112, -1], np.int32)},
    {"scale": np.array([MAX_SCALE + 1, 112], np.int32)},
    {"scale": np.array([112], np.int32)},
    {"entries": np.zeros((2, 4), np.int32)},
    {"entries": np.zeros((1, 3), np.int32)},
    {"valid": np.ones((3, 20, 40), np.uint8)},
    {"valid": np.full((4, 20, 40), 2, np.uint8)},
    {
        "scale": np.full(4, 112, np.int32),
        "entries": np.ones((4, 3), np.int32),
        "latents": np.zeros((4, 3, 6), np.int32),
    },
    {"back": 1},
    {"shared": neighbour(4)},
    {"back": 1, "shared": neighbour(3)},
    {"back": 1, "shared": neighbour(5)},
    {"sizes": np.array([3], np.int32)},
    {"leading": np.array([3], np.int32)},
]


@pytest.mark.parametrize(
    ("profile", "changes"),
    [
        *product([BandContent], EITHER + BAND),
        *product([SpectralContent], EITHER + SPECTRAL),
    ],
)
def test_encoder_refuses(profile: type[Content], changes: dict[str, Any]) -> None:
    with pytest.raises(_core.CoreError) as caught:
        profile.simple(**changes).write(profile.networks)
    assert caught.value.args[2] == "bad-argument"


GROUPED: list[dict[str, Any]] = [
    {"sizes": np.array([3, 0], np.int32)},
    {"sizes": np.array([1, 1], np.int32)},
    {"sizes": np.array([2, 2], np.int32)},
    {"sizes": np.array([-1, 4], np.int32)},
    {"sizes": np.array([HIGHEST, HIGHEST], np.int32)},
    {"counts": np.array([2], np.int32)},
    {"counts": np.array([3, 0], np.int32)},
    {"counts": np.array([2, -1], np.int32)},
    {"counts": np.array([1, 0], np.int32)},  # of other leading components
    {"leading": np.zeros(5, np.int32)},
    {"entries": np.zeros((2, 3), np.int32)},
    {"entries": np.zeros((3, 2), np.int32)},
    {"entries": np.zeros((0, 2), np.int32)},  # fewer rows than planes
]


@pytest.mark.parametrize("changes", GROUPED)
def test_encoder_refuses_groups(changes: dict[str, Any]) -> None:
    SpectralContent.grouped().write(NETWORKS)
    with pytest.raises(_core.CoreError) as caught:
        SpectralContent.grouped(**changes).write(NETWORKS)
    assert caught.value.args[2] == "bad-argument"


def test_encoder_refuses_more_than_256_groups() -> None:
    ones, none = np.ones(257, np.int32), np.zeros(257, np.int32)
    changes = {"varies": ones.astype(np.uint8), "mean": none, "sizes": ones, "counts": none}
    nothing = {**without_planes(257), **changes, "leading": none[:0]}
    content = SpectralContent.simple(tile=_core.BandTile(257, 20, 40), **nothing)
    with pytest.raises(_core.CoreError, match="256 groups"):
        content.write(NETWORKS)


@pytest.mark.parametrize("shared", [None, neighbour(3), neighbour(5)])
def test_decoder_needs_the_basis_that_is_borrowed(shared: _core.SharedBasis | None) -> None:
    borrowed = SpectralContent.borrowed()
    payload, _ = borrowed.write(NETWORKS)
    with pytest.raises(_core.CoreError, match="basis") as caught:
        _core.decode_spectral_payload(NETWORKS, borrowed.tile, payload, shared)
    assert caught.value.args[2] == "bad-argument"


def test_decoder_takes_no_basis_that_is_not_needed() -> None:
    payload, _ = SpectralContent.simple().write(NETWORKS)
    with pytest.raises(_core.CoreError, match="basis") as caught:
        SpectralContent.read(NETWORKS, SpectralContent.simple().tile, payload, neighbour(4))
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


@each_profile
def test_a_tile_with_more_latents_than_fit_an_array(profile: type[Content]) -> None:
    """Its samples would fit, the latents of a model with several channels do not."""
    tile = _core.BandTile(2**30, 2**15, 2**15)
    fine = [(1, profile.make_model(8, 3))]
    with pytest.raises(_core.CoreError, match="latents") as caught:
        profile.read(fine, tile, profile.start + b"\0\0\0")
    assert caught.value.args[2] == "bad-argument"
    with pytest.raises(_core.CoreError, match="latents"):
        profile.simple(tile=tile).write(fine)


# ---- several networks


@each_profile
def test_the_payload_tells_its_network(profile: type[Content]) -> None:
    """With which its latents are laid out; to which the others do not matter."""
    (_, coarse), (_, fine) = profile.networks
    rng = np.random.default_rng(2)
    networks = [*profile.networks, (8, coarse)]
    for number, (stride, model) in enumerate([(16, coarse), (4, fine), (8, coarse)]):
        shape = (2, model.channels, positions(profile.simple().tile, stride))
        latents = profile.latents_of(rng.integers(-4, 5, shape, np.int32))
        content = profile.simple(network=number, latents=latents)
        content.check_round_trip(networks)
        alone, _ = profile.simple(latents=latents).write([(stride, model)])
        payload, _ = content.write(networks)
        start = len(profile.start) + 2  # bytes of the step
        assert payload[start] == number
        assert payload[:start] + b"\0" + payload[start + 1 :] == alone


@each_profile
def test_networks_that_are_not_there(profile: type[Content]) -> None:
    content = profile.simple()
    payload, _ = content.write(profile.networks)
    at = len(profile.start) + 2  # behind the step
    for number in (2, 2**7 - 1):
        other = payload[:at] + bytes([number]) + payload[at + 1 :]
        with pytest.raises(_core.CoreError, match="network") as caught:
            profile.read(profile.networks, content.tile, other)
        assert caught.value.args[2] == "corrupt"
    with pytest.raises(_core.CoreError, match="network"):
        profile.read([], content.tile, payload)
    with pytest.raises(_core.CoreError, match="network"):
        content.write([])


@each_profile
@pytest.mark.parametrize("none", ["stride", "model"])
def test_networks_that_are_none(profile: type[Content], none: str) -> None:
    content = profile.simple()
    payload, _ = content.write(profile.networks)
    network: Any = (0, profile.networks[0][1]) if none == "stride" else (16, None)
    with pytest.raises(_core.CoreError, match="network") as caught:
        profile.read([network], content.tile, payload)
    assert caught.value.args[2] == "bad-argument"
    with pytest.raises(_core.CoreError, match="network"):
        content.write([network])
