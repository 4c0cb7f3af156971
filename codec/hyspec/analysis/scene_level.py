"""The brightness of a scene, by which models for any sensor have its samples divided."""

from __future__ import annotations

import numpy as np

from hyspec.analysis.band_matching import BandMatching
from hyspec.analysis.scaling import LEVEL, Scaler
from hyspec.analysis.scene_rows import SceneRows
from hyspec.cube import Cube
from hyspec.errors import DataError
from hyspec.stream import Stream

#: Samples that are read at once, about.
_SAMPLES = 1 << 22


def level(scene: Cube | Stream, matching: BandMatching) -> Scaler:
    """Fit the scaler ``level`` to the measured pixels of a scene, in bounded memory.

    Parameters
    ----------
    scene
        The scene, which is read once.
    matching
        Of its bands; those whose code says that they are not valid do not count.

    Returns
    -------
    Scaler
        Of as many bands as ``matching`` gives.

    Raises
    ------
    DataError
        No pixel is measured, or all samples are 0.
    """
    rows, columns, bands = scene.shape
    height = max(1, _SAMPLES // (columns * bands))
    source = SceneRows(scene)
    counted = slice(None) if matching.code is None else matching.code[:, 2] > 0
    squares, count = 0.0, 0
    for first in range(0, rows, height):
        samples = source.take(np.arange(first, min(first + height, rows)))
        spectra, valid = matching(samples)
        kept = spectra[valid][:, counted]
        squares += float(np.square(kept).sum())
        count += kept.size
    if not squares > 0 or not np.isfinite(squares):
        raise DataError(
            "the scene has no brightness to scale by; expected measured pixels, not all 0",
            hint="check its nodata value and its list of bad bands",
        )
    number = len(matching.lower)
    scale = np.full(number, np.sqrt(squares / count) / LEVEL)
    return Scaler("level", np.zeros(number), scale)
