"""Writing of chunks, with their further layers after all of them."""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

from hyspec import _core
from hyspec.cube_chunks import EncodedChunk

#: Layers wait for the last chunk in memory up to so many bytes, and then in a temporary file.
_MOST_IN_MEMORY = 1 << 26


@dataclass(frozen=True)
class _Waiting:
    """A layer that waits: its chunk, the checksum of its symbols, and the length of its payload."""

    tile: int
    interval: int
    rows: int
    checksum: int
    length: int


class ChunkSink:
    """Takes chunks in their order and hands out the bytes of the stream.

    Parameters
    ----------
    header
        Header of the stream.
    write
        Takes the next bytes of the stream.
    """

    def __init__(self, header: _core.Header, write: Callable[[bytes], Any]) -> None:
        self._writer = _core.StreamWriter(header)
        self._write = write
        self._ways: Counter[str] = Counter()
        self._layers: list[_Waiting] = []
        write(self._writer.begin())
        self._payloads = tempfile.SpooledTemporaryFile(_MOST_IN_MEMORY)  # noqa: SIM115 - see close

    @property
    def size(self) -> int:
        """Bytes of the stream so far, with what waits."""
        return self._writer.size + sum(layer.length for layer in self._layers)

    @property
    def ways(self) -> dict[str, int]:
        """By way to the samples, how many payloads went it; empty in profiles with one way."""
        return dict(sorted(self._ways.items()))

    def put(self, chunk: EncodedChunk, first_tile: int = 0) -> None:
        """Write a chunk, and keep what layers add to it.

        Parameters
        ----------
        chunk
            The chunk.
        first_tile
            Number in the stream of the first tile of its cube.
        """
        (payload, checksum), *layers = chunk.layers
        tile, interval, rows = (
            first_tile + chunk.job.tile.number,
            chunk.job.interval,
            chunk.job.tile.rows,
        )
        self._write(self._writer.chunk(tile, interval, rows, checksum, payload))
        self._ways.update(chunk.ways)
        for payload, checksum in layers:
            self._layers.append(_Waiting(tile, interval, rows, checksum, len(payload)))
            self._payloads.write(payload)

    def finish(self) -> int:
        """Write layers and index; return the length of the stream."""
        self._payloads.seek(0)
        for layer in self._layers:
            payload = self._payloads.read(layer.length)
            self._write(
                self._writer.layer(layer.tile, layer.interval, layer.rows, layer.checksum, payload)
            )
        self._layers.clear()
        self._write(self._writer.finish())
        self.close()
        return self._writer.size

    def close(self) -> None:
        """Forget what waits."""
        self._payloads.close()

    def __enter__(self) -> Self:
        """Return the sink."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Forget what waits; only :meth:`finish` ends the stream."""
        self.close()
