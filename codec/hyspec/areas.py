"""Rectangular parts of a cube: half-open ranges of rows, columns and bands."""

from __future__ import annotations

import operator
from typing import Any

import numpy as np

from hyspec.errors import UsageError

#: A range of rows, columns or bands: None for all, (start, stop), a slice, or one index.
Range = slice | tuple[int | None, int | None] | int | None


def resolve_area(
    shape: tuple[int, int, int], rows: Range, cols: Range, bands: Range
) -> tuple[range, range, range]:
    """Resolve three ranges against the shape of a cube.

    Raises
    ------
    UsageError
        A range is empty, outside the cube, or no range at all.
    """
    return (
        resolve("rows", rows, shape[0]),
        resolve("cols", cols, shape[1]),
        resolve("bands", bands, shape[2]),
    )


def resolve(name: str, value: Range, size: int) -> range:
    """Resolve one range of an axis of this size; errors as :func:`resolve_area`."""
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


def split_key(key: Any) -> tuple[tuple[Any, Any, Any], tuple[Any, ...]]:
    """Read ``key`` of ``stream[key]``: three ranges, and the index that drops single axes.

    Raises
    ------
    UsageError
        The key is not made of at most three slices and whole numbers.
    """
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
    single = tuple(0 if isinstance(k, int | np.integer) else slice(None) for k in keys)
    return (keys[0], keys[1], keys[2]), single
