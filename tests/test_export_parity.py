"""PyTorch, ONNX Runtime and the C++ core on the same numbers: one network, three readings of it."""

import json

import numpy as np
import onnx
import pytest
import torch

import hyspec
from exported_once import exported_once, random_lapped, random_wavelet
from hyspec import _core, inference, pack, synthetic
from hyspec.band_profile import BandCoder
from hyspec.pack import GAINS_PER_OCTAVE
from hyspec.quality import STEPS_PER_OCTAVE
from hyspec.sample_type import SampleType
from hyspec.spectral_basis import basis_rows
from hyspec.spectral_profile import SpectralCoder
from hyspec.tile_coder import TileSamples
from hyspec_training.balle import STRIDE, BandNetwork
from hyspec_training.graphs import export_graphs
from hyspec_training.high_rate import Analysis
from hyspec_training.onnx_graphs import OPSET, halved

torch.set_num_threads(1)

#: Planes, rows and columns in strides of 16: several, one, a narrow one.
SIZES = [(2, 2, 3), (1, 1, 1), (3, 4, 1)]
#: Qualities of the dumped tensors, in octaves: the first and last that are trained, and beyond.
OCTAVES = [0.0, 1.25, 2.0, 4.5]


class Exported:
    """A network as PyTorch holds it, its weights rounded as in a pack, and its graphs."""

    def __init__(self, net, graphs):
        self.net = net
        self.graphs = graphs
        if isinstance(net, BandNetwork):
            self.analysis, self.synthesis = halved(net.analysis), halved(net.synthesis)
        else:
            self.analysis, self.synthesis = halved(Analysis(net.transform)), halved(net.synthesis())
        self.octave = self.graphs.context_bands > 1  # a second input of the synthesis
        self.multiple = STRIDE // self.graphs.stride  # latent positions in 16 samples

    def latents(self, x):
        with torch.no_grad():
            return self.analysis(torch.from_numpy(x)).numpy()

    def planes(self, z, quality):
        inputs = [torch.from_numpy(z)]
        if self.octave:
            inputs.append(torch.full((len(z), 1, 1, 1), float(quality)))
        with torch.no_grad():
            return self.synthesis(*inputs).numpy()

    def gains(self, quality):
        """Gain and inverse gain of each channel from the codes of the pack, shape (C,)."""
        level = round(quality * STEPS_PER_OCTAVE)
        codes = self.graphs.gain[level], self.graphs.inverse_gain[level]
        return tuple(np.exp2(c / GAINS_PER_OCTAVE).astype(np.float32) for c in codes)


@pytest.fixture(scope="module")
def export(tmp_path_factory):
    """Export a network, unless an equal one was exported before."""
    return lambda net: Exported(net, exported_once(tmp_path_factory, net))


@pytest.fixture(scope="module", params=["balle", "lapped", "wavelet"])
def exported(request, export):
    """A trained network of the first kind, and networks of the others with random weights."""
    if request.param == "balle":
        return export(request.getfixturevalue("trained").network())
    return export(random_lapped() if request.param == "lapped" else random_wavelet())


@pytest.fixture(scope="module", params=[True, False], ids=["optimised", "as exported"])
def runtime(request, exported):
    """Analysis and synthesis of the exported graphs as functions of arrays."""
    graphs = exported.graphs
    return [
        inference.network(g, optimise=request.param) for g in (graphs.analysis, graphs.synthesis)
    ]


def planes(count, rows, columns):
    """Smooth planes with noise, about zero mean and unit variance, float32 (N, 1, H, W)."""
    rng = np.random.default_rng(rows * columns)
    smooth = np.sin(np.arange(rows) / 5)[:, None] + np.cos(np.arange(columns) / 7)
    noise = rng.normal(0, 0.7, (count, rows, columns))
    return (smooth + noise)[:, None].astype(np.float32)


def assert_close(found, expected, relative=1e-4):
    """Equal within a fraction of the largest magnitude: what a rounding error is relative to."""
    assert found.shape == expected.shape
    assert found.dtype == expected.dtype == np.float32
    assert np.abs(found - expected).max() <= relative * max(np.abs(expected).max(), 1e-3)


# ---- transforms ---------------------------------------------------------------------------------


