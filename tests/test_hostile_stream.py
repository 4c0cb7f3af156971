"""Damaged, lying and malicious streams through the whole decoder.

Each ends in a HyspecError, or in the right samples, within seconds and bounded memory.
"""

from __future__ import annotations

import json
import math
import subprocess
import sys
import textwrap
import time
import zlib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import hyspec
from golden import make_streams
from hyspec import _core, errors, pack
from reference import container
from reference import container_builder as b
from reference.container import TYPES
from stream_forger import Chunk, Forger, varints

TINY = make_streams.PACK
HUGE = [2**31 - 1, 2**31, 2**32, 2**53, 2**62, 2**63 - 1, 2**63, 2**64 - 1]

Array = npt.NDArray[Any]


def decode(data: bytes, **changes: Any) -> Array:
    return hyspec.decode(data, **{"pack": TINY, "threads": 1, **changes}).array


def rescue(data: bytes) -> tuple[Array, set[tuple[int, int]]]:
    """Decode with ``on_damage="fill"``; also tell (tile, first band) of the lost chunks."""
    stream = hyspec.Stream(data, pack=TINY, threads=1, on_damage="fill")
    return stream[...], {(d.tile, d.bands.start) for d in stream.damage}


# ---- a small stream


def small_cube() -> hyspec.Cube:
    y, x = np.mgrid[:14, :9]
    array = (300 * np.sin(y / 4) + 20 * x)[..., None] * np.arange(1, 4) / 3
    array = np.rint(array).astype(np.int16)
    array[2:5, 3:6, 1:] = -999
    array[8:, :, 0] = 40
    return hyspec.Cube(array, nodata=-999.0, metadata={"envi": {"note": "small"}})


CUBE = small_cube()
STREAM = hyspec.encode(CUBE, pack=TINY, quality=40, intervals="1-1,2-3", tile=8)
HEADER, PREAMBLE = _core.parse_preamble(STREAM)
ENTRIES = _core.read_index(STREAM, HEADER, PREAMBLE).chunks
DECODED = decode(STREAM)
FIRST_BANDS = (0, 1)


SOUND = Forger.of(STREAM)


def single(
    shape: tuple[int, int, int], *, payload: bytes = b"", symbols_crc: int = 0, **fields: bytes
) -> Forger:
    """One tile and one interval of any shape."""
    rows, columns, bands = shape
    changes = {
        1: varints(*shape),
        5: varints(rows, columns),
        11: varints(1, bands, 0),
        **{int(tag[1:]): content for tag, content in fields.items()},
    }
    forger = SOUND.with_fields(changes)
    return replace(forger, chunks=[Chunk(0, 0, rows, symbols_crc, payload)], rows=rows)


def test_the_forger_seals_what_he_took_apart() -> None:
    assert SOUND.seal() == STREAM
    assert len(ENTRIES) == 4
    assert len(STREAM) < 700
    lost = CUBE.array == -999
    np.testing.assert_array_equal(DECODED == -999, lost)
    np.testing.assert_array_equal(DECODED[8:, :, 0], 40)


# ---- damage


def hit(start: int, stop: int) -> set[int]:
    """Numbers of the chunks that hold any of these bytes."""
    touched = [e.offset < stop and start < e.offset + e.length for e in ENTRIES]
    return {k for k, yes in enumerate(touched) if yes}


def check_rescued(data: bytes, lost: set[int]) -> None:
    """All but the lost chunks come back exactly, and the loss is told."""
    found, told = rescue(data)
    wanted = DECODED.copy()
    for k in lost:
        tile, band = ENTRIES[k].tile, FIRST_BANDS[ENTRIES[k].interval]
        wanted[8 * tile : 8 * tile + 8, :, band : band + 1 + (band == 1)] = -999
    np.testing.assert_array_equal(found, wanted)
    assert told == {(ENTRIES[k].tile, FIRST_BANDS[ENTRIES[k].interval]) for k in lost}


def test_every_truncation() -> None:
    first_whole = ENTRIES[0].offset + ENTRIES[0].length
    for length in range(len(STREAM)):
        data = STREAM[:length]
        with pytest.raises(errors.StreamError):
            decode(data)
        if length < first_whole:
            with pytest.raises(errors.StreamError):
                rescue(data)
        else:
            check_rescued(data, hit(length, len(STREAM)))


def test_every_bit_flip() -> None:
    for bit in range(8 * len(STREAM)):
        at = bit // 8
        data = STREAM[:at] + bytes([STREAM[at] ^ 1 << bit % 8]) + STREAM[at + 1 :]
        with pytest.raises(errors.StreamError):
            decode(data)
        if at < PREAMBLE:
            with pytest.raises(errors.StreamError):
                rescue(data)
        else:
            check_rescued(data, hit(at, at + 1))


