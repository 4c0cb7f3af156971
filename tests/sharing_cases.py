"""Cubes whose tiles have spectra in common, and what a stream says of their bases."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from unittest import mock

import numpy as np
import numpy.typing as npt

import hyspec
from golden import make_streams
from hyspec import Cube, _core, spectral_profile
from hyspec.pack import load

Array = npt.NDArray[Any]
PACK = "generic-spectral"


def alike(rows: int, columns: int, bands: int, *, seed: int = 1, noise: float = 3.0) -> Array:
    """Smooth fields of a few spectra: what pays in one tile, pays in all."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:rows, :columns] / 9.0
    fields = [np.sin((k + 1) * x / 2 + k) + np.cos(y * (k + 2) / 3 - k) for k in range(6)]
    spectra = rng.normal(0, 1, (6, bands)).cumsum(1) * 60 * 0.6 ** np.arange(6)[:, None]
    array = 5000 + np.stack(fields, -1) @ spectra + rng.normal(0, noise, (rows, columns, bands))
    return np.rint(array).astype(np.uint16)


def unshared() -> Any:
    """Within this context, tiles have a basis each."""
    return mock.patch.object(spectral_profile.SpectralCoder, "by_row", new=False)


@dataclass
class Found:
    """What a chunk says of its basis; ``rows`` is 0 if it borrows one."""

    tile: int
    interval: int
    back: int
    rows: int
    planes: int
    sizes: list[int]


def bases_of(data: bytes, pack: str | Any = PACK) -> list[Found]:
    """Of every chunk of a stream, in order."""
    networks = [(n.stride, n.latents) for n in load(pack).models[0].networks]
    header, size = _core.parse_preamble(data)
    across = -(-header.columns // header.tile_columns)
    found, carriers = [], {}
    for entry in _core.read_index(data, header, size).chunks:
        info = _core.check_chunk(data, entry)
        payload = data[info.payload_offset : info.payload_offset + info.payload_length]
        column = entry.tile % across * header.tile_columns
        columns = min(header.tile_columns, header.columns - column)
        tile = _core.BandTile(header.intervals[entry.interval][0], entry.rows, columns)
        back = _core.spectral_payload_back(payload)
        shared = carriers[entry.tile - back, entry.interval] if back else None
        if not back:
            carrier = _core.decode_spectral_basis(len(networks), tile, payload)
            carriers[entry.tile, entry.interval] = carrier
        symbols = _core.decode_spectral_payload(networks, tile, payload, shared)
        basis, scale = symbols[7], symbols[8]
        numbers = (back, len(basis.entries), len(scale))
        found.append(Found(entry.tile, entry.interval, *numbers, basis.sizes.tolist()))
    return found


def psnr(cube: Array | Cube, data: bytes, pack: str | Any = PACK) -> float:
    return hyspec.metrics.compare(cube, hyspec.decode(data, pack=pack)).psnr_db


TINY = make_streams.SPECTRAL_PACK
