"""What all analysis models have in common: planes in, planes out.

A model maps planes (N, B, H, W) of B bands to planes (N, F, H - P + 1, W - P + 1), where P is the
side of its patch: each output position belongs to the pixel in the middle of P x P input pixels.
No model pads its input in space, so that a scene in one piece and the same scene in overlapping
pieces give the same output.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable

import torch
from torch import Tensor, nn

from hyspec.errors import UsageError

#: What a model is trained on: its result, and for some models the decoded spectrum of the pixel.
Prediction = Tensor | tuple[Tensor, Tensor]


class AnalysisModel(nn.Module):
    """Base of all models.

    Parameters
    ----------
    bands
        Number of bands B.
    patch
        Side P of the patch, odd where a pixel is to be in the middle.

    Attributes
    ----------
    whole_scenes : bool
        The model takes planes of any size, not patches only.
    result : str
        What its first output is: ``scores`` or ``abundances``.
    """

    whole_scenes = False
    result = "scores"

    def __init__(self, bands: int, patch: int = 1) -> None:
        super().__init__()
        self.bands = bands
        self.patch = patch


class PixelModel(AnalysisModel, ABC):
    """A model that sees one spectrum at a time."""

    whole_scenes = True

    @abstractmethod
    def spectra(self, x: Tensor) -> Prediction:
        """Map spectra (M, B) to results (M, F), and maybe decoded spectra (M, B)."""

    def forward(self, x: Tensor) -> Prediction:
        """Map planes (N, B, H, W) to planes (N, F, H, W)."""
        found = self.spectra(pixels(x))
        if isinstance(found, Tensor):
            return planes(found, x)
        return planes(found[0], x), planes(found[1], x)


class PixelAutoencoder(PixelModel, ABC):
    """A pixel model whose result is the spectrum itself.

    Attributes
    ----------
    latents : int
        Numbers that a spectrum is encoded as, Z.
    """

    latents: int

    @abstractmethod
    def encode_spectra(self, x: Tensor) -> Tensor:
        """Map spectra (M, B) to latents (M, Z)."""

    @abstractmethod
    def decode_spectra(self, z: Tensor) -> Tensor:
        """Map latents (M, Z) to spectra (M, B)."""

    def spectra(self, x: Tensor) -> Tensor:
        """Encode and decode spectra (M, B)."""
        return self.decode_spectra(self.encode_spectra(x))

    def encode(self, x: Tensor) -> Tensor:
        """Map planes (N, B, H, W) to latents (N, Z, H, W)."""
        return planes(self.encode_spectra(pixels(x)), x)

    def decode(self, z: Tensor) -> Tensor:
        """Map latents (N, Z, H, W) to planes (N, B, H, W)."""
        return planes(self.decode_spectra(pixels(z)), z)


def pixels(x: Tensor) -> Tensor:
    """Spectra (N * H * W, B) of planes (N, B, H, W)."""
    return x.permute(0, 2, 3, 1).reshape(-1, x.shape[1])


def planes(y: Tensor, like: Tensor) -> Tensor:
    """Planes (N, F, H, W) of values (N * H * W, F), with N, H and W as in ``like``."""
    n, _, h, w = like.shape
    return y.reshape(n, h, w, y.shape[-1]).permute(0, 3, 1, 2)


def crop(x: Tensor, margin: int) -> Tensor:
    """Take ``margin`` rows and columns off each side of (N, C, H, W)."""
    return x if margin == 0 else x[..., margin:-margin, margin:-margin]


def check_endmembers(spectra: Tensor, shape: torch.Size) -> None:
    """Refuse endmembers of another shape than (K, B).

    Raises
    ------
    UsageError
        The shape is another one.
    """
    if spectra.shape != shape:
        raise UsageError(f"endmembers of the shape {tuple(spectra.shape)}; expected {tuple(shape)}")


def length_after(length: int, kernel: int, stride: int = 1, padding: int = 0) -> int:
    """Number of samples that a convolution, or a pooling, makes of ``length``.

    Raises
    ------
    UsageError
        None is left: the network has too few bands, or too small a patch.
    """
    found = (length + 2 * padding - kernel) // stride + 1
    if found < 1:
        raise UsageError(
            f"a kernel of {kernel} samples on {length + 2 * padding}; expected as many or more",
            hint="this network needs more bands, or a larger patch",
        )
    return found


def initialise(model: nn.Module, weights: Callable[[Tensor], object]) -> None:
    """Fill the weights of dense and convolutional layers by ``weights``; their biases become 0."""
    for layer in model.modules():
        if isinstance(layer, nn.Linear | nn.Conv1d | nn.Conv2d | nn.Conv3d):
            weights(layer.weight)
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)
