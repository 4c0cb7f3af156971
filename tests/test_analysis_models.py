"""Analysis models: their sizes, what they compute, and what no model may do."""

import pytest
import torch

from analysis_cases import CLASSES, bands_of, model_of
from hyspec.errors import UsageError
from hyspec_training.analysis.export import parts
from hyspec_training.analysis.registry import MODELS, build, describe

torch.set_num_threads(1)

PAVIA, PINES, URBAN = (103, 10), (200, 17), (162, 6)
#: Parameters of the published networks: (name, bands and classes, all, trained if not all).
COUNTS = [
    ("nn", PAVIA, 17_016_842), ("nn", PINES, 17_229_841),
    ("hu", PAVIA, 61_370), ("hu", PINES, 72_297),
    ("hamida", PAVIA, 35_530), ("hamida", PINES, 46_107),
    ("lee", PAVIA, 265_354), ("lee", PINES, 390_417),
    ("chen", PAVIA, 1_068_266), ("chen", PINES, 1_123_281),
    ("li", PAVIA, 46_570), ("li", PINES, 121_521),
    ("he", PAVIA, 89_306), ("he", PINES, 284_897),
    ("luo", PAVIA, 40_401_620), ("luo", PINES, 103_847_643),
    ("sharma", PAVIA, 2_293_930), ("sharma", PINES, 2_636_337),
    ("liu", PAVIA, 4_360_753), ("liu", PINES, 4_815_977),
    ("boulch", PAVIA, 5_639), ("boulch", PINES, 6_871),
    ("mou", PAVIA, 91_978), ("mou", PINES, 256_081),
    ("deephyp-mlp-autoencoder", (103, 9), 14_173),
    ("deephyp-cnn-autoencoder", (103, 9), 11_716),
    ("deephyp-cnn-classifier", (103, 9), 16_059),
    ("unmixing-pixel-cnn", URBAN, 63_948),
    ("unmixing-cube-cnn", URBAN, 32_810_656),
    ("unmixing-pixel-dcae", URBAN, 54_192, 53_058),
    ("unmixing-cube-dcae", URBAN, 5_094_420, 5_093_286),
]  # fmt: skip
PATCHES = {
    "hamida": 5, "lee": 5, "chen": 27, "li": 5, "he": 7, "luo": 3, "sharma": 64, "liu": 9,
    "spectral-spatial": 5, "unmixing-cube-cnn": 3, "unmixing-cube-dcae": 5,
}  # fmt: skip
#: Models of planes of fixed bands.
OF_PLANES = [name for name in MODELS if name != "wavelength-encoder"]


@pytest.mark.parametrize(("name", "sizes", "count", "trained"), [(*c, c[2])[:4] for c in COUNTS])
def test_published_numbers_of_parameters(name, sizes, count, trained):
    found = describe(name, *sizes)
    assert (found.parameters, found.trainable) == (count, trained)


def test_own_networks_are_small():
    assert describe("spectral-spatial", 425, 20).parameters < 150_000
    for name in ("compact-unmixing", "blind-unmixing", "wavelength-encoder"):
        assert describe(name, 224, 10).parameters < 70_000, name


@pytest.mark.parametrize("name", MODELS)
def test_description_is_that_of_the_model(name):
    bands = bands_of(name)
    model, found = model_of(name), describe(name, bands, CLASSES)
    assert found.parameters == sum(p.numel() for p in model.parameters())
    assert found.trainable == sum(p.numel() for p in model.parameters() if p.requires_grad)
    assert found.patch == model.patch == PATCHES.get(name, 1)
    assert found.task == MODELS[name].task


def test_too_few_bands():
    assert describe("chen", 93, 9).parameters is None
    assert describe("chen", 94, 9).parameters > 0
    with pytest.raises(UsageError, match="chen with 93 bands: a kernel of 32 samples on 31"):
        build("chen", 93, 9)


@pytest.mark.parametrize(
    ("arguments", "options", "said"),
    [
        (("resnet", 103, 9), {}, "no model is called 'resnet'"),
        (("hu", 0, 9), {}, "0 bands; expected at least 1"),
        (("hu", 103, 0), {}, "0 classes; expected at least 1"),
        (("hu", 103, 9), {"patch": 3}, "hu: .*patch"),
        (("spectral-spatial", 103, 9), {"patch": 8}, "a patch of 8; expected an odd number"),
        (("shared-encoder", 7, 9), {}, "7 bands; expected at least 8"),
        (("wavelength-encoder", 9, 9), {"latents": 33}, "32 basis functions; expected 33"),
    ],
)
def test_what_cannot_be_built(arguments, options, said):
    with pytest.raises(UsageError, match=said):
        build(*arguments, **options)


# ---- shapes and places ---------------------------------------------------------------------------


def first_of(model, x):
    """The result of a model, without decoded spectra."""
    [*_, part] = [part for key, part in parts(model).items() if key != "decoder"]
    with torch.no_grad():
        return part.module(x)


