"""The chunks of a stream: tiles times band intervals, each with the coder of its interval."""

from __future__ import annotations

import contextlib
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from hyspec import _core, bounded_profile, profiles, refinement
from hyspec import pack as packs
from hyspec.core_errors import translated
from hyspec.damage import Damage
from hyspec.error_limits import MOST_LIMIT, ErrorLimits
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

#: Layers of a stream at most.
MOST_LAYERS = 2

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
        self._layers = {(entry.tile, entry.interval): entry for entry in index.layers}
        missing = len(self.grid) * len(self.partition) - len(self._entries)
        if missing > _MAX_MISSING:
            raise LimitError(
                f"{missing} chunks of the stream are missing; at most {_MAX_MISSING} are recovered"
            )

    @property
    def layers(self) -> int:
        """Layers of the stream: 1 or 2."""
        return 2 if self._layers else 1

    @property
    def profile(self) -> str:
        """Name of the profile, or its number where this version does not know it."""
        header = self._header
        if self._profile is not None:
            return self._profile.name
        return f"{header.profile} version {header.profile_version}"

    def ways(self) -> dict[str, int]:
        """By way to the samples, how many payloads go it; empty in profiles with one way.

        Payloads are not looked at beyond their first byte, and chunks with a damaged header are
        left out.
        """
        if self._profile is None:
            return {}
        found: Counter[str] = Counter()
        for entry in (*self._entries.values(), *self._layers.values()):
            with contextlib.suppress(_core.CoreError, StreamError):
                start = _core.parse_chunk_header(self._data, entry.offset).payload_offset
                way = self._profile.coder.way(bytes(self._data[start : start + 1]))
                if way is None:
                    return {}
                found[way] += 1
        return dict(sorted(found.items()))

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
        based = self._profile is not None and self._profile.has_basis
        if based and self._header.pack is not None:
            chunk += min(bands, pixels) * (bands * _BASIS_ENTRY_BYTES + pixels * _PLANE_BYTES)
            if self.grid.across > 1:
                kept = sum(min(len(i), pixels) * len(i) for i in self.partition) + bands**2
                chunk += kept * _KEPT_ENTRY_BYTES
            if self._refine or not self._known_profile().has_quality:
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

        A stream without a pack has one coder, and a pack that was given is not looked at.

        Raises
        ------
        UnsupportedVersionError
            The stream is of a profile that this version does not know.
        StreamError
            The stream names no pack, and its profile needs one.
        PackError
            The pack is not installed, not the one that the stream names, or damaged.
        """
        if not self._coders:
            profile = self._known_profile()
            without = self._header.pack is None and not profile.needs_pack
            models = (None,) if without else self._find_pack(profile).models
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
        if loaded.profile != profile.pack_profile:
            raise PackError(
                f"pack {loaded.name!r} serves profile {loaded.profile!r}; "
                f"the stream needs one for {profile.pack_profile!r}"
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

    def symbols(self, tile: Tile, interval: int, layers: int = MOST_LAYERS) -> TileSymbols:
        """Read the symbols of a chunk, and of so many layers as there are, the chunk being one.

        Raises
        ------
        StreamError
            The chunk is missing or damaged, or needs a model that the pack does not have.
        PackError, UnsupportedVersionError
            As for :meth:`load_pack`.
        """
        coder = self._coder(interval)
        payload, checksum = self._payload(tile, interval, self._entries)
        with translated(self._what(tile, interval)):
            back = coder.back(payload)
        carried = None
        if back:
            key = self._carrier(tile, interval, back), interval
            carried = self._carried.get(key, self._read_carried)
        with translated(self._what(tile, interval)):
            size = self._size(tile, interval)
            symbols: TileSymbols = coder.read(size, payload, checksum, carried)
        if layers > 1 and (self._layers or coder.lacks_layer(symbols)):
            layer, of_layer = self._payload(tile, interval, self._layers)
            with translated(self._what(tile, interval)):
                symbols = coder.read_layer(size, symbols, checksum, layer, of_layer)
        return symbols

    def error_limits(self) -> ErrorLimits | None:
        """Limits that the chunks of the first tile state; ``None`` where they are none or lost."""
        if self.profile != bounded_profile.PROFILE_NAME:
            return None
        tile, limits, shares = self.grid[0], [0], []
        try:
            for interval in range(len(self.partition)):
                payload, _ = self._payload(tile, interval, self._layers or self._entries)
                with translated(self._what(tile, interval)):
                    limit, share = bounded_profile.stated_limits(
                        self._size(tile, interval), payload
                    )
                if limit:  # in others, samples are exact
                    limits.append(limit)
                    shares.append(share)
        except StreamError:
            return None
        unit = self._sample_type.step or 1.0
        return ErrorLimits(
            None if max(limits) == MOST_LIMIT else max(limits) * unit,
            float(max(shares)) if shares and min(shares) > 0 else None,
        )

    def _what(self, tile: Tile, interval: int) -> str:
        return f"tile {tile.number}, bands {self.partition[interval]}"

    def _payload(
        self, tile: Tile, interval: int, entries: dict[tuple[int, int], _core.ChunkEntry]
    ) -> tuple[bytes, int]:
        """Payload of a chunk, and the checksum of its symbols."""
        what = self._what(tile, interval) + (", layer 2" if entries is self._layers else "")
        entry = entries.get((tile.number, interval))
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
        payload, _ = self._payload(tile, interval, self._entries)
        with translated(self._what(tile, interval)):
            return self._coder(interval).carried(self._size(tile, interval), payload)

    def decode(
        self,
        tile: Tile,
        interval: int,
        area: Area,
        out: npt.NDArray[Any],
        layers: int = MOST_LAYERS,
    ) -> None:
        """Decode the samples that a chunk shares with an area, into the array of the area.

        Errors as for :meth:`symbols`; they leave the array untouched.
        """
        symbols = self.symbols(tile, interval, layers)
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
