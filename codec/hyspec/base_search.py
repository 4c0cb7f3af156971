"""The quality of a base that is to be corrected: the cheapest one, or that of a rate."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from hyspec import _core
from hyspec.corrected_base import CorrectedBase
from hyspec.quality import STEPS_PER_OCTAVE
from hyspec.spectral_symbols import SpectralAnalysis
from hyspec.tile_coder import TileSamples

#: The quantiser step of planes that a search begins with, over the error limit: a normal error
#: then has a standard deviation of about half the limit. Then the stride of the search, in steps of
#: quality.
_STEP_OVER_LIMIT = 1.6
_STRIDE = 24
#: Pixels of a tile that are searched, if it has clearly more.
_SEARCHED_PIXELS = 1 << 14
_WORTH_A_PART = 2
#: Payloads that are longer by these factors, at first and after the search, will not become the
#: shorter ones.
_HOPELESS = 1.07
_TOO_LONG = 1.01
_NO_SIZE = 2**62
#: Code of the standard deviation 1, in sixteenths of an octave.
_UNIT_SCALE = 65


def cheapest_step(
    base: CorrectedBase,
    tile: TileSamples,
    samples: npt.NDArray[np.int32],
    limits: npt.NDArray[np.uint32],
    most: float = math.inf,
) -> int | None:
    """Quality step with the shortest payload of base and corrections, about.

    Sizes have one minimum over the steps, and it is flat: three of them around it tell where it is.
    A part of a large tile is enough.

    Parameters
    ----------
    base
        Encodes.
    tile
        The tile, for the analysis of the base.
    samples
        Its samples in whole numbers, shape (bands, rows, columns).
    limits
        Largest error of each band in whole numbers, shape (bands,).
    most
        Length of the payload that is to be beaten.

    Returns
    -------
    int or None
        ``None`` if no payload shorter than ``most`` is in sight.
    """
    rows, columns = samples.shape[1:]
    wanted = -(-_SEARCHED_PIXELS // columns)
    first = (rows - wanted) // 2 if rows > _WORTH_A_PART * wanted else 0
    part = slice(first, first + wanted if first else rows)
    valid = None if tile.valid is None else tile.valid[part]
    analysis = base.analyse(replace(tile, samples=tile.samples[part], valid=valid))
    searched = np.ascontiguousarray(samples[:, part])
    sizes: dict[int, int] = {}

    def size(step: int) -> int:
        if step not in sizes:
            found = base.corrected(base.base(analysis, step), searched, limits, refine=False)
            sizes[step] = _NO_SIZE if found is None else len(found[0])
        return sizes[step]

    step = round(STEPS_PER_OCTAVE * math.log2(float(np.median(limits)) * _STEP_OVER_LIMIT / 8))
    step = max(_core.MIN_STEP + _STRIDE, min(_core.MAX_STEP - _STRIDE, step))
    most *= searched.size / samples.size
    if size(step) > _HOPELESS * most:
        return None
    while True:
        below, above = step - _STRIDE, step + _STRIDE
        better = min((below, above), key=size)
        if size(better) >= size(step):
            break
        if not _core.MIN_STEP + _STRIDE <= better <= _core.MAX_STEP - _STRIDE:
            return better
        step = better
    if size(step) > _TOO_LONG * most:
        return None
    bend = size(above) + size(below) - 2 * size(step)
    if bend == 0:
        return step
    return step - round(_STRIDE * (size(above) - size(below)) / (2 * bend))


def step_of_rate(base: CorrectedBase, analysis: SpectralAnalysis, most: int) -> int:
    """Finest quality step at which the base of a tile takes at most so many bytes.

    Coarse bases are quick to encode, so that the search comes from there. The coarsest step where
    none is as small, and the finest one where all are.
    """

    def fits(step: int) -> bool:
        return len(base.base(analysis, step).payload) <= most

    # Nothing is left of planes where the quantiser step is their standard deviation.
    coarse = int(analysis.scale.max(initial=0) - _UNIT_SCALE) * (STEPS_PER_OCTAVE // 16)
    coarse = max(_core.MIN_STEP, min(_core.MAX_STEP, coarse))
    if not fits(coarse):
        return _core.MAX_STEP
    fine = coarse
    while fine > _core.MIN_STEP:
        fine = max(_core.MIN_STEP, fine - STEPS_PER_OCTAVE)
        if not fits(fine):
            break
        coarse = fine
    while coarse - fine > 1:
        middle = (coarse + fine) // 2
        coarse, fine = (middle, fine) if fits(middle) else (coarse, middle)
    return coarse
