"""Spectral autoencoders: layers and their mirror images, and encoders for any sensor."""

import itertools
import math

import pytest
import torch

from analysis_cases import model_of, scattered, sensor
from hyspec.errors import UsageError
from hyspec_training.analysis import initialisers, stacked
from hyspec_training.analysis.deephyp import (
    ConvolutionAutoencoder,
    ConvolutionClassifier,
    DenseAutoencoder,
)
from hyspec_training.analysis.export import export_model
from hyspec_training.analysis.shared_encoder import SharedEncoder
from hyspec_training.analysis.wavelength_encoder import WavelengthEncoder, band_code, inverse

torch.set_num_threads(1)


def random(*shape, seed=0):
    return torch.rand(shape, generator=torch.Generator().manual_seed(seed))


# ---- layers and mirror images --------------------------------------------------------------------

LAYERS = [
    stacked.ConvolutionLayer((2, length), 3, kernel, stride, padding)
    for length, kernel, stride, padding in itertools.product(
        (11, 12), (1, 4, 5), (1, 2, 3), ("valid", "same")
    )
] + [stacked.DenseLayer((1, 11), 4), stacked.DenseLayer((3, 5), 4)]


@pytest.mark.parametrize("layer", LAYERS)
def test_a_tied_mirror_image_is_the_adjoint(layer):
    """<layer(x), y> = <x, mirror(y)> for all x and y, without biases."""
    scattered(layer)
    torch.nn.init.zeros_(layer.bias)
    mirror = stacked.MirrorLayer(layer, tied=True)
    x, y = random(1, *layer.inputs), random(1, *layer.outputs, seed=1)
    assert layer(x).shape == y.shape
    assert mirror(y).shape == x.shape
    torch.testing.assert_close((layer(x) * y).sum(), (x * mirror(y)).sum())
    assert [tuple(p.shape) for p in mirror.parameters()] == [tuple(mirror.bias.shape)]


@pytest.mark.parametrize(("length", "kernel", "stride"), [(103, 20, 1), (50, 7, 3), (9, 4, 2)])
def test_lengths_of_same_and_valid_padding(length, kernel, stride):
    same = stacked.ConvolutionLayer((1, length), 1, kernel, stride, "same")
    assert same.outputs == (1, math.ceil(length / stride))
    valid = stacked.ConvolutionLayer((1, length), 1, kernel, stride, "valid")
    assert valid.outputs == (1, math.ceil((length - kernel + 1) / stride))


def test_same_padding_is_even():
    """A kernel that takes the middle sample gives the spectrum itself."""
    layer = stacked.ConvolutionLayer((1, 9), 1, 3, 1, "same")
    with torch.no_grad():
        layer.weight.copy_(torch.tensor([[[0.0, 1.0, 0.0]]]))
    x = random(2, 1, 9)
    torch.testing.assert_close(layer(x), x)


def test_dense_layers_by_hand():
    model = scattered(DenseAutoencoder(6, (4, 2)))
    (w1, b1), (w2, b2) = ((layer.weight, layer.bias) for layer in model.encoder)
    (w3, b3), (w4, b4) = ((layer.weight, layer.bias[0]) for layer in model.decoder)
    x = random(3, 6)
    z = torch.sigmoid(torch.sigmoid(x @ w1.T + b1) @ w2.T + b2)
    torch.testing.assert_close(model.encode_spectra(x), z)
    torch.testing.assert_close(model.spectra(x), torch.sigmoid(z @ w3 + b3) @ w4 + b4)


@pytest.mark.parametrize(
    ("model", "saved"),
    [
        (lambda **o: DenseAutoencoder(103, **o), [103 * 50, 50 * 30, 30 * 10]),
        (lambda **o: ConvolutionAutoencoder(103, **o), [20 * 10, 1000, 1000, 660 * 5]),
    ],
)
def test_tied_weights_are_counted_and_trained_once(model, saved):
    def count(**options):
        return sum(p.numel() for p in model(**options).parameters())

    for k, numbers in enumerate(saved):
        tied = [j == k for j in range(len(saved))]
        assert count() - count(tied=tied) == numbers
    shared = model(tied=[True] * len(saved))
    assert count() - sum(p.numel() for p in shared.parameters()) == sum(saved)
    assert {key.split(".")[-1] for key in shared.decoder.state_dict()} == {"bias"}
    shared.decode_spectra(random(2, shared.latents)).square().sum().backward()
    assert all(layer.weight.grad.abs().max() > 0 for layer in shared.encoder)


OPTIONS = [
    {"inner": "relu", "outer": "sigmoid"},
    {"inner": "linear", "outer": "relu"},
    {"tied": [True, False]},
    {"skips": True},
    {"skips": True, "tied": [True, True]},
]
CONVOLUTIONS = {"filters": (3,), "kernels": (5,), "latents": 2}


