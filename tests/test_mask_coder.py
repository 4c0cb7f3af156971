"""Binary masks come back exactly, repeated ones cost two bits, and bad bytes are refused."""

import itertools
from functools import reduce

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from hyspec import _core
from hyspec_bench import constriction_models

Planes = npt.NDArray[np.uint8]


def encode_and_check(planes: Planes) -> bytes:
    data = _core.encode_masks(planes)
    decoded = _core.decode_masks(data, *planes.shape)
    assert decoded.dtype == np.uint8
    np.testing.assert_array_equal(decoded, planes)
    assert len(data) % 4 == 0
    return data


def swath(rows: int, cols: int) -> Planes:
    """A tilted footprint, as georeferenced scenes have."""
    y, x = np.mgrid[:rows, :cols]
    along = x + 0.3 * y
    result: Planes = ((along > 0.2 * cols) & (along < cols)).astype(np.uint8)
    return result


@settings(deadline=None, max_examples=200)
@given(
    hnp.arrays(
        np.uint8,
        st.tuples(st.integers(0, 4), st.integers(0, 9), st.integers(0, 9)),
        elements=st.integers(0, 1),
    )
)
def test_round_trip(planes: Planes) -> None:
    encode_and_check(planes)


@settings(deadline=None, max_examples=50)
@given(seed=st.integers(0, 2**32 - 1), density=st.floats(0, 1), count=st.integers(1, 5))
def test_round_trip_with_changes_from_plane_to_plane(seed: int, density: float, count: int) -> None:
    rng = np.random.default_rng(seed)
    first = (rng.random((20, 30)) < density).astype(np.uint8)
    planes = np.repeat(first[None], count, axis=0)
    planes ^= (rng.random(planes.shape) < rng.choice([0, 0.01, 0.3])).astype(np.uint8)
    encode_and_check(planes)


def test_reference_coder() -> None:
    """A second coder, after docs/entropy_coder.md, writes the same words with ``constriction``."""
    rng = np.random.default_rng(11)
    base = swath(12, 17)
    noisy = base ^ (rng.random(base.shape) < 0.1)
    planes = np.stack([base, base, 0 * base, noisy, 0 * base + 1, noisy, noisy[::-1]])
    planes = planes.astype(np.uint8)
    encoder = constriction_models.encoder()
    models: dict[int, tuple[int, int]] = {}
    before = np.ones_like(base)
    for plane in planes:
        mode = 3
        for number, candidate in ((2, 0 * base), (1, 0 * base + 1), (0, before)):
            mode = number if np.array_equal(plane, candidate) else mode
        encoder.encode(mode, constriction_models.uniform(2))
        if mode == 3:
            for (y, x), pixel in np.ndenumerate(plane):
                context = reference_context(plane, before, y, x)
                freq, seen = models.get(context, (2**23, 0))
                encoder.encode(1 - int(pixel), constriction_models.binary(freq))
                shift = min(7, (seen + 2).bit_length() - 1)
                freq += (2**24 - freq) >> shift if pixel else -(freq >> shift)
                models[context] = freq, seen + 1
        before = plane
    words = encoder.get_compressed()
    assert encode_and_check(planes) == words.astype("<u4").tobytes()


def reference_context(plane: Planes, before: Planes, y: int, x: int) -> int:
    neighbours = [(plane, -2, dx) for dx in (-1, 0, 1)]
    neighbours += [(plane, -1, dx) for dx in (-2, -1, 0, 1, 2)]
    neighbours += [(plane, 0, dx) for dx in (-2, -1)]
    neighbours += [(before, 0, 0), (before, 0, 1), (before, 1, 0)]
    bits = []
    for source, dy, dx in neighbours:
        inside = 0 <= y + dy < plane.shape[0] and 0 <= x + dx < plane.shape[1]
        bits.append(int(source[y + dy, x + dx]) if inside else 1)
    return reduce(lambda number, bit: 2 * number + bit, bits)


def test_golden_bytes() -> None:
    first = [[1, 1, 0, 0, 1], [1, 0, 0, 1, 1], [0, 0, 1, 1, 1]]
    planes = np.array([first, first, np.zeros((3, 5)), np.ones((3, 5)), first[::-1]], np.uint8)
    assert encode_and_check(planes).hex() == "2ecbcbd60080a2b8"


def test_repeated_planes_cost_two_bits() -> None:
    plane = swath(120, 100)
    one = len(_core.encode_masks(plane[None]))
    many = len(encode_and_check(np.repeat(plane[None], 200, axis=0)))
    assert many - one <= 199 * 2 / 8 + 8


