"""Band intervals, and their text form.

The programming interface counts bands from 0 and excludes the stop, as Python does; the text form
counts from 1 and includes the last band, as sensor documents and papers do: ``"1-40,41-96"``.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from hyspec.errors import UsageError

_PIECE = re.compile(r"([0-9]{1,9})(?:\s*-\s*([0-9]{1,9}))?")


@dataclass(frozen=True, order=True)
class BandInterval:
    """Contiguous bands ``start`` to ``stop - 1``, counted from 0.

    Raises
    ------
    UsageError
        The interval is empty or starts below 0.
    """

    start: int
    stop: int

    def __post_init__(self) -> None:
        """Refuse empty and negative intervals."""
        if not 0 <= self.start < self.stop:
            raise UsageError(
                f"band interval from {self.start} up to, not including, {self.stop} is empty or "
                "starts below 0",
                hint="give 0 <= start < stop",
            )

    def __len__(self) -> int:
        """Return the number of bands."""
        return self.stop - self.start

    def __str__(self) -> str:
        """Return the text form, 1-based and inclusive."""
        return f"{self.start + 1}-{self.stop}"

    @property
    def slice(self) -> slice:
        """The interval as an index of the band axis."""
        return slice(self.start, self.stop)


def check_partition(intervals: Sequence[BandInterval], bands: int) -> tuple[BandInterval, ...]:
    """Return ``intervals`` as a tuple if they cover ``bands`` bands, in order and exactly once.

    Raises
    ------
    UsageError
        There is a gap or an overlap, a band beyond the last, or a band at either end left out.
    """
    hint = f"together the intervals must cover the bands 1-{bands}, in order and each once"
    position = 0
    for interval in intervals:
        if interval.start > position:
            missing = BandInterval(position, interval.start)
            raise UsageError(
                f"found interval {interval} where one starting at band {position + 1} is "
                f"expected: bands {missing} are in no interval",
                hint=hint,
            )
        if interval.start < position:
            raise UsageError(
                f"interval {interval} overlaps the one before it, which ends at band {position}; "
                f"expected one starting at band {position + 1}",
                hint=hint,
            )
        if interval.stop > bands:
            raise UsageError(
                f"interval {interval} goes beyond the last band; the cube has {bands} bands",
                hint=hint,
            )
        position = interval.stop
    if position < bands:
        raise UsageError(
            f"the intervals end at band {position}; the cube has {bands} bands",
            hint=f"add an interval {BandInterval(position, bands)}",
        )
    return tuple(intervals)


def parse_intervals(text: str, bands: int) -> tuple[BandInterval, ...]:
    """Parse a partition such as ``"1-40,41-96,97-224"``.

    Parameters
    ----------
    text
        Comma-separated ``FIRST-LAST`` pairs of band numbers, counted from 1, the last included; a
        single number is an interval of one band. Blanks are ignored.
    bands
        Number of bands of the cube.

    Returns
    -------
    tuple of BandInterval
        Contiguous and covering all ``bands`` bands.

    Raises
    ------
    UsageError
        A piece cannot be read, or the intervals are no partition of the bands.
    """
    intervals = []
    for piece in text.split(","):
        match = _PIECE.fullmatch(piece.strip())
        if match is None:
            raise UsageError(
                f"found band interval {piece.strip()!r}; expected FIRST-LAST",
                hint="write band numbers counted from 1, the last included: "
                f"{_example(bands)} for this cube of {bands} bands",
            )
        first = int(match[1])
        last = int(match[2] or match[1])
        if not 1 <= first <= last:
            raise UsageError(
                f"found band interval {piece.strip()!r}; expected 1 <= FIRST <= LAST",
                hint="bands are counted from 1",
            )
        intervals.append(BandInterval(first - 1, last))
    return check_partition(intervals, bands)


def format_intervals(intervals: Sequence[BandInterval]) -> str:
    """Return the text form, such as ``"1-40,41-96"``; the inverse of :func:`parse_intervals`."""
    return ",".join(str(interval) for interval in intervals)


def _example(bands: int) -> str:
    half = bands // 2
    if half == 0:
        return "1-1"
    return format_intervals([BandInterval(0, half), BandInterval(half, bands)])
