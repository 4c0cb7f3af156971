"""The source's own metadata inside a stream: a zlib stream of a JSON object."""

from __future__ import annotations

import json
import math
import zlib
from typing import Any

from hyspec.errors import DataError, StreamError

#: Limit on the JSON text, so that a small stream cannot unfold into a large one.
MAX_TEXT_BYTES = 16 << 20


def pack(metadata: dict[str, Any]) -> bytes:
    """Serialise metadata; an empty dictionary becomes no bytes.

    Raises
    ------
    DataError
        The metadata is not JSON-serialisable (NaN, infinity and keys that are no texts have no
        place in JSON), or larger than 16 MiB.
    """
    if not metadata:
        return b""
    try:
        text = json.dumps(metadata, ensure_ascii=False, separators=(",", ":")).encode()
        _check(metadata, "metadata")  # after dumps, which notices circular references
    except (TypeError, ValueError, RecursionError) as error:
        if isinstance(error, DataError):
            raise
        raise DataError(f"the cube's metadata cannot be stored as JSON: {error}") from error
    if len(text) > MAX_TEXT_BYTES:
        raise DataError(
            f"the cube's metadata has {len(text)} bytes as JSON; at most {MAX_TEXT_BYTES} are kept",
            hint="remove what is not needed from cube.metadata",
        )
    return zlib.compress(text, 9)


def _check(value: Any, name: str) -> None:
    """Refuse what json.dumps writes although JSON does not have it, or silently changes."""
    if isinstance(value, dict):
        for key, item in value.items():
            if not isinstance(key, str):
                raise DataError(
                    f"the key {key!r} of {name} is of type {type(key).__name__}; expected a text",
                    hint="rename or remove that key of cube.metadata",
                )
            _check(item, f"{name}[{key!r}]")
    elif isinstance(value, list | tuple):
        for number, item in enumerate(value):
            _check(item, f"{name}[{number}]")
    elif isinstance(value, float) and not math.isfinite(value):
        raise DataError(
            f"{name} is {value}; JSON holds finite numbers only",
            hint="store it as a text, or remove it from cube.metadata",
        )


def unpack(data: bytes) -> dict[str, Any]:
    """Inverse of :func:`pack`.

    Raises
    ------
    StreamError
        The bytes are not a zlib stream of a JSON object, or unfold to more than 16 MiB.
    """
    if not data:
        return {}
    try:
        inflater = zlib.decompressobj()
        text = inflater.decompress(data, MAX_TEXT_BYTES)
        if not inflater.eof:
            raise StreamError("the source metadata is cut off or larger than 16 MiB")
        result = json.loads(text, parse_constant=str)  # NaN is no JSON; it becomes a text
    except (zlib.error, ValueError, RecursionError) as error:
        raise StreamError(f"the source metadata cannot be read: {error}") from error
    if not isinstance(result, dict):
        raise StreamError("the source metadata is not a JSON object")
    return result