@pytest.mark.parametrize("size", SIZES)
def test_analysis(exported, runtime, size):
    count, down, across = size
    x = planes(count, STRIDE * down, STRIDE * across)
    expected = exported.latents(x)
    grid = down * exported.multiple, across * exported.multiple
    assert expected.shape == (count, exported.graphs.channels, *grid)
    assert np.ptp(expected) > 0.1  # not all zeros
    assert_close(runtime[0](x), expected, 1e-5)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("quality", [0.5, 2.0])
def test_synthesis(exported, runtime, size, quality):
    count, down, across = size
    channels = exported.graphs.channels * exported.graphs.context_bands
    grid = down * exported.multiple, across * exported.multiple
    z = np.random.default_rng(1).normal(0, 2, (count, channels, *grid)).astype(np.float32)
    expected = exported.planes(z, quality)
    assert expected.shape == (count, 1, down * STRIDE, across * STRIDE)
    assert np.ptp(expected) > 0.1
    octave = np.full((count, 1, 1, 1), quality, np.float32)
    assert_close(runtime[1](z, octave), expected)


def test_planes_of_a_batch_do_not_touch(runtime):
    x = planes(3, 32, 48)
    together = runtime[0](x)
    for k in range(3):
        assert_close(runtime[0](x[k : k + 1]), together[k : k + 1], 1e-6)


def test_single_precision_graph_has_the_same_values(exported):
    x = planes(2, 32, 32)
    full = inference.network(exported.graphs.full)(x)
    np.testing.assert_array_equal(inference.network(exported.graphs.analysis)(x), full)


# ---- gains and symbols --------------------------------------------------------------------------


def test_gain_codes_of_every_level(trained, export):
    """Logarithms within half a unit of what PyTorch multiplies by, the continuation included."""
    net = trained.network()
    graphs = export(net).graphs
    quality = torch.arange(len(graphs.gain)) / STEPS_PER_OCTAVE
    assert quality[-1] > net.octaves + 1
    with torch.no_grad():
        gains = [torch.log2(g).double().numpy() for g in net.gains(quality)]
    for codes, logarithm in zip((graphs.gain, graphs.inverse_gain), gains, strict=True):
        assert codes.shape == logarithm.shape == (len(quality), graphs.channels)
        assert np.abs(codes - logarithm * GAINS_PER_OCTAVE).max() <= 0.5 + 1e-3


@pytest.fixture(scope="module", params=OCTAVES)
def dump(request, exported, tmp_path_factory):
    """What PyTorch makes of some planes at a quality in octaves, as a file of arrays."""
    x = planes(4, 64, 48)
    latents = exported.latents(x)
    gain, inverse = (g[:, None, None] for g in exported.gains(request.param))
    scaled = torch.from_numpy(latents) * torch.from_numpy(gain)
    symbols = torch.round(scaled).int().numpy()
    z = symbols.astype(np.float32) * inverse
    decoded = exported.planes(np.tile(z, (1, exported.graphs.context_bands, 1, 1)), request.param)
    path = tmp_path_factory.mktemp("dump") / "tensors.npz"
    np.savez(
        path,
        quality=request.param,
        plane=x,
        latents=latents,
        scaled=scaled.numpy(),
        symbols=symbols,
        decoded=decoded,
    )
    return path


def through_the_core(exported, latents, quality):
    """Symbols of latents (N, C, h, w), as the encoder rounds them and the decoder reads them."""
    graphs = exported.graphs
    count, channels, h, w = latents.shape
    networks = [(graphs.stride, _core.LatentModel.untrained(graphs.gain))]
    tile = _core.BandTile(count, h * graphs.stride, w * graphs.stride)
    level = round(float(quality) * STEPS_PER_OCTAVE)
    scale, step = np.full(count, 65 + 256, np.int32), 2 * 256 - level
    levels = _core.band_levels(scale, step, len(graphs.gain))
    assert levels.tolist() == [level] * count
    mean = np.zeros(count, np.int32)
    flat = np.ascontiguousarray(latents.reshape(count, channels, -1))
    payload, checksum, rounded = _core.encode_band_payload(
        networks, tile, step, 0, None, scale, mean, flat, 0.0
    )
    found = _core.decode_band_payload(networks, tile, payload)
    read, crc = found[5], found[6]
    assert crc == checksum
    np.testing.assert_array_equal(read, rounded)
    return read.reshape(latents.shape)


