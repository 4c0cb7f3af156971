"""Trains what the entropy coder expects of a latent of a component plane from those around it.

Magnitudes of latents around it, in the subband, at other frequencies and in the planes before, are
summed with trained weights (spectral profile, sections 4.1 and 4.5). The weights of each channel
maximise the likelihood of the levels of training scenes, as integers whose magnitudes have a
geometric distribution of that mean.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from hyspec import _core
from hyspec_training.wavelet import LEVELS, Channel, cell, layout

#: Weights are stored in units of 1/256.
_UNITS = 256
_LARGEST = _core.MAX_TERM_WEIGHT / _UNITS
#: Decoded latents of the same subband that a sum takes: the nearest ones.
_NEAREST = 8
#: Places, down and across, where a latent of its own channel is decoded before.
_DECODED = ((0, -1), (-1, -1), (-1, 0), (-1, 1))
#: Positions beside one in its subband.
_BESIDE = ((-1, 0), (1, 0), (0, -1), (0, 1))
#: Cells that terms reach, in each direction, and planes that they reach back.
_REACH, _BACK = 1, 2
#: Latents drawn of each channel of a coded block, and fewest that tell anything.
_DRAWN, _FEWEST = 1500, 20
_FIRST_WEIGHT = 0.14
_LEAST_MEAN = 1e-6
_ITERATIONS = 60

#: Surroundings of a model that expects nothing.
NO_TERMS = np.zeros((0, 7), np.int16)

_LAYOUT = layout()
_NUMBERS = {channel: c for c, channel in enumerate(_LAYOUT)}


class Term(NamedTuple):
    """A term of a sum, but for its channel and weight; as in the document."""

    group: int
    age: int
    source: int
    down: int
    across: int


#: Of each channel: magnitudes (n,), and sums of terms of equal weight (n, candidates).
Drawn = list[tuple[npt.NDArray[np.int32], npt.NDArray[np.int16]]]


def candidates(c: int) -> list[tuple[Term, ...]]:
    """Terms that a channel may have, in sets of equal weight."""
    own = _LAYOUT[c]
    sets = [(term,) for term in [*_nearest(c), *_other_frequencies(own)]]
    sets += [(Term(2, age, c, 0, 0),) for age in (1, 2)]
    beside = (_place(own, own.row + down, own.column + across) for down, across in _BESIDE)
    return [*sets, tuple(Term(2, 1, *place) for place in beside)]


def _nearest(c: int) -> list[Term]:
    own = _LAYOUT[c]
    side = cell(own.level)
    found = []
    for k, other in enumerate(_LAYOUT[: c + 1]):
        if (other.level, other.band) != (own.level, own.band):
            continue
        for down, across in np.ndindex(3, 3):
            place = down - _REACH, across - _REACH
            if k == c and place not in _DECODED:
                continue
            rows = side * place[0] + other.row - own.row
            columns = side * place[1] + other.column - own.column
            found.append((rows**2 + columns**2, Term(0, 0, k, *place)))
    return [term for _, term in sorted(found)[:_NEAREST]]


def _other_frequencies(own: Channel) -> list[Term]:
    """Half the frequency, and the same one in other directions."""
    found = []
    if own.level < LEVELS:
        found.append(Channel(own.level + 1, own.band, own.row // 2, own.column // 2))
    before = {"LH": ("HL",), "HH": ("HL", "LH")}.get(own.band, ())
    found += [own._replace(band=band) for band in before]
    return [Term(1, 0, _NUMBERS[channel], 0, 0) for channel in found]


def _place(own: Channel, row: int, column: int) -> tuple[int, int, int]:
    """Channel, and cells down and across, of a position in a subband."""
    (down, y), (across, x) = (divmod(v, cell(own.level)) for v in (row, column))
    return _NUMBERS[own._replace(row=y, column=x)], down, across


def draw_latents(latents: npt.NDArray[np.int32], rng: np.random.Generator) -> Drawn:
    """Draw latents of a block, with what surrounds them.

    Parameters
    ----------
    latents
        Half steps, shape (planes, 64, rows, columns).
    rng
        Source of the draw.

    Returns
    -------
    list
        For each channel, magnitudes of levels, shape (n,), and for each set of `candidates` the sum
        of its magnitudes in half steps, shape (n, sets). Of each latent some sums are not zero.
    """
    planes, _, rows, columns = latents.shape
    edge = (_REACH, _REACH)
    errors = np.abs(np.concatenate([_predicted_errors(latents[:, :1]), latents[:, 1:]], 1))
    counted = np.pad(np.minimum(errors, _core.MOST_COUNTED), ((_BACK, 0), (0, 0), edge, edge))
    result = []
    for c in range(len(_LAYOUT)):
        size = _DRAWN if latents.size else 0
        k, y, x = (rng.integers(max(n, 1), size=size) for n in (planes, rows, columns))
        sums = [
            sum(
                counted[k + _BACK - t.age, t.source, y + _REACH + t.down, x + _REACH + t.across]
                for t in terms
            )
            for terms in candidates(c)
        ]
        around = np.stack(sums, axis=1).astype(np.int16)  # at most four times 4095
        some = around.any(1)
        levels = (errors[k, c, y, x][some] + 1) // 2
        result.append((levels.astype(np.int32), around[some]))
    return result


def _predicted_errors(z: npt.NDArray[np.int32]) -> npt.NDArray[np.int64]:
    """Errors of a fixed prediction of latents (..., rows, columns), close to those of the codec.

    The median edge detector of LOCO-I (M. J. Weinberger, G. Seroussi, G. Sapiro, "The LOCO-I
    lossless image compression algorithm", IEEE Trans. Image Processing 9(8), 2000), with zeros
    outside.
    """
    around = np.pad(z.astype(np.int64), ((0, 0), (0, 0), (1, 0), (1, 0)))
    west, north, corner = around[..., 1:, :-1], around[..., :-1, 1:], around[..., :-1, :-1]
    least, most = np.minimum(west, north), np.maximum(west, north)
    return np.asarray(z - np.clip(west + north - corner, least, most))


def fit(drawn: Sequence[Drawn]) -> npt.NDArray[np.int16]:
    """Fit the weights to latents of several blocks, which count alike.

    Parameters
    ----------
    drawn
        Of :func:`draw_latents`.

    Returns
    -------
    ndarray of int16, shape (T, 7)
        Terms, as :class:`hyspec._core.PlaneModel` takes them: channel, group, age, source, down,
        across and weight. A channel of which nothing was drawn keeps the first weights.
    """
    table = []
    for c in range(len(_LAYOUT)):
        blocks = [block[c] for block in drawn if len(block[c][0]) >= _FEWEST]
        weights = np.rint(_UNITS * _fit_channel(blocks, len(candidates(c))))
        for terms, weight in zip(candidates(c), weights, strict=True):
            if weight:
                table += [(c, *term, int(weight)) for term in terms]
    return np.array(table, np.int16).reshape(-1, 7)


def _fit_channel(
    blocks: Sequence[tuple[npt.NDArray[np.int32], npt.NDArray[np.int16]]], count: int
) -> npt.NDArray[np.float64]:
    """Weights of the sums, shape (count,)."""
    if not blocks:
        return np.full(count, _FIRST_WEIGHT)
    magnitude, around = (
        torch.from_numpy(np.concatenate([b[i] for b in blocks]).astype(np.float64)) for i in (0, 1)
    )  # (n,), (n, count)
    around = torch.cat([around / 2, torch.ones_like(around[:, :1])], 1)  # what is always expected
    # Blocks of large latents would outweigh all others.
    shares = [np.full(len(m), 1 / (2 * m.mean() + 0.1) / len(m)) for m, _ in blocks]
    share = torch.from_numpy(np.concatenate(shares) / len(blocks))
    first = math.log(_FIRST_WEIGHT / (_LARGEST - _FIRST_WEIGHT))
    logit = torch.full((count + 1,), first, dtype=torch.float64, requires_grad=True)
    optimiser = torch.optim.LBFGS([logit], max_iter=_ITERATIONS, line_search_fn="strong_wolfe")

    def loss() -> Tensor:
        optimiser.zero_grad()
        mean = around @ (_LARGEST * torch.sigmoid(logit)) + _LEAST_MEAN
        bits = share @ _bits(magnitude, mean)
        bits.backward()  # type: ignore[no-untyped-call]
        return bits

    optimiser.step(loss)  # type: ignore[no-untyped-call]
    return np.asarray(_LARGEST * torch.sigmoid(logit.detach()[:count]).numpy())


def _bits(magnitude: Tensor, mean: Tensor) -> Tensor:
    """Bits of magnitudes where their mean is expected."""
    return (1 + magnitude) * torch.log2(1 + mean) - magnitude * torch.log2(mean)
