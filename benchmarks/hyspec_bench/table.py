"""A table of texts, and what the tables of a benchmark share."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from hyspec_bench.codecs.codec import Kind

Record = dict[str, Any]

#: Targets whose costs and further measures are shown.
_TYPICAL = {Kind.RATE: 0.25, Kind.MAX_ERROR: 5.0, Kind.LOSSLESS: 0.0}


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


def names(records: Sequence[Record], column: str) -> list[str]:
    """Values of a column, each once."""
    return list(dict.fromkeys(r[column] for r in records))


def typical(records: Sequence[Record], kind: Kind) -> tuple[list[Record], float]:
    """Records at the target of a kind that is nearest to a middling one, and this target."""
    of_kind = [r for r in records if r["kind"] == kind]
    wanted = _TYPICAL[kind]
    setting = min(
        (r["setting"] for r in of_kind), key=lambda s: (abs(s - wanted), s), default=wanted
    )
    return [r for r in of_kind if r["setting"] == setting], setting


def nearest(settings: Iterable[float], wanted: float) -> float:
    """Setting above 0 that has the least ratio to a wanted one."""
    return min(settings, key=lambda setting: abs(math.log(setting / wanted)))


def target_text(kind: Kind, setting: float) -> str:
    """Return a target as words that follow a noun."""
    return {
        Kind.RATE: f"at {setting:g} bit/sample",
        Kind.MAX_ERROR: f"with errors up to {setting:g}",
        Kind.LOSSLESS: "lossless",
    }[kind]


def number(value: float, form: str) -> str:
    """Return a number as text, and a dash for NaN."""
    return "-" if math.isnan(value) else form.format(value)
