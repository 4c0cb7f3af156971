"""Batches drawn ahead in a background thread, so that the optimiser never waits for the disk."""

from __future__ import annotations

import contextlib
import queue
import threading
from collections.abc import Callable, Iterator
from types import TracebackType
from typing import Generic, TypeVar

_T = TypeVar("_T")


class Prefetcher(Generic[_T]):
    """Iterates over ``draw(first), ..., draw(last - 1)``, a few of them ahead.

    Use it as a context manager: leaving it ends the thread.

    Parameters
    ----------
    draw
        Makes the item of a step; runs in the thread.
    first, last
        Steps, half open.
    depth
        Most items that wait.
    """

    def __init__(self, draw: Callable[[int], _T], first: int, last: int, depth: int = 4) -> None:
        self._draw = draw
        self._steps = range(first, last)
        self._items: queue.Queue[_T | BaseException] = queue.Queue(depth)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="prefetch", daemon=True)

    def __enter__(self) -> Prefetcher[_T]:
        """Start drawing."""
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop drawing and wait for the thread."""
        self._stop.set()
        while self._thread.is_alive():
            self._discard()
            self._thread.join(0.05)

    def __iter__(self) -> Iterator[_T]:
        """Yield the items in order; an exception of the thread is raised here."""
        for _ in self._steps:
            item = self._items.get()
            if isinstance(item, BaseException):
                raise item
            yield item

    def _run(self) -> None:
        for step in self._steps:
            try:
                item: _T | BaseException = self._draw(step)
            except BaseException as error:
                item = error
            self._items.put(item)
            if self._stop.is_set() or isinstance(item, BaseException):
                return

    def _discard(self) -> None:
        """Make room for an item, which the thread may be waiting for."""
        with contextlib.suppress(queue.Empty):
            self._items.get_nowait()
