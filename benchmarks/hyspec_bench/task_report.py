"""Table and figure of what compression does to tasks: a task's figure over the rate.

`originals` computes the figure of the scenes as they are; the figures of decoded scenes come from
the records of a run.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from matplotlib.figure import Figure

from hyspec_bench import plots, scenes, styles
from hyspec_bench import tasks as task_functions
from hyspec_bench.results import Results
from hyspec_bench.table import Record, Table, names

#: Figure of a task for the original, by task and scene.
Originals = Mapping[tuple[str, str], float]


def originals(paths: Sequence[Path], tasks: Sequence[str]) -> Originals:
    """Figures of the tasks for the scenes as they are."""
    functions = task_functions.load(tasks)
    found = {}
    for scene in map(scenes.load, paths):
        for name, function in functions.items():
            found[name, scene.name] = function(scene, scene.cube.array)
    return found


def tables(results: Results, known: Originals) -> list[Table]:
    """Return a table per task: scenes and codecs by target rates, with the change by compression.

    A cell says: figure of the decoded scene, its difference to the original's, and the rate.
    """
    return [_table(_of_task(results, known, task), known, task) for task in _tasks(known)]


def plot(results: Results, known: Originals, path: Path) -> None:
    """Draw each task for each scene over the rate, with the original as a dotted line.

    The suffix of the path says in which format, as Matplotlib knows it.
    """
    tasks, chosen = _tasks(known), list(dict.fromkeys(scene for _, scene in known))
    figure = Figure(figsize=(5.2 * len(chosen), 3.8 * len(tasks) + 0.5), layout="constrained")
    panels = figure.subplots(len(tasks), len(chosen), squeeze=False)
    for line, task in zip(panels, tasks, strict=True):
        records = _of_task(results, known, task)
        codecs = names(records, "codec")
        for panel, scene in zip(line, chosen, strict=True):
            for codec in codecs:
                points = sorted(
                    (r["bps"], r["tasks"][task])
                    for r in records
                    if (r["scene"], r["codec"]) == (scene, codec)
                )
                if points:
                    style = styles.of(codec, codecs)
                    panel.plot(*zip(*points, strict=True), **style, marker=".", label=codec)
            panel.axhline(known[task, scene], color="0.4", linestyle=":", label="original")
            panel.set(xscale="log", xlabel="rate in bit/sample", ylabel=task, title=scene)
            plots.label_ticks(panel.xaxis)
            panel.grid(alpha=0.3)
    panels[0, 0].legend(fontsize="small")
    figure.savefig(path, dpi=110)


def _table(records: Sequence[Record], known: Originals, task: str) -> Table:
    rates = sorted({r["setting"] for r in records})
    cells = {(r["scene"], r["codec"], r["setting"]): r for r in records}
    rows = []
    for scene in names(records, "scene"):
        original = known[task, scene]
        for codec in names(records, "codec"):
            texts = [_cell(cells.get((scene, codec, rate)), task, original) for rate in rates]
            rows.append([scene, f"{original:.4f}", codec, *texts])
    header = ("scene", "original", "codec", *(f"{rate:g} bit/sample" for rate in rates))
    return Table(f"{task}: decoded (difference to the original) at the rate spent", header, rows)


def _cell(record: Record | None, task: str, original: float) -> str:
    if record is None:
        return "-"
    value = record["tasks"][task]
    return f"{value:.4f} ({value - original:+.4f}) at {record['bps']:.3f}"


def _tasks(known: Originals) -> list[str]:
    return list(dict.fromkeys(task for task, _ in known))


def _of_task(results: Results, known: Originals, task: str) -> list[Record]:
    """Records at rates that hold the task for one of the scenes."""
    return [
        r
        for r in results.measured()
        if r["kind"] == "rate" and task in r["tasks"] and (task, r["scene"]) in known
    ]
