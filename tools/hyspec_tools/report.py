"""The table and the JSON record that encode, decode and compare have in common."""

from __future__ import annotations

import math
import time
from typing import Any

from hyspec import Damage
from hyspec.metrics import Comparison

#: Keys of the JSON record, always all of them; null where a program does not know the value.
KEYS = (
    "samples",
    "bytes",
    "bps",
    "psnr_db",
    "psnr_peak",
    "rmse",
    "max_abs_error",
    "sam_deg",
    "snr_db",
    "encode_seconds",
    "decode_seconds",
    "profile",
    "pack",
    "ways",
)
_LABELS = {
    "samples": ("samples", "{:,d}"),
    "bytes": ("bytes", "{:,d}"),
    "bps": ("rate", "{:.4f} bit/sample"),
    "psnr_db": ("PSNR", "{:.2f} dB"),
    "psnr_peak": ("  with peak", "{:g}"),
    "rmse": ("RMSE", "{:.4g}"),
    "max_abs_error": ("maximum error", "{:g}"),
    "sam_deg": ("spectral angle", "{:.3f} degrees"),
    "snr_db": ("SNR", "{:.2f} dB"),
    "encode_seconds": ("encoding", "{:.2f} s"),
    "decode_seconds": ("decoding", "{:.2f} s"),
    "profile": ("profile", "{}"),
    "pack": ("pack", "{}"),
    "ways": ("chunks", "{}"),
}


class Timer:
    """Wall-clock time spent inside its ``with`` blocks.

    All programs measure ``decode_seconds`` with it: the opening of the stream and its decoding up
    to the last sample, without comparing and without what follows the decoding in a writer.

    Attributes
    ----------
    seconds : float
        Time so far.
    """

    def __init__(self) -> None:
        self.seconds = 0.0
        self._started = 0.0

    def __enter__(self) -> Timer:
        """Run."""
        self._started = time.perf_counter()
        return self

    def __exit__(self, *_: object) -> None:
        """Pause."""
        self.seconds += time.perf_counter() - self._started


def record(**known: Any) -> dict[str, Any]:
    """All keys in order, ``None`` where the value is not known."""
    unknown = set(known) - set(KEYS)
    if unknown:
        raise KeyError(f"not a key of the record: {sorted(unknown)}")
    return {key: known.get(key) for key in KEYS}


def quality(comparison: Comparison) -> dict[str, Any]:
    """The part of the record that a comparison fills in; ``samples`` counts invalid ones, too."""
    return {
        "psnr_db": comparison.psnr_db,
        "psnr_peak": comparison.psnr_peak,
        "rmse": comparison.rmse,
        "max_abs_error": comparison.max_abs_error,
        "sam_deg": comparison.sam_deg,
        "snr_db": comparison.snr_db,
    }


def table(values: dict[str, Any]) -> str:
    """The known values of a record, one per line."""
    lines = []
    for key in KEYS:
        value = values[key]
        if value is None or value == {}:
            continue
        if isinstance(value, dict):
            value = ways(value)
        label, form = _LABELS[key]
        if isinstance(value, float) and math.isnan(value):
            text = "undefined"
        elif isinstance(value, float) and math.isinf(value):
            text = "infinite"
        else:
            text = form.format(value)
        lines.append(f"{label:<16} {text}")
    return "\n".join(lines)


def ways(counts: dict[str, int]) -> str:
    """How many chunks went each way to their samples, such as ``2 corrections, 1 prediction``."""
    return ", ".join(f"{count} {way}" for way, count in counts.items())


def damage(lost: Damage) -> str:
    """One line about a lost chunk: its samples, counted from 0, and what is wrong with it."""
    return (
        f"rows {lost.rows.start}:{lost.rows.stop}, "
        f"columns {lost.columns.start}:{lost.columns.stop}, "
        f"bands {lost.bands.start}:{lost.bands.stop}: {lost.reason}"
    )
