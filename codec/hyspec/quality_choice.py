"""The quality step of an encoding, where its profile has one."""

from __future__ import annotations

from dataclasses import dataclass

from hyspec.cube_chunks import CubeChunks, Job
from hyspec.encoding_plan import EncodingPlan
from hyspec.step_search import Progress, StepSearch
from hyspec.survey import Survey
from hyspec.tile_coder import TileAnalysis


@dataclass(frozen=True)
class QualityChoice:
    """The quality that an encoding uses.

    Attributes
    ----------
    step : int
        Quality step; 0 where the profile has none.
    quality : float or None
        Value of the ``quality`` option that gives this step; ``None`` where there is none.
    missed : str or None
        Where a target was missed: what was taken instead.
    analyses : dict
        Chunks that were analysed on the way.
    """

    step: int
    quality: float | None
    missed: str | None
    analyses: dict[Job, TileAnalysis]


def choose_quality(
    chunks: CubeChunks,
    plan: EncodingPlan,
    found: Survey,
    preamble: int,
    progress: Progress,
    *,
    strict: bool = True,
) -> QualityChoice:
    """Choose the quality step; parameters and errors are those of :class:`StepSearch`."""
    if not plan.profile.has_quality:
        return QualityChoice(0, None, None, {})
    search = StepSearch(chunks, plan, found, preamble, progress, strict=strict)
    step = search.run()
    return QualityChoice(step, search.quality_of(step), search.missed, search.analyses)
