"""CRC-32C: published values, a plain reference, and splitting anywhere."""

import mmap
import tempfile

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hyspec import _core
from reference import container


@pytest.mark.parametrize(
    ("data", "crc"),
    [
        (b"", 0),
        (b"123456789", 0xE3069283),
        # RFC 3720, appendix B.4
        (bytes(32), 0x8A9136AA),
        (b"\xff" * 32, 0x62A8AB43),
        (bytes(range(32)), 0x46DD794E),
        (bytes(range(31, -1, -1)), 0x113FDB5C),
    ],
)
def test_published_values(data: bytes, crc: int) -> None:
    assert _core.crc32c(data) == crc


@given(st.binary(max_size=200))
def test_same_as_reference(data: bytes) -> None:
    assert _core.crc32c(data) == container.crc32c(data)


@given(st.binary(max_size=100), st.binary(max_size=100))
def test_continues(first: bytes, second: bytes) -> None:
    assert _core.crc32c(second, _core.crc32c(first)) == _core.crc32c(first + second)


@given(st.lists(st.integers(-(2**31), 2**31 - 1), max_size=33))
def test_symbols_are_little_endian(symbols: list[int]) -> None:
    array = np.array(symbols, dtype=np.int32)
    assert _core.crc32c_symbols(array) == _core.crc32c(array.astype("<i4").tobytes())


def test_symbols_of_a_strided_array() -> None:
    array = np.arange(40, dtype=np.int32).reshape(4, 10)
    expected = _core.crc32c_symbols(np.ascontiguousarray(array.T))
    assert _core.crc32c_symbols(array.T) == expected
    assert _core.crc32c_symbols(array) != expected


@pytest.mark.parametrize("dtype", ["int64", "uint32", "float32", "int16"])
def test_symbols_of_another_type(dtype: str) -> None:
    with pytest.raises(TypeError, match="int32"):
        _core.crc32c_symbols(np.zeros(3, dtype=dtype))


def test_buffers() -> None:
    data = bytes(range(100))
    crc = container.crc32c(data)
    assert _core.crc32c(bytearray(data)) == crc
    assert _core.crc32c(memoryview(b"xx" + data)[2:]) == crc
    assert _core.crc32c(np.frombuffer(data, dtype=np.uint32).data) == crc
    with tempfile.TemporaryFile() as file:
        file.write(data)
        file.flush()
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped:
            assert _core.crc32c(mapped) == crc


def test_strided_buffer() -> None:
    with pytest.raises(BufferError):
        _core.crc32c(memoryview(bytes(10))[::2])
