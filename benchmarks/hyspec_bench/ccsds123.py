"""CCSDS 123.0-B-2, lossless and near-lossless, from a codec of our own that knows all of it.

A coded cube is one compressed image as the standard has it, header first, that any decoder of the
standard reads. Numbers of sections and symbols are the standard's (Issue 2, February 2019, with
technical corrigenda 1 to 3).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from hyspec.errors import DataError, StreamError, UsageError
from hyspec_bench import _ccsds123

#: Integer samples, shape (rows, columns, bands).
Samples = npt.NDArray[np.integer[Any]]
#: One value for all bands, or one for each.
BandValues = int | Sequence[int]

_MAX_SAMPLES = 1 << 30
#: Codes of the header, tables 5-6 and 5-3.
_LOCAL_SUMS = {"wide neighbour": 0, "narrow neighbour": 1, "wide column": 2, "narrow column": 3}
_ENTROPY_CODERS = {"sample-adaptive": 0, "hybrid": 1, "block-adaptive": 2}


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What a user of the standard chooses; ranges are the standard's.

    Attributes
    ----------
    bit_depth : int or None
        D, 2 to 32; None for the smallest that holds the cube.
    prediction_bands : int
        P, 0 to 15.
    full_prediction : bool
        Full rather than reduced prediction mode (4.3).
    local_sums : str
        How local sums are formed (4.4).
    register_bits : int
        R, at most 64.
    weight_bits : int
        Omega, 4 to 19.
    initial_weights : sequence of sequences of int, or None
        Lambda of every band (4.6.3.3): with full prediction the weights of N, W and NW, then those
        of the preceding bands, the nearest first. None for default initialisation.
    initial_weight_bits : int
        Q, where there are initial weights.
    weight_interval : int
        t_inc, a power of two from 16 to 2048.
    weight_exponents : pair of int
        v_min and v_max, -6 to 9.
    weight_offsets : sequence of sequences of int, or None
        Weight exponent offsets of every band (4.10.4): with full prediction that of the directional
        weights, then those of the preceding bands, the nearest first. None where all are zero.
    absolute_limits, relative_limits : int, sequence, or None
        Error limits (4.8.2): one for all bands or one for each. With ``limit_period`` a sequence
        with one of these for each period. None where the errors are not limited in this way; where
        neither is given, compression is lossless.
    limit_period : int or None
        Rows to a period of error limits, a power of two up to 512. None for one set of limits.
    representative_bits : int
        Theta, 0 to 4.
    damping, offset : int or sequence of int
        phi and psi, for all bands or for each (4.9).
    order : str or int
        Order of the samples in the body: "BSQ", "BIL", "BIP" or the interleaving depth M.
    word_bytes : int
        B, 1 to 8.
    entropy_coder : str
        One of the three of section 5.4.3.
    unary_limit : int
        U_max, 8 to 32.
    initial_count_log2, rescaling_bits : int
        gamma_0 and gamma*.
    accumulator_init : int or sequence of int
        k'' of the sample-adaptive coder, for all bands (K) or for each.
    hybrid_accumulators : int, sequence of int, or None
        Initial accumulators of the hybrid coder, which no decoder needs; None to estimate them from
        the first row.
    block_size, reference_interval, restricted_options
        J, r and the restricted set of code options of the block-adaptive coder.
    user_data : int
        A byte of the user's own in the header.
    """

    bit_depth: int | None = None
    prediction_bands: int = 3
    full_prediction: bool = True
    local_sums: Literal["wide neighbour", "narrow neighbour", "wide column", "narrow column"] = (
        "wide neighbour"
    )
    register_bits: int = 64
    weight_bits: int = 19
    initial_weights: Sequence[Sequence[int]] | None = None
    initial_weight_bits: int = 8
    weight_interval: int = 64
    weight_exponents: tuple[int, int] = (-1, 3)
    weight_offsets: Sequence[Sequence[int]] | None = None
    absolute_limits: BandValues | Sequence[BandValues] | None = None
    relative_limits: BandValues | Sequence[BandValues] | None = None
    limit_period: int | None = None
    representative_bits: int = 0
    damping: BandValues = 0
    offset: BandValues = 0
    order: Literal["BSQ", "BIL", "BIP"] | int = "BIL"
    word_bytes: int = 1
    entropy_coder: Literal["sample-adaptive", "hybrid", "block-adaptive"] = "hybrid"
    unary_limit: int = 18
    initial_count_log2: int = 1
    rescaling_bits: int = 6
    accumulator_init: BandValues = 0
    hybrid_accumulators: BandValues | None = None
    block_size: int = 64
    reference_interval: int = 4096
    restricted_options: bool = False
    user_data: int = 0


