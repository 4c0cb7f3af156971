"""Normalised planes through the networks of a pack: to latents, and back from their integers."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from hyspec import _core, inference
from hyspec.errors import PackError
from hyspec.pack import PackNetwork
from hyspec.quality import STEPS_PER_OCTAVE

#: Samples that go through a network at once; bounds memory and keeps caches warm.
_BATCH_SAMPLES = 1 << 17

Float32Array = npt.NDArray[np.float32]


def latent_grid(tile: _core.BandTile, network: PackNetwork) -> tuple[int, int]:
    """Latent positions along both axes of a tile."""
    return -(-tile.rows // network.stride), -(-tile.columns // network.stride)


def batches(count: int, grid: tuple[int, int], stride: int) -> list[slice]:
    """Parts of ``count`` planes that go through a network together."""
    size = max(1, _BATCH_SAMPLES // (math.prod(grid) * stride**2))
    return [slice(k, min(k + size, count)) for k in range(0, count, size)]


def analyse(
    network: PackNetwork,
    tile: _core.BandTile,
    count: int,
    normalised: Callable[[slice], Float32Array],
    *,
    int8: bool,
    optimise: bool,
) -> Float32Array:
    """Latents of planes.

    Parameters
    ----------
    network
        The network.
    tile
        Size of the planes.
    count
        Number of planes.
    normalised
        Some of the planes, extended to whole strides, shape (n, 1, rows, columns).
    int8
        Use the quantised graph where the network has one.
    optimise
        Let ONNX Runtime rewrite the graph.

    Returns
    -------
    ndarray of float32, shape (count, channels, positions)

    Raises
    ------
    PackError
        The graph is not the network that its pack says it is.
    """
    grid = latent_grid(tile, network)
    latents = np.empty((count, network.channels, math.prod(grid)), np.float32)
    graph = network.analysis
    if int8 and network.analysis_int8 is not None:
        graph = network.analysis_int8
    run = inference.network(graph, optimise=optimise)
    for part in batches(count, grid, network.stride):
        batch = normalised(part)
        found = checked(run(batch), (len(batch), network.channels, *grid))
        latents[part] = found.reshape(latents[part].shape)
    return latents


def synthesise(
    network: PackNetwork,
    tile: _core.BandTile,
    latents: npt.NDArray[np.int32],
    levels: npt.NDArray[np.int32],
    which: npt.NDArray[np.intp],
    *,
    unit: float = 1.0,
    optimise: bool,
) -> Float32Array:
    """Normalised planes from the integers of their latents.

    Parameters
    ----------
    network
        The network.
    tile
        Size of the planes.
    latents, levels
        Integers of all planes that have any, shape (planes, channels, positions), and their
        levels, shape (planes,).
    which
        The planes wanted, shape (n,): not more than go through the network at once.
    unit
        Steps that the integers count.
    optimise
        Let ONNX Runtime rewrite the graph.

    Returns
    -------
    ndarray of float32, shape (n, rows, columns)

    Raises
    ------
    PackError
        The graph is not the network that its pack says it is.
    """
    grid = latent_grid(tile, network)
    run = inference.network(network.synthesis, optimise=optimise)
    around = [which]
    # Own latents come first, then those of the planes before and after; at the ends, a plane stands
    # in for its missing neighbour.
    if network.context_bands == 3:
        around += [np.maximum(which - 1, 0), np.minimum(which + 1, len(latents) - 1)]
    context = np.concatenate(
        [
            latents[r].astype(np.float32) * (unit * network.inverse_gain[levels[r]][:, :, None])
            for r in around
        ],
        axis=1,
    )
    octave = (levels[which] / STEPS_PER_OCTAVE).astype(np.float32)
    decoded = checked(
        run(context.reshape(len(which), -1, *grid), octave[:, None, None, None]),
        (len(which), 1, grid[0] * network.stride, grid[1] * network.stride),
    )
    return decoded[:, 0, : tile.rows, : tile.columns]


def checked(output: Float32Array, shape: tuple[int, ...]) -> Float32Array:
    """Refuse the output of a graph that is not the network that its pack says it is."""
    if output.shape != shape:
        raise PackError(f"a graph of the pack yields shape {output.shape}; expected {shape}")
    return output
