"""Synthetic scenes: shapes and truth, determinism, and statistics like those of real scenes."""

import numpy as np
import pytest

from hyspec.errors import UsageError
from hyspec.intervals import format_intervals, seed_intervals
from hyspec.synthetic import SENSORS, SensorGrid, scene
from hyspec.synthetic.fields import abundances, gaussian_field
from hyspec.synthetic.spectra import MATERIALS, reflectance


def pixels(synthetic):
    """Valid pixels as (pixels, bands) float64."""
    cube = synthetic.cube
    array = cube.array.reshape(-1, cube.bands)
    if cube.nodata is not None:
        array = array[(array != cube.nodata).all(axis=1)]
    return array.astype(np.float64)


def ideal(synthetic):
    return synthetic.abundances.astype(np.float64) @ synthetic.endmembers


BARE = {"noise": 0.0, "striping": 0.0, "variability": 0.0, "terrain": 0.0}


@pytest.mark.parametrize("dtype", ["uint16", "int16", "float32"])
@pytest.mark.parametrize("nodata", [False, True])
def test_shapes_and_attributes(dtype, nodata):
    synthetic = scene(24, 31, dtype=dtype, nodata=nodata, endmembers=5)
    cube = synthetic.cube
    assert cube.shape == (24, 31, 224)
    assert cube.array.dtype == dtype
    assert cube.array.flags.c_contiguous
    assert cube.wavelength_unit == "Nanometers"
    assert cube.wavelengths is not None
    assert cube.fwhm is not None
    assert cube.metadata["envi"]["map info"][0] == "UTM"
    assert (cube.nodata is not None) == nodata
    assert synthetic.endmembers.shape == (5, 224)
    assert synthetic.abundances.shape == (24, 31, 5)
    assert synthetic.labels.shape == (24, 31)
    assert synthetic.noise_sigma.shape == (224,)
    assert synthetic.materials == MATERIALS[:5]


@pytest.mark.parametrize("size", [(1, 1), (1, 40), (40, 1), (2, 3), (67, 33)])
@pytest.mark.parametrize("nodata", [False, True])
def test_any_size(size, nodata):
    synthetic = scene(*size, sensor="hyspex", nodata=nodata)
    assert synthetic.cube.shape == (*size, 186)
    assert pixels(synthetic).shape[0] >= 1
    assert np.isfinite(synthetic.abundances).all()
    assert np.isfinite(synthetic.noise_sigma).all()


def test_abundances_and_labels():
    synthetic = scene(64, 64, endmembers=12)
    assert synthetic.abundances.min() >= 0
    assert synthetic.abundances.sum(axis=2) == pytest.approx(np.ones((64, 64)), abs=1e-5)
    assert np.array_equal(synthetic.labels, synthetic.abundances.argmax(axis=2))
    assert synthetic.materials[-1] == "random 3"
    assert len(np.unique(synthetic.labels)) >= 4


def test_one_endmember():
    synthetic = scene(8, 8, endmembers=1)
    assert np.all(synthetic.abundances == 1)


def test_a_bare_scene_is_the_linear_mixture():
    synthetic = scene(32, 32, dtype="float32", **BARE)
    assert np.abs(synthetic.cube.array - ideal(synthetic)).max() < 0.02
    rounded = scene(32, 32, dtype="uint16", **BARE)
    assert np.abs(rounded.cube.array - ideal(rounded)).max() < 0.52


@pytest.mark.parametrize("effect", ["noise", "variability", "terrain"])
def test_each_effect_changes_the_scene_and_only_it(effect):
    factors = {**BARE, effect: 1.0}
    synthetic = scene(32, 32, dtype="float32", **factors)
    bare = scene(32, 32, dtype="float32", **BARE)
    assert np.abs(synthetic.cube.array - bare.cube.array).max() > 3
    assert np.array_equal(synthetic.abundances, bare.abundances)
    assert np.array_equal(synthetic.endmembers, bare.endmembers)


