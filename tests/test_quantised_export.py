"""Analysis graphs in 8-bit integers: close to those in float32, and only where that pays."""

import numpy as np
import onnx
import onnxruntime as ort
import pytest
import torch
from onnx import TensorProto, helper, numpy_helper

import hyspec
from hyspec import pack, synthetic
from hyspec.errors import DataError
from hyspec.inference import Network
from hyspec_tools import export
from hyspec_training.balle import STRIDE, BandNetwork
from hyspec_training.onnx_graphs import halved, stored_in_half, to_onnx
from hyspec_training.quantise import quantise_analysis

torch.set_num_threads(1)

FILTERS = 32


def planes(seed, count=4, rows=64, columns=48):
    """Smooth planes with noise, about zero mean and unit variance, float32 (N, 1, H, W)."""
    rng = np.random.default_rng(seed)
    phase = rng.uniform(0, 6, (count, 2, 1, 1))
    smooth = np.sin(np.arange(rows)[:, None] / 5 + phase[:, 0])
    smooth = smooth + np.cos(np.arange(columns) / 7 + phase[:, 1])
    return (0.8 * smooth + rng.normal(0, 0.6, smooth.shape))[:, None].astype(np.float32)


def noise_share(found, expected):
    """Energy of the difference in relation to that of the expected values."""
    return float(np.square(found - expected).sum() / np.square(expected).sum())


def quantised_convolutions(graph):
    """Outputs of the convolutions whose weights are integers."""
    model = onnx.load_from_string(graph)
    by_output = {node.output[0]: node for node in model.graph.node}
    return [
        node.output[0].removesuffix(".out")
        for node in model.graph.node
        if node.op_type == "Conv"
        and node.input[1] in by_output
        and by_output[node.input[1]].op_type == "DequantizeLinear"
    ]


@pytest.fixture(scope="module")
def net():
    """A network with random weights: what is tested here does not need trained ones."""
    torch.manual_seed(4)
    network = BandNetwork(FILTERS, 3).eval()
    with torch.no_grad():  # biases and betas apart from their starting values
        for parameter in network.analysis.parameters():
            parameter += 0.1 * parameter.abs().mean() * torch.randn_like(parameter)
    return network


@pytest.fixture(scope="module")
def graph(net):
    return to_onnx(net.analysis, [torch.zeros(2, 1, 2 * STRIDE, 3 * STRIDE)], ["plane"], "latents")


@pytest.fixture(scope="module")
def int8(graph):
    found = quantise_analysis(graph, [planes(0), planes(1, rows=32)], always_same, max_loss=1)
    assert found is not None
    return found


def nothing(latents):
    """Planes of zeros in the size of the latents: no quantisation costs anything."""
    return 0 * latents[:, :1]


def always_same(latents):
    """The same for networks with a stride."""
    rows, columns = latents.shape[2:]
    return np.zeros((len(latents), 1, STRIDE * rows, STRIDE * columns), np.float32)


def chain(*convolutions, join="Concat", ends=("a",)):
    """ONNX model of convolutions ``(output, input, weights)`` on x.

    Some tensors end in a leaky rectifier each, and those are joined.
    """
    nodes, weights = [], []
    for output, source, values in convolutions:
        edge = values.shape[2] // 2
        inputs = [source, f"{output}_weight"]
        nodes.append(helper.make_node("Conv", inputs, [output], pads=[edge] * 4))
        weights.append(numpy_helper.from_array(values, inputs[1]))
    nodes += [helper.make_node("LeakyRelu", [n], [f"{n}_out"], alpha=0.5) for n in ends]
    axis = {"axis": 1} if join == "Concat" else {}
    nodes.append(helper.make_node(join, [f"{name}_out" for name in ends], ["y"], **axis))
    values = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, ["n", channels, "h", "w"])
        for name, channels in (("x", 1), ("y", None))
    ]
    body = helper.make_graph(nodes, "chain", values[:1], values[1:], weights)
    model = helper.make_model(body, opset_imports=[helper.make_opsetid("", 18)], ir_version=8)
    return model.SerializeToString()


# ---- values -------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", [0, 7])
@pytest.mark.parametrize("size", [(4, 64, 48), (1, 16, 16), (2, 80, 32)])
def test_latents_are_those_of_float32_but_for_noise(graph, int8, seed, size):
    x = planes(seed, *size)
    expected = Network(graph)(x)
    found = Network(int8)(x)
    assert found.shape == expected.shape
    assert 0 < noise_share(found, expected) < 10**-2.8


