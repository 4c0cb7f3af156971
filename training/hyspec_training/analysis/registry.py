"""The models by name: what they are for, and how they are built."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import nn

from hyspec.errors import UsageError
from hyspec_training.analysis.base import AnalysisModel
from hyspec_training.analysis.compact_unmixing import BlindUnmixing, CompactUnmixing
from hyspec_training.analysis.deephyp import (
    ConvolutionAutoencoder,
    ConvolutionClassifier,
    DenseAutoencoder,
)
from hyspec_training.analysis.patch_networks import Lee, Liu, Sharma
from hyspec_training.analysis.pixel_networks import Boulch, DenseNetwork, Hu, Mou
from hyspec_training.analysis.shared_encoder import SharedEncoder
from hyspec_training.analysis.spectral_spatial import SpectralSpatial
from hyspec_training.analysis.unmixing import CubeCNN, CubeDCAE, PixelCNN, PixelDCAE
from hyspec_training.analysis.volume_networks import Chen, Hamida, He, Li, Luo
from hyspec_training.analysis.wavelength_encoder import WavelengthEncoder

Task = Literal["classification", "autoencoder", "unmixing", "shared-encoder"]
Model = AnalysisModel | WavelengthEncoder


@dataclass(frozen=True)
class Entry:
    """A model of the registry.

    Attributes
    ----------
    task : str
        What it is for.
    builder : callable
        Its class; takes what is not a default by name.
    sizes : tuple of str
        Which of ``bands`` and ``classes`` the builder takes, in its order. Endmembers are classes.
    """

    task: Task
    builder: Callable[..., Model]
    sizes: tuple[str, ...]


@dataclass(frozen=True)
class Description:
    """What ``hyspec-train --list`` says of a model.

    Attributes
    ----------
    name, task : str
    parameters, trainable : int or None
        Number of parameters, and of those that are trained; ``None`` for a model that needs more
        bands. A parameter that layers share counts once.
    patch : int or None
        Side of the patch in pixels.
    """

    name: str
    parameters: int | None
    trainable: int | None
    patch: int | None
    task: Task


_BOTH = ("bands", "classes")

MODELS: dict[str, Entry] = {
    "nn": Entry("classification", DenseNetwork, _BOTH),
    "hu": Entry("classification", Hu, _BOTH),
    "hamida": Entry("classification", Hamida, _BOTH),
    "lee": Entry("classification", Lee, _BOTH),
    "chen": Entry("classification", Chen, _BOTH),
    "li": Entry("classification", Li, _BOTH),
    "he": Entry("classification", He, _BOTH),
    "luo": Entry("classification", Luo, _BOTH),
    "sharma": Entry("classification", Sharma, _BOTH),
    "liu": Entry("classification", Liu, _BOTH),
    "boulch": Entry("classification", Boulch, _BOTH),
    "mou": Entry("classification", Mou, _BOTH),
    "spectral-spatial": Entry("classification", SpectralSpatial, _BOTH),
    "deephyp-mlp-autoencoder": Entry("autoencoder", DenseAutoencoder, ("bands",)),
    "deephyp-cnn-autoencoder": Entry("autoencoder", ConvolutionAutoencoder, ("bands",)),
    "deephyp-cnn-classifier": Entry("classification", ConvolutionClassifier, _BOTH),
    "unmixing-pixel-cnn": Entry("unmixing", PixelCNN, _BOTH),
    "unmixing-cube-cnn": Entry("unmixing", CubeCNN, _BOTH),
    "unmixing-pixel-dcae": Entry("unmixing", PixelDCAE, _BOTH),
    "unmixing-cube-dcae": Entry("unmixing", CubeDCAE, _BOTH),
    "compact-unmixing": Entry("unmixing", CompactUnmixing, _BOTH),
    "blind-unmixing": Entry("unmixing", BlindUnmixing, _BOTH),
    "shared-encoder": Entry("shared-encoder", SharedEncoder, ("bands",)),
    "wavelength-encoder": Entry("shared-encoder", WavelengthEncoder, ()),
}


def entry(name: str) -> Entry:
    """Return the entry of a model.

    Raises
    ------
    UsageError
        There is no model of that name.
    """
    if name not in MODELS:
        raise UsageError(f"no model is called {name!r}", hint=f"known models: {', '.join(MODELS)}")
    return MODELS[name]


def build(name: str, bands: int, classes: int, **options: Any) -> Model:
    """Make an untrained model.

    Parameters
    ----------
    name
        Name in :data:`MODELS`.
    bands, classes
        Numbers of bands, and of classes or endmembers; models that need no such number ignore it.
    options
        Of the model's class, such as ``patch``.

    Raises
    ------
    UsageError
        There is no model of that name, it has no such option, or needs more bands.
    """
    found = entry(name)
    sizes = {"bands": bands, "classes": classes}
    for key, value in sizes.items():
        if value < 1:
            raise UsageError(f"{value} {key}; expected at least 1")
    try:
        return found.builder(*(sizes[key] for key in found.sizes), **options)
    except UsageError as error:
        raise UsageError(f"{name} with {bands} bands: {error}", hint=error.hint) from error
    except TypeError as error:
        raise UsageError(f"{name}: {error}", hint="see the class of the model") from error


def describe(name: str, bands: int, classes: int) -> Description:
    """Count the parameters of a model, without memory for them."""
    task = entry(name).task
    try:
        with torch.device("meta"):
            model = build(name, bands, classes)
    except UsageError:
        return Description(name, None, None, None, task)
    return Description(name, *parameter_counts(model), model.patch, task)


def parameter_counts(model: nn.Module) -> tuple[int, int]:
    """Return the number of parameters, and of those that are trained."""
    parameters = list(model.parameters())
    trained = sum(p.numel() for p in parameters if p.requires_grad)
    return sum(p.numel() for p in parameters), trained
