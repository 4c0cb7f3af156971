"""The plain Python decoder of the spectral profile agrees with hyspec on payloads and streams."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import hyspec
from golden import make_streams
from hyspec import _core, spectral_transform
from hyspec.pack import load
from latent_cases import latents
from reference import band, pack, range_decoder, spectral, streams
from spectral_payload_cases import Content, contents, read, simple, write

TINY = make_streams.SPECTRAL_PACK
PACK = pack.load(TINY)
NETWORKS = PACK.models[0]
CORE = [(network.stride, network.latents) for network in load(TINY).models[0].networks]


def check_equal(first: Content, checksum: int, second: spectral.Symbols) -> None:
    assert (first.step, first.network, checksum) == (second.step, second.network, second.checksum)
    assert (first.valid is None) == (second.valid is None)
    if first.valid is not None:
        np.testing.assert_array_equal(first.valid, second.valid)
    assert first.varies.tolist() == second.varies
    assert first.mean.tolist() == second.mean
    assert first.scale.tolist() == second.scale
    assert first.basis.tolist() == second.basis
    assert first.latents.ravel().tolist() == [int(z) for p in second.latents for z in p.ravel()]


def plain(tile: _core.BandTile) -> band.Tile:
    return band.Tile(tile.bands, tile.rows, tile.columns)


# ---- payloads


@settings(max_examples=60, deadline=None)
@given(contents(CORE))
def test_any_symbols(content: Content) -> None:
    payload, crc = write(CORE, content)
    check_equal(content, crc, spectral.decode(payload, NETWORKS, plain(content.tile)))


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 2**32), st.integers(2, 60), st.integers(1, 60))
def test_tables_that_look_like_real_ones(seed: int, bands: int, planes: int) -> None:
    """Long enough for their models to adapt: smooth means, falling scales, a decaying basis."""
    rng = np.random.default_rng(seed)
    planes = min(planes, bands)
    varies = np.ones(bands, np.uint8)
    varies[rng.integers(0, bands, bands // 9)] = 0
    planes = min(planes, int(varies.sum()))
    size = 400 * 0.8 ** np.arange(planes)[:, None]
    wide = rng.normal(0, size, (planes, int(varies.sum())))
    content = Content(
        tile=_core.BandTile(bands, 8, 8),
        step=int(rng.integers(-64, 256)),
        network=int(rng.integers(0, 2)),
        valid=None,
        varies=varies,
        mean=np.rint(np.cumsum(rng.normal(0, 300, bands))).astype(np.int32),
        scale=np.clip(200 - 3 * np.arange(planes) + rng.integers(-2, 3, planes), 1, 577).astype(
            "i4"
        ),
        basis=np.rint(wide).astype(np.int32),
        latents=np.zeros((0, 1, 1), np.int32),
    )
    channels = NETWORKS[content.network].channels
    content.latents = rng.integers(-3, 4, (planes, channels, 1)).astype(np.int32)
    payload, crc = write(CORE, content)
    check_equal(content, crc, spectral.decode(payload, NETWORKS, plain(content.tile)))


@settings(deadline=None, max_examples=40)
@given(st.data(), st.integers(0, 2**32), st.booleans())
def test_any_surroundings(data: st.DataObject, seed: int, extreme: bool) -> None:
    """Component planes: any surroundings and state, gains that are far apart, any latents."""
    rng = np.random.default_rng(seed)
    levels, channels, stride = 6, 4, 8
    slots = 20224 + 640 * channels
    around = rng.integers(0, 1025 if extreme else 90, (channels, 15)).astype(np.int16)
    around[:, :5] = rng.integers(-1, np.arange(channels)[:, None], (channels, 5))
    network = pack.Network(
        stride=stride,
        channels=channels,
        levels=levels,
        context_bands=1,
        gain=rng.integers(-4096, 4097, (levels, channels)).astype(np.int16),
        inverse_gain=np.zeros((levels, channels), np.int16),
        slots=(
            rng.integers(0, 65536, slots).astype(np.uint16),
            rng.integers(0, 128, slots).astype(np.uint8),
        ),
        mixers=rng.integers(-(2**17), 2**17, 1024).astype(np.int32),
        intra=rng.integers(-(2**17), 2**17, 3 * channels).astype(np.int32),
        surroundings=around,
    )
    state = (*network.slots, network.mixers, network.intra)
    model = _core.LatentModel(network.gain, *state, around)
    planes = 4
    content = simple(
        tile=_core.BandTile(5, 3 * stride, 4 * stride),
        step=0,
        varies=np.ones(5, np.uint8),
        mean=np.zeros(5, np.int32),
        scale=65 + rng.integers(0, 3, planes).astype(np.int32),
        basis=rng.integers(-20, 21, (planes, 5)).astype(np.int32),
        latents=data.draw(latents((planes, channels, 12))),
    )
    payload, crc = write([(stride, model)], content)
    check_equal(content, crc, spectral.decode(payload, [network], plain(content.tile)))


def base_payload() -> tuple[_core.BandTile, bytes]:
    rng = np.random.default_rng(3)
    valid = np.ones((4, 9, 20), np.uint8)
    valid[1:, 2:5, 3:9] = 0
    valid[3] = 0
    content = simple(
        tile=_core.BandTile(4, 9, 20),
        step=100,
        network=1,
        valid=valid,
        varies=np.array([1, 1, 1, 0], np.uint8),
        mean=np.array([900, 7, -3, 0], np.int32),
        latents=rng.integers(-3, 4, (2, NETWORKS[1].channels, 6)).astype(np.int32),
    )
    return content.tile, write(CORE, content)[0]


TILE, PAYLOAD = base_payload()


@settings(max_examples=150, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, len(PAYLOAD) - 1), st.integers(0, 255)), max_size=3),
    st.integers(-8, 4),
)
def test_decoders_agree_on_damaged_payloads(changes: list[tuple[int, int]], cut: int) -> None:
    data = bytearray(PAYLOAD)
    for at, byte in changes:
        data[at] = byte
    damaged = bytes(data[:cut] if cut < 0 else data + bytes(cut))
    try:
        first = read(CORE, TILE, damaged)
    except _core.CoreError as error:
        assert error.args[2] in ("corrupt", "truncated")
        first = None
    try:
        second = spectral.decode(damaged, NETWORKS, plain(TILE))
    except ValueError:
        second = None
    assert (first is None) == (second is None)
    if first is not None and second is not None:
        check_equal(*first, second)


# ---- the basis


@settings(deadline=None, max_examples=50)
@given(st.integers(0, 2**32), st.integers(1, 20), st.integers(0, 20))
def test_rows_are_made_orthonormal_alike(seed: int, columns: int, rows: int) -> None:
    entries = np.random.default_rng(seed).integers(-500, 501, (min(rows, columns), columns))
    found = spectral_transform.orthonormal(entries.astype(np.int32))
    expected = spectral.orthonormal(entries.tolist())
    condition = np.linalg.cond(entries) if len(entries) else 1.0
    np.testing.assert_allclose(
        found, expected.reshape(entries.shape), rtol=0, atol=1e-13 * condition
    )


# ---- streams

CUBES: dict[str, tuple[Callable[[], hyspec.Cube], dict[str, Any]]] = {
    name.removeprefix("spectral-"): ((lambda cube=cube: cube), options)
    for name, (cube, options) in make_streams.CUBES.items()
    if name.startswith("spectral-")
}


@pytest.mark.parametrize("name", CUBES)
def test_symbols_and_pixels(name: str) -> None:
    make, options = CUBES[name]
    cube = make()
    data = hyspec.encode(cube, pack=TINY, **options)
    check_symbols(data)
    first = hyspec.decode(data, pack=TINY).array
    second = streams.read_cube(data, PACK)
    assert first.dtype == second.dtype
    header, _ = _core.parse_preamble(data)
    lost = np.isnan(first)
    if header.nodata is not None:
        lost |= first == header.nodata
        np.testing.assert_array_equal(lost, cube.array == header.nodata)
    np.testing.assert_array_equal(np.isnan(first), np.isnan(cube.array))
    np.testing.assert_array_equal(first[lost], second[lost])
    # One part in a million of the deviation where that is more than a whole number.
    slack = (header.step or 1) * (1 + 1e-6 * largest_sigma(data))
    difference = np.abs(first[~lost].astype(np.float64) - second[~lost].astype(np.float64))
    assert difference.max(initial=0) <= slack


def largest_sigma(data: bytes) -> float:
    _, _, chunks = streams.read_chunks(data, PACK)
    return max((band.sigma(s) for c in chunks for s in c.symbols.scale), default=0.0)


def check_symbols(data: bytes) -> None:
    """Both decoders see the same symbols in every chunk."""
    _, rows, chunks = streams.read_chunks(data, PACK)
    index = _core.read_index(data, *_core.parse_preamble(data))
    assert index.rows == rows
    for chunk, entry in zip(chunks, index.chunks, strict=True):
        assert (chunk.tile, chunk.interval) == (entry.tile, entry.interval)
        info = _core.check_chunk(data, entry)
        payload = data[info.payload_offset : info.payload_offset + info.payload_length]
        tile = _core.BandTile(chunk.size.bands, entry.rows, chunk.size.columns)
        first, crc = read(CORE, tile, payload)
        check_equal(first, crc, chunk.symbols)
        assert crc == info.symbols_crc


def test_the_streams_show_what_they_are_for() -> None:
    """Both networks, several planes, bands that do not vary, no planes at all: all occur."""
    seen = {}
    for name, (make, options) in CUBES.items():
        _, _, chunks = streams.read_chunks(hyspec.encode(make(), pack=TINY, **options), PACK)
        seen[name] = [chunk.symbols for chunk in chunks]
    everything = [symbols for found in seen.values() for symbols in found]
    assert {s.network for s in everything if s.latents} == {0, 1}
    assert {min(len(s.latents), 4) for s in everything} >= {0, 1, 2, 4}
    assert any(s.valid is not None for s in seen["int16-nodata"])
    assert seen["uint8-constant-bands"][0].varies == [1, 0, 0, 1, 1]
    assert seen["uint8-constant-bands"][0].mean[1:3] == [255, 0]
    assert len(seen["tiles-2d"]) == 18
    assert any(spectral.exponent(1, s.step) > 0 for s in everything if s.latents)


# ---- the examples of the document

DOCUMENT = (Path(__file__).parents[1] / "docs" / "spectral_profile.md").read_text("utf-8")


def example_network() -> pack.Network:
    """Of both examples, which are those of docs/band_profile.md, section 9.2."""
    return pack.Network(
        stride=8,
        channels=2,
        levels=2,
        context_bands=1,
        gain=np.array([[0, -40], [128, 60]], np.int16),
        inverse_gain=np.zeros((2, 2), np.int16),
        slots=(np.full(17920, 32768, np.uint16), np.zeros(17920, np.uint8)),
        mixers=np.full(1024, 16384, np.int32),
        intra=np.zeros(6, np.int32),
    )


def payload_that_begins(start: str) -> bytes:
    lines = DOCUMENT[DOCUMENT.index(f"    {start}") :].split("\n\n")[0]
    return bytes.fromhex(lines)


def test_example_without_planes() -> None:
    payload = payload_that_begins("80 01 00 00")
    symbols = spectral.decode(payload, [example_network()], band.Tile(3, 2, 2))
    assert (symbols.step, symbols.network, symbols.scale) == (64, 0, [])
    assert (symbols.varies, symbols.mean) == ([0, 0, 0], [1000, 1004, -7])
    assert range_decoder.to_words(payload[4:]) == [1351710271, 149128311, 250478592]
    assert f"{symbols.checksum:08X}" == "A2A228B5"


def test_example_with_planes() -> None:
    payload = payload_that_begins("8c 01 00 00")
    symbols = spectral.decode(payload, [example_network()], band.Tile(4, 16, 24))
    assert (symbols.step, symbols.varies) == (70, [1, 1, 0, 1])
    assert symbols.mean == [250, 260, 1000, 241]
    assert [spectral.exponent(v, 70) for v in symbols.varies] == [0, 0, 0, 0]
    assert (symbols.scale, symbols.levels) == ([101, 90], [1, 0])
    for row in symbols.basis:
        assert f"    {' '.join(map(str, row))}\n" in DOCUMENT
    for row in spectral.orthonormal(symbols.basis):
        assert " ".join(f"{u:.6f}" for u in row) in DOCUMENT
    for k, planes in enumerate(symbols.latents):
        cells = [", ".join(" ".join(str(z) for z in row) for row in plane) for plane in planes]
        assert f"| {k} | {cells[0]} | {cells[1]} |\n" in DOCUMENT
    assert f"checksum is {symbols.checksum:08X}" in DOCUMENT
