"""Export of trained networks to a pack: ONNX graphs, gains and entropy models.

The format is described in docs/pack_format.md.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from hyspec.errors import UsageError
from hyspec.pack import FORMAT_VERSION, GAINS_PER_OCTAVE
from hyspec.pack_storage import replace_pack
from hyspec_training.balle import BandNetwork
from hyspec_training.config import Config
from hyspec_training.data import Scene
from hyspec_training.entropy_training import TrainedNetwork, switch_level, train_entropy_models
from hyspec_training.graphs import Graphs, export_graphs
from hyspec_training.networks import Network
from hyspec_training.onnx_graphs import OPSET, stored_in_half
from hyspec_training.profiles import PROFILES
from hyspec_training.quantise import quantise_analysis
from hyspec_training.sampling import validation_planes

Float32Array = npt.NDArray[np.float32]


def write_pack(
    folder: Path,
    config: Config,
    models: Sequence[Sequence[Network]],
    *,
    scenes: Sequence[Scene],
    validation: Sequence[dict[str, Any]],
    int8: bool = False,
    force: bool = False,
    quiet: bool = False,
) -> str:
    """Write a pack directory.

    Parameters
    ----------
    folder
        Directory to create; an existing one is replaced only with ``force``.
    config
        The recipe.
    models
        For each model that the recipe names, its networks in the order of the recipe.
    scenes
        Training scenes: the entropy models are trained, and integer graphs calibrated, on them.
    validation
        Rate and distortion on the validation scenes, for the manifest.
    int8
        Also write analysis graphs in 8-bit integers.
    force
        Replace what exists.
    quiet
        Show no progress bar.

    Returns
    -------
    str
        The pack's identifier in hexadecimal.

    Raises
    ------
    UsageError
        The directory exists, or the numbers of networks and models differ.
    """
    if len(models) != len(config.pack.models):
        raise UsageError(f"{len(models)} sets of networks for {len(config.pack.models)} models")
    if folder.exists() and not force:
        raise UsageError(f"{folder} exists already", hint="choose another name or use --force")
    named = _named(config, models)
    graphs = {name: export_graphs(net) for name, (net, _) in named.items()}
    trained = train_entropy_models(
        PROFILES[config.pack.profile],
        {name: (graphs[name], interval) for name, (_, interval) in named.items()},
        scenes,
        quiet=quiet,
    )
    files: dict[str, bytes] = {}
    networks = []
    for name, (net, _) in named.items():
        files.update(_files(name, graphs[name], trained[name]))
        if int8 and isinstance(net, BandNetwork):  # the other's analysis is one cheap convolution
            quantised = quantise_analysis(
                graphs[name].full, _calibration(scenes), partial(_reconstruct, net)
            )
            if quantised is not None:
                files[f"{name}/analysis-int8.onnx"] = stored_in_half(quantised)
        networks.append(_about(name, graphs[name], trained, named))
    manifest = {
        "format": "hyspec-pack",
        "format_version": FORMAT_VERSION,
        "name": config.pack.name,
        "profile": config.pack.profile,
        "description": config.pack.description,
        "sensor": config.pack.sensor,
        "licence": config.pack.licence,
        "opset": OPSET,
        "networks": networks,
        "models": [
            {"name": model, "networks": _names(config, k)}
            for k, model in enumerate(config.pack.models)
        ],
        "quality_range": [0, 10 * max(network.octaves for network in config.networks)],
        "recipe": config.text,
        "scenes": [scene.name for scene in scenes],
        "validation": list(validation),
    }
    return replace_pack(folder, manifest, files)


def _names(config: Config, model: int) -> list[str]:
    """Names in the pack of the networks of a model; shared ones have no number."""
    several = len(config.pack.models) > 1
    return [
        f"{network.name}-{model}" if several and network.per_interval else network.name
        for network in config.networks
    ]


def _named(
    config: Config, models: Sequence[Sequence[Network]]
) -> dict[str, tuple[Network, int | None]]:
    """Networks by their names in the pack, each with the interval that it is for, if not all."""
    result: dict[str, tuple[Network, int | None]] = {}
    for k, of_model in enumerate(models):
        if len(of_model) != len(config.networks):
            raise UsageError(
                f"{len(of_model)} networks in a model, {len(config.networks)} expected"
            )
        for name, recipe, net in zip(_names(config, k), config.networks, of_model, strict=True):
            result.setdefault(name, (net, k if name != recipe.name else None))
    return result


def _files(name: str, graphs: Graphs, trained: TrainedNetwork) -> dict[str, bytes]:
    probability, count, mixers, intra = trained.state
    files = {
        f"{name}/analysis.onnx": graphs.analysis,
        f"{name}/synthesis.onnx": graphs.synthesis,
        f"{name}/gain.npy": _npy(graphs.gain, "<i2"),
        f"{name}/inverse_gain.npy": _npy(graphs.inverse_gain, "<i2"),
        f"{name}/probability.npy": _npy(probability, "<u2"),
        f"{name}/count.npy": _npy(count, "|u1"),
        f"{name}/mixers.npy": _npy(mixers, "<i4"),
        f"{name}/intra.npy": _npy(intra, "<i4"),
    }
    if trained.surroundings is not None:
        files[f"{name}/surroundings.npy"] = _npy(trained.surroundings, "<i2")
    return files


def _about(
    name: str,
    graphs: Graphs,
    trained: dict[str, TrainedNetwork],
    named: dict[str, tuple[Network, int | None]],
) -> dict[str, Any]:
    """What the manifest says of a network."""
    # Networks of finer strides are for higher rates; the first one needs no threshold.
    coarser = [n for n, (net, _) in named.items() if net.stride > graphs.stride]
    return {
        "name": name,
        "stride": graphs.stride,
        "channels": graphs.channels,
        "levels": len(graphs.gain),
        "context_bands": graphs.context_bands,
        "from_level": switch_level([trained[n] for n in coarser], trained[name]) if coarser else 0,
        "gains_per_octave": GAINS_PER_OCTAVE,
    }


def _calibration(scenes: Sequence[Scene]) -> list[Float32Array]:
    """Batches of one whole plane each, (1, 1, rows, columns)."""
    return [stack[None] for _, stack in validation_planes(scenes, per_scene=4)]


@torch.no_grad()
def _reconstruct(net: BandNetwork, latents: Float32Array) -> Float32Array:
    """Round latents at the highest trained quality and decode them."""
    gain, inverse = (g[0, :, None, None].numpy() for g in net.gains(torch.tensor([net.octaves])))
    rounded = np.rint(latents * gain) * inverse
    return np.asarray(net.synthesis(torch.from_numpy(rounded).float()).numpy())


def _npy(values: npt.NDArray[Any], dtype: str) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, np.ascontiguousarray(values, dtype), allow_pickle=False)
    return buffer.getvalue()
