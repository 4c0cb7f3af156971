"""MATLAB files of all versions: choice of the variable, axes, and damage."""

import h5py
import numpy as np
import pytest
import scipy.io

from hyspec import io
from hyspec.cube import SAMPLE_DTYPES
from hyspec.errors import DataError
from io_cases import assert_same, full_cube, ramp


def save_7(path, **variables):
    """Write a MATLAB file of version 7.3: HDF5 behind 512 bytes of text, with reversed axes."""
    with h5py.File(path, "w", userblock_size=512) as file:
        for name, value in variables.items():
            parent = file
            if isinstance(value, dict):
                parent = file.create_group(name)
                parent.attrs["MATLAB_class"] = np.bytes_("struct")
            for key, item in value.items() if isinstance(value, dict) else [(name, value)]:
                if isinstance(item, str):
                    codes = np.frombuffer(item.encode("utf-16-le"), "<u2")
                    dataset = parent.create_dataset(key, data=codes.reshape(-1, 1))
                    dataset.attrs["MATLAB_class"] = np.bytes_("char")
                else:
                    dataset = parent.create_dataset(key, data=np.atleast_2d(item).T)
                    dataset.attrs["MATLAB_class"] = np.bytes_("double")
    with path.open("r+b") as file:
        file.write(b"MATLAB 7.3 MAT-file, Platform: GLNXA64".ljust(124) + b"\0\2IM")


def save_5(path, **variables):
    scipy.io.savemat(path, variables)


BOTH = pytest.mark.parametrize("save", [save_5, save_7])


@pytest.mark.parametrize("dtype", SAMPLE_DTYPES)
def test_mat_round_trip(tmp_path, dtype):
    expected = full_cube()
    expected.array = ramp(dtype=dtype)
    io.write(tmp_path / "a.mat", expected)
    cube = io.read(tmp_path / "a.mat")
    assert_same(cube, expected)
    assert cube.array.dtype.name == dtype
    assert cube.metadata["envi"] == expected.metadata["envi"]
    stored = scipy.io.loadmat(tmp_path / "a.mat")
    np.testing.assert_array_equal(stored["cube"], expected.array)
    assert stored["wavelengths"].shape == (1, 3)


@BOTH
def test_mat_array_with_three_axes(tmp_path, save):
    path = tmp_path / "a.mat"
    save(path, data=ramp().astype("float64"), map=np.zeros((5, 4)), note="text")
    cube = io.read(path)
    np.testing.assert_array_equal(cube.array, ramp())
    assert cube.array.dtype == "float64"
    assert cube.metadata["mat"] == {"variable": "data"}


@BOTH
@pytest.mark.parametrize("names", [("nRow", "nCol"), ("lines", "cols")])
@pytest.mark.parametrize("transposed", [False, True])
def test_mat_matrix_of_bands_and_pixels(tmp_path, save, names, transposed):
    samples = ramp((20, 15, 30), "uint16")
    matrix = samples.reshape(300, 30, order="F").T
    variables = {
        "Y": matrix.T if transposed else matrix,
        "A": np.zeros((3, 300)),
        "S": np.zeros((20, 15, 3)),
        names[0]: np.uint8(20),
        names[1]: np.uint8(15),
    }
    save(tmp_path / "a.mat", **variables)
    np.testing.assert_array_equal(io.read(tmp_path / "a.mat").array, samples)
    np.testing.assert_array_equal(io.read(tmp_path / "a.mat", variable="S").array, 0)


@BOTH
def test_mat_matrix_with_stated_rows(tmp_path, save):
    samples = ramp()
    save(tmp_path / "a.mat", Y=samples.reshape(20, 3, order="F").T)
    cube = io.read(tmp_path / "a.mat", axes="bp", rows=5)
    np.testing.assert_array_equal(cube.array, samples)
    cube = io.read(tmp_path / "a.mat", rows=5, columns=4)
    np.testing.assert_array_equal(cube.array, samples)


@BOTH
def test_mat_several_candidates(tmp_path, save):
    path = tmp_path / "a.mat"
    save(path, first=ramp(), second=ramp((5, 4, 2)), rgb=np.zeros((2, 2, 1)))
    with pytest.raises(DataError, match="first 5x4x3, second 5x4x2") as error:
        io.read(path)
    assert "--variable NAME" in error.value.hint
    assert "rgb" not in str(error.value)
    assert io.read(path, variable="second").shape == (5, 4, 2)
    with pytest.raises(DataError, match=r"no variable 'third'.*first 5x4x3"):
        io.read(path, variable="third")


@BOTH
def test_mat_without_a_cube(tmp_path, save):
    save(tmp_path / "a.mat", x=np.arange(5.0), y=3.0, name="text")
    with pytest.raises(DataError, match="holds no cube"):
        io.read(tmp_path / "a.mat")
    with pytest.raises(DataError, match="no variable 'name' of numbers"):
        io.read(tmp_path / "a.mat", variable="name")


