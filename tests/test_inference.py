"""Sessions of ONNX Runtime: shared among threads, and not kept for ever."""

import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import onnx
import pytest

from hyspec import inference
from hyspec.errors import PackError


def graph(name, operator="Neg"):
    """A graph of one node; the name makes it another one."""
    shape = ["n", "c", "h", "w"]
    ends = [onnx.helper.make_tensor_value_info(n, onnx.TensorProto.FLOAT, shape) for n in "xy"]
    node = onnx.helper.make_node(operator, ["x"], ["y"])
    found = onnx.helper.make_graph([node], name, ends[:1], ends[1:])
    opset = [onnx.helper.make_opsetid("", 18)]
    return onnx.helper.make_model(found, opset_imports=opset, ir_version=8).SerializeToString()


@pytest.fixture(autouse=True)
def fresh():
    inference._shared.cache_clear()
    yield
    inference._shared.cache_clear()


def test_a_session_is_shared():
    first = inference.network(graph("a"))
    assert inference.network(graph("a")) is first
    assert inference.network(graph("a"), optimise=False) is not first
    x = np.arange(6, dtype=np.float32).reshape(1, 1, 2, 3)
    np.testing.assert_array_equal(first(x), -x)


def test_threads_make_a_session_once():
    start = threading.Barrier(4)

    def network(_):
        start.wait()
        return inference.network(graph("b"))

    with ThreadPoolExecutor(4) as pool:
        first, *others = pool.map(network, range(4))
    assert all(other is first for other in others)
    assert inference._shared.cache_info().misses == 1


def test_the_latest_sessions_are_kept():
    """A server that meets ever new packs does not grow for ever, and what is in use stays."""
    kept = inference._KEPT_SESSIONS
    often, once = inference.network(graph("often")), inference.network(graph("once"))
    for k in range(kept + 5):
        inference.network(graph(f"{k}"))
        assert inference.network(graph("often")) is often
    assert inference._shared.cache_info().currsize == kept
    x = np.ones((1, 1, 1, 1), np.float32)
    assert once(x) == -1  # dropped, but still held here
    assert inference.network(graph("once")) is not once


def test_a_graph_that_is_none():
    for _ in range(2):
        with pytest.raises(PackError, match="cannot load a graph"):
            inference.network(b"no graph")