def default_settings(max_error: int = 0) -> Settings:
    """Full prediction from three bands and the customary value of everything else.

    Parameters
    ----------
    max_error
        Absolute error limit for all bands; 0 for lossless.
    """
    return Settings(absolute_limits=max_error or None)


def tuned_settings(max_error: int = 0) -> Settings:
    """Settings that serve calibrated scenes of many bands best, of many that were tried.

    Parameters
    ----------
    max_error
        Absolute error limit for all bands; 0 for lossless.
    """
    return Settings(
        prediction_bands=6,
        full_prediction=False,
        weight_exponents=(1, 7),
        representative_bits=3,
        damping=0 if max_error else 1,
        offset=7 if max_error else 0,
        absolute_limits=max_error or None,
    )


def encode(cube: Samples, settings: Settings | None = None) -> bytes:
    """Return the compressed image.

    Parameters
    ----------
    cube : ndarray of integers, shape (rows, columns, bands)
        Samples of up to 32 bits. They count as signed where one is negative.
    settings
        ``None`` for `default_settings`.

    Raises
    ------
    DataError
        The array is not such a cube.
    UsageError
        The standard does not allow the settings, or not for this cube.
    """
    if not np.issubdtype(cube.dtype, np.integer) or cube.ndim != 3 or cube.size == 0:
        raise DataError(
            f"found an array of type {cube.dtype} and shape {cube.shape}; "
            "expected integers of shape (rows, columns, bands)"
        )
    settings = settings or default_settings()
    low, high = int(cube.min()), int(cube.max())
    signed = low < 0
    bits = max(2, high.bit_length() + signed, (~low).bit_length() + 1 if signed else 0)
    if bits > 32:
        raise DataError(f"found samples from {low} to {high}; expected at most 32 bits")
    sample_type = f"{'i' if signed else 'u'}{1 if bits <= 8 else 2 if bits <= 16 else 4}"
    parameters = _parameters(settings, cube.shape[2])
    parameters.is_signed = signed
    parameters.bit_depth = bits if settings.bit_depth is None else settings.bit_depth
    try:
        return _ccsds123.encode(cube.astype(sample_type, order="C", copy=False), parameters)
    except ValueError as error:
        raise UsageError(f"CCSDS 123 cannot code this cube: {error}") from error


def decode(stream: bytes, max_samples: int = _MAX_SAMPLES) -> Samples:
    """Decode a compressed image from its bytes alone.

    Parameters
    ----------
    stream
        A whole image: header and body, with all the tables that decoding needs in the header.
    max_samples
        Largest image that is accepted.

    Returns
    -------
    ndarray, shape (rows, columns, bands)
        Of the smallest of the types (u)int8, (u)int16 and (u)int32 that holds D bits. Where there
        are error limits, the centres of the quantisation intervals, within the range of D bits.

    Raises
    ------
    StreamError
        The bytes are no such image.
    """
    try:
        return _ccsds123.decode(stream, max_samples)
    except _ccsds123.StreamError as error:
        offset, text = error.args
        raise StreamError(f"not a CCSDS 123.0-B-2 image: {text}", offset=offset) from error


def _parameters(settings: Settings, bands: int) -> _ccsds123.Parameters:
    """All but the sample type."""
    p = _ccsds123.Parameters()
    try:
        p.user_data = settings.user_data
        _set_predictor(p, settings)
        _set_quantiser(p, settings, bands)
        _set_encoder(p, settings, bands)
    except (TypeError, OverflowError) as error:
        raise UsageError(f"a setting is of the wrong type or sign: {error}") from error
    return p


