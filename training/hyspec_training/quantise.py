"""Analysis graphs in 8-bit integers: static quantisation in ONNX Runtime's QDQ form.

A convolution is quantised by pairs of QuantizeLinear and DequantizeLinear on its input, weights and
output, which ONNX Runtime fuses into one integer convolution; all else stays in float32. Channels
of the input share one scale after each was divided by a factor of its own that its weights take up,
which leaves the product as it was (Xiao et al., "SmoothQuant", ICML 2023, equation 4). The same is
done for the channels of the output.

The latents themselves stay in float32: 8 bits would bound their range, and what a scene has beyond
it would be lost. So does a convolution that costs more than a bound when it alone is quantised.

Only the encoder runs these graphs. The decoder sees nothing but the symbols.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from onnx import TensorProto, helper, numpy_helper

from hyspec.errors import DataError
from hyspec.inference import Network

Float32Array = npt.NDArray[np.float32]
Float64Array = npt.NDArray[np.float64]

#: Share of the range of an input channel that its factor takes off; the rest falls to the weights.
_MIGRATION = 0.75
#: Ranges are wider than those of the calibration, against saturation on other scenes.
_MARGIN = 1.25
_LAST_LEVEL = 255
#: Seven bits for weights: x86 processors without VNNI add pairs of products in 16 bits, and
#: 2 * 255 * 63 is the most that fits.
_LARGEST_WEIGHT = 63


@dataclass(frozen=True)
class _Range:
    """Least and greatest value of each channel, 0 included, both of shape (C,)."""

    low: Float64Array
    high: Float64Array

    @classmethod
    def union(cls, ranges: Sequence[_Range]) -> _Range:
        """Range of all values of several ranges."""
        return cls(
            np.min([each.low for each in ranges], axis=0),
            np.max([each.high for each in ranges], axis=0),
        )

    @property
    def magnitude(self) -> Float64Array:
        """Greatest magnitude, not zero."""
        return np.maximum(np.maximum(-self.low, self.high), 1e-6)


def quantise_analysis(
    graph: bytes,
    batches: Iterable[Float32Array],
    reconstruct: Callable[[Float32Array], Float32Array],
    *,
    max_loss: float = 0.1,
) -> bytes | None:
    """Quantise the convolutions of an analysis graph that are worth it.

    Parameters
    ----------
    graph
        Serialised ONNX model with one input and one output, operator set 13 or later.
    batches
        Normalised planes for calibration, each of shape (N, 1, H, W): two batches or more, best
        one of each scene.
    reconstruct
        Planes from latents as a decoder would get them: rounded at the highest quality that the
        model is for, and through the synthesis network.
    max_loss
        dB of PSNR after `reconstruct` that the quantisation of any one convolution may cost: mean
        over the batches, each with the ranges of the others.

    Returns
    -------
    bytes or None
        The quantised model, the same bytes for the same arguments; ``None`` if no convolution can
        be quantised within `max_loss`.

    Raises
    ------
    DataError
        There are fewer than two batches.
    """
    model, planes = onnx.load_from_string(graph), list(batches)
    if len(planes) < 2:
        raise DataError(f"found {len(planes)} batches to calibrate on; expected at least two")
    weights = _weights(model)
    latents = _linear_ends(model)
    candidates = [
        node
        for node in model.graph.node
        if _is_worthwhile(node, weights) and node.output[0] not in latents
    ]
    if not candidates:
        return None
    tensors = dict.fromkeys(name for c in candidates for name in (c.input[0], c.output[0]))
    ranges = {name: _measure(model, name, planes) for name in tensors}

    def error(candidate: bytes, x: Float32Array) -> float:
        difference = reconstruct(Network(candidate)(x)) - x
        return float(np.square(difference).sum()) + 1e-9  # the planes of a batch may be constant

    floor = [error(graph, x) for x in planes]

    def loss(node: Any) -> float:
        found = []
        for k, x in enumerate(planes):
            others = {name: _Range.union(r[:k] + r[k + 1 :]) for name, r in ranges.items()}
            found.append(error(_quantised(model, [node], others), x) / floor[k])
        return float(10 * np.mean(np.log10(found)))

    chosen = [node for node in candidates if loss(node) <= max_loss]
    final = {name: _Range.union(r) for name, r in ranges.items()}
    return _quantised(model, chosen, final) if chosen else None


def _weights(model: Any) -> dict[str, Float64Array]:
    """Constants of a model by name."""
    return {
        tensor.name: numpy_helper.to_array(tensor).astype(np.float64)
        for tensor in model.graph.initializer
    }


def _is_worthwhile(node: Any, weights: dict[str, Float64Array]) -> bool:
    """Whether a node is a convolution that is faster in integers.

    With a single input channel or pixel, ONNX Runtime spends on the conversion to integers and
    back what it saves on the products.
    """
    if node.op_type != "Conv" or any(name not in weights for name in node.input[1:]):
        return False
    groups = sum(a.i for a in node.attribute if a.name == "group")
    _, channels, *kernel = weights[node.input[1]].shape
    return groups <= 1 and channels > 1 and int(np.prod(kernel)) > 1


def _linear_ends(model: Any) -> set[str]:
    """Tensors that are the output of a model, or added or joined to become it."""
    ends = {model.graph.output[0].name}
    for node in reversed(model.graph.node):
        if node.op_type in ("Add", "Concat", "Sum") and node.output[0] in ends:
            ends.update(node.input)
    return ends


def _measure(model: Any, tensor: str, batches: Sequence[Float32Array]) -> list[_Range]:
    """Range of a tensor (N, C, H, W) of a model in each batch."""
    values: Iterable[Float32Array] = batches
    if tensor != model.graph.input[0].name:
        part = onnx.ModelProto()
        part.CopyFrom(model)
        del part.graph.output[:]
        part.graph.output.append(helper.make_tensor_value_info(tensor, TensorProto.FLOAT, None))
        values = map(Network(part.SerializeToString()), batches)
    return [
        _Range(
            np.minimum(v.min((0, 2, 3)), 0).astype(np.float64),
            np.maximum(v.max((0, 2, 3)), 0).astype(np.float64),
        )
        for v in values
    ]


def _quantised(model: Any, chosen: Sequence[Any], ranges: dict[str, _Range]) -> bytes:
    """Model with some of its convolutions quantised."""
    weights = _weights(model)
    result = onnx.ModelProto()
    result.CopyFrom(model)
    names = {c.output[0] for c in chosen}
    nodes: list[Any] = []
    for node in model.graph.node:
        if node.output[0] in names:
            found, constants = _integer_convolution(node, weights, ranges)
            nodes += found
            result.graph.initializer.extend(constants)
        else:
            nodes.append(node)
    del result.graph.node[:]
    result.graph.node.extend(nodes)
    used = {name for node in nodes for name in node.input}
    kept = [tensor for tensor in result.graph.initializer if tensor.name in used]
    del result.graph.initializer[:]
    result.graph.initializer.extend(kept)
    del result.graph.value_info[:]
    onnx.checker.check_model(result, full_check=True)
    return bytes(result.SerializeToString(deterministic=True))


def _integer_convolution(
    node: Any, weights: dict[str, Float64Array], ranges: dict[str, _Range]
) -> tuple[list[Any], list[Any]]:
    """Nodes and constants that take the place of a convolution."""
    prefix = node.output[0]
    weight = weights[node.input[1]]  # (C', C, rows, columns)
    seen, given = ranges[node.input[0]], ranges[node.output[0]]

    # Each input channel is divided by its factor as it is quantised; the weights make up for it.
    reach = np.maximum(np.abs(weight).max((0, 2, 3)), 1e-6)
    factor = seen.magnitude**_MIGRATION / reach ** (1 - _MIGRATION)  # (C,)
    step, zero = _scale((seen.low / factor).min(), (seen.high / factor).max())
    # Each output channel leaves the convolution with the same range and is then multiplied.
    gain = given.magnitude  # (C',)
    out_step, out_zero = _scale((given.low / gain).min(), (given.high / gain).max())
    weight = weight * factor[:, None, None] / gain[:, None, None, None]
    weight_step = np.maximum(np.abs(weight).max((1, 2, 3)), 1e-12) / _LARGEST_WEIGHT  # (C',)
    integers = np.rint(weight / weight_step[:, None, None, None])

    constants: list[Any] = []

    def constant(name: str, values: npt.ArrayLike, dtype: npt.DTypeLike) -> str:
        constants.append(numpy_helper.from_array(np.asarray(values, dtype), f"{prefix}.{name}"))
        return f"{prefix}.{name}"

    def make(operator: str, inputs: list[str], output: str, **attributes: Any) -> str:
        nodes.append(
            helper.make_node(operator, inputs, [output], name=f"{output}.{operator}", **attributes)
        )
        return output

    nodes: list[Any] = []
    scale = constant("step", step, np.float32), constant("zero", zero, np.uint8)
    out_scale = constant("out_step", out_step, np.float32), constant("out_zero", out_zero, np.uint8)
    each = (
        constant("steps", step * factor, np.float32),
        constant("zeros", np.full(len(factor), zero), np.uint8),
    )
    x = make("QuantizeLinear", [node.input[0], *each], f"{prefix}.levels", axis=1)
    inputs = [
        make("DequantizeLinear", [x, *scale], f"{prefix}.in"),
        make(
            "DequantizeLinear",
            [constant("integers", integers, np.int8), constant("weight_step", weight_step, "f4")],
            f"{prefix}.weight",
            axis=0,
        ),
    ]
    if len(node.input) > 2:
        bias_step = step * weight_step
        bias = np.rint(weights[node.input[2]] / gain / bias_step)
        pair = [constant("bias_integers", bias, np.int32), constant("bias_step", bias_step, "f4")]
        inputs.append(make("DequantizeLinear", pair, f"{prefix}.bias", axis=0))
    y = make("Conv", inputs, f"{prefix}.out")
    nodes[-1].attribute.extend(node.attribute)
    y = make("QuantizeLinear", [y, *out_scale], f"{prefix}.out_levels")
    y = make("DequantizeLinear", [y, *out_scale], f"{prefix}.out_values")
    make("Mul", [y, constant("gain", gain[:, None, None], np.float32)], prefix)
    return nodes, constants


def _scale(low: float, high: float) -> tuple[float, int]:
    """Step and zero point of the 256 levels of a range and its margin."""
    step = max(high - low, 1e-6) * _MARGIN / _LAST_LEVEL
    return step, round(-low * _MARGIN / step)
