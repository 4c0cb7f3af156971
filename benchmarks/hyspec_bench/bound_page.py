"""docs/benchmarks_bounded.md: the method, then the tables of `bounds`."""

from __future__ import annotations

import os
from collections.abc import Sequence
from importlib import resources
from pathlib import Path
from typing import Any

from hyspec_bench import document
from hyspec_bench.table import Table


def markdown(
    about: dict[str, Any], tables: Sequence[Table], figure: Path | None, folder: Path
) -> str:
    """Return the page.

    Parameters
    ----------
    about
        Machine, versions and scenes, as `results.Results` keeps them.
    tables
        What follows the method.
    figure
        File of the figure; ``None`` for none.
    folder
        Where the page will be: the figure is named from there.
    """
    method = resources.files("hyspec_bench").joinpath("bound_method.md").read_text("utf-8")
    parts = [method, "## Results\n", document.machine(about), document.scenes(about)]
    if figure is not None:
        parts.append(f"![Rates over limits]({Path(os.path.relpath(figure, folder)).as_posix()})\n")
    for table in tables:
        parts += [f"### {table.title}\n", table.markdown() + "\n"]
    return "\n".join(parts)
