"""Batches of patches, drawn by the number of the step alone, so that a run can be resumed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from hyspec_training.analysis import augmentation
from hyspec_training.analysis.config import AugmentationConfig
from hyspec_training.analysis.fields import Field

_Int = npt.NDArray[np.int64]
_Float = npt.NDArray[np.float32]

#: What draws are for; each purpose has random numbers of its own.
_ORDER, _CHANGES = 1, 2


@dataclass(frozen=True)
class Batch:
    """Patches of one sensor, and the truth about the pixels in their middle.

    Attributes
    ----------
    x : Tensor, shape (N, bands, P, P)
    labels : Tensor of int64, shape (N,)
        Classes from 1; 0 for pixels without.
    abundances : Tensor, shape (N, endmembers), or None
    code : Tensor, shape (bands, 3), or None
        Of the bands.
    """

    x: Tensor
    labels: Tensor
    abundances: Tensor | None
    code: Tensor | None

    @property
    def spectra(self) -> Tensor:
        """Spectra (N, bands) of the pixels in the middle."""
        middle = self.x.shape[-1] // 2
        return self.x[:, :, middle, middle]

    def part(self, which: slice) -> Batch:
        """Return some of the patches."""
        abundances = None if self.abundances is None else self.abundances[which]
        return Batch(self.x[which], self.labels[which], abundances, self.code)

    def to(self, device: torch.device) -> Batch:
        """Return the batch on a device."""
        abundances = None if self.abundances is None else self.abundances.to(device)
        code = None if self.code is None else self.code.to(device)
        return Batch(self.x.to(device), self.labels.to(device), abundances, code)


class PixelSampler:
    """Draws batches from the training pixels of scenes, sensor by sensor.

    An epoch sees the training pixels once, in random order; the last batch of a sensor is filled up
    with its first pixels, so that all batches are of one size.

    Parameters
    ----------
    fields
        The scenes. Those with equal bands are of one sensor.
    batch
        Pixels of a batch; fewer where a sensor has fewer.
    processes
        Sizes of batches are multiples of this.
    seed
        Of all draws.
    config
        What is done to patches.
    epoch_size
        Most pixels of an epoch; 0 for all.
    unlabelled
        Share of a batch that comes from pixels without class.
    """

    def __init__(
        self,
        fields: Sequence[Field],
        batch: int,
        *,
        processes: int = 1,
        seed: int,
        config: AugmentationConfig,
        epoch_size: int = 0,
        unlabelled: float = 0.0,
    ) -> None:
        self._seed, self._config, self._epoch_size = seed, config, epoch_size
        sensors: dict[tuple[int, bytes], list[Field]] = {}
        for field in fields:
            code = b"" if field.code is None else field.code.numpy().tobytes()
            sensors.setdefault((field.bands, code), []).append(field)
        trained = [
            _Sensor(of_one, batch, processes, unlabelled)
            for of_one in sensors.values()
            if any(field.parts["train"].any() for field in of_one)
        ]
        self._sensors = trained
        self._batches = [
            (number, k)
            for number, sensor in enumerate(trained)
            for k in range(-(-self._pixels(sensor) // sensor.labelled))
        ]

    @property
    def steps(self) -> int:
        """Batches of an epoch."""
        return len(self._batches)

    def batch(self, step: int) -> Batch:
        """Draw the batch of a step, counted over all epochs."""
        epoch, place = divmod(step, self.steps)
        order = self._generator(_ORDER, epoch)
        number, k = self._batches[order.permutation(self.steps)[place]]
        sensor = self._sensors[number]
        # Sensors are shuffled alike whichever of their batches is drawn.
        permutation = np.random.default_rng((self._seed, epoch, number)).permutation(
            len(sensor.train)
        )[: self._pixels(sensor)]
        places = np.arange(k * sensor.labelled, (k + 1) * sensor.labelled) % len(permutation)
        chosen = sensor.train[permutation[places]]
        rng = self._generator(_CHANGES, step)
        if sensor.without:
            others = rng.integers(len(sensor.unlabelled), size=sensor.without)
            chosen = np.concatenate([chosen, sensor.unlabelled[others]])
        return self._changed(sensor, chosen, rng)

    def _pixels(self, sensor: _Sensor) -> int:
        return min(len(sensor.train), self._epoch_size or len(sensor.train))

    def _generator(self, purpose: int, number: int) -> np.random.Generator:
        return np.random.Generator(
            np.random.Philox(key=self._seed, counter=[0, 0, purpose, number])
        )

    def _changed(self, sensor: _Sensor, chosen: _Int, rng: np.random.Generator) -> Batch:
        x, labels, abundances = sensor.patches(chosen)
        if self._config.mixture:
            partners, _, of_partners = sensor.patches(sensor.partners(chosen, labels, rng))
            both = None
            if abundances is not None and of_partners is not None:
                both = np.stack([abundances, of_partners])
            x, abundances = augmentation.mix(x, partners, both, self._config, rng)
        if self._config.radiation:
            x = augmentation.radiation(x, sensor.fields[0].zero, self._config, rng)
        if self._config.flips:
            x = augmentation.flip(x, rng)
        return Batch(
            torch.from_numpy(x),
            torch.from_numpy(labels),
            None if abundances is None else torch.from_numpy(abundances),
            sensor.fields[0].code,
        )


class _Sensor:
    """Scenes of one sensor, and their pixels as rows of (scene, row, column)."""

    def __init__(
        self, fields: Sequence[Field], batch: int, processes: int, unlabelled: float
    ) -> None:
        self.fields = fields
        self.train = self._pixels("train")
        self.unlabelled = self._pixels("unlabelled")
        size = min(batch, len(self.train))
        size = max(processes, size - size % processes)
        self.without = round(unlabelled * size) if len(self.unlabelled) else 0
        self.labelled = size - self.without
        labels = self._labels(self.train)
        self._by_class = {int(c): self.train[labels == c] for c in np.unique(labels)}

    def patches(self, pixels: _Int) -> tuple[_Float, _Int, _Float | None]:
        """Patches, classes and abundances of pixels (N, 3)."""
        field = self.fields[0]
        x = np.empty((len(pixels), field.bands, field.patch, field.patch), np.float32)
        abundances = None
        if field.abundances is not None:
            abundances = np.empty((len(pixels), len(field.abundances)), np.float32)
        for number, field in enumerate(self.fields):
            here = pixels[:, 0] == number
            if not here.any():
                continue
            x[here] = field.patches(pixels[here, 1:])
            if abundances is not None and field.abundances is not None:
                abundances[here] = field.abundances[:, pixels[here, 1], pixels[here, 2]].T
        return x, self._labels(pixels), abundances

    def partners(self, pixels: _Int, labels: _Int, rng: np.random.Generator) -> _Int:
        """Draw a training pixel for each pixel: of its class, or of any if abundances are known."""
        draws = rng.random(len(pixels))
        result = pixels.copy()
        if self.fields[0].abundances is not None:
            return self.train[(draws * len(self.train)).astype(np.int64)]
        for label, of_class in self._by_class.items():
            here = labels == label
            result[here] = of_class[(draws[here] * len(of_class)).astype(np.int64)]
        return result

    def _pixels(self, part: str) -> _Int:
        found = [
            np.insert(field.pixels(part), 0, number, axis=1)
            for number, field in enumerate(self.fields)
        ]
        return np.concatenate(found)

    def _labels(self, pixels: _Int) -> _Int:
        labels = np.zeros(len(pixels), np.int64)
        for number, field in enumerate(self.fields):
            here = pixels[:, 0] == number
            known = field.labels * field.parts["train"]
            labels[here] = known[pixels[here, 1], pixels[here, 2]]
        return labels
