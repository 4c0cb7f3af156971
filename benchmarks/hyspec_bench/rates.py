"""Rate and distortion of hyspec on given scenes: python -m hyspec_bench.rates SCENE... --bps R...

Encodes every scene at every rate, decodes the stream and measures. Prints one line of JSON per
measurement, or a Markdown table.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from tqdm import tqdm

import hyspec
from hyspec import rate_control
from hyspec.errors import TargetError
from hyspec.options import EncodeSettings
from hyspec_bench import curves
from hyspec_tools import report
from hyspec_tools.arguments import add_profile_and_pack
from hyspec_tools.common import to_json


def measure(
    path: str, rates: Sequence[float], settings: EncodeSettings
) -> Iterator[dict[str, Any]]:
    """Yield one record per rate: the keys of the programs' JSON, with scene and target."""
    cube = hyspec.io.read(path)
    for rate in rates:
        try:
            found = curves.encode(cube, {**settings, "bps": rate})
        except TargetError as error:
            print(f"{path}: {error}", file=sys.stderr)
            continue
        record = report.record(
            samples=cube.array.size,
            bytes=found.bytes,
            bps=found.bps,
            encode_seconds=found.encode_seconds,
            decode_seconds=found.decode_seconds,
            profile=found.profile,
            pack=found.pack,
            **report.quality(found.comparison),
        )
        yield {"scene": Path(path).stem, "target_bps": rate, "shape": list(cube.shape)} | record


def markdown(records: Sequence[dict[str, Any]]) -> str:
    """Table of scenes by rates: PSNR in dB / mean spectral angle in degrees.

    Where no stream has about the rate, the cell says which one it has.
    """
    rates = sorted({r["target_bps"] for r in records})
    scenes = list(dict.fromkeys(r["scene"] for r in records))
    cells = {(r["scene"], r["target_bps"]): r for r in records}
    lines = [
        "| scene | " + " | ".join(f"{rate:g} bit/sample" for rate in rates) + " |",
        "|---" * (len(rates) + 1) + "|",
    ]
    for scene in scenes:
        texts = [_cell(cells.get((scene, rate))) for rate in rates]
        lines.append(f"| {scene} | " + " | ".join(texts) + " |")
    return "\n".join(lines)


def _cell(record: dict[str, Any] | None) -> str:
    if record is None:
        return "-"
    text = f"{record['psnr_db']:.2f} / {record['sam_deg']:.2f}"
    if rate_control.missed(record["bps"], record["target_bps"], rate_control.TOLERANCE):
        text += f" at {record['bps']:.3f}"
    return text


def main(argv: Sequence[str] | None = None) -> int:
    """Run the benchmark."""
    parser = argparse.ArgumentParser("python -m hyspec_bench.rates", description=__doc__)
    parser.add_argument("scenes", nargs="+", metavar="SCENE", help="cubes that hyspec reads")
    parser.add_argument("--bps", nargs="+", type=float, default=[0.1, 0.25, 0.5], metavar="R")
    add_profile_and_pack(parser)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--markdown", action="store_true", help="print a Markdown table")
    arguments = parser.parse_args(argv)
    settings: EncodeSettings = {
        "profile": arguments.profile,
        "pack": arguments.pack,
        "threads": arguments.threads,
    }
    records = []
    for path in tqdm(arguments.scenes, unit="scene", disable=None):
        for record in measure(path, arguments.bps, settings):
            records.append(record)
            if not arguments.markdown:
                print(to_json(record), flush=True)
    if arguments.markdown:
        print(markdown(records))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
