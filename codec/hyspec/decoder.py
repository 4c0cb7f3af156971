"""Decoding: lazy access to a stream by rows, columns and bands, chunk by chunk."""

from __future__ import annotations

import copy
import math
import mmap
import operator
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from hyspec import _core, io, pack, source_metadata
from hyspec.band_profile import PROFILE_ID, PROFILE_NAME, PROFILE_VERSION, BandCoder
from hyspec.core_errors import memory_for, translate, translated
from hyspec.cube import Cube
from hyspec.errors import (
    DataError,
    HyspecError,
    LimitError,
    PackNotFoundError,
    StreamError,
    UnsupportedVersionError,
    UsageError,
)
from hyspec.intervals import BandInterval
from hyspec.parallel import default_threads, ordered_map
from hyspec.sample_type import SampleType
from hyspec.tiling import Tile, TileGrid

#: Bytes that decoding may take for a cube, or for one chunk, unless the caller allows more.
DEFAULT_MAX_BYTES = 8 << 30

#: Memory per sample that decoding a chunk may take.
_CHUNK_SAMPLE_BYTES = 8
#: More missing chunks than this mean that there is nothing worth recovering; it bounds the work
#: on a stream whose header lies about its shape.
_MAX_MISSING = 1 << 18

#: A range of rows, columns or bands: None for all, (start, stop), a slice, or one index.
Range = slice | tuple[int | None, int | None] | int | None
#: Called with (phase, pieces done, pieces in all).
Progress = Callable[[str, int, int], None]


@dataclass(frozen=True)
class Damage:
    """A chunk that could not be decoded.

    Attributes
    ----------
    tile : int
        Number of its tile.
    rows, columns, bands : range
        Samples that are lost.
    reason : str
        What was wrong.
    """

    tile: int
    rows: range
    columns: range
    bands: range
    reason: str


