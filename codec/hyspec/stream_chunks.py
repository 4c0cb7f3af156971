"""The chunks of a stream: tiles times band intervals, each with the coder of its interval."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from hyspec import _core, profiles, refinement
from hyspec import pack as packs
from hyspec.core_errors import translated
from hyspec.damage import Damage
from hyspec.errors import (
    LimitError,
    PackError,
    PackNotFoundError,
    StreamError,
    UnsupportedVersionError,
    UsageError,
)
from hyspec.intervals import BandInterval
from hyspec.latest import Latest
from hyspec.sample_type import SampleType
from hyspec.spectral_profile import SpectralCoder
from hyspec.stream_index import StreamData
from hyspec.stream_planes import ChunkPlanes
from hyspec.tile_coder import TileCoder, TileSymbols
from hyspec.tiling import Tile, TileGrid

#: Memory that decoding a chunk takes: per sample for masks and latents, and per pixel where the
#: profile is not known.
_CHUNK_SAMPLE_BYTES = 14
_PIXEL_BYTES = 160
#: And with a spectral transform: per entry of the basis, of which there are no more than bands
#: times bands or pixels, on each of its levels, and per sample of the decoded planes.
_BASIS_ENTRY_BYTES = 150
_PLANE_BYTES = 12
#: Bases that are kept for other tiles of their row: per entry.
_KEPT_ENTRY_BYTES = 16
#: Stride of networks that is reckoned with.
_MOST_STRIDE = 16
#: More missing chunks than this mean that there is nothing worth recovering; it bounds the work
#: on a stream whose header lies about its shape.
_MAX_MISSING = 1 << 18

#: Rows, columns and bands of a part of the cube; ranges of step 1.
Area = tuple[range, range, range]
#: The same as an index of an array.
Index = tuple[slice, slice, slice]


class StreamChunks:
    """The chunks of a stream, decoded one at a time by any number of threads.

    Parameters
    ----------
    data
        The stream.
    header, index
        What it says of itself.
    pack
        Pack to decode with, or ``None`` for the one that the stream names.
    refine
        Refine decoded planes where the pack can.
    optimise
        Let ONNX Runtime rewrite the graphs; see :class:`hyspec.inference.Network`.

    Attributes
    ----------
    grid : TileGrid
        The tiles.
    partition : tuple of BandInterval
        The band intervals.

    Raises
    ------
    LimitError
        Too many chunks are missing.
    """

    def __init__(
        self,
        data: StreamData,
        header: _core.Header,
        index: _core.Index,
        pack: str | Path | None,
        *,
        refine: bool,
        optimise: bool,
    ) -> None:
        self._data = data
        self._header = header
        self._pack = pack
        self._refine = refine
        self._optimise = optimise
        self._sample_type = SampleType(np.dtype(header.sample_type), header.step or 0.0)
        self._nodata = self._sample_type.nodata_fill(header.nodata)
        self._marked = self._sample_type.marks(header.nodata)
        self.grid = TileGrid(int(index.rows), header.columns, header.tile_rows, header.tile_columns)
        stops = np.cumsum([bands for bands, _ in header.intervals]).tolist()
        self.partition = tuple(
            BandInterval(stop - bands, stop)
            for stop, (bands, _) in zip(stops, header.intervals, strict=True)
        )
        self._models = [model for _, model in header.intervals]
        self._profile = profiles.find(header.profile, header.profile_version)
        self._coders: list[TileCoder[Any, Any]] = []
        self._carried: Latest[tuple[int, int], Any] = Latest(len(self.partition) + 1)
        self._entries = {(entry.tile, entry.interval): entry for entry in index.chunks}
        missing = len(self.grid) * len(self.partition) - len(self._entries)
        if missing > _MAX_MISSING:
            raise LimitError(
                f"{missing} chunks of the stream are missing; at most {_MAX_MISSING} are recovered"
            )

    @property
    def profile(self) -> str:
        """Name of the profile, or its number where this version does not know it."""
        header = self._header
        if self._profile is not None:
            return self._profile.name
        return f"{header.profile} version {header.profile_version}"

    @property
    def memory(self) -> int:
        """Bytes of memory that decoding the largest chunk takes on one thread, generously."""
        rows = min(self.grid.tile_rows, self.grid.rows)
        columns = min(self.grid.tile_columns, self.grid.columns)
        bands = max(map(len, self.partition))
        # Latents are those of whole strides.
        pixels = (rows + -rows % _MOST_STRIDE) * (columns + -columns % _MOST_STRIDE)
        per_pixel = _PIXEL_BYTES if self._profile is None else self._profile.pixel_bytes
        chunk = pixels * bands * _CHUNK_SAMPLE_BYTES + pixels * per_pixel
        if self._profile is not None and self._profile.has_basis:
            chunk += min(bands, pixels) * (bands * _BASIS_ENTRY_BYTES + pixels * _PLANE_BYTES)
            if self.grid.across > 1:
                kept = sum(min(len(i), pixels) * len(i) for i in self.partition) + bands**2
                chunk += kept * _KEPT_ENTRY_BYTES
            if self._refine:
                chunk += refinement.most_bytes(rows, columns)
        return chunk

    def overlapping(self, area: Area) -> list[tuple[Tile, int]]:
        """Tile and interval of each chunk that holds samples of an area, in stream order."""
        rows, columns, bands = area
        wanted = [
            k
            for k, interval in enumerate(self.partition)
            if interval.start < bands.stop and bands.start < interval.stop
        ]
        return [(tile, k) for tile in self.grid.overlapping(rows, columns) for k in wanted]

    def area(self, tile: Tile, interval: int) -> Area:
        """Rows, columns and bands of a chunk."""
        part = self.partition[interval]
        return (
            range(tile.row, tile.row_stop),
            range(tile.column, tile.column_stop),
            range(part.start, part.stop),
        )

    def damage(self, tile: Tile, interval: int, error: StreamError) -> Damage:
        """Describe the loss of a chunk that raised an error."""
        return Damage(tile.number, *self.area(tile, interval), str(error))

    # ---- the coders ---------------------------------------------------------------------------

    def load_pack(self) -> None:
        """Find the pack and make the coders, unless that is done: once, before threads start.

        A profile that needs no pack has one coder, and a pack that was given is not looked at.

        Raises
        ------
        UnsupportedVersionError
            The stream is of a profile that this version does not know.
        StreamError
            The stream names no pack, or one that its profile does not need.
        PackError
            The pack is not installed, not the one that the stream names, or damaged.
        """
        if not self._coders:
            profile = self._known_profile()
            models = (None,) if profile.pack is None else self._find_pack(profile).models
            if profile.pack is None and self._header.pack is not None:
                raise StreamError(
                    f"the stream names a pack, which its profile {profile.name!r} does not need"
                )
            self._coders = [
                profile.coder(model, refine=self._refine, optimise=self._optimise)
                for model in models
            ]

    def _known_profile(self) -> profiles.Profile:
        if self._profile is None:
            known = ", ".join(
                f"{p.number} ({p.name}) version {p.version}" for p in profiles.PROFILES.values()
            )
            raise UnsupportedVersionError(
                f"the stream uses profile {self.profile}; this hyspec decodes profile {known}",
                hint="install a newer hyspec",
            )
        return self._profile

    def _find_pack(self, profile: profiles.Profile) -> packs.Pack:
        """Pack that the stream names, which is one of its profile."""
        if self._header.pack is None:
            raise StreamError("the stream names no pack, which its profile needs")
        loaded = self._named_pack(*self._header.pack)
        if loaded.profile != profile.name:
            raise PackError(
                f"pack {loaded.name!r} serves profile {loaded.profile!r}; "
                f"the stream needs one for {profile.name!r}"
            )
        return loaded

    def _named_pack(self, wanted: bytes, name: str) -> packs.Pack:
        if self._pack is None:
            return packs.find(wanted, name)
        loaded = packs.load(self._pack)
        if loaded.id != wanted:
            raise PackNotFoundError(
                f"the given pack {loaded.name!r} is {loaded.id.hex()[:16]}..., "
                f"the stream was written with {name!r}, {wanted.hex()[:16]}...",
                hint="give the pack that the stream names",
            )
        return loaded

    def _coder(self, interval: int) -> TileCoder[Any, Any]:
        self.load_pack()
        model = self._models[interval]
        if model >= len(self._coders):
            if self._header.pack is None:
                raise StreamError(f"the stream uses model {model} of a profile that has no models")
            raise StreamError(
                f"the stream uses model {model} of a pack with {len(self._coders)} models"
            )
        return self._coders[model]

    # ---- decoding -----------------------------------------------------------------------------

    def symbols(self, tile: Tile, interval: int) -> TileSymbols:
        """Read the symbols of a chunk.

        Raises
        ------
        StreamError
            The chunk is missing or damaged, or needs a model that the pack does not have.
        PackError, UnsupportedVersionError
            As for :meth:`load_pack`.
        """
        coder = self._coder(interval)
        payload, checksum = self._payload(tile, interval)
        with translated(self._what(tile, interval)):
            back = coder.back(payload)
        carried = None
        if back:
            key = self._carrier(tile, interval, back), interval
            carried = self._carried.get(key, self._read_carried)
        with translated(self._what(tile, interval)):
            symbols: TileSymbols = coder.read(
                self._size(tile, interval), payload, checksum, carried
            )
            return symbols

    def _what(self, tile: Tile, interval: int) -> str:
        return f"tile {tile.number}, bands {self.partition[interval]}"

    def _payload(self, tile: Tile, interval: int) -> tuple[bytes, int]:
        """Payload of a chunk, and the checksum of its symbols."""
        what = self._what(tile, interval)
        entry = self._entries.get((tile.number, interval))
        if entry is None:
            raise StreamError(f"{what}: missing")
        with translated(what):
            info = _core.check_chunk(self._data, entry)
            if info.rows != tile.rows:
                raise StreamError(f"{what}: holds {info.rows} rows; expected {tile.rows}")
            start = info.payload_offset
            payload = bytes(self._data[start : start + info.payload_length])
            return payload, info.symbols_crc

    def _carrier(self, tile: Tile, interval: int, back: int) -> int:
        """Number of the tile whose basis a chunk uses."""
        if back > tile.number % self.grid.across:
            raise StreamError(
                f"{self._what(tile, interval)}: uses the basis of {back} tiles before, which is "
                "outside of its row of tiles"
            )
        return tile.number - back

    def _read_carried(self, key: tuple[int, int]) -> Any:
        """What other tiles need of a chunk."""
        number, interval = key
        tile = self.grid[number]
        payload, _ = self._payload(tile, interval)
        with translated(self._what(tile, interval)):
            return self._coder(interval).carried(self._size(tile, interval), payload)

    def decode(self, tile: Tile, interval: int, area: Area, out: npt.NDArray[Any]) -> None:
        """Decode the samples that a chunk shares with an area, into the array of the area.

        Errors as for :meth:`symbols`; they leave the array untouched.
        """
        symbols = self.symbols(tile, interval)
        (rows, columns, bands), here = _shared(self.area(tile, interval), area)
        target, inside = out[here], (rows, columns)
        wanted = np.arange(bands.start, bands.stop)
        coder, size = self._coder(interval), self._size(tile, interval)
        avoid = self._nodata if self._marked else None
        coder.reconstruct(size, symbols, wanted, inside, self._sample_type, avoid, target)
        if symbols.valid is not None:
            for position, band in enumerate(wanted):
                lost = symbols.valid[band][inside] == 0
                target[:, :, position][lost] = self._nodata

    def planes(self, tile: Tile, interval: int) -> ChunkPlanes:
        """Decode the planes of a chunk, and no samples.

        Raises
        ------
        UsageError
            The profile of the stream has no planes.
        StreamError, PackError
            As for :meth:`symbols`.
        """
        symbols: Any = self.symbols(tile, interval)
        coder = self._coder(interval)
        if not isinstance(coder, SpectralCoder):
            raise UsageError(
                f"a stream of profile {self.profile!r} has no planes",
                hint="principal components are in streams of profile 'spectral'",
            )
        planes, basis, mean = coder.components(self._size(tile, interval), symbols)
        unit = self._sample_type.step or 1.0
        return ChunkPlanes(
            *self.area(tile, interval), planes * np.float32(unit), basis, mean * unit
        )

    def fill(self, tile: Tile, interval: int, area: Area, out: npt.NDArray[Any]) -> None:
        """Set the samples that a chunk shares with an area to nodata: NaN or 0 without any."""
        _, here = _shared(self.area(tile, interval), area)
        out[here] = self._nodata

    def _size(self, tile: Tile, interval: int) -> _core.BandTile:
        return _core.BandTile(len(self.partition[interval]), tile.rows, tile.columns)


def _shared(chunk: Area, area: Area) -> tuple[Index, Index]:
    """Where the samples that a chunk shares with an area are: in the chunk, and in the area."""
    both = [
        range(max(a.start, b.start), min(a.stop, b.stop)) for a, b in zip(chunk, area, strict=True)
    ]

    def within(whole: Area) -> Index:
        rows, columns, bands = (
            slice(part.start - axis.start, part.stop - axis.start)
            for part, axis in zip(both, whole, strict=True)
        )
        return rows, columns, bands

    return within(chunk), within(area)
