"""Small analysis models with weights that make their results vary."""

import torch
from torch import nn

from hyspec_training.analysis.registry import build

#: Bands that a model needs, where it needs many.
NEEDED = {
    "chen": 94, "he": 17, "luo": 42, "hamida": 12, "unmixing-pixel-cnn": 66,
    "unmixing-pixel-dcae": 78, "deephyp-cnn-autoencoder": 38, "deephyp-cnn-classifier": 38,
}  # fmt: skip
CLASSES = 4


def bands_of(name):
    """A number of bands that a model can do with."""
    return NEEDED.get(name, 21)


def scattered(model, seed=0):
    """Weights, biases and statistics of batches as a trained model might have them."""
    generator = torch.Generator().manual_seed(seed)

    def normal(x, deviation):
        x.copy_(torch.randn(x.shape, generator=generator) * deviation)

    with torch.no_grad():
        for layer in model.modules():
            for parameter in layer.parameters(recurse=False):
                normal(parameter, parameter[0].numel() ** -0.5 if parameter.ndim > 1 else 0.1)
            if isinstance(layer, nn.modules.batchnorm._BatchNorm):
                normal(layer.running_mean, 0.1)
                if layer.affine:
                    normal(layer.weight, 0.1)
                    layer.weight += 1
                normal(layer.running_var, 0.1)
                layer.running_var.exp_()
    return model.eval()


def model_of(name, bands=None, **options):
    """A model of the registry with few bands."""
    return scattered(build(name, bands or bands_of(name), CLASSES, **options))


def sensor(bands, valid=None):
    """Code of a sensor's bands, (B, 3)."""
    from hyspec_training.analysis.wavelength_encoder import band_code

    centres = torch.linspace(0.41, 2.45, bands)
    return band_code(centres, torch.full((bands,), 2.0 / bands), valid)