def test_noise_has_the_stated_sigma():
    noisy = scene(96, 96, dtype="float32", **{**BARE, "noise": 1.0})
    error = noisy.cube.array - ideal(noisy)
    measured = error.std(axis=(0, 1))
    assert measured == pytest.approx(noisy.noise_sigma, rel=0.05)
    assert np.abs(error.mean(axis=(0, 1)) / noisy.noise_sigma).max() < 0.06
    louder = scene(96, 96, dtype="float32", **{**BARE, "noise": 3.0})
    assert louder.noise_sigma == pytest.approx(3 * noisy.noise_sigma)
    # photon noise: bright pixels are noisier
    signal = ideal(noisy)[:, :, 45]
    bright = signal > np.median(signal)
    assert error[:, :, 45][bright].std() > 1.1 * error[:, :, 45][~bright].std()


def test_stripes_run_along_the_columns_of_a_pushbroom():
    striped = scene(200, 40, sensor="hyspex", dtype="float32", **{**BARE, "striping": 5.0})
    bare = scene(200, 40, sensor="hyspex", dtype="float32", **BARE)
    gains = []
    for column in range(40):
        x, y = (s.cube.array[:, column, 100].astype(float) for s in (bare, striped))
        gain, offset = np.polyfit(x, y, 1)
        assert np.abs(gain * x + offset - y).max() < 0.02
        gains.append(gain)
    assert np.std(gains) == pytest.approx(5 * SENSORS["hyspex"].stripe_gain, rel=0.4)
    whiskbroom = scene(20, 20, dtype="float32", **{**BARE, "striping": 5.0})
    assert np.array_equal(whiskbroom.cube.array, scene(20, 20, dtype="float32", **BARE).cube.array)


@pytest.mark.parametrize("dtype", ["uint16", "int16", "float32"])
def test_nodata_fills_whole_pixels_beside_the_flight_line(dtype):
    synthetic = scene(120, 120, nodata=True, dtype=dtype, seed=3)
    cube = synthetic.cube
    missing = cube.array == cube.nodata
    assert np.array_equal(missing.all(axis=2), missing.any(axis=2))
    pixel = missing[:, :, 0]
    assert 0.05 < pixel.mean() < 0.5
    assert pixel[[0, 0, -1, -1], [0, -1, 0, -1]].sum() >= 2
    assert pixel[40:80, 40:80].mean() < 0.01


def test_dead_pixels_lie_inside_the_flight_line():
    synthetic = scene(300, 300, sensor="hyspex", nodata=True)
    pixel = (synthetic.cube.array == synthetic.cube.nodata)[:, :, 0]
    assert 1 <= pixel[75:225, 75:225].sum() <= 30


def test_equal_arguments_give_equal_scenes():
    first, second = (scene(20, 20, seed=5, nodata=True) for _ in range(2))
    assert np.array_equal(first.cube.array, second.cube.array)
    assert np.array_equal(first.abundances, second.abundances)
    assert not np.array_equal(first.cube.array, scene(20, 20, seed=6, nodata=True).cube.array)


def test_scenes_stay_what_they_are():
    """Published results refer to scenes by seed; the last digits may differ between machines."""
    synthetic = scene(32, 48, sensor="aviris-ng", seed=7, nodata=True, dtype="float32")
    cube = synthetic.cube
    bands = [10, 50, 100, 200, 300, 400]
    first = [1274.48, 5316.45, 4140.26, -3.11, -5.39, 289.59]
    second = [1227.86, 4076.09, 3109.57, -5.11, 0.77, 213.09]
    assert cube.array[16, 24, bands] == pytest.approx(first, rel=1e-4, abs=0.05)
    assert cube.array[20, 30, bands] == pytest.approx(second, rel=1e-4, abs=0.05)
    assert pixels(synthetic).mean() == pytest.approx(1491.067, rel=1e-5)
    counts = np.bincount(synthetic.labels.ravel())
    assert counts == pytest.approx([54, 43, 1, 207, 136, 1095], abs=3)


