"""NumPy and raw files: axes, layouts, and packages that are not there."""

import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hyspec import io
from hyspec.cube import SAMPLE_DTYPES, Cube
from hyspec.errors import DataError, MissingDependencyError, UsageError
from hyspec.io.axes import as_cube, guess_axes
from io_cases import full_cube, ramp

# axes


@settings(deadline=None)
@given(st.permutations("rcb"), st.tuples(*[st.integers(1, 4)] * 3))
def test_axes_name_the_stored_order(order, lengths):
    sizes = dict(zip("rcb", lengths, strict=True))
    stored = ramp([sizes[name] for name in order])
    view = as_cube(stored, "".join(order))
    assert view.shape == lengths
    assert np.shares_memory(view, stored)
    index = {"r": lengths[0] - 1, "c": lengths[1] - 1, "b": lengths[2] - 1}
    for band in range(lengths[2]):
        index["b"] = band
        assert view[index["r"], index["c"], band] == stored[tuple(index[name] for name in order)]


def test_pixel_matrices_are_column_major():
    cube = ramp((5, 4, 3))
    matrix = cube.reshape(20, 3, order="F").T  # pixel = column * rows + row
    assert matrix[2, 3 * 5 + 1] == cube[1, 3, 2]
    for axes, array in (("bp", matrix), ("pb", matrix.T)):
        np.testing.assert_array_equal(as_cube(array, axes, rows=5), cube)
        np.testing.assert_array_equal(as_cube(array, axes, columns=4), cube)
        np.testing.assert_array_equal(as_cube(array, axes, 5, 4), cube)
        assert np.shares_memory(as_cube(array, axes, 5, 4), matrix)


@pytest.mark.parametrize(
    ("shape", "axes", "rows", "columns", "message"),
    [
        ((2, 3, 4), "rcx", None, None, "not understood"),
        ((2, 3, 4), "rrc", None, None, "not understood"),
        ((2, 3, 4), "rc", None, None, "name 2 axes"),
        ((2, 3), "rcb", None, None, "name 3 axes"),
        ((2, 12), "bp", None, None, "rows or columns"),
        ((2, 12), "bp", 5, None, "has 12"),
        ((2, 12), "bp", 3, 5, "15 pixels"),
        ((2, 12), "pb", 0, 0, "0 pixels"),
    ],
)
def test_axes_that_do_not_fit(shape, axes, rows, columns, message):
    with pytest.raises(UsageError, match=message):
        as_cube(np.zeros(shape), axes, rows, columns)


@pytest.mark.parametrize(
    ("shape", "bands", "axes"),
    [
        ((10, 603, 627), None, "brc"),
        ((603, 627, 10), None, "rcb"),
        ((100, 100, 205), None, "rcb"),
        ((2, 640, 481), None, "brc"),  # two lines of a pushbroom need axes="rcb"
        ((1, 640, 481), None, "rcb"),
        ((10, 40, 30), None, "rcb"),
        ((4, 2000, 224), None, "rcb"),
        ((100, 603, 627), None, "rcb"),
        ((10, 603, 627), 627, "rcb"),
        ((224, 50, 60), 224, "brc"),
        ((50, 224, 60), 224, "rbc"),
        ((224, 50, 224), 224, "rcb"),
        ((30, 40), None, "rc"),
    ],
)
def test_guessed_axes(shape, bands, axes):
    assert guess_axes(shape, bands) == axes


# NumPy


@pytest.mark.parametrize("dtype", [*SAMPLE_DTYPES, ">u2", ">f4"])
def test_npy(tmp_path, dtype):
    io.write(tmp_path / "a.npy", Cube(ramp(dtype=dtype)))
    stored = np.load(tmp_path / "a.npy")
    np.testing.assert_array_equal(stored, ramp(dtype=dtype))
    assert stored.dtype == np.dtype(dtype)
    cube = io.read(tmp_path / "a.npy")
    np.testing.assert_array_equal(cube.array, ramp(dtype=dtype))
    assert isinstance(cube.array, np.memmap)


def test_npy_keeps_its_order_of_axes(tmp_path):
    stored = ramp((3, 200, 150))
    np.save(tmp_path / "a.npy", stored)
    cube = io.read(tmp_path / "a.npy")
    assert cube.shape == (200, 150, 3)
    io.write(tmp_path / "b.npy", cube)
    np.testing.assert_array_equal(np.load(tmp_path / "b.npy"), stored)
    assert io.read(tmp_path / "a.npy", axes="rcb").shape == (3, 200, 150)
    np.save(tmp_path / "map.npy", ramp((4, 5)))
    flat = io.read(tmp_path / "map.npy")
    assert flat.shape == (4, 5, 1)
    io.write(tmp_path / "map2.npy", flat)
    assert np.load(tmp_path / "map2.npy").shape == (4, 5)


