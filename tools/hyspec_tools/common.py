"""What all programs share: errors on stderr, exit codes, JSON that has no NaN, progress bars."""

from __future__ import annotations

import argparse
import contextlib
import functools
import json
import math
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from typing import Any, NoReturn

from tqdm import tqdm

from hyspec.errors import HyspecError, MissingDependencyError, UsageError
from hyspec.version import SOFTWARE

Main = Callable[..., int]

#: Signals that end a program as an exception does, so that temporary files go.
_SIGNALS = (signal.SIGTERM, signal.SIGHUP)


class Parser(argparse.ArgumentParser):
    """An argument parser whose complaints are those of :func:`program`."""

    def __init__(self, prog: str, description: str | None) -> None:
        super().__init__(prog, description=description)
        self.add_argument("--version", action="version", version=SOFTWARE)

    def error(self, message: str) -> NoReturn:
        """Raise UsageError; argparse calls this for all that it cannot understand."""
        raise UsageError(message, hint=f"see {self.prog} --help")


@contextlib.contextmanager
def extra(name: str, purpose: str) -> Iterator[None]:
    """Import packages of an extra inside this context.

    Parameters
    ----------
    name
        The extra of hyspec that they belong to.
    purpose
        What they are for, such as ``"training"``.

    Raises
    ------
    MissingDependencyError
        One of them is not installed.
    """
    try:
        yield
    except ImportError as error:
        raise MissingDependencyError(
            f"{purpose} needs {error.name}", hint=f"pip install 'hyspec[{name}]'"
        ) from error


class Stopped(BaseException):
    """A signal asks the program to end; no Exception, so that only cleaning up takes notice."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


def program(main: Main) -> Main:
    """Turn the exceptions of a program into ``error:`` and ``hint:`` lines and an exit code.

    Exit codes: 0 success, 1 bad data, 2 bad use, 128 + n ended by signal n: 130 interrupted,
    129 and 143 ended from outside, 141 nobody reads the output.
    """

    @functools.wraps(main)
    def wrapper(*args: Any, **kwargs: Any) -> int:
        try:
            with _signals_raise():
                return _run(main, *args, **kwargs)
        except Stopped as stopped:
            _complain(f"stopped by {signal.Signals(stopped.number).name}")
            return 128 + stopped.number
        except KeyboardInterrupt:
            _complain("interrupted")
            return 128 + signal.SIGINT

    return wrapper


def _run(main: Main, *args: Any, **kwargs: Any) -> int:
    try:
        try:
            code = main(*args, **kwargs)
        except SystemExit:  # --help
            sys.stdout.flush()
            raise
        sys.stdout.flush()  # here, where a closed pipe is noticed in time
        return code
    except HyspecError as error:
        _complain(str(error), error.hint)
        return 2 if isinstance(error, UsageError) else 1
    except MemoryError:
        _complain("not enough memory", "use smaller tiles (--tile) or fewer threads (--threads)")
        return 1
    except BrokenPipeError:
        _abandon_output()
        return 128 + signal.SIGPIPE
    except OSError as error:
        name = f"{error.filename}: " if error.filename else ""
        _complain(f"{name}{error.strerror or error}")
        return 1


def _complain(message: str, hint: str | None = None) -> None:
    with contextlib.suppress(OSError):  # the terminal may be gone
        print(f"error: {message}", file=sys.stderr)
        if hint:
            print(f"hint: {hint}", file=sys.stderr)


def _abandon_output() -> None:
    """Let the interpreter flush into nothing when it exits, or it complains of the pipe itself."""
    if sys.__stdout__ is not None and sys.stdout is sys.__stdout__:
        nothing = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nothing, sys.__stdout__.fileno())
        os.close(nothing)


@contextlib.contextmanager
def _signals_raise() -> Iterator[None]:
    """Raise Stopped at the signals that would end the program at once.

    Signals that are ignored (nohup) or handled by the caller stay so. Only the main thread can
    change that, and only it receives signals.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    ours = [number for number in _SIGNALS if signal.getsignal(number) == signal.SIG_DFL]

    def stop(number: int, _: object) -> None:
        for each in ours:
            signal.signal(each, signal.SIG_IGN)  # cleaning up is not to be interrupted
        raise Stopped(number)

    try:
        for number in ours:
            signal.signal(number, stop)
        yield
    finally:
        for number in ours:
            signal.signal(number, signal.SIG_DFL)


def to_json(record: dict[str, Any] | list[dict[str, Any]]) -> str:
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

    #: What a phase counts, where it is not chunks.
    _UNITS: dict[str, str] = {  # noqa: RUF012
        "survey": "row",
        "searching": "step",
        "lines": "line",
        "analysing": "row",
    }

    def __init__(self, enabled: bool) -> None:
        self._enabled = enabled and sys.stderr.isatty()
        self._bar: tqdm[Any] | None = None
        self._phase = ""

    def __call__(self, phase: str, done: int, total: int) -> None:
        """Report that ``done`` of ``total`` pieces of a phase are finished.

        The total may be an estimate that changes from call to call, or is exceeded.
        """
        if not self._enabled:
            return
        total = max(total, done)
        if phase != self._phase or self._bar is None:
            self.close()
            unit = self._UNITS.get(phase, "chunk")
            self._bar = tqdm(total=total, desc=phase, unit=unit, leave=False, file=sys.stderr)
            self._phase = phase
        self._bar.total = total
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
