"""Translation of the core's errors into those of the Python interface."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from hyspec import _core
from hyspec.errors import (
    HyspecError,
    LimitError,
    StreamError,
    UnsupportedVersionError,
    UsageError,
)


@contextlib.contextmanager
def translated(what: str) -> Iterator[None]:
    """Raise the core's errors inside the block as :class:`HyspecError`.

    Parameters
    ----------
    what
        What was being done, to begin the message with.
    """
    try:
        yield
    except _core.CoreError as error:
        raise translate(error, what) from error


@contextlib.contextmanager
def memory_for(what: str) -> Iterator[None]:
    """Raise :class:`LimitError` where the machine has no memory for ``what``."""
    try:
        yield
    except LimitError:
        raise
    except MemoryError as error:
        raise LimitError(
            f"there is not enough memory for {what}",
            hint="decode a part of it, or with fewer threads",
        ) from error


def translate(error: _core.CoreError, what: str) -> HyspecError:
    """Make the Python error for one of the core."""
    _, offset, name, text = error.args
    message = f"{what}: {text}"
    match name:
        case "bad-argument":
            return UsageError(message)
        case "unsupported-version":
            return UnsupportedVersionError(message, hint="install a newer hyspec", offset=offset)
        case "limit-exceeded":
            return LimitError(message, offset=offset)
        case "not-a-stream":
            return StreamError(message, hint="expected a .hyc file written by hyspec-encode")
        case _:
            return StreamError(f"{message} (byte {offset})", offset=offset)
