"""What all programs share: errors on stderr, exit codes, JSON that has no NaN, progress bars."""

from __future__ import annotations

import functools
import json
import math
import sys
from collections.abc import Callable
from typing import Any

from tqdm import tqdm

from hyspec.errors import HyspecError, UsageError

Main = Callable[..., int]


def program(main: Main) -> Main:
    """Turn the exceptions of a program into ``error:`` and ``hint:`` lines and an exit code.

    Exit codes: 0 success, 1 bad data, 2 bad use, 130 interrupted.
    """

    @functools.wraps(main)
    def wrapper(*args: Any, **kwargs: Any) -> int:
        try:
            return main(*args, **kwargs)
        except HyspecError as error:
            print(f"error: {error}", file=sys.stderr)
            if error.hint:
                print(f"hint: {error.hint}", file=sys.stderr)
            return 2 if isinstance(error, UsageError) else 1
        except MemoryError:
            print("error: not enough memory", file=sys.stderr)
            print("hint: use smaller tiles (--tile) or fewer threads (--threads)", file=sys.stderr)
            return 1
        except OSError as error:
            name = f"{error.filename}: " if error.filename else ""
            print(f"error: {name}{error.strerror or error}", file=sys.stderr)
            return 1
        except KeyboardInterrupt:
            print("error: interrupted", file=sys.stderr)
            return 130

    return wrapper


def to_json(record: dict[str, Any]) -> str:
    """One line of JSON; infinite and undefined numbers become null."""
    return json.dumps(_finite(record), allow_nan=False)


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


class ProgressBars:
    """Progress of an encoding or decoding as bars on stderr, one per phase.

    Parameters
    ----------
    enabled
        Show bars; otherwise do nothing. Bars appear only on a terminal.
    """

    def __init__(self, enabled: bool) -> None:
        self._enabled = enabled and sys.stderr.isatty()
        self._bar: tqdm[Any] | None = None
        self._phase = ""

    def __call__(self, phase: str, done: int, total: int) -> None:
        """Report that ``done`` of ``total`` pieces of a phase are finished."""
        if not self._enabled:
            return
        if phase != self._phase:
            self.close()
            self._bar = tqdm(total=total, desc=phase, unit="chunk", leave=False, file=sys.stderr)
            self._phase = phase
        if self._bar is not None:
            self._bar.update(done - self._bar.n)

    def close(self) -> None:
        """Remove the current bar."""
        if self._bar is not None:
            self._bar.close()
            self._bar, self._phase = None, ""

    def __enter__(self) -> ProgressBars:
        """Use as a context manager that closes the bar."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the bar."""
        self.close()
