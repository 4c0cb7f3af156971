"""The `band` profile in plain Python, in the order of docs/band_profile.md.

Written from the documents alone and as slow as it likes, so that two readings of them can be
compared.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from reference import container
from reference.container import Reader, crc32c
from reference.pack import Model, Pack
from reference.range_decoder import RangeDecoder, Table, decode_masks, decode_symbol, to_words

Array = npt.NDArray[Any]


class PayloadError(ValueError):
    """A payload that breaks a MUST of the document."""


def require(holds: bool, text: str) -> None:
    if not holds:
        raise PayloadError(text)


def int32(value: int) -> int:
    """1.1: modulo 2^32."""
    return (value + 2**31) % 2**32 - 2**31


# 1.2, 2 Payload -----------------------------------------------------------------------------------


@dataclass
class Tile:
    """Size of a chunk."""

    bands: int
    rows: int
    columns: int
    stride: int

    @property
    def grid(self) -> tuple[int, int]:
        return -(-self.rows // self.stride), -(-self.columns // self.stride)


@dataclass
class Symbols:
    """What a payload says; scale and mean are 0 for bands that are not present."""

    step: int
    valid: Array | None
    scale: list[int]
    mean: list[int]
    levels: list[int | None]
    offsets: list[int] = field(default_factory=list)
    latents: dict[int, Array] = field(default_factory=dict)  # by band, (channels, h, w)
    checksum: int = 0


def decode(payload: bytes, pack: Pack, model: Model, tile: Tile) -> Symbols:
    reader = Reader(payload)
    step = reader.svarint()
    require(-1024 <= step <= 1536, "step")
    mask = reader.take(reader.varint())
    valid = None
    present = list(range(tile.bands))
    if mask:  # 2.1
        valid = decode_masks(mask, tile.bands, tile.rows, tile.columns)
        present = [b for b in present if valid[b].any()]
    decoder = RangeDecoder(to_words(reader.take(reader.left)))  # 2.2
    symbols = Symbols(step, valid, [0] * tile.bands, [0] * tile.bands, [None] * tile.bands)
    decode_scales_and_means(decoder, symbols, present)
    symbols.levels = [level(s, step, pack.levels) for s in symbols.scale]
    active = [b for b in present if symbols.levels[b] is not None]
    if active:
        symbols.offsets = side_run(decoder, pack.channels)
    for b in active:
        symbols.latents[b] = decode_latents(decoder, pack, model, tile, symbols, b)
    decoder.finish()
    symbols.checksum = checksum(symbols, present)
    return symbols


# 3 Scale, mean, step and levels -------------------------------------------------------------------


def sigma(s: int) -> float:
    return float(2.0 ** ((s - 65) / 16))


def exponent(s: int) -> int:
    return max(0, (s - 65) // 16 - 3) if s >= 1 else 0


def level(s: int, step: int, levels: int) -> int | None:
    q = 2 * (s - 65) - step
    return None if s == 0 or q < 0 else min(q, levels - 1)


# 4 Tables -----------------------------------------------------------------------------------------

RHO = (8, 24, 48, 72, 96, 120, 140, 160, 176, 192, 204, 214, 222, 230, 238, 246)


def side_table(rho: int) -> Table:
    """4.1."""
    g = [2**24]
    for _ in range(24):
        g.append(g[-1] * rho // 256)
    tails = 2 * g[24] * rho // (256 - rho)
    total = g[0] + 2 * sum(g[1:]) + tails
    half = [1 + weight * 65486 // total for weight in g[1:]]
    escape = 1 + tails * 65486 // total
    zero = 65536 - 2 * sum(half) - escape
    return Table(-24, [*half[::-1], zero, *half, escape])


SIDE_TABLES = [side_table(rho) for rho in RHO]


def side_run(decoder: RangeDecoder, count: int) -> list[int]:
    table = SIDE_TABLES[decoder.uniform(4)]
    return [decode_symbol(decoder, table) for _ in range(count)]


def decode_scales_and_means(decoder: RangeDecoder, symbols: Symbols, present: list[int]) -> None:
    """4.2."""
    s = 0
    for b, difference in zip(present, side_run(decoder, len(present)), strict=True):
        s += difference
        require(0 <= s <= 577, "scale")
        symbols.scale[b] = s
    s, m = 0, 0
    for b, difference in zip(present, side_run(decoder, len(present)), strict=True):
        e = exponent(symbols.scale[b])
        half = 2 ** (e - 1) if e > 0 else 0
        p = int32((m * 2 ** exponent(s) + half) // 2**e)
        s, m = symbols.scale[b], int32(p + difference)
        symbols.mean[b] = m


def channel_table(pack: Pack, model: Model, symbols: Symbols, band: int, channel: int) -> Table:
    """4.3."""
    rung = int(model.ladder[symbols.levels[band], channel]) + symbols.offsets[channel]
    return model.tables[channel * pack.rungs + min(max(rung, 0), pack.rungs - 1)]


def decode_latents(
    decoder: RangeDecoder, pack: Pack, model: Model, tile: Tile, symbols: Symbols, band: int
) -> Array:
    """4.4: the latents of one band."""
    latents = np.empty((pack.channels, *tile.grid), np.int32)
    for c in range(pack.channels):
        table = channel_table(pack, model, symbols, band, c)
        for position in np.ndindex(tile.grid):
            latents[c, *position] = decode_symbol(decoder, table)
    return latents


# 5 Symbols checksum -------------------------------------------------------------------------------


def checksum(symbols: Symbols, present: list[int]) -> int:
    values = [symbols.scale[b] for b in present]
    values += [symbols.mean[b] for b in present]
    values += symbols.offsets
    values += [int(z) for band in symbols.latents.values() for z in band.ravel()]
    return crc32c(b"".join(v.to_bytes(4, "little", signed=True) for v in values))


# 6 Reconstruction ---------------------------------------------------------------------------------


def synthesise(model: Model, latents: Array, levels: list[int]) -> Array:
    """6.1, 6.2: planes of whole strides from latents (bands, channels, h, w)."""
    import onnxruntime as ort

    y = latents * np.exp2(model.log2_inverse_gain[levels])[:, :, None, None]
    session = ort.InferenceSession(model.synthesis, providers=["CPUExecutionProvider"])
    planes = session.run(None, {session.get_inputs()[0].name: y.astype(np.float32)})[0]
    return np.asarray(planes[:, 0], np.float64)


def values(model: Model, tile: Tile, symbols: Symbols) -> Array:
    """6.3: real values on the scale of whole numbers, shape (bands, rows, columns)."""
    planes = np.empty((tile.bands, tile.rows, tile.columns))
    for b, (s, m) in enumerate(zip(symbols.scale, symbols.mean, strict=True)):
        planes[b] = m * 2 ** exponent(s)
    active = list(symbols.latents)
    if active:
        levels = [n for b in active if (n := symbols.levels[b]) is not None]
        x = synthesise(model, np.stack(list(symbols.latents.values())), levels)
        for b, plane in zip(active, x, strict=True):
            planes[b] += plane[: tile.rows, : tile.columns] * sigma(symbols.scale[b])
    return planes


def samples(planes: Array, header: container.Header, valid: Array | None) -> Array:
    """6.4, 6.5: values as samples, any shape."""
    n = np.where(np.isnan(planes), 0, np.rint(planes))
    dtype = np.dtype(header["sample_type"])
    convert = float_samples if dtype.kind == "f" else integer_samples
    out, nodata = convert(n, dtype, header)
    return out if valid is None else np.where(valid == 1, out, nodata).astype(dtype)


def float_samples(
    n: Array, dtype: np.dtype[Any], header: container.Header
) -> tuple[Array, float | np.floating[Any]]:
    step = header["step"]
    k = math.floor(min(float(np.finfo(dtype).max) / step, 2**62))
    out = (np.clip(n, -k, k) * step).astype(dtype)
    if math.isnan(header.get("nodata", math.nan)):
        return out, math.nan
    with np.errstate(over="ignore"):
        nodata = dtype.type(header["nodata"])
    moved = dtype.type(float(nodata) + step)
    out[out == nodata] = np.nextafter(nodata, dtype.type(np.inf)) if moved == nodata else moved
    return out, nodata


def integer_samples(
    n: Array, dtype: np.dtype[Any], header: container.Header
) -> tuple[Array, float]:
    limits = np.iinfo(dtype)
    out = np.clip(n + (2**31 if dtype == np.uint32 else 0), limits.min, limits.max).astype(dtype)
    nodata = float(header.get("nodata", math.nan))
    if not (nodata.is_integer() and limits.min <= nodata <= limits.max):
        return out, 0
    out[out == nodata] = nodata - 1 if nodata == limits.max else nodata + 1
    return out, nodata


# A whole stream -----------------------------------------------------------------------------------


@dataclass
class Chunk:
    """One decoded chunk."""

    tile: int
    interval: int
    size: Tile
    row: int
    column: int
    band: int
    model: Model
    symbols: Symbols


def read_chunks(data: bytes, pack: Pack) -> tuple[container.Header, int, list[Chunk]]:
    """Header, rows of the cube, and the symbols of every chunk."""
    header, size = container.parse_preamble(data)
    require((header["profile"], header["profile_version"]) == (1, 1), "profile")
    require(header["pack"][0] == pack.id, "pack")
    rows, entries = container.read_index(data, header, size)
    chunks = []
    for entry in entries:
        info = container.parse_chunk_header(data, entry["offset"])
        down, across = divmod(entry["tile"], container.tiles_across(header))
        column = across * header["tile_columns"]
        columns = min(header["tile_columns"], header["columns"] - column)
        bands, model = header["intervals"][entry["interval"]]
        require(model < len(pack.models), "model")
        tile = Tile(bands, entry["rows"], columns, pack.stride)
        symbols = decode(container.payload(data, info), pack, pack.models[model], tile)
        require(symbols.checksum == info["symbols_crc"], "checksum of the symbols")
        first_band = sum(n for n, _ in header["intervals"][: entry["interval"]])
        row = down * header["tile_rows"]
        place = (entry["tile"], entry["interval"], tile, row, column, first_band)
        chunks.append(Chunk(*place, pack.models[model], symbols))
    return header, rows, chunks


def read_cube(data: bytes, pack: Pack) -> Array:
    """Samples of the whole cube, shape (rows, columns, bands)."""
    header, rows, chunks = read_chunks(data, pack)
    cube = np.empty((rows, header["columns"], header["bands"]), header["sample_type"])
    for c in chunks:
        planes = values(c.model, c.size, c.symbols)
        block = samples(planes, header, c.symbols.valid).transpose(1, 2, 0)
        r, q, b = c.row, c.column, c.band
        cube[r : r + c.size.rows, q : q + c.size.columns, b : b + c.size.bands] = block
    return cube
