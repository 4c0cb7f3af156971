"""The `spectral` profile in plain Python, in the order of docs/spectral_profile.md.

Written from the documents alone and as slow as it likes, so that two readings of them can be
compared.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from reference.band import Tile, decode_start, require, sigma, synthesise
from reference.container import Reader, crc32c
from reference.latents import LatentDecoder
from reference.pack import Network
from reference.planes import PlaneDecoder
from reference.range_decoder import RangeDecoder, to_words

Array = npt.NDArray[Any]

# 2 Payload ----------------------------------------------------------------------------------------


@dataclass
class Basis:
    """3.4: directions, and the bands that they belong to."""

    bands: list[int]  # of the interval; those that are present and vary
    sizes: list[int]  # of groups; empty if the basis is not grouped
    counts: list[int]
    leading: list[list[list[int]]]  # by group, rows
    entries: list[list[int]]

    @property
    def covered(self) -> list[list[int]]:
        """In the order of the checksum of symbols."""
        rows = [row for group in self.leading for row in group]
        return [self.sizes, self.counts, *rows, *self.entries]


@dataclass
class Symbols:
    """What a payload says; varies and mean are 0 for bands that are not present."""

    back: int
    step: int
    network: int
    valid: Array | None
    varies: list[int]
    fineness: int
    mean: list[int]
    basis: Basis  # its own, or that of the carrier
    scale: list[int]
    dependent: bool  # whether quantisers take turns
    levels: list[int]
    latents: list[Array]  # by plane, (channels, h, w), in half steps
    checksum: int


def tiles_back(payload: bytes) -> int:
    """How many tiles before lies the carrier; 0 without one."""
    back = Reader(payload).varint()
    require(back < 2**32, "back")
    return back


def decode(
    payload: bytes, networks: Sequence[Network], tile: Tile, carrier: Symbols | None = None
) -> Symbols:
    """Symbols of a chunk, and if it borrows a basis, with those of its carrier."""
    back = tiles_back(payload)
    reader = Reader(payload)
    reader.varint()
    step, number, valid, present = decode_start(reader, networks, tile)
    network = networks[number]
    decoder = RangeDecoder(to_words(reader.take(reader.left)))  # 2.1
    varies = row_of_numbers(decoder, len(present))
    require(all(v in (0, 1) for v in varies), "varies")
    fineness = decoder.uniform(2)
    mean = row_of_numbers(decoder, len(present))
    if back == 0:
        basis = decode_basis(decoder, [b for b, v in zip(present, varies, strict=True) if v], tile)
    else:
        require(carrier is not None and carrier.back == 0, "carrier")
        assert carrier is not None
        basis = carrier.basis
    planes = decoder.uniform(16)
    require(planes <= len(basis.entries), "more planes than rows of the basis")
    require(planes <= tile.rows * tile.columns, "more planes than pixels")
    scale = row_of_numbers(decoder, planes)
    require(all(1 <= s <= 577 for s in scale), "scale")
    levels = [level(s, step, network.levels) for s in scale]
    dependent = decoder.uniform(1) == 1
    grid = tile.grid(network.stride)
    coder = PlaneDecoder(decoder, network, grid, take_turns=dependent)  # 4
    latents = [coder.plane() for _ in range(planes)]
    decoder.finish()
    full_varies, full_mean = [0] * tile.bands, [0] * tile.bands
    for b, v, m in zip(present, varies, mean, strict=True):
        full_varies[b], full_mean[b] = v, m
    borrowed = [int(b in basis.bands) for b in range(tile.bands)] if back else []  # 5
    covered = [varies, mean, borrowed, *basis.covered, scale]
    return Symbols(
        back=back,
        step=step,
        network=number,
        valid=valid,
        varies=full_varies,
        fineness=fineness,
        mean=full_mean,
        basis=basis,
        scale=scale,
        dependent=dependent,
        levels=levels,
        latents=latents,
        checksum=checksum([*covered, *(z.ravel().tolist() for z in latents)]),
    )


# 3 Means, planes, basis ---------------------------------------------------------------------------


def side_network() -> Network:
    """3.1: what tables start from."""
    return Network(
        stride=1,
        channels=1,
        levels=1,
        context_bands=1,
        gain=np.zeros((1, 1), np.int16),
        inverse_gain=np.zeros((1, 1), np.int16),
        slots=(np.full(17280, 32768, np.uint16), np.zeros(17280, np.uint8)),
        mixers=np.full(1024, 16384, np.int32),
        intra=np.array([65536, 0, 0], np.int32),
    )


def numbers(decoder: RangeDecoder, rows: int, columns: int) -> list[list[int]]:
    """3.1: a table."""
    if rows == 0 or columns == 0:
        return [[] for _ in range(rows)]
    [table] = LatentDecoder(decoder, side_network(), (rows, columns)).band(0).tolist()
    return [[int(v) for v in row] for row in table]


def row_of_numbers(decoder: RangeDecoder, count: int) -> list[int]:
    [row] = numbers(decoder, 1, count)
    return row


def exponent(varies: int, step: int, fineness: int) -> int:
    """3.2."""
    return max(0, step // 32 - 2) - fineness if varies else 0


def level(s: int, step: int, levels: int) -> int:
    """3.3."""
    return min(max(2 * (s - 65) - step, 0), levels - 1)


def decode_basis(decoder: RangeDecoder, bands: list[int], tile: Tile) -> Basis:
    """3.4."""
    pixels = tile.rows * tile.columns
    sizes: list[int] = []
    counts: list[int] = []
    leading: list[list[list[int]]] = []
    width = len(bands)
    if decoder.uniform(1):
        groups = decoder.uniform(8) + 1
        sizes = row_of_numbers(decoder, groups)
        require(min(sizes) >= 1 and sum(sizes) == len(bands), "sizes")
        counts = row_of_numbers(decoder, groups)
        for size, count in zip(sizes, counts, strict=True):
            require(0 <= count <= min(size, pixels), "counts")
        leading = [numbers(decoder, n, size) for n, size in zip(counts, sizes, strict=True)]
        width = sum(counts)
    rows = decoder.uniform(16)
    require(rows <= min(width, pixels), "rows of the basis")
    return Basis(bands, sizes, counts, leading, numbers(decoder, rows, width))


# 5 Symbols checksum -------------------------------------------------------------------------------


def checksum(parts: list[list[int]]) -> int:
    return crc32c(b"".join(v.to_bytes(4, "little", signed=True) for part in parts for v in part))


# 6 Reconstruction ---------------------------------------------------------------------------------


def orthonormal(basis: Sequence[Sequence[int]]) -> Array:
    """6.1: rows of a table made orthonormal one after the other."""
    found: list[Array] = []
    for entries in basis:
        row = np.array(entries, np.float64)
        row /= max(1.0, float(np.abs(row).max()))
        for candidate in (row, *np.eye(len(row))):
            rest = candidate.copy()
            for _ in range(2):  # the second time removes what rounding left
                for before in found:
                    rest -= (before @ rest) * before
            length = float(np.sqrt(rest @ rest))
            if length > 1e-6:
                break
        found.append(rest / length)
    return np.array(found)


def directions(basis: Basis, bands: int) -> Array:
    """6.1, 6.3: u(k, b), shape (rows of the basis, bands of the interval)."""
    rows = orthonormal(basis.entries)
    if basis.sizes:
        levels = np.zeros((sum(basis.counts), len(basis.bands)))
        down = across = 0
        for table, size, count in zip(basis.leading, basis.sizes, basis.counts, strict=True):
            if count:
                levels[down : down + count, across : across + size] = orthonormal(table)
            down, across = down + count, across + size
        rows = rows @ levels if len(rows) else rows
    found = np.zeros((len(basis.entries), bands))
    if len(rows):
        found[:, basis.bands] = rows
    return found


def values(network: Network, tile: Tile, symbols: Symbols) -> Array:
    """6.2, 6.3: real values on the scale of whole numbers, shape (bands, rows, columns)."""
    result = np.empty((tile.bands, tile.rows, tile.columns))
    for b, (v, m) in enumerate(zip(symbols.varies, symbols.mean, strict=True)):
        result[b] = m * 2.0 ** exponent(v, symbols.step, symbols.fineness)
    if symbols.scale:
        half_step = 5 / 8 if symbols.dependent else 1 / 2
        latents = [half_step * z for z in symbols.latents]
        x = synthesise(network, latents, symbols.levels)
        varying = np.flatnonzero(symbols.varies)
        rows = directions(symbols.basis, tile.bands)[: len(x), varying]
        for row, s, plane in zip(rows, symbols.scale, x, strict=True):
            component = plane[: tile.rows, : tile.columns] * sigma(s)
            result[varying] += row[:, None, None] * component
    return result
