"""The one module that sees ONNX Runtime: runs the analysis and synthesis graphs of a pack.

ONNX Runtime is loaded with the first graph: streams without networks do not need it.
"""

from __future__ import annotations

import threading
from functools import lru_cache
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
        self._inputs = [i.name for i in inputs]

    def __call__(self, x: Float32Array, octave: Float32Array | None = None) -> Float32Array:
        """Run the graph on ``x`` of shape (N, C, H, W), and on ``octave`` if it asks for it."""
        feed = dict(zip(self._inputs, (x, octave), strict=False))
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
