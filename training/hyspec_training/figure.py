"""The rate-distortion curves of a run, as a figure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from hyspec_training.validation import last_records

#: Formats that are written.
SUFFIXES = (".png", ".pdf")
_COLUMNS = 3
_MARKERS = "osv^Dx+*"


def draw_history(history: Mapping[str, Sequence[dict[str, Any]]], path: Path) -> list[Path]:
    """Draw the last validation of each stage: one line per scene, one set of axes per interval.

    Parameters
    ----------
    history
        Validation records by stage, see :func:`hyspec_training.validation.validate`.
    path
        Name of the files without their suffix.

    Returns
    -------
    list of Path
        The files; none if nothing was validated.
    """
    last = {stage: last_records(records) for stage, records in history.items() if records}
    if not last:
        return []
    groups: dict[str, list[str]] = {}
    for stage in last:
        interval = stage.partition("-interval-")[2]
        groups.setdefault(f"interval {int(interval) + 1}" if interval else "all bands", []).append(
            stage
        )
    columns = min(_COLUMNS, len(groups))
    rows = -(-len(groups) // columns)
    figure = Figure(figsize=(5.0 * columns, 4.0 * rows), layout="constrained")
    FigureCanvasAgg(figure)
    scenes = sorted({r["scene"] for records in last.values() for r in records})
    networks = list(dict.fromkeys(stage.partition("-interval-")[0] for stage in last))
    for k, (title, names) in enumerate(groups.items()):
        axes = figure.add_subplot(rows, columns, k + 1)
        for stage in names:
            network = stage.partition("-interval-")[0]
            for scene in scenes:
                line = [r for r in last[stage] if r["scene"] == scene]
                if line:
                    axes.plot(
                        [r["bps"] for r in line],
                        [r["snr_db"] for r in line],
                        color=f"C{networks.index(network)}",
                        marker=_MARKERS[scenes.index(scene) % len(_MARKERS)],
                        label=f"{network}, {scene}",
                    )
        axes.set_title(title)
        axes.set_xlabel("rate (bit/sample)")
        axes.set_ylabel("SNR (dB)")
        axes.grid(alpha=0.3)
        axes.legend(fontsize="x-small")
    files = [path.with_suffix(suffix) for suffix in SUFFIXES]
    for file in files:
        figure.savefig(file, dpi=150)
    return files
