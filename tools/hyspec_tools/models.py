"""The list of the analysis models, as a table or as JSON."""

from __future__ import annotations

from typing import Any

from hyspec_tools.common import to_json


def listing(models: list[dict[str, Any]], *, json: bool) -> str:
    """Describe models, one line each, or all in one line of JSON.

    Parameters
    ----------
    models
        ``name``, ``parameters``, ``trainable``, ``patch`` and ``task`` of each; the numbers are
        None for a model that needs more bands.
    json
        Give JSON.
    """
    if json:
        return to_json(models)
    rows = [("name", "task", "patch", "parameters", "trainable")]
    for model in models:
        numbers = (model["patch"], model["parameters"], model["trainable"])
        rows.append(
            (model["name"], model["task"], *("-" if n is None else f"{n:,}" for n in numbers))
        )
    widths = [max(len(row[k]) for row in rows) for k in range(len(rows[0]))]
    return "\n".join(_aligned(row, widths) for row in rows)


def _aligned(row: tuple[str, ...], widths: list[int]) -> str:
    """Texts to the left, the numbers after them to the right."""
    texts = [cell.ljust(width) for cell, width in zip(row[:2], widths[:2], strict=True)]
    numbers = [cell.rjust(width) for cell, width in zip(row[2:], widths[2:], strict=True)]
    return "  ".join([*texts, *numbers])
