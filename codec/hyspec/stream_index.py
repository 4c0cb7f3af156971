"""Both ends of a stream: its header, and its index or what a scan finds in place of it."""

from __future__ import annotations

import mmap

from hyspec import _core
from hyspec.core_errors import translate, translated
from hyspec.damage import RESCUE
from hyspec.errors import StreamError

#: The bytes of a stream.
StreamData = bytes | memoryview | mmap.mmap


def read_header(data: StreamData) -> tuple[_core.Header, int]:
    """Read the header of a stream, and the length of the preamble that holds it.

    Raises
    ------
    StreamError
        The bytes are no stream, or its header is damaged.
    """
    try:
        return _core.parse_preamble(data)
    except _core.CoreError as error:
        raised = translate(error, "cannot read the stream")
        raised.hint = raised.hint or (
            "the beginning of the file is damaged, and nothing can be decoded without it: "
            "fetch the file again"
        )
        raise raised from error


def read_index(
    data: StreamData, header: _core.Header, preamble_size: int, *, rebuild: bool
) -> _core.Index:
    """Find the chunks of a stream.

    Parameters
    ----------
    data
        The stream.
    header, preamble_size
        As from :func:`read_header`.
    rebuild
        Where the index is damaged, scan the stream for chunks.

    Raises
    ------
    StreamError
        The index is damaged and ``rebuild`` is false, or no chunk is left.
    """
    try:
        return _core.read_index(data, header, preamble_size)
    except _core.CoreError as error:
        if not rebuild:
            raised = translate(error, "cannot read the index of the stream")
            raised.hint = raised.hint or RESCUE
            raise raised from error
    with translated("cannot rebuild the index of the stream"):
        index = _core.rebuild_index(data, header, preamble_size)
    if not index.chunks:
        raise StreamError("no chunk of the stream is left")
    return index
