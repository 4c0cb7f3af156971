"""ONNX graphs of analysis models, as the runtime computes with them."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.export import Dim

from hyspec_training.analysis.base import PixelAutoencoder
from hyspec_training.analysis.deephyp import StackedAutoencoder
from hyspec_training.analysis.registry import Model
from hyspec_training.analysis.wavelength_encoder import WavelengthEncoder
from hyspec_training.onnx_graphs import Free, free_planes, to_onnx

#: Example sizes: batch, and output rows and columns.
_BATCH, _ROWS, _COLUMNS = 2, 3, 4


@dataclass(frozen=True)
class Part:
    """What becomes one graph.

    Attributes
    ----------
    module : Module
        Computes one tensor.
    examples : tuple of Tensor
        Its inputs.
    inputs : tuple of str
        Their names.
    output : str
        Name of what is computed.
    free : sequence of dict
        For each input, the axes of free size.
    """

    module: nn.Module
    examples: tuple[Tensor, ...]
    inputs: tuple[str, ...]
    output: str
    free: Free


def parts(model: Model) -> dict[str, Part]:
    """Return what a model is exported as, by name.

    Classifiers give ``scores``, unmixing networks ``abundances``: what decodes spectra for training
    alone is left out. Autoencoders and shared encoders have an ``encoder`` and a ``decoder``, or,
    with skip connections, ``encoder`` and ``autoencoder``. Encoders of any sensor have a second
    input, the code of the bands (B, 3), and any number of bands.
    """
    if isinstance(model, WavelengthEncoder):
        bands = torch.tensor([[0.5 + 0.1 * k, 0.01, 1.0] for k in range(5)])
        number = Dim("b")
        return {
            "encoder": Part(
                _MethodOfBands(model, "encode"),
                (_zeros(len(bands)), bands),
                ("spectra", "bands"),
                "latents",
                ({**free_planes(), 1: number}, {0: number}),
            ),
            "decoder": Part(
                _MethodOfBands(model, "decode"),
                (_zeros(model.latents), bands),
                ("latents", "bands"),
                "spectra",
                (free_planes(), {0: number}),
            ),
        }
    if isinstance(model, PixelAutoencoder):
        encoder = _Method(model, "encode")
        found = {"encoder": _planes_part(encoder, model.bands, "spectra", "latents")}
        if isinstance(model, StackedAutoencoder) and model.skips:
            whole = _Method(model, "forward")
            return {**found, "autoencoder": _planes_part(whole, model.bands, "spectra", "decoded")}
        decoder = _Method(model, "decode")
        return {**found, "decoder": _planes_part(decoder, model.latents, "latents", "spectra")}
    module = _Method(model, "forward")
    if model.whole_scenes:
        part = _planes_part(module, model.bands, "spectra", model.result, model.patch - 1)
    else:
        example = torch.zeros(_BATCH, model.bands, model.patch, model.patch)
        part = Part(module, (example,), ("spectra",), model.result, ({0: Dim("n")},))
    return {model.result: part}


def export_model(model: Model) -> dict[str, bytes]:
    """Make the graphs of a trained model.

    Parameters
    ----------
    model
        Goes to the processor, and into the mode of evaluation.

    Returns
    -------
    dict
        ONNX graphs by the names of :func:`parts`. The batch is free; rows and columns are, too, of
        models that take whole scenes.
    """
    return {
        name: to_onnx(part.module, part.examples, part.inputs, part.output, part.free)
        for name, part in parts(model.to("cpu").eval()).items()
    }


class _Method(nn.Module):
    """One method of a model, and of several outputs the first."""

    def __init__(self, model: nn.Module, name: str) -> None:
        super().__init__()
        self.model = model
        self._name = name

    def forward(self, x: Tensor) -> Tensor:
        """Call the method."""
        found: Tensor | tuple[Tensor, Tensor] = getattr(self.model, self._name)(x)
        return found if isinstance(found, Tensor) else found[0]


class _MethodOfBands(_Method):
    """One method of a model that takes the code of the bands as well."""

    def forward(self, x: Tensor, bands: Tensor) -> Tensor:  # type: ignore[override]
        """Call the method."""
        found: Tensor = getattr(self.model, self._name)(x, bands)
        return found


def _planes_part(
    module: nn.Module, channels: int, given: str, output: str, border: int = 0
) -> Part:
    example = _zeros(channels, border)
    return Part(module, (example,), (given,), output, (free_planes(border + 1),))


def _zeros(channels: int, border: int = 0) -> Tensor:
    return torch.zeros(_BATCH, channels, _ROWS + border, _COLUMNS + border)
