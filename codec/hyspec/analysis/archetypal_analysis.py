"""Archetypes of a scene: endmembers that are averages of pixels, and explain all others best.

Archetypal analysis (A. Cutler and L. Breiman, "Archetypal analysis", Technometrics 36, 1994) by
entropic descent (A. Zouaoui, G. Muhawenayo, B. Rasti, J. Chanussot and J. Mairal, "Entropic descent
archetypal analysis for blind hyperspectral unmixing", IEEE Trans. Image Process. 32, 2023): with U
the spectra (pixels, bands) at nearly unit length, both factors of

    U ~ A W U,   A (pixels, endmembers) and W (endmembers, pixels), rows at least 0 and of sum 1,

are improved in turns by multiplicative steps. At unit length, light and shade do not count, but the
noise of dark spectra counts as much as the signal of bright ones; so half the mean length is added
to each length, as squares add. Averages have less noise than the single pixels that vertex
component analysis takes. Where it ends depends on where it begins: of several beginnings, the one
that explains the spectra best is kept, for which no truth is needed.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from hyspec.analysis.vertex_component_analysis import vca
from hyspec.errors import UsageError

_Float = npt.NDArray[np.float64]

#: Pixels that take part, at most; drawn at random.
_MOST_PIXELS = 2500
#: Dimensions of the spectra beyond the number of endmembers.
_EXTRA_DIMENSIONS = 2
#: Turns of both factors, and steps of each factor in a turn.
_TURNS, _STEPS = 60, 5
#: Lengths of the steps, in units of the curvature.
_ABUNDANCE_STEP, _WEIGHT_STEP = 4.0, 5.0
#: Largest change of a logarithm in one step.
_MOST = 10.0
#: Share of the pixels that an archetype is an average of at the beginning.
_NEIGHBOURS = 0.02
#: What is added to the length of spectra, relative to the mean length.
_DAMPING = 0.5
#: Keeps the length of a zero spectrum from dividing by zero.
_TINY = 1e-12


@dataclass(frozen=True)
class Archetypes:
    """Endmembers that were found.

    Attributes
    ----------
    endmembers : ndarray of float64, shape (endmembers, bands)
        In the unit of the spectra: averages of pixels, as bright as these.
    error : float
        Mean squared distance of the spectra of nearly unit length from their mixtures.
    """

    endmembers: _Float
    error: float


def archetypes(
    spectra: npt.NDArray[Any], endmembers: int, *, seed: int, restarts: int = 12
) -> Archetypes:
    """Find endmembers as averages of pixels.

    Parameters
    ----------
    spectra : ndarray, shape (..., bands)
    endmembers
        How many to find, from 2 to the number of bands.
    seed
        Of the pixels that take part and of the beginnings.
    restarts
        Runs of vertex component analysis, each with three projections, to begin with.

    Raises
    ------
    UsageError
        The number of endmembers is out of range, or there is nothing to begin with.
    DataError
        There are fewer pixels than endmembers, or a sample is not finite.
    """
    if restarts < 1:
        raise UsageError(f"{restarts} restarts; expected 1 or more")
    x = np.asarray(spectra, np.float64)
    # Errors of the arguments are those of what it begins with.
    vca(x, endmembers, seed=seed)
    x = x.reshape(-1, x.shape[-1])
    random = np.random.default_rng(seed)
    chosen = x[random.permutation(len(x))[:_MOST_PIXELS]] if len(x) > _MOST_PIXELS else x
    lengths = np.linalg.norm(chosen, axis=1, keepdims=True)
    unit = chosen / np.maximum(np.hypot(lengths, _DAMPING * lengths.mean()), _TINY)
    low = _projected(unit, endmembers + _EXTRA_DIMENSIONS)
    best: tuple[float, _Float] | None = None
    for pixels in _beginnings(chosen, unit, endmembers, seed, restarts):
        weights, error = _descended(low, pixels)
        if best is None or error < best[0]:
            best = error, weights
    assert best is not None
    return Archetypes(best[1] @ chosen, best[0])


def _projected(unit: _Float, dimensions: int) -> _Float:
    """Coordinates (pixels, dimensions) along the leading directions of the spectra."""
    vectors = np.linalg.eigh(unit.T @ unit)[1]
    return np.asarray(unit @ vectors[:, ::-1][:, :dimensions])


def _beginnings(
    spectra: _Float, unit: _Float, endmembers: int, seed: int, restarts: int
) -> Iterator[npt.NDArray[np.int64]]:
    """Pixels, shape (endmembers,), by vertex component analysis, each choice once."""
    known = set()
    for number in range(restarts):
        for values, snr_db in ((unit, -math.inf), (spectra, -math.inf), (spectra, math.inf)):
            draw = restarts * seed + number
            pixels = vca(values, endmembers, seed=draw, snr_db=snr_db).pixels
            key = tuple(sorted(pixels.tolist()))
            if key not in known and len(set(key)) == endmembers:
                known.add(key)
                yield pixels
    if not known:
        raise UsageError(
            f"the spectra have fewer than {endmembers} different corners",
            hint="ask for fewer endmembers",
        )


def _descended(low: _Float, pixels: npt.NDArray[np.int64]) -> tuple[_Float, float]:
    """Improve both factors; return the weights (endmembers, pixels) and the mean squared error."""
    count, endmembers = len(low), len(pixels)
    distances = ((low[None] - low[pixels][:, None]) ** 2).sum(axis=2)
    near = np.quantile(distances, _NEIGHBOURS, axis=1, keepdims=True)
    weights = np.exp(-2 * distances / np.maximum(near, _TINY))
    weights /= weights.sum(axis=1, keepdims=True)
    abundances = np.full((count, endmembers), 1 / endmembers)
    middle = low.mean(axis=0)
    around = low - middle
    spread = float((around**2).sum(axis=1).mean()) + _TINY
    for _ in range(_TURNS):
        corners = weights @ low
        moved = corners - middle
        gram = moved @ moved.T
        wanted = around @ moved.T
        length = _ABUNDANCE_STEP / (float(np.linalg.eigvalsh(gram)[-1]) + _TINY)
        for _ in range(_STEPS):
            _multiply(abundances, length * (wanted - abundances @ gram))
        second = abundances.T @ abundances / count
        first = abundances.T @ low / count
        curvature = np.diagonal(second)[:, None] * spread + _TINY
        for _ in range(_STEPS):
            gradient = (second @ (weights @ low) - first) @ around.T
            _multiply(weights, -_WEIGHT_STEP * gradient / curvature)
    error = ((low - abundances @ (weights @ low)) ** 2).sum(axis=1).mean()
    return weights, float(error)


def _multiply(rows: _Float, logarithms: _Float) -> None:
    """Multiply rows of sum 1 by exponentials, in place, and bring them back to the sum 1."""
    rows *= np.exp(np.clip(logarithms, -_MOST, _MOST))
    rows /= rows.sum(axis=1, keepdims=True)
