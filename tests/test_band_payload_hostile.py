"""Payloads of the band profile that no encoder wrote: refused, or symbols like any others."""

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from band_payload_cases import (
    HIGHEST,
    LOWEST,
    MAX_SCALE,
    NETWORKS,
    Content,
    check_round_trip,
    simple,
    write,
)
from hyspec import _core
from reference import band
from reference.range_decoder import Table


def check_bytes(tile: _core.BandTile, payload: bytes) -> None:
    """Decoding ends in a refusal of the bytes or in symbols that can be written again."""
    try:
        decoded = _core.decode_band_payload(NETWORKS, tile, payload)
    except _core.CoreError as error:
        assert error.args[2] in ("corrupt", "truncated")
        return
    check_round_trip(NETWORKS, Content(tile, *decoded[:-1]))


@settings(deadline=None, max_examples=120)
@given(
    st.binary(max_size=80),
    st.builds(_core.BandTile, st.integers(1, 5), st.integers(1, 20), st.integers(1, 20)),
    st.integers(0, 1),
)
def test_any_bytes(payload: bytes, tile: _core.BandTile, network: int) -> None:
    check_bytes(tile, payload)
    check_bytes(tile, bytes([0, network, 0]) + payload[: len(payload) // 4 * 4])


@settings(deadline=None, max_examples=100)
@given(st.data())
def test_changed_bytes(data: st.DataObject) -> None:
    valid = np.ones((3, 20, 40), np.uint8)
    valid[:, 3:9, 7:12] = 0
    content = simple(valid=valid)
    payload = bytearray(write(NETWORKS, content)[0])
    for _ in range(data.draw(st.integers(1, 3))):
        payload[data.draw(st.integers(0, len(payload) - 1))] = data.draw(st.integers(0, 255))
    check_bytes(content.tile, bytes(payload))


def test_every_truncation_is_refused() -> None:
    content = simple()
    payload, _ = write(NETWORKS, content)
    for length in range(len(payload)):
        with pytest.raises(_core.CoreError):
            _core.decode_band_payload(NETWORKS, content.tile, payload[:length])
    for more in (b"\0", b"\0\0\0\0", b"\1\2\3\4"):
        with pytest.raises(_core.CoreError):
            _core.decode_band_payload(NETWORKS, content.tile, payload + more)


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
def test_steps_networks_and_mask_lengths(start: str, name: str | None) -> None:
    content = simple(scale=np.zeros(3, np.int32), latents=np.zeros((0, 3, 6), "i4"))
    words = write(NETWORKS, content)[0][4:]
    head = bytes.fromhex(start)
    if name is None:
        decoded = _core.decode_band_payload(NETWORKS, content.tile, head + b"\0\0" + words)
        assert decoded[0] in (_core.MIN_STEP, _core.MAX_STEP)
        return
    with pytest.raises(_core.CoreError) as caught:
        _core.decode_band_payload(NETWORKS, content.tile, head)
    assert caught.value.args[2] == name


def side_runs(*runs: list[int]) -> npt.NDArray[np.uint32]:
    """Words of side runs that use side table 3."""
    number = Table(0, [4096] * 15 + [4095, 1])  # all but the last one as in a uniform symbol
    symbols = [symbol for run in runs for symbol in [3, *run]]
    index = [table for run in runs for table in [16, *[3] * len(run)]]
    tables = [*band.SIDE_TABLES, number]
    freq = np.concatenate([t.freq for t in tables]).astype(np.uint16)
    start = np.cumsum([0, *(len(t.freq) for t in tables)]).astype(np.uint32)
    first = np.array([t.first for t in tables], np.int32)
    return _core.encode_symbols(
        _core.CdfTables(freq, start, first),
        np.array(symbols, np.int32),
        np.array(index, np.uint16),
    )


@pytest.mark.parametrize("scale", [0, MAX_SCALE, -1, MAX_SCALE + 1, LOWEST, HIGHEST])
def test_a_scale_out_of_range_is_refused(scale: int) -> None:
    """The step is the highest: no such band is active."""
    tile = _core.BandTile(2, 1, 1)
    payload = b"\x80\x18\x00\x00" + side_runs([scale, 0], [0, 0]).astype("<u4").tobytes()
    if 0 <= scale <= MAX_SCALE:
        decoded = _core.decode_band_payload(NETWORKS, tile, payload)
        assert decoded[3].tolist() == [scale, scale]
        return
    with pytest.raises(_core.CoreError, match="scale"):
        _core.decode_band_payload(NETWORKS, tile, payload)
