"""One encoder for spectra of any number of bands, in the form of its paper: shared-encoder.

Kong, Liu: a convolutional autoencoder whose latents are maxima over the spectrum, so that one set
of weights takes any number of bands. Trained on several sensors, it extracts features of others.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import torch.nn.functional as F
from torch import Tensor, nn

from hyspec.errors import UsageError
from hyspec_training.analysis.base import PixelAutoencoder, pixels, planes


class SharedEncoder(PixelAutoencoder):
    """``shared-encoder``: strided convolutions, maximum over the spectrum, and back.

    Spectra of b bands are padded by reflection to a multiple of 2 to the number of strides, and
    cropped after decoding. The maxima are repeated over the spectrum for the decoder, which knows a
    band's place by the zeros beyond the ends of the spectrum alone.

    Parameters
    ----------
    bands
        Bands of :meth:`decode_spectra`; :meth:`encode_spectra` and :meth:`spectra` take any number
        that :meth:`takes` says.
    latents
        Width r of the latents: 8, 16 or 32 in the paper.
    filters
        Of the convolutions before the one that gives the latents. The more of them, the further
        zeros reach in from the ends of the spectrum, and the better the decoder knows its place.
    """

    def __init__(self, bands: int, latents: int = 16, filters: Sequence[int] = (32, 64)) -> None:
        super().__init__(bands)
        self.latents = latents
        sizes = [1, *filters, latents]
        self._multiple = 2 ** (len(sizes) - 1)
        if bands < self._multiple:
            raise UsageError(f"{bands} bands; expected at least {self._multiple}")
        down: list[nn.Module] = []
        for inputs, outputs in itertools.pairwise(sizes):
            down += [nn.Conv1d(inputs, outputs, 5, stride=2, padding=2), nn.ReLU()]
        up: list[nn.Module] = []
        for inputs, outputs in zip(sizes[::-1], sizes[-2::-1], strict=False):
            up += [nn.ConvTranspose1d(inputs, outputs, 4, stride=2, padding=1), nn.ReLU()]
        self.encoder = nn.Sequential(*down[:-1])
        self.decoder = nn.Sequential(*up[:-1])

    def takes(self, bands: int) -> bool:
        """Whether spectra of so many bands are long enough for their padding."""
        return self._padding(bands)[1] < bands

    def encode_spectra(self, x: Tensor) -> Tensor:
        """Map spectra (M, b) to latents (M, r)."""
        before, after = self._padding(x.shape[1])
        y: Tensor = self.encoder(
            F.pad(x[:, None], (before, after), mode="reflect")
        )  # (M, r, (b + db) / 8)
        return y.amax(dim=2)

    def decode_spectra(self, z: Tensor, bands: int | None = None) -> Tensor:
        """Map latents (M, r) to spectra (M, b), of the model's number of bands by default."""
        bands = bands or self.bands
        before, after = self._padding(bands)
        length = (bands + before + after) // self._multiple
        y: Tensor = self.decoder(z[..., None].expand(-1, -1, length))  # (M, 1, b + db)
        return y[:, 0, before : before + bands]

    def spectra(self, x: Tensor) -> Tensor:
        """Encode and decode spectra (M, b)."""
        return self.decode_spectra(self.encode_spectra(x), x.shape[1])

    def decode(self, z: Tensor, bands: int | None = None) -> Tensor:
        """Map latents (N, r, H, W) to planes (N, b, H, W)."""
        return planes(self.decode_spectra(pixels(z), bands), z)

    def _padding(self, bands: int) -> tuple[int, int]:
        missing = -bands % self._multiple
        return missing // 2, missing - missing // 2
