"""Figures of the report: curves as SVG, pictures as PNG, each as text to stand in a page."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from typing import Any

import matplotlib as mpl
import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from hyspec_bench import styles
from hyspec_bench.table import names

Record = dict[str, Any]
Array = npt.NDArray[Any]

#: Column, label, and scale of the axis of the curves.
_CURVES = (
    ("psnr_db", "PSNR in dB", "linear"),
    ("snr_db", "SNR in dB", "linear"),
    ("sam_deg", "mean spectral angle in degrees", "log"),
    ("max_abs_error", "maximum error in sample units", "log"),
)
#: Marker of the points of a kind of target, and what it means.
_MARKERS = (("rate", "o", "at target rates"), ("max_error", "x", "with error limits"))
#: Places of the ticks of logarithmic axes in a decade.
_TICKS = (1, 2, 5)


def rate_distortion(records: Sequence[Record], scene: str) -> str:
    """Curves of all lossy measurements of a scene over the rate, an SVG element.

    Codecs with a rate are drawn with dots, those with an error limit with crosses.
    """
    chosen = [r for r in records if r["scene"] == scene and r["kind"] != "lossless"]
    codecs = names(records, "codec")
    figure = Figure(figsize=(12, 10.5), layout="constrained")
    for panel, (column, label, scale) in zip(figure.subplots(2, 2).ravel(), _CURVES, strict=True):
        for kind, marker, _ in _MARKERS:
            for codec in codecs:
                points = [
                    (r["bps"], r[column])
                    for r in chosen
                    if (r["codec"], r["kind"]) == (codec, kind)
                ]
                _line(panel, points, styles.of(codec, codecs), marker)
        panel.set(xscale="log", yscale=scale, xlabel="rate in bit/sample", ylabel=label)
        label_ticks(panel.xaxis)
        if scale == "log":
            label_ticks(panel.yaxis)
        panel.grid(alpha=0.3)
    _legend(figure, chosen, codecs)
    return _svg(figure)


def intervals(records: Sequence[Record], scene: str) -> str:
    """PSNR of each band interval over the rate of the whole cube, an SVG element."""
    chosen = [r for r in records if (r["scene"], r["kind"]) == (scene, "rate")]
    parts = list(chosen[0]["interval_psnr_db"])
    codecs = names(records, "codec")
    columns = min(len(parts), 3)
    rows = -(-len(parts) // columns)
    figure = Figure(figsize=(4 * columns, 3.4 * rows + 0.8), layout="constrained")
    panels = figure.subplots(rows, columns, sharey=True, squeeze=False).ravel()
    for panel, part in zip(panels, parts, strict=False):
        for codec in codecs:
            points = [
                (r["bps"], r["interval_psnr_db"][part]) for r in chosen if r["codec"] == codec
            ]
            _line(panel, points, styles.of(codec, codecs), ".")
        panel.set(xscale="log", xlabel="rate of the cube in bit/sample", title=f"bands {part}")
        label_ticks(panel.xaxis)
        panel.grid(alpha=0.3)
    for panel in panels[::columns]:
        panel.set_ylabel("PSNR in dB")
    for panel in panels[len(parts) :]:
        panel.set_axis_off()
    _legend(figure, chosen, codecs)
    return _svg(figure)


def examples(original: Array, decoded: dict[str, Array], captions: dict[str, str]) -> str:
    """A band, its errors, and three spectra, original and decoded, an HTML image.

    Parameters
    ----------
    original : ndarray, shape (rows, columns, bands)
    decoded
        Cubes of the same shape by codec.
    captions
        What stands under the name of a codec.
    """
    band = int(np.argmax(original.std(axis=(0, 1))))
    reference = original[:, :, band].astype(np.float64)
    low, high = np.percentile(reference, (1, 99))
    errors = {codec: cube[:, :, band] - reference for codec, cube in decoded.items()}
    limit = max(1.0, *(float(np.percentile(np.abs(error), 99)) for error in errors.values()))
    columns = len(decoded) + 1
    figure = Figure(figsize=(3 * columns, 9.6), layout="constrained")
    grid = figure.add_gridspec(3, columns)
    panel = figure.add_subplot(grid[0, 0])
    panel.imshow(reference, cmap="gray", vmin=low, vmax=high)
    panel.set(title=f"original, band {band + 1}", xticks=[], yticks=[])
    for column, (codec, cube) in enumerate(decoded.items(), 1):
        panel = figure.add_subplot(grid[0, column])
        panel.imshow(cube[:, :, band], cmap="gray", vmin=low, vmax=high)
        panel.set(title=codec, xlabel=captions[codec], xticks=[], yticks=[])
        panel = figure.add_subplot(grid[1, column])
        shown = panel.imshow(errors[codec], cmap="coolwarm", vmin=-limit, vmax=limit)
        panel.set(title=f"error of {codec}", xticks=[], yticks=[])
    beside = figure.add_subplot(grid[1, 0])
    beside.set_axis_off()
    bar = beside.inset_axes((0.82, 0.05, 0.08, 0.9))
    figure.colorbar(shown, cax=bar, label="error in sample units", extend="both")
    bar.yaxis.set_ticks_position("left")
    bar.yaxis.set_label_position("left")
    _spectra(figure.add_subplot(grid[2, :]), original, decoded)
    return _png(figure)


def _spectra(panel: Axes, original: Array, decoded: dict[str, Array]) -> None:
    """Draw the spectra of a dark, a middle and a bright pixel."""
    order = np.argsort(original.mean(axis=2), axis=None)
    numbers = np.arange(1, original.shape[2] + 1)
    for share in (0.1, 0.5, 0.9):
        row, column = divmod(int(order[int(share * (order.size - 1))]), original.shape[1])
        named = share == 0.5
        spectrum = original[row, column]
        panel.plot(numbers, spectrum, "0.8", linewidth=5, label="original" if named else None)
        for codec, cube in decoded.items():
            colour = styles.of(codec, list(decoded))["color"]
            label = codec if named else None
            panel.plot(numbers, cube[row, column], color=colour, linewidth=0.9, label=label)
    title = "spectra of a dark, a middle and a bright pixel"
    panel.set(xlabel="band", ylabel="sample", title=title, xlim=(1, original.shape[2]))
    panel.grid(alpha=0.3)
    panel.legend(fontsize="small")


def _line(
    panel: Axes, points: Sequence[tuple[float, float]], style: dict[str, Any], marker: str
) -> None:
    finite = sorted(point for point in points if np.isfinite(point).all())
    if finite:
        panel.plot(*zip(*finite, strict=True), **style, marker=marker, markersize=4)


def label_ticks(axis: Axis) -> None:
    """Label a logarithmic axis with plain numbers."""
    axis.set_major_locator(LogLocator(subs=_TICKS))
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axis.set_minor_formatter(NullFormatter())


def _legend(figure: Figure, records: Sequence[Record], codecs: list[str]) -> None:
    """Put all codecs that are drawn, and the markers if there are two, below the panels."""
    drawn = sorted({r["codec"] for r in records})
    handles = [Line2D([], [], label=codec, **styles.of(codec, codecs)) for codec in drawn]
    kinds = {r["kind"] for r in records}
    if len(kinds) > 1:
        handles += [
            Line2D([], [], color="k", linestyle="", marker=marker, label=meaning)
            for kind, marker, meaning in _MARKERS
            if kind in kinds
        ]
    figure.legend(handles=handles, loc="outside lower center", ncols=6, fontsize="small")


def _svg(figure: Figure) -> str:
    buffer = io.StringIO()
    with mpl.rc_context({"svg.hashsalt": "hyspec"}):
        figure.savefig(buffer, format="svg", metadata={"Date": None})
    return buffer.getvalue().partition("<svg")[1] + buffer.getvalue().partition("<svg")[2]


def _png(figure: Figure) -> str:
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=80)
    return f'<img src="data:image/png;base64,{base64.b64encode(buffer.getvalue()).decode()}">'
