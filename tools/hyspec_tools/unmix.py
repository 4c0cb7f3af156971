"""hyspec-unmix: maps of the abundances of endmembers in a scene, by a trained model."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from hyspec.analysis import unmix
from hyspec.analysis.pack import AnalysisPack
from hyspec_tools.analyse import Map, analysis_parser, moments, run
from hyspec_tools.common import Parser, program
from hyspec_tools.inputs import join_negative_values
from hyspec_tools.map_picture import mosaic


def parser() -> Parser:
    """Arguments of the program."""
    return analysis_parser("hyspec-unmix", __doc__, "abundances")


@program
def main(argv: Sequence[str] | None = None) -> int:
    """Run the program."""
    arguments = parser().parse_args(join_negative_values(argv))
    return run(arguments, unmix, _draw, _summary)


def _draw(path: Path, found: Map, pack: AnalysisPack) -> None:
    mosaic(path, found, [each.colour for each in pack.endmembers])


def _summary(found: Map, pack: AnalysisPack) -> dict[str, Any]:
    pixels, planes = moments(found)
    return {
        "pixels": pixels,
        "missing": found.shape[0] * found.shape[1] - pixels,
        "results": [
            {"name": each.name, **values}
            for each, values in zip(pack.endmembers, planes, strict=True)
        ],
    }
