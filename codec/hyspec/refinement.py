"""Decoded planes through the refinement of a pack, which estimates what quantisation took.

docs/spectral_profile.md, section 6.3.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from hyspec import _core, inference
from hyspec.pack import PackNetwork
from hyspec.plane_networks import batches, checked, latent_grid
from hyspec.quality import STEPS_PER_OCTAVE

#: Quantiser step of planes at quality step 0, in whole numbers.
STEP_AT_ZERO = 8.0
#: Planes that the refinement of a plane sees, relative to it: itself and its neighbours,
NEIGHBOURS = (0, -1, 1, -2, 2)
#: and how many of the first ones, as far as they lie before these.
LEADING = 3
INPUTS = len(NEIGHBOURS) + LEADING
#: Those that come before the plane, the nearest one and the first ones.
GUIDES = [1, 5, 6, 7]
#: Planes of a chunk are refined if they are no more than these, or than bands that vary over this.
_FEW_PLANES = 32
_MOST_SHARE = 4
#: What the network sees is held within so many quantiser steps; no honest plane is that large.
_MOST_STEPS = 65536.0
#: Rows at most that a correction depends on, above and below, and samples that are refined at once:
#: larger planes are cut into strips that overlap by these rows.
REACH = 32
_STRIP_SAMPLES = 1 << 19
_LEAST_STRIP_ROWS = 64
#: Memory that the network takes per sample.
_SAMPLE_BYTES = 750

Float32Array = npt.NDArray[np.float32]


def quantiser_step(step: int) -> float:
    """Quantiser step of planes at a quality step, in whole numbers."""
    return float(STEP_AT_ZERO * 2.0 ** (step / STEPS_PER_OCTAVE))


def pays(planes: int, varying: int) -> bool:
    """Whether planes of a chunk are refined: not if there are many, which are mostly noise.

    Parameters
    ----------
    planes
        Number of planes.
    varying
        Number of bands that vary.
    """
    return planes <= max(_FEW_PLANES, varying // _MOST_SHARE)


def surrounding(
    planes: Float32Array, k: int, place: tuple[slice, ...] = (slice(None), slice(None))
) -> Float32Array:
    """What the refinement of plane k sees: the plane, its neighbours, the first ones.

    Parameters
    ----------
    planes
        All planes, shape (planes, rows, columns).
    k
        Number of the plane.
    place
        Rows and columns.

    Returns
    -------
    ndarray of float32, shape (INPUTS, rows, columns)
        Zeros stand for planes that there are none of.
    """
    seen = [k + away for away in NEIGHBOURS]
    seen += [n if n < min(seen) else -1 for n in range(LEADING)]
    result = np.zeros((INPUTS, *planes[k][place].shape), np.float32)
    for n, source in enumerate(seen):
        if 0 <= source < len(planes):
            result[n] = planes[source][place]
    return result


def refined(
    network: PackNetwork,
    graph: bytes,
    tile: _core.BandTile,
    planes: Float32Array,
    levels: npt.NDArray[np.int32],
    step: int,
    *,
    optimise: bool,
) -> Float32Array:
    """Planes nearer to those that were coded.

    Parameters
    ----------
    network
        The network that the planes come from.
    graph
        Its refinement.
    tile
        Size of the planes.
    planes
        Decoded planes on the integer scale, finite, shape (planes, rows, columns).
    levels
        Their levels, shape (planes,).
    step
        Quality step of the chunk.
    optimise
        Let ONNX Runtime rewrite the graph.

    Returns
    -------
    ndarray of float32, same shape
        Some are not finite if planes reach to the end of single precision.

    Raises
    ------
    PackError
        The graph is not the network that its pack says it is.
    """
    unit = quantiser_step(step)
    grid, stride = latent_grid(tile, network), network.stride
    padding = [(0, 0), (0, -tile.rows % stride), (0, -tile.columns % stride)]
    octave = (levels / STEPS_PER_OCTAVE).astype(np.float32)[:, None, None, None]
    run = inference.network(graph, optimise=optimise)
    rows, columns = (n * stride for n in grid)
    result = np.empty_like(planes)
    for part in batches(len(planes), grid, stride):
        seen = np.stack([surrounding(planes, k) for k in range(part.start, part.stop)])
        with np.errstate(over="ignore"):
            seen = np.clip(seen * np.float32(1 / unit), -_MOST_STEPS, _MOST_STEPS)
        batch = np.stack([np.pad(planes_of_one, padding, "edge") for planes_of_one in seen])
        found = np.empty((len(batch), rows, columns), np.float32)
        for strip in _strips(rows, columns, stride):
            first, last = max(0, strip.start - REACH), min(rows, strip.stop + REACH)
            shape = (len(batch), 1, last - first, columns)
            correction = checked(run(batch[:, :, first:last], octave[part]), shape)
            found[:, strip] = correction[:, 0, strip.start - first : strip.stop - first]
        with np.errstate(over="ignore", invalid="ignore"):
            result[part] = planes[part] + np.float32(unit) * found[:, : tile.rows, : tile.columns]
    return result


def most_bytes(rows: int, columns: int) -> int:
    """Memory that refining planes of a size takes beside the planes, generously."""
    samples = min(rows * columns, _STRIP_SAMPLES + (_LEAST_STRIP_ROWS + 2 * REACH) * columns)
    return samples * _SAMPLE_BYTES


def _strips(rows: int, columns: int, stride: int) -> list[slice]:
    """Rows of planes that are refined at once, without those that strips overlap by."""
    if rows * columns <= _STRIP_SAMPLES:
        return [slice(0, rows)]
    size = max(_LEAST_STRIP_ROWS, _STRIP_SAMPLES // columns)
    size += -size % stride
    return [slice(row, min(row + size, rows)) for row in range(0, rows, size)]
