"""Figure of what a largest error costs: rates over limits, a panel for each scene."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from hyspec_bench import plots, styles
from hyspec_bench.bound_tables import limits
from hyspec_bench.table import Record, names

_COLUMNS = 3
#: Dots per inch of a picture.
_RESOLUTION = 90


def write(records: Sequence[Record], path: Path) -> None:
    """Draw the records and write the figure, a picture of the kind that the file's name says.

    The axis of limits has one place for each limit that was measured, lossless first: it has no
    logarithm.
    """
    scenes, codecs, shown = names(records, "scene"), names(records, "codec"), limits(records)
    rows = -(-len(scenes) // _COLUMNS)
    columns = min(_COLUMNS, len(scenes))
    figure = Figure(figsize=(4.4 * columns, 3.5 * rows + 0.9), layout="constrained")
    panels = figure.subplots(rows, columns, squeeze=False).ravel()
    for panel, scene in zip(panels, scenes, strict=False):
        for codec in codecs:
            points = [
                (shown.index(r["max_error"]), r["bps"])
                for r in records
                if (r["scene"], r["codec"]) == (scene, codec)
            ]
            if points:
                style = styles.of(codec, codecs)
                panel.plot(*zip(*points, strict=True), **style, marker="o", markersize=3)
        panel.set(title=scene, yscale="log", xticks=range(len(shown)))
        panel.set_xticklabels([str(m) if m else "lossless" for m in shown])
        plots.label_ticks(panel.yaxis)
        panel.grid(alpha=0.3)
    for panel in panels[len(scenes) :]:
        panel.set_axis_off()
    figure.supxlabel("largest error in sample units", fontsize="medium")
    figure.supylabel("rate in bit/sample", fontsize="medium")
    handles = [Line2D([], [], label=codec, **styles.of(codec, codecs)) for codec in codecs]
    figure.legend(handles=handles, loc="outside upper center", ncols=6, fontsize="small")
    figure.savefig(path, dpi=_RESOLUTION)
