"""Tables of a benchmark."""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Sequence

from hyspec_bench import costs, delta
from hyspec_bench.codecs.codec import Kind
from hyspec_bench.results import Results
from hyspec_bench.table import Record, Table, names, nearest, number, typical

Rates = tuple[float, float]

#: Target rates in bits per sample at which band intervals are compared.
_INTERVAL_RATES = (0.1, 0.5, 2.0)

#: Measure, axis of what is compared, and how it and its range are written, of Bjøntegaard deltas.
_DELTAS = {
    "BD-rate": (
        delta.bd_rate,
        1,
        "{:+.1f}",
        ".1f",
        "BD-rate in % against {anchor}, {low:g} to {high:g} bit/sample (dB compared)",
    ),
    "BD-PSNR": (
        delta.bd_psnr,
        0,
        "{:+.2f}",
        ".3g",
        "BD-PSNR in dB against {anchor}, {low:g} to {high:g} bit/sample (bit/sample compared)",
    ),
}


def tables(results: Results, anchors: Sequence[str], rates: Rates) -> list[Table]:
    """Return all tables that there are measurements for.

    Parameters
    ----------
    results
        The folder of results.
    anchors
        Codecs with which the others are compared.
    rates
        Range of bits per sample over which curves are compared.
    """
    records = results.measured()
    scenes = names(records, "scene")
    found = [rate_table(records, scene) for scene in scenes]
    found += [limit_table(records, scene) for scene in scenes]
    found.append(lossless_table(records))
    for anchor in anchors:
        found += [delta_table(records, anchor, rates, what) for what in _DELTAS]
    found += [interval_table(records, scene) for scene in scenes]
    found += [measures_table(records, scene) for scene in scenes]
    found += [task_table(records, task) for task in task_names(records)]
    found += [costs.cost_table(records, results.about(), kind) for kind in Kind]
    found += costs.pair_tables(list(results.pairs.values()))
    return [table for table in found if table.rows]


def default_anchors(results: Results) -> list[str]:
    """Of the two JPEG 2000 codecs that others are compared with, the forms that were measured."""
    measured = {r["codec"] for r in results.measured() if r["kind"] == "rate"}
    forms = [(name, f"{name}_ns") for name in ("j2k_mc", "klt_j2k")]
    return [form for pair in forms for form in [n for n in pair if n in measured][:1]]


def rate_table(records: Sequence[Record], scene: str) -> Table:
    """Rate, PSNR, spectral angle and maximum error of all codecs at all target rates."""
    return _by_setting(
        [r for r in records if (r["scene"], r["kind"]) == (scene, "rate")],
        f"{scene}: bit/sample / PSNR in dB / SAM in degrees / maximum error, by target rate",
        lambda r: (
            f"{r['bps']:.3f} / {r['psnr_db']:.2f} / {r['sam_deg']:.2f} / {r['max_abs_error']:g}"
        ),
    )


def limit_table(records: Sequence[Record], scene: str) -> Table:
    """Rate and PSNR of all codecs at all error limits."""
    return _by_setting(
        [r for r in records if (r["scene"], r["kind"]) == (scene, "max_error")],
        f"{scene}: bit/sample / PSNR in dB, by limit of the absolute error",
        lambda r: f"{r['bps']:.3f} / {r['psnr_db']:.2f}",
    )


def lossless_table(records: Sequence[Record]) -> Table:
    """Rates of the lossless codecs per scene, and their mean over the scenes."""
    chosen = [r for r in records if r["kind"] == "lossless"]
    scenes = names(chosen, "scene")
    rates = {(r["codec"], r["scene"]): r["bps"] for r in chosen}
    rows = []
    for codec in names(chosen, "codec"):
        values = [rates.get((codec, scene), math.nan) for scene in scenes]
        rows.append([codec, *(number(v, "{:.3f}") for v in (*values, statistics.fmean(values)))])
    return Table("Lossless: bit/sample", ["codec", *scenes, "mean"], rows)


