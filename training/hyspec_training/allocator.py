"""Memory that is kept between steps, where the C library is glibc.

By default glibc returns large blocks to the system as soon as they are freed. A training step frees
and asks for the same blocks again, and each page of them costs a page fault.
"""

from __future__ import annotations

import ctypes

#: Parameters of mallopt(3), with values that the 32-bit argument can hold.
_M_TRIM_THRESHOLD, _M_TOP_PAD, _M_MMAP_THRESHOLD = -1, -2, -3
_SETTINGS = (
    (_M_MMAP_THRESHOLD, 1 << 30),
    (_M_TRIM_THRESHOLD, (1 << 31) - 1),
    (_M_TOP_PAD, 1 << 26),
)


def keep_freed_memory() -> bool:
    """Let this process keep what it frees; return whether the C library can do that."""
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    return mallopt is not None and all(mallopt(*setting) == 1 for setting in _SETTINGS)
