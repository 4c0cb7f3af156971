"""Graphs of networks, exported once: a wavelet takes the exporter of PyTorch half a minute."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
import torch

from hyspec_training.graphs import Graphs, export_graphs
from hyspec_training.high_rate import Dequantiser, HighRateNetwork
from hyspec_training.lapped import LappedTransform
from hyspec_training.networks import Network
from hyspec_training.wavelet import WaveletTransform
from made_once import made_once


def exported_once(factory: pytest.TempPathFactory, net: Network) -> Graphs:
    """Graphs of a network, those of an equal one if it was exported before in this session."""
    digest = hashlib.sha256(repr((type(net), net.octaves, net)).encode())
    for name, values in sorted(net.state_dict().items()):
        digest.update(f"{name} {values.dtype} {values.shape}".encode())
        digest.update(values.numpy(force=True).tobytes())

    def export(_: Path) -> Graphs:
        return export_graphs(net)

    return made_once(factory, f"graphs-{digest.hexdigest()}", export)


def random_lapped() -> HighRateNetwork:
    """A network like the second one of the ``band`` profile, with weights that are random."""
    torch.manual_seed(5)
    return _moved(HighRateNetwork(LappedTransform(), 2, Dequantiser(width=8, blocks=1)))


def random_wavelet() -> HighRateNetwork:
    """A network like that of the ``spectral`` profile, with coefficients that are random."""
    torch.manual_seed(5)
    return _moved(HighRateNetwork(WaveletTransform(), 2))


def _moved(net: HighRateNetwork) -> HighRateNetwork:
    """Move all parameters from where they begin."""
    with torch.no_grad():
        for parameter in net.parameters():
            parameter += 0.1 * torch.randn_like(parameter)
    return net.eval()
