"""Small cubes with settings of CCSDS 123.0-B-2 from all over their ranges, for hypothesis."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from hypothesis import strategies as st

from hyspec_bench.ccsds123 import Settings

Cube = npt.NDArray[np.integer[Any]]


def band_values(draw: st.DrawFn, bands: int, high: int) -> int | list[int]:
    """One value for all bands, or one for each."""
    value = st.integers(0, high)
    return draw(value | st.lists(value, min_size=bands, max_size=bands))


def error_limits(draw: st.DrawFn, bands: int, periods: int, depth: int, periodic: bool) -> Any:
    """None, or error limits that fit the bit depth."""
    if draw(st.booleans()):
        return None
    most = 2 ** draw(st.integers(1, min(depth - 1, 16))) - 1
    if not periodic:
        return band_values(draw, bands, most)
    value = st.integers(0, most)
    per_band = draw(st.booleans())
    one: Any = st.lists(value, min_size=bands, max_size=bands) if per_band else value
    return draw(st.lists(one, min_size=periods, max_size=periods))


@st.composite
def cases(draw: st.DrawFn) -> tuple[Cube, Settings]:
    """A small cube and settings that the standard allows for it."""
    rows, columns, bands = (draw(st.integers(1, n)) for n in (5, 7, 6))
    depth = draw(st.integers(2, 32))
    signed = draw(st.booleans())
    low = -(2 ** (depth - 1)) if signed else 0
    high = low + 2**depth - 1
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    spread = 2.0 ** draw(st.integers(-2, depth))
    walk = (low + high) / 2 + spread * rng.standard_normal((rows, columns, bands)).cumsum(axis=2)
    cube = np.clip(np.rint(walk), low, high).astype(np.int64)
    cube[0, 0, 0] = low if signed else cube[0, 0, 0]  # so that the samples count as signed

    order = draw(st.sampled_from(["BSQ", "BIL", "BIP", draw(st.integers(1, bands))]))
    period = draw(st.sampled_from([None, 1, 2])) if order != "BSQ" else None
    periods = -(-rows // period) if period else 1
    absolute = error_limits(draw, bands, periods, depth, period is not None)
    relative = error_limits(draw, bands, periods, depth, period is not None)
    lossless = absolute is None and relative is None
    predicted = draw(st.integers(0, 15))
    full = draw(st.booleans()) and columns > 1
    sums = ["wide column", "narrow column"]
    sums += ["wide neighbour", "narrow neighbour"] if columns > 1 else []
    weight_bits = draw(st.integers(4, 19))
    inter = [min(z, predicted) for z in range(bands)]
    init_bits = draw(st.integers(3, weight_bits + 3))
    weight = st.integers(-(2 ** (init_bits - 1)), 2 ** (init_bits - 1) - 1)
    initial = [
        draw(st.lists(weight, min_size=n, max_size=n)) for n in (3 * full + i for i in inter)
    ]
    step = st.integers(-6, 5)
    offsets = [draw(st.lists(step, min_size=n, max_size=n)) for n in (full + i for i in inter)]
    exponents = sorted(draw(st.tuples(st.integers(-6, 9), st.integers(-6, 9))))
    theta = draw(st.integers(0, 4))
    count = draw(st.integers(1, 8))
    return cube, Settings(
        bit_depth=depth,
        prediction_bands=predicted,
        full_prediction=full,
        local_sums=draw(st.sampled_from(sums)),  # type: ignore[arg-type]
        register_bits=draw(st.integers(max(32, depth + weight_bits + 2), 64)),
        weight_bits=weight_bits,
        initial_weights=initial if draw(st.booleans()) else None,
        initial_weight_bits=init_bits,
        weight_interval=2 ** draw(st.integers(4, 11)),
        weight_exponents=(exponents[0], exponents[1]),
        weight_offsets=offsets if draw(st.booleans()) else None,
        absolute_limits=absolute,
        relative_limits=relative,
        limit_period=None if lossless else period,
        representative_bits=theta,
        damping=band_values(draw, bands, 2**theta - 1),
        offset=0 if lossless else band_values(draw, bands, 2**theta - 1),
        order=order,  # type: ignore[arg-type]
        word_bytes=draw(st.integers(1, 8)),
        entropy_coder=draw(st.sampled_from(["sample-adaptive", "hybrid", "block-adaptive"])),
        unary_limit=draw(st.integers(8, 32)),
        initial_count_log2=count,
        rescaling_bits=draw(st.integers(max(4, count + 1), 11)),
        accumulator_init=band_values(draw, bands, min(depth - 2, 14)),
        block_size=draw(st.sampled_from([8, 16, 32, 64])),
        reference_interval=draw(st.integers(1, 4096)),
        restricted_options=depth <= 4 and draw(st.booleans()),
        user_data=draw(st.integers(0, 255)),
    )