def test_the_global_random_state_is_neither_used_nor_changed():
    first = scene(8, 8).cube.array
    np.random.seed(1)  # noqa: NPY002
    state = np.random.get_state()[1].copy()  # noqa: NPY002
    assert np.array_equal(first, scene(8, 8).cube.array)
    assert np.array_equal(state, np.random.get_state()[1])  # noqa: NPY002


@pytest.mark.parametrize("sensor", SENSORS)
def test_statistics_are_those_of_real_scenes(sensor):
    synthetic = scene(80, 80, sensor=sensor, seed=2)
    cube = synthetic.cube
    samples = pixels(synthetic)
    with np.errstate(invalid="ignore", divide="ignore"):  # opaque bands may be constant
        neighbours = np.diag(np.corrcoef(samples.T), 1)
    w = np.minimum(cube.wavelengths[1:], cube.wavelengths[:-1])
    clear = (w < 1300) | ((w > 1500) & (w < 1760)) | ((w > 2080) & (w < 2300))
    assert np.median(neighbours[clear]) > 0.995
    assert (neighbours[clear] > 0.98).mean() > 0.85
    # principal components above the noise, which whitening makes 1 in every direction
    whitened = np.linalg.eigvalsh(np.cov((samples / synthetic.noise_sigma).T))[::-1]
    assert 7 <= np.count_nonzero(whitened > 2) <= 24
    assert whitened[0] > 1e4
    assert samples.max() < 0.9 * np.iinfo(np.uint16).max


def test_neighbouring_pixels_are_correlated_but_there_are_edges():
    synthetic = scene(100, 100)
    band = synthetic.cube.array[:, :, 50].astype(float)
    assert np.corrcoef(band[:, 1:].ravel(), band[:, :-1].ravel())[0, 1] > 0.85
    steps = np.abs(np.diff(band, axis=1)).ravel()
    assert np.percentile(steps, 99.5) > 8 * np.median(steps)


def test_atmosphere():
    synthetic = scene(40, 40, sensor="aviris-ng", dtype="float32", **BARE)
    w = synthetic.cube.wavelengths
    mean = pixels(synthetic).mean(axis=0)

    def at(wavelength):
        return mean[np.abs(w - wavelength).argmin()]

    assert at(761) < 0.75 * min(at(745), at(778))
    assert at(940) < 0.75 * min(at(885), at(1000))
    assert at(1135) < 0.7 * min(at(1080), at(1230))
    assert at(1385) < 0.02 * at(1250)
    assert at(1870) < 0.02 * at(1680)
    bad = synthetic.cube.bad_bands
    assert bad[np.abs(w - 1385).argmin()]
    assert bad[np.abs(w - 1880).argmin()]
    assert not bad[(w < 1300) | ((w > 1480) & (w < 1780)) | ((w > 2000) & (w < 2400))].any()
    assert not scene(2, 2, sensor="hyspex").cube.bad_bands.any()


def test_water_vapour_is_uneven_with_variability():
    """The depth of the 0.94 um band varies more than the endmembers make it."""
    ratios = []
    for variability in (0.0, 1.0):
        factors = {**BARE, "variability": variability}
        synthetic = scene(60, 60, endmembers=1, dtype="float32", **factors)
        w = synthetic.cube.wavelengths
        inside, beside = (np.abs(w - centre).argmin() for centre in (940, 1003))
        array = synthetic.cube.array
        ratios.append((array[:, :, inside] / array[:, :, beside]).std())
    assert ratios[0] < 1e-4
    assert ratios[1] > 0.01


