"""A small stream of each profile for tests to spoil, and what may come back of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

import hyspec
from golden import make_streams
from hyspec import _core
from stream_forger import Forger

Array = npt.NDArray[Any]
Place = tuple[int, int]  # tile and first band


class SmallStream:
    """Tiles of 8 and 6 rows and two intervals of bands, which make four chunks."""

    def __init__(self, pack: Path, cube: hyspec.Cube, quality: float, bands: list[slice]) -> None:
        self.pack, self.cube, self.bands = pack, cube, bands
        models = hyspec.pack.load(pack).models
        self.networks = [(network.stride, network.latents) for network in models[0].networks]
        intervals = ",".join(f"{part.start + 1}-{part.stop}" for part in bands)
        self.data = hyspec.encode(cube, pack=pack, quality=quality, intervals=intervals, tile=8)
        header, self.preamble = _core.parse_preamble(self.data)
        self.entries = _core.read_index(self.data, header, self.preamble).chunks
        self.forger = Forger.of(self.data)
        self.decoded = self.decode(self.data)

    def decode(self, data: bytes, **changes: Any) -> Array:
        return hyspec.decode(data, **{"pack": self.pack, "threads": 1, **changes}).array

    def rescue(self, data: bytes) -> tuple[Array, set[Place]]:
        """Decode with ``on_damage="fill"``; also tell the places of the lost chunks."""
        stream = hyspec.Stream(data, pack=self.pack, threads=1, on_damage="fill")
        return stream[...], {(d.tile, d.bands.start) for d in stream.damage}

    def hit(self, start: int, stop: int) -> set[int]:
        """Numbers of the chunks that hold any of these bytes."""
        touched = [e.offset < stop and start < e.offset + e.length for e in self.entries]
        return {k for k, yes in enumerate(touched) if yes}

    def place(self, chunk: int) -> Place:
        entry = self.entries[chunk]
        return entry.tile, self.bands[entry.interval].start

    def samples(self, chunk: int) -> tuple[slice, slice, slice]:
        """Where the samples of a chunk are in the cube."""
        entry = self.entries[chunk]
        rows = slice(8 * entry.tile, 8 * entry.tile + 8)
        return rows, slice(None), self.bands[entry.interval]

    def check_rescued(self, data: bytes, lost: set[int]) -> None:
        """All but the lost chunks come back exactly, and the loss is told."""
        found, told = self.rescue(data)
        wanted = self.decoded.copy()
        for chunk in lost:
            wanted[self.samples(chunk)] = -999
        np.testing.assert_array_equal(found, wanted)
        assert told == {self.place(chunk) for chunk in lost}


def small_cube(bands: int, constant: int) -> hyspec.Cube:
    """Of 14 x 9 pixels, some of them nodata; one band is constant in the lower tile."""
    y, x = np.mgrid[:14, :9]
    array = (300 * np.sin(y / 4) + 20 * x)[..., None] * np.arange(1, bands + 1) / 3
    array[..., 1] += 100 * np.cos(x)
    array = np.rint(array).astype(np.int16)
    array[2:5, 3:6, 1:] = -999
    array[8:, :, constant] = 40
    return hyspec.Cube(array, nodata=-999.0, metadata={"envi": {"note": "small"}})


BAND = SmallStream(make_streams.PACK, small_cube(3, 0), 40, [slice(0, 1), slice(1, 3)])
SPECTRAL = SmallStream(make_streams.SPECTRAL_PACK, small_cube(5, 3), 60, [slice(0, 2), slice(2, 5)])
each_stream = pytest.mark.parametrize("stream", [BAND, SPECTRAL], ids=["band", "spectral"])
