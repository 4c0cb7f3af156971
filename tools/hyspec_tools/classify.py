"""hyspec-classify: a map of the classes in a scene, by a trained model."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from hyspec.analysis import classify
from hyspec.analysis.pack import AnalysisPack
from hyspec_tools.analyse import Map, analysis_parser, blocks, run
from hyspec_tools.common import Parser, program
from hyspec_tools.inputs import join_negative_values
from hyspec_tools.map_picture import class_picture


def parser() -> Parser:
    """Arguments of the program."""
    return analysis_parser("hyspec-classify", __doc__, "classes")


@program
def main(argv: Sequence[str] | None = None) -> int:
    """Run the program."""
    arguments = parser().parse_args(join_negative_values(argv))
    return run(arguments, classify, _draw, _summary)


def _draw(path: Path, found: Map, pack: AnalysisPack) -> None:
    class_picture(path, found, [each.colour for each in pack.classes])


def _summary(found: Map, pack: AnalysisPack) -> dict[str, Any]:
    counts = np.zeros(len(pack.classes) + 1, np.int64)
    for block in blocks(found):
        counts += np.bincount(block.ravel(), minlength=len(counts))
    total = int(counts[1:].sum())
    return {
        "pixels": total,
        "missing": int(counts[0]),
        "results": [
            {"name": each.name, "pixels": int(count), "share": int(count) / max(total, 1)}
            for each, count in zip(pack.classes, counts[1:], strict=True)
        ],
    }
