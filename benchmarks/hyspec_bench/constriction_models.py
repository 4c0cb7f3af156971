"""Frozen tables of hyspec as models of ``constriction``, the independent range coder.

Both count in integers: hyspec out of 2^16 per table, ``constriction`` out of 2^24. Its constructors
take floating-point weights, so these must be chosen such that no rounding happens.
"""

from __future__ import annotations

from typing import Any

import constriction
import numpy as np
import numpy.typing as npt

Frequencies = npt.NDArray[np.uint16]


def exact_weights(freq: npt.NDArray[np.integer[Any]]) -> npt.NDArray[np.float64]:
    """Weights that ``Categorical(..., perfect=False)`` turns into exactly ``256 * freq``.

    It gives every symbol 1 out of 2^24 and shares the rest in proportion to the weights. With the
    weights 256 f - 1 that rest is their sum, the proportion is 1, and all sums are integers.

    Parameters
    ----------
    freq : ndarray of int, shape (..., symbols)
        Frequencies that sum to 65536 along the last axis.
    """
    return 256.0 * freq.astype(np.float64) - 1.0


def categorical(freq: Frequencies) -> Any:
    """One table, escape symbol included, as a model over the positions 0, 1, ... of its symbols."""
    return constriction.stream.model.Categorical(exact_weights(freq), perfect=False)


def categorical_family() -> Any:
    """Models given per symbol, as rows of `exact_weights` when encoding or decoding."""
    return constriction.stream.model.Categorical(perfect=False)


def binary(freq_first: int) -> Any:
    """Two symbols, the first with probability ``freq_first`` / 2^24; see `exact_weights`."""
    weights = np.array([freq_first - 1, (1 << 24) - freq_first - 1], np.float64)
    return constriction.stream.model.Categorical(weights, perfect=False)


def uniform(bits: int) -> Any:
    """``bits`` equally likely bits; at least one."""
    return constriction.stream.model.Uniform(1 << bits)


def encoder() -> Any:
    """Return a fresh range encoder."""
    return constriction.stream.queue.RangeEncoder()


def decoder(words: npt.NDArray[np.uint32]) -> Any:
    """Return a range decoder of a copy of these words."""
    return constriction.stream.queue.RangeDecoder(words)
