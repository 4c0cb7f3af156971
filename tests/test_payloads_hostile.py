"""Payloads of each profile that no encoder wrote: refused, or symbols like any others."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from band_payload_cases import BandContent
from hyspec import _core
from payload_cases import Content
from spectral_payload_cases import SpectralContent, neighbour

PROFILES: list[type[Content]] = [BandContent, SpectralContent]
each_profile = pytest.mark.parametrize("profile", PROFILES)
each_kind = pytest.mark.parametrize(
    "content",
    [
        *(profile.masked() for profile in PROFILES),
        SpectralContent.grouped(),
        SpectralContent.borrowed(shared=neighbour(4)),
    ],
    ids=["band", "spectral", "grouped", "borrowed"],
)


def check_bytes(profile: type[Content], tile: _core.BandTile, payload: bytes) -> None:
    """Decoding ends in a refusal of the bytes or in symbols that can be written again."""
    try:
        content, _ = profile.read(profile.networks, tile, payload)
    except _core.CoreError as error:
        assert error.args[2] in ("corrupt", "truncated")
        return
    content.check_round_trip(profile.networks)


@each_profile
@settings(deadline=None, max_examples=120)
@given(
    payload=st.binary(max_size=80),
    tile=st.builds(_core.BandTile, st.integers(1, 7), st.integers(1, 20), st.integers(1, 20)),
    network=st.integers(0, 1),
)
def test_any_bytes(
    profile: type[Content], payload: bytes, tile: _core.BandTile, network: int
) -> None:
    check_bytes(profile, tile, payload)
    start = profile.start + bytes([0, network, 0])
    check_bytes(profile, tile, start + payload[: len(payload) // 4 * 4])


@each_kind
@settings(deadline=None, max_examples=100)
@given(data=st.data())
def test_changed_bytes(content: Content, data: st.DataObject) -> None:
    profile = type(content)
    payload = bytearray(content.write(profile.networks)[0])
    for _ in range(data.draw(st.integers(1, 3))):
        payload[data.draw(st.integers(0, len(payload) - 1))] = data.draw(st.integers(0, 255))
    check_bytes(profile, content.tile, bytes(payload))


@each_kind
def test_every_bit_flip(content: Content) -> None:
    profile = type(content)
    payload = content.write(profile.networks)[0]
    for bit in range(8 * len(payload)):
        damaged = bytearray(payload)
        damaged[bit // 8] ^= 1 << bit % 8
        check_bytes(profile, content.tile, bytes(damaged))


@each_profile
@pytest.mark.parametrize("kind", ["simple", "masked", "constant"])
def test_every_truncation_is_refused(profile: type[Content], kind: str) -> None:
    content: Content = getattr(profile, kind)()
    payload, _ = content.write(profile.networks)
    for length in range(len(payload)):
        with pytest.raises(_core.CoreError):
            profile.read(profile.networks, content.tile, payload[:length])
    for more in (b"\0", b"\0\0\0\0", b"\1\2\3\4"):
        with pytest.raises(_core.CoreError):
            profile.read(profile.networks, content.tile, payload + more)


@each_profile
@pytest.mark.parametrize(
    ("start", "name"),
    [
        ("ff 0f", None),  # step -1024 is the lowest
        ("81 10", "corrupt"),
        ("80 18", None),  # step 1536 is the highest
        ("82 18", "corrupt"),
        ("81 00", "corrupt"),  # a varint with needless bytes
        ("ff ff ff ff ff ff ff ff ff 01", "corrupt"),
        ("00 02", "corrupt"),  # the network
        ("00 ff ff ff ff ff ff ff ff ff 01", "corrupt"),
        ("00 00 ff ff ff ff ff ff ff ff ff 01", "truncated"),  # the mask
        ("00 00 05", "truncated"),
    ],
)
def test_steps_networks_and_mask_lengths(
    profile: type[Content], start: str, name: str | None
) -> None:
    content = profile.constant()
    words = content.write(profile.networks)[0][len(profile.start) + 4 :]
    head = profile.start + bytes.fromhex(start)
    if name is None:
        found, _ = profile.read(profile.networks, content.tile, head + b"\0\0" + words)
        assert found.step in (_core.MIN_STEP, _core.MAX_STEP)
        return
    with pytest.raises(_core.CoreError) as caught:
        profile.read(profile.networks, content.tile, head)
    assert caught.value.args[2] == name