@pytest.mark.parametrize("name", OF_PLANES)
def test_a_result_for_each_patch(name):
    """Whole scenes and their patches, one by one or in batches, give the same."""
    model = model_of(name)
    rows, columns = (2, 3) if model.whole_scenes else (1, 1)
    shape = (2, bands_of(name), rows + model.patch - 1, columns + model.patch - 1)
    x = torch.rand(shape, generator=torch.Generator().manual_seed(1))
    found = first_of(model, x)
    assert (found.shape[0], *found.shape[2:]) == (2, rows, columns)
    for n in range(2):
        for row in range(rows):
            for column in range(columns):
                patch = x[n : n + 1, :, row : row + model.patch, column : column + model.patch]
                torch.testing.assert_close(
                    first_of(model, patch)[0, :, 0, 0],
                    found[n, :, row, column],
                    rtol=0,
                    atol=1e-5,
                )


@pytest.mark.parametrize("name", [name for name in OF_PLANES if name in PATCHES])
def test_every_pixel_that_a_network_should_see_counts(name):
    """Of ``lee``, 3 x 3 pixels; even kernels and poolings leave out some borders of others."""
    model = model_of(name)
    shape = (1, bands_of(name), model.patch, model.patch)
    x = torch.rand(shape, generator=torch.Generator().manual_seed(2)).requires_grad_()
    found = model(x)
    found = found if isinstance(found, torch.Tensor) else found[0]
    found.square().sum().backward()
    seen = x.grad.abs().sum(dim=(0, 1)) > 0
    middle = model.patch // 2
    assert seen[middle - 1 : middle + 2, middle - 1 : middle + 2].all()
    whole = {"lee": 9, "spectral-spatial": 25, "li": 25, "hamida": 25, "luo": 9}
    if name in whole:
        assert seen.sum() == whole[name]


@pytest.mark.parametrize("name", ["liu", "boulch"])
def test_semi_supervised_networks_decode_the_pixel(name):
    model, bands = model_of(name), bands_of(name)
    scores, decoded = model(torch.rand(3, bands, model.patch, model.patch))
    assert scores.shape == (3, CLASSES, 1, 1)
    assert decoded.shape == (3, bands, 1, 1)
    assert 0 < model.auxiliary_weight <= 1
    decoded.square().sum().backward()
    assert model.decoder.weight.grad.abs().max() > 0
    assert model.classifier.weight.grad is None  # scores and spectrum part after the encoder
    assert any(p.grad is not None and p.grad.abs().max() > 0 for p in model.encoder.parameters())


@pytest.mark.parametrize("name", OF_PLANES)
def test_every_parameter_learns(name):
    """One step of training reaches all weights, but for endmembers that are given."""
    model = model_of(name).train()
    x = torch.rand(4, bands_of(name), model.patch, model.patch)
    found = model(x)
    outputs = [found] if isinstance(found, torch.Tensor) else found
    sum((y * torch.rand(y.shape)).square().sum() for y in outputs).backward()
    for key, parameter in model.named_parameters():
        assert (parameter.grad is not None) == parameter.requires_grad, key
    assert {key for key, p in model.named_parameters() if not p.requires_grad} == (
        {"decoder.weight", "decoder.bias"} if name.endswith("dcae") else set()
    )


# ---- unmixing ------------------------------------------------------------------------------------

UNMIXING = [name for name, entry in MODELS.items() if entry.task == "unmixing"]


@pytest.mark.parametrize("name", UNMIXING)
def test_abundances_are_shares(name):
    model = model_of(name)
    found = first_of(model, 5 * torch.rand(6, bands_of(name), model.patch, model.patch))
    assert found.shape == (6, CLASSES, 1, 1)
    assert found.min() >= 0
    torch.testing.assert_close(found.sum(dim=1), torch.ones(6, 1, 1))


@pytest.mark.parametrize("name", ["unmixing-pixel-dcae", "unmixing-cube-dcae", "blind-unmixing"])
def test_decoders_mix_endmembers_linearly(name):
    model, bands = model_of(name), bands_of(name)
    endmembers = torch.rand(CLASSES, bands) + 0.1
    model.set_endmembers(endmembers)
    if name.endswith("dcae"):
        torch.nn.init.zeros_(model.decoder.bias)  # as it is from the start
    with torch.no_grad():
        abundances, decoded = model(torch.rand(2, bands, model.patch, model.patch))
    mixed = torch.einsum("nkhw,kb->nbhw", abundances, endmembers)
    torch.testing.assert_close(decoded, mixed, rtol=1e-4, atol=1e-5)
    with pytest.raises(UsageError, match=rf"expected \({CLASSES}, {bands}\)"):
        model.set_endmembers(endmembers.T)


def test_the_bias_of_frozen_decoders_is_zero():
    assert build("unmixing-pixel-dcae", 100, 3).decoder.bias.abs().max() == 0


def test_learned_endmembers_cannot_be_negative():
    model = model_of("blind-unmixing")
    model.raw_endmembers.data.fill_(-30)
    assert model.endmembers.min() >= 0
    model.set_endmembers(torch.zeros_like(model.raw_endmembers))
    torch.testing.assert_close(model.endmembers, torch.zeros(CLASSES, 21), rtol=0, atol=2e-6)


def test_blind_abundances_do_not_depend_on_brightness():
    model = model_of("blind-unmixing")
    x = torch.rand(2, 21, 3, 3) + 0.1
    with torch.no_grad():
        torch.testing.assert_close(model(x)[0], model(0.3 * x)[0])
        assert torch.isfinite(model(torch.zeros(1, 21, 1, 1))[0]).all()
