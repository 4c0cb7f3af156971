"""docs/benchmarks.md: the method, then the tables of a folder of results."""

from __future__ import annotations

import html
from collections.abc import Sequence
from importlib import resources
from typing import Any

from hyspec_bench import summary
from hyspec_bench.results import Results
from hyspec_bench.table import Table


def markdown(results: Results, anchors: Sequence[str], rates: summary.Rates) -> str:
    """Return the page; parameters as for `summary.tables`."""
    about = results.about()
    method = resources.files("hyspec_bench").joinpath("method.md").read_text("utf-8")
    parts = [method, "## Results\n", machine(about), scenes(about)]
    for table in summary.tables(results, anchors, rates):
        parts += [f"### {table.title}\n", table.markdown() + "\n"]
    return "\n".join(parts)


def machine(about: dict[str, Any]) -> str:
    """Machine and versions, a paragraph; empty where they are not known."""
    known = about.get("machine")
    if known is None:
        return ""
    versions = ", ".join(f"{name} {version}" for name, version in known["versions"].items())
    memory = known["memory_mib"] / 1024
    return (
        f"Measured on {html.escape(known['processor'])}, {known['processors']} processors, "
        f"{memory:.1f} GiB of memory, {about['processes']} measured at a time; {versions}.\n"
    )


def scenes(about: dict[str, Any]) -> str:
    """Table of the scenes."""
    rows = [
        [
            name,
            " x ".join(map(str, scene["shape"])),
            scene["type"],
            f"{scene['minimum']} to {scene['maximum']}",
            f"`{scene['sha256'][:16]}`",
        ]
        for name, scene in about.get("scenes", {}).items()
    ]
    header = ["scene", "rows x columns x bands", "samples", "range", "SHA-256 begins"]
    return Table("", header, rows).markdown() + "\n"
