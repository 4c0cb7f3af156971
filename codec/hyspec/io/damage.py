"""Damaged input files: whatever a parser stumbles over becomes one clear error."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

from hyspec.errors import DataError, HyspecError


@contextlib.contextmanager
def reported(path: Path, kind: str, hint: str) -> Iterator[None]:
    """Raise DataError for any exception of the block that is not one of hyspec's own.

    Parameters
    ----------
    path
        File that is read in the block.
    kind
        What it should be, as in "no readable HDF5 file".
    hint
        Remedy.
    """
    try:
        yield
    except HyspecError:
        raise
    except Exception as error:  # parsers raise whatever damaged bytes lead them to
        reason = str(error) or type(error).__name__
        raise DataError(f"{path} is no readable {kind} file: {reason}", hint=hint) from error
