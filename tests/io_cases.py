"""Small cubes to write and to read again."""

import numpy as np

from hyspec.cube import Cube


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