@pytest.mark.parametrize("options", [*OPTIONS, {"strides": (2,), "padding": "same"}])
def test_options_train_and_decode(options):
    """A few steps of gradient descent bring the spectra nearer, whatever the options."""
    torch.manual_seed(3)
    models = [ConvolutionAutoencoder(20, **CONVOLUTIONS, weights="xavier", **options)]
    if "strides" not in options:
        models.append(DenseAutoencoder(20, (8, 2), weights="xavier", **options))
    x = 0.8 * (random(40, 2) @ random(2, 20))[..., None, None]
    for model in models:
        optimiser = torch.optim.Adam(model.parameters(), 0.03)
        errors = []
        for _ in range(60):
            error = (model(x) - x).square().sum()
            errors.append(error.item())
            optimiser.zero_grad()
            error.backward()
            optimiser.step()
        assert errors[-1] < 0.9 * errors[0]
        if not options.get("skips"):
            torch.testing.assert_close(model.decode(model.encode(x)), model(x))


def test_skip_connections_pass_the_spectrum_through():
    model = DenseAutoencoder(9, (5, 3), skips=True, inner="linear", weights="constant", scale=0)
    x = random(4, 9)
    torch.testing.assert_close(model.spectra(x), x)
    model = scattered(DenseAutoencoder(9, (5, 3), skips=True))
    first, second = model.encoder
    last, before = model.decoder[1], model.decoder[0]
    h = first(x[:, None])
    z = torch.sigmoid(second(torch.sigmoid(h)))
    expected = last(torch.sigmoid(before(z) + h)) + x[:, None]
    torch.testing.assert_close(model.spectra(x), expected[:, 0])
    with pytest.raises(UsageError, match="skip connections; expected spectra"):
        model.decode(random(1, 3, 1, 1))
    assert list(export_model(model)) == ["encoder", "autoencoder"]


def test_layers_can_be_trained_one_after_the_other():
    model = scattered(ConvolutionAutoencoder(30, filters=(4, 4), kernels=(5, 3), latents=3))
    x = random(50, 30)
    for depth in (1, 2, 3):
        pair = model.pair(depth)
        own = {id(p) for p in pair.parameters()}
        assert own < {id(p) for p in model.parameters()}
        before = [p.clone() for p in model.parameters()]
        given = model.features(x, depth - 1).detach()
        optimiser = torch.optim.Adam(pair.parameters(), 0.01)
        errors = []
        for _ in range(20):
            error = (pair(given) - given).square().mean()
            errors.append(error.item())
            optimiser.zero_grad()
            error.backward()
            optimiser.step()
        assert errors[-1] < errors[0]
        for old, new in zip(before, model.parameters(), strict=True):
            assert torch.equal(old, new) == (id(new) not in own)
    torch.testing.assert_close(model.features(x, 3)[:, 0], model.encode_spectra(x))
    with pytest.raises(UsageError, match="layer 4; expected 1 to 3"):
        model.pair(4)


def test_features_of_the_classifier():
    model = model_of("deephyp-cnn-classifier", 60)
    x = random(2, 60, 1, 3)
    assert [model.features(x, depth).shape[1] for depth in (0, 1, 4, 5)] == [60, 410, 20, 20]
    last = model.layers[-1]
    found = last(model.features(x, 5).permute(0, 2, 3, 1).reshape(6, 1, 20))[:, 0]
    torch.testing.assert_close(found.reshape(2, 3, 4).permute(0, 2, 1)[:, :, None], model(x))


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: DenseAutoencoder(9, inner="tanh"), "'tanh'; expected one of relu, sigmoid"),
        (lambda: DenseAutoencoder(9, weights="zeros"), "'zeros'; expected one of gaussian"),
        (lambda: DenseAutoencoder(9, tied=[True]), "1 values for tied weights; expected 3"),
        (lambda: ConvolutionAutoencoder(60, padding="full"), "'full'; expected valid or same"),
        (lambda: ConvolutionAutoencoder(37), "a kernel of 10 samples on 9"),
        (lambda: ConvolutionClassifier(60, 3, filters=(1,)), "1 numbers of filters, 3 kernels"),
    ],
)
def test_options_that_make_no_sense(make, said):
    with pytest.raises(UsageError, match=said):
        make()


def test_initial_weights():
    torch.manual_seed(0)
    weight = torch.empty(200, 300)
    expected = {
        "gaussian": (0.2, None),
        "truncated-normal": (0.2 * 0.8796, 0.4),
        "xavier": (300**-0.5, (3 / 300) ** 0.5),
        "xavier-improved": ((2 / 300) ** 0.5, None),
    }
    for name, (deviation, bound) in expected.items():
        initialisers.initialiser(name, 0.2)(weight)
        assert weight.std().item() == pytest.approx(deviation, rel=0.02), name
        assert bound is None or 0.98 * bound < weight.abs().max() <= bound
    initialisers.initialiser("constant", 0.2)(weight)
    assert (weight == 0.2).all()
    assert (DenseAutoencoder(9).encoder[0].bias == 0).all()


# ---- shared encoders -----------------------------------------------------------------------------


@pytest.mark.parametrize("bands", [8, 9, 31, 103, 224])
def test_the_shared_encoder_takes_any_number_of_bands(bands):
    model = model_of("shared-encoder", 103)
    x = random(2, bands, 1, 2)
    z = model.encode(x)
    assert z.shape == (2, model.latents, 1, 2)
    assert model(x).shape == x.shape
    torch.testing.assert_close(model.decode(z, bands), model(x))


