"""PyTorch, ONNX Runtime and the C++ core on the same numbers: one network, three readings of it."""

import json

import numpy as np
import onnx
import pytest
import torch

import hyspec
from hyspec import _core, inference, pack, synthetic
from hyspec.band_profile import BandCoder
from hyspec_training.balle import STRIDE
from hyspec_training.export import LEVELS_PER_OCTAVE, OPSET

torch.set_num_threads(1)

#: Planes, rows and columns: whole strides, odd sizes, a single pixel.
SIZES = [(2, 32, 48), (1, 16, 16), (3, 50, 35), (1, 17, 81), (1, 1, 1)]


@pytest.fixture(scope="module")
def net(trained):
    return trained.network()


@pytest.fixture(scope="module")
def loaded(trained):
    return pack.load(trained.pack)


@pytest.fixture(scope="module", params=[True, False], ids=["optimised", "as exported"])
def model(request, loaded):
    """Analysis and synthesis of the pack as functions of arrays."""
    [found] = loaded.models
    return tuple(
        inference.network(graph, optimise=request.param)
        for graph in (found.analysis, found.synthesis)
    )


def planes(count, rows, columns):
    """Smooth planes with noise, about zero mean and unit variance, float32 (N, 1, H, W)."""
    rng = np.random.default_rng(rows * columns)
    smooth = np.sin(np.arange(rows) / 5)[:, None] + np.cos(np.arange(columns) / 7)
    noise = rng.normal(0, 0.7, (count, rows, columns))
    return (smooth + noise)[:, None].astype(np.float32)


def by_torch(module, values):
    with torch.no_grad():
        return module(torch.from_numpy(values)).numpy()


def assert_close(found, expected, relative=1e-4):
    """Equal within a fraction of the largest magnitude: what a rounding error is relative to."""
    assert found.shape == expected.shape
    assert found.dtype == expected.dtype == np.float32
    assert np.abs(found - expected).max() <= relative * max(np.abs(expected).max(), 1e-3)


# ---- transforms ---------------------------------------------------------------------------------


