"""Outputs that appear under their names only when they are complete."""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from hyspec.errors import DataError, UsageError


@dataclass
class Output:
    """A file under construction.

    Attributes
    ----------
    array : ndarray, shape (rows, columns, bands)
        Writable view of the samples to be, in any memory order; memory-mapped where the format
        allows it.
    """

    array: npt.NDArray[Any]


@contextlib.contextmanager
def replacing(*targets: Path, force: bool) -> Iterator[list[Path]]:
    """Yield one temporary path per target, in its directory; rename them all on clean exit.

    On an exception the temporary files are removed and the targets are as before.

    Raises
    ------
    UsageError
        A target exists and ``force`` is false, is a directory, or its directory does not exist.
    DataError
        The system refuses to rename.
    """
    for target in targets:
        if target.is_dir():
            raise UsageError(f"{target} is a directory; expected a file name")
        if not force and target.exists():
            raise UsageError(
                f"{target} exists already",
                hint="choose another name, or replace it with --force (force=True in Python)",
            )
        if not target.parent.is_dir():
            raise UsageError(f"directory {target.parent} does not exist", hint="create it first")
    temporaries = [_beside(target) for target in targets]
    try:
        yield temporaries
        _commit(list(zip(temporaries, targets, strict=True)))
    finally:
        for temporary in temporaries:
            temporary.unlink(missing_ok=True)


def _beside(target: Path) -> Path:
    # The suffix stays last, because some libraries append the one they expect.
    return target.with_name(f".{target.stem}.{secrets.token_hex(4)}{target.suffix}")


def _commit(moves: list[tuple[Path, Path]]) -> None:
    """Rename every temporary file to its target, or none.

    One file needs a single atomic rename. With several, the old targets are kept aside until the
    last rename has succeeded.
    """
    done: list[tuple[Path, Path | None]] = []
    try:
        for temporary, target in moves:
            backup = None
            if len(moves) > 1 and target.exists():
                backup = _beside(target)
                target.rename(backup)
                done.append((target, backup))
                temporary.replace(target)
            else:
                temporary.replace(target)
                done.append((target, None))
    except OSError as error:
        for target, backup in reversed(done):
            if backup is None:
                target.unlink(missing_ok=True)
            else:
                backup.replace(target)
        raise DataError(f"cannot write {moves[-1][1]}: {error.strerror}") from error
    for _, backup in done:
        if backup is not None:
            backup.unlink(missing_ok=True)


def reserve(path: Path) -> None:
    """Allocate the blocks of a sparse file.

    A memory map over a hole of a full disk ends the process with SIGBUS when it is written; an
    allocation that fails is an error that can be reported.
    """
    if not hasattr(os, "posix_fallocate"):
        return
    with path.open("r+b") as file:
        size = os.fstat(file.fileno()).st_size
        try:
            os.posix_fallocate(file.fileno(), 0, max(size, 1))
        except OSError as error:
            if error.errno in (errno.EOPNOTSUPP, errno.EINVAL):
                return  # the file system cannot say; writing goes on without the promise
            raise


@contextlib.contextmanager
def writing(path: Path) -> Iterator[None]:
    """Turn an operating system error on an output into a DataError that names the file."""
    try:
        yield
    except OSError as error:
        reason = error.strerror or str(error)
        raise DataError(
            f"cannot write {path}: {reason}", hint="check free space and permissions"
        ) from error


def flush(array: npt.NDArray[Any]) -> None:
    """Write a memory map, or the map that an array is a view of, to its file."""
    if isinstance(array, np.memmap):
        array.flush()
