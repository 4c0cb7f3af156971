"""Codes of bands, and scenes of many sensors scaled to one brightness."""

import os

import numpy as np
import pytest

from hyspec import Cube
from hyspec.analysis import band_codes, sensor_scenes
from hyspec.analysis.scaling import LEVEL
from hyspec.errors import DataError, UsageError


def cube(wavelengths, unit="Nanometers", **rest):
    rng = np.random.default_rng(0)
    samples = rng.integers(1, 900, (5, 6, len(wavelengths))).astype(np.float32)
    return Cube(samples, np.asarray(wavelengths, float), wavelength_unit=unit, **rest)


@pytest.mark.parametrize(("unit", "factor"), [("Nanometers", 1), ("um", 1e-3), (None, 1e-3)])
def test_codes_are_in_micrometres(unit, factor):
    found = band_codes.of_scene(cube(np.array([500.0, 520, 530, 900]) * factor, unit))
    want = [[0.5, 0.02, 1], [0.52, 0.01, 1], [0.53, 0.01, 1], [0.9, 0.37, 1]]
    np.testing.assert_allclose(found, want, rtol=1e-6)
    assert found.dtype == np.float32


def test_given_widths_are_taken_where_they_mean_something():
    found = band_codes.of_scene(cube([500, 510, 520], fwhm=np.array([8.0, 0.0, np.nan])))
    np.testing.assert_allclose(found[:, 1], [0.008, 0.01, 0.01], rtol=1e-6)


def test_bad_bands_and_water_vapour_are_not_valid():
    bad = np.array([False, True, False, False, False])
    found = band_codes.of_scene(cube([500, 600, 1400, 1880, 2200], bad_bands=bad))
    np.testing.assert_array_equal(found[:, 2], [1, 0, 0, 0, 1])
    np.testing.assert_array_equal(found[1:4, :2], 1)


@pytest.mark.parametrize("centres", [None, [1400, 1850]])
def test_scenes_without_valid_bands_are_refused(centres):
    scene = Cube(np.ones((2, 2, 2), np.uint8)) if centres is None else cube(centres)
    with pytest.raises(DataError, match="expected"):
        band_codes.of_scene(scene)


def test_neighbours_of_the_same_centre_do_not_count():
    np.testing.assert_allclose(band_codes.spacing(np.array([0.5, 0.5, 0.6])), [0.05, 0.1, 0.1])
    np.testing.assert_allclose(band_codes.spacing(np.array([0.5])), [0.05])


def test_scenes_have_measured_bands_and_one_brightness():
    given = cube([500, 600, 700, 1400, 2200])
    samples = np.asarray(given.array)
    samples[:, :, 2] = 7.0  # a band of one value says nothing
    samples[1, 2] = np.nan  # a pixel without measurement
    found = sensor_scenes.of_cube(given, "field", "X")
    np.testing.assert_allclose(found.code[:, 0], [0.5, 0.6, 2.2], rtol=1e-6)
    assert not found.measured[1, 2]
    assert found.measured.sum() == 29
    assert np.sqrt(np.mean(found.spectra().astype(float) ** 2)) == pytest.approx(LEVEL, rel=1e-5)
    ratio = found.spectra() / samples[found.measured][:, [0, 1, 4]]
    np.testing.assert_allclose(ratio, ratio[0, 0], rtol=1e-5)
    again = sensor_scenes.of_cube(found.cube, "field", "X")
    np.testing.assert_allclose(again.spectra(), found.spectra(), rtol=1e-5)


def test_unknown_scenes_are_named():
    with pytest.raises(UsageError, match=r"no scene is called 'moon'"):
        sensor_scenes.load("moon")


@pytest.fixture(scope="module")
def real():
    if not os.environ.get("HYSPEC_DATA"):
        pytest.skip("HYSPEC_DATA is not set: no real scenes")


@pytest.mark.usefixtures("real")
@pytest.mark.parametrize(
    ("file", "lines"),
    [
        ("train/abu-airport-1.mat", (0.762, 0.94, 1.13)),
        ("test/hydice-urban.mat", (0.94, 1.13)),
    ],
)
def test_absorption_lies_where_bands_are_said_to_be(file, lines):
    """Oxygen absorbs at 0.762 micrometres, water vapour at 0.94 and 1.13: local minima."""
    scene = sensor_scenes.load(file)
    mean = scene.spectra().mean(axis=0)
    centres = scene.code[:, 0]
    for line in lines:
        near = np.flatnonzero(np.abs(centres - line) < 0.04)
        found = centres[near[mean[near].argmin()]]
        assert abs(found - line) < 0.025, (file, line, found)


@pytest.mark.usefixtures("real")
@pytest.mark.parametrize("file", ["test/samson.mat", "train/neon-harv-1.tif", "test/neon-sjer.h5"])
def test_real_scenes_are_at_one_level(file):
    scene = sensor_scenes.load(file)
    assert scene.measured.all()
    assert np.sqrt(np.mean(scene.spectra().astype(float) ** 2)) == pytest.approx(LEVEL, rel=1e-4)
    assert np.all(np.diff(scene.code[:, 0]) > 0)
    assert not band_codes.water_vapour(scene.code[:, 0]).any()
