"""Every analysis model: PyTorch against ONNX Runtime, and what its graphs hold."""

import functools
import os
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch

from analysis_cases import model_of, sensor
from hyspec import inference, io, synthetic
from hyspec_training.analysis.export import export_model, parts
from hyspec_training.analysis.registry import MODELS
from hyspec_training.onnx_graphs import OPSET

torch.set_num_threads(1)

FOLDER = os.environ.get("HYSPEC_DATA")
#: Names of the graphs of each model; of the others ``encoder`` and ``decoder``.
GRAPHS = {"classification": ["scores"], "unmixing": ["abundances"]}
#: Other sizes than those that the graphs are made with: batch, rows, columns of the result.
SIZES = [(1, 1, 1), (3, 2, 5)]


@functools.cache
def scene():
    """Samples from 0 to 1 (rows, columns, bands): a real scene, or else a synthetic one."""
    if FOLDER:
        array = io.read(Path(FOLDER) / "train" / "abu-airport-2.mat").array
    else:
        array = synthetic.scene(72, 72, seed=2).cube.array
    return torch.from_numpy(array / array.max()).float()


def patches(size, bands, patch):
    """A batch of parts of the scene that overlap, (N, B, rows + P - 1, columns + P - 1)."""
    n, rows, columns = size
    rows, columns = rows + patch - 1, columns + patch - 1
    return torch.stack(
        [scene()[k : k + rows, 2 * k : 2 * k + columns, :bands].permute(2, 0, 1) for k in range(n)]
    )


def inputs_of(part, size, patch, source):
    """Inputs of a graph for a result of some size; where bands are free, a code of them as well."""
    n, rows, columns = size
    code = [sensor(9 + n)] if len(part.inputs) > 1 else []
    channels = part.examples[0].shape[1]
    if code and part.output == "latents":
        channels = len(code[0])
    if source == "scene" and part.inputs[0] == "spectra":
        return [patches(size, channels, patch), *code]
    generator = torch.Generator().manual_seed(n)
    shape = (n, channels, rows + patch - 1, columns + patch - 1)
    return [torch.rand(shape, generator=generator), *code]


@pytest.mark.parametrize("name", MODELS)
def test_pytorch_and_onnx_runtime_agree(name):
    model = model_of(name)
    graphs = export_model(model)
    assert list(graphs) == GRAPHS.get(MODELS[name].task, ["encoder", "decoder"])
    for key, part in parts(model).items():
        session = checked(graphs[key], part)
        for n, rows, columns in SIZES:
            size = (n, rows, columns) if model.whole_scenes else (n, 1, 1)
            for source in ("random", "scene"):
                inputs = inputs_of(part, size, model.patch, source)
                with torch.no_grad():
                    want = part.module(*inputs).numpy()
                got = session(*(x.numpy() for x in inputs))
                assert got.shape == want.shape
                assert (want.shape[0], *want.shape[2:]) == size
                np.testing.assert_allclose(got, want, rtol=0, atol=1e-4)
                assert want.std() > 0.005  # or agreement would say little


def checked(graph, part):
    """The session of a graph that is plain, and holds nothing but what its output needs."""
    found = onnx.load_from_string(graph)
    onnx.checker.check_model(found, full_check=True)
    assert [(o.domain, o.version) for o in found.opset_import] == [("", OPSET)]
    assert found.ir_version <= 8
    assert [v.name for v in found.graph.input] == list(part.inputs)
    assert [v.name for v in found.graph.output] == [part.output]
    free = [
        {k for k, d in enumerate(v.type.tensor_type.shape.dim) if d.dim_param}
        for v in found.graph.input
    ]
    assert free == [set(axes) for axes in part.free]
    weights = {tensor.name for tensor in found.graph.initializer}
    assert weights
    unused = ("model.encoder",) if part.inputs[0] == "latents" else ("model.decoder", "raw_end")
    assert not [name for name in weights if any(word in name for word in unused)]
    return inference.Network(graph)
