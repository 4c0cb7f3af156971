"""The grid of tiles: rectangles of pixels that are coded independently, in row-major order."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True)
class Tile:
    """One tile: half-open ranges of rows and columns, and its number."""

    number: int
    row: int
    row_stop: int
    column: int
    column_stop: int

    @property
    def rows(self) -> int:
        """Height in pixels."""
        return self.row_stop - self.row

    @property
    def columns(self) -> int:
        """Width in pixels."""
        return self.column_stop - self.column


@dataclass(frozen=True)
class TileGrid:
    """Tiles of a cube of ``rows`` x ``columns`` pixels; those at the lower and right edge may be
    smaller.
    """  # noqa: D205

    rows: int
    columns: int
    tile_rows: int
    tile_columns: int

    @property
    def across(self) -> int:
        """Tiles per row of tiles."""
        return -(-self.columns // self.tile_columns)

    @property
    def down(self) -> int:
        """Rows of tiles."""
        return -(-self.rows // self.tile_rows)

    def __len__(self) -> int:
        """Return the number of tiles."""
        return self.across * self.down

    def __getitem__(self, number: int) -> Tile:
        """Tile by its number."""
        if not 0 <= number < len(self):
            raise IndexError(f"tile {number} of {len(self)}")
        row = number // self.across * self.tile_rows
        column = number % self.across * self.tile_columns
        return Tile(
            number,
            row,
            min(row + self.tile_rows, self.rows),
            column,
            min(column + self.tile_columns, self.columns),
        )

    def __iter__(self) -> Iterator[Tile]:
        """Iterate over all tiles in order."""
        return (self[n] for n in range(len(self)))

    def overlapping(self, rows: range, columns: range) -> Iterator[Tile]:
        """Iterate over the tiles that hold any of these pixels, in order."""
        if not rows or not columns:
            return
        for down in range(rows[0] // self.tile_rows, rows[-1] // self.tile_rows + 1):
            first = columns[0] // self.tile_columns
            for across in range(first, columns[-1] // self.tile_columns + 1):
                yield self[down * self.across + across]
