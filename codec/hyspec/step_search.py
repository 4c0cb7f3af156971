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
#: Memory for what a search works on and what it keeps for the encoding, beside that for the tiles
#: at hand.
CACHE_BYTES = 512 << 20
#: Cubes of more pixels than this are searched on one row in eight, in strips that hold at least so
#: many pixels together, and the outcome is corrected by measuring the whole.
_WHOLE_PIXELS = 1 << 15
_ONE_IN = 8
_LEAST_PIXELS = 1 << 14
_STRIP_ROWS = 32
#: Evaluations that a search usually takes, for the progress bar.
_USUAL_EVALUATIONS = 4
#: What strips say is compared with the whole so often; then steps are searched on the whole.
_COMPARED = 2
#: What natural scenes do, to begin a search with: by how much of a factor of two rate and error
#: change from step to step.
_RATE_SLOPE = -1.0 / STEPS_PER_OCTAVE
_ERROR_SLOPE = 0.8 / STEPS_PER_OCTAVE
#: Turns of the circle that spread strips evenly over any number of rows.
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
        Chunks of the cube that were analysed on the way, as far as ``CACHE_BYTES`` hold them.
    complete : bool
        Whether the search works on the whole cube.
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
        self._telling = True  # whether the searched rows hold anything that a step changes
        self._searched: list[tuple[CubeChunks, Job, TileAnalysis]] = []
        self._share = 1.0  # samples of the cube for each one that is searched
        self._held = 0  # bytes of the analyses and payloads that are kept
        self._payloads: dict[Job, int] = {}
        self.complete = True
        self.analyses: dict[Job, TileAnalysis] = {}
        self.missed: str | None = None

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
        scale = max(int(analysis.scale.max(initial=0)) for _, _, analysis in self._searched)
        self._telling = scale > 0
        if scale == 0 and self.complete:  # constant bands come back exactly, whatever the step
            return step_for_octave(self._deviation, DEFAULT_QUALITY / 10)
        if not self.complete:  # rows that were not looked at may vary by all of the range
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
        """Analyse what the search works on: the whole cube, or strips that are spread evenly."""
        strips = self._strips()
        self.complete = strips is None
        parts = [self._chunks] if strips is None else [self._chunks.strip(rows) for rows in strips]
        self._share = self._chunks.samples / sum(part.samples for part in parts)
        self._held = sum(map(self._bytes_of, parts))
        jobs = [(part, job) for part in parts for job in part.jobs()]
        analysed = ordered_map(lambda at: (*at, at[0].analyse(at[1])), jobs, self._threads)
        for done, found in enumerate(analysed, 1):
            self._searched.append(found)
            self._progress("analysis", done, len(jobs))
        if self.complete:
            self.analyses = {job: analysis for _, job, analysis in self._searched}

    def _strips(self) -> list[slice] | None:
        """Rows to search on, or ``None`` for all of them."""
        rows, columns, _ = self._chunks.cube.shape
        height = min(_STRIP_ROWS, self._chunks.grid.tile_rows)
        places = rows // height
        fitting = CACHE_BYTES // self._bytes_of(self._chunks.strip(slice(height)))
        wanted = max(rows * columns // _ONE_IN, _LEAST_PIXELS) // (height * columns)
        count = max(1, min(wanted, fitting))
        enough = rows * columns <= _WHOLE_PIXELS or 2 * count >= places
        if places < 2 or (enough and self._bytes_of(self._chunks) <= CACHE_BYTES):
            return None
        # Multiples of the golden ratio never fall into step with anything in the scene.
        turns = (np.arange(1, 8 * count + 1) * _GOLDEN) % 1.0
        chosen = list(dict.fromkeys((turns * places).astype(int).tolist()))[:count]
        return [slice(place * height, (place + 1) * height) for place in sorted(chosen)]

    def _bytes_of(self, chunks: CubeChunks) -> int:
        """Memory that the analyses of all chunks take at most, with payloads like the samples."""
        each = sum(chunks.analysis_bytes(job, masked=self._masked) for job in chunks.of_tile(0))
        return len(chunks.grid) * each + chunks.samples * chunks.cube.array.itemsize

    @property
    def _masked(self) -> bool:
        """Whether some samples hold no measurement."""
        return self._survey.valid < self._chunks.samples

    def _keep(self, job: Job, analysis: TileAnalysis) -> None:
        """Keep the analysis of a chunk, and its payload, if there is room for them."""
        known = job in self.analyses
        needed = 0 if known else self._chunks.analysis_bytes(job, masked=self._masked)
        payload = sum(len(coded) for coded, _ in analysis.coded.values())
        self._held -= self._payloads.pop(job, 0)
        if self._held + needed + payload <= CACHE_BYTES:
            self._held += needed + payload
            self._payloads[job] = payload
            self.analyses[job] = analysis
        elif known:
            analysis.coded.clear()

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

        ``value(step, whole)`` is the value on the searched rows, or on the whole cube. What the
        searched rows say is corrected by measuring the whole cube: twice, as a rule. ``octave`` is
        the quality to begin with, and ``slope`` what one step is expected to change.
        """
        guess = step_for_octave(self._deviation, octave)
        sampled: dict[int, float] = {}
        actual: dict[int, float] = {}

        def search(wanted: float, *, whole: bool) -> rate_control.Found:
            known = actual if whole else sampled

            def evaluate(step: int) -> float:
                known[step] = value(step, whole)
                return known[step]

            return rate_control.search(
                evaluate,
                wanted,
                *limits,
                guess=guess,
                slope=slope,
                tolerance=tolerance,
                known=known,
            )

        if self.complete or not self._telling:
            return search(target, whole=not self.complete)
        found = search(target, whole=False)
        for _ in range(_COMPARED):
            actual[found.step] = value(found.step, True)
            ratio = actual[found.step] / target
            if not ratio > 0 or abs(math.log(ratio)) < rate_control.CLOSE_ENOUGH:
                break
            found = search(found.value / ratio, whole=False)
            if found.step in actual:
                break
        best = rate_control.best_of(actual, target, tolerance)
        if rate_control.missed(best.value, target, tolerance):
            return search(target, whole=True)
        return best

    def _over_chunks(
        self, function: Callable[[CubeChunks, Job, TileAnalysis], T], whole: bool
    ) -> Iterator[T]:
        """Values of a function of all searched chunks, or of all chunks."""
        if not whole:
            self._evaluations += 1
            total = max(self._evaluations, _USUAL_EVALUATIONS)
            self._progress("searching", self._evaluations, total)
            yield from ordered_map(lambda at: function(*at), self._searched, self._threads)
            return

        def measure(job: Job) -> tuple[Job, TileAnalysis, T]:
            analysis = self.analyses.get(job) or self._chunks.analyse(job)
            return job, analysis, function(self._chunks, job, analysis)

        measured = ordered_map(measure, self._chunks.jobs(), self._threads)
        for done, (job, analysis, result) in enumerate(measured, 1):
            self._keep(job, analysis)
            self._progress("measuring", done, len(self._chunks))
            yield result

    # ---- targets ------------------------------------------------------------------------------

    def _for_rate(self, target: float, low: int, high: int) -> int:
        chunks = self._chunks
        frame = framing.stream_size(self._preamble, chunks.cube.rows, [])

        def rate(step: int, whole: bool = False) -> float:
            sizes = self._over_chunks(lambda part, job, a: part.size(job, a, step), whole)
            size = framing.stream_size(self._preamble, chunks.cube.rows, sizes)
            share = 1.0 if whole else self._share
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
                lambda part, job, a: part.squared_error(job, a, step), whole
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