def test_a_chunk_that_lost_as_many_bytes_as_the_next_one_has() -> None:
    """Its stated length then leads from its header to the end of the next chunk."""
    shortened, following = ENTRIES[1], ENTRIES[2]
    end = shortened.offset + shortened.length
    assert following.length < shortened.length - 20
    check_rescued(STREAM[: end - following.length] + STREAM[end:], {1})


@settings(deadline=None, max_examples=60)
@given(st.integers(PREAMBLE, len(STREAM)), st.integers(0, 200), st.binary(max_size=200))
def test_bytes_replaced_anywhere_behind_the_preamble(at: int, gap: int, new: bytes) -> None:
    data = STREAM[:at] + new + STREAM[at + gap :]
    try:
        found, told = rescue(data)
    except errors.StreamError:
        assert len(hit(at, at + max(gap, 1))) == len(ENTRIES)
        return
    may_be_lost = {
        (ENTRIES[k].tile, FIRST_BANDS[ENTRIES[k].interval]) for k in hit(at, at + max(gap, 1))
    }
    assert told <= may_be_lost
    for tile, band in {(e.tile, FIRST_BANDS[e.interval]) for e in ENTRIES} - told:
        part = np.s_[8 * tile : 8 * tile + 8, :, band : band + 1 + (band == 1)]
        np.testing.assert_array_equal(found[part], DECODED[part])


@settings(deadline=None, max_examples=60)
@given(st.binary(max_size=300))
def test_any_bytes(data: bytes) -> None:
    for content in (data, container.SIGNATURE + data, STREAM[:PREAMBLE] + data):
        for on_damage in ("raise", "fill"):
            with pytest.raises(errors.StreamError):
                decode(content, on_damage=on_damage)


def test_parts_that_are_not_damaged_can_be_read() -> None:
    entry = ENTRIES[2]
    at = entry.offset + entry.length - 1
    data = STREAM[:at] + bytes([STREAM[at] ^ 4]) + STREAM[at + 1 :]
    np.testing.assert_array_equal(decode(data, rows=(0, 8)), DECODED[:8])
    np.testing.assert_array_equal(decode(data, bands=(1, 3)), DECODED[..., 1:])
    with pytest.raises(errors.StreamError, match="tile 1"):
        decode(data, rows=(9, 10), bands=(0, 1))


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
    for content in (b"\0", b"ENVI\n", b"\x89PNG\r\n\x1a\n" + bytes(100), STREAM[8:]):
        path = tmp_path / "other.hyc"
        path.write_bytes(content)
        for on_damage in ("raise", "fill"):
            with pytest.raises(errors.StreamError):
                hyspec.open(path, on_damage=on_damage)


def test_damaged_files(tmp_path: Path) -> None:
    """The same through a mapped file, at a few places."""
    path = tmp_path / "damaged.hyc"
    for length in (PREAMBLE - 1, PREAMBLE + 30, len(STREAM) - 9, len(STREAM) - 1):
        path.write_bytes(STREAM[:length])
        with pytest.raises(errors.StreamError):
            hyspec.open(path, pack=TINY)
    with hyspec.open(path, pack=TINY, on_damage="fill", threads=1) as stream:
        np.testing.assert_array_equal(stream[...], DECODED)


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
            forger = SOUND.with_fields(changes)
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
            yield f"{shape} {payload[:4].hex()}", single(shape, payload=payload).seal()


def missing_chunks() -> Iterator[tuple[str, bytes]]:
    """Shapes of very many tiles, of which a stream without index has four."""
    for rows, columns, tile_rows, tile_columns in (
        (2**31 - 1, 1, 1, 1),
        (2**31 - 1, 9, 8, 9),
        (2**15, 2**15, 1, 1),
        (2**31 - 1, 2**31 - 1, 2**13, 2**13),
        (2**20, 2**10, 2**10, 2**10),
    ):
        forger = SOUND.with_fields(
            {1: varints(rows, columns, 3), 5: varints(tile_rows, tile_columns)}
        )
        chunks = [replace(c, rows=tile_rows) for c in SOUND.chunks]
        shape = (rows, columns, tile_rows, tile_columns)
        yield f"{shape}", replace(forger, chunks=chunks).seal(index=False)


