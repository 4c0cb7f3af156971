"""Training of a refinement on coded planes: a resumable loop, and what it gains."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from hyspec.refinement import INPUTS, surrounding
from hyspec_training import checkpoint
from hyspec_training.checkpoint import Checkpoint
from hyspec_training.coded_planes import CodedChunk
from hyspec_training.refinement import Refinement
from hyspec_training.refinement_config import RefinementConfig, RefinementRecipe
from hyspec_training.steps import check_loss, learning_rate, set_learning_rate
from hyspec_training.tracking import step_bar

STAGE = "refinement"
#: Blocks of samples that a wavelet transform treats alike: crops keep to this grid.
_GRID = 8
#: Above this rate, in bits per sample, there is little to learn: chunks are drawn half as often.
_HIGH_RATE = 0.4
#: Planes that are validated at once, and of a chunk.
_BATCH, _VALIDATED = 8, 24

Float32Array = npt.NDArray[np.float32]


class CropSampler:
    """Draws crops of coded planes, by step number alone.

    Parameters
    ----------
    chunks
        Coded chunks; larger ones are drawn more often, by the square root of their pixels, and
        those of high rates less often.
    patch
        Side of the crops in samples.
    seed
        Seed of all draws.
    """

    def __init__(self, chunks: Sequence[CodedChunk], patch: int, seed: int) -> None:
        self._chunks = chunks
        self._patch = patch
        self._seed = seed
        weights = np.sqrt([chunk.decoded[0].size for chunk in chunks])
        weights[[chunk.rate > _HIGH_RATE for chunk in chunks]] /= 2
        self._shares = weights / weights.sum()

    def batch(self, step: int, size: int) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Draw the batch of one step.

        Returns
        -------
        tuple of Tensor
            What the network sees, (size, INPUTS, patch, patch); errors, (size, 1, patch, patch);
            levels in octaves, (size, 1, 1, 1); and what an error counts, (size, 1, patch, patch).
        """
        rng = np.random.Generator(np.random.Philox(key=self._seed, counter=[0, 0, 0, step]))
        side = self._patch
        seen = np.empty((size, INPUTS, side, side), np.float32)
        errors, weights = np.zeros((2, size, 1, side, side), np.float32)
        octaves = np.empty((size, 1, 1, 1), np.float32)
        for n in range(size):
            chunk = self._chunks[rng.choice(len(self._chunks), p=self._shares)]
            octaves[n], planes, error = self._crop(chunk, rng)
            rows, columns = error.shape
            missing = [(0, 0), (0, side - rows), (0, side - columns)]
            seen[n] = np.pad(planes, missing, "edge")
            errors[n, 0, :rows, :columns] = error
            # Relative to the error of the chunk, in all of its planes and beside them.
            whole = chunk.decoded.size / chunk.squared_error
            weights[n, 0, :rows, :columns] = whole * side**2 / error.size
        return tuple(map(torch.from_numpy, (seen, errors, octaves, weights)))  # type: ignore[return-value]

    def _crop(
        self, chunk: CodedChunk, rng: np.random.Generator
    ) -> tuple[np.float32, Float32Array, Float32Array]:
        """Cut a plane with all that is seen of others, mirrored and turned."""
        k = int(rng.integers(len(chunk.decoded)))
        mirrored = [bool(m) for m in rng.random(2) < 0.5]
        sizes = chunk.decoded.shape[1:]
        place = tuple(self._part(n, m, rng) for n, m in zip(sizes, mirrored, strict=True))
        planes = surrounding(chunk.decoded, k, place)
        error = chunk.error[k][place].astype(np.float32)
        order = tuple(slice(None, None, -1 if m else 1) for m in mirrored)
        planes, error = planes[:, *order], error[order]
        if rng.random() < 0.5:
            planes, error = planes.swapaxes(1, 2), error.T
        sign = np.float32(1 if rng.random() < 0.5 else -1)
        return chunk.octave[k], planes * sign, error * sign

    def _part(self, length: int, mirrored: bool, rng: np.random.Generator) -> slice:
        """Part of an axis that begins on the grid of the transform, mirrored ones at their end."""
        first = int(mirrored)
        spare = max(0, (length - self._patch - first) // _GRID)
        start = _GRID * int(rng.integers(spare + 1)) + first
        stop = min(start + self._patch, length)
        if mirrored:
            stop = 1 + _GRID * ((stop - 1) // _GRID)
        return slice(start, stop)


def settings_of(recipe: RefinementRecipe, pack_id: str, scenes: Sequence[str]) -> dict[str, Any]:
    """All that decides the weights."""
    found = dataclasses.asdict(recipe.refinement)
    del found["checkpoint_every"]
    return {"pack": pack_id, "scenes": list(scenes), **found}


def train(
    net: Refinement,
    chunks: Sequence[CodedChunk],
    recipe: RefinementRecipe,
    settings: dict[str, Any],
    folder: Path,
    *,
    quiet: bool = False,
) -> None:
    """Train ``net`` in place, resuming from the checkpoint in ``folder`` if there is one.

    Parameters
    ----------
    net
        The network.
    chunks
        What to train on.
    recipe
        The recipe.
    settings
        See :func:`settings_of`.
    folder
        Folder of the checkpoint.
    quiet
        Show no progress bar.

    Raises
    ------
    DataError
        The loss is no longer finite, or the checkpoint is damaged.
    UsageError
        The checkpoint was made with other settings.
    """
    config, path = recipe.refinement, folder / f"{STAGE}.pt"
    optimiser = torch.optim.Adam(net.parameters(), lr=config.learning_rate)
    found = checkpoint.resumed(path, settings, net, optimiser)
    first = 0 if found is None else found.step
    sampler = CropSampler(chunks, config.patch, config.seed)
    gain = math.nan
    with step_bar(STAGE, first, config.steps, quiet=quiet) as bar:
        for step in range(first, config.steps):
            rate = learning_rate(
                config.learning_rate, config.final_learning_rate, step, config.steps
            )
            set_learning_rate(optimiser, rate)
            loss, before = _step(net, optimiser, sampler.batch(step, config.batch), config)
            check_loss(loss, STAGE, step)
            saved = 1 - loss / before
            gain = saved if math.isnan(gain) else gain + 0.01 * (saved - gain)
            bar.set_postfix(saved=f"{gain:.4f}", refresh=False)
            bar.update()
            done = step + 1
            if done % config.checkpoint_every == 0 or done == config.steps:
                Checkpoint(
                    stage=STAGE,
                    network=STAGE,
                    interval=None,
                    recipe=recipe.text,
                    scenes=settings["scenes"],
                    settings=settings,
                    step=done,
                    steps=config.steps,
                    model=net.state_dict(),
                    optimiser=optimiser.state_dict(),
                    history=[],
                ).save(path)


def _step(
    net: Refinement,
    optimiser: torch.optim.Optimizer,
    batch: tuple[Tensor, Tensor, Tensor, Tensor],
    config: RefinementConfig,
) -> tuple[float, float]:
    """Train on one batch; return the weighted squared error, and that without refinement."""
    seen, errors, octaves, weights = batch
    loss = (weights * (errors - net(seen, octaves)).square()).mean()
    optimiser.zero_grad(set_to_none=True)
    loss.backward()
    nn.utils.clip_grad_norm_(net.parameters(), config.clip_norm)
    optimiser.step()
    before = (weights * errors.square()).mean()
    return float(loss.detach()), float(before)


@torch.no_grad()
def validate(net: Refinement, chunks: Sequence[CodedChunk]) -> list[dict[str, Any]]:
    """What the refinement gains on coded chunks.

    Returns
    -------
    list of dict
        For each chunk: scene, bits per sample, and what PSNR gains in dB, all samples counted.
    """
    net.eval()
    records = []
    for chunk in chunks:
        count, rows, columns = chunk.decoded.shape
        missing = [(0, 0), (0, -rows % _GRID), (0, -columns % _GRID)]
        every = -(-count // _VALIDATED)
        which = list(range(0, count, every))
        saved = 0.0
        for start in range(0, len(which), _BATCH):
            part = which[start : start + _BATCH]
            seen = np.stack([np.pad(surrounding(chunk.decoded, k), missing, "edge") for k in part])
            octaves = torch.from_numpy(chunk.octave[part][:, None, None, None])
            found = net(torch.from_numpy(seen), octaves)[:, 0, :rows, :columns].double().numpy()
            error = chunk.error[part].astype(np.float64)
            saved += float((np.square(error) - np.square(error - found)).sum())
        left = 1 - saved * count / len(which) / chunk.squared_error
        records.append({"scene": chunk.scene, "bps": chunk.rate, "gain_db": -10 * math.log10(left)})
    net.train()
    return records
