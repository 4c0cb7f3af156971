"""Trains the adaptive entropy models of a pack: what the coder starts each chunk from.

The training scenes are cut into chunks and coded at many qualities, as an encoder would, and the
state that the models are in afterwards becomes that of the pack. So symbols are counted by the very
code that will code them. Chunks are read from the mapped scenes one at a time.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from tqdm import tqdm

from hyspec import _core, plane_networks
from hyspec.errors import DataError
from hyspec.pack import GAINS_PER_OCTAVE, PackModel, PackNetwork
from hyspec.quality import STEPS_PER_OCTAVE
from hyspec.sample_type import SampleType
from hyspec.tile_coder import TileCoder, TileSamples
from hyspec_training.data import Scene
from hyspec_training.graphs import Graphs
from hyspec_training.profiles import Chunk, Trainer, TrainingProfile
from hyspec_training.surroundings import NO_TERMS, draw_latents, fit

#: Bits that the slots of a pack remember at most, so that they adapt soon to what is new.
_MOST_COUNT = 12
#: Rounds over all chunks at the end of the training.
_LAST_ROUNDS = 4
#: At equal slope, error counts this much in bits per sample, in steps of the high-rate network
#: squared; see :mod:`hyspec_training.loss`.
_SLOPE = 6 / np.log(2)
_STEP_AT_ZERO = 8.0
#: Levels at which networks are compared: every half octave.
_COMPARED = range(0, 10 * STEPS_PER_OCTAVE, STEPS_PER_OCTAVE // 2)
_SEED = 1
#: Latents are rounded up from 1 less this.
_ROUNDED_UP = 0.42
#: Larger levels count as this; it is far beyond what counts in sums.
_LARGEST_LEVEL = 2.0**20
#: Places in the range of steps where blocks are rounded to learn what surrounds latents.
_LOOKS = tuple((k + 0.5) / 7 for k in range(7))

State = tuple[
    npt.NDArray[np.uint16], npt.NDArray[np.uint8], npt.NDArray[np.int32], npt.NDArray[np.int32]
]


@dataclass(frozen=True)
class TrainedNetwork:
    """Entropy model of a network.

    Attributes
    ----------
    state : tuple of ndarray
        Probabilities, counts, weights of mixers and of the prediction within a band or plane.
    cost : ndarray of float64, shape (compared levels,)
        Bits per sample at equal slope, error included, averaged over the training chunks whose
        median band has about that level.
    surroundings : ndarray of int16, shape (T, 7), or None
        Terms of a model of components.
    """

    state: State
    cost: npt.NDArray[np.float64]
    surroundings: npt.NDArray[np.int16] | None = None


def train_entropy_models(
    profile: TrainingProfile,
    networks: Mapping[str, tuple[Graphs, int | None]],
    scenes: Sequence[Scene],
    *,
    quiet: bool,
) -> dict[str, TrainedNetwork]:
    """Train the entropy models of networks.

    Parameters
    ----------
    profile
        Profile of their pack.
    networks
        By name: graphs of a network, and the interval that it is for, ``None`` for all.
    scenes
        Training scenes, as they are encoded.
    quiet
        Show no progress bar.

    Raises
    ------
    DataError
        A scene does not fit the whole numbers that the codec counts in.
    """
    chunks = [chunk for scene in scenes for chunk in profile.chunks(scene)]
    if not chunks:
        raise DataError("there is no scene to train the entropy models on")
    return {
        name: _train(profile, name, graphs, interval, chunks, quiet=quiet)
        for name, (graphs, interval) in networks.items()
    }


def switch_level(coarser: Sequence[TrainedNetwork], finer: TrainedNetwork) -> int:
    """Level from which on the finer network costs less than the coarser ones."""
    costs = np.array([network.cost for network in coarser])
    cost = np.min(np.where(np.isnan(costs), np.inf, costs), axis=0)
    worse = np.flatnonzero((finer.cost >= cost) & np.isfinite(cost))  # never where nothing is known
    return int(_COMPARED[min(int(worse[-1]) + 1, len(_COMPARED) - 1)]) if worse.size else 0


def _train(
    profile: TrainingProfile,
    name: str,
    graphs: Graphs,
    interval: int | None,
    chunks: Sequence[Chunk],
    *,
    quiet: bool,
) -> TrainedNetwork:
    network = PackNetwork(
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
        latents=profile.untrained(graphs.gain, NO_TERMS),
    )
    if not profile.has_surroundings:
        return _adapted(profile, network, graphs, NO_TERMS, interval, chunks, quiet=quiet)
    terms = _surroundings(profile, network, chunks, quiet=quiet)
    found = _adapted(profile, network, graphs, terms, interval, chunks, quiet=quiet)
    return dataclasses.replace(found, surroundings=terms)


def _adapted(
    profile: TrainingProfile,
    network: PackNetwork,
    graphs: Graphs,
    terms: npt.NDArray[np.int16],
    interval: int | None,
    chunks: Sequence[Chunk],
    *,
    quiet: bool,
) -> TrainedNetwork:
    """Code all chunks with a model that has terms and has seen nothing."""
    trainer = profile.trainer(profile.untrained(graphs.gain, terms))
    rng = np.random.default_rng(_SEED)
    costs: list[list[float]] = [[] for _ in _COMPARED]
    # All chunks first, at random, at all steps; then those of the own interval. The last word have
    # all of these alike, at a step each.
    own = [k for k, chunk in enumerate(chunks) if interval in (None, chunk.interval)]
    visits = [(k, False) for k in rng.permutation(len(chunks))]
    if interval is not None:
        visits += [(k, False) for k in rng.permutation(own)]
    visits += [(k, True) for _ in range(_LAST_ROUNDS) for k in rng.permutation(own)]
    for k, briefly in tqdm(visits, f"entropy model of {network.name}", disable=quiet, unit="chunk"):
        # What encoders choose depends on what bits cost: each chunk is coded as far as is known.
        latents = profile.trained(graphs.gain, trainer.state, terms)
        known = dataclasses.replace(network, latents=latents)
        coder = profile.codec.coder(PackModel(network.name, (known,)))
        samples = chunks[k].read()
        sample_type = profile.sample_type(samples)
        analysis = coder.analyse(TileSamples(samples, None, sample_type))
        tile, steps = analysis.tile, profile.steps(analysis)
        for at in rng.permutation(len(steps))[: 1 if briefly else None]:
            step, place = steps[at]
            _, _, symbols = coder.encode(analysis, step)
            bits = _learn(profile, trainer, network, tile, symbols)
            if k in own and not briefly and place is not None and place < len(costs):
                error = _squared_error(coder, tile, symbols, samples, sample_type)
                costs[place].append(
                    bits + _SLOPE * error / (_STEP_AT_ZERO * 2.0 ** (step / 32)) ** 2
                )
    probability, count, mixers, intra = trainer.state
    state = (probability, np.minimum(count, _MOST_COUNT).astype(np.uint8), mixers, intra)
    cost = np.array([np.mean(c) if c else np.nan for c in costs])
    return TrainedNetwork(state, cost)


def _surroundings(
    profile: TrainingProfile, network: PackNetwork, chunks: Sequence[Chunk], *, quiet: bool
) -> npt.NDArray[np.int16]:
    """Learn what surrounds latents from those of all chunks.

    They are rounded without an eye on what they cost, which says more of where latents are large
    than what encoders leave of them.
    """
    coder: Any = profile.codec.coder(PackModel(network.name, (network,)))
    rng = np.random.default_rng(_SEED)
    drawn = []
    for chunk in tqdm(chunks, f"surroundings in {network.name}", disable=quiet, unit="chunk"):
        samples = chunk.read()
        analysis = coder.analyse(TileSamples(samples, None, profile.sample_type(samples)))
        grid = plane_networks.latent_grid(analysis.tile, network)
        steps = profile.steps(analysis)
        for step, _ in [steps[int(place * len(steps))] for place in _LOOKS if steps]:
            latents = coder.latents(analysis, step)
            size = np.floor(np.minimum(np.abs(latents), _LARGEST_LEVEL) + _ROUNDED_UP)
            levels = np.copysign(size, latents).astype(np.int32)
            drawn.append(draw_latents(2 * levels.reshape(-1, network.channels, *grid), rng))
    return fit(drawn)


def _planes(network: PackNetwork, tile: _core.BandTile, symbols: Any) -> npt.NDArray[np.int32]:
    """Coded latents, shape (planes, channels, rows, columns)."""
    grid = plane_networks.latent_grid(tile, network)
    return np.asarray(symbols.latents.reshape(-1, network.channels, *grid))


def _learn(
    profile: TrainingProfile,
    trainer: Trainer,
    network: PackNetwork,
    tile: _core.BandTile,
    symbols: Any,
) -> float:
    """Adapt to a coded chunk; return its bits per sample."""
    if not len(symbols.latents):
        return 0.0
    levels = profile.coded_levels(symbols.scale, symbols.step, network.levels)
    bits = trainer.learn(levels.astype(np.uint32), _planes(network, tile, symbols))
    return bits / (tile.rows * tile.columns * tile.bands)


def _squared_error(
    coder: TileCoder[Any, Any],
    tile: _core.BandTile,
    symbols: Any,
    samples: npt.NDArray[Any],
    sample_type: SampleType,
) -> float:
    """Mean squared error of some bands, in whole numbers squared."""
    total = 0.0
    some = np.arange(0, tile.bands, max(1, tile.bands // 4))  # enough to compare networks by
    for where, planes in coder.synthesise(tile, symbols, some):
        for band, plane in zip(some[where], planes, strict=True):
            counts = sample_type.to_counts(samples[:, :, band])
            total += float(np.square(plane - counts).mean())
    return total / len(some)
