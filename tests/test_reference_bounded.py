"""The plain Python decoder of the bounded profile reads any payload, and judges damage alike."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bounded_payload_cases import (
    KINDS,
    Array,
    cube,
    cubes,
    error_limits,
    lossless,
    masks,
    relative_errors,
    tile_of,
    unlimited,
)
from hyspec import _core
from reference import band, bounded
from reference.band import PayloadError
from reference.container import FormatError
from reference.range_decoder import MessageError


def plain_decode(payload: bytes, shape: tuple[int, ...]) -> bounded.Samples:
    return bounded.decode(payload, band.Tile(*shape))


def check(
    samples: Array,
    limits: Array,
    valid: Array | None,
    bands: int,
    wide: bool,
    relative: tuple[int, int, int] = (0, 1, 0),
) -> None:
    payload, crc = _core.encode_bounded_payload(samples, valid, limits, bands, wide, *relative)
    expected, *_ = _core.decode_bounded_payload(tile_of(samples), payload)
    found = plain_decode(payload, samples.shape)
    assert found.limits == limits.tolist()
    assert found.relative == (relative if relative[0] else None)
    assert found.checksum == crc
    for z, plane in enumerate(expected):
        assert found.samples.get(z, np.zeros_like(plane).tolist()) == plane.tolist()


@settings(max_examples=40, deadline=None)
@given(st.data(), st.integers(0, 32), st.booleans())
def test_any_cube(data: st.DataObject, bands: int, wide: bool) -> None:
    samples = data.draw(cubes(most=7))
    limits = data.draw(error_limits(len(samples)))
    check(samples, limits, data.draw(masks(samples.shape)), bands, wide)


@settings(max_examples=40, deadline=None)
@given(st.data(), relative_errors())
def test_any_cube_with_relative_limits(data: st.DataObject, relative: tuple[int, int, int]) -> None:
    samples = data.draw(cubes(most=7))
    limits = data.draw(st.just(unlimited(len(samples))) | error_limits(len(samples)))
    check(samples, limits, data.draw(masks(samples.shape)), 16, False, relative)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("limit", [0, 2])
def test_many_bands_and_blocks(kind: str, limit: int) -> None:
    samples = cube(kind, (11, 14, 21), 0, 60000, 9)
    check(samples, np.full(11, limit, np.uint32), None, 9, False)


def outcome(payload: bytes, samples: Array) -> tuple[object, object]:
    """What both decoders say: the checksum, or None for an error."""
    try:
        *_, core = _core.decode_bounded_payload(tile_of(samples), payload)
    except _core.CoreError:
        core = None
    try:
        plain = plain_decode(payload, samples.shape).checksum
    except (FormatError, MessageError, PayloadError):
        plain = None
    return core, plain


@settings(max_examples=100, deadline=None)
@given(st.data(), st.sampled_from(KINDS), st.integers(0, 3), st.sampled_from([0, 3]))
def test_damage_is_judged_alike(data: st.DataObject, kind: str, limit: int, relative: int) -> None:
    samples = cube(kind, (3, 5, 6), -300, 300, 4)
    limits = np.full(3, limit, np.uint32)
    payload = bytearray(
        _core.encode_bounded_payload(samples, None, limits, numerator=relative, denominator=50)[0]
    )
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(payload) - 1))
        payload[at] ^= data.draw(st.integers(1, 255))
    length = data.draw(st.just(len(payload)) | st.integers(0, len(payload)))
    core, plain = outcome(bytes(payload[:length]), samples)
    assert core == plain


def test_nothing_may_follow() -> None:
    samples = cube("smooth", (2, 4, 4), 0, 900, 1)
    payload = _core.encode_bounded_payload(samples, None, lossless(2))[0]
    assert outcome(payload + bytes(4), samples) == (None, None)