class Stream:
    """A stream opened for reading; nothing is decoded until it is asked for.

    Use :func:`hyspec.open` to make one. ``stream[rows, columns, bands]`` decodes only the chunks
    that hold the wanted samples and returns an array.

    Attributes
    ----------
    shape : tuple of int
        (rows, columns, bands).
    dtype : numpy.dtype
        Type of the samples.
    wavelengths, fwhm, wavelength_unit, nodata, bad_bands, metadata
        As in :class:`hyspec.Cube`.
    intervals : tuple of BandInterval
        The band-interval partition.
    """

    def __init__(
        self,
        data: bytes | memoryview | mmap.mmap,
        *,
        pack_path: str | Path | None = None,
        threads: int | None = None,
        on_damage: str = "raise",
        max_bytes: int = DEFAULT_MAX_BYTES,
        optimise: bool = True,
    ) -> None:
        if on_damage not in ("raise", "fill"):
            raise UsageError(f"on_damage is {on_damage!r}; expected 'raise' or 'fill'")
        self._data = data
        self._pack_path = pack_path
        self._threads = threads or default_threads()
        self._fill = on_damage == "fill"
        self._max_bytes = max_bytes
        self._optimise = optimise
        self._pack: pack.Pack | None = None
        self._coders: dict[int, BandCoder] = {}
        self._found: dict[tuple[int, int], Damage] = {}
        with translated("cannot read the stream"):
            self.header, size = _core.parse_preamble(data)
        self._check_profile()
        self.index = self._read_index(size)
        header = self.header
        self.shape = (int(self.index.rows), header.columns, header.bands)
        self.dtype = np.dtype(header.sample_type)
        self._type = SampleType(self.dtype, header.step or 0.0)
        self.wavelengths = _optional_array(header.wavelengths)
        self.fwhm = _optional_array(header.fwhm)
        self.wavelength_unit = header.wavelength_unit or None
        self.nodata = header.nodata
        flags = header.bad_bands
        self.bad_bands = None if flags is None else np.array(flags, np.bool_)
        self.metadata = source_metadata.unpack(header.metadata)
        stops = np.cumsum([bands for bands, _ in header.intervals]).tolist()
        self.intervals = tuple(
            BandInterval(stop - bands, stop)
            for stop, (bands, _) in zip(stops, header.intervals, strict=True)
        )
        self._grid = TileGrid(self.shape[0], self.shape[1], header.tile_rows, header.tile_columns)
        self._entries = {(entry.tile, entry.interval): entry for entry in self.index.chunks}
        missing = len(self._grid) * len(self.intervals) - len(self._entries)
        if missing > _MAX_MISSING:
            raise LimitError(
                f"{missing} chunks of the stream are missing; at most {_MAX_MISSING} are recovered"
            )

    # ---- what the stream says of itself -------------------------------------------------------

    @property
    def profile(self) -> str:
        """Name of the profile."""
        return PROFILE_NAME

    @property
    def pack_name(self) -> str:
        """Name of the pack that the stream was written with."""
        assert self.header.pack is not None
        return self.header.pack[1]

    @property
    def pack_id(self) -> bytes:
        """SHA-256 of the manifest of that pack."""
        assert self.header.pack is not None
        return self.header.pack[0]

    @property
    def tile_size(self) -> tuple[int, int]:
        """Rows and columns of a whole tile."""
        return self.header.tile_rows, self.header.tile_columns

    @property
    def damage(self) -> list[Damage]:
        """Chunks that reading has found missing or damaged so far, with ``on_damage="fill"``."""
        return [self._found[key] for key in sorted(self._found)]

    def __len__(self) -> int:
        """Return the length of the stream in bytes."""
        return len(self._data)

    def _check_profile(self) -> None:
        found = self.header.profile, self.header.profile_version
        if found != (PROFILE_ID, PROFILE_VERSION):
            raise UnsupportedVersionError(
                f"the stream uses profile {found[0]} version {found[1]}; "
                f"this hyspec decodes profile {PROFILE_ID} ({PROFILE_NAME}) "
                f"version {PROFILE_VERSION}",
                hint="install a newer hyspec",
            )
        if self.header.pack is None:
            raise StreamError("the stream names no pack, which its profile needs")

    def _read_index(self, size: int) -> _core.Index:
        try:
            return _core.read_index(self._data, self.header, size)
        except _core.CoreError as error:
            if not self._fill:
                raised = translate(error, "cannot read the index of the stream")
                raised.hint = raised.hint or "rescue what is left with --recover (on_damage='fill')"
                raise raised from error
        with translated("cannot rebuild the index of the stream"):
            index = _core.rebuild_index(self._data, self.header, size)
        if not index.chunks:
            raise StreamError("no chunk of the stream is left")
        return index

    # ---- reading ------------------------------------------------------------------------------

    def __getitem__(self, key: Any) -> npt.NDArray[Any]:
        """Decode ``stream[rows, columns, bands]`` with slices of step 1 or indices."""
        keys = key if isinstance(key, tuple) else (key,)
        at = next((n for n, k in enumerate(keys) if k is Ellipsis), None)
        if at is not None:
            keys = keys[:at] + (slice(None),) * (4 - len(keys)) + keys[at + 1 :]
        if len(keys) > 3:
            raise UsageError(f"found {len(keys)} indices; a cube has 3 axes")
        if not all(isinstance(k, int | np.integer | slice) for k in keys):
            raise UsageError(
                f"cannot decode [{key!r}]",
                hint="use slices of step 1 and whole numbers; index the result for anything else",
            )
        keys = keys + (slice(None),) * (3 - len(keys))
        cube = self.read(*keys)
        single = tuple(0 if isinstance(k, int | np.integer) else slice(None) for k in keys)
        return np.asarray(cube.array[single])

    def read(
        self,
        rows: Range = None,
        cols: Range = None,
        bands: Range = None,
        progress: Progress | None = None,
    ) -> Cube:
        """Decode a part of the cube, reading only the chunks that hold it.

        Parameters
        ----------
        rows, cols, bands
            Half-open ranges ``(start, stop)`` counted from 0, slices of step 1, single indices,
            or ``None`` for all.

        Raises
        ------
        UsageError
            A range is empty or outside the cube.
        StreamError
            A chunk is damaged and ``on_damage`` is ``"raise"``.
        PackNotFoundError
            The stream's pack is not installed.
        LimitError
            The result, or one chunk on the way, would take more than ``max_bytes``.
        """
        area = self.area(rows, cols, bands)
        part = self.template(*area)
        self._check_size(math.prod(part.shape) * self.dtype.itemsize, "the decoded cube")
        with memory_for(f"the decoded cube of shape {part.shape}"):
            out = np.empty(part.shape, self.dtype)
        self.read_into(out, *area, progress=progress)
        return Cube(
            out,
            wavelengths=part.wavelengths,
            fwhm=part.fwhm,
            wavelength_unit=part.wavelength_unit,
            nodata=part.nodata,
            bad_bands=part.bad_bands,
            metadata=part.metadata,
        )

    def template(self, rows: range, cols: range, bands: range) -> io.Template:
        """Describe a part of the cube without decoding it; parameters from :meth:`area`.

        Raises
        ------
        LimitError
            Decoding any of it would take more than ``max_bytes``.
        """
        self._check_limits()
        chosen = slice(bands.start, bands.stop)

        def pick(values: npt.NDArray[Any] | None) -> npt.NDArray[Any] | None:
            return None if values is None else values[chosen].copy()

        return io.Template(
            shape=(len(rows), len(cols), len(bands)),
            dtype=self.dtype,
            wavelengths=pick(self.wavelengths),
            fwhm=pick(self.fwhm),
            wavelength_unit=self.wavelength_unit,
            nodata=self.nodata,
            bad_bands=pick(self.bad_bands),
            metadata=io.metadata_of_part(
                copy.deepcopy(self.metadata), self.shape, rows, cols, bands
            ),
        )

    def area(self, rows: Range, cols: Range, bands: Range) -> tuple[range, range, range]:
        """Resolve ranges against the shape of the cube."""
        given = zip(("rows", "cols", "bands"), (rows, cols, bands), self.shape, strict=True)
        resolved = [_resolve(name, value, size) for name, value, size in given]
        return resolved[0], resolved[1], resolved[2]

    def read_into(
        self,
        out: npt.NDArray[Any],
        rows: range,
        cols: range,
        bands: range,
        progress: Progress | None = None,
    ) -> None:
        """Decode into an array of shape (len(rows), len(cols), len(bands)), such as a memory map.

        Needs memory for a few chunks only. Parameters and errors as for :meth:`read`.
        """
        self._check_open()
        self._check_limits()
        wanted = [
            k
            for k, interval in enumerate(self.intervals)
            if interval.start < bands.stop and bands.start < interval.stop
        ]
        jobs = [(tile, k) for tile in self._grid.overlapping(rows, cols) for k in wanted]

        def decode(job: tuple[Tile, int]) -> None:
            with memory_for("a chunk of the stream"):
                self._decode_chunk(out, (rows, cols, bands), *job)

        for done, _ in enumerate(ordered_map(decode, jobs, self._threads), 1):
            if progress is not None:
                progress("decoding", done, len(jobs))

    def check(self, progress: Progress | None = None) -> list[Damage]:
        """Verify every chunk down to its decoded symbols, without synthesis.

        Returns
        -------
        list of Damage
            The chunks that are missing or damaged; empty for a sound stream.
        """
        self._check_open()
        self._check_limits()
        jobs = [(tile, k) for tile in self._grid for k in range(len(self.intervals))]
        found = []
        for done, damage in enumerate(ordered_map(self._check_chunk, jobs, self._threads), 1):
            if damage is not None:
                found.append(damage)
            if progress is not None:
                progress("checking", done, len(jobs))
        return found

    def _check_chunk(self, job: tuple[Tile, int]) -> Damage | None:
        try:
            with memory_for("a chunk of the stream"):
                self._symbols(*job)
        except LimitError:
            raise
        except StreamError as error:
            return self._damage(*job, error)
        return None

    def _check_open(self) -> None:
        if isinstance(self._data, mmap.mmap) and self._data.closed:
            raise UsageError("the stream is closed", hint="read it inside its with block")

    def _check_limits(self) -> None:
        """Refuse a stream of which even one chunk is too large, before anything is decoded."""
        largest = math.prod(self.tile_size) * max(map(len, self.intervals))
        self._check_size(largest * _CHUNK_SAMPLE_BYTES, "one chunk of the stream")

    def _check_size(self, size: int, what: str) -> None:
        if size > self._max_bytes:
            raise LimitError(
                f"{what} would take {size} bytes of memory; {self._max_bytes} are allowed",
                hint="raise the limit with max_bytes, if the stream comes from where you trust",
            )

    def _coder(self, interval: int) -> BandCoder:
        if self._pack is None:
            self._pack = self._find_pack()
        if interval not in self._coders:
            model = self.header.intervals[interval][1]
            if model >= len(self._pack.models):
                raise StreamError(
                    f"the stream uses model {model} of a pack with {len(self._pack.models)} models"
                )
            self._coders[interval] = BandCoder(
                self._pack, self._pack.models[model], optimise=self._optimise
            )
        return self._coders[interval]

    def _find_pack(self) -> pack.Pack:
        if self._pack_path is None:
            return pack.find(self.pack_id, self.pack_name)
        loaded = pack.load(self._pack_path)
        if loaded.id != self.pack_id:
            raise PackNotFoundError(
                f"the given pack {loaded.name!r} is {loaded.id.hex()[:16]}..., "
                f"the stream was written with {self.pack_name!r}, {self.pack_id.hex()[:16]}...",
                hint="give the pack that the stream names",
            )
        return loaded

    def _symbols(self, tile: Tile, interval: int) -> tuple[_core.BandTile, Any]:
        coder = self._coder(interval)
        assert self._pack is not None
        bands = len(self.intervals[interval])
        entry = self._entries.get((tile.number, interval))
        if entry is None:
            raise StreamError(f"tile {tile.number}, bands {self.intervals[interval]}: missing")
        what = f"tile {tile.number}, bands {self.intervals[interval]}"
        with translated(what):
            info = _core.check_chunk(self._data, entry)
            if info.rows != tile.rows:
                raise StreamError(f"{what}: holds {info.rows} rows; expected {tile.rows}")
            start = info.payload_offset
            payload = bytes(self._data[start : start + info.payload_length])
            size = _core.BandTile(bands, tile.rows, tile.columns, self._pack.stride)
            return size, coder.read(size, payload, info.symbols_crc)

    def _decode_chunk(
        self,
        out: npt.NDArray[Any],
        area: tuple[range, range, range],
        tile: Tile,
        interval: int,
    ) -> None:
        rows, cols, bands = area
        part = self.intervals[interval]
        wanted = range(max(part.start, bands.start), min(part.stop, bands.stop))
        r = slice(max(tile.row, rows.start), min(tile.row_stop, rows.stop))
        c = slice(max(tile.column, cols.start), min(tile.column_stop, cols.stop))
        target = out[
            r.start - rows.start : r.stop - rows.start,
            c.start - cols.start : c.stop - cols.start,
            wanted.start - bands.start : wanted.stop - bands.start,
        ]
        nodata = self._type.nodata_fill(self.nodata)
        try:
            size, symbols = self._symbols(tile, interval)
        except StreamError as error:
            if not self._fill or isinstance(error, LimitError):
                raise
            self._found[tile.number, interval] = self._damage(tile, interval, error)
            target[...] = nodata
            return
        inside = (
            slice(r.start - tile.row, r.stop - tile.row),
            slice(c.start - tile.column, c.stop - tile.column),
        )
        local = np.arange(wanted.start - part.start, wanted.stop - part.start)
        marked = self._type.marks(self.nodata)
        for where, planes in self._coder(interval).synthesise(size, symbols, local):
            for position, plane in zip(where, planes, strict=True):
                samples = self._type.from_values(plane[inside])
                if marked:
                    self._type.avoid(samples, nodata)
                if symbols.valid is not None:
                    valid = symbols.valid[local[position]][inside]
                    samples = np.where(valid, samples, nodata)
                target[:, :, position] = samples

    def _damage(self, tile: Tile, interval: int, error: HyspecError) -> Damage:
        part = self.intervals[interval]
        return Damage(
            tile.number,
            range(tile.row, tile.row_stop),
            range(tile.column, tile.column_stop),
            range(part.start, part.stop),
            str(error),
        )

    def tiles(self) -> Iterator[Tile]:
        """Iterate over the tiles of the stream."""
        return iter(self._grid)

    # ---- life time ----------------------------------------------------------------------------

    def close(self) -> None:
        """Release the file, if the stream was opened from one."""
        if isinstance(self._data, mmap.mmap):
            self._data.close()

    def __enter__(self) -> Stream:
        """Use as a context manager."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the stream."""
        self.close()


