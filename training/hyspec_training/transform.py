"""Invertible transforms of planes to 64 latents for each cell of 8 x 8 samples."""

from __future__ import annotations

from abc import ABC, abstractmethod

from torch import Tensor, nn

#: Samples per cell along each axis.
BLOCK = 8
#: Latents of a cell.
CHANNELS = BLOCK * BLOCK

Bank = tuple[Tensor, ...]


class Transform(nn.Module, ABC):
    """A transform whose inverse is exact whatever its parameters are.

    A unit error of a latent is about a unit error of the plane, so that one quantisation step suits
    all latents. Parameters make a *bank*, tensors that both directions compute with: once for all
    planes of a batch, and once for all where the transform is exported.
    """

    @abstractmethod
    def bank(self) -> Bank:
        """What the parameters stand for, differentiable."""

    @staticmethod
    @abstractmethod
    def analyse(x: Tensor, bank: Bank) -> Tensor:
        """Transform planes (N, 1, 8h, 8w) to latents (N, 64, h, w)."""

    @staticmethod
    @abstractmethod
    def synthesise(y: Tensor, bank: Bank) -> Tensor:
        """Transform latents (N, 64, h, w) back to planes (N, 1, 8h, 8w)."""

    def forward(self, x: Tensor) -> Tensor:
        """Transform planes (N, 1, 8h, 8w) to latents (N, 64, h, w)."""
        return self.analyse(x, self.bank())

    def inverse(self, y: Tensor) -> Tensor:
        """Transform latents (N, 64, h, w) back to planes (N, 1, 8h, 8w)."""
        return self.synthesise(y, self.bank())


class FixedTransform(nn.Module):
    """A transform as it is now, without parameters.

    Attributes
    ----------
    analyse, synthesise : callable
        The two directions, with the bank as their second argument.
    """

    def __init__(self, transform: Transform) -> None:
        super().__init__()
        self.analyse, self.synthesise = transform.analyse, transform.synthesise
        bank = transform.bank()
        self._names = [f"bank_{k}" for k in range(len(bank))]
        for name, tensor in zip(self._names, bank, strict=True):
            self.register_buffer(name, tensor.detach())

    @property
    def bank(self) -> Bank:
        """Tensors that the transform computes with."""
        return tuple(self.get_buffer(name) for name in self._names)
