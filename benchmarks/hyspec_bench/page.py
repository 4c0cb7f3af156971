"""The report as one HTML page that needs nothing beside it."""

from __future__ import annotations

import html
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from hyspec.errors import HyspecError
from hyspec_bench import plots, registry, scenes, summary
from hyspec_bench.results import Results, key_of
from hyspec_bench.table import Table, names, nearest

Record = dict[str, Any]

_STYLE = """
body { font: 15px/1.5 sans-serif; margin: 2em auto; max-width: 1500px; padding: 0 1em; }
h2 { font-size: 1.3em; }
table { border-collapse: collapse; margin: 1em 0; }
th, td { border: 1px solid #ccc; padding: 2px 6px; text-align: right; white-space: nowrap; }
th:first-child, td:first-child { text-align: left; }
.table { overflow-x: auto; font-size: 13px; }
svg, img { max-width: min(100%, 1200px); height: auto; }
"""
#: Decoded cubes that are shown beside the original, at most.
_SHOWN = 4


def write(
    results: Results,
    path: Path,
    anchors: Sequence[str],
    rates: tuple[float, float],
    example_rate: float,
) -> None:
    """Write the page.

    Parameters
    ----------
    results
        The folder of results.
    path
        File of the page.
    anchors, rates
        As for `summary.tables`.
    example_rate
        Target rate in bits per sample of the pictures; the nearest one with streams is taken.
    """
    records = results.measured()
    body = ["<h1>hyspec-bench</h1>"]
    for table in summary.tables(results, anchors, rates):
        body += [f"<h2>{html.escape(table.title)}</h2>", _table(table)]
    for scene in names(records, "scene"):
        body += [f"<h2>{html.escape(scene)}</h2>", plots.rate_distortion(records, scene)]
        if any((r["scene"], r["kind"]) == (scene, "rate") for r in records):
            body += ["<h3>Band intervals</h3>", plots.intervals(records, scene)]
        picture = _examples(results, scene, example_rate)
        if picture:
            body += ["<h3>Examples</h3>", picture]
    about = html.escape(json.dumps(results.about(), indent=2))
    body += ["<h2>Machine, versions and scenes</h2>", f"<pre>{about}</pre>"]
    path.write_text(
        '<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><title>hyspec-bench</title>'
        f"<style>{_STYLE}</style></head><body>{''.join(body)}</body></html>\n",
        encoding="utf-8",
    )


def _table(table: Table) -> str:
    rows = [table.header, *table.rows]
    lines = []
    for number, row in enumerate(rows):
        tag = "td" if number else "th"
        lines.append(
            "<tr>" + "".join(f"<{tag}>{html.escape(cell)}</{tag}>" for cell in row) + "</tr>"
        )
    return f'<div class="table"><table>{"".join(lines)}</table></div>'


def _examples(results: Results, scene: str, example_rate: float) -> str:
    """Pictures of the codecs whose streams were kept; empty where scene or streams are gone."""
    path = Path(results.about().get("scenes", {}).get(scene, {}).get("path", ""))
    kept = [
        r
        for r in results.measured()
        if (r["scene"], r["kind"]) == (scene, "rate") and results.stream(key_of(r)).exists()
    ]
    if not kept or not path.is_file():
        return ""
    rate = nearest((r["setting"] for r in kept), example_rate)
    original = scenes.load(path).cube.array
    decoded, captions = {}, {}
    for record in _shown([r for r in kept if r["setting"] == rate]):
        codec = record["codec"]
        try:
            decoded[codec] = registry.create(codec).decode(
                results.stream(key_of(record)).read_bytes()
            )
        except HyspecError:
            continue  # a pack or library of the measurement that this machine lacks
        captions[codec] = f"{record['bps']:.3f} bit/sample, {record['psnr_db']:.2f} dB"
    return plots.examples(original, decoded, captions) if decoded else ""


def _shown(records: Sequence[Record]) -> list[Record]:
    """A few records: hyspec's own first, then the best of the others, each in one form."""
    codecs = {r["codec"] for r in records}
    forms = [r for r in records if not _is_second_form(r["codec"], codecs)]
    ranked = sorted(
        forms, key=lambda r: (not r["codec"].startswith("hyspec_"), -float(r["psnr_db"]))
    )
    return ranked[:_SHOWN]


def _is_second_form(codec: str, codecs: set[str]) -> bool:
    """Whether a codec is one of the others without its search."""
    return codec.endswith("_ns") and codec.removesuffix("_ns") in codecs
