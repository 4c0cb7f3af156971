"""Figures of the report: curves as SVG, pictures as PNG, each as text to stand in a page."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from typing import Any

import matplotlib as mpl
import numpy as np
import numpy.typing as npt
from matplotlib.figure import Figure

from hyspec_bench import summary

Record = dict[str, Any]
Array = npt.NDArray[Any]

#: Column, label, and scale of the axis of the curves.
_CURVES = (
    ("psnr_db", "PSNR in dB", "linear"),
    ("snr_db", "SNR in dB", "linear"),
    ("sam_deg", "mean spectral angle in degrees", "log"),
    ("max_abs_error", "maximum error", "log"),
)
#: Line styles tell codecs apart once the colours repeat.
_STYLES = ("-", "--", ":", "-.")


def rate_distortion(records: Sequence[Record], scene: str) -> str:
    """Curves of all lossy measurements of a scene over the rate, an SVG element.

    Codecs with a rate are drawn as lines, those with an error limit as lines with crosses.
    """
    figure = Figure(figsize=(12, 9), layout="constrained")
    axes = figure.subplots(2, 2).ravel()
    codecs = summary.names(records, "codec")
    for panel, (column, label, scale) in zip(axes, _CURVES, strict=True):
        for kind, marker in (("rate", "o"), ("max_error", "x")):
            for number, codec in enumerate(codecs):
                chosen = [
                    r
                    for r in records
                    if (r["scene"], r["codec"], r["kind"]) == (scene, codec, kind)
                ]
                if chosen:
                    _line(panel, [(r["bps"], r[column]) for r in chosen], number, marker, codec)
        panel.set(xscale="log", yscale=scale, xlabel="bit/sample", ylabel=label)
        panel.grid(alpha=0.3)
    axes[0].legend(fontsize="small", ncols=2)
    return _svg(figure)


def intervals(records: Sequence[Record], scene: str) -> str:
    """PSNR of each band interval over the rate of the whole cube, an SVG element."""
    chosen = [r for r in records if (r["scene"], r["kind"]) == (scene, "rate")]
    names = list(chosen[0]["interval_psnr_db"])
    codecs = summary.names(records, "codec")
    figure = Figure(figsize=(3.2 * len(names), 3.6), layout="constrained")
    panels = figure.subplots(1, len(names), sharey=True, squeeze=False)[0]
    for panel, name in zip(panels, names, strict=True):
        for number, codec in enumerate(codecs):
            points = [
                (r["bps"], r["interval_psnr_db"][name]) for r in chosen if r["codec"] == codec
            ]
            if points:
                _line(panel, points, number, ".", codec)
        panel.set(xscale="log", xlabel="bit/sample", title=f"bands {name}")
        panel.grid(alpha=0.3)
    panels[0].set_ylabel("PSNR in dB")
    panels[-1].legend(fontsize="x-small")
    return _svg(figure)


def examples(original: Array, decoded: dict[str, Array]) -> str:
    """A band, its errors, and three spectra, original and decoded, an HTML image.

    Parameters
    ----------
    original : ndarray, shape (rows, columns, bands)
    decoded
        Cubes of the same shape by the text that stands above them.
    """
    band = int(np.argmax(original.std(axis=(0, 1))))
    reference = original[:, :, band].astype(np.float64)
    low, high = np.percentile(reference, (1, 99))
    errors = {name: cube[:, :, band] - reference for name, cube in decoded.items()}
    limit = max(1.0, *(float(np.percentile(np.abs(error), 99)) for error in errors.values()))
    columns = len(decoded) + 1
    figure = Figure(figsize=(3 * columns, 9), layout="constrained")
    grid = figure.add_gridspec(3, columns)
    panel = figure.add_subplot(grid[0, 0])
    panel.imshow(reference, cmap="gray", vmin=low, vmax=high)
    panel.set(title=f"original, band {band + 1}", xticks=[], yticks=[])
    for column, (name, cube) in enumerate(decoded.items(), 1):
        panel = figure.add_subplot(grid[0, column])
        panel.imshow(cube[:, :, band], cmap="gray", vmin=low, vmax=high)
        panel.set(title=name, xticks=[], yticks=[])
        panel.title.set_fontsize("small")
        panel = figure.add_subplot(grid[1, column])
        shown = panel.imshow(errors[name], cmap="coolwarm", vmin=-limit, vmax=limit)
        panel.set(title="error", xticks=[], yticks=[])
    figure.colorbar(shown, ax=panel)
    spectra = figure.add_subplot(grid[2, :])
    order = np.argsort(original.mean(axis=2), axis=None)
    numbers = np.arange(1, original.shape[2] + 1)
    for share in (0.1, 0.5, 0.9):
        row, column = divmod(int(order[int(share * (order.size - 1))]), original.shape[1])
        spectra.plot(numbers, original[row, column], "k", linewidth=1.5)
        for number, (name, cube) in enumerate(decoded.items()):
            label = name.partition("\n")[0] if share == 0.5 else None
            spectra.plot(numbers, cube[row, column], f"C{number}", linewidth=0.8, label=label)
    spectra.set(xlabel="band", ylabel="sample", title="dark, middle and bright pixel")
    spectra.legend(fontsize="small")
    return _png(figure)


def _line(
    panel: Any, points: Sequence[tuple[float, float]], number: int, marker: str, label: str
) -> None:
    panel.plot(
        *zip(*sorted(points), strict=True),
        color=f"C{number % 10}",
        linestyle=_STYLES[number // 10 % len(_STYLES)],
        marker=marker,
        label=label,
        markersize=4,
        linewidth=1,
    )


def _svg(figure: Figure) -> str:
    buffer = io.StringIO()
    with mpl.rc_context({"svg.hashsalt": "hyspec"}):
        figure.savefig(buffer, format="svg", metadata={"Date": None})
    return buffer.getvalue().partition("<svg")[1] + buffer.getvalue().partition("<svg")[2]


def _png(figure: Figure) -> str:
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=80)
    return f'<img src="data:image/png;base64,{base64.b64encode(buffer.getvalue()).decode()}">'
