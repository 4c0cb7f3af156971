"""hyspec-info: show what a .hyc file holds, and check it."""

from __future__ import annotations

import argparse
import dataclasses
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import hyspec
from hyspec_tools import report
from hyspec_tools.arguments import add_shared
from hyspec_tools.common import Parser, ProgressBars, program, to_json


def parser() -> argparse.ArgumentParser:
    """Arguments of the program."""
    result = Parser("hyspec-info", description=__doc__)
    result.add_argument("input", type=Path, metavar="INPUT.hyc", help="stream to look at")
    result.add_argument(
        "--check", action="store_true", help="verify every chunk down to its decoded symbols"
    )
    add_shared(result, "pack", "threads", "json")
    return result


@program
def main(argv: Sequence[str] | None = None) -> int:
    """Run the program; the exit code is 1 if ``--check`` finds damage."""
    arguments = parser().parse_args(argv)
    how = "fill" if arguments.check else "raise"
    with hyspec.open(
        arguments.input, pack=arguments.pack, threads=arguments.threads, on_damage=how
    ) as stream:
        values = describe(stream)
        damage = []
        if arguments.check:
            with ProgressBars(not arguments.json) as bars:
                damage = stream.check(bars)
            values["index"] = "rebuilt" if stream.index.rebuilt else "sound"
            values["damage"] = [
                {
                    "tile": d.tile,
                    "rows": [d.rows.start, d.rows.stop],
                    "columns": [d.columns.start, d.columns.stop],
                    "bands": [d.bands.start, d.bands.stop],
                    "reason": d.reason,
                }
                for d in damage
            ]
    if arguments.json:
        print(to_json(values))
    else:
        _print(values)
        for lost in damage:
            print(f"  {report.damage(lost)}")
    return 1 if damage or values.get("index") == "rebuilt" else 0


def describe(stream: hyspec.Stream) -> dict[str, Any]:
    """All that the header and index say, JSON-serialisable."""
    rows, columns, bands = stream.shape
    size = len(stream)
    nodata, limits = stream.nodata, stream.error_limits
    return {
        "format": f"1.{stream.header.minor_version}",
        "rows": rows,
        "columns": columns,
        "bands": bands,
        "dtype": stream.dtype.name,
        "step": stream.header.step,
        "samples": rows * columns * bands,
        "bytes": size,
        "bps": 8 * size / (rows * columns * bands),
        "profile": stream.profile,
        "pack": stream.pack_name,
        "pack_id": None if stream.pack_id is None else stream.pack_id.hex(),
        "intervals": [
            {"bands": str(interval), "model": model}
            for interval, (_, model) in zip(stream.intervals, stream.header.intervals, strict=True)
        ],
        "tile": list(stream.tile_size),
        "chunks": len(stream.index.chunks),
        "layers": stream.layers,
        "error_limits": None if limits is None else dataclasses.asdict(limits),
        "ways": stream.ways,
        "nodata": str(nodata) if nodata is not None and not math.isfinite(nodata) else nodata,
        "bad_bands": None if stream.bad_bands is None else int(stream.bad_bands.sum()),
        "wavelengths": None if stream.wavelengths is None else stream.wavelengths.tolist(),
        "fwhm": None if stream.fwhm is None else stream.fwhm.tolist(),
        "wavelength_unit": stream.wavelength_unit,
        "metadata": stream.metadata,
        "software": stream.header.software,
    }


def _print(values: dict[str, Any]) -> None:
    waves = values["wavelengths"]
    unit = values["wavelength_unit"] or ""
    lines = {
        "format": f"{values['format']}, written by {values['software'] or 'unknown software'}",
        "cube": f"{values['rows']} x {values['columns']} x {values['bands']} {values['dtype']}"
        + (f" in steps of {values['step']:g}" if values["step"] else ""),
        "size": f"{values['bytes']:,} bytes, {values['bps']:.4f} bit/sample",
        "profile": values["profile"]
        + (f", pack {values['pack']} ({values['pack_id'][:16]}...)" if values["pack"] else ""),
        "errors": _limits(values["error_limits"]),
        "intervals": ", ".join(f"{i['bands']} (model {i['model']})" for i in values["intervals"]),
        "tiles": f"{values['tile'][0]} x {values['tile'][1]}; {values['chunks']} chunks"
        + (f" in {values['layers']} layers" if values["layers"] > 1 else "")
        + (f": {report.ways(values['ways'])}" if values["ways"] else ""),
        "wavelengths": f"{waves[0]:g} to {waves[-1]:g} {unit}" if waves else "none",
        "nodata": "none" if values["nodata"] is None else str(values["nodata"]),
        "bad bands": "not stated" if values["bad_bands"] is None else str(values["bad_bands"]),
        "metadata": ", ".join(values["metadata"]) or "none",
    }
    if "damage" in values:
        lines["index"] = values["index"]
        lines["damage"] = f"{len(values['damage'])} chunks" if values["damage"] else "none"
    for name, text in lines.items():
        print(f"{name:<12} {text}")


def _limits(limits: dict[str, float | None] | None) -> str:
    """What error limits say."""
    if limits is None:
        return "not bounded"
    if limits["max_error"] == 0:
        return "none"
    parts = [
        f"at most {value:g}{of}"
        for value, of in (
            (limits["max_error"], ""),
            (limits["max_relative_error"], " of the sample"),
        )
        if value is not None
    ]
    return " and ".join(parts) or "not bounded"
