"""What training does differently for each profile of the codec.

Networks of both profiles see normalised planes: bands of a scene, or its principal components.
Entropy models of both learn what the coder of the profile makes of scenes.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from hyspec import _core, profiles
from hyspec.quality import STEPS_PER_OCTAVE, deviations, scale_codes, step_for_octave
from hyspec.sample_type import SampleType
from hyspec_training import blocks, cache
from hyspec_training.blocks import Block
from hyspec_training.components import encoded_type
from hyspec_training.data import Scene

EntropyModel = _core.LatentModel | _core.PlaneModel
Trainer = _core.LatentTrainer | _core.PlaneTrainer

#: Qualities, in half octaves of the median band, that chunks of bands are coded at.
_BAND_QUALITIES = range(2, 22)
#: Qualities, in octaves, that planes of components are coded at: from this one of the second
#: component, where two planes are worth coding,
_FIRST_QUALITY = 1.5
#: to this one of the median component, which is as a rule one of the noise.
_LAST_QUALITY = 2.5


@dataclass(frozen=True)
class Chunk:
    """Some bands of a block of a scene, which are coded as one.

    Attributes
    ----------
    scene : Scene
        The scene.
    block : Block
        Rows and columns.
    bands : ndarray of int64
        Bands.
    interval : int or None
        Interval that the bands are of, ``None`` if they are all.
    """

    scene: Scene
    block: Block
    bands: npt.NDArray[np.int64]
    interval: int | None

    def read(self) -> npt.NDArray[Any]:
        """Samples of shape (rows, columns, bands)."""
        return self.block.read(self.scene, self.bands)


@dataclass(frozen=True)
class TrainingProfile:
    """One profile.

    Attributes
    ----------
    codec : hyspec.profiles.Profile
        The profile in the codec.
    planes : callable
        Planes that networks see of a scene, as scenes whose bands they are; takes the scene, its
        file and the cache folder.
    chunks : callable
        Chunks of a scene that entropy models learn from.
    sample_type : callable
        How the samples of a chunk become whole numbers.
    steps : callable
        Quality steps that an analysed chunk is coded at, and for each its quality in half octaves
        if networks are compared there, else ``None``.
    coded_levels : callable
        Levels of the planes whose latents the coder made, from their scale codes, the quality step
        and the number of levels.
    untrained : callable
        Entropy model that has seen nothing, of gains (levels, channels) and terms (T, 7).
    trained : callable
        Entropy model of gains, a state and terms.
    trainer : callable
        Trainer of an entropy model.
    has_surroundings : bool
        Whether models have terms, of :mod:`hyspec_training.surroundings`; others ignore them.
    """

    codec: profiles.Profile
    planes: Callable[[Scene, Path, Path], list[Scene]]
    chunks: Callable[[Scene], list[Chunk]]
    sample_type: Callable[[npt.NDArray[Any]], SampleType]
    steps: Callable[[Any], list[tuple[int, int | None]]]
    coded_levels: Callable[[npt.NDArray[np.int32], int, int], npt.NDArray[np.int32]]
    untrained: Callable[[npt.NDArray[np.int16], npt.NDArray[np.int16]], EntropyModel]
    trained: Callable[[npt.NDArray[np.int16], Any, npt.NDArray[np.int16]], EntropyModel]
    trainer: Callable[[Any], Trainer]
    has_surroundings: bool


# ---- band ---------------------------------------------------------------------------------------


def _bands(scene: Scene, *_: Path) -> list[Scene]:
    return [scene]


def _interval_chunks(scene: Scene) -> list[Chunk]:
    models, block = scene.models[scene.bands], blocks.middle(scene)
    return [Chunk(scene, block, scene.bands[models == k], int(k)) for k in np.unique(models)]


def _fine_type(samples: npt.NDArray[Any]) -> SampleType:
    """Whole numbers fine enough for every band of a chunk."""
    spread = samples.astype(np.float32).std(axis=(0, 1))
    finest = float(spread[spread > 0].min()) if (spread > 0).any() else 1.0
    return SampleType(np.dtype(np.float32), finest / 64)


def _band_steps(analysis: Any) -> list[tuple[int, int | None]]:
    varying = analysis.scale[analysis.scale > 0]
    if not varying.size:
        return []
    middle = float(deviations(np.median(varying)))
    return [(step_for_octave(middle, k / 2), k) for k in _BAND_QUALITIES]


def _active_levels(scale: npt.NDArray[np.int32], step: int, levels: int) -> npt.NDArray[np.int32]:
    found = _core.band_levels(scale, step, levels)
    return found[found >= 0]


# ---- spectral -----------------------------------------------------------------------------------


def _components(scene: Scene, path: Path, folder: Path) -> list[Scene]:
    return cache.open_components(path, scene, folder)


def _whole_chunks(scene: Scene) -> list[Chunk]:
    return [Chunk(scene, block, scene.bands, None) for block in blocks.spread(scene)]


def _component_steps(analysis: Any) -> list[tuple[int, int | None]]:
    if not analysis.scale.size:
        return []
    variance = np.sort(np.concatenate(analysis.statistics.components.variance))[::-1]
    found = deviations(scale_codes(np.sqrt(np.maximum(variance, 0.0))))
    coarsest = step_for_octave(found[min(1, len(found) - 1)], _FIRST_QUALITY)
    finest = step_for_octave(found[len(found) // 2], _LAST_QUALITY)
    return [(step, None) for step in range(coarsest, finest - 1, -STEPS_PER_OCTAVE // 2)]


def _all_levels(scale: npt.NDArray[np.int32], step: int, levels: int) -> npt.NDArray[np.int32]:
    """Levels of planes, all of which have latents."""
    return np.maximum(_core.band_levels(scale, step, levels), 0)


def _plane_model(
    gain: npt.NDArray[np.int16], state: Any, terms: npt.NDArray[np.int16]
) -> EntropyModel:
    probability, count, mixers, intra = state
    return _core.PlaneModel(gain, probability, count, mixers, intra, terms)


BAND = TrainingProfile(
    profiles.BAND,
    planes=_bands,
    chunks=_interval_chunks,
    sample_type=_fine_type,
    steps=_band_steps,
    coded_levels=_active_levels,
    untrained=lambda gain, _: _core.LatentModel.untrained(gain),
    trained=lambda gain, state, _: _core.LatentModel(gain, *state),
    trainer=_core.LatentTrainer,
    has_surroundings=False,
)
SPECTRAL = TrainingProfile(
    profiles.SPECTRAL,
    planes=_components,
    chunks=_whole_chunks,
    sample_type=encoded_type,
    steps=_component_steps,
    coded_levels=_all_levels,
    untrained=_core.PlaneModel.untrained,
    trained=_plane_model,
    trainer=partial(_core.PlaneTrainer, dependent=True),
    has_surroundings=True,
)
#: By name.
PROFILES = {profile.codec.name: profile for profile in (BAND, SPECTRAL)}
