"""Small analysis packs without training: graphs of plain ONNX operators with known results."""

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from hyspec.analysis import scaling
from hyspec.analysis.pack import AnalysisPack, named

#: Planes (N, C, H, W) of free sizes.
FREE = ("n", "h", "w")


def graph(nodes, constants, channels, outputs, side=None, result="scores", *, code=False):
    """A graph from ``spectra`` to ``result``.

    With a side, it is of patches of this size alone; with a code, it has the input ``bands``, too.
    """
    rows, columns = (side, side) if side else ("h", "w")
    out = (1, 1) if side else ("oh", "ow")

    def tensor(name, *shape):
        return helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)

    constants = {k: np.asarray(v, np.float32) for k, v in constants.items()}
    inputs = [tensor("spectra", "n", channels, rows, columns)]
    if code:
        inputs.append(tensor("bands", channels, 3))
        constants["axes"] = np.array([2, 3])
    made = helper.make_graph(
        nodes,
        "test",
        inputs,
        [tensor(result, "n", outputs, *out)],
        [numpy_helper.from_array(values, name) for name, values in constants.items()],
    )
    model = helper.make_model(made, opset_imports=[helper.make_opsetid("", 18)], ir_version=8)
    onnx.checker.check_model(model, full_check=True)
    return model.SerializeToString()


def convolution(weights, *, side=None, result="scores", softmax=False):
    """A convolution without padding, (F, B, P, P), and if asked for a softmax over its planes."""
    weights = np.asarray(weights, np.float32)
    outputs, channels = weights.shape[:2]
    last = "before" if softmax else result
    nodes = [helper.make_node("Conv", ["spectra", "weights"], [last])]
    if softmax:
        nodes.append(helper.make_node("Softmax", [last], [result], axis=1))
    return graph(nodes, {"weights": weights}, channels, outputs, side, result)


def two_layers(bands, count):
    """Scores of pixels by a layer with rectification, and another one."""
    nodes = [
        helper.make_node("Conv", ["spectra", "first"], ["hidden"], name="one"),
        helper.make_node("Relu", ["hidden"], ["positive"]),
        helper.make_node("Conv", ["positive", "second"], ["scores"], name="two"),
    ]
    weights = {"first": weights_of(bands, 8, 1), "second": weights_of(8, count, 1)}
    return graph(nodes, weights, bands, count)


def weights_of(bands=24, outputs=3, patch=3, seed=0):
    """Weights (F, B, P, P) of a convolution."""
    generator = np.random.default_rng(seed)
    size = (outputs, bands, patch, patch)
    return generator.normal(0, (bands * patch**2) ** -0.5, size).astype(np.float32)


def scaler(bands=24, kind="standard", offset=3000.0, scale=2500.0):
    return scaling.Scaler(kind, np.full(bands, offset), np.full(bands, scale))


def classifier(bands=24, count=3, patch=3, *, whole_scenes=True, **changes):
    """A pack of a classifier that is one convolution."""
    side = None if whole_scenes else patch
    return AnalysisPack(
        **{
            "name": "tiny classes",
            "model": "one-convolution",
            "task": "classification",
            "patch": patch,
            "whole_scenes": whole_scenes,
            "bands": bands,
            "scaler": scaler(bands),
            "graphs": {"scores": convolution(weights_of(bands, count, patch), side=side)},
            "classes": named([f"class {k + 1}" for k in range(count)]),
        }
        | changes
    )


def unmixer(bands=24, count=3, patch=1, **changes):
    """A pack of an unmixing network that is one convolution and a softmax."""
    weights = weights_of(bands, count, patch, seed=1)
    spectra = np.random.default_rng(2).uniform(500, 6000, (count, bands))
    return AnalysisPack(
        **{
            "name": "tiny abundances",
            "model": "one-convolution",
            "task": "unmixing",
            "patch": patch,
            "whole_scenes": True,
            "bands": bands,
            "scaler": scaler(bands),
            "graphs": {"abundances": convolution(weights, result="abundances", softmax=True)},
            "endmembers": named([f"e{k}" for k in range(count)], spectra=spectra),
        }
        | changes
    )


def encoder(bands=24, count=4, patch=1, **changes):
    """A pack of a linear encoder."""
    weights = weights_of(bands or 24, count, patch, seed=3)
    return AnalysisPack(
        **{
            "name": "tiny features",
            "model": "one-convolution",
            "task": "autoencoder",
            "patch": patch,
            "whole_scenes": True,
            "bands": bands,
            "scaler": scaler(bands or 1),
            "graphs": {"encoder": convolution(weights, result="latents")},
            "latents": count,
        }
        | changes
    )
