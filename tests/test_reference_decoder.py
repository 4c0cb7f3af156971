"""A second decoder, written from the documents in plain Python, decodes what hyspec encodes."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import hyspec
from hyspec import _core
from hyspec.pack import load
from reference import band, pack, range_decoder
from reference.range_decoder import RangeDecoder, Table, decode_masks, decode_symbol

TINY = Path(__file__).parent / "golden" / "packs" / "tiny-v1"
PACK = pack.load(TINY)


def scene(rows: int, columns: int, bands: int, dtype: str = "uint16") -> npt.NDArray[Any]:
    """Smooth fields with an edge and some noise, around 1000."""
    rng = np.random.default_rng(rows * columns + bands)
    y, x = np.mgrid[:rows, :columns] / 8.0
    field = np.sin(x + y)[..., None] * np.arange(1, bands + 1) * 40 + (x > y)[..., None] * 90
    cube: npt.NDArray[Any] = np.rint(1000 + field + rng.normal(0, 2, field.shape)).astype(dtype)
    return cube


def signed_with_masks() -> hyspec.Cube:
    cube = scene(21, 18, 5, "int16") - 1100
    cube[:5, :7] = -9999
    cube[10:, 3:9, 2] = -9999
    cube[..., 4] = -9999
    return hyspec.Cube(cube.astype(np.int16), nodata=-9999.0)


def floating() -> hyspec.Cube:
    cube = scene(17, 19, 4).astype(np.float32) / np.float32(7)
    cube[3:6, 4:9] = np.nan
    return hyspec.Cube(cube)


def lone_peaks() -> hyspec.Cube:
    """The ends of the range, dozens of standard deviations away from all other samples."""
    cube = np.zeros((40, 40, 2), np.int32)
    cube[20, 20] = 2**31 - 1
    cube[3, 3, 1] = -(2**31)
    return hyspec.Cube(cube)


def constant_bands() -> hyspec.Cube:
    cube = scene(9, 9, 6, "uint32")
    cube[..., 1] = 2**32 - 1
    cube[..., 3] = 0
    return hyspec.Cube(cube)


def around_nodata(dtype: str) -> hyspec.Cube:
    """A band that is coded as its mean, which is nodata, though none of its samples is."""
    cube = scene(16, 16, 2, "int16")
    cube[..., 0] = 99 + 2 * (np.indices((16, 16)).sum(axis=0) % 2)
    cube[0, 0, 1] = 100
    return hyspec.Cube(cube.astype(dtype), nodata=100.0)


STREAMS: dict[str, tuple[Callable[[], Any], dict[str, Any]]] = {
    "tiles-and-intervals": (
        lambda: scene(37, 26, 7),
        {"tile": (16, 10), "intervals": "1-2,3-6,7-7", "quality": 70},
    ),
    "signed-with-masks": (signed_with_masks, {"tile": 8, "quality": 80, "intervals": "1-3,4-5"}),
    "float": (floating, {"quality": 90}),
    "float64-with-nodata": (
        lambda: hyspec.Cube(scene(8, 8, 3, "float64"), nodata=1000.0),
        {"quality": 60, "float_step": 0.25},
    ),
    "lone-peaks": (lone_peaks, {"quality": 100}),
    "constant-bands": (constant_bands, {"quality": 40, "intervals": "1-6"}),
    "one-pixel": (lambda: scene(1, 1, 3), {}),
    "uint8-clipped": (lambda: (scene(16, 16, 2) > 1040).astype(np.uint8) * 255, {"quality": 20}),
    "nodata-is-the-largest": (
        lambda: hyspec.Cube((scene(16, 16, 2) > 1040).astype(np.uint8) * 254, nodata=255.0),
        {"quality": 20},
    ),
    "mean-is-nodata": (lambda: around_nodata("int16"), {"quality": 0}),
    "mean-is-nodata-float": (lambda: around_nodata("float32"), {"quality": 0}),
    "mean-is-nodata-small-step": (
        lambda: around_nodata("float32"),
        {"quality": 0, "float_step": 2.0**-20},
    ),
    "lowest-quality": (lambda: scene(24, 24, 4), {"quality": 0}),
}


@pytest.mark.parametrize("name", STREAMS)
def test_symbols_and_pixels(name: str) -> None:
    make, settings_ = STREAMS[name]
    cube = make()
    data = hyspec.encode(cube, pack=TINY, **settings_)
    check_symbols(data)
    first = hyspec.decode(data, pack=TINY).array
    second = band.read_cube(data, PACK)
    assert first.dtype == second.dtype
    header, _ = _core.parse_preamble(data)
    unit = header.step or 1
    # Nodata is exact, and so are bands without latents.
    original = cube.array if isinstance(cube, hyspec.Cube) else cube
    lost = np.isnan(first)
    if header.nodata is not None:
        lost |= first == header.nodata
        np.testing.assert_array_equal(lost, original == header.nodata)
    np.testing.assert_array_equal(np.isnan(first), np.isnan(original))
    np.testing.assert_array_equal(first[lost], second[lost])
    # One part in a million of the deviation where that is more than a whole number.
    slack = unit * (1 + 1e-6 * largest_sigma(data))
    difference = np.abs(first[~lost].astype(np.float64) - second[~lost].astype(np.float64))
    assert difference.max(initial=0) <= slack


def largest_sigma(data: bytes) -> float:
    _, _, chunks = band.read_chunks(data, PACK)
    return max(band.sigma(s) for chunk in chunks for s in chunk.symbols.scale)


def check_symbols(data: bytes) -> None:
    """Both decoders see the same symbols in every chunk."""
    _, rows, chunks = band.read_chunks(data, PACK)
    index = _core.read_index(data, *_core.parse_preamble(data))
    assert index.rows == rows
    tables = load(TINY).models[0].tables
    assert len(chunks) == len(index.chunks)
    for chunk, entry in zip(chunks, index.chunks, strict=True):
        assert (chunk.tile, chunk.interval) == (entry.tile, entry.interval)
        info = _core.check_chunk(data, entry)
        payload = data[info.payload_offset : info.payload_offset + info.payload_length]
        tile = _core.BandTile(chunk.size.bands, entry.rows, chunk.size.columns, PACK.stride)
        decoded = _core.decode_band_payload(tables, tile, payload)
        step, valid, scale, mean, offsets, latents, crc = decoded
        symbols = chunk.symbols
        assert step == symbols.step
        assert (valid is None) == (symbols.valid is None)
        if valid is not None:
            np.testing.assert_array_equal(valid, symbols.valid)
        assert scale.tolist() == symbols.scale
        assert mean.tolist() == symbols.mean
        assert offsets.tolist() == symbols.offsets
        assert latents.ravel().tolist() == [
            int(z) for plane in symbols.latents.values() for z in plane.ravel()
        ]
        assert crc == symbols.checksum == info.symbols_crc
        levels = [-1 if n is None else n for n in symbols.levels]
        assert _core.band_levels(scale, step, PACK.levels).tolist() == levels


def test_the_streams_show_what_they_are_for() -> None:
    """Escaped latents, channel offsets, inactive bands, the highest level: all occur."""
    seen: dict[str, Any] = {}
    for name, (make, settings_) in STREAMS.items():
        _, _, chunks = band.read_chunks(hyspec.encode(make(), pack=TINY, **settings_), PACK)
        seen[name] = [chunk.symbols for chunk in chunks]
    assert any(escaped(s) for s in seen["signed-with-masks"])
    assert any(escaped(s) for s in seen["float"])
    assert max(o for s in seen["lone-peaks"] for o in s.offsets) < 0
    assert all(n == PACK.levels - 1 for s in seen["lone-peaks"] for n in s.levels)
    assert {None} < {n for s in seen["lowest-quality"] for n in s.levels}
    assert any(s.valid is not None for s in seen["signed-with-masks"])
    assert len(seen["tiles-and-intervals"]) == 27
    for name, mean in (("mean-is-nodata", 100), ("mean-is-nodata-small-step", 100 * 2**20)):
        assert seen[name][0].levels[0] is None
        assert seen[name][0].mean[0] * 2 ** band.exponent(seen[name][0].scale[0]) == mean
    constant = seen["constant-bands"][0]
    assert (constant.scale[1], constant.mean[1]) == (0, 2**31 - 1)


def escaped(symbols: band.Symbols) -> bool:
    """Whether any latent lies outside its table."""
    for b, latents in symbols.latents.items():
        for c, plane in enumerate(latents):
            table = band.channel_table(PACK, PACK.models[0], symbols, b, c)
            if plane.min() < table.first or plane.max() > table.last:
                return True
    return False


# ---- the documents' own examples


def test_example_of_the_band_profile() -> None:
    payload = bytes.fromhex("80 01 00 8a 94 82 0e 00 59 40 df")
    symbols = band.decode(payload, PACK, PACK.models[0], band.Tile(3, 2, 2, 16))
    assert symbols.step == 64
    assert symbols.mean == [1000, 1004, -7]
    assert symbols.checksum == 0xA2A228B5
    assert range_decoder.to_words(payload[3:]) == [243438730, 3745536256]
    decoder = RangeDecoder(range_decoder.to_words(payload[3:]))
    assert decoder.uniform(4) == 0
    assert [decode_symbol(decoder, band.SIDE_TABLES[0]) for _ in range(3)] == [0, 0, 0]
    assert decoder.uniform(4) == 15
    frequencies = " ".join(str(f) for f in band.SIDE_TABLES[8].freq[24:])
    document = (Path(__file__).parents[1] / "docs" / "band_profile.md").read_text(encoding="utf-8")
    assert f"    {frequencies}\n" in document
    assert f"    {payload.hex(' ')}\n" in document


def test_examples_of_the_entropy_coder() -> None:
    table = Table(0, [30000, 20000, 10000, 5000, 535, 1])
    decoder = RangeDecoder([1448514229, 2226392271, 3294538283])
    symbols = [int(digit) for digit in "0123400011243440042031"]
    assert [decode_symbol(decoder, table) for _ in symbols] == symbols
    decoder.finish()

    tables = {"A": Table(-1, [60000, 5000, 535, 1]), "B": Table(7, [1, 1, 65534])}
    text = "A0 A-1 A2 B7 A2147483647 B8 A-2147483648 B9 A-2 B70000 A1 B6"
    words = "4232157711 744302334 3788505079 269021181 2988441599 3713942569 1543214962 2752156672"
    decoder = RangeDecoder([int(word) for word in words.split()])
    names = [symbol[0] for symbol in text.split()]
    assert " ".join(f"{n}{decode_symbol(decoder, tables[n])}" for n in names) == text
    decoder.finish()

    masks = decode_masks(bytes.fromhex("2e cb cb d6 00 80 a2 b8"), 5, 3, 5)
    first = [[1, 1, 0, 0, 1], [1, 0, 0, 1, 1], [0, 0, 1, 1, 1]]
    assert masks[:2].tolist() == [first, first]
    assert masks[2].max() == 0
    assert masks[3].min() == 1
    assert masks[4].tolist() == first[::-1]


# ---- both decoders judge damaged messages alike


def base_message() -> tuple[_core.BandTables, _core.BandTile, bytes]:
    rng = np.random.default_rng(3)
    tables = load(TINY).models[0].tables
    tile = _core.BandTile(3, 9, 20, PACK.stride)
    valid = np.ones((3, 9, 20), np.uint8)
    valid[1:, 2:5, 3:9] = 0
    scale = np.array([160, 0, 170], np.int32)
    latents = rng.integers(-3, 4, (2, PACK.channels, tile.positions)).astype(np.int32)
    offset = np.array([0, 1, -2, 0], np.int32)
    mean = np.array([900, 7, -3], np.int32)
    payload, _ = _core.encode_band_payload(tables, tile, 100, valid, scale, mean, offset, latents)
    return tables, tile, payload


TABLES, TILE, PAYLOAD = base_message()


@settings(max_examples=150, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, len(PAYLOAD) - 1), st.integers(0, 255)), max_size=3),
    st.integers(-8, 4),
)
def test_decoders_agree_on_damaged_payloads(changes: list[tuple[int, int]], cut: int) -> None:
    data = bytearray(PAYLOAD)
    for at, byte in changes:
        data[at] = byte
    content = bytes(data[:cut] if cut < 0 else data + bytes(cut))
    try:
        first = _core.decode_band_payload(TABLES, TILE, content)
    except _core.CoreError as error:
        assert error.args[2] in ("corrupt", "truncated")
        first = None
    tile = band.Tile(TILE.bands, TILE.rows, TILE.columns, TILE.stride)
    try:
        second = band.decode(content, PACK, PACK.models[0], tile)
    except ValueError:
        second = None
    assert (first is None) == (second is None)
    if first is not None and second is not None:
        assert first[-1] == second.checksum
