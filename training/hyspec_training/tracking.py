"""What a stage shows while it trains: a progress bar, and curves for TensorBoard."""

from __future__ import annotations

import math
import sys
from collections.abc import Mapping
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
    shown
        What the bar shows: by label, the name of a value and its format.
    """

    def __init__(
        self,
        title: str,
        first: int,
        steps: int,
        curves: Path | None,
        *,
        quiet: bool,
        shown: Mapping[str, tuple[str, str]],
    ) -> None:
        self._bar = step_bar(title, first, steps, quiet=quiet)
        purge = first + 1 if first else None
        self._writer = None if curves is None else SummaryWriter(str(curves), purge_step=purge)
        self._means: dict[str, float] = {}
        self._shown = shown

    def __enter__(self) -> Tracker:
        """Begin."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the bar and the file of curves."""
        self._bar.close()
        if self._writer is not None:
            self._writer.close()

    def step(self, done: int, values: Mapping[str, float], learning_rate: float) -> None:
        """Note one step: running means of its values."""
        for name, value in values.items():
            mean = self._means.get(name, math.nan)
            self._means[name] = value if math.isnan(mean) else mean + _FORGET * (value - mean)
        shown = {label: f"{self._means[n]:{form}}" for label, (n, form) in self._shown.items()}
        self._bar.set_postfix(shown, refresh=False)
        self._bar.update()
        if self._writer is not None and done % _POINT_EVERY == 0:
            for name, mean in self._means.items():
                self._writer.add_scalar(f"training/{name}", mean, done)
            self._writer.add_scalar("training/learning_rate", learning_rate, done)

    def validated(self, done: int, curves: Mapping[str, float]) -> None:
        """Note a validation, a point for each curve."""
        if self._writer is None:
            return
        for name, value in curves.items():
            self._writer.add_scalar(f"validation {name}", value, done)
        self._writer.flush()
