"""Threads with results in order."""

import itertools
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from threadpoolctl import threadpool_limits

from hyspec.parallel import default_threads, ordered_map, own_threads_only
from linear_algebra import widths


@pytest.mark.parametrize("threads", [1, 2, 5])
def test_results_come_in_order(threads):
    def slow_first(number):
        time.sleep(0.002 if number % 5 == 0 else 0)
        return number * number

    found = list(ordered_map(slow_first, range(40), threads))
    assert found == [number * number for number in range(40)]


@pytest.mark.parametrize("threads", [1, 3])
def test_few_results_wait(threads):
    """The consumer is slow: no more work is begun than it can soon take."""
    begun = itertools.count()
    latest = 0

    def work(number):
        nonlocal latest
        latest = next(begun)
        return number

    for number in ordered_map(work, range(50), threads):
        time.sleep(0.001)
        assert latest <= number + 2 * threads


def test_items_are_taken_as_they_are_needed():
    taken = []

    def items():
        for number in itertools.count():
            taken.append(number)
            yield number

    results = ordered_map(lambda number: number, items(), 2)
    assert [next(results) for _ in range(3)] == [0, 1, 2]
    results.close()
    assert len(taken) < 12


@pytest.mark.parametrize("threads", [1, 4])
def test_exceptions_are_raised_in_order(threads):
    def work(number):
        if number in (7, 3):
            raise ValueError(number)
        return number

    results = ordered_map(work, range(20), threads)
    assert [next(results) for _ in range(3)] == [0, 1, 2]
    with pytest.raises(ValueError, match="3"):
        next(results)


def test_threads_run_at_the_same_time():
    barrier = threading.Barrier(3, timeout=10)
    assert list(ordered_map(lambda _: barrier.wait() >= 0, range(3), 3)) == [True] * 3


def test_one_thread_is_the_caller():
    assert set(ordered_map(lambda _: threading.get_ident(), range(3), 1)) == {threading.get_ident()}


def test_nothing_to_do():
    assert list(ordered_map(lambda item: item, [], 3)) == []


def test_no_thread_is_left_behind():
    before = threading.active_count()
    results = ordered_map(lambda item: item, range(100), 4)
    next(results)
    results.close()
    assert threading.active_count() == before


def test_default_threads():
    assert default_threads() >= 1


def test_linear_algebra_has_no_threads_of_its_own():
    with threadpool_limits(2, user_api="blas"):
        with own_threads_only():
            assert widths() == {1}
        assert widths() == {2}


def test_linear_algebra_gets_its_threads_back_from_the_last_user():
    with threadpool_limits(2, user_api="blas"):
        with own_threads_only():
            with own_threads_only():
                pass
            assert widths() == {1}
        assert widths() == {2}


def test_linear_algebra_gets_its_threads_back_whichever_thread_is_the_last_user():
    """Some libraries heed only the thread that limited them first, as long as it is alive."""
    with threadpool_limits(2, user_api="blas"), ThreadPoolExecutor(2) as executor:
        entered, left = threading.Event(), threading.Event()

        def first() -> None:
            with own_threads_only():
                entered.set()
                assert left.wait(10)

        def last() -> None:
            assert entered.wait(10)
            with own_threads_only():
                left.set()
                running.result(10)
                assert widths() == {1}

        running = executor.submit(first)
        executor.submit(last).result(20)
        assert widths() == {2}


def test_linear_algebra_is_limited_in_any_thread():
    """Also after another one, which is still alive, was the first to do so."""

    def limited() -> set[int]:
        with own_threads_only():
            return widths()

    with threadpool_limits(2, user_api="blas"), ThreadPoolExecutor(1) as executor:
        assert limited() == {1}
        assert executor.submit(limited).result(20) == {1}
        assert widths() == {2}


def test_whoever_limited_linear_algebra_before_can_lift_that_limit():
    before = widths()
    with ThreadPoolExecutor(1) as executor, threadpool_limits(2, user_api="blas"):

        def use() -> None:
            with own_threads_only():
                pass

        executor.submit(use).result(20)  # its thread lives on for a while
    assert widths() == before
