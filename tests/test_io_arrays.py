"""NumPy, MATLAB, HDF5 and raw files: axes, choice of the variable, and what stands beside it."""

import sys

import h5py
import numpy as np
import pytest
import scipy.io
from hypothesis import given, settings
from hypothesis import strategies as st

from hyspec import io
from hyspec.cube import SAMPLE_DTYPES, Cube
from hyspec.errors import DataError, MissingDependencyError, UsageError
from hyspec.io.axes import as_cube, guess_axes


def ramp(shape=(5, 4, 3), dtype="int16"):
    return (np.arange(np.prod(shape)).reshape(shape) % 120).astype(dtype)


def full_cube():
    return Cube(
        ramp(),
        wavelengths=np.array([0.4, 0.5, 0.6]),
        fwhm=np.array([0.01, 0.02, 0.03]),
        wavelength_unit="Micrometers",
        nodata=-9.0,
        bad_bands=np.array([True, False, False]),
        metadata={"envi": {"sensor type": "HyMap", "band names": ["ä", "b", "c"]}},
    )


def assert_same(cube, expected):
    np.testing.assert_array_equal(cube.array, expected.array)
    assert cube.wavelengths.tolist() == expected.wavelengths.tolist()
    assert cube.fwhm.tolist() == expected.fwhm.tolist()
    assert cube.bad_bands.tolist() == expected.bad_bands.tolist()
    assert cube.wavelength_unit == expected.wavelength_unit
    assert cube.nodata == expected.nodata


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


# MATLAB


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


# HDF5


@pytest.mark.parametrize("dtype", SAMPLE_DTYPES)
def test_hdf5_round_trip(tmp_path, dtype):
    expected = full_cube()
    expected.array = ramp(dtype=dtype)
    io.write(tmp_path / "a.h5", expected)
    cube = io.read(tmp_path / "a.h5")
    assert_same(cube, expected)
    assert cube.array.dtype.name == dtype
    assert isinstance(cube.array, np.memmap)
    assert cube.metadata["envi"] == expected.metadata["envi"]
    with h5py.File(tmp_path / "a.h5") as file:
        np.testing.assert_array_equal(file["cube"][()], expected.array)


def neon(path):
    with h5py.File(path, "w") as file:
        group = file.create_group("SITE/Reflectance")
        data = group.create_dataset("Reflectance_Data", data=ramp(dtype="int32"), chunks=(2, 2, 2))
        data.attrs["Data_Ignore_Value"] = np.array([-9999.0])
        data.attrs["Scale_Factor"] = np.array([10000.0])
        spectral = group.create_group("Metadata/Spectral_Data")
        spectral["Wavelength"] = np.array([400.0, 500, 600])
        spectral["Wavelength"].attrs["Units"] = "nanometers"
        spectral["FWHM"] = np.array([5.0, 6, 7])
        group["Metadata/Coordinate_System/Map_Info"] = np.array(
            [b"UTM,  1.000, 1.000, 257000.00, 4112000.0, 1.0, 1.0, 11, North, WGS-84"], object
        )
        file["other/Wavelength"] = np.array([1.0, 2, 3])
        file["Quality"] = np.zeros((5, 4), "u1")
    return path


@pytest.mark.parametrize("suffix", ["", ":/SITE/Reflectance/Reflectance_Data"])
def test_hdf5_neon_layout(tmp_path, suffix):
    cube = io.read(f"{neon(tmp_path / 'a.h5')}{suffix}")
    np.testing.assert_array_equal(cube.array, ramp())
    assert cube.wavelengths.tolist() == [400, 500, 600]
    assert cube.fwhm.tolist() == [5, 6, 7]
    assert cube.wavelength_unit == "nanometers"
    assert cube.nodata == -9999
    assert cube.metadata["envi"]["map info"][:2] == ["UTM", "1.000"]
    assert cube.metadata["hdf5"] == {
        "dataset": "/SITE/Reflectance/Reflectance_Data",
        "attributes": {"Data_Ignore_Value": [-9999.0], "Scale_Factor": [10000.0]},
    }
    io.write(tmp_path / "b.hdr", cube)
    assert io.read(tmp_path / "b.hdr").metadata["envi"]["map info"][3] == "257000.00"


def test_netcdf_layout(tmp_path):
    """Line interleave, a time axis of length 1, and a list of good bands in another group."""
    with h5py.File(tmp_path / "a.nc", "w") as file:
        data = file.create_dataset("radiance", data=ramp().transpose(0, 2, 1)[None])
        data.attrs["_FillValue"] = np.array([-1], "int16")
        file["sensor_band_parameters/wavelengths"] = np.array([1.0, 2, 3])
        file["sensor_band_parameters/good_wavelengths"] = np.array([1, 1, 0], "u1")
    cube = io.read(tmp_path / "a.nc")
    np.testing.assert_array_equal(cube.array, ramp())
    assert cube.bad_bands.tolist() == [False, False, True]
    assert cube.nodata == -1


def test_hdf5_wrong_names(tmp_path):
    path = neon(tmp_path / "a.h5")
    with pytest.raises(DataError, match=r"no dataset '/nowhere'.*Reflectance_Data 5x4x3"):
        io.read(f"{path}:/nowhere")
    with pytest.raises(DataError, match="no dataset '/SITE/Reflectance'"):
        io.read(path, variable="SITE/Reflectance")
    with pytest.raises(UsageError, match="names a dataset"):
        io.read(f"{path}:/Quality", variable="Quality")
    assert io.read(f"{path}:Quality").shape == (5, 4, 1)
    with pytest.raises(DataError, match="does not exist"):
        io.read(f"{tmp_path / 'none.h5'}:/x")


def test_hdf5_truncated(tmp_path):
    content = neon(tmp_path / "a.h5").read_bytes()
    for length in (1, 7, 100, 600, len(content) // 2, len(content) - 1):
        (tmp_path / "b.h5").write_bytes(content[:length])
        with pytest.raises(DataError):
            io.read(tmp_path / "b.h5")


def test_classic_netcdf(tmp_path):
    (tmp_path / "a.nc").write_bytes(b"CDF\x01" + bytes(100))
    with pytest.raises(DataError, match="classic") as error:
        io.read(tmp_path / "a.nc")
    assert "nccopy" in error.value.hint


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
