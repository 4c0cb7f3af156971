"""The exceptions of hyspec: one tree, whose leaves also derive from built-in exceptions.

Every message says what was found and what was expected; ``hint`` says what to do about it. The
leaves separate the caller's mistakes, unusable input data, bad bytes in a stream, and packs.
"""

from __future__ import annotations


class HyspecError(Exception):
    """Base of every error that hyspec raises on purpose.

    Parameters
    ----------
    message
        What was found and what was expected.
    hint
        What the user can do about it, or ``None``.
    """

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.hint = hint


class UsageError(HyspecError, ValueError):
    """An argument or a combination of arguments makes no sense."""


class DataError(HyspecError, ValueError):
    """A cube, or the file it is read from, cannot be used."""


class MissingDependencyError(HyspecError, ImportError):
    """A file format or feature needs a package that is not installed."""


class TargetError(HyspecError, ValueError):
    """A rate or distortion target is outside what the profile and pack can reach."""


class TargetWarning(UserWarning):
    """A rate or distortion target was missed, as no stream of this cube comes near to it."""


class StreamError(HyspecError, ValueError):
    """Bytes that are no hyspec stream, or a damaged one.

    Attributes
    ----------
    offset : int
        Byte offset at which the problem was noticed; 0 where it has no meaning.
    """

    def __init__(self, message: str, *, hint: str | None = None, offset: int = 0) -> None:
        super().__init__(message, hint=hint)
        self.offset = offset


class UnsupportedVersionError(StreamError):
    """A well-formed stream that needs a newer hyspec."""


class LimitError(StreamError, MemoryError):
    """A well-formed stream that decodes to more memory than the caller allows."""


class PackError(HyspecError, ValueError):
    """A pack is malformed or does not fit the cube."""


class PackNotFoundError(PackError, LookupError):
    """No pack of that name or identifier is installed."""


class PackIntegrityError(PackError):
    """A file of the pack does not have the hash that its manifest states."""
