"""The one module that sees ONNX Runtime: runs the graphs of packs, and makes integer ones of them.

ONNX Runtime is loaded with the first graph: streams without networks do not need it.
"""

from __future__ import annotations

import tempfile
import threading
from collections.abc import Callable, Iterable
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from hyspec.errors import PackError

Float32Array = npt.NDArray[np.float32]


class Network:
    """An ONNX graph with float32 inputs and one float32 output.

    The first input and the output have the shape (N, C, H, W). A second input, where there is one,
    is the quality in octaves, shape (N, 1, 1, 1).

    One session serves any number of threads; each call runs on the calling thread, so that
    parallelism is decided by the caller.

    Parameters
    ----------
    graph
        Serialised ONNX model.
    optimise
        Let ONNX Runtime rewrite the graph. The results differ in the last digits at most.

    Attributes
    ----------
    inputs : list of str
        Names of the inputs.

    Raises
    ------
    PackError
        ONNX Runtime refuses the graph, or it has other inputs and outputs.
    """

    def __init__(self, graph: bytes, *, optimise: bool = True) -> None:
        import onnxruntime as ort

        options = ort.SessionOptions()
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        options.log_severity_level = 3
        options.graph_optimization_level = (
            ort.GraphOptimizationLevel.ORT_ENABLE_ALL
            if optimise
            else ort.GraphOptimizationLevel.ORT_DISABLE_ALL
        )
        try:
            self._session = ort.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
        except Exception as error:  # ONNX Runtime's exceptions have no common base of their own
            raise PackError(f"ONNX Runtime cannot load a graph of the pack: {error}") from error
        inputs, outputs = self._session.get_inputs(), self._session.get_outputs()
        if len(inputs) not in (1, 2) or len(outputs) != 1:
            raise PackError(
                f"a graph of the pack has {len(inputs)} inputs and {len(outputs)} outputs; "
                "expected one or two, and one"
            )
        self.inputs = [i.name for i in inputs]

    def __call__(self, x: Float32Array, octave: Float32Array | None = None) -> Float32Array:
        """Run the graph on ``x`` of shape (N, C, H, W), and on ``octave`` if it asks for it."""
        feed = dict(zip(self.inputs, (x, octave), strict=False))
        try:
            result: Any = self._session.run(None, feed)[0]
        except Exception as error:
            raise PackError(f"ONNX Runtime cannot run a graph of the pack: {error}") from error
        return np.asarray(result, np.float32)


#: Sessions that are kept: those of three packs of five models. A session in use lives on.
_KEPT_SESSIONS = 32
_lock = threading.Lock()
_shared = lru_cache(maxsize=_KEPT_SESSIONS)(Network)


def network(graph: bytes, *, optimise: bool = True) -> Network:
    """Return the session of a graph, made on first use and shared while it is among the latest."""
    with _lock:  # lru_cache alone would let two threads make the same session
        return _shared(graph, optimise=optimise)


def quantised(
    graph: bytes, batches: Iterable[Float32Array], choose: Callable[[bytes], list[str]]
) -> bytes:
    """Make a graph that computes in 8-bit integers inside, by ONNX Runtime's static quantisation.

    Weights have a scale per output channel; what a node sees has the range from the least to the
    greatest number in the batches. Needs the package ``onnx``.

    Parameters
    ----------
    graph
        Serialised ONNX model of one input, operator set 13 or later.
    batches
        Inputs for calibration.
    choose
        Returns the names of the nodes to quantise, given the graph after simplification.

    Returns
    -------
    bytes
        The quantised model.

    Raises
    ------
    PackError
        ONNX Runtime refuses the graph.
    """
    from onnxruntime import quantization
    from onnxruntime.quantization.shape_inference import quant_pre_process

    feed = _Feed(Network(graph).inputs[0], batches)
    with tempfile.TemporaryDirectory() as folder:
        given, source, target = (Path(folder) / name for name in ("given", "float", "int8"))
        given.write_bytes(graph)
        try:
            quant_pre_process(given, source, skip_symbolic_shape=True)
            chosen = choose(source.read_bytes())
            quantization.quantize_static(
                source,
                target,
                feed,
                quant_format=quantization.QuantFormat.QDQ,
                nodes_to_quantize=chosen,
                per_channel=True,
                # Seven bits for weights: x86 processors without VNNI add pairs of products in 16.
                reduce_range=True,
                activation_type=quantization.QuantType.QUInt8,
                weight_type=quantization.QuantType.QInt8,
            )
        except PackError:
            raise
        except Exception as error:  # ONNX Runtime's exceptions have no common base of their own
            raise PackError(f"ONNX Runtime cannot quantise a graph of the pack: {error}") from error
        return target.read_bytes()


class _Feed:
    """Batches in the form in which ONNX Runtime asks for them."""

    def __init__(self, name: str, batches: Iterable[Float32Array]) -> None:
        self._name, self._batches = name, iter(batches)

    def get_next(self) -> dict[str, Float32Array] | None:
        """Return the next batch by the name of the input, or ``None`` after the last one."""
        batch = next(self._batches, None)
        return None if batch is None else {self._name: batch}