def test_latents_beyond_the_calibration_do_not_saturate(graph, int8):
    x = 1.25 * planes(0)
    assert noise_share(Network(int8)(x), Network(graph)(x)) < 10**-2.8


def test_optimised_graph_computes_what_the_file_says(int8):
    x = planes(3)
    plain = Network(int8, optimise=False)(x)
    assert noise_share(Network(int8)(x), plain) < 1e-6


def test_a_faint_channel_is_not_lost_beside_a_strong_one():
    """One scale for all channels would leave nothing of those that are 1000 times smaller."""
    rng = np.random.default_rng(0)
    scale = np.array([1, 1000, 1, 1000], np.float32)
    first = rng.normal(0, 1, (4, 1, 1, 1)).astype(np.float32) * scale[:, None, None, None]
    second = rng.normal(0, 1, (4, 4, 3, 3)).astype(np.float32) / scale[:, None, None]
    second *= np.array([1, 1, 300, 300], np.float32)[:, None, None, None]
    graph = chain(("h", "x", first), ("a", "h", second))
    x = planes(2)
    found = quantise_analysis(graph, [x, x], nothing, max_loss=1)
    assert quantised_convolutions(found) == ["a"]
    expected, noisy = Network(graph)(x), Network(found)(x)
    for channel in range(4):
        assert noise_share(noisy[:, channel], expected[:, channel]) < 1e-3


def test_channels_that_are_zero_stay_zero():
    first = np.ones((3, 1, 1, 1), np.float32)
    first[1] = 0
    second = np.random.default_rng(1).normal(0, 1, (2, 3, 3, 3)).astype(np.float32)
    second[0] = 0
    graph = chain(("h", "x", first), ("a", "h", second))
    found = quantise_analysis(graph, [planes(2), planes(4)], nothing, max_loss=1)
    assert quantised_convolutions(found) == ["a"]
    latents = Network(found)(planes(3))
    assert not latents[:, 0].any()
    assert noise_share(latents, Network(graph)(planes(3))) < 1e-3


def test_padding_with_zeros_where_all_values_are_far_from_zero():
    """Zero has a level of its own, even if the calibration never saw it."""
    first = np.array([1.0, 1.5, 2.0], np.float32)[:, None, None, None]
    second = np.random.default_rng(2).normal(0, 1, (2, 3, 3, 3)).astype(np.float32)
    graph = chain(("h", "x", first), ("a", "h", second))
    x = planes(2) + 10
    found = quantise_analysis(graph, [x, x], nothing, max_loss=1)
    expected, noisy = Network(graph)(x), Network(found)(x)
    for edge in (np.s_[:, :, 0], np.s_[:, :, :, -1], np.s_[:, :, 5:9, 5:9]):
        assert noise_share(noisy[edge], expected[edge]) < 1e-3


# ---- choice -------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def fork():
    """Two convolutions side by side; each gives back the plane from three copies of it.

    The rectifiers after them let through what is positive.
    """
    copies = np.ones((3, 1, 1, 1), np.float32)
    middle = np.zeros((1, 3, 3, 3), np.float32)
    middle[0, :, 1, 1] = 0.25, 0.35, 0.4
    return chain(("h", "x", copies), ("a", "h", middle), ("b", "h", middle), ends="ab")


def positive(seed):
    return np.abs(planes(seed))


@pytest.mark.parametrize("important", [0, 1])
def test_what_costs_too_much_stays_in_float(fork, important):
    """The plane is rebuilt from one branch finely, and from the other one not at all."""

    def reconstruct(latents):
        return np.rint(latents[:, important, None] * 500) / 500

    found = quantise_analysis(fork, [positive(0), positive(1)], reconstruct)
    assert quantised_convolutions(found) == ["ab"[1 - important]]


def test_nothing_is_quantised_at_any_price(fork):
    def mean(latents):
        return latents.mean(axis=1, keepdims=True)

    assert quantise_analysis(fork, [positive(0), positive(1)], mean) is None


