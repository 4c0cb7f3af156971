"""Drawing ahead: the same items in the same order, errors where they are waited for, no threads."""

import threading
import time

import pytest

from hyspec_training.prefetch import Prefetcher


def threads():
    return [t for t in threading.enumerate() if t.name == "prefetch"]


def test_items_come_in_order_from_another_thread():
    def draw(step):
        return step, threading.current_thread() is threading.main_thread()

    with Prefetcher(draw, 3, 40) as items:
        assert list(items) == [(step, False) for step in range(3, 40)]
    assert not threads()


def test_it_draws_ahead_but_not_far():
    drawn = []
    with Prefetcher(lambda step: drawn.append(step), 0, 100, depth=4) as items:
        next(iter(items))
        deadline = time.monotonic() + 5
        while len(drawn) < 6 and time.monotonic() < deadline:
            time.sleep(0.01)
        assert drawn == list(range(6))  # one taken, four that wait, one in the hand
        time.sleep(0.05)
        assert len(drawn) == 6
    assert not threads()


def test_an_error_is_raised_where_its_item_would_be():
    def draw(step):
        if step == 5:
            raise OSError("no disk")
        return step

    taken = []
    with pytest.raises(OSError, match="no disk"), Prefetcher(draw, 0, 9) as items:
        taken.extend(items)
    assert taken == [0, 1, 2, 3, 4]
    assert not threads()


def test_leaving_early_ends_the_thread():
    with pytest.raises(KeyError), Prefetcher(lambda step: step, 0, 10**9) as items:
        next(iter(items))
        raise KeyError
    assert not threads()


def test_nothing_to_draw():
    with Prefetcher(lambda step: step, 7, 7) as items:
        assert not list(items)
