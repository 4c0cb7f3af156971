"""The source's own metadata inside a stream: a zlib stream of a JSON object."""

from __future__ import annotations

import json
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
        The metadata is not JSON-serialisable, or larger than 16 MiB.
    """
    if not metadata:
        return b""
    try:
        text = json.dumps(metadata, ensure_ascii=False, separators=(",", ":")).encode()
    except (TypeError, ValueError) as error:
        raise DataError(f"the cube's metadata cannot be stored as JSON: {error}") from error
    if len(text) > MAX_TEXT_BYTES:
        raise DataError(
            f"the cube's metadata has {len(text)} bytes as JSON; at most {MAX_TEXT_BYTES} are kept",
            hint="remove what is not needed from cube.metadata",
        )
    return zlib.compress(text, 9)


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
        result = json.loads(text)
    except (zlib.error, ValueError, RecursionError) as error:
        raise StreamError(f"the source metadata cannot be read: {error}") from error
    if not isinstance(result, dict):
        raise StreamError("the source metadata is not a JSON object")
    return result
