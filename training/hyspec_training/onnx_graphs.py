"""From PyTorch modules to ONNX graphs."""

from __future__ import annotations

import contextlib
import copy
import logging
import warnings
from collections.abc import Iterator, Sequence

import numpy as np
import onnx
import onnxscript  # noqa: F401  (the exporter's own need, missed here rather than after training)
import torch
from onnx import TensorProto, helper, numpy_helper
from torch import nn
from torch.export import Dim

#: ONNX operator set of the graphs: old enough for the runtimes on small boards.
OPSET = 18
#: ONNX format version of the graphs: the one that came with the operator set.
IR_VERSION = 8
#: Weights of at least this many numbers are stored in half precision.
_HALVED_FROM = 1024
_BATCH = Dim("n")


def halved(module: nn.Module) -> nn.Module:
    """Return a copy whose larger weights are numbers that half precision can hold.

    Graphs made of it lose nothing by :func:`stored_in_half`.
    """
    result = copy.deepcopy(module)
    with torch.no_grad():
        for values in (*result.parameters(), *result.buffers()):
            if values.is_floating_point() and values.numel() >= _HALVED_FROM:
                values.copy_(values.half().float())
    return result


def stored_in_half(graph: bytes) -> bytes:
    """Store the larger weights of a graph in half precision, which halves its size.

    They are converted when the graph is loaded; the arithmetic stays in single precision.
    """
    model = onnx.load_from_string(graph)
    casts = []
    for tensor in model.graph.initializer:
        values = numpy_helper.to_array(tensor)
        with np.errstate(over="ignore"):
            half = values.astype(np.float16)
        if values.dtype != np.float32 or values.size < _HALVED_FROM or (half != values).any():
            continue
        name = tensor.name
        tensor.CopyFrom(numpy_helper.from_array(half, f"{name}.half"))
        casts.append(helper.make_node("Cast", [f"{name}.half"], [name], to=TensorProto.FLOAT))
    nodes = [*casts, *model.graph.node]
    del model.graph.node[:]
    model.graph.node.extend(nodes)
    onnx.checker.check_model(model)
    return bytes(model.SerializeToString(deterministic=True))


#: For each input, the axes whose size is free, with that size, which inputs may share.
Free = Sequence[dict[int, Dim]]


def free_planes(side: int = 1) -> dict[int, Dim]:
    """Free axes of planes (N, C, H, W): all but the channels.

    Parameters
    ----------
    side
        Least number of rows and columns.
    """
    if side == 1:  # a stated least of 1 would change the bytes of graphs, and so the names of packs
        return {0: _BATCH, 2: Dim("h"), 3: Dim("w")}
    return {0: _BATCH, 2: Dim("h", min=side), 3: Dim("w", min=side)}


def to_onnx(
    module: nn.Module,
    examples: Sequence[torch.Tensor],
    inputs: Sequence[str],
    output: str,
    free: Free | None = None,
) -> bytes:
    """Serialise a module.

    Parameters
    ----------
    module
        Computes one tensor.
    examples, inputs
        Example and name of each input.
    output
        Name of the output.
    free
        Axes of free size. By default, a first input has the shape (N, C, H, W) with free N, H and
        W, and a second one the shape (N, 1, 1, 1).
    """
    free = (free_planes(), {0: _BATCH})[: len(examples)] if free is None else free
    with warnings.catch_warnings(), _silenced(logging.getLogger("torch.onnx")):
        # Deprecations inside the exporter are not ours to mend.
        warnings.simplefilter("ignore", DeprecationWarning)
        warnings.simplefilter("ignore", FutureWarning)
        warnings.filterwarnings("ignore", "# The axis name", UserWarning)
        # Recurrent layers: their list of weights, and how the exporter looks at it.
        warnings.filterwarnings("ignore", "The tensor attributes .*_flat_weights", UserWarning)
        warnings.filterwarnings("ignore", "The .grad attribute of a Tensor", UserWarning)
        program = torch.onnx.export(
            module.eval(),
            tuple(examples),
            dynamo=True,
            opset_version=OPSET,
            input_names=list(inputs),
            output_names=[output],
            dynamic_shapes=tuple(free),
            verbose=False,
        )
    assert program is not None
    model = program.model_proto
    model.ir_version = IR_VERSION
    del model.metadata_props[:]
    for node in model.graph.node:  # source locations of the exporting machine
        del node.metadata_props[:]
        node.doc_string = ""
    for value in [*model.graph.input, *model.graph.output, *model.graph.value_info]:
        del value.metadata_props[:]
    for tensor in model.graph.initializer:
        del tensor.metadata_props[:]
    del model.graph.value_info[:]
    del model.graph.metadata_props[:]
    onnx.checker.check_model(model)
    return bytes(model.SerializeToString(deterministic=True))


@contextlib.contextmanager
def _silenced(logger: logging.Logger) -> Iterator[None]:
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(level)
