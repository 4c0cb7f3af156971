"""The networks that a recipe can name."""

from __future__ import annotations

from hyspec_training.balle import BandNetwork
from hyspec_training.config import NetworkConfig
from hyspec_training.high_rate import Dequantiser, HighRateNetwork
from hyspec_training.lapped import LappedTransform
from hyspec_training.wavelet import WaveletTransform

Network = BandNetwork | HighRateNetwork


def build(settings: NetworkConfig) -> Network:
    """Make an untrained network.

    Its attributes are ``stride`` (samples per latent position along each axis), ``channels``,
    ``octaves`` (trained quality range), ``bands`` (neighbouring bands that it is trained with, T)
    and ``step_at_zero`` (see :func:`hyspec_training.loss.rate_distortion`). Called with planes
    (N, T, H, W) and qualities (N,), it returns the reconstruction and bits (N,).
    """
    if settings.kind == "lapped":
        return HighRateNetwork(LappedTransform(), settings.octaves, Dequantiser())
    if settings.kind == "wavelet":
        return HighRateNetwork(WaveletTransform(), settings.octaves)
    return BandNetwork(settings.filters, settings.octaves, heavy=settings.synthesis == "heavy")
