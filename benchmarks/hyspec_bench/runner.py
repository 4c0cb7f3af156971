"""Runs the measurements of a benchmark, each in a process of its own, and keeps their records."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tqdm import tqdm

from hyspec_bench import machine, registry, scenes
from hyspec_bench import tasks as task_functions
from hyspec_bench.codecs.codec import Kind, Target
from hyspec_bench.results import Key, Results
from hyspec_bench.turns import ONE_THREAD


@dataclass(frozen=True)
class Job:
    """A measurement to be done."""

    path: Path
    codec: str
    target: Target

    @property
    def key(self) -> Key:
        """Key of its record."""
        return self.path.stem, self.codec, str(self.target.kind), self.target.value


def plan(paths: Sequence[Path], codecs: Sequence[str], targets: Sequence[Target]) -> Iterator[Job]:
    """Yield the measurements of all scenes by all codecs at all targets that they have.

    Raises
    ------
    UsageError, MissingDependencyError
        As for `registry.create`.
    """
    kinds = {name: registry.create(name).kinds for name in codecs}
    for path in paths:
        for name in codecs:
            for target in targets:
                if target.kind in kinds[name]:
                    yield Job(path, name, target)


def run(
    jobs: Sequence[Job],
    results: Results,
    *,
    processes: int = 1,
    quiet: bool = False,
    again: bool = False,
    tasks: Sequence[str] = (),
) -> list[str]:
    """Do the measurements that the folder does not hold yet, for the scenes as they are now.

    A measurement with other settings of the codec, or another pack, is done again, and so is one
    that lacks one of the ``tasks``, which are names for `tasks.load`. With ``again`` all are done,
    since a folder does not know whether a codec has changed otherwise.

    A measurement whose codec says that it cannot reach the target is recorded as such and not
    tried again; one that fails otherwise is tried again by the next run.

    Returns
    -------
    list of str
        One line for each measurement that failed or was out of reach.
    """
    task_functions.load(tasks)
    known = {path: scenes.load(path) for path in sorted({job.path for job in jobs})}
    settings = {name: _settings(name) for name in {job.codec for job in jobs}}
    about = results.about()
    about["machine"] = machine.describe()
    about["processes"] = processes
    for part, found in (
        ("scenes", {scene.name: _describe(scene) for scene in known.values()}),
        ("codecs", settings),
    ):
        about[part] = dict(sorted((about.get(part, {}) | found).items()))
    results.write_about(about)

    def missing(job: Job) -> bool:
        record = results.records.get(job.key)
        if again or record is None or record["scene_sha256"] != known[job.path].sha256:
            return True
        if record.get("settings") != settings[job.codec]:
            return True
        return "error" not in record and not set(tasks) <= set(record["tasks"])

    left = [job for job in jobs if missing(job)]
    problems = []
    with ThreadPoolExecutor(processes) as pool:
        futures: dict[Future[dict[str, Any]], Job] = {
            pool.submit(_measure, job, results, tasks): job for job in left
        }
        bar = tqdm(total=len(left), unit="measurement", disable=True if quiet else None)
        with bar:
            for future in as_completed(futures):
                job = futures[future]
                bar.set_postfix_str(f"{job.path.stem} {job.codec} {job.target.value:g}")
                bar.update()
                try:
                    record = future.result()
                except _MeasurementError as error:
                    problems.append(f"{' '.join(map(str, job.key))}: {error}")
                    continue
                results.add(record | {"settings": settings[job.codec]})
                if "error" in record:
                    problems.append(f"{' '.join(map(str, job.key))}: {record['error']}")
    results.write_csv()
    return problems


class _MeasurementError(Exception):
    """A process of a measurement that died."""


def _measure(job: Job, results: Results, tasks: Sequence[str]) -> dict[str, Any]:
    arguments = [str(job.path), job.codec, str(job.target.kind), repr(job.target.value)]
    if job.target.kind is Kind.RATE:
        arguments += ["--stream", str(results.stream(job.key))]
    if tasks:
        arguments += ["--tasks", *tasks]
    done = subprocess.run(
        [sys.executable, "-m", "hyspec_bench.measurement", *arguments],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, **ONE_THREAD},
    )
    if done.returncode != 0:
        last = done.stderr.strip().splitlines()[-1:] or [f"exit status {done.returncode}"]
        raise _MeasurementError(last[0])
    scene, codec, kind, setting = job.key
    record: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return {"scene": scene, "codec": codec, "kind": kind, "setting": setting, **record}


def _settings(name: str) -> dict[str, Any]:
    """Settings as JSON gives them back."""
    codec = registry.create(name)
    settings: dict[str, Any] = json.loads(
        json.dumps({**codec.settings(), "searches": sorted(codec.searches)})
    )
    return settings


def _describe(scene: scenes.Scene) -> dict[str, Any]:
    array = scene.cube.array
    return {
        "path": str(scene.path.resolve()),
        "shape": list(array.shape),
        "type": array.dtype.name,
        "minimum": int(array.min()),
        "maximum": int(array.max()),
        "multiplier": scene.multiplier,
        "sha256": scene.sha256,
    }
