"""Threads with bounded memory: results in order, few of them waiting; and none but these."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from functools import cache
from threading import Lock
from typing import Any, TypeVar

from threadpoolctl import ThreadpoolController

T = TypeVar("T")
R = TypeVar("R")


def default_threads() -> int:
    """Number of processors that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def ordered_map(function: Callable[[T], R], items: Iterable[T], threads: int) -> Iterator[R]:
    """Yield ``function(item)`` for all items in order, computed by ``threads`` threads.

    At most two results per thread exist at a time, whatever the number of items. An exception of
    the function is raised here, at its place in the order.
    """
    if threads == 1:
        yield from map(function, items)
        return
    waiting: deque[Future[R]] = deque()
    with ThreadPoolExecutor(threads) as executor:
        try:
            for item in items:
                waiting.append(executor.submit(function, item))
                if len(waiting) >= 2 * threads:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()


@cache
def _libraries() -> list[Any]:
    """The linear algebra libraries of the process, those of NumPy among them."""
    return list(ThreadpoolController().select(user_api="blas").lib_controllers)


def _set_threads(numbers: Sequence[int]) -> None:
    """Set how many threads each of the libraries uses."""
    for library, number in zip(_libraries(), numbers, strict=True):
        # threadpoolctl heeds one thread of a process alone, if libraries share their threads.
        shared = hasattr(library, "clear_controlling_thread")
        if shared:
            library.clear_controlling_thread(force=True)
        library.set_num_threads(number)
        if shared:
            library.clear_controlling_thread(force=True)


class _Limits:
    """One limit for the whole process: the first user sets it, and the last one lifts it."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._users = 0
        self._numbers: list[int] = []

    def __enter__(self) -> None:
        with self._lock:
            if not self._users:
                self._numbers = [library.num_threads for library in _libraries()]
                _set_threads([1] * len(self._numbers))
            self._users += 1

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._users -= 1
            if not self._users:
                _set_threads(self._numbers)


_limits = _Limits()


@contextmanager
def own_threads_only() -> Iterator[None]:
    """Keep linear algebra to the threads that call it, so that one thread is one.

    Tiles are what threads share; libraries with threads of their own would take more processors
    than were asked for, and their sums would depend on how many there are.
    """
    with _limits:
        yield