def delta_table(records: Sequence[Record], anchor: str, rates: Rates, what: str) -> Table:
    """Delta ("BD-rate" or "BD-PSNR") of each codec against the anchor per scene, and the mean.

    Behind each delta stands what was compared: the PSNR, or the rates, that both curves reach.
    The mean is that of all scenes, where all have a delta.
    """
    measure, axis, form, span, heading = _DELTAS[what]
    chosen = [r for r in records if r["kind"] == "rate"]
    scenes = names(chosen, "scene")
    codecs = names(chosen, "codec")
    rows = []
    for codec in codecs if anchor in codecs else ():
        if codec == anchor:
            continue
        cells, values = [], []
        for scene in scenes:
            curves = curve(chosen, scene, anchor), curve(chosen, scene, codec)
            values.append(measure(*curves, rates))
            low, high = delta.overlap(*curves, rates, axis)
            between = f" ({low:{span}} to {high:{span}})"
            cells.append("-" if math.isnan(values[-1]) else form.format(values[-1]) + between)
        rows.append([codec, *cells, number(statistics.fmean(values), form)])
    title = heading.format(anchor=anchor, low=rates[0], high=rates[1])
    return Table(title, ["codec", *scenes, "mean"], rows)


def measures_table(records: Sequence[Record], scene: str) -> Table:
    """All measures of all codecs at one target rate of a scene."""
    chosen, rate = typical([r for r in records if r["scene"] == scene], Kind.RATE)
    columns = (
        ("bit/sample", "bps", "{:.3f}"),
        ("PSNR dB", "psnr_db", "{:.2f}"),
        ("SNR dB", "snr_db", "{:.2f}"),
        ("RMSE", "rmse", "{:.2f}"),
        ("SAM mean", "sam_deg", "{:.2f}"),
        ("SAM 99th percentile", "sam_p99_deg", "{:.2f}"),
        ("maximum error", "max_abs_error", "{:g}"),
        ("SID", "sid", "{:.2g}"),
        ("MS-SSIM", "ms_ssim", "{:.4f}"),
    )
    rows = [[r["codec"], *(number(r[column], form) for _, column, form in columns)] for r in chosen]
    title = f"{scene}: all measures at {rate:g} bit/sample; SAM in degrees, SID in nats"
    return Table(title, ["codec", *(name for name, _, _ in columns)], rows)


def interval_table(records: Sequence[Record], scene: str) -> Table:
    """PSNR of each band interval of all codecs at a few target rates of the whole cube."""
    chosen = [r for r in records if (r["scene"], r["kind"]) == (scene, "rate")]
    settings = {r["setting"] for r in chosen}
    shown = sorted({nearest(settings, rate) for rate in _INTERVAL_RATES}) if settings else []
    psnr = {(r["codec"], r["setting"]): r["interval_psnr_db"] for r in chosen}
    parts = list(dict.fromkeys(part for found in psnr.values() for part in found))
    rows = [
        [
            codec,
            *(
                " / ".join(
                    number(psnr.get((codec, rate), {}).get(part, math.nan), "{:.2f}")
                    for rate in shown
                )
                for part in parts
            ),
        ]
        for codec in names(chosen, "codec")
    ]
    rates = " / ".join(f"{rate:g}" for rate in shown)
    title = f"{scene}: PSNR in dB of each band interval at {rates} bit/sample of the cube"
    return Table(title, ["codec", *(f"bands {part}" for part in parts)], rows)


def task_table(records: Sequence[Record], task: str) -> Table:
    """Rate and figure of a task for all scenes, codecs and target rates."""
    chosen = [r for r in records if r["kind"] == "rate" and task in r["tasks"]]
    settings = sorted({r["setting"] for r in chosen})
    cells = {
        (r["scene"], r["codec"], r["setting"]): f"{r['bps']:.3f} / {r['tasks'][task]:.4g}"
        for r in chosen
    }
    rows = [
        [scene, codec, *(cells.get((scene, codec, setting), "-") for setting in settings)]
        for scene, codec in dict.fromkeys((r["scene"], r["codec"]) for r in chosen)
    ]
    header = ["scene", "codec", *(f"{setting:g}" for setting in settings)]
    return Table(f"{task}: bit/sample / figure, by target rate", header, rows)


def task_names(records: Sequence[Record]) -> list[str]:
    """Names of all tasks that were measured."""
    return list(dict.fromkeys(task for r in records for task in r["tasks"]))


def curve(records: Sequence[Record], scene: str, codec: str) -> list[delta.Point]:
    """Points of a codec's lossy encodings at target rates."""
    return [
        (r["bps"], r["psnr_db"])
        for r in records
        if (r["scene"], r["codec"], r["kind"]) == (scene, codec, "rate")
    ]


def _by_setting(records: Sequence[Record], title: str, text: Callable[[Record], str]) -> Table:
    settings = sorted({r["setting"] for r in records})
    cells = {(r["codec"], r["setting"]): text(r) for r in records}
    rows = [
        [codec, *(cells.get((codec, setting), "-") for setting in settings)]
        for codec in names(records, "codec")
    ]
    return Table(title, ["codec", *(f"{setting:g}" for setting in settings)], rows)