@pytest.mark.parametrize("value", [0, 1])
def test_constant_planes_cost_two_bits(value: int) -> None:
    data = encode_and_check(np.full((200, 40, 30), value, np.uint8))
    assert len(data) <= 200 * 2 / 8 + 8


def test_smooth_masks_are_small() -> None:
    plane = swath(500, 500)
    pixels_on_edges = np.count_nonzero(np.diff(plane, axis=1))
    assert 8 * len(encode_and_check(plane[None])) < 2 * pixels_on_edges + 200


def test_unpredictable_masks_cost_little_more_than_their_entropy() -> None:
    rng = np.random.default_rng(2)
    plane = (rng.random((1, 600, 500)) < 0.5).astype(np.uint8)
    assert 8 * len(encode_and_check(plane)) < 1.05 * plane.size


def test_a_plane_like_the_one_before_costs_its_changes() -> None:
    rng = np.random.default_rng(4)
    plane = (rng.random((200, 200)) < 0.95).astype(np.uint8)
    changed = plane.copy()
    changed[rng.integers(0, 200, 20), rng.integers(0, 200, 20)] ^= 1
    alone = len(_core.encode_masks(plane[None]))
    both = len(encode_and_check(np.stack([plane, changed])))
    assert both - alone < 0.2 * alone


def test_boolean_and_strided_masks() -> None:
    planes = np.stack([swath(20, 30)] * 2)
    data = _core.encode_masks(planes)
    assert _core.encode_masks(planes.astype(np.bool_)) == data
    assert _core.encode_masks(np.repeat(planes, 2, axis=2)[:, :, ::2]) == data
    assert _core.encode_masks(np.asfortranarray(planes)) == data


def test_bad_arguments() -> None:
    with pytest.raises(_core.CoreError, match="mask pixels other than 0 and 1"):
        _core.encode_masks(np.full((1, 2, 3), 255, np.uint8))
    with pytest.raises(ValueError, match="planes has 2 dimensions, expected 3"):
        _core.encode_masks(np.zeros((2, 3), np.uint8))
    with pytest.raises(TypeError, match="planes has dtype int64"):
        _core.encode_masks(np.zeros((1, 2, 3), np.int64))  # type: ignore[arg-type]
    for shape in ((-1, 1, 1), (1, 2**32, 0)):
        with pytest.raises(TypeError):
            _core.decode_masks(b"", *shape)
    with pytest.raises((ValueError, MemoryError)):
        _core.decode_masks(b"", 2**32 - 1, 2**32 - 1, 2**32 - 1)


def test_truncated_bytes() -> None:
    rng = np.random.default_rng(6)
    planes = np.stack([(rng.random((9, 40)) < 0.8).astype(np.uint8), swath(9, 40)])
    data = encode_and_check(planes)
    for count in range(len(data)):
        with pytest.raises(_core.CoreError, match=r"truncated|corrupt"):
            _core.decode_masks(data[:count], *planes.shape)
    for extra in (b"\0", b"\0\0\0\0", b"hyspec!!"):
        with pytest.raises(_core.CoreError, match=r"truncated|corrupt"):
            _core.decode_masks(data + extra, *planes.shape)


def test_wrong_shape() -> None:
    planes = np.stack([swath(10, 12), 1 - swath(10, 12)])
    data = encode_and_check(planes)
    for shape in itertools.product((0, 1, 2, 3), (0, 9, 10, 11), (0, 11, 12, 13)):
        if shape != planes.shape and shape != (0, 0, 0):
            with pytest.raises(_core.CoreError):
                _core.decode_masks(data, *shape)


@settings(deadline=None, max_examples=300)
@given(
    data=st.binary(max_size=60),
    shape=st.tuples(st.integers(0, 40), st.integers(0, 12), st.integers(0, 12)),
)
def test_hostile_bytes(data: bytes, shape: tuple[int, int, int]) -> None:
    try:
        planes = _core.decode_masks(data, *shape)
    except _core.CoreError as error:
        assert error.args[2] in ("truncated", "corrupt")
        assert 0 <= error.args[1] <= len(data)
    else:
        assert planes.shape == shape
        assert planes.max(initial=0) <= 1


def test_many_empty_planes_need_bytes() -> None:
    # A lying count may not keep the decoder busy: the bytes run out first.
    with pytest.raises(_core.CoreError, match="truncated"):
        _core.decode_masks(bytes(400), 2**32 - 1, 0, 0)
