"""Lines of raw samples from a pipe, through the encoder as they come."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt

import hyspec
from hyspec import options
from hyspec.errors import DataError, UsageError
from hyspec.io import RawLayout
from hyspec_tools.arguments import sizes
from hyspec_tools.common import ProgressBars

#: Bytes that are read at once, about.
_READ_BYTES = 1 << 22


def encode_lines(
    source: BinaryIO,
    write: Callable[[bytes], Any],
    settings: options.EncodeOptions,
    arguments: argparse.Namespace,
    bars: ProgressBars,
) -> hyspec.EncodeResult:
    """Encode lines until the source ends.

    Parameters
    ----------
    source
        Raw samples.
    write
        Takes the stream.
    settings
        Settings of the encoder.
    arguments
        Those of the program that describe the lines.
    bars
        Told how many lines have come; how many there will be is not known.

    Raises
    ------
    UsageError
        The description of the lines is incomplete or malformed.
    DataError
        There is not even one line.
    """
    layout = _layout(arguments)
    if len(source.read(layout.offset)) < layout.offset:
        raise DataError(f"the input has less than the {layout.offset} bytes of --offset")
    encoder = hyspec.LineEncoder(write, settings, nodata=arguments.nodata)
    done = 0
    for lines in _lines(source, layout):
        encoder.push(lines)
        done += len(lines)
        bars("lines", done, done)
    if not done:
        raise DataError(
            f"the input ends before the first line is complete: {layout.nbytes} bytes",
            hint="check --shape and --dtype",
        )
    return encoder.finish()


def _layout(arguments: argparse.Namespace) -> RawLayout:
    """Layout of one line."""
    if None in (arguments.shape, arguments.dtype, arguments.interleave):
        raise UsageError(
            "lines from standard input need --shape COLSxBANDS, --dtype and --interleave",
            hint="for example --shape 614x224 --dtype uint16 --interleave bil",
        )
    found = sizes(arguments.shape)
    if found is None or len(found) != 2 or 0 in found:
        raise UsageError(
            f"--shape is {arguments.shape!r}; expected COLSxBANDS for lines from standard input",
            hint="for example --shape 614x224",
        )
    if arguments.interleave == "bsq":
        raise UsageError(
            "bands that come one after the other are no lines", hint="use --interleave bil or bip"
        )
    return RawLayout(
        1,
        *found,
        dtype=arguments.dtype,
        interleave=arguments.interleave,
        byte_order=arguments.byte_order,
        offset=arguments.offset,
    )


def _lines(source: BinaryIO, layout: RawLayout) -> Iterator[npt.NDArray[Any]]:
    """Lines of shape (n, columns, bands), some at a time."""
    dtype = layout.file_dtype
    size = layout.columns * layout.bands * dtype.itemsize
    while data := source.read(max(1, _READ_BYTES // size) * size):
        count = len(data) // size
        samples = np.frombuffer(data, dtype, count * size // dtype.itemsize)
        if layout.interleave == "bil":
            lines = samples.reshape(count, layout.bands, layout.columns).transpose(0, 2, 1)
        else:
            lines = samples.reshape(count, layout.columns, layout.bands)
        if count:
            yield lines.astype(dtype.newbyteorder("="), copy=False)
        if len(data) % size:
            print(
                f"warning: the input ends within a line; its {len(data) % size} bytes are left out",
                file=sys.stderr,
            )
            return
