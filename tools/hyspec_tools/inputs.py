"""Arguments that describe an input cube, shared by all programs that read one."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from hyspec import io
from hyspec.cube import Cube
from hyspec.errors import UsageError
from hyspec_tools.arguments import sizes

#: Options whose value may be negative.
_NEGATIVE_VALUES = ("--nodata", "--rows", "--cols", "--bands")


def add_input_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options that say how to read the input."""
    group = parser.add_argument_group("reading the input")
    group.add_argument(
        "--variable", metavar="NAME", help="variable of a .mat file or dataset of an HDF5 file"
    )
    group.add_argument(
        "--axes",
        metavar="ORDER",
        help="order of the axes of an array: a permutation of r, c and b, such as brc, "
        "or bp or pb for a matrix of pixels",
    )
    group.add_argument("--nodata", type=float, metavar="V", help="value that marks nodata")
    group.add_argument(
        "--shape",
        metavar="ROWSxCOLSxBANDS",
        help="read raw binary data of this size; needs --dtype and --interleave (hyspec-encode -: "
        "COLSxBANDS)",
    )
    group.add_argument("--dtype", metavar="TYPE", help="sample type of raw data, such as uint16")
    group.add_argument("--interleave", choices=("bsq", "bil", "bip"), help="order of raw data")
    group.add_argument(
        "--byte-order", choices=("little", "big"), default="little", help="of raw data"
    )
    group.add_argument(
        "--offset", type=int, default=0, metavar="BYTES", help="header to skip in raw data"
    )


def join_negative_values(argv: Sequence[str] | None) -> list[str]:
    """Write ``--nodata -3.4e38`` as ``--nodata=-3.4e38``, and likewise ``--rows -10:``.

    argparse takes any value that begins with a minus sign for an option, except plain decimals.
    """
    words = list(sys.argv[1:] if argv is None else argv)
    joined: list[str] = []
    for word in words:
        previous = joined[-1] if joined else ""
        if previous in _NEGATIVE_VALUES and word.startswith("-") and not word.startswith("--"):
            joined[-1] = f"{previous}={word}"
        else:
            joined.append(word)
    return joined


def refuse_overwriting(sources: Sequence[Path], targets: Sequence[Path]) -> None:
    """Raise UsageError if an output is one of the input's files, under whatever name."""
    for target in targets:
        for source in sources:
            if _same(source, target):
                raise UsageError(
                    f"the output {target} is the input itself", hint="choose another output name"
                )


def _same(first: Path, second: Path) -> bool:
    try:
        return first.samefile(second)
    except OSError:
        return first.resolve() == second.resolve()


def read_input(path: str, arguments: argparse.Namespace) -> Cube:
    """Read the cube that the arguments describe.

    Raises
    ------
    UsageError
        The description of raw data is incomplete or malformed.
    """
    raw = None
    if arguments.shape is not None:
        if arguments.dtype is None or arguments.interleave is None:
            raise UsageError(
                "raw data needs its type and order as well as its shape",
                hint="for example --shape 2x640x481 --dtype uint16 --interleave bil",
            )
        raw = io.RawLayout(
            *_shape(arguments.shape),
            dtype=arguments.dtype,
            interleave=arguments.interleave,
            byte_order=arguments.byte_order,
            offset=arguments.offset,
        )
    elif arguments.dtype is not None or arguments.interleave is not None:
        raise UsageError(
            "--dtype and --interleave describe raw data", hint="add --shape ROWSxCOLSxBANDS"
        )
    return io.read(
        path,
        variable=arguments.variable,
        axes=arguments.axes,
        nodata=arguments.nodata,
        raw=raw,
    )


def _shape(text: str) -> tuple[int, int, int]:
    found = sizes(text)
    if found is None or len(found) != 3 or 0 in found:
        raise UsageError(
            f"--shape is {text!r}; expected ROWSxCOLSxBANDS", hint="for example --shape 2x640x481"
        )
    rows, columns, bands = found
    return rows, columns, bands
