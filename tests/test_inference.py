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


def two_inputs():
    """x times octave, as a synthesis that knows the quality."""
    shapes = {"x": ["n", "c", "h", "w"], "octave": ["n", 1, 1, 1], "y": ["n", "c", "h", "w"]}
    ends = [
        onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, shape)
        for name, shape in shapes.items()
    ]
    node = onnx.helper.make_node("Mul", ["x", "octave"], ["y"])
    found = onnx.helper.make_graph([node], "two", ends[:2], ends[2:])
    opset = [onnx.helper.make_opsetid("", 18)]
    return onnx.helper.make_model(found, opset_imports=opset, ir_version=8).SerializeToString()


def test_graphs_may_ask_for_the_quality():
    x = np.arange(12, dtype=np.float32).reshape(2, 1, 2, 3)
    octave = np.array([2, 3], np.float32)[:, None, None, None]
    np.testing.assert_array_equal(inference.network(two_inputs())(x, octave), x * octave)
    # One that does not ask gets none.
    np.testing.assert_array_equal(inference.network(graph("c"))(x, octave), -x)


def test_a_graph_that_asks_for_more_than_it_is_given():
    with pytest.raises(PackError, match="cannot run a graph"):
        inference.network(two_inputs())(np.ones((1, 1, 1, 1), np.float32))


def test_a_graph_with_other_ends():
    """Of three inputs, or of two outputs, is no network of the profile."""
    shape = ["n", "c", "h", "w"]
    ends = {
        n: onnx.helper.make_tensor_value_info(n, onnx.TensorProto.FLOAT, shape) for n in "abcde"
    }
    nodes = [
        onnx.helper.make_node("Sum", ["a", "b", "c"], ["d"]),
        onnx.helper.make_node("Neg", ["a"], ["e"]),
    ]
    opset = [onnx.helper.make_opsetid("", 18)]
    for kept, inputs, outputs in ((nodes[:1], "abc", "d"), (nodes, "abc", "de")):
        found = onnx.helper.make_graph(
            kept, "other", [ends[n] for n in inputs], [ends[n] for n in outputs]
        )
        data = onnx.helper.make_model(found, opset_imports=opset, ir_version=8)
        with pytest.raises(PackError, match=r"3 inputs and \d outputs"):
            inference.network(data.SerializeToString())
