"""Exact core of hyspec: entropy coder, container, integer transforms."""

class CoreError(RuntimeError):
    """Raised by the core; ``args`` are (code, offset, code name, text)."""