@pytest.mark.parametrize("size", SIZES)
def test_analysis(net, model, size):
    x = planes(*size)
    expected = by_torch(net.analysis, x)
    assert expected.shape == (size[0], 4, -(-size[1] // STRIDE), -(-size[2] // STRIDE))
    assert np.ptp(expected) > 0.1  # not all zeros
    assert_close(model[0](x), expected)


@pytest.mark.parametrize("size", [(2, 2, 3), (1, 1, 1), (3, 4, 3), (1, 2, 6)])
def test_synthesis(net, model, size):
    count, rows, columns = size
    z = np.random.default_rng(1).normal(0, 2, (count, 4, rows, columns)).astype(np.float32)
    expected = by_torch(net.synthesis, z)
    assert expected.shape == (count, 1, rows * STRIDE, columns * STRIDE)
    assert np.ptp(expected) > 0.1
    assert_close(model[1](z), expected)


def test_planes_of_a_batch_do_not_touch(model):
    x = planes(3, 32, 48)
    together = model[0](x)
    for k in range(3):
        assert_close(model[0](x[k : k + 1]), together[k : k + 1], 1e-6)


# ---- gains and symbols --------------------------------------------------------------------------


def test_gains_of_every_level(net, loaded):
    [found] = loaded.models
    assert loaded.manifest["levels_per_octave"] == LEVELS_PER_OCTAVE
    quality = torch.arange(loaded.levels) / LEVELS_PER_OCTAVE
    assert quality[-1] > net.octaves + 1  # the continuation is covered, too
    with torch.no_grad():
        gain, inverse = (g.numpy() for g in net.gains(quality))
    for logs, values in ((found.log2_gain, gain), (found.log2_inverse_gain, inverse)):
        assert logs.shape == values.shape == (loaded.levels, loaded.channels)
        np.testing.assert_allclose(np.exp2(logs), values, rtol=2e-6)


@pytest.mark.parametrize("quality", [0.0, 1.25, 2.0, 3.5, 5.0])
@pytest.mark.parametrize("rounding", [0.5, 0.45])
def test_symbols(net, loaded, model, quality, rounding):
    """PyTorch's latents and gains, rounded in NumPy, against ONNX Runtime and the C++ core."""
    x = planes(4, 64, 48)
    with torch.no_grad():
        y = net.analysis(torch.from_numpy(x)).double()
        scaled = (y * net.gains(torch.tensor([quality]))[0].double()[:, :, None, None]).numpy()
    expected = np.sign(scaled) * np.floor(np.abs(scaled) + rounding)

    latents = np.ascontiguousarray(model[0](x).reshape(4, loaded.channels, -1))
    level = round(quality * LEVELS_PER_OCTAVE)
    gain = np.repeat(np.exp2(loaded.models[0].log2_gain[level])[None], 4, axis=0)
    symbols = _core.quantise(latents, gain, rounding).reshape(expected.shape)

    near = np.abs((np.abs(scaled) + rounding) % 1 - 0.5) > 0.5 - 1e-3
    assert near.mean() < 0.05
    np.testing.assert_array_equal(symbols[~near], expected[~near])
    assert np.abs(symbols - expected).max() <= 1
    if quality >= 2:
        assert np.abs(expected).max() > 3  # something to get wrong


def test_dequantised_symbols(net, loaded, model):
    symbols = np.random.default_rng(2).integers(-9, 10, (2, loaded.channels, 6), np.int32)
    level = LEVELS_PER_OCTAVE * 3 // 2
    inverse = np.repeat(np.exp2(loaded.models[0].log2_inverse_gain[level])[None], 2, axis=0)
    z = _core.dequantise(symbols, inverse).reshape(2, loaded.channels, 2, 3)
    with torch.no_grad():
        gain = net.gains(torch.tensor([1.5, 1.5]))[1][:, :, None, None]
        values = torch.from_numpy(symbols.reshape(z.shape)).float() * gain
        expected = net.synthesis(values).numpy()
    assert_close(z, values.numpy(), 1e-6)
    assert_close(model[1](z), expected)


# ---- a whole stream -----------------------------------------------------------------------------


@pytest.mark.parametrize(("quality", "size"), [(50, (37, 45)), (80, (64, 48)), (95, (16, 90))])
def test_decoded_pixels_are_those_of_the_pytorch_synthesis(trained, net, grid, quality, size):
    cube = synthetic.scene(*size, sensor=grid, seed=7).cube
    settings = {"intervals": f"1-{cube.bands}", "threads": 1}
    data = hyspec.encode(cube, pack=trained.pack, quality=quality, **settings)
    decoded = hyspec.decode(data, pack=trained.pack).array

    # Symbols from the stream; from here on section 6 of docs/band_profile.md, with PyTorch.
    header, start = _core.parse_preamble(data)
    [entry] = _core.read_index(data, header, start).chunks
    chunk = _core.check_chunk(data, entry)
    payload = data[chunk.payload_offset : chunk.payload_offset + chunk.payload_length]
    loaded = pack.load(trained.pack)
    tile = _core.BandTile(cube.bands, *size, STRIDE)
    symbols = BandCoder(loaded, loaded.models[0]).read(tile, payload, chunk.symbols_crc)

    sigma = np.exp2((symbols.scale - 65) / 16)
    unit = np.exp2(np.maximum(0, (symbols.scale - 65) // 16 - 3))
    level = np.minimum(2 * (symbols.scale - 65) - symbols.step, loaded.levels - 1)
    active = np.flatnonzero((symbols.scale > 0) & (level >= 0))
    assert len(active) == len(symbols.latents) > 3
    rows, columns = size
    h, w = -(-rows // STRIDE), -(-columns // STRIDE)
    expected = np.empty((rows, columns, cube.bands))
    expected[:] = symbols.mean * unit
    with torch.no_grad():
        quality_of_band = torch.from_numpy(level[active] / LEVELS_PER_OCTAVE).float()
        inverse = net.gains(quality_of_band)[1][:, :, None, None]
        z = torch.from_numpy(symbols.latents.reshape(len(active), -1, h, w)).float() * inverse
        x = net.synthesis(z)[:, 0, :rows, :columns].double().numpy()
    expected[:, :, active] += x.transpose(1, 2, 0) * sigma[active]

    limits = np.iinfo(decoded.dtype)
    expected = np.clip(expected, limits.min, limits.max)
    assert np.abs(decoded - expected).max() <= 1
    # The network draws the picture; without it the error would be that of the band means.
    flat = cube.array - (symbols.mean * unit)
    assert np.square(cube.array - expected).mean() < 0.8 * np.square(flat).mean()


# ---- graphs -------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["analysis", "synthesis"])
def test_graphs_are_plain_and_say_nothing_of_their_maker(trained, name):
    graph = (trained.pack / "model-0" / f"{name}.onnx").read_bytes()
    found = onnx.load_from_string(graph)
    onnx.checker.check_model(found, full_check=True)
    assert found.ir_version <= 8  # newer ones are refused by the oldest runtimes in use
    assert [(o.domain, o.version) for o in found.opset_import] == [("", OPSET)]
    assert {node.domain for node in found.graph.node} == {""}
    assert not any(tensor.external_data for tensor in found.graph.initializer)
    assert b".py" not in graph
    assert not any(node.doc_string or node.metadata_props for node in found.graph.node)
    for value in (*found.graph.input, *found.graph.output):
        dims = value.type.tensor_type.shape.dim
        assert [bool(d.dim_param) for d in dims] == [True, False, True, True]


def test_the_manifest_lists_what_the_pack_was_made_of(trained):
    manifest = json.loads((trained.pack / "manifest.json").read_text(encoding="utf-8"))
    assert manifest["recipe"] == trained.recipe.read_text()
    assert manifest["scenes"] == ["scene-0.npy", "scene-1.npy"]
    assert [r["quality"] for r in manifest["validation"]] == [0, 1, 2]
    assert {r["step"] for r in manifest["validation"]} == {120}
    assert manifest["quality_range"] == [0, 20]
