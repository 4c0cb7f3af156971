"""Which variable of a file with several arrays is the cube."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from hyspec.errors import DataError

#: A variable with this many times fewer samples than the largest is a map, a quick-look or a set
#: of abundances beside the cube, and no candidate.
DWARFED_RATIO = 8


def choose(
    shapes: Mapping[str, tuple[int, ...]],
    source: str,
    *,
    wanted: str | None = None,
    pixels: int | None = None,
    kind: str = "variable",
) -> str:
    """Return the name of the variable that holds the cube.

    Parameters
    ----------
    shapes
        Shapes of the numeric arrays of the file, by name.
    source
        File name, for messages.
    wanted
        Name that the caller asks for.
    pixels
        Number of pixels, if the file states rows and columns: then a matrix of bands and pixels
        is a candidate like an array of three axes.
    kind
        What the format calls its arrays, for messages.

    Raises
    ------
    DataError
        The wanted name is not there; no array could be a cube; or several could.
    """
    if wanted is not None:
        if wanted in shapes:
            return wanted
        raise DataError(
            f"{source}: no {kind} {wanted!r} of numbers; it holds {_listing(shapes)}",
            hint=f"give the name of a {kind} that the file holds",
        )
    cubes = {
        name: shape
        for name, shape in shapes.items()
        if is_cube(shape) or (pixels is not None and is_matrix(shape, pixels))
    }
    if not cubes:
        cubes = {
            name: shape for name, shape in shapes.items() if len(shape) == 2 and min(shape) > 1
        }
    largest = max((math.prod(shape) for shape in cubes.values()), default=0)
    names = [name for name, shape in cubes.items() if math.prod(shape) * DWARFED_RATIO > largest]
    if not names:
        raise DataError(
            f"{source} holds no cube: {_listing(shapes)}",
            hint="expected an array of rows, columns and bands",
        )
    if len(names) > 1:
        raise DataError(
            f"{source} holds several arrays that could be the cube: "
            f"{_listing({name: cubes[name] for name in names})}",
            hint="select one with --variable NAME (variable= in Python)",
        )
    return names[0]


def is_cube(shape: Sequence[int]) -> bool:
    """Tell whether an array has three axes, not counting leading ones of length 1."""
    return len(without_leading_ones(shape)) == 3 and min(shape) > 0


def is_matrix(shape: Sequence[int], pixels: int) -> bool:
    """Tell whether an array is a matrix of bands x pixels or pixels x bands."""
    return len(shape) == 2 and pixels in shape and min(shape) > 0


def without_leading_ones(shape: Sequence[int]) -> tuple[int, ...]:
    """Return the shape without the leading axes of length 1 that make it more than three."""
    result = tuple(shape)
    while len(result) > 3 and result[0] == 1:
        result = result[1:]
    return result


def _listing(shapes: Mapping[str, tuple[int, ...]]) -> str:
    if not shapes:
        return "no arrays of numbers"
    return ", ".join(f"{name} {'x'.join(map(str, shape))}" for name, shape in shapes.items())
