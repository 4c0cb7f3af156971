"""Damage at any place of small streams: what is sound comes back exactly, the loss is told."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hyspec import _core, errors
from reference import container
from small_streams import BAND, SPECTRAL, SmallStream, each_stream
from spectral_payload_cases import SpectralContent


@pytest.mark.parametrize(
    ("stream", "constant"), [(BAND, 0), (SPECTRAL, 3)], ids=["band", "spectral"]
)
def test_the_forger_seals_what_he_took_apart(stream: SmallStream, constant: int) -> None:
    """Streams that are short, with masks and a constant band."""
    assert stream.forger.seal() == stream.data
    assert len(stream.entries) == 4
    assert len(stream.data) < 700
    np.testing.assert_array_equal(stream.decoded == -999, stream.cube.array == -999)
    np.testing.assert_array_equal(stream.decoded[8:, :, constant], 40)


def test_every_spectral_chunk_has_planes() -> None:
    for chunk in SPECTRAL.forger.chunks:
        tile = _core.BandTile(2 + chunk.interval, chunk.rows, 9)
        content, _ = SpectralContent.read(SPECTRAL.networks, tile, chunk.payload)
        assert len(content.scale) > 0


@each_stream
def test_every_truncation(stream: SmallStream) -> None:
    first_whole = stream.entries[0].offset + stream.entries[0].length
    for length in range(len(stream.data)):
        data = stream.data[:length]
        with pytest.raises(errors.StreamError):
            stream.decode(data)
        if length < first_whole:
            with pytest.raises(errors.StreamError):
                stream.rescue(data)
        else:
            stream.check_rescued(data, stream.hit(length, len(stream.data)))


@each_stream
def test_every_bit_flip(stream: SmallStream) -> None:
    for bit in range(8 * len(stream.data)):
        at = bit // 8
        damaged = bytearray(stream.data)
        damaged[at] ^= 1 << bit % 8
        data = bytes(damaged)
        with pytest.raises(errors.StreamError):
            stream.decode(data)
        if at < stream.preamble:
            with pytest.raises(errors.StreamError):
                stream.rescue(data)
        else:
            stream.check_rescued(data, stream.hit(at, at + 1))


def test_a_chunk_that_lost_as_many_bytes_as_the_next_one_has() -> None:
    """Its stated length then leads from its header to the end of the next chunk."""
    shortened, following = BAND.entries[1], BAND.entries[2]
    end = shortened.offset + shortened.length
    assert following.length < shortened.length - 20
    BAND.check_rescued(BAND.data[: end - following.length] + BAND.data[end:], {1})


@each_stream
@settings(deadline=None, max_examples=60)
@given(data=st.data(), gap=st.integers(0, 200), new=st.binary(max_size=200))
def test_bytes_replaced_anywhere_behind_the_preamble(
    stream: SmallStream, data: st.DataObject, gap: int, new: bytes
) -> None:
    at = data.draw(st.integers(stream.preamble, len(stream.data)))
    may_be_lost = stream.hit(at, at + max(gap, 1))
    try:
        found, told = stream.rescue(stream.data[:at] + new + stream.data[at + gap :])
    except errors.StreamError:
        assert len(may_be_lost) == len(stream.entries)
        return
    assert told <= {stream.place(chunk) for chunk in may_be_lost}
    for chunk in range(len(stream.entries)):
        if stream.place(chunk) not in told:
            part = stream.samples(chunk)
            np.testing.assert_array_equal(found[part], stream.decoded[part])


@each_stream
@settings(deadline=None, max_examples=60)
@given(data=st.binary(max_size=300))
def test_any_bytes(stream: SmallStream, data: bytes) -> None:
    for content in (data, container.SIGNATURE + data, stream.data[: stream.preamble] + data):
        for on_damage in ("raise", "fill"):
            with pytest.raises(errors.StreamError):
                stream.decode(content, on_damage=on_damage)


@each_stream
def test_parts_that_are_not_damaged_can_be_read(stream: SmallStream) -> None:
    entry = stream.entries[2]
    at = entry.offset + entry.length - 1
    data = stream.data[:at] + bytes([stream.data[at] ^ 4]) + stream.data[at + 1 :]
    np.testing.assert_array_equal(stream.decode(data, rows=(0, 8)), stream.decoded[:8])
    sound = stream.bands[1]
    found = stream.decode(data, bands=(sound.start, sound.stop))
    np.testing.assert_array_equal(found, stream.decoded[..., sound])
    with pytest.raises(errors.StreamError, match="tile 1"):
        stream.decode(data, rows=(9, 10), bands=(0, 1))


# ---- behind correct checksums


@each_stream
def test_chunks_that_changed_places(stream: SmallStream) -> None:
    """Payloads that are sound, but of another interval."""
    one, two, *others = stream.forger.chunks
    swapped = [
        replace(one, payload=two.payload, symbols_crc=two.symbols_crc),
        replace(two, payload=one.payload, symbols_crc=one.symbols_crc),
    ]
    data = replace(stream.forger, chunks=[*swapped, *others]).seal()
    with pytest.raises(errors.StreamError):
        stream.decode(data)
    stream.check_rescued(data, {0, 1})


@each_stream
def test_wrong_symbols_checksum(stream: SmallStream) -> None:
    first, *others = stream.forger.chunks
    data = replace(stream.forger, chunks=[replace(first, symbols_crc=1), *others]).seal()
    with pytest.raises(errors.StreamError, match="00000001"):
        stream.decode(data)
    stream.check_rescued(data, {0})


@each_stream
@pytest.mark.parametrize("rows", [1, 7, 9, 2**31 - 1])
def test_rows_of_a_chunk_that_are_not_those_of_its_tile(stream: SmallStream, rows: int) -> None:
    first, *others = stream.forger.chunks
    data = replace(stream.forger, chunks=[replace(first, rows=rows), *others]).seal()
    with pytest.raises(errors.StreamError):
        stream.decode(data)
    stream.check_rescued(data, {0})


@each_stream
@settings(deadline=None, max_examples=100)
@given(data=st.data())
def test_payloads_changed_behind_their_checksum(stream: SmallStream, data: st.DataObject) -> None:
    """Whatever the entropy decoder makes of them, the symbols' checksum tells."""
    k = data.draw(st.integers(0, 3))
    payload = bytearray(stream.forger.chunks[k].payload)
    for _ in range(data.draw(st.integers(1, 3))):
        payload[data.draw(st.integers(0, len(payload) - 1))] = data.draw(st.integers(0, 255))
    chunks = [*stream.forger.chunks]
    chunks[k] = replace(chunks[k], payload=bytes(payload))
    changed = replace(stream.forger, chunks=chunks).seal()
    found, told = stream.rescue(changed)
    assert found.shape == stream.decoded.shape
    assert told <= {stream.place(k)}
    if told:  # otherwise step, network or mask say something else, which nothing covers
        stream.check_rescued(changed, {k})