def test_symbols_of_dumped_latents(exported, dump):
    """The core multiplies and rounds like PyTorch, but where both sides are equally far."""
    tensors = np.load(dump)
    found = through_the_core(exported, tensors["latents"], tensors["quality"])
    ties = np.abs(np.abs(tensors["scaled"]) % 1 - 0.5) < 1e-6 * (1 + np.abs(tensors["scaled"]))
    assert ties.mean() < 1e-3
    np.testing.assert_array_equal(found[~ties], tensors["symbols"][~ties])
    if tensors["quality"] >= 2:
        assert np.abs(found).max() > 1  # something to get wrong


def test_symbols_of_dumped_planes(exported, dump, runtime):
    """From the plane on, with ONNX Runtime and the core: the same symbols, but where a latent is as
    close to the border between two of them as a rounding error.
    """
    tensors = np.load(dump)
    latents = runtime[0](tensors["plane"])
    tolerance = 1e-5 * np.abs(tensors["latents"]).max()
    assert np.abs(latents - tensors["latents"]).max() <= tolerance

    found = through_the_core(exported, latents, tensors["quality"])
    scaled = np.abs(tensors["scaled"].astype(float))
    gain, _ = exported.gains(float(tensors["quality"]))
    near = np.abs(scaled % 1 - 0.5) <= tolerance * gain[:, None, None] + 1e-6 * (1 + scaled)
    assert near.mean() < 0.01
    np.testing.assert_array_equal(found[~near], tensors["symbols"][~near])
    assert np.abs(found - tensors["symbols"]).max() <= 1


def test_planes_of_dumped_symbols(exported, dump, runtime):
    """And back: from the symbols to the plane, with ONNX Runtime."""
    tensors = np.load(dump)
    quality = float(tensors["quality"])
    _, inverse = exported.gains(quality)
    z = tensors["symbols"].astype(np.float32) * inverse[:, None, None]
    context = np.tile(z, (1, exported.graphs.context_bands, 1, 1))
    octave = np.full((len(z), 1, 1, 1), quality, np.float32)
    assert_close(runtime[1](context, octave), tensors["decoded"])


# ---- a whole stream -----------------------------------------------------------------------------


