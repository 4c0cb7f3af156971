"""Pictures as PNG files (ISO/IEC 15948), written some rows at a time."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterable
from pathlib import Path
from typing import BinaryIO

import numpy as np
import numpy.typing as npt

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
#: Bit depth, colour type (red, green, blue), compression, filter and interlace methods.
_EIGHT_BIT_RGB = (8, 2, 0, 0, 0)


def write_png(path: Path, height: int, width: int, blocks: Iterable[npt.NDArray[np.uint8]]) -> None:
    """Write a picture.

    Parameters
    ----------
    path
        File to write.
    height, width
        Size in pixels.
    blocks
        Rows from the top, some at a time: arrays of shape (rows, width, 3).
    """
    packer = zlib.compressobj()
    with path.open("wb") as file:
        file.write(_SIGNATURE)
        _chunk(file, b"IHDR", struct.pack(">2I5B", width, height, *_EIGHT_BIT_RGB))
        for block in blocks:
            lines = np.zeros((len(block), 1 + 3 * width), np.uint8)  # each begins with filter 0
            lines[:, 1:] = block.reshape(len(block), -1)
            _chunk(file, b"IDAT", packer.compress(lines.tobytes()))
        _chunk(file, b"IDAT", packer.flush())
        _chunk(file, b"IEND", b"")


def _chunk(file: BinaryIO, kind: bytes, data: bytes) -> None:
    file.write(struct.pack(">I", len(data)) + kind + data)
    file.write(struct.pack(">I", zlib.crc32(kind + data)))
