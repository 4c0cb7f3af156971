"""Payloads of corrections come back, alike in both decoders, and any bytes end in an error."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bounded_payload_cases import masks
from corrected_cases import Array, any_corrections
from hyspec import _core
from reference import corrections
from reference.band import PayloadError, Tile
from reference.container import FormatError, Reader
from reference.range_decoder import MessageError

GOLDEN = sorted((Path(__file__).parent / "golden" / "payloads").glob("*-corrections-*.json"))
MOST = 2**30 - 1
BASE, CRC = b"any base", 1234


def plain(payload: bytes, shape: tuple[int, ...], valid: Array | None) -> tuple[Any, int]:
    reader = Reader(payload)
    tile = Tile(*shape)
    corrections.decode_header(reader, tile)
    return corrections.decode_corrections(reader, tile, valid, CRC)


def write(found: Array, valid: Array | None = None, limit: int = 9, tolerance: int = 3) -> bytes:
    limits = np.full(len(found), limit, np.uint32)
    return _core.encode_corrected_payload(BASE, found, valid, limits, tolerance, CRC)[0]


def check(found: Array, valid: Array | None, limits: Array, tolerance: int) -> None:
    payload, written = _core.encode_corrected_payload(BASE, found, valid, limits, tolerance, CRC)
    tile = _core.BandTile(*found.shape)
    header = _core.read_corrected_header(tile, payload)
    assert (header[0], header[1].tolist(), header[2]) == (tolerance, limits.tolist(), BASE)
    again, read = _core.decode_corrections(tile, payload, valid, CRC)
    expected = found if valid is None else np.where(valid == 1, found, 0)
    assert written == read
    np.testing.assert_array_equal(again, expected)
    second, checksum = plain(payload, found.shape, valid)
    assert checksum == written
    np.testing.assert_array_equal(second, expected)


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_any_corrections(data: st.DataObject) -> None:
    shape = (
        data.draw(st.integers(1, 6)),
        data.draw(st.integers(1, 9)),
        data.draw(st.integers(1, 12)),
    )
    rng = np.random.default_rng(data.draw(st.integers(0, 2**32)))
    share = data.draw(st.sampled_from([0, 0.003, 0.05, 0.3, 1]))
    found = any_corrections(rng, shape, share, data.draw(st.sampled_from([1, 3, 20, 5000, MOST])))
    limit = st.integers(100, 2**31 - 1)
    limits = np.array(data.draw(st.lists(limit, min_size=shape[0], max_size=shape[0])), np.uint32)
    if data.draw(st.booleans()):
        limits[:] = limits[0]
    check(found, data.draw(masks(shape)), limits, data.draw(st.integers(0, 200)))


@pytest.mark.parametrize("share", [0.002, 0.03, 0.4])
def test_corrections_that_look_like_real_ones(share: float) -> None:
    """Enough of them for histories, rate and models to adapt."""
    found = any_corrections(np.random.default_rng(3), (14, 24, 30), share, 40)
    check(found, None, np.full(14, 5, np.uint32), 2)


def test_bands_without_corrections_cost_next_to_nothing() -> None:
    assert len(write(np.zeros((300, 64, 64), np.int32))) < 40


def test_clusters_cost_less_than_scattered_corrections() -> None:
    rng = np.random.default_rng(1)
    scattered = (rng.random((20, 48, 48)) < 0.05).astype(np.int32)
    clustered = np.broadcast_to(rng.random((48, 48)) < 0.05, (20, 48, 48)).astype(np.int32)
    assert len(write(clustered)) < 0.3 * len(write(scattered))


def test_what_is_not_valid_does_not_matter() -> None:
    rng = np.random.default_rng(2)
    found = any_corrections(rng, (4, 9, 9), 0.3, 9)
    valid = (rng.random(found.shape) < 0.7).astype(np.uint8)
    other = np.where(valid == 1, found, rng.integers(-MOST, MOST, found.shape)).astype(np.int32)
    assert write(found, valid) == write(other, valid)


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"max_errors": np.full(3, 9, np.uint32)}, "max_errors"),
        ({"max_errors": np.full(2, 2**31, np.uint32)}, "limit"),
        ({"max_errors": np.array([9, 1], np.uint32)}, "differ"),
        ({"tolerance": 19}, "differ"),
        ({"valid": np.ones((2, 3, 5), np.uint8)}, "valid"),
        ({"corrections": np.full((2, 3, 4), MOST + 1, np.int32)}, "too large"),
        ({"corrections": np.full((2, 3, 4), -(2**31), np.int32)}, "too large"),
        ({"corrections": np.zeros((2, 0, 4), np.int32)}, "at least one"),
    ],
)
def test_bad_arguments(change: dict[str, object], text: str) -> None:
    arguments = {
        "base": BASE,
        "corrections": np.zeros((2, 3, 4), np.int32),
        "valid": None,
        "max_errors": np.full(2, 9, np.uint32),
        "tolerance": 3,
        "checksum": CRC,
    }
    with pytest.raises(_core.CoreError, match=text) as caught:
        _core.encode_corrected_payload(**{**arguments, **change})  # type: ignore[arg-type]
    assert caught.value.args[2] == "bad-argument"


# ---- golden payloads -----------------------------------------------------------------------------


@pytest.mark.parametrize("path", GOLDEN, ids=lambda p: p.stem)
def test_golden_payloads(path: Path) -> None:
    content = json.loads(path.read_text(encoding="utf-8"))
    payload, shape = bytes.fromhex(content["payload"]), content["tile"]
    valid = None
    if "valid" in content:
        bits = np.frombuffer(bytes.fromhex(content["valid"]), np.uint8)
        valid = np.unpackbits(bits, count=int(np.prod(shape))).reshape(shape)
    tile = _core.BandTile(*shape)
    found, checksum = _core.decode_corrections(tile, payload, valid, content["checksum_of_base"])
    assert checksum == content["checksum"]
    assert np.count_nonzero(found) == content["nonzero"]


def test_golden_payloads_are_there() -> None:
    assert len(GOLDEN) >= 3


# ---- hostile bytes -------------------------------------------------------------------------------


def outcome(payload: bytes, shape: tuple[int, ...], valid: Array | None = None) -> object:
    """The checksum that both decoders find, or None if both refuse."""
    core = refused = None
    try:
        core = _core.decode_corrections(_core.BandTile(*shape), payload, valid, CRC)[1]
    except _core.CoreError as error:
        refused = error.args[2]
    assert refused in (None, "corrupt", "truncated")
    try:
        second = plain(payload, shape, valid)[1]
    except (FormatError, MessageError, PayloadError):
        second = None
    assert core == second
    return core


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=80), st.booleans())
def test_any_bytes(rest: bytes, begun: bool) -> None:
    """With a header, random words are corrections of any size, up to where they break off."""
    outcome((b"\1\3\1\x09\0" if begun else b"") + rest, (3, 4, 5))


@settings(max_examples=150, deadline=None)
@given(st.data(), st.sampled_from([0.01, 0.3]))
def test_damage_is_judged_alike(data: st.DataObject, share: float) -> None:
    shape = (3, 5, 6)
    payload = bytearray(write(any_corrections(np.random.default_rng(4), shape, share, 60)))
    for _ in range(data.draw(st.integers(1, 3))):
        payload[data.draw(st.integers(0, len(payload) - 1))] ^= data.draw(st.integers(1, 255))
    length = data.draw(st.just(len(payload)) | st.integers(0, len(payload)))
    outcome(bytes(payload[:length]), shape)


def test_every_flip_and_every_cut() -> None:
    shape = (3, 6, 7)
    valid = np.ones(shape, np.uint8)
    valid[1] = 0
    payload = write(any_corrections(np.random.default_rng(6), shape, 0.2, MOST), valid)
    for at in range(len(payload)):
        outcome(payload[:at] + bytes([payload[at] ^ 0x81]) + payload[at + 1 :], shape, valid)
        assert outcome(payload[:at], shape, valid) is None
    assert outcome(payload + bytes(4), shape, valid) is None


@pytest.mark.parametrize(
    "header",
    [
        b"",
        b"\0\3\1\x09\0",  # another way
        b"\2\3\1\x09\0",
        b"\1" + bytes.fromhex("8080808008") + b"\1\x09\0",  # a tolerance of 2^31
        b"\1\x13\1\x09\0",  # more than twice the limit
        b"\1\3\3\x09\1\x09\0",  # than twice one of the limits
        b"\1\3\2\x09\x09\0",  # neither one limit nor three
        b"\1\3\1" + bytes.fromhex("8080808008") + b"\0",  # a limit of 2^31
        b"\1\3\1\x09\x09",  # a base beyond the end
        b"\1\3\1\x09" + bytes.fromhex("ffffffffffffffffff01"),
        b"\1\3\1\x09\0\0",  # not whole words
    ],
)
def test_bad_headers(header: bytes) -> None:
    assert outcome(header, (3, 2, 2)) is None


def test_a_large_tile_ends_before_it_takes_memory() -> None:
    """A message that ends early is noticed long before the samples that it promises."""
    with pytest.raises(_core.CoreError) as caught:
        _core.decode_corrections(
            _core.BandTile(2**16, 64, 64), b"\1\3\1\x09\0" + b"\x5a" * 8, None, CRC
        )
    assert caught.value.args[2] in ("corrupt", "truncated")
