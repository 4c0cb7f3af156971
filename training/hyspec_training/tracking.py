"""What a stage shows while it trains: a progress bar, and curves for TensorBoard."""

from __future__ import annotations

import math
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from torch.utils.tensorboard import SummaryWriter
from tqdm import tqdm

#: Curves get a point every so many steps.
_POINT_EVERY = 20
#: Weight of a new step in the running means.
_FORGET = 0.02
#: Seconds between two states of the bar where it is written to a file.
_FILE_INTERVAL = 30.0


def step_bar(title: str, first: int, steps: int, *, quiet: bool) -> tqdm[Any]:
    """Progress bar of a stage that begins at some step; written to a file, it changes rarely."""
    return tqdm(
        total=steps,
        desc=title,
        initial=first,
        disable=quiet,
        unit="step",
        mininterval=0.2 if sys.stderr.isatty() else _FILE_INTERVAL,
    )


class Tracker:
    """Progress bar and curves of one stage; use it as a context manager.

    Parameters
    ----------
    title
        Begins the progress bar.
    first, steps
        Steps done already and steps to do.
    curves
        Folder of the curves, or ``None`` for none; points after ``first`` are replaced.
    quiet
        Show no progress bar.
    """

    def __init__(
        self, title: str, first: int, steps: int, curves: Path | None, *, quiet: bool
    ) -> None:
        self._bar = step_bar(title, first, steps, quiet=quiet)
        purge = first + 1 if first else None
        self._writer = None if curves is None else SummaryWriter(str(curves), purge_step=purge)
        self._means: dict[str, float] = {}

    def __enter__(self) -> Tracker:
        """Begin."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the bar and the file of curves."""
        self._bar.close()
        if self._writer is not None:
            self._writer.close()

    def step(self, done: int, loss: float, rate: float, mse: float, learning_rate: float) -> None:
        """Note one step: running means of the loss, bits per sample and mean squared error."""
        for name, value in (("loss", loss), ("rate", rate), ("distortion", mse)):
            mean = self._means.get(name, math.nan)
            self._means[name] = value if math.isnan(mean) else mean + _FORGET * (value - mean)
        rate, mse = self._means["rate"], self._means["distortion"]
        self._bar.set_postfix(bps=f"{rate:.3f}", mse=f"{mse:.4f}", refresh=False)
        self._bar.update()
        if self._writer is not None and done % _POINT_EVERY == 0:
            for name, mean in self._means.items():
                self._writer.add_scalar(f"training/{name}", mean, done)
            self._writer.add_scalar("training/learning_rate", learning_rate, done)

    def validated(self, done: int, records: Sequence[dict[str, Any]]) -> None:
        """Note a validation, one curve per scene and quality."""
        if self._writer is None:
            return
        for record in records:
            for key in ("bps", "snr_db", "ms_ssim"):
                name = f"validation {record['scene']}/{key} at quality {record['quality']}"
                self._writer.add_scalar(name, record[key], done)
        self._writer.flush()
