"""What the benchmark asks of a codec: bytes of a cube at a target, and a cube of these bytes."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import numpy as np
import numpy.typing as npt

from hyspec import Cube
from hyspec.errors import UsageError

#: Integer samples of any type, shape (rows, columns, bands).
Samples = npt.NDArray[np.integer[Any]]


class Kind(StrEnum):
    """What a target limits."""

    RATE = "rate"
    MAX_ERROR = "max_error"
    LOSSLESS = "lossless"


@dataclass(frozen=True)
class Target:
    """What an encoding must reach.

    Attributes
    ----------
    kind : Kind
        What is asked for.
    value : float
        Rate in bits per sample, or largest absolute error in sample units; 0 where lossless.
    """

    kind: Kind
    value: float = 0.0

    def budget(self, samples: int) -> int:
        """Bytes that the rate allows for this many samples."""
        return int(self.value * samples / 8)


class Codec(ABC):
    """A codec of integer cubes. An object holds settings, and nothing of a cube.

    Attributes
    ----------
    kinds : frozenset of Kind
        Kinds of targets that it can be given.
    searches : frozenset of Kind
        Those for which it encodes several times and keeps the best, which its times include.
    """

    kinds: frozenset[Kind]
    searches: frozenset[Kind] = frozenset()

    def settings(self) -> dict[str, Any]:
        """Return what the codec was made with, as JSON takes it."""
        return {}

    @abstractmethod
    def encode(self, cube: Cube, target: Target) -> bytes:
        """Return all that decoding needs: every byte of it counts.

        Parameters
        ----------
        cube
            Integer samples, all of them valid; wavelengths where the scene has them.
        target
            Of one of the codec's kinds.
        """

    @abstractmethod
    def decode(self, data: bytes) -> Samples:
        """Decode what `encode` returned, from these bytes alone."""


def refuse(codec: Codec, target: Target) -> UsageError:
    """Error for a target of a kind that the codec does not have."""
    return UsageError(
        f"{type(codec).__name__} has no target {target.kind}; "
        f"expected one of {', '.join(sorted(codec.kinds))}"
    )
