"""Whole streams in plain Python: every chunk by its profile, and the cube that they make."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import numpy as np
import numpy.typing as npt

from reference import band, bounded, container, corrections, spectral
from reference.band import Tile, require
from reference.pack import Network, Pack

Array = npt.NDArray[Any]

#: Number and version of a profile: its name, and the module that decodes its payloads.
PROFILES: dict[tuple[int, int], tuple[str, ModuleType]] = {
    (1, 2): ("band", band),
    (2, 1): ("spectral", spectral),
    (3, 1): ("bounded", bounded),
}


@dataclass
class Chunk:
    """One decoded chunk; its symbols are those of the profile."""

    tile: int
    interval: int
    size: Tile
    row: int
    column: int
    band: int
    network: Network | None
    symbols: Any


def profile_of(header: container.Header, pack: Pack | None) -> ModuleType:
    numbers = (header["profile"], header["profile_version"])
    require(numbers in PROFILES, "profile")
    name, profile = PROFILES[numbers]
    if pack is None:
        require(profile is bounded, "no pack")
        require("pack" not in header, "a pack that is not given")
        return profile
    require(header["pack"][0] == pack.id, "pack")
    require(pack.profile == ("spectral" if profile is bounded else name), "profile of the pack")
    return profile


def decode_bounded(
    payload: bytes, networks: Sequence[Network], tile: Tile
) -> bounded.Samples | corrections.Symbols:
    """By either way; the second needs networks."""
    if payload[:1] != b"\1":
        return bounded.decode(payload, tile)
    require(len(networks) > 0, "a base without a pack")
    return corrections.decode(payload, networks, tile)


Chunks = tuple[container.Header, int, list[Chunk]]
#: What streams were found to hold, with the pack that keeps its identity meanwhile: plain Python
#: takes seconds for a stream that several tests look at.
_FOUND: dict[tuple[bytes, int], tuple[Chunks, Pack | None]] = {}
_KEPT = 64


def read_chunks(data: bytes, pack: Pack | None) -> Chunks:
    """Header, rows of the cube, and the symbols of every chunk, which nobody changes."""
    key = data, id(pack)
    if key not in _FOUND:
        if len(_FOUND) == _KEPT:
            del _FOUND[next(iter(_FOUND))]
        _FOUND[key] = _read_chunks(data, pack), pack
    return _FOUND[key][0]


def _read_chunks(data: bytes, pack: Pack | None) -> Chunks:
    header, size = container.parse_preamble(data)
    profile = profile_of(header, pack)
    rows, entries = container.read_index(data, header, size)
    places = {(entry["tile"], entry["interval"]): entry for entry in entries}
    across = container.tiles_across(header)

    def decode(entry: dict[str, int], *, borrows: bool = True) -> Chunk:
        info = container.parse_chunk_header(data, entry["offset"])
        payload = container.payload(data, info)
        number, interval = entry["tile"], entry["interval"]
        column = number % across * header["tile_columns"]
        columns = min(header["tile_columns"], header["columns"] - column)
        bands, model = header["intervals"][interval]
        require(model < (1 if pack is None else len(pack.models)), "model")
        tile = Tile(bands, entry["rows"], columns)
        first_band = sum(n for n, _ in header["intervals"][:interval])
        row = number // across * header["tile_rows"]
        place = (number, interval, tile, row, column, first_band)
        networks = [] if pack is None else pack.models[model]
        if profile is spectral and (back := spectral.tiles_back(payload)):
            require(borrows, "a carrier that borrows")
            require(back <= number % across, "a carrier in another row of tiles")
            require((number - back, interval) in places, "no carrier")
            carrier = decode(places[number - back, interval], borrows=False).symbols
            symbols = spectral.decode(payload, networks, tile, carrier)
        elif profile is bounded:
            symbols = decode_bounded(payload, networks, tile)
        else:
            symbols = profile.decode(payload, networks, tile)
        require(symbols.checksum == info["symbols_crc"], "checksum of the symbols")
        predicted = isinstance(symbols, bounded.Samples)
        return Chunk(*place, None if predicted else networks[symbols.network], symbols)

    return header, rows, [decode(entry) for entry in entries]


def read_cube(data: bytes, pack: Pack | None) -> Array:
    """Samples of the whole cube, shape (rows, columns, bands)."""
    header, rows, chunks = read_chunks(data, pack)
    profile = profile_of(header, pack)
    cube = np.empty((rows, header["columns"], header["bands"]), header["sample_type"])
    for c in chunks:
        module = corrections if isinstance(c.symbols, corrections.Symbols) else profile
        planes = module.values(c.network, c.size, c.symbols)
        block = band.samples(planes, header, c.symbols.valid).transpose(1, 2, 0)
        r, q, b = c.row, c.column, c.band
        cube[r : r + c.size.rows, q : q + c.size.columns, b : b + c.size.bands] = block
    return cube
