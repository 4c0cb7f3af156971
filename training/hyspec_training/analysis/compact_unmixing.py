"""Small unmixing networks of single pixels: compact-unmixing, supervised, and blind-unmixing.

Abundances are numbers from 0 to 1 with the sum 1, by a softmax.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from hyspec_training.analysis.base import PixelModel, check_endmembers, initialise

#: Keeps the norm of a zero spectrum from dividing by zero.
_TINY = 1e-6
#: Endmembers begin between these values.
_START = (0.2, 0.8)


class CompactUnmixing(PixelModel):
    """``compact-unmixing``: two convolutions with strides along the spectrum, one dense layer.

    Parameters
    ----------
    bands, endmembers
        Numbers of bands B and endmembers K.
    units
        Of the dense layer.
    dropout
        After the dense layer.
    """

    result = "abundances"

    def __init__(self, bands: int, endmembers: int, units: int = 64, dropout: float = 0.1) -> None:
        super().__init__(bands)
        length = (bands + 3) // 4  # both strides round up
        self.layers = nn.Sequential(
            nn.Conv1d(1, 8, 7, stride=2, padding=3),
            nn.BatchNorm1d(8),
            nn.ReLU(),
            nn.Conv1d(8, 16, 5, stride=2, padding=2),
            nn.BatchNorm1d(16),
            nn.ReLU(),
            nn.Flatten(),
            nn.Linear(16 * length, units),
            nn.ReLU(),
            nn.Dropout(dropout),
            nn.Linear(units, endmembers),
            nn.Softmax(dim=1),
        )
        initialise(self, nn.init.kaiming_normal_)

    def spectra(self, x: Tensor) -> Tensor:
        """Map spectra (M, B) to abundances (M, K)."""
        abundances: Tensor = self.layers(x[:, None])
        return abundances


class BlindUnmixing(PixelModel):
    """``blind-unmixing``: an autoencoder whose decoder learns the endmembers.

    The decoder is the linear mixing model: spectra are abundances times endmembers, which are
    weights that cannot be negative (softplus). The encoder sees each spectrum at unit length, so
    that light and shade do not change the abundances, and less the mean and divided by the
    deviation of each band; with an angle as the loss
    (:func:`hyspec_training.analysis.losses.spectral_angle`), light and shade do not count at all,
    but neither does the length of the endmembers;
    :func:`hyspec_training.analysis.losses.shaded_angle` keeps these what the samples say.

    Parameters
    ----------
    bands, endmembers
        Numbers of bands B and endmembers K.
    units
        Of the first two dense layers.
    """

    result = "abundances"

    def __init__(self, bands: int, endmembers: int, units: tuple[int, int] = (64, 32)) -> None:
        super().__init__(bands)
        first, second = units
        self.encoder = nn.Sequential(
            nn.BatchNorm1d(bands, affine=False),
            nn.Linear(bands, first),
            nn.LeakyReLU(0.02),
            nn.Linear(first, second),
            nn.LeakyReLU(0.02),
            nn.BatchNorm1d(second),
            nn.Linear(second, endmembers),
            nn.Softmax(dim=1),
        )
        initialise(self.encoder, nn.init.kaiming_normal_)
        start = torch.empty(endmembers, bands).uniform_(*_START)
        self.raw_endmembers = nn.Parameter(_softplus_inverse(start))

    @property
    def endmembers(self) -> Tensor:
        """Endmembers (K, B), not negative."""
        return F.softplus(self.raw_endmembers)

    @torch.no_grad()
    def set_endmembers(self, spectra: Tensor) -> None:
        """Begin with endmembers (K, B), such as those of vertex component analysis.

        Raises
        ------
        UsageError
            The shape is another one.
        """
        check_endmembers(spectra, self.raw_endmembers.shape)
        self.raw_endmembers.copy_(_softplus_inverse(spectra))

    def spectra(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Map spectra (M, B) to abundances (M, K) and decoded spectra (M, B)."""
        length = torch.sqrt((x * x).sum(dim=1, keepdim=True) + _TINY**2)  # (M, 1)
        abundances = self.encoder(x / length)
        return abundances, abundances @ self.endmembers


def _softplus_inverse(y: Tensor) -> Tensor:
    """Values whose softplus is ``y``; of numbers below 1e-6, as if they were 1e-6."""
    y = y.clamp_min(_TINY)
    return y + torch.log(-torch.expm1(-y))
