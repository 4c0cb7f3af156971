"""Tables of speed and memory."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from typing import Any

from hyspec_bench.codecs.codec import Kind
from hyspec_bench.table import Record, Table, names, number, target_text, typical


def cost_table(records: Sequence[Record], about: dict[str, Any], kind: Kind) -> Table:
    """Speed and memory of each codec at one target, medians over the scenes."""
    samples = {name: math.prod(scene["shape"]) for name, scene in about.get("scenes", {}).items()}
    chosen, setting = typical([r for r in records if r["scene"] in samples], kind)
    searching = {
        name for name, codec in about.get("codecs", {}).items() if kind in codec["searches"]
    }
    rows = []
    for codec in names(chosen, "codec"):
        mine = [r for r in chosen if r["codec"] == codec]
        cells = ["yes" if codec in searching else "no"]
        for step in ("encode", "decode"):
            speeds = [samples[r["scene"]] / 1e6 / max(r[f"{step}_seconds"], 1e-6) for r in mine]
            cells.append(f"{statistics.median(speeds):.1f}")
        for step in ("encode", "decode"):
            peaks = [r[f"{step}_memory_mib"] or math.nan for r in mine]
            added = [
                peak - (r[f"{step}_memory_before_mib"] or math.nan)
                for peak, r in zip(peaks, mine, strict=True)
            ]
            cells += [number(statistics.median(values), "{:.0f}") for values in (peaks, added)]
        rows.append([codec, *cells])
    target = target_text(kind, setting)
    header = ["codec", "search", "encode", "decode"]
    header += [f"{step} {what}" for step in ("encode", "decode") for what in ("MiB", "added")]
    title = (
        f"Speed in million samples per CPU second, and memory, {target}; one thread, medians over "
        "the scenes"
    )
    return Table(title, header, rows)


def pair_tables(records: Sequence[Record]) -> list[Table]:
    """Speed of codecs that were timed in turns, a table for each first codec."""
    tables = []
    for first in names(records, "first"):
        rows = []
        for r in records:
            if r["first"] != first:
                continue
            million = r["samples"] / 1e6
            rows.append(
                [
                    r["codec"],
                    r["scene"],
                    target_text(Kind(r["kind"]), r["setting"]),
                    f"{r['bps']:.3f}",
                    f"{million / r['encode_seconds']:.1f}",
                    f"{r['encode_ratio']:.2f}",
                    f"{million / r['decode_seconds']:.1f}",
                    f"{r['decode_ratio']:.2f}",
                ]
            )
        title = (
            f"Codecs in turns, one thread: million samples per CPU second, medians of turns, and "
            f"ratios to {first}"
        )
        header = ["codec", "scene", "target", "bit/sample"]
        header += ["encode", "ratio", "decode", "ratio"]
        tables.append(Table(title, header, rows))
    return tables
