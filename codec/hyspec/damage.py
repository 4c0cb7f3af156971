"""Damage of a stream: what is lost with a chunk that could not be decoded, and why."""

from __future__ import annotations

from dataclasses import dataclass

#: What can be done about damage, for the hints of errors.
RESCUE = "hyspec-decode --recover (on_damage='fill' in Python) decodes what is left"


@dataclass(frozen=True)
class Damage:
    """A chunk that could not be decoded.

    Attributes
    ----------
    tile : int
        Number of its tile.
    rows, columns, bands : range
        Samples that are lost.
    reason : str
        What was wrong.
    """

    tile: int
    rows: range
    columns: range
    bands: range
    reason: str