def test_npy_matrix(tmp_path):
    cube = ramp()
    np.save(tmp_path / "a.npy", cube.reshape(20, 3, order="F").T)
    result = io.read(tmp_path / "a.npy", axes="bp", rows=5)
    np.testing.assert_array_equal(result.array, cube)


@pytest.mark.parametrize(
    ("dtype", "expected"),
    [("bool", "uint8"), ("int64", "uint8"), ("uint64", "uint8"), ("float16", "float32")],
)
def test_npy_types_that_are_converted(tmp_path, dtype, expected):
    samples = (ramp() % 2).astype(dtype)
    np.save(tmp_path / "a.npy", samples)
    cube = io.read(tmp_path / "a.npy")
    assert cube.array.dtype.name == expected
    np.testing.assert_array_equal(cube.array, samples)


@pytest.mark.parametrize(
    "array",
    [
        np.array([[[None]]]),
        np.zeros((2, 2, 2), "complex64"),
        np.full((2, 2, 2), 2**40),
        np.zeros(5),
        np.zeros((2, 2, 2, 2)),
        np.zeros((2, 0, 2)),
        np.array([[["text"]]]),
        np.zeros((2, 2), [("a", "u1"), ("b", "u1")]),
    ],
)
def test_npy_arrays_that_are_no_cube(tmp_path, array):
    np.save(tmp_path / "a.npy", array)
    with pytest.raises(DataError):
        io.read(tmp_path / "a.npy")


def test_npy_truncated_at_any_length(tmp_path):
    np.save(tmp_path / "a.npy", ramp())
    content = (tmp_path / "a.npy").read_bytes()
    for length in range(len(content)):
        (tmp_path / "b.npy").write_bytes(content[:length])
        with pytest.raises(DataError):
            io.read(tmp_path / "b.npy")


# raw


@pytest.mark.parametrize("byte_order", ["little", "big"])
@pytest.mark.parametrize(
    ("interleave", "order"), [("bsq", (2, 0, 1)), ("bil", (0, 2, 1)), ("bip", (0, 1, 2))]
)
def test_raw(tmp_path, interleave, order, byte_order):
    stored = ramp().transpose(order).astype(">i2" if byte_order == "big" else "<i2")
    (tmp_path / "a.bin").write_bytes(b"head" + stored.tobytes())
    layout = io.RawLayout(5, 4, 3, "int16", interleave, byte_order, offset=4)
    cube = io.read(tmp_path / "a.bin", raw=layout, nodata=7)
    np.testing.assert_array_equal(cube.array, ramp())
    assert isinstance(cube.array, np.memmap)
    assert cube.nodata == 7
    (tmp_path / "a.bin").write_bytes(stored.tobytes())
    with pytest.raises(DataError, match="found 120 bytes; expected 124 bytes"):
        io.read(tmp_path / "a.bin", raw=layout)


@pytest.mark.parametrize(
    "changes",
    [
        {"rows": 0},
        {"offset": -1},
        {"dtype": "complex64"},
        {"dtype": "nonsense"},
        {"dtype": "object"},
        {"interleave": "bsx"},
        {"byte_order": "middle"},
    ],
)
def test_raw_layouts_that_make_no_sense(changes):
    with pytest.raises(UsageError):
        io.RawLayout(**({"rows": 1, "columns": 1, "bands": 1, "dtype": "uint8"} | changes))


def test_raw_layout_leaves_no_choice(tmp_path):
    (tmp_path / "a.bin").write_bytes(b"a")
    with pytest.raises(UsageError, match="no choice"):
        io.read(tmp_path / "a.bin", raw=io.RawLayout(1, 1, 1, "uint8"), variable="x")


# optional packages


@pytest.mark.parametrize(("module", "name"), [("scipy.io", "a.mat"), ("h5py", "a.h5")])
def test_missing_package(tmp_path, monkeypatch, module, name):
    path = tmp_path / name
    io.write(path, full_cube())
    monkeypatch.setitem(sys.modules, module, None)
    for action in (lambda: io.read(path), lambda: io.write(path, full_cube(), force=True)):
        with pytest.raises(MissingDependencyError, match=f"needs {module[:4]}") as error:
            action()
        assert error.value.hint == "pip install 'hyspec[formats]'"