def test_loss_is_in_decibels_of_the_error_after_rounding(fork):
    """Rounding to tenths leaves an error of a known size, beside which integers cost little."""

    def reconstruct(latents):
        return np.rint(latents[:, :1] * 10) / 10

    x = positive(0)
    both = quantise_analysis(fork, [x, x], reconstruct, max_loss=6)
    assert quantised_convolutions(both) == ["a", "b"]
    errors = [np.square(reconstruct(Network(g)(x)) - x).sum() for g in (fork, both)]
    assert errors[0] / x.size == pytest.approx(0.1**2 / 12, rel=0.05)
    loss = 10 * np.log10(errors[1] / errors[0])
    assert loss > 0.01
    for margin, expected in ((1.01, ["a", "b"]), (0.99, ["b"])):
        found = quantise_analysis(fork, [x, x], reconstruct, max_loss=loss * margin)
        assert quantised_convolutions(found) == expected


def test_no_batch_counts_for_its_own_ranges(fork):
    """What would saturate on a scene like no other stays in float."""

    def reconstruct(latents):
        return np.rint(latents[:, :1] * 2) / 2

    alone = [positive(0), positive(1), 4 * positive(2)]
    in_company = [positive(0), 4 * positive(1), 4 * positive(2)]
    for batches, expected in ((alone, ["b"]), (in_company, ["a", "b"])):
        found = quantise_analysis(fork, batches, reconstruct, max_loss=1)
        assert quantised_convolutions(found) == expected
        for x in batches:  # in the end all of them count
            assert noise_share(Network(found)(x), Network(fork)(x)) < 1e-3


@pytest.mark.parametrize("join", ["Add", "Concat"])
def test_latents_stay_in_float(join):
    """Behind the last convolutions there is nothing that would bound what they say."""
    rng = np.random.default_rng(0)
    first = rng.normal(0, 1, (4, 1, 1, 1)).astype(np.float32)
    second = rng.normal(0, 1, (4, 4, 3, 3)).astype(np.float32)
    model = onnx.load_from_string(
        chain(("h", "x", first), ("a", "h", second), ("b", "a_out", second), join=join, ends="ab")
    )
    # The rectifier of the last convolution goes: its output is joined as it is.
    *others, joined = model.graph.node
    kept = [node for node in others if node.output[0] != "b_out"]
    rectifier = next(node for node in kept if node.output[0] == "a_out")
    kept.remove(rectifier)
    joined.input[1] = "b"
    del model.graph.node[:]
    model.graph.node.extend([kept[0], kept[1], rectifier, kept[2], joined])
    x = planes(0)
    found = quantise_analysis(model.SerializeToString(), [x, x], nothing, max_loss=9)
    assert quantised_convolutions(found) == ["a"]


def test_only_convolutions_over_channels_and_pixels(int8):
    """Not that on the plane itself, nor those of the normalisation, with kernels of 1x1."""
    model = onnx.load_from_string(int8)
    shapes = {t.name: tuple(t.dims) for t in model.graph.initializer}
    integers = [t for t in model.graph.initializer if t.data_type == TensorProto.INT8]
    assert [tuple(t.dims) for t in integers] == [(FILTERS, FILTERS, 5, 5)]
    in_float = [
        shapes[node.input[1]]
        for node in model.graph.node
        if node.op_type == "Conv" and node.input[1] in shapes
    ]
    assert in_float == [
        (FILTERS, 1, 9, 9),
        (FILTERS, FILTERS, 1, 1),
        (FILTERS, FILTERS, 1, 1),
        (FILTERS, FILTERS, 5, 5),
    ]


def test_grouped_convolutions_stay_in_float():
    rng = np.random.default_rng(0)
    first = rng.normal(0, 1, (4, 1, 1, 1)).astype(np.float32)
    second = rng.normal(0, 1, (4, 2, 3, 3)).astype(np.float32)
    model = onnx.load_from_string(chain(("h", "x", first), ("a", "h", second)))
    model.graph.node[1].attribute.append(helper.make_attribute("group", 2))
    graph = model.SerializeToString()
    assert quantise_analysis(graph, [planes(0), planes(1)], nothing, max_loss=9) is None


# ---- graphs -------------------------------------------------------------------------------------


