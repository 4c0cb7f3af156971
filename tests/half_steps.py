"""Latents of component planes from levels: docs/spectral_profile.md, section 4.3."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from reference.planes import TURNS
from reference.planes import half_steps as one_latent

#: No level is larger; this one only quantiser 1 has.
MOST = 2**30


def half_steps(levels: npt.ArrayLike, dependent: bool) -> npt.NDArray[np.int32]:
    """Latents of levels (planes, channels, positions), in any number of axes of positions.

    Levels too large for an int32 become the nearest that are not.
    """
    wanted = np.clip(np.asarray(levels, np.int64), -MOST, MOST)
    found: npt.NDArray[Any] = 2 * np.minimum(wanted, MOST - 1)
    if dependent:
        turn = 0
        for plane, latents in zip(wanted, found, strict=True):
            for c in range(1, len(plane)):
                if plane[c].any():
                    turn = one_channel(plane[c], latents[c], turn)
    return found.astype(np.int32)


def one_channel(levels: npt.NDArray[Any], latents: npt.NDArray[Any], turn: int) -> int:
    """Fill in the latents of a channel that is not silent; the turn after them."""
    for place in np.ndindex(levels.shape):
        level = int(levels[place])
        if not turn & 1:
            level = min(level, MOST - 1)
        latents[place] = one_latent(level, turn & 1)
        turn = TURNS[turn][abs(level) & 1]
    return turn
