"""Decoding: lazy access to a stream by rows, columns and bands, chunk by chunk."""

from __future__ import annotations

import contextlib
import copy
import math
import mmap
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypedDict, Unpack

import numpy as np
import numpy.typing as npt

from hyspec import _core, io, source_metadata
from hyspec import pack as packs
from hyspec.areas import Range, resolve_area, split_key
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

#: Memory that decoding a chunk takes: per sample for masks and latents, and per pixel for the
#: networks, which hold at least one whole plane at a time.
_CHUNK_SAMPLE_BYTES = 14
_PLANE_SAMPLE_BYTES = 160
#: More missing chunks than this mean that there is nothing worth recovering; it bounds the work
#: on a stream whose header lies about its shape.
_MAX_MISSING = 1 << 18

_RESCUE = "hyspec-decode --recover (on_damage='fill' in Python) decodes what is left"

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


class StreamSettings(TypedDict, total=False):
    """The settings of :class:`Stream` as keyword arguments; see :func:`hyspec.open`."""

    pack: str | Path | None
    threads: int | None
    on_damage: str
    max_bytes: int
    optimise: bool


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
        pack: str | Path | None = None,
        threads: int | None = None,
        on_damage: str = "raise",
        max_bytes: int = DEFAULT_MAX_BYTES,
        optimise: bool = True,
    ) -> None:
        if on_damage not in ("raise", "fill"):
            raise UsageError(f"on_damage is {on_damage!r}; expected 'raise' or 'fill'")
        if threads is not None and threads < 1:
            raise UsageError(f"threads is {threads}; expected at least 1")
        if isinstance(data, str | Path):
            raise UsageError(
                f"found a path, {str(data)!r}; expected the bytes of a stream",
                hint="hyspec.open(path) reads from files",
            )
        self._data = memoryview(data).cast("B") if isinstance(data, memoryview) else data
        self._given_pack = pack
        self._threads = threads or default_threads()
        self._fill = on_damage == "fill"
        self._max_bytes = max_bytes
        self._optimise = optimise
        self._pack: packs.Pack | None = None
        self._coders: dict[int, BandCoder] = {}
        self._found: dict[tuple[int, int], Damage] = {}
        try:
            self.header, size = _core.parse_preamble(self._data)
        except _core.CoreError as error:
            raised = translate(error, "cannot read the stream")
            raised.hint = raised.hint or (
                "the beginning of the file is damaged, and nothing can be decoded without it: "
                "fetch the file again"
            )
            raise raised from error
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
        """Name of the profile, or its number where this version does not know it."""
        if (self.header.profile, self.header.profile_version) == (PROFILE_ID, PROFILE_VERSION):
            return PROFILE_NAME
        return f"{self.header.profile} version {self.header.profile_version}"

    @property
    def pack_name(self) -> str | None:
        """Name of the pack that the stream was written with, if its profile needs one."""
        return None if self.header.pack is None else self.header.pack[1]

    @property
    def pack_id(self) -> bytes | None:
        """SHA-256 of the manifest of that pack."""
        return None if self.header.pack is None else self.header.pack[0]

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

    def _read_index(self, size: int) -> _core.Index:
        try:
            return _core.read_index(self._data, self.header, size)
        except _core.CoreError as error:
            if not self._fill:
                raised = translate(error, "cannot read the index of the stream")
                raised.hint = raised.hint or _RESCUE
                raise raised from error
        with translated("cannot rebuild the index of the stream"):
            index = _core.rebuild_index(self._data, self.header, size)
        if not index.chunks:
            raise StreamError("no chunk of the stream is left")
        return index

    # ---- reading ------------------------------------------------------------------------------

    def __getitem__(self, key: Any) -> npt.NDArray[Any]:
        """Decode ``stream[rows, columns, bands]`` with slices of step 1 or indices."""
        ranges, single = split_key(key)
        return np.asarray(self.read(*ranges).array[single])

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
        return resolve_area(self.shape, rows, cols, bands)

    def read_into(
        self,
        out: npt.NDArray[Any],
        rows: range,
        cols: range,
        bands: range,
        progress: Progress | None = None,
    ) -> None:
        """Decode into an array of shape (len(rows), len(cols), len(bands)), such as a memory map.

        Beside ``out`` it takes memory for one chunk per thread. Parameters and errors as for
        :meth:`read`.
        """
        self._check_open()
        self._check_limits()
        wanted = [
            k
            for k, interval in enumerate(self.intervals)
            if interval.start < bands.stop and bands.start < interval.stop
        ]
        jobs = [(tile, k) for tile in self._grid.overlapping(rows, cols) for k in wanted]
        threads = self._prepare(wanted)

        def decode(job: tuple[Tile, int]) -> None:
            with memory_for("a chunk of the stream"):
                self._decode_chunk(out, (rows, cols, bands), *job)

        for done, _ in enumerate(ordered_map(decode, jobs, threads), 1):
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
        everything = range(len(self.intervals))
        jobs = [(tile, k) for tile in self._grid for k in everything]
        threads = self._prepare(everything)
        found = []
        for done, damage in enumerate(ordered_map(self._check_chunk, jobs, threads), 1):
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
        self._check_size(self._chunk_bytes(), "one chunk of the stream")

    def _chunk_bytes(self) -> int:
        """Memory that decoding the largest chunk takes on one thread, generously."""
        rows = min(self.header.tile_rows, self.shape[0])
        columns = min(self.header.tile_columns, self.shape[1])
        bands = max(map(len, self.intervals))
        return rows * columns * bands * _CHUNK_SAMPLE_BYTES + rows * columns * _PLANE_SAMPLE_BYTES

    def _prepare(self, intervals: Sequence[int]) -> int:
        """Make the coders, so that threads need not; return how many threads memory allows."""
        self._loaded_pack()
        for interval in intervals:
            with contextlib.suppress(StreamError):  # of a chunk: reported where it is decoded
                self._coder(interval)
        return max(1, min(self._threads, self._max_bytes // self._chunk_bytes()))

    def _check_size(self, size: int, what: str) -> None:
        if size > self._max_bytes:
            raise LimitError(
                f"{what} would take {size} bytes of memory; {self._max_bytes} are allowed",
                hint="raise the limit with max_bytes, if the stream comes from where you trust",
            )

    def _coder(self, interval: int) -> BandCoder:
        loaded = self._loaded_pack()
        if interval not in self._coders:
            model = self.header.intervals[interval][1]
            if model >= len(loaded.models):
                raise StreamError(
                    f"the stream uses model {model} of a pack with {len(loaded.models)} models"
                )
            self._coders[interval] = BandCoder(loaded.models[model], optimise=self._optimise)
        return self._coders[interval]

    def _loaded_pack(self) -> packs.Pack:
        if self._pack is None:
            self._pack = self._find_pack()
        return self._pack

    def _find_pack(self) -> packs.Pack:
        """Find the pack, which is when the profile has to be known."""
        if self.profile != PROFILE_NAME:
            raise UnsupportedVersionError(
                f"the stream uses profile {self.profile}; this hyspec decodes profile "
                f"{PROFILE_ID} ({PROFILE_NAME}) version {PROFILE_VERSION}",
                hint="install a newer hyspec",
            )
        if self.header.pack is None:
            raise StreamError("the stream names no pack, which its profile needs")
        wanted, name = self.header.pack
        if self._given_pack is None:
            return packs.find(wanted, name)
        loaded = packs.load(self._given_pack)
        if loaded.id != wanted:
            raise PackNotFoundError(
                f"the given pack {loaded.name!r} is {loaded.id.hex()[:16]}..., "
                f"the stream was written with {name!r}, {wanted.hex()[:16]}...",
                hint="give the pack that the stream names",
            )
        return loaded

    def _symbols(self, tile: Tile, interval: int) -> tuple[_core.BandTile, Any]:
        coder = self._coder(interval)
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
            size = _core.BandTile(bands, tile.rows, tile.columns)
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
            if isinstance(error, LimitError):
                raise
            if not self._fill:
                error.hint = error.hint or _RESCUE
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


def open_stream(path: str | Path, **settings: Unpack[StreamSettings]) -> Stream:
    """Open a ``.hyc`` file for lazy reading.

    Parameters
    ----------
    path
        The file; it is memory-mapped.
    **settings
        ``pack``: pack to decode with, if it is not a shipped one; ``threads``;
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
        if not Path(path).is_file():
            what = "is not a regular file" if Path(path).exists() else "does not exist"
            raise DataError(f"{path} {what}", hint="expected a file written by hyspec-encode")
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
    **settings: Unpack[StreamSettings],
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
