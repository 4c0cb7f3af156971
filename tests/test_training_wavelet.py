"""The wavelet transform against filters, impulses and its exported graphs."""

import itertools

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from exported_once import exported_once, random_wavelet
from hyspec import inference
from hyspec_training.config import NetworkConfig
from hyspec_training.high_rate import Analysis
from hyspec_training.networks import build
from hyspec_training.onnx_graphs import halved
from hyspec_training.wavelet import WaveletTransform, cell, layout

torch.set_num_threads(1)

#: Analysis filters of the 9/7 wavelet from their middle on, low and high frequencies (ISO/IEC
#: 15444-1, which scales them to gains of 1 and 2).
LOW = (
    0.6029490182363579,
    0.2668641184428723,
    -0.07822326652898785,
    -0.01686411844287495,
    0.02674875741080976,
)
HIGH = (1.115087052456994, -0.5912717631142470, -0.05754352622849957, 0.09127176311424948)


def moved(seed, spread=1.0):
    """A transform in double precision whose coefficients training has moved."""
    transform = WaveletTransform().double()
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        transform.moved += spread * torch.randn(3, 4, 2, generator=generator)
    return transform


def noise(*shape):
    return torch.randn(shape, generator=torch.Generator().manual_seed(1), dtype=torch.float64)


# ---- layout -------------------------------------------------------------------------------------


def test_every_position_of_every_subband_has_a_channel():
    channels = layout()
    assert len(channels) == len(set(channels)) == 64
    assert channels[0] == (3, "LL", 0, 0)
    for level, band in itertools.product((1, 2, 3), ("HL", "LH", "HH")):
        found = {(c.row, c.column) for c in channels if (c.level, c.band) == (level, band)}
        assert found == set(np.ndindex(cell(level), cell(level)))
    assert [c.level for c in channels] == sorted((c.level for c in channels), reverse=True)


@pytest.mark.parametrize("c", [0, 1, 2, 3, 6, 9, 15, 21, 38, 57])
def test_an_impulse_is_where_its_position_is(c):
    channel = layout()[c]
    latents = torch.zeros(1, 64, 12, 12, dtype=torch.float64)
    latents[0, c, 5, 6] = 1
    with torch.no_grad():
        energy = WaveletTransform().double().inverse(latents)[0, 0].square().numpy()
    at = np.arange(96)
    side, spacing = cell(channel.level), 2**channel.level
    for axis, (letter, here, phase) in enumerate(
        zip(reversed(channel.band), (5, 6), (channel.row, channel.column), strict=True)
    ):
        centre = (energy.sum(1 - axis) * at).sum() / energy.sum()
        offset = spacing / 2 if letter == "H" else 0
        assert centre == pytest.approx(spacing * (side * here + phase) + offset, abs=1e-6)


# ---- transform ----------------------------------------------------------------------------------


@given(
    rows=st.integers(1, 5), columns=st.integers(1, 5), seed=st.integers(0, 99), far=st.booleans()
)
@settings(deadline=None, max_examples=40)
def test_reconstruction_is_perfect_whatever_the_coefficients(rows, columns, seed, far):
    transform = moved(seed, 2.0 if far else 0.0)
    x = noise(2, 1, 8 * rows, 8 * columns)
    with torch.no_grad():
        y = transform(x)
        found = transform.inverse(y)
    assert y.shape == (2, 64, rows, columns)
    torch.testing.assert_close(found, x, rtol=0, atol=1e-8 * max(1, float(y.abs().max())))
    with torch.no_grad():
        again = transform(transform.inverse(y))
    torch.testing.assert_close(again, y, rtol=0, atol=1e-7 * max(1, float(y.abs().max())))


def filtered(x, taps, first, axis):
    """Every second output of a symmetric filter, edges mirrored, along an axis."""
    reach = len(taps) - 1
    x = np.moveaxis(x, axis, -1)
    padded = np.pad(x, [(0, 0)] * (x.ndim - 1) + [(reach, reach)], mode="reflect")
    kernel = np.concatenate([taps[:0:-1], taps])
    full = np.apply_along_axis(np.convolve, -1, padded, kernel, "valid")
    return np.moveaxis(full[..., first::2], -1, axis)


def test_it_begins_as_the_published_filters():
    """But for the scale of each channel, which is that of the impulses below."""
    x = noise(2, 64, 48).numpy()
    with torch.no_grad():
        found = WaveletTransform().double()(torch.from_numpy(x)[:, None]).numpy()
    subbands = {}
    for level in (1, 2, 3):
        for across, down in itertools.product((LOW, HIGH), repeat=2):
            name = "LH"[across is HIGH] + "LH"[down is HIGH]
            first = filtered(x, across, int(across is HIGH), 2)
            subbands[level, name] = filtered(first, down, int(down is HIGH), 1)
        x = subbands[level, "LL"]
    for c, channel in enumerate(layout()):
        side = cell(channel.level)
        expected = subbands[channel.level, channel.band][:, channel.row :: side]
        expected = expected[:, :, channel.column :: side]
        scale = (found[:, c] * expected).sum() / np.square(expected).sum()
        assert scale > 0
        np.testing.assert_allclose(found[:, c], scale * expected, atol=1e-5)


@pytest.mark.parametrize("seed", [None, 3])
def test_a_unit_error_of_a_latent_is_a_unit_error_of_the_plane(seed):
    transform = WaveletTransform().double() if seed is None else moved(seed, 0.3)
    latents = torch.zeros(64, 64, 32, 32, dtype=torch.float64)
    latents[range(64), range(64), 16, 15] = 1
    with torch.no_grad():
        energy = transform.inverse(latents).square().sum((1, 2, 3))
    torch.testing.assert_close(energy, torch.ones_like(energy), rtol=1e-6, atol=0)


def test_gradients_reach_every_coefficient():
    transform = moved(5, 0.1)
    y = transform(noise(1, 1, 32, 32))
    transform.inverse(y + noise(*y.shape)).square().sum().backward()
    assert (transform.moved.grad != 0).all()
    transform.moved.grad = None
    transform.norms().sum().backward()
    assert (transform.moved.grad != 0).all()


# ---- network ------------------------------------------------------------------------------------


def test_recipes_name_it():
    net = build(NetworkConfig(name="n", steps=1, kind="wavelet", octaves=14))
    assert isinstance(net.transform, WaveletTransform)
    assert (net.octaves, net.stride, net.channels, net.bands) == (14, 8, 64, 3)


@pytest.mark.parametrize("optimise", [True, False])
def test_graphs_compute_what_the_network_does(optimise, tmp_path_factory):
    net = random_wavelet()
    graphs = exported_once(tmp_path_factory, net)
    analysis, synthesis = halved(Analysis(net.transform)), halved(net.synthesis())
    run = [inference.network(g, optimise=optimise) for g in (graphs.analysis, graphs.synthesis)]
    for count, h, w in ((1, 1, 1), (2, 3, 1), (3, 4, 7)):
        x = noise(count, 1, 8 * h, 8 * w).float()
        z = noise(count, 64, h, w).float()
        with torch.no_grad():
            expected = analysis(x).numpy(), synthesis(z).numpy()
        found = run[0](x.numpy()), run[1](z.numpy())
        for a, b in zip(found, expected, strict=True):
            assert a.dtype == np.float32
            np.testing.assert_allclose(a, b, atol=1e-4)
