"""Bytes that are no bounded payload end in an error; golden payloads decode for ever."""

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bounded_payload_cases import KINDS, cube, lossless, unlimited
from hyspec import _core
from reference import band, bounded

GOLDEN = sorted((Path(__file__).parent / "golden" / "payloads").glob("*-bounded-*.json"))


def read(path: Path) -> tuple[bytes, list[int], int]:
    content = json.loads(path.read_text(encoding="utf-8"))
    return bytes.fromhex(content["payload"]), content["tile"], content["checksum"]


@pytest.mark.parametrize("path", GOLDEN, ids=lambda p: p.stem)
def test_golden_payloads(path: Path) -> None:
    payload, tile, checksum = read(path)
    assert _core.decode_bounded_payload(_core.BandTile(*tile), payload)[-1] == checksum
    assert bounded.decode(payload, band.Tile(*tile)).checksum == checksum


def test_golden_payloads_are_there() -> None:
    assert len(GOLDEN) >= 8


def code_of(payload: bytes, tile: _core.BandTile) -> str | None:
    """Name of the error, or None."""
    try:
        _core.decode_bounded_payload(tile, payload)
    except _core.CoreError as error:
        return error.args[2]
    return None


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=200), st.integers(1, 4), st.integers(1, 9), st.integers(1, 9))
def test_any_bytes(payload: bytes, bands: int, rows: int, columns: int) -> None:
    assert code_of(payload, _core.BandTile(bands, rows, columns)) in (
        None,
        "corrupt",
        "truncated",
    )


@settings(max_examples=200, deadline=None)
@given(st.data(), st.sampled_from(KINDS), st.booleans())
def test_any_damage(data: st.DataObject, kind: str, relative: bool) -> None:
    samples = cube(kind, (4, 10, 11), -4000, 4000, 7)
    payload = bytearray(
        _core.encode_bounded_payload(samples, None, unlimited(4), numerator=1, denominator=99)[0]
        if relative
        else _core.encode_bounded_payload(samples, None, lossless(4))[0]
    )
    for _ in range(data.draw(st.integers(1, 8))):
        payload[data.draw(st.integers(0, len(payload) - 1))] = data.draw(st.integers(0, 255))
    tile = _core.BandTile(4, 10, 11)
    assert code_of(bytes(payload), tile) in (None, "corrupt", "truncated")


@pytest.mark.parametrize("kind", ["noise", "smooth"])
def test_every_cut_is_noticed(kind: str) -> None:
    samples = cube(kind, (3, 6, 7), 0, 500, 7)
    payload = _core.encode_bounded_payload(samples, None, lossless(3))[0]
    tile = _core.BandTile(3, 6, 7)
    for length in range(len(payload)):
        assert code_of(payload[:length], tile) in ("corrupt", "truncated")
    assert code_of(payload + bytes(4), tile) == "corrupt"


def header(*fields: int) -> bytes:
    """Varints of one byte, after that of the way."""
    return bytes([0, *fields])


@pytest.mark.parametrize(
    "payload",
    [
        header(0, 9, 33, 0, 1, 0, 0),  # too many bands of a prediction
        header(0, 9, 16, 4, 1, 0, 0),  # no such neighbourhood and kind of errors
        header(0, 9, 16, 2, 1, 0, 0, 9, 0, 0),  # a relative error of 0
        header(0, 9, 16, 2, 1, 0, 9, 9, 0, 0),  # and of 1
        header(0, 9, 16, 2, 1, 0, 9, 0, 0, 0),  # without a denominator
        header(0, 9, 16, 2, 1, 0, 9) + bytes.fromhex("818080080000"),  # denominator above 2^24
        header(0, 9, 16, 2, 1, 0, 1, 9) + bytes.fromhex("808080801000"),  # zero is no int32
        header(0, 9, 16, 2, 1, 0, 1, 9),  # without a zero
        header(0, 9, 16, 0, 2, 0, 0, 0),  # neither one limit nor three
        header(0, 9, 16, 0, 0, 0),  # no limit
        header(0, 9, 16, 0, 1, 0, 99),  # a mask beyond the end
        header(0, 9, 16, 0, 1, 0, 0, 1),  # not whole words
        header() + bytes.fromhex("feffffff0f") + bytes((1, 16, 0, 1, 0, 0)),  # above int32
        header() + bytes.fromhex("8080808010") + bytes((0, 16, 0, 1, 0, 0)),  # lowest is no int32
        header(0, 9, 16, 0, 1) + bytes.fromhex("8080808010") + bytes(1),  # limit of 2^32
        header(),
        b"",
        bytes((1, 0, 9, 16, 0, 1, 0, 0)),  # another way
        bytes((2, 0, 9, 16, 0, 1, 0, 0)),
        bytes.fromhex("8000") + header(9, 16, 0, 1, 0, 0)[1:],  # a way of two bytes
    ],
)
def test_bad_headers(payload: bytes) -> None:
    assert code_of(payload, _core.BandTile(3, 4, 4)) == "corrupt"


def test_a_constant_chunk_has_no_words() -> None:
    tile = _core.BandTile(2, 3, 3)
    payload = header(14, 0, 16, 0, 1, 0, 0)
    samples, valid, limits, _ = _core.decode_bounded_payload(tile, payload)
    assert np.all(samples == 7)
    assert valid is None
    assert limits.tolist() == [0, 0]
    assert code_of(payload + bytes(4), tile) == "corrupt"


def test_a_large_tile_ends_before_it_takes_memory() -> None:
    """A message that ends early is noticed long before the samples that it promises."""
    tile = _core.BandTile(2**16, 64, 64)
    assert code_of(header(0, 99, 32, 0, 1, 0, 0) + bytes(8), tile) == "truncated"
