"""Damaged, lying and malicious streams of the spectral profile through the whole decoder."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import hyspec
from golden import make_streams
from hyspec import _core, errors, pack
from reference import container_builder as b
from reference.container import TYPES
from stream_forger import Chunk, Forger, varints

TINY = make_streams.SPECTRAL_PACK
CORE = [(network.stride, network.latents) for network in pack.load(TINY).models[0].networks]

Array = npt.NDArray[Any]


def decode(data: bytes, **changes: Any) -> Array:
    return hyspec.decode(data, **{"pack": TINY, "threads": 1, **changes}).array


def rescue(data: bytes) -> tuple[Array, set[tuple[int, int]]]:
    """Decode with ``on_damage="fill"``; also tell (tile, first band) of the lost chunks."""
    stream = hyspec.Stream(data, pack=TINY, threads=1, on_damage="fill")
    return stream[...], {(d.tile, d.bands.start) for d in stream.damage}


def small_cube() -> hyspec.Cube:
    y, x = np.mgrid[:14, :9]
    array = (300 * np.sin(y / 4) + 20 * x)[..., None] * np.arange(1, 6) / 3
    array[..., 1] += 100 * np.cos(x)
    array = np.rint(array).astype(np.int16)
    array[2:5, 3:6, 1:] = -999
    array[8:, :, 3] = 40
    return hyspec.Cube(array, nodata=-999.0)


CUBE = small_cube()
STREAM = hyspec.encode(CUBE, pack=TINY, quality=60, intervals="1-2,3-5", tile=8)
HEADER, PREAMBLE = _core.parse_preamble(STREAM)
ENTRIES = _core.read_index(STREAM, HEADER, PREAMBLE).chunks
DECODED = decode(STREAM)
BANDS = (slice(0, 2), slice(2, 5))
SOUND = Forger.of(STREAM)


def test_the_stream_has_planes_masks_and_constant_bands() -> None:
    assert SOUND.seal() == STREAM
    assert len(ENTRIES) == 4
    assert len(STREAM) < 700
    np.testing.assert_array_equal(DECODED == -999, CUBE.array == -999)
    np.testing.assert_array_equal(DECODED[8:, :, 3], 40)
    for chunk in SOUND.chunks:
        tile = _core.BandTile(2 + chunk.interval, chunk.rows, 9)
        scale = _core.decode_spectral_payload(CORE, tile, chunk.payload)[5]
        assert len(scale) > 0


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
        tile, bands = ENTRIES[k].tile, BANDS[ENTRIES[k].interval]
        wanted[8 * tile : 8 * tile + 8, :, bands] = -999
    np.testing.assert_array_equal(found, wanted)
    assert told == {(ENTRIES[k].tile, BANDS[ENTRIES[k].interval].start) for k in lost}


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


def test_chunks_that_changed_places() -> None:
    """Payloads that are sound, but of another interval."""
    one, two, *others = SOUND.chunks
    swapped = [
        replace(one, payload=two.payload, symbols_crc=two.symbols_crc),
        replace(two, payload=one.payload, symbols_crc=one.symbols_crc),
    ]
    data = replace(SOUND, chunks=[*swapped, *others]).seal()
    with pytest.raises(errors.StreamError):
        decode(data)
    check_rescued(data, {0, 1})


def test_wrong_symbols_checksum() -> None:
    chunks = [replace(SOUND.chunks[0], symbols_crc=1), *SOUND.chunks[1:]]
    data = replace(SOUND, chunks=chunks).seal()
    with pytest.raises(errors.StreamError, match="00000001"):
        decode(data)
    check_rescued(data, {0})


@settings(deadline=None, max_examples=100)
@given(st.data())
def test_payloads_changed_behind_their_checksum(data: st.DataObject) -> None:
    """Whatever the entropy decoder makes of them, the symbols' checksum tells."""
    k = data.draw(st.integers(0, 3))
    payload = bytearray(SOUND.chunks[k].payload)
    for _ in range(data.draw(st.integers(1, 3))):
        payload[data.draw(st.integers(0, len(payload) - 1))] = data.draw(st.integers(0, 255))
    chunks = [*SOUND.chunks]
    chunks[k] = replace(chunks[k], payload=bytes(payload))
    changed = replace(SOUND, chunks=chunks).seal()
    found, told = rescue(changed)
    assert found.shape == DECODED.shape
    if told:  # otherwise step, network or mask say something else, which nothing covers
        check_rescued(changed, {k})


# ---- packs and profiles