@pytest.mark.parametrize(("quality", "size"), [(50, (37, 45)), (80, (64, 48)), (95, (16, 90))])
def test_decoded_pixels_are_those_of_the_pytorch_synthesis(trained, export, grid, quality, size):
    cube = synthetic.scene(*size, sensor=grid, seed=7).cube
    settings = {"intervals": f"1-{cube.bands}", "threads": 1}
    data = hyspec.encode(cube, pack=trained.pack, quality=quality, **settings)
    decoded = hyspec.decode(data, pack=trained.pack).array

    # Symbols from the stream; from here on docs/band_profile.md, with PyTorch.
    header, start = _core.parse_preamble(data)
    [entry] = _core.read_index(data, header, start).chunks
    chunk = _core.check_chunk(data, entry)
    payload = data[chunk.payload_offset : chunk.payload_offset + chunk.payload_length]
    [model] = pack.load(trained.pack).models
    tile = _core.BandTile(cube.bands, *size)
    symbols = BandCoder(model).read(tile, payload, chunk.symbols_crc)

    low = export(trained.network())
    sigma = np.exp2((symbols.scale - 65) / 16)
    unit = np.exp2(np.maximum(0, (symbols.scale - 65) // 16 - 3))
    level = np.minimum(2 * (symbols.scale - 65) - symbols.step, len(low.graphs.gain) - 1)
    active = np.flatnonzero((symbols.scale > 0) & (level >= 0))
    assert len(active) == len(symbols.latents) > 3
    rows, columns = size
    h, w = -(-rows // STRIDE), -(-columns // STRIDE)
    expected = np.empty((rows, columns, cube.bands))
    expected[:] = symbols.mean * unit
    inverse = np.stack([low.gains(each / STEPS_PER_OCTAVE)[1] for each in level[active]])
    z = symbols.latents.reshape(len(active), -1, h, w) * inverse[:, :, None, None]
    x = low.planes(z.astype(np.float32), 0)[:, 0, :rows, :columns].astype(float)
    expected[:, :, active] += x.transpose(1, 2, 0) * sigma[active]

    limits = np.iinfo(decoded.dtype)
    expected = np.clip(expected, limits.min, limits.max)
    assert np.abs(decoded - expected).max() <= 1
    # The network draws the picture; without it the error would be that of the band means.
    flat = cube.array - (symbols.mean * unit)
    assert np.square(cube.array - expected).mean() < 0.8 * np.square(flat).mean()


@pytest.mark.parametrize(("step", "size"), [(150, (40, 36)), (40, (33, 50))])
def test_decoded_pixels_of_components_are_those_of_pytorch(
    trained_spectral, export, grid, step, size
):
    """Planes from the PyTorch synthesis, and the spectral transform undone in double precision."""
    samples = synthetic.scene(*size, sensor=grid, seed=7).cube.array
    [model] = pack.load(trained_spectral.pack).models
    coder = SpectralCoder(model)
    analysis = coder.analyse(TileSamples(samples, None, SampleType(samples.dtype)))
    payload, checksum, _ = coder.encode(analysis, step)
    symbols = SpectralCoder(model).read(analysis.tile, payload, checksum)
    every = np.arange(grid.centres.size)
    decoded = np.concatenate([p for _, p in coder.synthesise(analysis.tile, symbols, every)])

    net = export(trained_spectral.network())
    (rows, columns), count = size, len(symbols.scale)
    assert count >= 2
    h, w = -(-rows // 8), -(-columns // 8)
    level = np.maximum(2 * (symbols.scale - 65) - step, 0)
    inverse = np.stack([net.gains(each / STEPS_PER_OCTAVE)[1] for each in level])
    assert symbols.dependent
    z = symbols.latents.reshape(count, 64, h, w) * 0.625 * inverse[:, :, None, None]
    planes = [
        net.planes(z[[k]].astype(np.float32), None)[0, 0, :rows, :columns].astype(float)
        * np.exp2((symbols.scale[k] - 65) / 16)
        for k in range(count)
    ]
    varies = symbols.varies.astype(bool)
    assert varies.all()
    unit = 2.0 ** _core.spectral_mean_exponent(varies=True, step=step, fineness=symbols.fineness)
    expected = np.tensordot(basis_rows(symbols.basis, varies).T, np.stack(planes), 1)
    expected += (symbols.mean * unit)[:, None, None]
    assert np.abs(decoded - expected).max() < 0.5
    flat = samples - samples.mean((0, 1))
    error = samples.transpose(2, 0, 1) - expected
    assert np.square(error).mean() < 0.5 * np.square(flat).mean()


# ---- graphs -------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["analysis", "synthesis"])
def test_graphs_are_plain_and_say_nothing_of_their_maker(exported, name):
    graph = getattr(exported.graphs, name)
    found = onnx.load_from_string(graph)
    onnx.checker.check_model(found, full_check=True)
    assert found.ir_version <= 8  # newer ones are refused by the oldest runtimes in use
    assert [(o.domain, o.version) for o in found.opset_import] == [("", OPSET)]
    assert {node.domain for node in found.graph.node} == {""}
    assert not any(tensor.external_data for tensor in found.graph.initializer)
    assert b".py" not in graph
    assert not any(node.doc_string or node.metadata_props for node in found.graph.node)
    first, *others = found.graph.input
    for value in (first, *found.graph.output):
        dims = value.type.tensor_type.shape.dim
        assert [bool(d.dim_param) for d in dims] == [True, False, True, True]
    assert [value.name for value in others] == ["octave"] * (
        name == "synthesis" and exported.octave
    )


def test_the_pack_holds_these_graphs_and_what_they_were_made_of(trained):
    """Another export of the network has the same bytes."""
    graphs = export_graphs(trained.network())
    [model] = pack.load(trained.pack).models
    [network] = model.networks
    assert (network.analysis, network.synthesis) == (graphs.analysis, graphs.synthesis)
    np.testing.assert_array_equal(
        network.inverse_gain, np.exp2(graphs.inverse_gain / GAINS_PER_OCTAVE).astype(np.float32)
    )
    manifest = json.loads((trained.pack / "manifest.json").read_text(encoding="utf-8"))
    assert manifest["recipe"] == trained.recipe.read_text()
    assert manifest["scenes"] == ["scene-0.npy", "scene-1.npy"]
    assert [r["quality"] for r in manifest["validation"]] == [0, 1, 2]
    assert {r["step"] for r in manifest["validation"]} == {120}
    assert manifest["quality_range"] == [0, 20]