def test_mat_variable_of_one_axis_is_no_cube(tmp_path):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["x"] = np.arange(5)
    with pytest.raises(DataError, match="expected two or three axes"):
        io.read(tmp_path / "a.h5", variable="x")


@BOTH
def test_mat_spectral_axis(tmp_path, save):
    path = tmp_path / "a.mat"
    save(path, I=ramp(), wl=np.array([0.4, 0.5, 0.6]), bbl=np.array([1.0, 0, 1]))
    cube = io.read(path)
    assert cube.wavelengths.tolist() == [0.4, 0.5, 0.6]
    assert cube.wavelength_unit is None
    assert cube.bad_bands.tolist() == [False, True, False]
    # a structure that also gives widths and unit is the better source, and units are not mixed
    header = {
        "wavelength": np.array([400.0, 500, 600]),
        "fwhm": np.array([10.0, 11, 12]),
        "wavelength_units": "Nanometers",
        "lines": 766.0,
    }
    save(path, I=ramp(), wl=np.array([0.4, 0.5, 0.6]), bbl=np.array([1.0, 0, 1]), params=header)
    cube = io.read(path)
    assert cube.wavelengths.tolist() == [400, 500, 600]
    assert cube.fwhm.tolist() == [10, 11, 12]
    assert cube.wavelength_unit == "Nanometers"
    assert cube.bad_bands.tolist() == [False, True, False]


def test_mat_vectors_that_do_not_fit_are_ignored(tmp_path):
    save_5(tmp_path / "a.mat", I=ramp(), wavelength=np.arange(7.0), bad=np.array([1.0, 2.0, 3.0]))
    cube = io.read(tmp_path / "a.mat")
    assert cube.wavelengths is None
    assert cube.bad_bands is None


def test_mat_wavelengths_find_the_band_axis(tmp_path):
    save_5(tmp_path / "a.mat", I=ramp((3, 5, 4)), wavelength=np.array([4.0, 5, 6]))
    cube = io.read(tmp_path / "a.mat")
    np.testing.assert_array_equal(cube.array, ramp((3, 5, 4)).transpose(1, 2, 0))


def test_mat_truncated(tmp_path):
    save_5(tmp_path / "a.mat", I=ramp((9, 9, 9)))
    content = (tmp_path / "a.mat").read_bytes()
    for length in range(0, len(content), 41):
        (tmp_path / "b.mat").write_bytes(content[:length])
        with pytest.raises(DataError):
            io.read(tmp_path / "b.mat")


def test_mat_version_4(tmp_path):
    scipy.io.savemat(tmp_path / "a.mat", {"map": ramp((5, 4))}, format="4")
    np.testing.assert_array_equal(io.read(tmp_path / "a.mat").array[..., 0], ramp((5, 4)))


def test_mat_compressed_and_big_endian(tmp_path):
    save_5(tmp_path / "a.mat", I=ramp(), note="text", deep={"a": {"b": np.eye(2)}, "c": "d"})
    scipy.io.savemat(tmp_path / "b.mat", {"I": ramp(), "s": "text"}, do_compression=True)
    for name in ("a.mat", "b.mat"):
        np.testing.assert_array_equal(io.read(tmp_path / name).array, ramp())
    numbers = [14, 0, 6, 8, 6, 0, 5, 12, 2, 1, 2, 0]  # an int8 array of 2 x 1 x 2, named I
    body = b"".join(n.to_bytes(4, "big") for n in [*numbers[2:4], 8, *numbers[5:]])
    body += bytes([0, 1, 0, 1]) + b"I\0\0\0" + bytes([0, 4, 0, 1, 5, 6, 7, 8])
    header = b"MATLAB 5.0 MAT-file".ljust(124) + b"\1\0MI"
    element = (14).to_bytes(4, "big") + len(body).to_bytes(4, "big")
    (tmp_path / "c.mat").write_bytes(header + element + body)
    cube = io.read(tmp_path / "c.mat")
    assert cube.array.dtype.name == "int8"
    assert cube.array[:, 0].tolist() == [[5, 7], [6, 8]]


@pytest.mark.parametrize(
    ("byte", "value"),
    [(144, 5), (145, 8), (136, 200), (152, 200), (176, 200), (184, 200), (185, 9)],
)
def test_mat_bytes_that_would_end_the_process(tmp_path, byte, value):
    """Type codes and flags of an uncompressed variable, which SciPy trusts."""
    save_5(tmp_path / "a.mat", cube=ramp())
    content = bytearray((tmp_path / "a.mat").read_bytes())
    content[byte] = value
    (tmp_path / "a.mat").write_bytes(content)
    with pytest.raises(DataError, match="no readable MATLAB file"):
        io.read(tmp_path / "a.mat")


def test_mat_too_large(tmp_path):
    template = io.Template((2**11, 2**10, 2**10), np.dtype("uint8"))
    with (
        pytest.raises(DataError, match="2147483648 bytes") as error,
        io.create(tmp_path / "a.mat", template),
    ):
        pass
    assert ".h5" in error.value.hint
    assert not list(tmp_path.iterdir())