def test_the_aviris_grid_has_the_overlaps_of_four_spectrometers():
    grid = SENSORS["aviris"]
    assert grid.bands == 224
    assert np.flatnonzero(np.diff(grid.centres) < 0).tolist() == [31, 95, 159]
    seed = seed_intervals(224, grid.centres, "nm")
    assert format_intervals(seed.intervals) == "1-40,41-96,97-155,156-165,166-224"
    assert [SENSORS[name].bands for name in ("aviris-ng", "enmap")] == [425, 224]


def test_any_sensor_grid():
    grid = SensorGrid(np.array([850.0, 660.0, 560.0]), np.array([40.0, 0.01, 30.0]), scale=200.0)
    synthetic = scene(16, 16, sensor=grid, seed=1)
    assert synthetic.cube.shape == (16, 16, 3)
    assert synthetic.cube.wavelengths.tolist() == [850.0, 660.0, 560.0]
    assert 20 < synthetic.cube.array.max() < 300


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"rows": 0}, "0 x 4 pixels"),
        ({"endmembers": 0}, "0 endmembers"),
        ({"endmembers": 256}, "256 endmembers"),
        ({"dtype": "uint8"}, "'uint8'"),
        ({"sensor": "eye"}, "'eye'"),
        ({"noise": -1.0}, "noise=-1"),
        ({"seed": -1}, "seed=-1"),
        ({"terrain": float("nan")}, "terrain=nan"),
    ],
)
def test_bad_arguments_are_refused(arguments, message):
    with pytest.raises(UsageError, match=message):
        scene(**{"rows": 4, "columns": 4, **arguments})


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"centres": [[500.0]]}, "centres has shape"),
        ({"fwhm": [10.0, 10.0]}, "1 band centres and 2 widths"),
        ({"fwhm": [0.0]}, "not positive"),
        ({"centres": [np.nan]}, "not positive and finite"),
        ({"read_noise": -1.0}, "read_noise=-1"),
    ],
)
def test_bad_sensors_are_refused(arguments, message):
    with pytest.raises(UsageError, match=message):
        SensorGrid(**{"centres": [500.0], "fwhm": [10.0], **arguments})


def test_a_sensor_in_the_dark_is_refused():
    with pytest.raises(UsageError, match="receives sunlight"):
        scene(2, 2, sensor=SensorGrid(np.array([0.5]), np.array([0.01])))


@pytest.mark.parametrize("material", [*MATERIALS, "random 1"])
def test_spectra_are_reflectances_and_differ_between_draws(material):
    w = np.arange(350.0, 2550.0)
    rng = np.random.default_rng(0)
    first, second = (reflectance(material, w, rng) for _ in range(2))
    assert first.min() >= 0.002
    assert first.max() <= 0.95
    assert np.abs(first - second).max() > 0.005
    assert np.abs(np.diff(first)).max() < 0.02  # smooth


def test_vegetation_has_a_red_edge_and_a_green_peak():
    w = np.arange(350.0, 2550.0)
    leaf = reflectance("vegetation", w, np.random.default_rng(0))
    at = dict(zip(w, leaf, strict=True))
    assert at[780] > 5 * at[670]
    assert at[555] > 1.5 * at[450]
    assert at[1450] < 0.8 * at[1650]


def test_gaussian_fields():
    rng = np.random.default_rng(0)
    rough, smooth = (gaussian_field(90, 70, exponent, rng) for exponent in (1.5, 4.0))
    for field in (rough, smooth):
        assert field.shape == (90, 70)
        assert float(field.mean()) == pytest.approx(0, abs=1e-5)
        assert float(field.std()) == pytest.approx(1, abs=1e-5)
    assert np.diff(smooth, axis=0).std() < 0.2 * np.diff(rough, axis=0).std()
    assert gaussian_field(1, 1, 3.0, rng).tolist() == [[0.0]]


def test_abundances_have_pure_regions_and_mixtures():
    fractions = abundances(100, 100, 6, np.random.default_rng(0))
    largest = fractions.max(axis=0)
    assert (largest > 0.9).mean() > 0.05
    assert (largest < 0.6).mean() > 0.05
