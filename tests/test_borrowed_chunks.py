"""Streams whose chunks borrow a basis: what is lost with a carrier, and who must not lend."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import hyspec
from golden import make_streams
from hyspec import errors
from reference.container_builder import varint
from sharing_cases import TINY, Array, bases_of
from stream_forger import Chunk, Forger

DATA = (make_streams.FOLDER / "v1.0-spectral-shared-basis.hyc").read_bytes()
FORGER = Forger.of(DATA)
WHOLE = hyspec.decode(DATA, pack=TINY).array
#: The carrier of the lower row of tiles, and those that borrow from it.
CARRIER, BORROWERS = 5, [6, 7, 8, 9]


def rescued(data: bytes, threads: int = 1) -> tuple[Array, dict[int, str]]:
    """Samples where damage is filled, and what is said of each lost tile."""
    stream = hyspec.Stream(data, pack=TINY, threads=threads, on_damage="fill")
    found = stream[...]
    return found, {d.tile: d.reason for d in stream.damage}


def check_lost(data: bytes, lost: list[int]) -> dict[int, str]:
    """Only these tiles are lost, which is told for each; whatever the threads."""
    with pytest.raises(errors.StreamError):
        hyspec.decode(data, pack=TINY)
    wanted = WHOLE.copy()
    for tile in lost:
        row, column = tile // 5 * 16, tile % 5 * 16
        wanted[row : row + 16, column : column + 16] = 0
    for threads in (1, 4):
        found, reasons = rescued(data, threads)
        assert sorted(reasons) == lost
        np.testing.assert_array_equal(found, wanted)
    stream = hyspec.Stream(data, pack=TINY, on_damage="fill")
    assert sorted({d.tile for d in stream.check()}) == lost
    return reasons


def with_chunk(number: int, **changes: object) -> bytes:
    chunks: list[Chunk] = [*FORGER.chunks]
    chunks[number] = replace(chunks[number], **changes)  # type: ignore[arg-type]
    return replace(FORGER, chunks=chunks).seal()


def test_the_stream_is_what_it_is_for() -> None:
    assert FORGER.seal() == DATA
    found = bases_of(DATA, TINY)
    assert [f.back for f in found][5:] == [0, 1, 2, 3, 4]
    assert found[CARRIER].rows > max(found[6].planes, found[8].planes)


def test_a_missing_carrier() -> None:
    """All that borrow from it are lost, and say why."""
    chunks = [c for c in FORGER.chunks if c.tile != CARRIER]
    reasons = check_lost(replace(FORGER, chunks=chunks).seal(), [CARRIER, *BORROWERS])
    assert all("tile 5" in reason and "missing" in reason for reason in reasons.values())


@pytest.mark.parametrize("place", [1, -1])
def test_a_damaged_carrier(place: int) -> None:
    """The checksum of its payload covers what others do not need, too."""
    at = DATA.index(FORGER.chunks[CARRIER].payload)
    at += place if place > 0 else len(FORGER.chunks[CARRIER].payload) + place
    damaged = DATA[:at] + bytes([DATA[at] ^ 1]) + DATA[at + 1 :]
    reasons = check_lost(damaged, [CARRIER, *BORROWERS])
    assert all("tile 5" in reason for reason in reasons.values())


@pytest.mark.parametrize("tile", BORROWERS)
def test_a_damaged_borrower_is_lost_alone(tile: int) -> None:
    payload = FORGER.chunks[tile].payload
    check_lost(with_chunk(tile, payload=payload[:-1] + bytes([payload[-1] ^ 1])), [tile])
    chunks = [c for c in FORGER.chunks if c.tile != tile]
    check_lost(replace(FORGER, chunks=chunks).seal(), [tile])


@pytest.mark.parametrize(
    ("tile", "back", "words"),
    [
        (6, 2, "outside"),
        (6, 6, "outside"),
        (9, 5, "outside"),
        (9, 2**32 - 1, "outside"),
        (9, 2**32, "too far"),
        (9, 2**64 - 1, "too far"),
        (7, 1, "another tile"),  # which borrows itself
        (9, 1, "another tile"),
    ],
)
def test_tiles_that_lend_nothing(tile: int, back: int, words: str) -> None:
    payload = varint(back) + FORGER.chunks[tile].payload[1:]
    reasons = check_lost(with_chunk(tile, payload=payload), [tile])
    assert words in reasons[tile]


def test_the_first_tile_has_nobody_to_borrow_from() -> None:
    payload = b"\1" + FORGER.chunks[0].payload[1:]
    assert "outside" in check_lost(with_chunk(0, payload=payload), [0])[0]


def test_a_carrier_with_another_basis() -> None:
    """Sound by itself; that it is the wrong one, the checksums of the others tell."""
    cube, options = make_streams.CUBES["spectral-shared-basis"]
    finer = hyspec.encode(cube, pack=TINY, **{**options, "quality": 65})
    other = Forger.of(finer).chunks[CARRIER]
    data = with_chunk(CARRIER, payload=other.payload, symbols_crc=other.symbols_crc)
    with pytest.raises(errors.StreamError):
        hyspec.decode(data, pack=TINY)
    found, reasons = rescued(data)
    assert sorted(reasons) == BORROWERS
    expected = hyspec.decode(finer, pack=TINY).array
    np.testing.assert_array_equal(found[16:, :16], expected[16:, :16])


def test_a_carrier_whose_own_symbols_are_wrong() -> None:
    """Its basis is the right one: the others are sound."""
    check_lost(with_chunk(CARRIER, symbols_crc=1), [CARRIER])


@settings(deadline=None, max_examples=60)
@given(data=st.data())
def test_carriers_changed_behind_their_checksum(data: st.DataObject) -> None:
    """Nothing but the carrier and those that borrow from it may be lost; all else is exact."""
    payload = bytearray(FORGER.chunks[CARRIER].payload)
    for _ in range(data.draw(st.integers(1, 3))):
        payload[data.draw(st.integers(0, len(payload) - 1))] = data.draw(st.integers(0, 255))
    found, reasons = rescued(with_chunk(CARRIER, payload=bytes(payload)))
    assert set(reasons) <= {CARRIER, *BORROWERS}
    for tile in set(range(10)) - set(reasons) - {CARRIER}:
        row, column = tile // 5 * 16, tile % 5 * 16
        part = np.s_[row : row + 16, column : column + 16]
        np.testing.assert_array_equal(found[part], WHOLE[part])


def test_a_borrower_is_read_without_decoding_the_rest_of_its_row() -> None:
    """Only its chunk and the carrier's: damage elsewhere does not matter."""
    chunks = [c for c in FORGER.chunks if c.tile in (CARRIER, 8)]
    data = replace(FORGER, chunks=chunks).seal()
    stream = hyspec.Stream(data, pack=TINY, on_damage="fill")
    np.testing.assert_array_equal(stream[16:, 48:64], WHOLE[16:, 48:64])
    assert not stream.damage
