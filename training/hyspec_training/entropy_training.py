"""Trains the adaptive entropy models of a pack: what the coder starts each chunk from.

The training scenes are cut into chunks and coded at many qualities, as an encoder would, and the
state that the models are in afterwards becomes that of the pack. So symbols are counted by the very
code that will code them. Chunks are read from the mapped scenes one at a time.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from tqdm import tqdm

from hyspec import _core
from hyspec.band_profile import STEPS_PER_OCTAVE, BandCoder, TileAnalysis, step_for_octave
from hyspec.errors import DataError
from hyspec.pack import GAINS_PER_OCTAVE, BandModel, BandNetwork
from hyspec.sample_type import SampleType
from hyspec_training.data import Scene
from hyspec_training.graphs import Graphs

#: Chunks are cut from the middle of scenes, at most this many rows and columns.
_SIDE = 256
#: Qualities, in octaves, that chunks are coded at: every half octave up to this many.
_HIGHEST_QUALITY = 11
#: Bits that the slots of a pack remember at most, so that they adapt soon to what is new.
_MOST_COUNT = 12
#: At equal slope, error counts this much in bits per sample, in steps of the high-rate network
#: squared; see :mod:`hyspec_training.loss`.
_SLOPE = 6 / np.log(2)
_STEP_AT_ZERO = 8.0
#: Levels at which networks are compared: every half octave.
_COMPARED = range(0, 10 * STEPS_PER_OCTAVE, STEPS_PER_OCTAVE // 2)
_SEED = 1

State = tuple[
    npt.NDArray[np.uint16], npt.NDArray[np.uint8], npt.NDArray[np.int32], npt.NDArray[np.int32]
]


@dataclass(frozen=True)
class TrainedNetwork:
    """Entropy model of a network.

    Attributes
    ----------
    state : tuple of ndarray
        Probabilities, counts, weights of mixers and of the prediction within a band.
    cost : ndarray of float64, shape (compared levels,)
        Bits per sample at equal slope, error included, averaged over the training chunks whose
        median band has about that level.
    """

    state: State
    cost: npt.NDArray[np.float64]


@dataclass(frozen=True)
class _Chunk:
    """Bands of one interval in the middle of a scene."""

    scene: Scene
    bands: npt.NDArray[np.int64]
    interval: int

    def read(self) -> npt.NDArray[np.float32]:
        """Samples of shape (rows, columns, bands)."""
        rows, columns = (
            slice((n - min(n, _SIDE)) // 2, (n + min(n, _SIDE)) // 2)
            for n in self.scene.array.shape[:2]
        )
        return np.asarray(self.scene.array[rows, columns][:, :, self.bands], np.float32)


def train_entropy_models(
    networks: Mapping[str, tuple[Graphs, int | None]], scenes: Sequence[Scene], *, quiet: bool
) -> dict[str, TrainedNetwork]:
    """Train the entropy models of networks.

    Parameters
    ----------
    networks
        By name: graphs of a network, and the interval that it is for, ``None`` for all.
    scenes
        Training scenes.
    quiet
        Show no progress bar.

    Raises
    ------
    DataError
        A scene does not fit the whole numbers that the codec counts in.
    """
    chunks = [chunk for scene in scenes for chunk in _chunks(scene)]
    if not chunks:
        raise DataError("there is no scene to train the entropy models on")
    return {
        name: _train(name, graphs, interval, chunks, quiet=quiet)
        for name, (graphs, interval) in networks.items()
    }


def switch_level(coarser: Sequence[TrainedNetwork], finer: TrainedNetwork) -> int:
    """Level from which on the finer network costs less than the coarser ones."""
    costs = np.array([network.cost for network in coarser])
    cost = np.min(np.where(np.isnan(costs), np.inf, costs), axis=0)
    worse = np.flatnonzero((finer.cost >= cost) & np.isfinite(cost))  # never where nothing is known
    return int(_COMPARED[min(int(worse[-1]) + 1, len(_COMPARED) - 1)]) if worse.size else 0


def _chunks(scene: Scene) -> list[_Chunk]:
    models = scene.models[scene.bands]
    return [_Chunk(scene, scene.bands[models == k], int(k)) for k in np.unique(models)]


def _train(
    name: str, graphs: Graphs, interval: int | None, chunks: Sequence[_Chunk], *, quiet: bool
) -> TrainedNetwork:
    network = BandNetwork(
        name=name,
        stride=graphs.stride,
        channels=graphs.channels,
        levels=len(graphs.gain),
        from_level=0,
        context_bands=graphs.context_bands,
        analysis=graphs.analysis,
        analysis_int8=None,
        synthesis=graphs.synthesis,
        inverse_gain=np.exp2(graphs.inverse_gain / GAINS_PER_OCTAVE).astype(np.float32),
        latents=_core.LatentModel.untrained(graphs.gain),
    )
    coder = BandCoder(BandModel(name, (network,)))
    trainer = _core.LatentTrainer(network.latents)
    rng = np.random.default_rng(_SEED)
    costs: list[list[float]] = [[] for _ in _COMPARED]
    # All chunks first, at random; then those of the own interval, which so have the last word.
    order = list(rng.permutation(len(chunks)))
    if interval is not None:
        order += [k for k in rng.permutation(len(chunks)) if chunks[k].interval == interval]
    for k in tqdm(order, f"entropy model of {name}", disable=quiet, unit="chunk"):
        samples = chunks[k].read()
        analysis = coder.analyse(samples, None, _counting(samples))
        varying = analysis.scale[analysis.scale > 0]
        if not varying.size:
            continue
        middle = 2.0 ** ((float(np.median(varying)) - 65) / 16)
        for quality in rng.permutation(np.arange(2, 2 * _HIGHEST_QUALITY)) / 2:
            step = step_for_octave(middle, float(quality))
            bits, error = _learn(coder, trainer, network, analysis, step)
            place = int(2 * quality)
            if place < len(costs) and (interval is None or chunks[k].interval == interval):
                costs[place].append(
                    bits + _SLOPE * error / (_STEP_AT_ZERO * 2.0 ** (step / 32)) ** 2
                )
    probability, count, mixers, intra = trainer.state
    state = (probability, np.minimum(count, _MOST_COUNT).astype(np.uint8), mixers, intra)
    cost = np.array([np.mean(c) if c else np.nan for c in costs])
    return TrainedNetwork(state, cost)


def _counting(samples: npt.NDArray[np.float32]) -> SampleType:
    """Whole numbers fine enough for every band of a chunk."""
    spread = samples.std(axis=(0, 1))
    finest = float(spread[spread > 0].min()) if (spread > 0).any() else 1.0
    return SampleType(np.dtype(np.float32), finest / 64)


def _learn(
    coder: BandCoder,
    trainer: _core.LatentTrainer,
    network: BandNetwork,
    analysis: TileAnalysis,
    step: int,
) -> tuple[float, float]:
    """Code a chunk; return its bits per sample and mean squared error in whole numbers squared."""
    _, _, symbols = coder.encode(analysis, step)
    levels = _core.band_levels(analysis.scale, step, network.levels)
    tile = analysis.tile
    grid = -(-tile.rows // network.stride), -(-tile.columns // network.stride)
    bits = 0.0
    if len(symbols.latents):
        latents = symbols.latents.reshape(-1, network.channels, *grid)
        bits = trainer.learn(levels[levels >= 0].astype(np.uint32), latents)
    total = 0.0
    some = np.arange(0, tile.bands, max(1, tile.bands // 4))  # enough to compare networks by
    for where, planes in coder.synthesise(tile, symbols, some):
        for band, plane in zip(some[where], planes, strict=True):
            counts, _ = analysis.planes.counts(int(band))
            total += float(np.square(plane - counts).mean())
    return bits / (tile.rows * tile.columns * tile.bands), total / len(some)
