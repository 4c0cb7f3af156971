"""The `band` profile in plain Python, in the order of docs/band_profile.md.

Written from the documents alone and as slow as it likes, so that two readings of them can be
compared.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from reference import container
from reference.container import Reader, crc32c
from reference.latents import LatentDecoder
from reference.pack import Network
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

    def grid(self, stride: int) -> tuple[int, int]:
        return -(-self.rows // stride), -(-self.columns // stride)


@dataclass
class Symbols:
    """What a payload says; scale and mean are 0 for bands that are not present."""

    step: int
    network: int
    valid: Array | None
    scale: list[int]
    mean: list[int]
    levels: list[int | None]
    latents: dict[int, Array] = field(default_factory=dict)  # by band, (channels, h, w)
    checksum: int = 0


def decode_start(
    reader: Reader, networks: Sequence[Network], tile: Tile
) -> tuple[int, int, Array | None, list[int]]:
    """Step, number of the network, mask, and the bands that are present."""
    step = reader.svarint()
    require(-1024 <= step <= 1536, "step")
    number = reader.varint()
    require(number < len(networks), "network")
    mask = reader.take(reader.varint())
    present = list(range(tile.bands))
    if not mask:
        return step, number, None, present
    valid = decode_masks(mask, tile.bands, tile.rows, tile.columns)  # 2.1
    return step, number, valid, [b for b in present if valid[b].any()]


def decode(payload: bytes, networks: Sequence[Network], tile: Tile) -> Symbols:
    reader = Reader(payload)
    step, number, valid, present = decode_start(reader, networks, tile)
    network = networks[number]
    decoder = RangeDecoder(to_words(reader.take(reader.left)))  # 2.2
    symbols = Symbols(step, number, valid, [0] * tile.bands, [0] * tile.bands, [None] * tile.bands)
    decode_scales_and_means(decoder, symbols, present)
    symbols.levels = [level(s, step, network.levels) for s in symbols.scale]
    latents = LatentDecoder(decoder, network, tile.grid(network.stride))
    for b in present:
        if (at := symbols.levels[b]) is not None:
            symbols.latents[b] = latents.band(at)
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


# 3.4, 3.5 Side runs -------------------------------------------------------------------------------

RHO = (8, 24, 48, 72, 96, 120, 140, 160, 176, 192, 204, 214, 222, 230, 238, 246)


def side_table(rho: int) -> Table:
    """3.4."""
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
    """3.5."""
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


# 5 Symbols checksum -------------------------------------------------------------------------------


def checksum(symbols: Symbols, present: list[int]) -> int:
    values = [symbols.scale[b] for b in present]
    values += [symbols.mean[b] for b in present]
    values += [int(z) for band in symbols.latents.values() for z in band.ravel()]
    return crc32c(b"".join(v.to_bytes(4, "little", signed=True) for v in values))


# 6 Reconstruction ---------------------------------------------------------------------------------


def scaled(network: Network, latents: Array, level: int) -> Array:
    """6.1: latents of one band as 32-bit floats, shape (channels, h, w)."""
    factor = np.exp2(network.inverse_gain[level] / 256).astype(np.float32)
    product: Array = latents.astype(np.float32) * factor[:, None, None]
    return product


def synthesise(network: Network, latents: list[Array], levels: list[int]) -> list[Array]:
    """6.1, 6.2: planes of whole strides from the latents of all active bands."""
    import onnxruntime as ort

    session = ort.InferenceSession(network.synthesis, providers=["CPUExecutionProvider"])
    own = [scaled(network, z, n) for z, n in zip(latents, levels, strict=True)]
    planes = []
    for k, n in enumerate(levels):
        seen = [own[k]]
        if network.context_bands == 3:
            seen += [own[max(k - 1, 0)], own[min(k + 1, len(own) - 1)]]
        octave = np.full((1, 1, 1, 1), n / 32, np.float32)
        names = [i.name for i in session.get_inputs()]
        feed = dict(zip(names, (np.concatenate(seen)[None], octave), strict=False))
        planes.append(np.asarray(session.run(None, feed)[0][0, 0], np.float64))
    return planes


def values(network: Network, tile: Tile, symbols: Symbols) -> Array:
    """6.3: real values on the scale of whole numbers, shape (bands, rows, columns)."""
    planes = np.empty((tile.bands, tile.rows, tile.columns))
    for b, (s, m) in enumerate(zip(symbols.scale, symbols.mean, strict=True)):
        planes[b] = m * 2 ** exponent(s)
    active = list(symbols.latents)
    if active:
        levels = [n for b in active if (n := symbols.levels[b]) is not None]
        x = synthesise(network, list(symbols.latents.values()), levels)
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
