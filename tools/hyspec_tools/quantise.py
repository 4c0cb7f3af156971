"""hyspec-quantise: add graphs in 8-bit integers to an analysis pack, and measure what they lose."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from hyspec.analysis import labelled, pack
from hyspec.errors import UsageError
from hyspec_tools.analyse import add_analysis_arguments, opened
from hyspec_tools.arguments import add_shared, positive
from hyspec_tools.common import Parser, extra, program, to_json
from hyspec_tools.inputs import add_input_arguments, join_negative_values

_LABELS = {
    "rmse": "RMSE of results",
    "relative": "  of their deviation",
    "agreement": "same class",
    "accuracy": "accuracy",
    "accuracy_int8": "  in integers",
}


def parser() -> Parser:
    """Arguments of the program."""
    result = Parser("hyspec-quantise", description=__doc__)
    add_analysis_arguments(result)
    result.add_argument("output", type=Path, metavar="OUT", help="pack to write: folder or .zip")
    result.add_argument(
        "--labels", metavar="FILE", help="map of the true classes, to measure the accuracy with"
    )
    result.add_argument(
        "--pixels",
        type=positive,
        default=2048,
        metavar="N",
        help="pixels of the scene to calibrate on (default: 2048)",
    )
    add_input_arguments(result)
    add_shared(result, "threads", "json", "force", "quiet")
    return result


@program
def main(argv: Sequence[str] | None = None) -> int:
    """Run the program."""
    arguments = parser().parse_args(join_negative_values(argv))
    with extra("train", "quantising"):
        from hyspec_training.analysis import quantise
    if arguments.output.exists() and not arguments.force:
        raise UsageError(
            f"{arguments.output} exists already", hint="choose another name or use --force"
        )
    labels = None
    if arguments.labels is not None:
        labels = labelled.whole_numbers(labelled.read_map(arguments.labels), arguments.labels)
    source = pack.load(arguments.pack)
    with opened(arguments) as scene:
        made, lost = quantise.quantise_pack(
            source,
            scene,
            pixels=arguments.pixels,
            bands=arguments.bands,
            labels=labels,
            threads=arguments.threads,
        )
    identifier = pack.save(made, arguments.output, force=arguments.force)
    if arguments.json:
        print(to_json({"pack": made.name, "pack_id": identifier, **lost}))
    elif not arguments.quiet:
        for key, value in lost.items():
            print(f"{_LABELS[key]:<20} {value:.5g}")
    return 0
