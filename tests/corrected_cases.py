"""Tiles that are coded by a base and corrections, whether or not that is the shorter way."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

import hyspec
from golden import make_streams
from hyspec import _core, base_search, bounded_profile

Array = npt.NDArray[Any]
PACK = make_streams.SPECTRAL_PACK


class ForcedCoder(bounded_profile.BoundedCoder):
    """Takes corrections wherever there are any, however long."""

    def payload(
        self,
        analysis: bounded_profile.BoundedAnalysis,
        step: int,  # noqa: ARG002 - the limits say it all
    ) -> tuple[bytes, int]:
        """Payload with corrections, if limits leave a step."""
        assert self._base is not None
        limits = self._away_from_nodata(analysis)
        best = base_search.cheapest_step(self._base, analysis.source, analysis.samples, limits)
        assert best is not None
        base = self._base.base(self._base.analyse(analysis.source), best)
        corrected = self._base.corrected(base, analysis.samples, limits)
        return self._predicted(analysis) if corrected is None else corrected


def payloads(data: bytes) -> list[bytes]:
    """Payloads of the chunks of a stream."""
    found = []
    for entry in hyspec.Stream(data, pack=PACK).index.chunks:
        info = _core.check_chunk(data, entry)
        found.append(data[info.payload_offset : info.payload_offset + info.payload_length])
    return found


def any_corrections(
    rng: np.random.Generator, shape: tuple[int, int, int], share: float, most: int
) -> Array:
    """Corrections that gather in some bands and places, shape (bands, rows, columns)."""
    places = rng.random(shape[1:]) < 2 * share
    chosen = (rng.random(shape) < share) | (places & (rng.random(shape) < 0.5))
    chosen[rng.random(shape[0]) < 0.2] = False
    size = np.minimum(rng.geometric(0.5, shape), most)
    size = np.where(rng.random(shape) < 0.02, rng.integers(0, most + 1, shape), size)
    return np.where(chosen, size * rng.choice([-1, 1], shape), 0).astype(np.int32)
