"""Lying and malicious streams through the whole decoder.

Each ends in a HyspecError, or in the right samples, within seconds and bounded memory.
"""

from __future__ import annotations

import time
import zlib
from collections.abc import Iterator
from dataclasses import replace
from itertools import chain
from pathlib import Path

import numpy as np
import pytest

import hyspec
from hyspec import errors, pack
from reference import container
from reference import container_builder as b
from script_cases import bound_memory, needs_proc, peak_growth, run_alone
from small_streams import BAND, SPECTRAL, SmallStream, each_stream
from stream_forger import varints

HUGE = [2**31 - 1, 2**31, 2**32, 2**53, 2**62, 2**63 - 1, 2**63, 2**64 - 1]


# ---- files


def test_files_that_are_no_streams(tmp_path: Path) -> None:
    empty = tmp_path / "empty.hyc"
    empty.touch()
    with pytest.raises(errors.StreamError, match="empty"):
        hyspec.open(empty)
    with pytest.raises(errors.StreamError):
        hyspec.decode(b"")
    with pytest.raises(errors.DataError, match="not a regular file"):
        hyspec.open(tmp_path)
    with pytest.raises(errors.DataError):
        hyspec.open(tmp_path / "missing.hyc")
    for content in (b"\0", b"ENVI\n", b"\x89PNG\r\n\x1a\n" + bytes(100), BAND.data[8:]):
        path = tmp_path / "other.hyc"
        path.write_bytes(content)
        for on_damage in ("raise", "fill"):
            with pytest.raises(errors.StreamError):
                hyspec.open(path, on_damage=on_damage)


def test_damaged_files(tmp_path: Path) -> None:
    """The same through a mapped file, at a few places."""
    path = tmp_path / "damaged.hyc"
    for length in (
        BAND.preamble - 1,
        BAND.preamble + 30,
        len(BAND.data) - 9,
        len(BAND.data) - 1,
    ):
        path.write_bytes(BAND.data[:length])
        with pytest.raises(errors.StreamError):
            hyspec.open(path, pack=BAND.pack)
    with hyspec.open(path, pack=BAND.pack, on_damage="fill", threads=1) as stream:
        np.testing.assert_array_equal(stream[...], BAND.decoded)


# ---- lies behind correct checksums


def lying_shapes() -> Iterator[tuple[str, bytes]]:
    """Sizes that the chunks do not have, with and without an index that tells the same lie."""
    for n in HUGE:
        v = b.varint(n)
        three, pair = b.varint(3), varints(8, 9)
        cases = {
            "rows": {1: v + b.varint(9) + three},
            "columns": {1: b.varint(14) + v + three},
            "bands": {1: varints(14, 9) + v},
            "bands-and-intervals": {1: varints(14, 9) + v, 11: b.varint(1) + v + b"\0"},
            "tile-rows": {5: v + b.varint(9)},
            "tile-columns": {5: b.varint(8) + v},
            "tile": {5: v + v},
            "interval": {11: b.varint(2) + v + varints(0, 2, 0)},
            "interval-count": {11: v + varints(1, 0, 2, 0)},
            "model": {11: varints(2, 1) + v + varints(2, 0)},
            "everything": {1: v * 3, 5: pair},
        }
        for name, changes in cases.items():
            forger = BAND.forger.with_fields(changes)
            try:
                rows = container.Reader(changes.get(1, b"\x0e")).varint()
                yield f"{name} {n}", replace(forger, rows=rows).seal()
            except OverflowError:
                pass
            yield f"{name} {n} without index", forger.seal(index=False)


def lying_chunks() -> Iterator[tuple[str, bytes]]:
    """Single chunks of shapes that fit the format and no memory, with payloads of a few bytes."""
    most = 2**26
    for shape in (
        (2**13, 2**13, 65535),
        (1, most, 65535),
        (most, 1, 65535),
        (most, 1, 300),
        (2**13, 2**13, 100),
        (1, 1, 65535),
        (4096, 4096, 30),
        (20000, 3000, 2),
    ):
        for payload in (
            b"",
            b"\0\0\0",
            b"\0\0\0" + bytes(40),
            b"\0\1\0" + bytes(40),
            b"\0\0\4" + bytes(44),
            bytes(1000),
        ):
            yield f"{shape} {payload[:4].hex()}", BAND.forger.single(shape, payload=payload).seal()


def missing_chunks() -> Iterator[tuple[str, bytes]]:
    """Shapes of very many tiles, of which a stream without index has four."""
    for rows, columns, tile_rows, tile_columns in (
        (2**31 - 1, 1, 1, 1),
        (2**31 - 1, 9, 8, 9),
        (2**15, 2**15, 1, 1),
        (2**31 - 1, 2**31 - 1, 2**13, 2**13),
        (2**20, 2**10, 2**10, 2**10),
    ):
        forger = BAND.forger.with_fields(
            {1: varints(rows, columns, 3), 5: varints(tile_rows, tile_columns)}
        )
        chunks = [replace(c, rows=tile_rows) for c in BAND.forger.chunks]
        shape = (rows, columns, tile_rows, tile_columns)
        yield f"{shape}", replace(forger, chunks=chunks).seal(index=False)


def try_all(streams: Iterator[tuple[str, bytes]]) -> dict[str, int]:
    """Open, decode a sample, decode everything; count what each ends in."""
    ends: dict[str, int] = {}
    for name, data in streams:
        started = time.perf_counter()
        for settings_ in ({}, {"on_damage": "fill"}, {"rows": 0, "cols": 0, "bands": 0}):
            try:
                BAND.decode(data, **settings_)
                end = "decoded"
            except errors.HyspecError as error:
                end = type(error).__name__
            ends[end] = ends.get(end, 0) + 1
        assert time.perf_counter() - started < 5, name
    return ends