def open_stream(path: str | Path, **settings: Any) -> Stream:
    """Open a ``.hyc`` file for lazy reading.

    Parameters
    ----------
    path
        The file; it is memory-mapped.
    **settings
        ``pack_path``: pack to decode with, if it is not a shipped one; ``threads``;
        ``on_damage``: ``"raise"`` (default), or ``"fill"`` to replace what is lost by nodata (NaN
        or 0 in cubes without nodata) and note it in ``Stream.damage``; ``max_bytes``: memory limit.

    Raises
    ------
    DataError
        The file cannot be read.
    StreamError
        It is not a hyspec stream, or a damaged one.
    """
    try:
        with Path(path).open("rb") as file:
            if file.seek(0, 2) == 0:
                raise StreamError(
                    f"{path} is empty", hint="expected a file written by hyspec-encode"
                )
            data = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    except OSError as error:
        raise DataError(f"cannot open {path}: {error.strerror}") from error
    try:
        return Stream(data, **settings)
    except BaseException:
        data.close()
        raise


def decode(
    data: bytes | memoryview,
    rows: Range = None,
    cols: Range = None,
    bands: Range = None,
    **settings: Any,
) -> Cube:
    """Decode a stream, or a part of it.

    Parameters
    ----------
    data
        The stream.
    rows, cols, bands
        Half-open ranges ``(start, stop)`` counted from 0, slices of step 1, single indices, or
        ``None`` for all.
    **settings
        Those of :func:`hyspec.open`.

    Returns
    -------
    Cube
        Decoded samples in the type of the source, with wavelengths, nodata and metadata.

    Raises
    ------
    StreamError, PackError, UsageError
        As for :class:`Stream` and :meth:`Stream.read`.
    """
    return Stream(data, **settings).read(rows, cols, bands)


def _optional_array(values: list[float] | None) -> npt.NDArray[np.float64] | None:
    return None if values is None else np.array(values, np.float64)


def _resolve(name: str, value: Range, size: int) -> range:
    if value is None:
        return range(size)
    try:
        if isinstance(value, int | np.integer):
            index = int(value) + size if value < 0 else int(value)
            start, stop = index, index + 1
        else:
            part = slice(*value) if isinstance(value, tuple) else value
            if part.step not in (None, 1):
                raise UsageError(f"{name} has step {part.step}; only 1 is possible")
            start = 0 if part.start is None else operator.index(part.start)
            stop = size if part.stop is None else operator.index(part.stop)
            start += size if start < 0 else 0
            stop += size if stop < 0 else 0
    except (AttributeError, TypeError):
        raise UsageError(
            f"{name} is {value!r}; expected a slice, (start, stop), one index or None"
        ) from None
    if not 0 <= start < stop <= size:
        raise UsageError(
            f"{name} {start}:{stop} is empty or outside the cube",
            hint=f"the cube has {size} {name}, counted from 0; the stop is not included",
        )
    return range(start, stop)
