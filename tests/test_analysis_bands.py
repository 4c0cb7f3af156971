"""Which bands of a scene a model sees."""

import numpy as np
import pytest

from analysis_packs import classifier
from hyspec import Cube, errors
from hyspec.analysis.band_matching import match

NM = np.linspace(420.0, 2400.0, 24)


def scene(bands=24, wavelengths=None, unit="nm", **attributes):
    rng = np.random.default_rng(1)
    return Cube(
        rng.uniform(0, 5000, (4, 5, bands)),
        wavelengths=wavelengths,
        wavelength_unit=unit,
        **attributes,
    )


def taken(cube, made, choice=None):
    samples, valid = match(cube, made, choice)(cube.array)
    assert valid.all()
    return samples


def refused(cube, made, choice, expected, kind=errors.PackError):
    with pytest.raises(kind, match=expected) as caught:
        match(cube, made, choice)
    return caught.value


def test_the_same_bands():
    cube = scene()
    np.testing.assert_array_equal(taken(cube, classifier()), cube.array)


@pytest.mark.parametrize(("unit", "factor"), [("nm", 1), ("um", 1e-3), (None, 1), ("Nano", 1e-3)])
def test_wavelengths_in_any_unit(unit, factor):
    """The last one lies about its unit, which the codec sees through."""
    cube = scene(wavelengths=(NM + 20) * factor, unit=unit)
    np.testing.assert_array_equal(taken(cube, classifier(wavelengths=NM)), cube.array)


def test_other_numbers_of_bands():
    error = refused(scene(30), classifier(), None, "scene has 30 bands; pack 'tiny classes' expe")
    assert "--bands" in error.hint
    refused(
        scene(23), classifier(source_bands=30, selected=range(24)), None, "expects 24 of the 30"
    )


def test_bands_that_lie_elsewhere():
    for shift in (50.0, -50.0):
        wavelengths = NM.copy()
        wavelengths[7] += shift
        refused(
            scene(wavelengths=wavelengths), classifier(wavelengths=NM), None,
            "1 of 24 bands lie elsewhere.*band 7 of the scene",
        )  # fmt: skip


def test_bands_of_the_sensor_that_it_was_trained_on():
    selected = tuple(k for k in range(30) if k % 5 != 2)
    made = classifier(source_bands=30, selected=selected)
    cube = scene(30)
    np.testing.assert_array_equal(taken(cube, made), cube.array[:, :, selected])
    whole = np.linspace(420.0, 2400.0, 30)
    made = classifier(source_bands=30, selected=selected, wavelengths=whole[list(selected)])
    cube = scene(30, whole)
    np.testing.assert_array_equal(taken(cube, made), cube.array[:, :, selected])
    refused(scene(30, whole + 200), made, None, "24 of 24 bands lie elsewhere")


def test_good_bands():
    bad = np.zeros(30, bool)
    bad[[2, 8, 9, 20, 21, 29]] = True
    cube = scene(30, bad_bands=bad)
    np.testing.assert_array_equal(taken(cube, classifier(), "good"), cube.array[:, :, ~bad])
    refused(scene(30), classifier(), "good", "30 bands were chosen; .*expects 24")


def test_numbers_of_bands():
    cube, numbers = scene(30), list(range(29, 5, -1))
    np.testing.assert_array_equal(taken(cube, classifier(), numbers), cube.array[:, :, numbers])
    refused(cube, classifier(), range(7, 31), "bands 7 to 30; the scene has 0 to 29",
            errors.UsageError)  # fmt: skip
    refused(cube, classifier(), [1, 2], "2 bands were chosen")
    refused(cube, classifier(), [], "0 bands were chosen")


def test_nearest_bands():
    wavelengths = np.linspace(400.0, 2500.0, 200)
    cube = scene(200, wavelengths)
    bands = np.array([np.abs(wavelengths - nm).argmin() for nm in NM])
    found = taken(cube, classifier(wavelengths=NM), "pick")
    np.testing.assert_array_equal(found, cube.array[:, :, bands])
    short = scene(150, np.linspace(400.0, 2000.0, 150))
    refused(short, classifier(wavelengths=NM), "pick", "lie elsewhere")


def test_bands_between_others():
    """Spectra that are linear in wavelength come back exactly; bad bands are left out."""
    wavelengths = np.linspace(400.0, 2450.0, 60)[::-1]
    cube = scene(60, wavelengths)
    cube.array[:] = np.arange(20).reshape(4, 5, 1) * 1000 + 2 * wavelengths
    cube.array[:, :, 30] = 1e9
    cube.bad_bands = np.arange(60) == 30
    found = taken(cube, classifier(wavelengths=NM), "resample")
    want = np.arange(20).reshape(4, 5, 1) * 1000 + 2 * NM
    np.testing.assert_allclose(found, want, rtol=1e-12)
    same = scene(24, NM)
    np.testing.assert_allclose(
        taken(same, classifier(wavelengths=NM), "resample"), same.array, rtol=1e-12
    )
    short = scene(150, np.linspace(400.0, 2000.0, 150))
    error = refused(short, classifier(wavelengths=NM), "resample", "reaches from 400.0 to 2000.0")
    assert "not made up" in error.hint


def test_nodata_between_others():
    cube = scene(60, np.linspace(400.0, 2450.0, 60))
    cube.array[1, 2] = np.nan
    made = classifier(wavelengths=NM)
    samples, valid = match(cube, made, "resample")(cube.array)
    np.testing.assert_array_equal(np.argwhere(~valid), [[1, 2]])
    assert np.isfinite(samples).all()


def test_unknown_wavelengths():
    for choice in ("pick", "resample"):
        refused(scene(), classifier(wavelengths=NM), choice, "wavelengths of the scene are not")
        refused(scene(24, NM), classifier(), choice, "wavelengths of pack 'tiny classes' are not")