def try_all_lies() -> dict[str, int]:
    BAND.decode(BAND.data)
    bound_memory(192 << 20)
    return try_all(chain(lying_shapes(), lying_chunks(), missing_chunks()))


@needs_proc
def test_lies_within_bounded_memory() -> None:
    """In a process that may take 192 MiB more than it has after decoding the sound stream."""
    ends = run_alone(try_all_lies, timeout=300)
    assert set(ends) <= {"StreamError", "LimitError", "UnsupportedVersionError", "decoded"}
    assert ends["LimitError"] > 30
    assert ends["StreamError"] > 100


def test_more_memory_than_allowed() -> None:
    for shape in ((2**13, 2**13, 65535), (2**13, 2**13, 100), (1, 2**26, 65535)):
        data = BAND.forger.single(shape, payload=b"\0\0\0").seal()
        for part in ({}, {"rows": (0, 1), "cols": (0, 1), "bands": (0, 1)}):
            with pytest.raises(errors.LimitError, match="bytes"):
                BAND.decode(data, **part)
    with pytest.raises(errors.LimitError):
        BAND.decode(BAND.data, max_bytes=500)
    np.testing.assert_array_equal(BAND.decode(BAND.data, max_bytes=50_000), BAND.decoded)


# ---- packs, profiles, metadata


def test_a_model_beyond_the_pack() -> None:
    for model in (1, 65535):
        data = BAND.forger.with_fields({11: varints(2, 1, 0, 2, model)}).seal()
        with pytest.raises(errors.StreamError, match=f"model {model}"):
            BAND.decode(data)
        np.testing.assert_array_equal(BAND.decode(data, bands=(0, 1)), BAND.decoded[..., :1])
        BAND.check_rescued(data, {1, 3})


def test_unknown_packs() -> None:
    data = BAND.forger.with_fields({9: bytes(32) + b"unheard-of"}).seal()
    with pytest.raises(errors.PackNotFoundError, match="unheard-of"):
        hyspec.decode(data)
    with pytest.raises(errors.PackNotFoundError, match="unheard-of"):
        hyspec.decode(data, on_damage="fill")
    with pytest.raises(errors.PackNotFoundError, match="the given pack"):
        BAND.decode(data)
    # The header can still be read.
    assert hyspec.Stream(data).shape == BAND.cube.shape
    fields = {tag: content for tag, content in BAND.forger.fields.items() if tag != 9}
    with pytest.raises(errors.StreamError, match="names no pack"):
        BAND.decode(replace(BAND.forger, fields=fields).seal())


def test_packs_of_another_profile() -> None:
    """Streams that name one, and packs that are given, are told apart by their profile."""
    other = pack.load(BAND.pack)
    data = SPECTRAL.forger.with_fields({9: other.id + other.name.encode()}).seal()
    with pytest.raises(errors.PackError, match="'band'"):
        hyspec.decode(data, pack=BAND.pack)
    with pytest.raises(errors.PackNotFoundError):
        hyspec.decode(SPECTRAL.data, pack=BAND.pack)
    band = SPECTRAL.forger.with_fields({7: b"\1\2"}).seal()
    with pytest.raises(errors.PackError, match="'spectral'"):
        SPECTRAL.decode(band)


@each_stream
@pytest.mark.parametrize(
    "profile",
    [(0, 0), (1, 0), (1, 1), (1, 255), (2, 0), (2, 2), (2, 255), (3, 0), (255, 255)],
)
def test_unknown_profiles(stream: SmallStream, profile: tuple[int, int]) -> None:
    data = stream.forger.with_fields({7: bytes(profile)}).seal()
    for on_damage in ("raise", "fill"):
        with pytest.raises(errors.UnsupportedVersionError, match="profile"):
            stream.decode(data, on_damage=on_damage)


@pytest.mark.parametrize(
    "metadata",
    [
        b"x",
        zlib.compress(b""),
        zlib.compress(b"{"),
        zlib.compress(b"[1, 2]"),
        zlib.compress(b'"text"'),
        zlib.compress(b'{"a": "\xff"}'),
        zlib.compress(b'{"a": ' + b"9" * 5000 + b"}"),
        zlib.compress(b'{"envi": {"note": "small"}}')[:-1],
        zlib.compress(b"[" * 1_000_000),
        zlib.compress(b'{"a": "' + bytes(100) + b'"}'),
        zlib.compress(b" " * (1 << 26)),
        zlib.compress(b'{"a": "' + b" " * (1 << 26) + b'"}'),
    ],
    ids=lambda metadata: f"{len(metadata)} bytes",
)
def test_metadata_that_cannot_be_read(metadata: bytes) -> None:
    data = BAND.forger.with_fields({10: metadata}).seal()
    with pytest.raises(errors.StreamError, match="metadata"):
        BAND.decode(data)


def growth_for_a_bomb() -> int:
    """Bytes of memory that a stream of 1.2 MB takes, whose metadata would be 256 MiB."""
    bomb = zlib.compressobj(1)
    content = b"".join(bomb.compress(bytes(1 << 24)) for _ in range(16)) + bomb.flush()
    data = BAND.forger.with_fields({10: content}).seal()

    def refuse() -> None:
        with pytest.raises(errors.StreamError, match="metadata"):
            BAND.decode(data)

    return peak_growth(refuse)


@needs_proc
def test_metadata_bombs_take_little_memory() -> None:
    assert run_alone(growth_for_a_bomb, timeout=300) < 100 << 20