def test_the_shared_encoder_as_its_paper_has_it():
    """Padding by reflection, a maximum over the spectrum, one value repeated for the decoder."""
    model = scattered(SharedEncoder(13, latents=5))
    x = random(4, 13)
    padded = torch.cat([x[:, 1:2], x, x[:, [-2, -3]]], dim=1)  # 13 + 3 = 16 bands
    features = model.encoder(padded[:, None])
    assert features.shape == (4, 5, 2)
    z = model.encode_spectra(x)
    torch.testing.assert_close(z, features.max(dim=2).values)
    decoded = model.decoder(torch.stack([z, z], dim=2))[:, 0]
    torch.testing.assert_close(model.decode_spectra(z), decoded[:, 1:14])


def test_inverse_by_elimination():
    a = random(12, 30).double()
    a = a @ a.T + 1e-6 * torch.eye(12)
    torch.testing.assert_close(inverse(a), torch.linalg.inv(a), rtol=1e-6, atol=1e-6)


def mixtures(model, bands, count=20):
    """Spectra that the first basis functions make, as bands see them, shape (count, B, 1, 1)."""
    generator = torch.Generator().manual_seed(4)
    coefficients = torch.randn(count, 4, generator=generator)
    mean, basis = model.seen_by(bands)
    return (mean + coefficients @ basis[:, :4].T)[..., None, None]


@torch.no_grad()
def test_a_spectrum_of_one_sensor_is_decoded_for_another():
    model = WavelengthEncoder()
    one, other = sensor(60), sensor(35)
    z = model.encode(mixtures(model, one), one)
    error = model.decode(z, other) - mixtures(model, other)
    assert error.abs().max() < 0.01
    assert mixtures(model, other).std() > 0.1


@torch.no_grad()
def test_bands_are_known_by_their_wavelength_alone():
    model = WavelengthEncoder()
    model.functions.copy_(random(*model.functions.shape) - 0.5)
    code = sensor(40)
    x = random(3, 40, 2, 2)
    z = model.encode(x, code)
    order = torch.randperm(40, generator=torch.Generator().manual_seed(5))
    torch.testing.assert_close(model.encode(x[:, order], code[order]), z, rtol=1e-3, atol=1e-4)
    torch.testing.assert_close(model(x[:, order], code[order]), model(x, code)[:, order])
    assert not torch.allclose(model.encode(x, code + torch.tensor([0.3, 0, 0])), z, atol=0.1)
    wide = code * torch.tensor([1.0, 20.0, 1.0])
    assert not torch.allclose(model.encode(x, wide), z, atol=0.1)


@torch.no_grad()
def test_missing_bands_are_not_seen_and_are_filled_in():
    model = WavelengthEncoder()
    valid = torch.ones(80, dtype=torch.bool)
    valid[25:35] = False
    code = sensor(80, valid)
    x = mixtures(model, sensor(80))
    spoilt = torch.where(valid[:, None, None], x, torch.full_like(x, 99.0))
    torch.testing.assert_close(model.encode(spoilt, code), model.encode(x, code))
    error = model(spoilt, code) - x
    assert error[:, valid].std() < 0.01 * x.std()
    assert error[:, ~valid].std() < 0.15 * x.std()


def test_the_wavelength_encoder_learns_from_several_sensors():
    torch.manual_seed(6)
    truth, model = WavelengthEncoder(), WavelengthEncoder(latents=4)
    truth.functions.data = truth.functions.data.roll(7, dims=1)
    sensors = [sensor(30), sensor(50)]
    data = [mixtures(truth, code).detach() for code in sensors]
    optimiser = torch.optim.Adam(model.parameters(), 0.01)
    errors = []
    for _ in range(25):
        pairs = zip(data, sensors, strict=True)
        error = sum((model(x, code) - x).square().mean() for x, code in pairs)
        errors.append(error.item())
        optimiser.zero_grad()
        error.backward()
        assert all(torch.isfinite(p.grad).all() for p in model.parameters())
        optimiser.step()
    assert errors[-1] < 0.3 * errors[0]
    unseen = sensor(41)
    with torch.no_grad():
        x = mixtures(truth, unseen)
        assert (model(x, unseen) - x).square().mean() < 0.3 * errors[0]


@pytest.mark.parametrize(
    ("centres", "widths", "valid"),
    [
        ([0.5, math.nan], [0.01, 0.01], None),
        ([0.5, 0.6], [0.01, 0.0], None),
        ([0.5, 0.6], [0.01, 0.01], [False, False]),
    ],
)
def test_bands_without_a_place(centres, widths, valid):
    mask = None if valid is None else torch.tensor(valid)
    with pytest.raises(UsageError, match="bands without centre or width"):
        band_code(torch.tensor(centres), torch.tensor(widths), mask)
    code = band_code(torch.tensor([0.5, math.nan]), torch.ones(2), torch.tensor([True, False]))
    assert code[:, 2].tolist() == [1, 0]
    assert torch.isfinite(code).all()
