"""Values that several threads need at about the same time are made once each."""

from __future__ import annotations

import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest

from hyspec.latest import Latest


def test_values_are_kept_until_others_were_asked_for() -> None:
    made: list[int] = []

    def make(key: int) -> int:
        made.append(key)
        return -key

    latest = Latest(2)
    assert [latest.get(key, make) for key in (1, 2, 1, 2)] == [-1, -2, -1, -2]
    assert made == [1, 2]
    assert [latest.get(key, make) for key in (1, 3, 1, 2)] == [-1, -3, -1, -2]  # 2 was the oldest
    assert made == [1, 2, 3, 2]


def test_one_thread_makes_what_many_need() -> None:
    """All of them wait for it, and no other value."""
    made: Counter[int] = Counter()
    started, free = threading.Event(), threading.Event()

    def make(key: int) -> int:
        made[key] += 1
        if key == 0:
            started.set()
            assert free.wait(60)
        return key + 100

    latest = Latest(4)
    with ThreadPoolExecutor(8) as pool:
        waiting = [pool.submit(latest.get, 0, make) for _ in range(7)]
        assert started.wait(60)
        assert latest.get(1, make) == 101  # not held up by the other one
        assert not any(future.done() for future in waiting)
        free.set()
        assert {future.result(60) for future in waiting} == {100}
    assert made == {0: 1, 1: 1}


def test_a_value_that_is_evicted_while_it_is_made() -> None:
    """Whoever waits for it still gets it; the next one makes it again."""
    made: Counter[int] = Counter()
    started, free = threading.Event(), threading.Event()

    def make(key: int) -> int:
        made[key] += 1
        if key == 0 and made[0] == 1:
            started.set()
            assert free.wait(60)
        return key

    latest = Latest(1)
    with ThreadPoolExecutor(2) as pool:
        slow = pool.submit(latest.get, 0, make)
        assert started.wait(60)
        assert latest.get(1, make) == 1
        assert latest.get(0, make) == 0
        free.set()
        assert slow.result(60) == 0
    assert made[0] == 2
    assert latest.get(0, make) == 0
    assert made[0] == 2


@pytest.mark.parametrize("error", [ValueError, MemoryError, KeyboardInterrupt])
def test_exceptions_go_to_all_that_wait_and_are_not_kept(error: type[BaseException]) -> None:
    made: Counter[str] = Counter()
    started, free = threading.Event(), threading.Event()

    def make(key: str) -> str:
        made[key] += 1
        if made[key] == 1:
            started.set()
            assert free.wait(60)
            raise error("no")
        return key

    latest = Latest(3)
    caught: list[BaseException] = []

    def ask() -> None:
        try:
            latest.get("a", make)
        except BaseException as found:
            caught.append(found)

    threads = [threading.Thread(target=ask) for _ in range(3)]
    threads[0].start()
    assert started.wait(60)
    for thread in threads[1:]:
        thread.start()
    while sum(thread.is_alive() for thread in threads) < 3:
        pass
    free.set()
    for thread in threads:
        thread.join(60)
    assert caught
    assert {type(found) for found in caught} == {error}
    assert latest.get("a", make) == "a"
    assert made["a"] == 2
