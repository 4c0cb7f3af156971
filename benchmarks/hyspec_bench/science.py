"""Tasks of remote sensing: what is left of a scene's use once it has been compressed.

Each takes a scene (`hyspec_bench.scenes.Scene`), whose file holds the ground truth, and decoded
samples of shape (rows, columns, bands).
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt

from hyspec.analysis import LabelledScene, abundance_metrics, auc, fcls, local_sets, rx, vca
from hyspec.errors import DataError
from hyspec_bench.codecs.codec import Samples
from hyspec_bench.scenes import Scene

#: With this the RX detector is the plain one, but has an inverse of every covariance.
PLAIN_REGULARISATION = 1e-8
#: Seeds over which the result of VCA is averaged.
VCA_SEEDS = 10


def rx_auc(scene: Scene, decoded: Samples) -> float:
    """Area below the ROC of the global RX detector, for scenes with an anomaly map."""
    return auc(rx(decoded), _anomalies(scene.path))


def plain_rx_auc(scene: Scene, decoded: Samples) -> float:
    """Return the same of the detector without regularisation to speak of."""
    return auc(rx(decoded, regularisation=PLAIN_REGULARISATION), _anomalies(scene.path))


def fcls_a_rmse(scene: Scene, decoded: Samples) -> float:
    """Abundance error (aRMSE) of FCLS with the true endmembers, for scenes with abundances."""
    abundances, endmembers, scale = _mixtures(scene.path)
    estimated = fcls(decoded * (scale / scene.multiplier), endmembers)
    return abundance_metrics.abundance_score(abundances, estimated).a_rmse


def vca_angle(scene: Scene, decoded: Samples) -> float:
    """Mean spectral angle in radians of endmembers found by VCA, averaged over seeds."""
    _, endmembers, _ = _mixtures(scene.path)
    angles = []
    for seed in range(VCA_SEEDS):
        found = vca(decoded, len(endmembers), seed=seed).endmembers
        angles.append(abundance_metrics.match_endmembers(endmembers, found).angles.mean())
    return float(np.mean(angles))


@functools.lru_cache(maxsize=8)
def _anomalies(path: Path) -> npt.NDArray[np.bool_]:
    truth = _read(local_sets.read_anomalies, path, "anomalies").anomalies
    assert truth is not None  # the reader always sets it
    return truth


@functools.lru_cache(maxsize=8)
def _mixtures(path: Path) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64], float]:
    """Abundances, endmembers, and what brings samples to the unit of these."""
    truth = _read(local_sets.read_unmixing, path, "abundances")
    assert truth.abundances is not None  # the reader always sets them
    assert truth.endmembers is not None
    return truth.abundances, truth.endmembers, truth.endmember_scale


def _read(read: Callable[[Path], LabelledScene], path: Path, kind: str) -> LabelledScene:
    """Read the ground truth of a scene's file.

    Raises
    ------
    DataError
        The file has none of this kind.
    """
    try:
        return read(path)
    except DataError as error:
        raise DataError(
            f"{path} has no {kind}: {error}",
            hint="the task is for scenes of which these are known; see hyspec.analysis.local_sets",
        ) from error
