"""Partition of the spectral axis into contiguous band intervals.

A partition comes from the user (:func:`parse_intervals`), from the five AVIRIS intervals of the
literature (:func:`seed_intervals`), or from the data (:func:`auto_intervals`).
"""

from hyspec.intervals.auto import (
    DEFAULT_MAX_INTERVALS,
    DEFAULT_PENALTY,
    BestPartitions,
    auto_intervals,
)
from hyspec.intervals.correlation import band_correlation, pool_correlations
from hyspec.intervals.partition import (
    BandInterval,
    check_partition,
    format_intervals,
    parse_intervals,
)
from hyspec.intervals.seed import (
    SEED_BANDS,
    SEED_EDGES_NM,
    SEED_STARTS,
    SeedPartition,
    model_indices,
    seed_intervals,
    to_nanometres,
)

__all__ = [
    "DEFAULT_MAX_INTERVALS",
    "DEFAULT_PENALTY",
    "SEED_BANDS",
    "SEED_EDGES_NM",
    "SEED_STARTS",
    "BandInterval",
    "BestPartitions",
    "SeedPartition",
    "auto_intervals",
    "band_correlation",
    "check_partition",
    "format_intervals",
    "model_indices",
    "parse_intervals",
    "pool_correlations",
    "seed_intervals",
    "to_nanometres",
]