def try_all(streams: Iterator[tuple[str, bytes]]) -> dict[str, int]:
    """Open, decode a sample, decode everything; count what each ends in."""
    ends: dict[str, int] = {}
    for name, data in streams:
        started = time.perf_counter()
        for settings_ in ({}, {"on_damage": "fill"}, {"rows": 0, "cols": 0, "bands": 0}):
            try:
                decode(data, **settings_)
                end = "decoded"
            except errors.HyspecError as error:
                end = type(error).__name__
            ends[end] = ends.get(end, 0) + 1
        assert time.perf_counter() - started < 5, name
    return ends


def test_lies_within_bounded_memory() -> None:
    """In a process that may take 192 MiB more than it has after decoding the sound stream."""
    if not sys.platform.startswith("linux"):
        pytest.skip("needs /proc")
    script = """
        import json
        import resource
        import warnings
        from itertools import chain
        from pathlib import Path
        import test_hostile_stream as t

        warnings.simplefilter("error")
        t.decode(t.STREAM)
        pages = int(Path("/proc/self/statm").read_text().split()[0])
        limit = pages * resource.getpagesize() + (192 << 20)
        resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
        print(json.dumps(t.try_all(chain(t.lying_shapes(), t.lying_chunks(), t.missing_chunks()))))
    """
    folder = str(Path(__file__).parent)
    start = f"import sys; sys.path.insert(0, {folder!r})\n"
    result = subprocess.run(
        [sys.executable, "-c", start + textwrap.dedent(script)],
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert result.returncode == 0, result.stderr
    ends = json.loads(result.stdout)
    assert set(ends) <= {"StreamError", "LimitError", "UnsupportedVersionError", "decoded"}
    assert ends["LimitError"] > 30
    assert ends["StreamError"] > 100


def test_more_memory_than_allowed() -> None:
    for shape in ((2**13, 2**13, 65535), (2**13, 2**13, 100), (1, 2**26, 65535)):
        data = single(shape, payload=b"\0\0\0").seal()
        for part in ({}, {"rows": (0, 1), "cols": (0, 1), "bands": (0, 1)}):
            with pytest.raises(errors.LimitError, match="bytes"):
                decode(data, **part)
    with pytest.raises(errors.LimitError):
        decode(STREAM, max_bytes=500)
    np.testing.assert_array_equal(decode(STREAM, max_bytes=50_000), DECODED)


def test_rows_of_a_chunk_that_are_not_those_of_its_tile() -> None:
    for rows in (1, 7, 9, 2**31 - 1):
        forger = replace(SOUND, chunks=[replace(SOUND.chunks[0], rows=rows), *SOUND.chunks[1:]])
        data = forger.seal()
        with pytest.raises(errors.StreamError):
            decode(data)
        check_rescued(data, {0})


def test_chunks_that_changed_places() -> None:
    """Payloads that are sound, but of another tile, do not fit or do not pass as what they are."""
    one, two, three, four = SOUND.chunks
    swapped = [
        replace(one, payload=two.payload, symbols_crc=two.symbols_crc),
        replace(two, payload=one.payload, symbols_crc=one.symbols_crc),
    ]
    data = replace(SOUND, chunks=[*swapped, three, four]).seal()
    with pytest.raises(errors.StreamError):
        decode(data)
    check_rescued(data, {0, 1})


def test_wrong_symbols_checksum() -> None:
    chunks = [replace(SOUND.chunks[0], symbols_crc=1), *SOUND.chunks[1:]]
    data = replace(SOUND, chunks=chunks).seal()
    with pytest.raises(errors.StreamError, match="00000001"):
        decode(data)
    check_rescued(data, {0})


# ---- packs, profiles, metadata


def test_a_model_beyond_the_pack() -> None:
    for model in (1, 65535):
        data = SOUND.with_fields({11: varints(2, 1, 0, 2, model)}).seal()
        with pytest.raises(errors.StreamError, match=f"model {model}"):
            decode(data)
        np.testing.assert_array_equal(decode(data, bands=(0, 1)), DECODED[..., :1])
        check_rescued(data, {1, 3})


def test_unknown_packs() -> None:
    data = SOUND.with_fields({9: bytes(32) + b"unheard-of"}).seal()
    with pytest.raises(errors.PackNotFoundError, match="unheard-of"):
        hyspec.decode(data)
    with pytest.raises(errors.PackNotFoundError, match="unheard-of"):
        hyspec.decode(data, on_damage="fill")
    with pytest.raises(errors.PackNotFoundError, match="the given pack"):
        decode(data)
    # The header can still be read.
    assert hyspec.Stream(data).shape == CUBE.shape
    fields = {tag: content for tag, content in SOUND.fields.items() if tag != 9}
    with pytest.raises(errors.StreamError, match="names no pack"):
        decode(replace(SOUND, fields=fields).seal())


@pytest.mark.parametrize("profile", [(0, 0), (1, 0), (1, 1), (1, 255), (2, 0), (3, 0), (255, 255)])
def test_unknown_profiles(profile: tuple[int, int]) -> None:
    data = SOUND.with_fields({7: bytes(profile)}).seal()
    for on_damage in ("raise", "fill"):
        with pytest.raises(errors.UnsupportedVersionError, match="profile"):
            decode(data, on_damage=on_damage)


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
    data = SOUND.with_fields({10: metadata}).seal()
    with pytest.raises(errors.StreamError, match="metadata"):
        decode(data)


def test_metadata_bombs_take_little_memory() -> None:
    script = """
        import resource
        import zlib
        import test_hostile_stream as t

        bomb = zlib.compressobj(1)
        content = b"".join(bomb.compress(bytes(1 << 24)) for _ in range(16)) + bomb.flush()
        data = t.SOUND.with_fields({10: content}).seal()
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        try:
            t.decode(data)
        except t.errors.StreamError:
            print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
    """
    folder = str(Path(__file__).parent)
    start = f"import sys; sys.path.insert(0, {folder!r})\n"
    result = subprocess.run(
        [sys.executable, "-c", start + textwrap.dedent(script)],
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert result.returncode == 0, result.stderr
    assert int(result.stdout) < 100 << 10  # KiB


# ---- extreme symbols behind correct checksums


def extreme_payload(
    network: int, bands: int, scale: int, mean: int, step: int, latent: int
) -> tuple[bytes, int]:
    networks = [(n.stride, n.latents) for n in pack.load(TINY).models[0].networks]
    stride, model = networks[network]
    levels = _core.band_levels(np.full(bands, scale, np.int32), step, model.levels)
    positions = -(-8 // stride) * -(-9 // stride)
    latents = np.full((int((levels >= 0).sum()), model.channels, positions), latent, np.int32)
    latents[:, ::2] = -1 - latents[:, ::2]
    numbers = [np.full(bands, value, np.int32) for value in (scale, mean)]
    tile = _core.BandTile(bands, 8, 9)
    payload, crc, _ = _core.encode_band_payload(
        networks, tile, step, network, None, *numbers, latents
    )
    return payload, crc


@pytest.mark.parametrize("network", [0, 1])
@pytest.mark.parametrize("sample_type", TYPES)
def test_extreme_symbols(sample_type: str, network: int) -> None:
    """Every sample type, the ends of all ranges: finite samples, and no warning of NumPy."""
    code = TYPES.index(sample_type)
    steps = (5e-324, 1e-30, 1.0, 1e38, 1e308) if sample_type.startswith("float") else (None,)
    symbols = [
        (scale, mean, quality, latent)
        for scale in (0, 1, 577)
        for mean in (-(2**31), 2**31 - 1)
        for quality in (-1024, 1536)
        for latent in (0, -(2**31), 2**31 - 1)
    ]
    for float_step in steps:
        type_field = bytes([code]) + (b"" if float_step is None else b.f64(float_step))
        for numbers in symbols:
            payload, crc = extreme_payload(network, 2, *numbers)
            for nodata in (None, -999.0, 1e300, math.inf, math.nan):
                fields = {"_3": type_field}
                forger = single((8, 9, 2), payload=payload, symbols_crc=crc, **fields)
                forger.fields.pop(13)
                if nodata is not None:
                    forger.fields[13] = b.f64(nodata)
                found = decode(forger.seal())
                assert found.shape == (8, 9, 2)
                assert found.dtype == sample_type
                assert np.isfinite(found).all()


@settings(deadline=None, max_examples=100)
@given(st.data())
def test_payloads_changed_behind_their_checksum(data: st.DataObject) -> None:
    """Whatever the entropy decoder makes of them, the symbols' checksum tells."""
    k = data.draw(st.integers(0, 3))
    original = SOUND.chunks[k]
    payload = bytearray(original.payload)
    for _ in range(data.draw(st.integers(1, 3))):
        payload[data.draw(st.integers(0, len(payload) - 1))] = data.draw(st.integers(0, 255))
    chunks = [*SOUND.chunks]
    chunks[k] = replace(original, payload=bytes(payload))
    found, told = rescue(replace(SOUND, chunks=chunks).seal())
    key = (original.tile, FIRST_BANDS[original.interval])
    assert told <= {key}
    if not told:
        return  # step, network and mask are not covered: they may say something else
    check_rescued(replace(SOUND, chunks=chunks).seal(), {k})
    assert found.shape == DECODED.shape
