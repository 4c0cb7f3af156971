"""Tables of a benchmark."""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from hyspec_bench import delta
from hyspec_bench.results import Results

Record = dict[str, Any]
Rates = tuple[float, float]


@dataclass(frozen=True)
class Table:
    """A table of texts.

    Attributes
    ----------
    title : str
    header : sequence of str
    rows : sequence of sequences of str
    """

    title: str
    header: Sequence[str]
    rows: Sequence[Sequence[str]]

    def markdown(self) -> str:
        """Return the table without its title."""
        lines = ["| " + " | ".join(row) + " |" for row in (self.header, *self.rows)]
        return "\n".join([lines[0], "|---" * len(self.header) + "|", *lines[1:]])


def tables(results: Results, anchor: str, rates: Rates) -> list[Table]:
    """Return all tables that there are measurements for.

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
    scenes = names(records, "scene")
    found = [rate_table(records, scene) for scene in scenes]
    found += [limit_table(records, scene) for scene in scenes]
    found += [
        lossless_table(records),
        delta_table(records, anchor, rates, "BD-rate in %", delta.bd_rate, "{:+.1f}"),
        delta_table(records, anchor, rates, "BD-PSNR in dB", delta.bd_psnr, "{:+.2f}"),
        cost_table(records, results.about()),
    ]
    return [table for table in found if table.rows]


def rate_table(records: Sequence[Record], scene: str) -> Table:
    """Rate, PSNR, spectral angle and maximum error of all codecs at all target rates."""
    return _by_setting(
        [r for r in records if (r["scene"], r["kind"]) == (scene, "rate")],
        f"{scene}: bit/sample / PSNR in dB / SAM in degrees / maximum error, by target rate",
        lambda r: (
            f"{r['bps']:.3f} / {r['psnr_db']:.2f} / {r['sam_deg']:.2f} / {r['max_abs_error']:g}"
        ),
    )


def limit_table(records: Sequence[Record], scene: str) -> Table:
    """Rate and PSNR of all codecs at all error limits."""
    return _by_setting(
        [r for r in records if (r["scene"], r["kind"]) == (scene, "max_error")],
        f"{scene}: bit/sample / PSNR in dB, by limit of the absolute error",
        lambda r: f"{r['bps']:.3f} / {r['psnr_db']:.2f}",
    )


def lossless_table(records: Sequence[Record]) -> Table:
    """Rates of the lossless codecs per scene, and their mean over the scenes."""
    chosen = [r for r in records if r["kind"] == "lossless"]
    scenes = names(chosen, "scene")
    rates = {(r["codec"], r["scene"]): r["bps"] for r in chosen}
    rows = []
    for codec in names(chosen, "codec"):
        values = [rates.get((codec, scene), math.nan) for scene in scenes]
        rows.append([codec, *(_number(v, "{:.3f}") for v in (*values, statistics.fmean(values)))])
    return Table("Lossless: bit/sample", ["codec", *scenes, "mean"], rows)


def delta_table(
    records: Sequence[Record],
    anchor: str,
    rates: Rates,
    title: str,
    measure: Callable[[Sequence[delta.Point], Sequence[delta.Point], Rates], float],
    form: str,
) -> Table:
    """Delta of each codec against the anchor per scene, and the mean where all scenes have one."""
    chosen = [r for r in records if r["kind"] == "rate"]
    scenes = names(chosen, "scene")
    rows = []
    for codec in names(chosen, "codec"):
        if codec == anchor:
            continue
        values = [
            measure(curve(chosen, scene, anchor), curve(chosen, scene, codec), rates)
            for scene in scenes
        ]
        rows.append([codec, *(_number(v, form) for v in (*values, statistics.fmean(values)))])
    low, high = rates
    heading = f"{title} against {anchor}, {low:g} to {high:g} bit/sample"
    return Table(heading, ["codec", *scenes, "mean"], rows)


def cost_table(records: Sequence[Record], about: dict[str, Any]) -> Table:
    """Median speed and memory of each codec over all its measurements."""
    samples = {name: math.prod(scene["shape"]) for name, scene in about.get("scenes", {}).items()}
    rows = []
    for codec in names(records, "codec"):
        chosen = [r for r in records if r["codec"] == codec and r["scene"] in samples]
        if not chosen:
            continue
        speeds = [
            statistics.median(samples[r["scene"]] / 1e6 / max(r[column], 1e-6) for r in chosen)
            for column in ("encode_seconds", "decode_seconds")
        ]
        memory = [
            statistics.median(r[column] if r[column] else math.nan for r in chosen)
            for column in ("encode_memory_mib", "decode_memory_mib")
        ]
        rows.append(
            [
                codec,
                *(f"{speed:.1f}" for speed in speeds),
                *(_number(value, "{:.0f}") for value in memory),
            ]
        )
    return Table(
        "One thread: median million samples per CPU second, and peak of the process' memory in MiB",
        ["codec", "encode", "decode", "encode MiB", "decode MiB"],
        rows,
    )


def curve(records: Sequence[Record], scene: str, codec: str) -> list[delta.Point]:
    """Points of a codec's lossy encodings at target rates."""
    return [
        (r["bps"], r["psnr_db"])
        for r in records
        if (r["scene"], r["codec"], r["kind"]) == (scene, codec, "rate")
    ]


def names(records: Sequence[Record], column: str) -> list[str]:
    """Values of a column, each once."""
    return list(dict.fromkeys(r[column] for r in records))


def _by_setting(records: Sequence[Record], title: str, text: Callable[[Record], str]) -> Table:
    settings = sorted({r["setting"] for r in records})
    cells = {(r["codec"], r["setting"]): text(r) for r in records}
    rows = [
        [codec, *(cells.get((codec, setting), "-") for setting in settings)]
        for codec in names(records, "codec")
    ]
    return Table(title, ["codec", *(f"{setting:g}" for setting in settings)], rows)


def _number(value: float, form: str) -> str:
    return "-" if math.isnan(value) else form.format(value)
