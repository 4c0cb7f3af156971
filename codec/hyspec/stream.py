"""Lazy access to a stream by rows, columns and bands, chunk by chunk."""

from __future__ import annotations

import copy
import math
import mmap
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypedDict

import numpy as np
import numpy.typing as npt

from hyspec import io, source_metadata
from hyspec.areas import Range, resolve_area, split_key
from hyspec.core_errors import memory_for
from hyspec.cube import Cube
from hyspec.damage import RESCUE, Damage
from hyspec.errors import LimitError, StreamError, UsageError
from hyspec.parallel import default_threads, ordered_map, own_threads_only
from hyspec.stream_chunks import Area, StreamChunks
from hyspec.stream_index import StreamData, read_header, read_index
from hyspec.stream_planes import ChunkPlanes
from hyspec.tiling import Tile

#: Bytes that decoding may take for a cube, or for one chunk, unless the caller allows more.
DEFAULT_MAX_BYTES = 8 << 30

#: Called with (phase, pieces done, pieces in all).
Progress = Callable[[str, int, int], None]


class StreamSettings(TypedDict, total=False):
    """The settings of :class:`Stream` as keyword arguments; see :func:`hyspec.open`."""

    pack: str | Path | None
    threads: int | None
    on_damage: str
    max_bytes: int
    fast: bool
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
        data: StreamData,
        *,
        pack: str | Path | None = None,
        threads: int | None = None,
        on_damage: str = "raise",
        max_bytes: int = DEFAULT_MAX_BYTES,
        fast: bool = False,
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
        self._threads = threads or default_threads()
        self._fill = on_damage == "fill"
        self._max_bytes = max_bytes
        self._found: dict[tuple[int, int], Damage] = {}
        self.header, preamble_size = read_header(self._data)
        self.index = read_index(self._data, self.header, preamble_size, rebuild=self._fill)
        header = self.header
        self.shape = (int(self.index.rows), header.columns, header.bands)
        self.dtype = np.dtype(header.sample_type)
        self.wavelengths = _optional_array(header.wavelengths)
        self.fwhm = _optional_array(header.fwhm)
        self.wavelength_unit = header.wavelength_unit or None
        self.nodata = header.nodata
        flags = header.bad_bands
        self.bad_bands = None if flags is None else np.array(flags, np.bool_)
        self.metadata = source_metadata.unpack(header.metadata)
        self._chunks = StreamChunks(
            self._data, header, self.index, pack, refine=not fast, optimise=optimise
        )
        self.intervals = self._chunks.partition

    # ---- what the stream says of itself -------------------------------------------------------

    @property
    def profile(self) -> str:
        """Name of the profile, or its number where this version does not know it."""
        return self._chunks.profile

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

    def tiles(self) -> Iterator[Tile]:
        """Iterate over the tiles of the stream."""
        return iter(self._chunks.grid)

    @property
    def damage(self) -> list[Damage]:
        """Chunks that reading has found missing or damaged so far, with ``on_damage="fill"``."""
        return [self._found[key] for key in sorted(self._found)]

    def __len__(self) -> int:
        """Return the length of the stream in bytes."""
        return len(self._data)

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
        area = rows, cols, bands
        jobs = self._chunks.overlapping(area)

        def decode(job: tuple[Tile, int]) -> None:
            with memory_for("a chunk of the stream"):
                self._decode_chunk(*job, area, out)

        with own_threads_only():
            for done, _ in enumerate(ordered_map(decode, jobs, self._prepare()), 1):
                if progress is not None:
                    progress("decoding", done, len(jobs))

    def _decode_chunk(self, tile: Tile, interval: int, area: Area, out: npt.NDArray[Any]) -> None:
        try:
            self._chunks.decode(tile, interval, area, out)
        except LimitError:
            raise
        except StreamError as error:
            if not self._fill:
                error.hint = error.hint or RESCUE
                raise
            self._found[tile.number, interval] = self._chunks.damage(tile, interval, error)
            self._chunks.fill(tile, interval, area, out)

    def planes(self) -> Iterator[ChunkPlanes]:
        """Decode the principal components of a stream of the ``spectral`` profile, by chunk.

        They are what the stream holds, dequantised and transformed back in space; no sample is
        made of them.

        Raises
        ------
        UsageError
            The stream is of another profile.
        StreamError
            A chunk is damaged.
        PackNotFoundError
            The stream's pack is not installed.
        LimitError
            One chunk would take more than ``max_bytes``.
        """
        self._check_open()
        self._check_limits()
        self._prepare()
        for job in self._chunks.overlapping(self.area(None, None, None)):
            with own_threads_only(), memory_for("a chunk of the stream"):
                found = self._chunks.planes(*job)
            yield found

    def check(self, progress: Progress | None = None) -> list[Damage]:
        """Verify every chunk down to its decoded symbols, without synthesis.

        Returns
        -------
        list of Damage
            The chunks that are missing or damaged; empty for a sound stream.
        """
        self._check_open()
        self._check_limits()
        jobs = self._chunks.overlapping(self.area(None, None, None))
        found = []
        for done, damage in enumerate(ordered_map(self._check_chunk, jobs, self._prepare()), 1):
            if damage is not None:
                found.append(damage)
            if progress is not None:
                progress("checking", done, len(jobs))
        return found

    def _check_chunk(self, job: tuple[Tile, int]) -> Damage | None:
        try:
            with memory_for("a chunk of the stream"):
                self._chunks.symbols(*job)
        except LimitError:
            raise
        except StreamError as error:
            return self._chunks.damage(*job, error)
        return None

    def _prepare(self) -> int:
        """Find the pack, so that threads need not; return how many threads memory allows."""
        self._chunks.load_pack()
        return max(1, min(self._threads, self._max_bytes // self._chunks.memory))

    def _check_open(self) -> None:
        if isinstance(self._data, mmap.mmap) and self._data.closed:
            raise UsageError("the stream is closed", hint="read it inside its with block")

    def _check_limits(self) -> None:
        """Refuse a stream of which even one chunk is too large, before anything is decoded."""
        self._check_size(self._chunks.memory, "one chunk of the stream")

    def _check_size(self, size: int, what: str) -> None:
        if size > self._max_bytes:
            raise LimitError(
                f"{what} would take {size} bytes of memory; {self._max_bytes} are allowed",
                hint="raise the limit with max_bytes, if the stream comes from where you trust",
            )

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


def _optional_array(values: list[float] | None) -> npt.NDArray[np.float64] | None:
    return None if values is None else np.array(values, np.float64)
