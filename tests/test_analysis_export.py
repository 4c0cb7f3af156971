"""Every analysis model: PyTorch against ONNX Runtime, and what its graphs hold."""

import numpy as np
import onnx
import pytest
import torch

from analysis_cases import model_of, sensor
from hyspec import inference
from hyspec_training.analysis.export import export_model, parts
from hyspec_training.analysis.registry import MODELS
from hyspec_training.onnx_graphs import OPSET

torch.set_num_threads(1)

#: Names of the graphs of each model.
GRAPHS = {"classification": ["scores"], "unmixing": ["abundances"]}
#: Other sizes than those that the graphs are made with: batch, rows, columns of the result.
SIZES = [(1, 1, 1), (3, 2, 5)]


def inputs_of(part, size, patch, whole):
    """Random inputs of a graph, for a result of some size; bands are free with a code of them."""
    n, rows, columns = size if whole else (size[0], 1, 1)
    channels = part.examples[0].shape[1]
    code = []
    if len(part.inputs) > 1:
        code = [sensor(9 + n)]
        channels = len(code[0]) if part.output == "latents" else channels
    generator = torch.Generator().manual_seed(n)
    shape = (n, channels, rows + patch - 1, columns + patch - 1)
    return [torch.rand(shape, generator=generator), *code]


@pytest.mark.parametrize("name", MODELS)
def test_pytorch_and_onnx_runtime_agree(name):
    model = model_of(name)
    graphs = export_model(model)
    expected = GRAPHS.get(MODELS[name].task, ["encoder", "decoder"])
    assert list(graphs) == expected
    for key, part in parts(model).items():
        found = onnx.load_from_string(graphs[key])
        onnx.checker.check_model(found, full_check=True)
        assert [(o.domain, o.version) for o in found.opset_import] == [("", OPSET)]
        assert [v.name for v in found.graph.input] == list(part.inputs)
        assert [v.name for v in found.graph.output] == [part.output]
        session = inference.Network(graphs[key])
        for size in SIZES:
            inputs = inputs_of(part, size, model.patch, model.whole_scenes)
            with torch.no_grad():
                want = part.module(*inputs).numpy()
            got = session(*(x.numpy() for x in inputs))
            assert got.shape == want.shape
            assert (want.shape[0], *want.shape[2:]) == (
                size if model.whole_scenes else (size[0], 1, 1)
            )
            np.testing.assert_allclose(got, want, rtol=0, atol=1e-4)
            assert want.std() > 0.005  # or agreement would say little
