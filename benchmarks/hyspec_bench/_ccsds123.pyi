"""CCSDS 123.0-B-2: lossless and near-lossless compression of hyperspectral images."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

class StreamError(ValueError):
    """Bytes that are no compressed image; ``args`` are (byte offset, text)."""

class ErrorLimits:
    """Absolute or relative error limits (4.8.2)."""

    used: bool
    """Whether there are any."""
    per_band: bool
    """One for each band rather than one for all."""
    bits: int
    """D_A or D_R."""

    def __init__(self) -> None: ...
    @property
    def values(self) -> list[int]:
        """A set of one or one per band; with periodic limits such a set per period."""

    @values.setter
    def values(self, values: Sequence[int]) -> None: ...

class Parameters:
    """Everything a user of the standard can choose, in its own terms; checked when encoding."""

    is_signed: bool
    bit_depth: int
    user_data: int
    prediction_bands: int
    full_prediction: bool
    register_bits: int
    weight_bits: int
    weight_init_bits: int
    """Q; 0 for default initialisation."""
    weight_interval_log2: int
    weight_exponent_min: int
    weight_exponent_max: int
    absolute: ErrorLimits
    relative: ErrorLimits
    periodic_limits: bool
    limit_period_log2: int
    representative_bits: int
    band_sequential: bool
    interleaving_depth: int
    word_bytes: int
    unary_limit: int
    initial_count_log2: int
    rescaling_bits: int
    block_size: int
    reference_interval: int
    restricted_options: bool

    def __init__(self) -> None: ...
    @property
    def rows(self) -> int:
        """N_Y; set by encoding and by reading a header, as are ``columns`` and ``bands``."""

    @property
    def columns(self) -> int:
        """N_X."""

    @property
    def bands(self) -> int:
        """N_Z."""

    @property
    def local_sum(self) -> int:
        """Code of table 5-6."""

    @local_sum.setter
    def local_sum(self, code: int) -> None: ...
    @property
    def entropy_coder(self) -> int:
        """Code of table 5-3."""

    @entropy_coder.setter
    def entropy_coder(self, code: int) -> None: ...
    @property
    def weight_init(self) -> list[int]:
        """Components of the weight initialisation vectors, band by band."""

    @weight_init.setter
    def weight_init(self, values: Sequence[int]) -> None: ...
    @property
    def weight_offsets(self) -> list[int]:
        """Weight exponent offsets, band by band, the intra-band one first; none if all are 0."""

    @weight_offsets.setter
    def weight_offsets(self, values: Sequence[int]) -> None: ...
    @property
    def damping(self) -> list[int]:
        """One for all bands, or one for each."""

    @damping.setter
    def damping(self, values: Sequence[int]) -> None: ...
    @property
    def offset(self) -> list[int]:
        """One for all bands, or one for each."""

    @offset.setter
    def offset(self, values: Sequence[int]) -> None: ...
    @property
    def accumulator_init(self) -> list[int]:
        """One for all bands, or one for each."""

    @accumulator_init.setter
    def accumulator_init(self, values: Sequence[int]) -> None: ...
    @property
    def hybrid_accumulators(self) -> list[int]:
        """None, one for all bands, or one for each."""

    @hybrid_accumulators.setter
    def hybrid_accumulators(self, values: Sequence[int]) -> None: ...

def encode(cube: npt.NDArray[np.integer[Any]], parameters: Parameters) -> bytes:
    """Return the compressed image.

    Parameters
    ----------
    cube : ndarray, shape (rows, columns, bands)
        Of type int8, int16 or int32 where the samples are signed, else uint8, uint16 or uint32.
    parameters
        Its numbers of rows, columns and bands are ignored.

    Raises
    ------
    ValueError
        The standard does not allow the parameters, or a sample is out of range.
    """

def decode(stream: bytes, max_samples: int) -> npt.NDArray[np.integer[Any]]:
    """Decode a compressed image of at most ``max_samples`` samples.

    Raises
    ------
    StreamError
        The bytes are no such image.
    """

def read_header(stream: bytes, max_samples: int) -> tuple[Parameters, int]:
    """Return the parameters and the length of the header in bytes; periodic limits are zeros.

    Raises
    ------
    StreamError
        The bytes begin with no header, or with one of a larger image.
    """

def low_entropy_words(index: int) -> list[tuple[list[int], str, bool]]:
    """Return all entries of a low-entropy code and of its flush table (annex B).

    Returns
    -------
    list of (symbols, word, complete)
        Input symbols, the escape symbol being L + 1; the output codeword as zeros and ones if the
        input codeword is complete, else the flush word.
    """
