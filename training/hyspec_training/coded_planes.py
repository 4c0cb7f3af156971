"""Planes of scenes as the encoder codes them: what a refinement is trained on.

Errors of quantisation that looks for cheap levels are not those of rounding, and a network that has
learned the one does harm to the other. So scenes are coded, with the pack that the refinement is
for, at steps from a high to a low rate. What the decoder makes of the planes is kept in a cache
folder, together with the planes.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from tqdm import tqdm

from hyspec import _core, rate_control
from hyspec.pack import Pack
from hyspec.quality import STEPS_PER_OCTAVE
from hyspec.refinement import quantiser_step
from hyspec.spectral_profile import SpectralCoder
from hyspec.spectral_symbols import SpectralAnalysis
from hyspec.tile_coder import TileSamples
from hyspec_training import blocks
from hyspec_training.components import encoded_type
from hyspec_training.data import Scene

#: Changes whenever what is kept of a chunk does.
_VERSION = 1
#: Rates of the coarsest and the finest step, in bits per sample, and how many steps there are.
_RATES = (0.03, 2.5)
_STEPS = 9
#: Errors are held within so many steps; only networks that do not follow to this rate reach them.
_MOST_ERROR = 100.0
#: Rates within so many times of these will do.
_TOLERANCE = 0.2
#: What one step changes of the base-2 logarithm of the rate, about.
_RATE_SLOPE = -0.03

Float32Array = npt.NDArray[np.float32]


@dataclass(frozen=True)
class CodedChunk:
    """A block of a scene that was coded at one step. Planes are in quantiser steps.

    Attributes
    ----------
    scene : str
        Name of the scene.
    rate : float
        Bits per sample.
    decoded : ndarray of float32, shape (planes, rows, columns)
        Decoded planes, without refinement.
    error : ndarray of float16, same shape
        What they lack of the planes that were coded.
    octave : ndarray of float32, shape (planes,)
        Levels in octaves.
    squared_error : float
        That of all samples of the chunk, in squared quantiser steps: of the planes, and of all that
        is not in them.
    """

    scene: str
    rate: float
    decoded: Float32Array
    error: npt.NDArray[np.float16]
    octave: Float32Array
    squared_error: float


def coded_chunks(
    scenes: Sequence[Scene], pack: Pack, folder: Path, *, quiet: bool
) -> list[CodedChunk]:
    """Code blocks of scenes, as far as that is not done.

    Parameters
    ----------
    scenes
        The scenes.
    pack
        Pack of the ``spectral`` profile.
    folder
        Cache folder; made if there is none.
    quiet
        Show no progress bar.

    Returns
    -------
    list of CodedChunk
        Those with planes.
    """
    folder.mkdir(parents=True, exist_ok=True)
    parts = [(scene, block) for scene in scenes for block in blocks.spread(scene)]
    found: list[CodedChunk] = []
    for scene, block in tqdm(parts, "coded planes", disable=quiet, unit="block"):
        samples = block.read(scene, scene.bands)
        facts = [_VERSION, pack.id.hex(), samples.dtype.str, list(samples.shape)]
        key = hashlib.sha256(json.dumps(facts).encode() + samples.tobytes()).hexdigest()[:24]
        path = folder / f"coded-{key}.npz"
        if not path.exists():
            _save(path, _coded(samples, pack))
        found += _load(path, scene.name)
    return found


def _coded(samples: npt.NDArray[Any], pack: Pack) -> list[dict[str, Any]]:
    """Code a block at all steps; what is kept of each."""
    coder = SpectralCoder(pack.models[0])
    sample_type = encoded_type(samples)
    analysis = coder.analyse(TileSamples(samples, None, sample_type))
    counts = sample_type.to_counts(samples)
    return [_coded_at(coder, analysis, counts, step) for step in _steps(coder, analysis)]


def _steps(coder: SpectralCoder, analysis: SpectralAnalysis) -> list[int]:
    """Steps from the coarsest to the finest one."""
    tile = analysis.tile
    if not analysis.scale.size:
        return []

    def rate(step: int) -> float:
        payload = coder.encode(analysis, step)[0]
        return 8 * len(payload) / (tile.rows * tile.columns * tile.bands)

    # A first component that is three octaves above the step is one of few planes.
    guess = 2 * (int(analysis.scale[0]) - 65) - 6 * STEPS_PER_OCTAVE
    coarsest, finest = (
        rate_control.search(
            rate,
            target,
            _core.MIN_STEP,
            _core.MAX_STEP,
            guess=guess,
            slope=_RATE_SLOPE,
            tolerance=_TOLERANCE,
        ).step
        for target in _RATES
    )
    steps = np.linspace(coarsest, finest, _STEPS).round().astype(int)
    return list(dict.fromkeys(steps.tolist()))


def _coded_at(
    coder: SpectralCoder, analysis: SpectralAnalysis, counts: npt.NDArray[np.float64], step: int
) -> dict[str, Any]:
    payload, _, symbols = coder.encode(analysis, step)
    planes, decoded = coder.coded_planes(analysis, symbols)
    unit = quantiser_step(step)
    total = 0.0
    for where, found in coder.synthesise(analysis.tile, symbols, np.arange(analysis.tile.bands)):
        total += float(np.square(found - counts[:, :, where].transpose(2, 0, 1)).sum())
    return {
        "rate": 8 * len(payload) / counts.size,
        "decoded": (decoded / unit).astype(np.float32),
        "error": np.clip((planes - decoded) / unit, -_MOST_ERROR, _MOST_ERROR).astype(np.float16),
        "octave": (coder.levels(symbols) / STEPS_PER_OCTAVE).astype(np.float32),
        "squared_error": total / unit**2,
    }


def _save(path: Path, chunks: Sequence[dict[str, Any]]) -> None:
    """Write beside and rename: nobody finds half a file."""
    temporary = path.with_suffix(".tmp.npz")
    values = {f"{k}-{name}": v for k, chunk in enumerate(chunks) for name, v in chunk.items()}
    np.savez(temporary, count=len(chunks), **values)
    temporary.replace(path)


def _load(path: Path, scene: str) -> list[CodedChunk]:
    with np.load(path) as kept:
        chunks = [
            CodedChunk(
                scene,
                float(kept[f"{k}-rate"]),
                kept[f"{k}-decoded"],
                kept[f"{k}-error"],
                kept[f"{k}-octave"],
                float(kept[f"{k}-squared_error"]),
            )
            for k in range(int(kept["count"]))
        ]
    return [chunk for chunk in chunks if len(chunk.decoded)]
