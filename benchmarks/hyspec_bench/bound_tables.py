"""Tables of what a largest error costs: rates, what is saved, errors that are left, and speed.

Records are those of `results`, with ``max_error`` as an integer, 0 for lossless.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Iterator, Sequence

from hyspec_bench.table import Record, Table, names, number

OURS = "hyspec_bounded"
#: The rival whose errors are compared with ours: CCSDS 123.0-B-2, tuned, with the hybrid coder.
TUNED = "c123_tuned"
#: How names of the forms of CCSDS 123.0-B-2 begin.
_STANDARD = "c123_"
#: Speeds are shown at the limit nearest to this.
_MIDDLING = 5

#: A figure of one scene with one limit; NaN where it was not measured.
_Figure = Callable[[str, int], float]


def tables(records: Sequence[Record]) -> list[Table]:
    """Return all tables that there are measurements for."""
    found = [rate_table(records, scene) for scene in names(records, "scene")]
    if len(found) > 1:
        found.append(mean_table(records))
    found += saving_tables(records)
    found.append(quality_table(records))
    found.append(speed_table(records))
    return [table for table in found if table.rows]


def rate_table(records: Sequence[Record], scene: str) -> Table:
    """Bits per sample of all codecs with all limits, of one scene."""
    chosen = [r for r in records if r["scene"] == scene]
    rates = {(r["codec"], r["max_error"]): r["bps"] for r in chosen}
    rows = [
        [codec, *(number(rates.get((codec, m), math.nan), "{:.3f}") for m in limits(chosen))]
        for codec in names(chosen, "codec")
    ]
    return Table(f"{scene}: bit/sample", _header("codec", limits(chosen)), rows)


def mean_table(records: Sequence[Record]) -> Table:
    """Bits per sample of all codecs with all limits, means over the scenes."""
    count = len(names(records, "scene"))
    rows = []
    for codec in names(records, "codec"):
        cells = []
        for m in limits(records):
            found = [r["bps"] for r in records if (r["codec"], r["max_error"]) == (codec, m)]
            mean = statistics.fmean(found) if len(found) == count else math.nan
            cells.append(number(mean, "{:.3f}"))
        rows.append([codec, *cells])
    title = f"Mean over the {count} scenes: bit/sample"
    return Table(title, _header("codec", limits(records)), rows)


def saving_tables(records: Sequence[Record]) -> Iterator[Table]:
    """Per cent by which our streams are smaller than those of rivals."""
    rivals = [codec for codec in names(records, "codec") if codec != OURS]
    standard = [codec for codec in rivals if codec.startswith(_STANDARD)]
    for title, group in (
        ("the smallest stream of CCSDS 123.0-B-2, of all settings and coders", standard),
        ("CCSDS 123.0-B-2, tuned, hybrid coder", [TUNED] if TUNED in rivals else []),
        ("the smallest stream of all rivals", rivals),
    ):
        if group:
            yield _by_scene(records, f"Saved in % against {title}", _saving(records, group))


def quality_table(records: Sequence[Record]) -> Table:
    """PSNR of ours and of the tuned standard, and our change of the mean squared error."""
    rows = []
    shown = [m for m in limits(records) if m > 0]
    found = {(r["scene"], r["codec"], r["max_error"]): r for r in records}
    for scene in names(records, "scene"):
        cells = []
        for m in shown:
            ours, tuned = (found.get((scene, codec, m)) for codec in (OURS, TUNED))
            if ours is None or tuned is None:
                cells.append("-")
                continue
            change = 100 * (ours["mse"] / tuned["mse"] - 1) if tuned["mse"] else math.nan
            cells.append(
                f"{ours['psnr_db']:.2f} / {tuned['psnr_db']:.2f} ({number(change, '{:+.1f} %')})"
            )
        rows.append([scene, *cells])
    title = (
        "PSNR in dB of hyspec / of CCSDS 123.0-B-2, tuned, hybrid coder "
        "(and the change of the mean squared error)"
    )
    measured = any(cell != "-" for row in rows for cell in row[1:])
    return Table(title, _header("scene", shown), rows if measured else [])


def speed_table(records: Sequence[Record]) -> Table:
    """Speed of all codecs, lossless and with a middling limit."""
    lossy = [m for m in limits(records) if m > 0]
    shown = [m for m in limits(records) if m == 0] + sorted(
        lossy, key=lambda m: abs(m - _MIDDLING)
    )[:1]
    rows = []
    for codec in names(records, "codec"):
        cells = []
        for m in shown:
            mine = [r for r in records if (r["codec"], r["max_error"]) == (codec, m)]
            for step in ("encode", "decode"):
                speeds = [
                    8e-6 * r["bytes"] / r["bps"] / max(r[f"{step}_seconds"], 1e-6) for r in mine
                ]
                cells.append(number(statistics.median(speeds) if speeds else math.nan, "{:.1f}"))
        rows.append([codec, *cells])
    header = [
        f"{step}, m = {m}" if m else f"{step}, lossless"
        for m in shown
        for step in ("encode", "decode")
    ]
    title = (
        "Speed in million samples per CPU second, one thread, medians over the scenes "
        "(sz3 with its search)"
    )
    return Table(title, ["codec", *header], rows)


def limits(records: Sequence[Record]) -> list[int]:
    """Limits that were measured, the smallest first."""
    return sorted({r["max_error"] for r in records})


def _saving(records: Sequence[Record], rivals: Sequence[str]) -> _Figure:
    rates = {(r["scene"], r["codec"], r["max_error"]): r["bps"] for r in records}

    def saving(scene: str, m: int) -> float:
        theirs = [rates[scene, codec, m] for codec in rivals if (scene, codec, m) in rates]
        ours = rates.get((scene, OURS, m))
        return 100 * (1 - ours / min(theirs)) if ours is not None and theirs else math.nan

    return saving


def _by_scene(records: Sequence[Record], title: str, figure: _Figure) -> Table:
    """One line per scene, then mean and least; those skip what was not measured."""
    scenes, shown = names(records, "scene"), limits(records)
    rows = [[scene, *(number(figure(scene, m), "{:.1f}") for m in shown)] for scene in scenes]
    for name, summary in (("mean", statistics.fmean), ("least", min)):
        cells = []
        for m in shown:
            known = [v for v in (figure(scene, m) for scene in scenes) if not math.isnan(v)]
            cells.append(number(summary(known) if known else math.nan, "{:.1f}"))
        rows.append([name, *cells])
    return Table(title, _header("scene", shown), rows)


def _header(first: str, shown: Sequence[int]) -> list[str]:
    return [first, *(f"m = {m}" if m else "lossless" for m in shown)]
