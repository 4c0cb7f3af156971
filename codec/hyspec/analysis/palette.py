"""Colours of classes and endmembers that their source gives none."""

from __future__ import annotations

import colorsys

#: Red, green and blue from 0 to 255.
Colour = tuple[int, int, int]

#: What marks a pixel without any class.
NO_CLASS: Colour = (0, 0, 0)
#: Share of the circle of hues between neighbours: the golden ratio's, so that no two of few are
#: near each other, however many follow.
_HUE_STEP = 0.618033988749895
#: Saturation and brightness; neighbours differ in them, too.
_TONES = ((0.85, 0.95), (0.55, 0.75), (0.35, 1.0))


def colours(count: int) -> list[Colour]:
    """Return colours that are easily told apart if they are few; the first ones never change.

    Parameters
    ----------
    count
        How many.
    """
    found = []
    for k in range(count):
        channels = colorsys.hsv_to_rgb(k * _HUE_STEP % 1, *_TONES[k % len(_TONES)])
        red, green, blue = (round(255 * value) for value in channels)
        found.append((red, green, blue))
    return found
