"""Tables of a benchmark in Markdown."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

from hyspec_bench import delta
from hyspec_bench.results import Results

Record = dict[str, Any]


def markdown(results: Results, anchor: str, rates: tuple[float, float]) -> str:
    """Return all tables.

    Parameters
    ----------
    results
        The folder of results.
    anchor
        Codec with which the others are compared.
    rates
        Range of bits per sample over which curves are compared.
    """
    records = results.measured()
    return "\n\n".join(
        [
            *(rate_table(records, scene) for scene in _names(records, "scene")),
            delta_table(records, anchor, rates, "BD-rate in %", delta.bd_rate, "{:+.1f}"),
            delta_table(records, anchor, rates, "BD-PSNR in dB", delta.bd_psnr, "{:+.2f}"),
        ]
    )


def rate_table(records: Sequence[Record], scene: str) -> str:
    """Rate, PSNR, spectral angle and maximum error of all codecs at all target rates."""
    chosen = [r for r in records if r["scene"] == scene and r["kind"] == "rate"]
    settings = sorted({r["setting"] for r in chosen})
    cells = {(r["codec"], r["setting"]): r for r in chosen}
    rows = [
        [name, *(_cell(cells.get((name, setting))) for setting in settings)]
        for name in _names(chosen, "codec")
    ]
    title = f"{scene}: bit/sample / PSNR in dB / SAM in degrees / maximum error at target rates"
    return title + "\n\n" + table(["codec", *(f"{s:g}" for s in settings)], rows)


def delta_table(
    records: Sequence[Record],
    anchor: str,
    rates: tuple[float, float],
    title: str,
    measure: Callable[[Sequence[delta.Point], Sequence[delta.Point], tuple[float, float]], float],
    form: str,
) -> str:
    """Delta of each codec against the anchor per scene, and the mean where all scenes have one."""
    scenes = _names(records, "scene")
    rows = []
    for name in _names(records, "codec"):
        if name == anchor:
            continue
        values = [
            measure(curve(records, scene, anchor), curve(records, scene, name), rates)
            for scene in scenes
        ]
        known = [value for value in values if not math.isnan(value)]
        mean = sum(known) / len(known) if len(known) == len(values) else math.nan
        rows.append([name, *(_number(value, form) for value in (*values, mean))])
    low, high = rates
    heading = f"{title} against {anchor}, {low:g} to {high:g} bit/sample"
    return heading + "\n\n" + table(["codec", *scenes, "mean"], rows)


def curve(records: Sequence[Record], scene: str, codec: str) -> list[delta.Point]:
    """Points of a codec's lossy encodings at target rates."""
    return [
        (r["bps"], r["psnr_db"])
        for r in records
        if (r["scene"], r["codec"], r["kind"]) == (scene, codec, "rate")
    ]


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a Markdown table."""
    lines = ["| " + " | ".join(row) + " |" for row in (header, *rows)]
    return "\n".join([lines[0], "|---" * len(header) + "|", *lines[1:]])


def _cell(record: Record | None) -> str:
    if record is None:
        return "-"
    return (
        f"{record['bps']:.3f} / {record['psnr_db']:.2f} / {record['sam_deg']:.2f} / "
        f"{record['max_abs_error']:g}"
    )


def _number(value: float, form: str) -> str:
    return "-" if math.isnan(value) else form.format(value)


def _names(records: Sequence[Record], column: str) -> list[str]:
    return list(dict.fromkeys(r[column] for r in records))
