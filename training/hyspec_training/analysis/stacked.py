"""Stacks of layers along the spectrum, each with a mirror image that undoes it.

Encoders and decoders of the autoencoders of deephyp are made of these pairs; the mirror image may
share the weights of its layer (tied weights), never its biases.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from hyspec.errors import UsageError
from hyspec_training.analysis.base import length_after

Activation = Callable[[Tensor], Tensor]


def _linear(x: Tensor) -> Tensor:
    return x


#: Activations by name.
ACTIVATIONS: dict[str, Activation] = {
    "relu": torch.relu,
    "sigmoid": torch.sigmoid,
    "linear": _linear,
}


def activation(name: str) -> Activation:
    """Return an activation.

    Raises
    ------
    UsageError
        There is no such name.
    """
    if name not in ACTIVATIONS:
        raise UsageError(f"activation {name!r}; expected one of {', '.join(ACTIVATIONS)}")
    return ACTIVATIONS[name]


class Layer(nn.Module, ABC):
    """A layer of an encoder: features (M, C, L) in, features (M, C', L') out.

    Attributes
    ----------
    inputs, outputs : tuple of int
        Channels and length, (C, L) and (C', L').
    weight : Parameter
    """

    inputs: tuple[int, int]
    outputs: tuple[int, int]
    weight: nn.Parameter

    @abstractmethod
    def forward(self, x: Tensor) -> Tensor:
        """Map (M, C, L) to (M, C', L'), without activation."""

    @abstractmethod
    def transposed(self, y: Tensor, weight: Tensor) -> Tensor:
        """Map (M, C', L') to (M, C, L) by the transpose of the layer with some weight, no bias."""


class DenseLayer(Layer):
    """A dense layer, over all channels if there are several.

    Parameters
    ----------
    inputs
        Channels and length.
    units
        Number of outputs.
    """

    def __init__(self, inputs: tuple[int, int], units: int) -> None:
        super().__init__()
        self.inputs, self.outputs = inputs, (1, units)
        self.weight = nn.Parameter(torch.empty(units, inputs[0] * inputs[1]))
        self.bias = nn.Parameter(torch.zeros(units))

    def forward(self, x: Tensor) -> Tensor:
        """Map (M, C, L) to (M, 1, units)."""
        return F.linear(x.flatten(1), self.weight, self.bias)[:, None]

    def transposed(self, y: Tensor, weight: Tensor) -> Tensor:
        """Map (M, 1, units) to (M, C, L)."""
        return F.linear(y[:, 0], weight.t()).reshape(-1, *self.inputs)


class ConvolutionLayer(Layer):
    """A convolution along the spectrum.

    Parameters
    ----------
    inputs
        Channels and length.
    filters, kernel, stride
        Of the convolution.
    padding
        ``valid``: none; ``same``: ceil(L / stride) outputs, padded with zeros, at the end first.
    """

    def __init__(
        self, inputs: tuple[int, int], filters: int, kernel: int, stride: int, padding: str
    ) -> None:
        super().__init__()
        channels, length = inputs
        if padding == "same":
            count = -(-length // stride)
            total = max((count - 1) * stride + kernel - length, 0)
        elif padding == "valid":
            count, total = length_after(length, kernel, stride), 0
        else:
            raise UsageError(f"padding {padding!r}; expected valid or same")
        self.inputs, self.outputs = inputs, (filters, count)
        self.stride, self.before, self.after = stride, total // 2, total - total // 2
        self.weight = nn.Parameter(torch.empty(filters, channels, kernel))
        self.bias = nn.Parameter(torch.zeros(filters))

    def forward(self, x: Tensor) -> Tensor:
        """Map (M, C, L) to (M, filters, L')."""
        padded = F.pad(x, (self.before, self.after))
        return F.conv1d(padded, self.weight, self.bias, stride=self.stride)

    def transposed(self, y: Tensor, weight: Tensor) -> Tensor:
        """Map (M, filters, L') to (M, C, L); samples that no kernel reached become 0."""
        length = self.inputs[1]
        full = F.conv_transpose1d(y, weight, stride=self.stride)
        found = full[..., self.before : self.before + length]
        return F.pad(found, (0, length - found.shape[-1]))


class MirrorLayer(nn.Module):
    """The mirror image of a layer.

    Parameters
    ----------
    layer
        What is mirrored.
    tied
        Use its weight; otherwise there is one of the same shape. The bias is always its own.
    """

    def __init__(self, layer: Layer, *, tied: bool) -> None:
        super().__init__()
        self._layer = (layer,)  # in a tuple, so that its parameters are not registered here as well
        self.weight = None if tied else nn.Parameter(torch.empty_like(layer.weight))
        # A dense layer's bias has one number per value, a convolution's one per channel.
        channels, length = layer.inputs
        dense = isinstance(layer, DenseLayer)
        self.bias = nn.Parameter(torch.zeros(channels, length if dense else 1))

    def forward(self, y: Tensor) -> Tensor:
        """Map (M, C', L') to (M, C, L), without activation."""
        [layer] = self._layer
        weight = layer.weight if self.weight is None else self.weight
        return layer.transposed(y, weight) + self.bias


class LayerPair(nn.Module):
    """One layer and its mirror image as an autoencoder of the features before it.

    Trained on those features, with the layers before it already trained, it starts the weights of
    the stack (Bengio, Lamblin, Popovici, Larochelle, "Greedy layer-wise training of deep networks",
    NIPS 2006).
    """

    def __init__(
        self, layer: Layer, mirror: MirrorLayer, inner: Activation, outer: Activation
    ) -> None:
        super().__init__()
        self.layer, self.mirror = layer, mirror
        self._inner, self._outer = inner, outer

    def forward(self, x: Tensor) -> Tensor:
        """Map features (M, C, L) to features of the same shape."""
        return self._outer(self.mirror(self._inner(self.layer(x))))