def test_onnx_runtime_computes_in_integers(int8, tmp_path):
    options = ort.SessionOptions()
    options.log_severity_level = 3
    options.optimized_model_filepath = str(tmp_path / "optimised.onnx")
    ort.InferenceSession(int8, options, providers=["CPUExecutionProvider"])
    found = [node.op_type for node in onnx.load(tmp_path / "optimised.onnx").graph.node]
    assert found.count("QLinearConv") == 1


def test_products_fit_in_16_bits_in_pairs(int8):
    """Processors without VNNI add two products of 8-bit numbers in 16 bits with saturation."""
    model = onnx.load_from_string(int8)
    for tensor in model.graph.initializer:
        if tensor.data_type == TensorProto.INT8:
            values = numpy_helper.to_array(tensor).astype(int)
            assert 2 * 255 * np.abs(values).max() < 2**15
            assert np.abs(values).max() > 60  # as much as fits is used


def test_same_bytes_for_the_same_batches(graph, int8):
    batches = (b for b in [planes(0), planes(1, rows=32)])
    assert quantise_analysis(graph, batches, always_same, max_loss=1) == int8


def test_interface_and_versions_are_those_of_the_float_graph(graph, int8):
    before, after = onnx.load_from_string(graph), onnx.load_from_string(int8)
    onnx.checker.check_model(after, full_check=True)
    assert after.ir_version == before.ir_version
    assert after.opset_import == before.opset_import
    assert {node.domain for node in after.graph.node} == {""}
    assert after.graph.input == before.graph.input
    assert after.graph.output == before.graph.output
    assert not any(tensor.external_data for tensor in after.graph.initializer)
    assert len(int8) < 0.75 * len(graph)
    used = {name for node in after.graph.node for name in node.input}
    assert {tensor.name for tensor in after.graph.initializer} <= used


@pytest.mark.parametrize("count", [0, 1])
def test_too_few_batches(graph, count):
    with pytest.raises(DataError, match=f"found {count} batches to calibrate on"):
        quantise_analysis(graph, [planes(k) for k in range(count)], always_same)


def test_floats_that_are_left_are_stored_in_half_precision(net):
    """As the pack holds them; the arithmetic is the same."""
    example = torch.zeros(2, 1, 2 * STRIDE, 3 * STRIDE)
    graph = to_onnx(halved(net.analysis), [example], ["plane"], "latents")
    int8 = quantise_analysis(graph, [planes(0), planes(1, rows=32)], always_same, max_loss=1)
    stored = stored_in_half(int8)
    assert len(stored) < 0.8 * len(int8)
    for optimise in (True, False):
        found, expected = (Network(g, optimise=optimise)(planes(5)) for g in (stored, int8))
        np.testing.assert_array_equal(found, expected)


# ---- a trained network --------------------------------------------------------------------------


@pytest.fixture(scope="module")
def int8_pack(trained, tmp_path_factory):
    """The trained pack with integer graphs, as hyspec-export writes it."""
    folder = tmp_path_factory.mktemp("int8") / "pack"
    arguments = [trained.work, folder, "--data", trained.data, "--int8", "--quiet"]
    assert export.main([str(a) for a in arguments]) == 0
    return folder


def test_pack_differs_by_the_integer_graph_only(trained, int8_pack):
    [before], [after] = (pack.load(p).models[0].networks for p in (trained.pack, int8_pack))
    assert before.analysis_int8 is None
    assert after.analysis == before.analysis
    assert after.synthesis == before.synthesis
    assert len(quantised_convolutions(after.analysis_int8)) == 1


def test_streams_of_an_integer_encoder(int8_pack, grid):
    """They hold the symbols of the integer graph, and look as good as those of the other one."""
    cube = synthetic.scene(48, 64, sensor=grid, seed=8).cube
    settings = {"pack": int8_pack, "quality": 80, "intervals": f"1-{cube.bands}", "threads": 1}
    fp32, int8 = (hyspec.encode(cube, precision=p, **settings) for p in ("fp32", "int8"))
    assert fp32 != int8
    assert len(int8) == pytest.approx(len(fp32), rel=0.03)
    errors = [
        np.square(hyspec.decode(data, pack=int8_pack).array.astype(float) - cube.array).mean()
        for data in (fp32, int8)
    ]
    flat = np.square(cube.array - cube.array.mean((0, 1))).mean()
    assert errors[0] < 0.8 * flat  # the network says something
    assert 10 * np.log10(errors[1] / errors[0]) < 0.2
