"""The networks of deephyp: two autoencoders of spectra and a classifier.

Windrim, Ramakrishnan, Melkumyan, Murphy, Chlingaryan, "Unsupervised feature-learning for
hyperspectral data with autoencoders", Remote Sensing 11(7), 2019, with the options of the deephyp
package by Windrim.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from typing import TypedDict, Unpack

from torch import Tensor, nn

from hyspec.errors import UsageError
from hyspec_training.analysis.base import PixelAutoencoder, PixelModel, pixels, planes
from hyspec_training.analysis.initialisers import SCALE, initialiser
from hyspec_training.analysis.stacked import (
    Activation,
    ConvolutionLayer,
    DenseLayer,
    Layer,
    LayerPair,
    MirrorLayer,
    activation,
)


class Options(TypedDict, total=False):
    """Options of all stacked autoencoders, see :class:`StackedAutoencoder`."""

    inner: str
    outer: str
    tied: Sequence[bool] | None
    skips: bool
    weights: str
    scale: float


class StackedAutoencoder(PixelAutoencoder):
    """An autoencoder of layers and their mirror images.

    Parameters
    ----------
    bands
        Number of bands.
    layers
        Of the encoder, from the spectrum to the latents.
    inner, outer
        Names of the activations of all layers but the last one of the decoder, and of that one.
    tied
        For each layer, whether its mirror image shares its weight; none by default.
    skips
        Add what each layer gives, before its activation, to what the mirror image of the next one
        gives, and the spectrum to the last layer.
    weights, scale
        See :func:`hyspec_training.analysis.initialisers.initialiser`. Biases begin as 0.
    """

    def __init__(
        self,
        bands: int,
        layers: Sequence[Layer],
        *,
        inner: str = "sigmoid",
        outer: str = "linear",
        tied: Sequence[bool] | None = None,
        skips: bool = False,
        weights: str = "truncated-normal",
        scale: float = SCALE,
    ) -> None:
        super().__init__(bands)
        tied = [False] * len(layers) if tied is None else tied
        if len(tied) != len(layers):
            raise UsageError(f"{len(tied)} values for tied weights; expected {len(layers)}")
        self.latents = layers[-1].outputs[1]
        self.skips = skips
        self.encoder = nn.ModuleList(layers)
        self.decoder = nn.ModuleList(
            MirrorLayer(layer, tied=share)
            for layer, share in zip(reversed(layers), reversed(tied), strict=True)
        )
        self._inner, self._outer = activation(inner), activation(outer)
        _fill(self, weights, scale)

    def features(self, x: Tensor, depth: int) -> Tensor:
        """Features (M, C, L) of spectra (M, B) after the first ``depth`` layers."""
        return _through(self.encoder[:depth], self._inner, x)

    def encode_spectra(self, x: Tensor) -> Tensor:
        """Map spectra (M, B) to latents (M, Z)."""
        return self.features(x, len(self.encoder))[:, 0]

    def decode_spectra(self, z: Tensor) -> Tensor:
        """Map latents (M, Z) to spectra (M, B).

        Raises
        ------
        UsageError
            The network has skip connections: it decodes nothing without the spectrum.
        """
        if self.skips:
            raise UsageError(
                "latents alone, of a network with skip connections; expected spectra",
                hint="encode and decode in one, or train without skip connections",
            )
        return self._decode(z, [None] * len(self.decoder))

    def spectra(self, x: Tensor) -> Tensor:
        """Encode and decode spectra (M, B)."""
        if not self.skips:
            return super().spectra(x)
        y, given = x[:, None], [x[:, None]]
        for layer in self.encoder:
            given.append(layer(y))
            y = self._inner(given[-1])
        return self._decode(y[:, 0], given[-2::-1])

    def pair(self, depth: int) -> LayerPair:
        """Return layer number ``depth``, from 1, and its mirror image, for training them alone.

        It is an autoencoder of ``features(x, depth - 1)``, without skip connections.
        """
        if not 1 <= depth <= len(self.encoder):
            raise UsageError(f"layer {depth}; expected 1 to {len(self.encoder)}")
        layer, mirror = self.encoder[depth - 1], self.decoder[-depth]
        assert isinstance(layer, Layer)
        assert isinstance(mirror, MirrorLayer)
        return LayerPair(layer, mirror, self._inner, self._outer if depth == 1 else self._inner)

    def _decode(self, z: Tensor, given: Sequence[Tensor | None]) -> Tensor:
        y = z[:, None]
        for k, (mirror, skip) in enumerate(zip(self.decoder, given, strict=True)):
            y = mirror(y) if skip is None else mirror(y) + skip
            y = (self._outer if k == len(self.decoder) - 1 else self._inner)(y)
        return y[:, 0]


class DenseAutoencoder(StackedAutoencoder):
    """``deephyp-mlp-autoencoder``: dense layers.

    Parameters
    ----------
    bands
        Number of bands.
    units
        Of the layers of the encoder; the last one is the number of latents.
    options
        Those of :class:`StackedAutoencoder`.
    """

    def __init__(
        self, bands: int, units: Sequence[int] = (50, 30, 10), **options: Unpack[Options]
    ) -> None:
        sizes = [bands, *units]
        layers = [DenseLayer((1, a), b) for a, b in itertools.pairwise(sizes)]
        super().__init__(bands, layers, **options)


class ConvolutionAutoencoder(StackedAutoencoder):
    """``deephyp-cnn-autoencoder``: convolutions along the spectrum, then a dense layer.

    Parameters
    ----------
    bands
        Number of bands.
    latents
        Units of the dense layer.
    filters, kernels, strides
        Of the convolutions; strides are 1 by default.
    padding
        ``valid`` or ``same``.
    options
        Those of :class:`StackedAutoencoder`; the dense layer is the last one.
    """

    def __init__(
        self,
        bands: int,
        latents: int = 5,
        filters: Sequence[int] = (10, 10, 10),
        kernels: Sequence[int] = (20, 10, 10),
        strides: Sequence[int] | None = None,
        *,
        padding: str = "valid",
        **options: Unpack[Options],
    ) -> None:
        layers: list[Layer] = [*_convolutions(bands, filters, kernels, strides, padding)]
        layers.append(DenseLayer(layers[-1].outputs, latents))
        super().__init__(bands, layers, **options)


class ConvolutionClassifier(PixelModel):
    """``deephyp-cnn-classifier``: convolutions along the spectrum, then dense layers.

    Parameters
    ----------
    bands, classes
        Numbers of bands and classes.
    filters, kernels, strides, padding
        Of the convolutions.
    units
        Of the dense layers before the one that gives the scores.
    inner
        Name of the activation of all layers but the last one.
    weights, scale
        See :func:`hyspec_training.analysis.initialisers.initialiser`.
    """

    def __init__(
        self,
        bands: int,
        classes: int,
        filters: Sequence[int] = (10, 10, 10),
        kernels: Sequence[int] = (20, 10, 10),
        strides: Sequence[int] | None = None,
        *,
        padding: str = "valid",
        units: Sequence[int] = (20, 20),
        inner: str = "relu",
        weights: str = "truncated-normal",
        scale: float = SCALE,
    ) -> None:
        super().__init__(bands)
        layers: list[Layer] = [*_convolutions(bands, filters, kernels, strides, padding)]
        for size in (*units, classes):
            layers.append(DenseLayer(layers[-1].outputs, size))
        self.layers = nn.ModuleList(layers)
        self._inner = activation(inner)
        _fill(self, weights, scale)

    def features(self, x: Tensor, depth: int) -> Tensor:
        """Features (N, C * L, H, W) of planes (N, B, H, W) after the first ``depth`` layers."""
        return planes(_through(self.layers[:depth], self._inner, pixels(x)).flatten(1), x)

    def spectra(self, x: Tensor) -> Tensor:
        """Map spectra (M, B) to scores (M, classes)."""
        scores: Tensor = self.layers[-1](_through(self.layers[:-1], self._inner, x))[:, 0]
        return scores


def _through(layers: Iterable[nn.Module], inner: Activation, x: Tensor) -> Tensor:
    """Features (M, C, L) that layers, each with an activation, make of spectra (M, B)."""
    y = x[:, None]
    for layer in layers:
        y = inner(layer(y))
    return y


def _convolutions(
    bands: int,
    filters: Sequence[int],
    kernels: Sequence[int],
    strides: Sequence[int] | None,
    padding: str,
) -> list[ConvolutionLayer]:
    strides = [1] * len(filters) if strides is None else strides
    if not len(filters) == len(kernels) == len(strides) >= 1:
        raise UsageError(
            f"{len(filters)} numbers of filters, {len(kernels)} kernels, {len(strides)} strides; "
            "expected as many of each"
        )
    layers: list[ConvolutionLayer] = []
    shape = (1, bands)
    for count, kernel, stride in zip(filters, kernels, strides, strict=True):
        layers.append(ConvolutionLayer(shape, count, kernel, stride, padding))
        shape = layers[-1].outputs
    return layers


def _fill(model: nn.Module, weights: str, scale: float) -> None:
    """Fill all weights; biases, which are 0 from the start, stay so."""
    fill = initialiser(weights, scale)
    for layer in model.modules():
        if isinstance(layer, Layer | MirrorLayer) and layer.weight is not None:
            fill(layer.weight)
