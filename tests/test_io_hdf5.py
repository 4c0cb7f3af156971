"""HDF5 and netCDF files: choice of the dataset, and what stands beside it."""

import h5py
import numpy as np
import pytest

from hyspec import io
from hyspec.cube import SAMPLE_DTYPES
from hyspec.errors import DataError, UsageError
from io_cases import assert_same, full_cube, ramp


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
