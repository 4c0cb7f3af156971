"""The quality step of an encoding: from the quality option, or by a search for a target."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import TypeVar

import numpy as np

from hyspec import _core, framing, rate_control
from hyspec.cube_chunks import CubeChunks, Job
from hyspec.encoding_plan import EncodingPlan
from hyspec.errors import DataError
from hyspec.options import DEFAULT_QUALITY
from hyspec.parallel import default_threads, ordered_map
from hyspec.quality import SCALE_ONE, STEPS_PER_OCTAVE, scale_codes, step_for_octave
from hyspec.survey import Survey
from hyspec.tile_coder import TileAnalysis

#: Called with (phase, pieces done, pieces in all).
Progress = Callable[[str, int, int], None]
#: Memory for the analyses that a search works on; larger cubes are searched on some of their
#: tiles, and the outcome is corrected by measuring the whole.
CACHE_BYTES = 512 << 20
#: Evaluations that a search usually takes, for the progress bar.
_USUAL_EVALUATIONS = 4
#: A search on some tiles is corrected until the whole cube is this close to the target.
_CLOSE_ENOUGH = 0.01
_CORRECTIONS = 4
#: What natural scenes do, to begin a search with: by how much of a factor of two rate and error
#: change from step to step.
_RATE_SLOPE = -1.0 / STEPS_PER_OCTAVE
_ERROR_SLOPE = 0.8 / STEPS_PER_OCTAVE
#: Turns of the circle that spread the searched tiles evenly over any grid.
_GOLDEN = (math.sqrt(5) - 1) / 2

T = TypeVar("T")


class StepSearch:
    """Finds the quality step that meets the target of an encoding.

    Parameters
    ----------
    chunks
        The cube, cut into chunks.
    plan
        Profile, pack and what the user asked for.
    found
        Statistics of the cube.
    preamble
        Bytes of the stream's preamble.
    progress
        Called as pieces of work are finished.
    strict
        Whether a target out of reach is an error, or as good as missed.

    Raises
    ------
    ValueError
        The profile needs no pack, and so has no quality.

    Attributes
    ----------
    analyses : dict
        Chunks that were analysed on the way; those of every tile if ``complete``.
    complete : bool
        Whether the search saw the whole cube.
    missed : str or None
        After a search whose target lies where values jump, or out of reach: what was taken
        instead.
    """

    def __init__(
        self,
        chunks: CubeChunks,
        plan: EncodingPlan,
        found: Survey,
        preamble: int,
        progress: Progress,
        *,
        strict: bool = True,
    ) -> None:
        if plan.pack is None:
            raise ValueError(f"the profile {plan.profile.name!r} has no quality to choose")
        self._chunks = chunks
        self._options = plan.options
        self._survey = found
        self._profile = plan.profile
        self._pack = plan.pack
        self._preamble = preamble
        self._threads = plan.options.threads or default_threads()
        self._progress = progress
        self._strict = strict
        self._evaluations = 0
        self._telling = True  # whether the searched tiles hold anything that a step changes
        self.analyses: dict[Job, TileAnalysis] = {}
        self.missed: str | None = None

    @property
    def complete(self) -> bool:
        """Whether the search saw the whole cube, or needed none."""
        return not self.analyses or len(self.analyses) == len(self._chunks)

    def run(self) -> int:
        """Choose the step.

        Raises
        ------
        TargetError
            The target is out of reach.
        DataError
            A PSNR is asked for, and the cube is constant.
        """
        options = self._options
        if options.bps is None and options.psnr is None and options.rmse is None:
            quality = DEFAULT_QUALITY if options.quality is None else options.quality
            return step_for_octave(self._deviation, quality / 10)
        if options.psnr is not None and not self._survey.highest > self._survey.lowest:
            raise DataError(
                "the PSNR of a constant cube is not defined", hint="use --quality instead of --psnr"
            )
        self._analyse()
        scale = max(int(a.scale.max(initial=0)) for a in self.analyses.values())
        self._telling = scale > 0
        if scale == 0 and self.complete:  # constant bands come back exactly, whatever the step
            return step_for_octave(self._deviation, DEFAULT_QUALITY / 10)
        if not self.complete:  # tiles that were not looked at may vary by all of the range
            span = self._survey.highest - self._survey.lowest
            widest = np.array(span / 2 / (self._chunks.sample_type.step or 1.0))
            if self._profile.has_basis:  # a component may hold what all bands have in common
                widest = widest * math.sqrt(max(map(len, self._chunks.partition)))
            scale = max(scale, int(scale_codes(widest)))
        octaves = (self._pack.levels - 1) // STEPS_PER_OCTAVE
        # From the finest level of the weakest band that varies to no latents at all.
        high = max(_core.MIN_STEP + 1, 2 * (scale - SCALE_ONE) + 1)
        low = max(_core.MIN_STEP, high - STEPS_PER_OCTAVE * (octaves + 8))
        if options.bps is not None:
            return self._for_rate(options.bps, low, high)
        return self._for_error(low, high)

    def quality_of(self, step: int) -> float:
        """Value of the quality option that gives this step."""
        if not self._survey.deviation > 0:
            return 0.0
        octave = math.log2(max(self._deviation, 2.0**-4))
        return min(100.0, max(0.0, 10 * (octave - step / STEPS_PER_OCTAVE)))

    @property
    def _deviation(self) -> float:
        """Standard deviation of the bands in whole numbers."""
        return self._survey.deviation / (self._chunks.sample_type.step or 1.0)

    # ---- what is searched ---------------------------------------------------------------------

    def _analyse(self) -> None:
        """Analyse the tiles to search on: all of them, or some that are spread evenly."""
        jobs = [job for number in self._tiles() for job in self._chunks.of_tile(number)]
        analysed = ordered_map(lambda j: (j, self._chunks.analyse(j)), jobs, self._threads)
        for done, (job, analysis) in enumerate(analysed, 1):
            self.analyses[job] = analysis
            self._progress("analysis", done, len(jobs))

    def _tiles(self) -> list[int]:
        chunks, grid = self._chunks, self._chunks.grid
        masked = self._survey.valid < chunks.samples
        per_sample = 4 * self._pack.latents_per_sample + masked
        together = chunks.together
        groups = len(grid) // together
        count = int(groups * CACHE_BYTES / (per_sample * chunks.samples))
        if count >= groups:
            return list(range(len(grid)))
        count = max(count, 1)
        # Multiples of the golden ratio never fall into step with the rows of the grid.
        turns = (np.arange(1, 8 * count + 1) * _GOLDEN) % 1.0
        spread = dict.fromkeys((turns * groups).astype(int).tolist())
        chosen = sorted(list(spread)[:count])
        return [group * together + k for group in chosen for k in range(together)]

    # ---- how it is searched -------------------------------------------------------------------

    def _find(
        self,
        value: Callable[[int, bool], float],
        target: float,
        limits: tuple[int, int],
        octave: float,
        slope: float,
        tolerance: float = rate_control.TOLERANCE,
    ) -> rate_control.Found:
        """Step whose value on the whole cube is nearest to the target.

        ``value(step, whole)`` is the value on the searched tiles, or on the whole cube. What the
        searched tiles say is corrected by measuring the whole cube, which is analysed anew for it:
        twice, as a rule. ``octave`` is the quality to begin with, and ``slope`` what one step is
        expected to change.
        """
        guess = step_for_octave(self._deviation, octave)

        def search(wanted: float, *, whole: bool = not self._telling) -> rate_control.Found:
            return rate_control.search(
                lambda step: value(step, whole),
                wanted,
                *limits,
                guess=guess,
                slope=slope,
                tolerance=tolerance,
            )

        found = search(target)
        if self.complete or not self._telling:
            return found
        seen: dict[int, float] = {}
        for _ in range(_CORRECTIONS):
            seen[found.step] = actual = value(found.step, True)
            if abs(actual / target - 1) < _CLOSE_ENOUGH or not actual > 0:
                break
            found = search(found.value * target / actual)
            if found.step in seen:
                break
        best = rate_control.best_of(seen, target, tolerance)
        if best.value > target and rate_control.missed(best.value, target, tolerance):
            return search(target, whole=True)
        return best

    def _over_chunks(self, function: Callable[[Job, TileAnalysis], T], whole: bool) -> Iterator[T]:
        """Values of a function of all searched chunks, or of all chunks."""
        if not whole:
            self._evaluations += 1
            total = max(self._evaluations, _USUAL_EVALUATIONS)
            self._progress("searching", self._evaluations, total)
            items = list(self.analyses.items())
            yield from ordered_map(lambda item: function(*item), items, self._threads)
            return

        def measure(job: Job) -> T:
            return function(job, self.analyses.get(job) or self._chunks.analyse(job))

        measured = ordered_map(measure, self._chunks.jobs(), self._threads)
        for done, result in enumerate(measured, 1):
            self._progress("measuring", done, len(self._chunks))
            yield result

    # ---- targets ------------------------------------------------------------------------------

    def _for_rate(self, target: float, low: int, high: int) -> int:
        chunks = self._chunks
        frame = framing.stream_size(self._preamble, chunks.cube.rows, [])

        def rate(step: int, whole: bool = False) -> float:
            sizes = self._over_chunks(lambda job, a: chunks.size(job, a, step), whole)
            size = framing.stream_size(self._preamble, chunks.cube.rows, sizes)
            share = 1.0 if whole else len(chunks) / len(self.analyses)
            return 8 * (frame + share * (size - frame)) / chunks.samples

        octave = 5 + math.log2(target / self._profile.rate_at_five)
        found = self._find(rate, target, (low, high), octave, _RATE_SLOPE)
        if rate_control.missed(found.value, target, rate_control.TOLERANCE):
            whole = not self.complete
            ends = rate(high, whole), rate(low, whole)
            self._judge("rate", " bit/sample", target, found.value, *ends)
        return found.step

    def _for_error(self, low: int, high: int) -> int:
        peak = self._survey.highest - self._survey.lowest

        def rmse(step: int, whole: bool = False) -> float:
            total, valid = 0.0, 0
            for squares, count in self._over_chunks(
                lambda job, a: self._chunks.squared_error(job, a, step), whole
            ):
                total, valid = total + squares, valid + count
            return math.sqrt(total / max(valid, 1))

        def psnr(error: float) -> float:
            return 20 * math.log10(peak / error) if error > 0 else math.inf

        def find(target: float, tolerance: float) -> rate_control.Found:
            scale = self._chunks.sample_type.step or 1.0
            octave = 1 + math.log2(max(self._deviation * scale, 1e-300) / target)
            return self._find(rmse, target, (low, high), octave, _ERROR_SLOPE, tolerance)

        options, whole = self._options, not self.complete
        if options.psnr is None:
            assert options.rmse is not None
            tolerance = rate_control.TOLERANCE
            found = find(options.rmse, tolerance)
            if rate_control.missed(found.value, options.rmse, tolerance):
                ends = rmse(low, whole), rmse(high, whole)
                self._judge("RMSE", "", options.rmse, found.value, *ends)
            return found.step
        target, tolerance = peak / 10 ** (options.psnr / 20), rate_control.PSNR_TOLERANCE
        found = find(target, tolerance)
        if rate_control.missed(found.value, target, tolerance):
            ends = psnr(rmse(high, whole)), psnr(rmse(low, whole))
            self._judge("PSNR", " dB", options.psnr, psnr(found.value), *ends)
        return found.step

    def _judge(
        self, what: str, unit: str, target: float, reached: float, lowest: float, highest: float
    ) -> None:
        """Refuse a target that is out of reach; note one that lies between two steps."""
        miss = rate_control.Miss(what, unit, target, reached, lowest, highest)
        if self._strict and not miss.between:
            raise miss.error()
        self.missed = str(miss)