def _set_predictor(p: _ccsds123.Parameters, settings: Settings) -> None:
    p.prediction_bands = settings.prediction_bands
    p.full_prediction = settings.full_prediction
    p.local_sum = _choice(_LOCAL_SUMS, "local_sums", settings.local_sums)
    p.register_bits = settings.register_bits
    p.weight_bits = settings.weight_bits
    p.weight_interval_log2 = _log2("weight_interval", settings.weight_interval)
    p.weight_exponent_min, p.weight_exponent_max = settings.weight_exponents
    if settings.initial_weights is not None:
        p.weight_init_bits = settings.initial_weight_bits
        p.weight_init = [weight for band in settings.initial_weights for weight in band]
    if settings.weight_offsets is not None:
        p.weight_offsets = [offset for band in settings.weight_offsets for offset in band]


def _set_quantiser(p: _ccsds123.Parameters, settings: Settings, bands: int) -> None:
    p.periodic_limits = settings.limit_period is not None
    if settings.limit_period is not None:
        p.limit_period_log2 = _log2("limit_period", settings.limit_period)
    p.absolute = _limits(settings.absolute_limits, p.periodic_limits, bands)
    p.relative = _limits(settings.relative_limits, p.periodic_limits, bands)
    p.representative_bits = settings.representative_bits
    p.damping = _band_list(settings.damping)
    p.offset = _band_list(settings.offset)


def _set_encoder(p: _ccsds123.Parameters, settings: Settings, bands: int) -> None:
    depths = {"BSQ": 1, "BIL": 1, "BIP": bands}
    order = settings.order
    p.band_sequential = order == "BSQ"
    p.interleaving_depth = order if isinstance(order, int) else _choice(depths, "order", order)
    p.word_bytes = settings.word_bytes
    p.entropy_coder = _choice(_ENTROPY_CODERS, "entropy_coder", settings.entropy_coder)
    p.unary_limit = settings.unary_limit
    p.initial_count_log2 = settings.initial_count_log2
    p.rescaling_bits = settings.rescaling_bits
    p.accumulator_init = _band_list(settings.accumulator_init)
    if settings.hybrid_accumulators is not None:
        p.hybrid_accumulators = _band_list(settings.hybrid_accumulators)
    p.block_size = settings.block_size
    p.reference_interval = settings.reference_interval
    p.restricted_options = settings.restricted_options


def _limits(
    values: BandValues | Sequence[BandValues] | None, periodic: bool, bands: int
) -> _ccsds123.ErrorLimits:
    limits = _ccsds123.ErrorLimits()
    if values is None:
        return limits
    expected = f"one integer, or one for each of {bands} bands" + ", per period" * periodic
    try:
        array = np.asarray(values)
    except ValueError as error:
        raise UsageError(f"found error limits of no shape; expected {expected}") from error
    dimensions = array.ndim - periodic
    fits = dimensions == 0 or (dimensions == 1 and array.shape[-1] == bands)
    if array.dtype.kind not in "iu" or array.size == 0 or not fits:
        raise UsageError(
            f"found error limits of type {array.dtype} and shape {array.shape}; expected {expected}"
        )
    limits.used = True
    limits.per_band = dimensions == 1
    limits.bits = max(1, int(array.max()).bit_length())
    limits.values = array.ravel().tolist()
    return limits


def _band_list(values: BandValues) -> list[int]:
    return [values] if isinstance(values, int) else list(values)


def _log2(name: str, value: int) -> int:
    if value < 1 or value & (value - 1):
        raise UsageError(f"{name} is {value}; expected a power of two")
    return value.bit_length() - 1


def _choice(choices: dict[str, int], name: str, value: str) -> int:
    if value not in choices:
        raise UsageError(f"{name} is {value!r}; expected one of {', '.join(choices)}")
    return choices[value]
