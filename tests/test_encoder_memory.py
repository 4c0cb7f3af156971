"""Memory of the encoder does not grow with the lines of the cube."""

import gc
import tracemalloc

import numpy as np
import pytest

from hyspec import Cube, EncodeOptions, encode_to, step_search
from hyspec.cube_chunks import CubeChunks
from hyspec.encoding_plan import EncodingPlan
from hyspec.sample_type import SampleType
from hyspec.tiling import TileGrid

COLUMNS, BANDS, TILE = 32, 24, 32


@pytest.fixture
def cube(tmp_path):
    """A memory-mapped cube of so many lines, made block by block."""

    def make(lines: int) -> Cube:
        path = tmp_path / f"{lines}.npy"
        mapped = np.lib.format.open_memmap(path, "w+", np.uint16, (lines, COLUMNS, BANDS))
        rng = np.random.default_rng(1)
        spectra = rng.uniform(200, 3000, (4, BANDS))
        for first in range(0, lines, TILE):
            shares = rng.dirichlet(np.ones(4), (TILE, COLUMNS))
            mapped[first : first + TILE] = shares @ spectra + rng.normal(0, 4, (COLUMNS, BANDS))
        mapped.flush()
        return Cube(np.load(path, mmap_mode="r"))

    return make


def peak(cube: Cube, **target: float) -> int:
    """Most bytes that Python and NumPy held at a time."""
    tracemalloc.start()
    try:
        encode_to(cube, len, EncodeOptions(tile=TILE, threads=1, **target))
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


#: Memory that a search of three strips may take at most.
SEARCHED = 3 * 4 * TILE * COLUMNS * BANDS


@pytest.mark.parametrize("target", [{"quality": 50.0}, {"bps": 0.5}, {"rmse": 6.0}], ids=str)
def test_memory_does_not_grow_with_lines(cube, monkeypatch, target):
    monkeypatch.setattr(step_search, "CACHE_BYTES", SEARCHED)
    peak(cube(4 * TILE), **target)  # what is kept for ever is made by now
    few, many = peak(cube(8 * TILE), **target), peak(cube(32 * TILE), **target)
    assert many < 1.3 * few


@pytest.mark.parametrize("target", [{"bps": 0.5}, {"rmse": 6.0}], ids=str)
def test_what_is_kept_has_a_bound(cube, monkeypatch, target):
    """The more memory there is, the fewer tiles are analysed again; it is never exceeded."""
    analysed = []
    real = CubeChunks.analyse

    def analyse(self, job):
        analysed.append(job)
        return real(self, job)

    monkeypatch.setattr(CubeChunks, "analyse", analyse)
    many, peaks, counts = cube(16 * TILE), [], []
    monkeypatch.setattr(step_search, "_WHOLE_PIXELS", 0)
    monkeypatch.setattr(step_search, "_LEAST_PIXELS", 3 * TILE * COLUMNS)
    for size in (SEARCHED, 2 * SEARCHED, 100 * SEARCHED):
        monkeypatch.setattr(step_search, "CACHE_BYTES", size)
        peak(many, **target)
        analysed.clear()
        peaks.append(peak(many, **target))
        counts.append(len(analysed))
    assert peaks[1] < peaks[0] + SEARCHED
    assert counts[0] > counts[1] > counts[2]
    assert counts[2] == 3 + 16  # three strips, and each tile once


@pytest.mark.parametrize("hole", [False, True])
@pytest.mark.parametrize(
    "settings",
    [{"profile": "band"}, {}, {"metric": "sam"}, {"intervals": "1-8,9-24"}, {"joint": True}],
    ids=str,
)
def test_analyses_take_no_more_than_they_say(cube, settings, hole):
    """After encodings at two steps, which make what is made on demand."""
    array = np.concatenate([cube(2 * TILE).array] * 2, 1)
    array[3::7, ::5] = 0
    found = Cube(array, nodata=0.0 if hole else None)
    if settings.get("joint"):
        settings = {**settings, "intervals": "1-8,9-24"}
    plan = EncodingPlan.of(found, EncodeOptions(bps=0.5, **settings))
    chunks = CubeChunks(
        found,
        SampleType(found.array.dtype, None),
        TileGrid(found.rows, found.columns, TILE, TILE),
        plan.partition,
        plan.coders,
        1000.0,
    )
    analyses = {}
    tracemalloc.start()
    try:
        for job in chunks.jobs():
            analysis = analyses[job] = chunks.analyse(job)
            for step in (100, -100):
                chunks.size(job, analysis, step)
            analysis.coded.clear()
        gc.collect()
        held = tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()
    said = sum(chunks.analysis_bytes(job, masked=hole) for job in analyses)
    assert 0.2 * said < held < said
