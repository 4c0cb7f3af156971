"""Fully constrained least squares: abundances of known endmembers, at least 0 and of sum 1.

D. C. Heinz and C.-I Chang, "Fully constrained least squares linear spectral mixture analysis
method for material quantification in hyperspectral imagery", IEEE Trans. Geosci. Remote Sens. 39,
2001, put the sum into the equations with a large weight. Here it is exact: each pixel is the
quadratic program

    minimise 1/2 a' G a - b' a   subject to   sum a = 1, a >= 0,   G = E E',  b = E x,

solved by the active-set method of C. L. Lawson and R. J. Hanson ("Solving Least Squares Problems",
1974, chapter 23) with the sum as a constraint that is always active. It ends after finitely many
steps at the minimum, as the objective falls with each. All pixels take their steps together, and
those with the same set of endmembers share one factorisation (M. H. Van Benthem and M. R. Keenan,
"Fast algorithm for the solution of large-scale non-negativity-constrained least squares problems",
J. Chemometrics 18, 2004).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from hyspec.errors import DataError

_Float = npt.NDArray[np.float64]
_Bool = npt.NDArray[np.bool_]

#: Pixels that are solved together; bounds the memory for their systems of equations.
_BLOCK_PIXELS = 1 << 14
#: An endmember enters where the objective falls by more than this, relative to its scale.
_TOLERANCE = 1e-12


def fcls(spectra: npt.NDArray[Any], endmembers: npt.NDArray[Any]) -> _Float:
    """Abundances of least squared error, at least 0 and of sum 1.

    Parameters
    ----------
    spectra : ndarray, shape (..., bands)
    endmembers : ndarray, shape (endmembers, bands)

    Returns
    -------
    ndarray of float64, shape (..., endmembers)

    Raises
    ------
    DataError
        The shapes do not fit, a value is not finite, or an endmember is an affine combination of
        others, so that the abundances are not unique.
    """
    x, e = np.asarray(spectra), np.asarray(endmembers, np.float64)
    if e.ndim != 2 or 0 in e.shape or x.ndim < 1 or x.shape[-1] != e.shape[1]:
        raise DataError(
            f"spectra have shape {x.shape}, endmembers {e.shape}; expected (..., bands) and "
            "(endmembers, bands)"
        )
    if not np.isfinite(e).all():
        raise DataError("endmembers hold NaN or infinity; expected finite spectra")
    # As the sum is 1, endmembers and spectra may be moved; about the mean, G is conditioned best.
    centre = e.mean(axis=0)
    moved = e - centre
    if np.linalg.matrix_rank(moved) < len(e) - 1:
        raise DataError(
            f"one of the {len(e)} endmembers is a combination of others with sum 1",
            hint="leave it out: abundances would not be unique",
        )
    scale = float(np.abs(moved).max()) or 1.0
    moved /= scale
    gram = moved @ moved.T
    pixels = x.reshape(-1, x.shape[-1])
    result = np.empty((len(pixels), len(e)))
    for start in range(0, len(pixels), _BLOCK_PIXELS):
        block = slice(start, start + _BLOCK_PIXELS)
        values = (np.asarray(pixels[block], np.float64) - centre) / scale
        if not np.isfinite(values).all():
            raise DataError(
                "spectra hold NaN or infinity; expected finite samples",
                hint="leave out pixels without measurement, and bands that are bad",
            )
        result[block] = _solve(gram, values @ moved.T)
    return result.reshape(*x.shape[:-1], len(e))


@dataclass
class _State:
    """Where the pixels stand; all arrays have a row per pixel."""

    abundances: _Float  # (pixels, endmembers), feasible
    used: _Bool  # (pixels, endmembers), endmembers that may be above 0
    target: npt.NDArray[np.float64]  # b of the objective, (pixels, endmembers)

    def part(self, rows: npt.NDArray[np.int64]) -> _State:
        return _State(self.abundances[rows], self.used[rows], self.target[rows])


def _solve(gram: _Float, target: _Float) -> _Float:
    """Minimise the objective of each pixel; ``target`` is b, shape (pixels, endmembers)."""
    pixels, endmembers = target.shape
    everyone = np.arange(pixels)
    state = _State(np.zeros_like(target), np.zeros(target.shape, np.bool_), target)
    first = np.argmin(np.diagonal(gram) / 2 - target, axis=1)  # the best single endmember
    state.abundances[everyone, first] = 1.0
    state.used[everyone, first] = True
    unsettled = everyone
    # Each step adds or removes an endmember; a handful for each is what real spectra need.
    for _ in range(100 * endmembers):
        if unsettled.size == 0:
            return state.abundances
        part = state.part(unsettled)
        going_on = _step(gram, part)
        state.abundances[unsettled], state.used[unsettled] = part.abundances, part.used
        unsettled = unsettled[going_on]
    raise DataError(
        f"{unsettled.size} pixels did not settle; the endmembers are nearly dependent",
        hint="leave out one of two similar endmembers",
    )


def _step(gram: _Float, state: _State) -> _Bool:
    """Move each pixel to the minimum over its endmembers, or to the border; True where not done."""
    wanted, multiplier = _minimum(gram, state)
    inside = np.all(wanted > 0, axis=1, where=state.used)
    # Outside: go towards the minimum until the first abundance is 0, and give that one up.
    fall = state.abundances - wanted
    leaving = state.used & (wanted <= 0)
    share = np.full(fall.shape, np.inf)
    np.divide(state.abundances, fall, out=share, where=leaving & (fall > 0))
    share[leaving & (fall <= 0)] = 0.0
    way = np.where(inside, 1.0, share.min(axis=1))[:, None]
    state.abundances += way * (wanted - state.abundances)
    gone = ~inside[:, None] & leaving & (share <= way)
    state.used &= ~gone
    state.abundances[~state.used] = 0.0
    # Inside: done, unless the objective falls along an endmember that is not used yet.
    gradient = state.abundances @ gram - state.target - multiplier[:, None]
    gradient[state.used] = np.inf
    rows = np.arange(len(gradient))
    steepest = np.argmin(gradient, axis=1)
    limit = -_TOLERANCE * (1.0 + np.abs(state.target).max(axis=1))
    grows = inside & (gradient[rows, steepest] < limit)
    state.used[rows[grows], steepest[grows]] = True
    return np.asarray(~inside | grows)


def _minimum(gram: _Float, state: _State) -> tuple[_Float, npt.NDArray[np.float64]]:
    """Minimum over the used endmembers with sum 1 alone, and the gradient that they share.

    Solves ``[G_uu 1; 1' 0] [a_u; -m] = [b_u; 1]`` with identity rows for those that are not used.
    """
    endmembers = len(gram)
    sets, kind = _distinct(state.used)
    system = np.zeros((len(sets), endmembers + 1, endmembers + 1))
    system[:, :endmembers, :endmembers] = gram * (sets[:, :, None] & sets[:, None, :])
    rows = np.arange(endmembers)
    system[:, rows, rows] += ~sets
    system[:, :endmembers, -1] = system[:, -1, :endmembers] = sets
    inverse = np.linalg.inv(system)
    side = np.append(np.where(state.used, state.target, 0.0), np.ones((len(kind), 1)), axis=1)
    solution = np.empty_like(side)
    order = np.argsort(kind, kind="stable")
    ends = np.cumsum(np.bincount(kind, minlength=len(sets)))
    for number, members in enumerate(np.split(order, ends[:-1])):
        solution[members] = side[members] @ inverse[number].T
    return solution[:, :endmembers], -solution[:, -1]


def _distinct(used: _Bool) -> tuple[_Bool, npt.NDArray[np.int64]]:
    """Different rows, and for each row the number of the one it equals."""
    packed = np.ascontiguousarray(np.packbits(used, axis=1))
    keys = packed.view(np.dtype((np.void, packed.shape[1]))).reshape(-1)
    _, first, kind = np.unique(keys, return_index=True, return_inverse=True)
    return used[first], kind.reshape(-1)
