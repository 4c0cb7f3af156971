"""Measuring a cube against its decoded version block by block, in bounded memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from hyspec import Stream
from hyspec.cube import Cube
from hyspec.errors import DataError
from hyspec.metrics import Accumulator, Comparison
from hyspec_tools.report import Timer

#: Called with (phase, pieces done, pieces in all).
Progress = Callable[[str, int, int], None]
#: Samples of a decoded block, as far as whole tiles allow.
_BLOCK_BYTES = 256 << 20


def compare_with_stream(
    original: Cube, stream: Stream, timer: Timer, progress: Progress
) -> Comparison:
    """Measure a stream against its original, a block of tiles at a time.

    Parameters
    ----------
    original
        What was encoded.
    stream
        The stream, just opened.
    timer
        Runs while the stream decodes, and not while the blocks are compared.
    progress
        Called as chunks are decoded.

    Raises
    ------
    DataError
        The shapes differ.
    StreamError, PackError
        The stream cannot be decoded.
    """
    _same_shape(original.shape, stream.shape)
    result = Accumulator()
    before, total = 0, sum(1 for _ in stream.tiles()) * len(stream.intervals)
    for rows, columns in _tile_blocks(stream):
        decoded_here = 0

        def report(_: str, done: int, __: int, before: int = before) -> None:
            nonlocal decoded_here
            decoded_here = done
            progress("comparing", before + done, total)

        with timer:
            decoded = stream.read(rows, columns, progress=report)
        result.add(_part(original, slice(*rows), slice(*columns)), decoded)
        before += decoded_here
    return result.result()


def compare_cubes(original: Cube, decoded: Cube, progress: Progress) -> Comparison:
    """Measure a decoded cube against its original, some rows at a time; errors as above."""
    _same_shape(original.shape, decoded.shape)
    row_bytes = original.columns * original.bands * original.array.dtype.itemsize
    step = max(1, _BLOCK_BYTES // row_bytes)
    result = Accumulator()
    for top in range(0, original.rows, step):
        rows = slice(top, min(top + step, original.rows))
        result.add(_part(original, rows, slice(None)), _part(decoded, rows, slice(None)))
        progress("comparing", rows.stop, original.rows)
    return result.result()


def _same_shape(original: tuple[int, ...], decoded: tuple[int, ...]) -> None:
    if original != decoded:
        raise DataError(
            f"the decoded cube has shape {decoded}; the original has {original}",
            hint="compare cubes of equal rows, columns and bands",
        )


def _part(cube: Cube, rows: slice, columns: slice) -> Cube:
    return Cube(cube.array[rows, columns], nodata=cube.nodata)


def _tile_blocks(stream: Stream) -> Iterator[tuple[tuple[int, int], tuple[int, int]]]:
    """Rows and columns of blocks of whole tiles: rows of tiles, or parts of one if it is large.

    No chunk is in two blocks, so that none is decoded twice.
    """
    rows, columns, bands = stream.shape
    height, width = min(stream.tile_size[0], rows), min(stream.tile_size[1], columns)
    tiles = max(1, _BLOCK_BYTES // (height * width * bands * stream.dtype.itemsize))
    across = -(-columns // width)
    high = height * max(1, tiles // across)
    wide = width * min(tiles, across)
    for top in range(0, rows, high):
        for left in range(0, columns, wide):
            yield (top, min(top + high, rows)), (left, min(left + wide, columns))