def test_packs_of_another_profile() -> None:
    """Streams that name one, and packs that are given, are told apart by their profile."""
    other = pack.load(make_streams.PACK)
    data = SOUND.with_fields({9: other.id + other.name.encode()}).seal()
    with pytest.raises(errors.PackError, match="'band'"):
        hyspec.decode(data, pack=make_streams.PACK)
    with pytest.raises(errors.PackNotFoundError):
        hyspec.decode(STREAM, pack=make_streams.PACK)
    band = SOUND.with_fields({7: b"\1\2"}).seal()
    with pytest.raises(errors.PackError, match="'spectral'"):
        decode(band)


@pytest.mark.parametrize("version", [0, 2, 255])
def test_unknown_versions(version: int) -> None:
    data = SOUND.with_fields({7: bytes([2, version])}).seal()
    for on_damage in ("raise", "fill"):
        with pytest.raises(errors.UnsupportedVersionError, match="profile"):
            decode(data, on_damage=on_damage)


# ---- extreme symbols behind correct checksums


def single(payload: bytes, symbols_crc: int, bands: int, sample_type: bytes) -> Forger:
    """One tile of 8 x 9 pixels and one interval."""
    changes = {
        1: varints(8, 9, bands),
        3: sample_type,
        5: varints(8, 9),
        11: varints(1, bands, 0),
    }
    forger = SOUND.with_fields(changes)
    return replace(forger, chunks=[Chunk(0, 0, 8, symbols_crc, payload)], rows=8)


def extreme_payload(
    network: int, scale: int, mean: int, step: int, latent: int, entries: list[list[int]]
) -> tuple[bytes, int]:
    """Two bands that vary and one that does not, with as many planes as rows are given."""
    stride, model = CORE[network]
    positions = -(-8 // stride) * -(-9 // stride)
    latents = np.full((len(entries), model.channels, positions), latent, np.int32)
    latents[:, ::2] = -1 - latents[:, ::2]
    payload, crc, _ = _core.encode_spectral_payload(
        CORE,
        _core.BandTile(3, 8, 9),
        step,
        network,
        None,
        np.array([1, 0, 1], np.uint8),
        np.full(3, mean, np.int32),
        np.full(len(entries), scale, np.int32),
        np.array(entries, np.int32).reshape(-1, 2),
        latents,
    )
    return payload, crc


LOWEST, HIGHEST = -(2**31), 2**31 - 1
BASES: list[list[list[int]]] = [
    [],
    [[0, 0]],
    [[LOWEST, HIGHEST], [HIGHEST, LOWEST]],
    [[LOWEST, LOWEST], [LOWEST, LOWEST]],
]


@pytest.mark.parametrize("network", [0, 1])
@pytest.mark.parametrize("sample_type", TYPES)
def test_extreme_symbols(sample_type: str, network: int) -> None:
    """Every sample type, the ends of all ranges: finite samples, and no warning of NumPy."""
    code = TYPES.index(sample_type)
    steps = (5e-324, 1.0, 1e308) if sample_type.startswith("float") else (None,)
    for float_step in steps:
        type_field = bytes([code]) + (b"" if float_step is None else b.f64(float_step))
        for entries in BASES:
            for mean in (LOWEST, HIGHEST):
                for numbers in (
                    (scale, mean, step, latent)
                    for scale in (1, 577)
                    for step in (-1024, 1536)
                    for latent in (0, LOWEST, HIGHEST)
                ):
                    payload, crc = extreme_payload(network, *numbers, entries)
                    forger = single(payload, crc, 3, type_field)
                    for nodata in (None, -999.0, math.nan):
                        forger.fields.pop(13, None)
                        if nodata is not None:
                            forger.fields[13] = b.f64(nodata)
                        found = decode(forger.seal())
                        assert (found.shape, found.dtype) == ((8, 9, 3), sample_type)
                        assert np.isfinite(found).all()
                        check_constant(found[..., 1], mean, sample_type, float_step)


def check_constant(band: Array, mean: int, sample_type: str, float_step: float | None) -> None:
    """A band that does not vary is exact, whatever the planes are."""
    assert (band == band[0, 0]).all()
    if float_step is None:
        limits = np.iinfo(sample_type)
        shift = 2**31 if sample_type == "uint32" else 0
        assert band[0, 0] == np.clip(mean + shift, limits.min, limits.max)


def test_planes_that_are_not_finite_spare_bands_that_do_not_vary(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As networks may return them for extreme latents."""
    from hyspec import plane_networks

    def infinite(*arguments: Any, **_: Any) -> Any:
        tile, which = arguments[1], arguments[-1]
        return np.full((len(which), tile.rows, tile.columns), np.inf, np.float32)

    monkeypatch.setattr(plane_networks, "synthesise", infinite)
    payload, crc = extreme_payload(0, 577, 7, 0, 1, [[3, 4]])
    found = decode(single(payload, crc, 3, bytes([TYPES.index("int16")])).seal())
    np.testing.assert_array_equal(found[..., 1], 7)
