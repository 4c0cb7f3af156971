"""The grid of tiles."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hyspec.tiling import Tile, TileGrid

sizes = st.integers(1, 40)


@given(rows=sizes, columns=sizes, tile_rows=sizes, tile_columns=sizes)
def test_tiles_cover_every_pixel_once_in_row_major_order(rows, columns, tile_rows, tile_columns):
    grid = TileGrid(rows, columns, tile_rows, tile_columns)
    owner = np.full((rows, columns), -1)
    for number, tile in enumerate(grid):
        assert tile == grid[number]
        assert tile.number == number
        part = owner[tile.row : tile.row_stop, tile.column : tile.column_stop]
        assert part.shape == (tile.rows, tile.columns)
        assert 1 <= tile.rows <= tile_rows
        assert 1 <= tile.columns <= tile_columns
        assert (part == -1).all()
        part[:] = number
    assert len(grid) == owner.max() + 1 == grid.across * grid.down
    assert (owner >= 0).all()
    corners = owner[::tile_rows, ::tile_columns]
    assert corners.ravel().tolist() == list(range(len(grid)))


@given(rows=sizes, columns=sizes, tile_rows=sizes, tile_columns=sizes, data=st.data())
def test_overlapping(rows, columns, tile_rows, tile_columns, data):
    grid = TileGrid(rows, columns, tile_rows, tile_columns)
    first, last = sorted(data.draw(st.tuples(*[st.integers(0, rows)] * 2)))
    left, right = sorted(data.draw(st.tuples(*[st.integers(0, columns)] * 2)))
    expected = [
        tile
        for tile in grid
        if max(tile.row, first) < min(tile.row_stop, last)
        and max(tile.column, left) < min(tile.column_stop, right)
    ]
    assert list(grid.overlapping(range(first, last), range(left, right))) == expected


def test_edge_tiles_are_smaller():
    grid = TileGrid(10, 7, 4, 5)
    assert grid[5] == Tile(5, 8, 10, 5, 7)
    assert (grid[5].rows, grid[5].columns) == (2, 2)


@pytest.mark.parametrize("number", [-1, 6])
def test_tiles_that_do_not_exist(number):
    with pytest.raises(IndexError):
        TileGrid(10, 7, 4, 5)[number]


def test_largest_grid():
    """The format allows 2^31 tiles: nothing is made for all of them."""
    grid = TileGrid(2**31 - 1, 1, 1, 1)
    assert len(grid) == 2**31 - 1
    assert next(iter(grid)).number == 0
    found = grid.overlapping(range(2**31 - 2, 2**31 - 1), range(1))
    assert [tile.number for tile in found] == [2**31 - 2]
