"""hyspec-features: maps of what a trained encoder makes of the spectra of a scene."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from hyspec.analysis import features
from hyspec.analysis.pack import AnalysisPack
from hyspec_tools.analyse import Map, analysis_parser, moments, run
from hyspec_tools.common import Parser, program
from hyspec_tools.inputs import join_negative_values
from hyspec_tools.map_picture import mosaic


def parser() -> Parser:
    """Arguments of the program."""
    return analysis_parser("hyspec-features", __doc__, "features")


@program
def main(argv: Sequence[str] | None = None) -> int:
    """Run the program."""
    arguments = parser().parse_args(join_negative_values(argv))
    return run(arguments, features, _draw, _summary)


def _draw(path: Path, found: Map, _: AnalysisPack) -> None:
    mosaic(path, found)


def _summary(found: Map, _: AnalysisPack) -> dict[str, Any]:
    pixels, planes = moments(found)
    return {
        "pixels": pixels,
        "missing": found.shape[0] * found.shape[1] - pixels,
        "results": [{"name": f"feature {k}", **values} for k, values in enumerate(planes, 1)],
    }
