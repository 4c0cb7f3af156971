"""Analysis of hyperspectral scenes: what is needed to judge a model, and baselines to beat.

- Scores: :mod:`~hyspec.analysis.classification_metrics`,
  :mod:`~hyspec.analysis.abundance_metrics`, :func:`ssim`, :func:`spectral_angles`, :func:`roc`,
  :func:`auc`.
- Splits whose leakage is known: :mod:`~hyspec.analysis.random_splits`,
  :mod:`~hyspec.analysis.spatial_split`; :mod:`~hyspec.analysis.scaling` of training pixels.
- Baselines: :func:`fcls`, :func:`vca` and :func:`archetypes` for unmixing, :func:`rx` for
  anomalies.
- Scenes with ground truth: :mod:`~hyspec.analysis.labelled`,
  :mod:`~hyspec.analysis.local_sets`, :mod:`~hyspec.analysis.public_sets`.
- Features of compressed scenes without decoding: :mod:`~hyspec.analysis.stream_features`.
- Trained models: :func:`classify`, :func:`unmix` and :func:`features` apply them to scenes;
  :mod:`~hyspec.analysis.pack` reads and writes them.

Importing it needs NumPy alone; matching of endmembers and MATLAB files need SciPy, downloads Pooch:
``pip install 'hyspec[analysis]'``.
"""

from hyspec.analysis import (
    abundance_metrics,
    classification_metrics,
    labelled,
    local_sets,
    pack,
    public_sets,
    random_splits,
    scaling,
    spatial_split,
    stream_features,
)
from hyspec.analysis.archetypal_analysis import Archetypes, archetypes
from hyspec.analysis.constrained_least_squares import fcls
from hyspec.analysis.detection import Roc, auc, roc
from hyspec.analysis.labelled import LabelledScene
from hyspec.analysis.maps import classify, features, map_template, unmix
from hyspec.analysis.rx_detector import rx
from hyspec.analysis.spectral_angle import spectral_angles
from hyspec.analysis.split import Split, SplitWarning
from hyspec.analysis.structural_similarity import ssim
from hyspec.analysis.vertex_component_analysis import Vertices, vca

__all__ = [
    "Archetypes",
    "LabelledScene",
    "Roc",
    "Split",
    "SplitWarning",
    "Vertices",
    "abundance_metrics",
    "archetypes",
    "auc",
    "classification_metrics",
    "classify",
    "fcls",
    "features",
    "labelled",
    "local_sets",
    "map_template",
    "pack",
    "public_sets",
    "random_splits",
    "roc",
    "rx",
    "scaling",
    "spatial_split",
    "spectral_angles",
    "ssim",
    "stream_features",
    "unmix",
    "vca",
]
