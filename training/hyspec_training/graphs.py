"""The graphs and gains of a trained network, as the codec runs them."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch

from hyspec.pack import GAINS_PER_OCTAVE, MAX_GAIN
from hyspec.quality import STEPS_PER_OCTAVE
from hyspec_training.balle import BandNetwork
from hyspec_training.high_rate import Analysis, HighRateNetwork
from hyspec_training.networks import Network
from hyspec_training.onnx_graphs import halved, stored_in_half, to_onnx

#: Octaves beyond the trained range that can still be asked for, of networks that saturate.
_EXTRA_OCTAVES = 3


@dataclass(frozen=True)
class Graphs:
    """What the codec needs of a network, but for its entropy model.

    Attributes
    ----------
    stride, channels, context_bands : int
        As in :class:`hyspec.pack.PackNetwork`.
    analysis, synthesis : bytes
        ONNX graphs, weights in half precision.
    full : bytes
        The analysis with weights in single precision, of equal value.
    gain, inverse_gain : ndarray of int16, shape (levels, channels)
        Base-2 logarithms in units of 1/256.
    """

    stride: int
    channels: int
    context_bands: int
    analysis: bytes
    synthesis: bytes
    full: bytes
    gain: npt.NDArray[np.int16]
    inverse_gain: npt.NDArray[np.int16]


def export_graphs(net: Network) -> Graphs:
    """Make the graphs of a network."""
    net = net.to("cpu").eval()
    levels = highest_octave(net) * STEPS_PER_OCTAVE + 1
    quality = torch.arange(levels, dtype=torch.float32) / STEPS_PER_OCTAVE
    h, w = 2, 3
    plane = torch.zeros(2, 1, h * net.stride, w * net.stride)
    if isinstance(net, HighRateNetwork):
        analysis = halved(Analysis(net.transform))
        context_bands = net.context_bands
        examples = [torch.zeros(2, context_bands * net.channels, h, w), torch.zeros(2, 1, 1, 1)]
        inputs = ["latents", "octave"][: 1 if context_bands == 1 else 2]
        decoded = to_onnx(halved(net.synthesis()), examples[: len(inputs)], inputs, "plane")
        gain = (quality - math.log2(net.step_at_zero))[:, None].expand(-1, net.channels)
        inverse = -gain
    else:
        context_bands = 1
        analysis, synthesis = halved(net.analysis), halved(net.synthesis)
        latents = torch.zeros(2, net.channels, h, w)
        decoded = to_onnx(synthesis, [latents], ["latents"], "plane")
        with torch.no_grad():
            gain, inverse = (torch.log2(g) for g in net.gains(quality))
    full = to_onnx(analysis, [plane], ["plane"], "latents")
    return Graphs(
        stride=net.stride,
        channels=net.channels,
        context_bands=context_bands,
        analysis=stored_in_half(full),
        synthesis=stored_in_half(decoded),
        full=full,
        gain=_codes(gain),
        inverse_gain=_codes(inverse),
    )


def highest_octave(net: Network) -> int:
    """Highest quality that can be asked of a network, in octaves.

    The gains of a network that does not saturate follow from its step, and reach as far as codes of
    gains do: 19 octaves.
    """
    if isinstance(net, BandNetwork):
        return net.octaves + _EXTRA_OCTAVES
    return int(MAX_GAIN / GAINS_PER_OCTAVE + math.log2(net.step_at_zero))


def _codes(logarithm: torch.Tensor) -> npt.NDArray[np.int16]:
    """Logarithms as codes, held where the format holds them."""
    codes = np.rint(logarithm.double().numpy() * GAINS_PER_OCTAVE)
    return np.asarray(np.clip(codes, -MAX_GAIN, MAX_GAIN), np.int16)
