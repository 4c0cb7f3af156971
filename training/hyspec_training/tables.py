"""From a learned prior to frozen integer tables: what the entropy coder sees of the training.

The prior describes a latent y before its gain; quantising y * g to integers with bins of width one
is quantising y with bins of width 1 / g. So a ladder of tables per channel, three rungs per octave
of g, covers every quality, and moving up or down the ladder adapts a table to data whose latents
are larger or smaller than those of the training scenes.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch

from hyspec.errors import DataError
from hyspec_training.prior import FactorizedPrior

#: Rungs per octave: at most 12 % off in scale, which costs under 0.01 bit per latent.
RUNGS_PER_OCTAVE = 3
#: Rungs beyond both ends of the trained gains, so that every table can be adapted both ways.
MARGIN = 6
#: Largest latent magnitude with an entry of its own; larger ones are escaped.
MAX_MAGNITUDE = 127
#: Rungs are stored as bytes.
MAX_RUNGS = 256
#: Every table sums to this.
TOTAL = 1 << 16
#: Tail mass on either side that is left to the escape symbol.
_TAIL = 2.0**-13
#: Share of a distribution four times as wide, mixed in against surprises of unseen sensors.
_SURPRISE = 0.0025


@dataclass(frozen=True)
class LadderTables:
    """Integer tables of one model.

    Attributes
    ----------
    freq : ndarray of uint16
        Frequencies of all tables one after another; the last of each table is the escape.
    start : ndarray of uint32, shape (tables + 1,)
        Where each table begins in ``freq``.
    first : ndarray of int32, shape (tables,)
        Latent value of each table's first entry.
    ladder : ndarray of uint8, shape (levels, channels)
        Rung for each quality level and channel; table = channel * rungs + rung.
    rungs : int
        Rungs per channel.
    """

    freq: npt.NDArray[np.uint16]
    start: npt.NDArray[np.uint32]
    first: npt.NDArray[np.int32]
    ladder: npt.NDArray[np.uint8]
    rungs: int


def build(
    prior: FactorizedPrior,
    log2_gain: npt.NDArray[np.float64],
    lowest_log2_gain: float,
    highest_log2_gain: float,
) -> LadderTables:
    """Tables for the gains of one model.

    Parameters
    ----------
    prior
        The learned densities.
    log2_gain
        Gain of each quality level, shape (levels, channels).
    lowest_log2_gain, highest_log2_gain
        Range over all models of the pack, which share the number of rungs.

    Raises
    ------
    DataError
        The range is too wide for the ladder.
    """
    rung = np.round(log2_gain * RUNGS_PER_OCTAVE).astype(int)
    lowest = round(lowest_log2_gain * RUNGS_PER_OCTAVE) - MARGIN
    rungs = round(highest_log2_gain * RUNGS_PER_OCTAVE) + MARGIN - lowest + 1
    if rungs > MAX_RUNGS:
        raise DataError(
            f"the trained gains span {highest_log2_gain - lowest_log2_gain:.1f} octaves and need "
            f"{rungs} tables per channel; at most {MAX_RUNGS} fit the format",
            hint="train with fewer octaves or a lower learning rate, in an empty work folder",
        )
    exact = FactorizedPrior(prior.channels).double()
    exact.load_state_dict(prior.state_dict())
    pmf = [_masses(exact, 2.0 ** ((lowest + r) / RUNGS_PER_OCTAVE)) for r in range(rungs)]
    freq, start, first = [], [0], []
    for channel in range(prior.channels):
        for r in range(rungs):
            table, value = _quantise(pmf[r][channel])
            freq.append(table)
            start.append(start[-1] + len(table))
            first.append(value)
    return LadderTables(
        np.concatenate(freq).astype(np.uint16),
        np.array(start, np.uint32),
        np.array(first, np.int32),
        (rung - lowest).astype(np.uint8),
        rungs,
    )


def _masses(prior: FactorizedPrior, gain: float) -> npt.NDArray[np.float64]:
    """Mass of each integer -MAX..MAX at a gain, shape (channels, 2 * MAX + 1)."""
    k = torch.arange(-MAX_MAGNITUDE, MAX_MAGNITUDE + 1, dtype=torch.float64)
    with torch.no_grad():

        def mass(g: float) -> torch.Tensor:
            lower = ((k - 0.5) / g).expand(prior.channels, -1)
            upper = ((k + 0.5) / g).expand(prior.channels, -1)
            return prior.interval_mass(lower, upper)

        mixed = (1 - _SURPRISE) * mass(gain) + _SURPRISE * mass(gain * 4)
    return np.asarray(mixed.numpy(), np.float64)


def _quantise(mass: npt.NDArray[np.float64]) -> tuple[npt.NDArray[np.int64], int]:
    """Trim the tails and round to integers of sum TOTAL, each at least one."""
    below, above = np.cumsum(mass), np.cumsum(mass[::-1])
    low = min(int(np.searchsorted(below, _TAIL)), MAX_MAGNITUDE)
    high = max(len(mass) - 1 - int(np.searchsorted(above, _TAIL)), MAX_MAGNITUDE)
    kept = mass[low : high + 1]
    escape = max(1.0 - float(kept.sum()), 0.0)
    ideal = np.append(kept, escape)
    table = np.maximum(np.floor(ideal / ideal.sum() * TOTAL), 1).astype(np.int64)
    # What is missing or in excess goes to the largest entry, where it changes least.
    table[np.argmax(table)] += TOTAL - table.sum()
    return table, low - MAX_MAGNITUDE
