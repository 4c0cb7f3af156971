"""Real scenes, where the folder that holds them is named in environment variable HYSPEC_DATA."""

import json
import os
from pathlib import Path

import numpy as np
import pytest

from hyspec import io

FOLDER = os.environ.get("HYSPEC_DATA")
pytestmark = pytest.mark.skipif(not FOLDER, reason="HYSPEC_DATA does not name a folder of scenes")

ABU = {
    "train/abu-airport-1.mat": "uint16",
    "train/abu-airport-2.mat": "uint16",
    "train/abu-airport-3.mat": "int16",
    "train/abu-beach-2.mat": "int16",
    "train/abu-urban-3.mat": "uint16",
    "train/abu-urban-4.mat": "int16",
    "train/abu-urban-5.mat": "int16",
    "test/abu-beach-3.mat": "int16",
    "test/abu-urban-1.mat": "int16",
}
#: file: (rows, columns, bands), sample type, (first, last wavelength) or None
SCENES = {name: ((100, 100, 205), dtype, None) for name, dtype in ABU.items()} | {
    "train/san-diego-224.mat": ((100, 100, 224), "int16", None),
    "train/salton-sea.mat": ((51, 56, 224), "float64", (365.9136593, 2496.2236593)),
    "train/moffett.mat": ((50, 50, 184), "float64", None),
    "test/jasper-ridge.mat": ((100, 100, 198), "uint16", None),
    "test/samson.mat": ((95, 95, 156), "float64", None),
    "test/hydice-urban.mat": ((80, 100, 162), "uint16", None),
    "train/AV_mastercal_testdata.hdr": ((50, 50, 194), "int16", (394.935486, 2496.236084)),
    "train/Bavaria_farmland_LMU_Hyspex_subset_v1.bsq": (
        (50, 50, 325),
        "float32",
        (417.459991, 2454.570068),
    ),
    "train/HyMap02_Berlin_Urban_Gradient_2009.hdr": ((100, 67, 111), "float32", (0.4554, 2.4465)),
    "train/EnMAP_BerlinUrbanGradient.hdr": ((80, 60, 244), "int16", (0.424, 2.446)),
    "train/neon-harv-1.tif": ((40, 40, 426), "int16", None),
    "test/neon-sjer.h5": ((30, 30, 426), "int32", (383.5343017578125, 2511.89453125)),
    "test/ang20160910t185702_2rdn_img": ((25, 30, 425), "float32", (376.44, 2500.12)),
    "train/corn-kernel.hdr": ((31, 43, 580), "uint16", (366.551, 1048.421)),
    "train/dark_reference_crop.raw": ((31, 43, 580), "uint16", (366.551, 1048.421)),
    "train/cave-cloth.tif": ((512, 512, 31), "uint16", None),
    "train/cave-fake_and_real_food.tif": ((512, 512, 31), "uint16", None),
    "test/cave-flowers.tif": ((512, 512, 31), "uint16", None),
    "train/landsat8-l1.npy": ((603, 627, 10), "uint16", None),
    "test/sentinel2-l1c-20m.npy": ((973, 967, 6), "uint16", None),
}
RAW = {
    "train/ang20180325t061759_raw.bin": io.RawLayout(2, 640, 481, "uint16", "bil"),
    "train/emit20220305t002601_raw.bin": io.RawLayout(3, 1280, 328, "int16", "bil"),
}


def path_of(name):
    return Path(FOLDER or "") / name


@pytest.mark.parametrize("name", SCENES)
def test_scene(name):
    shape, dtype, wavelengths = SCENES[name]
    cube = io.read(path_of(name))
    assert cube.shape == shape
    assert cube.array.dtype.name == dtype
    assert np.ptp(cube.array[shape[0] // 2].astype("float64")[:, :4]) > 0
    if wavelengths is None:
        assert cube.wavelengths is None
    else:
        assert (cube.wavelengths[0], cube.wavelengths[-1]) == wavelengths
    json.dumps(cube.metadata, allow_nan=False)


@pytest.mark.parametrize("name", RAW)
def test_raw_scene(name):
    layout = RAW[name]
    cube = io.read(path_of(name), raw=layout)
    assert cube.shape == (layout.rows, layout.columns, layout.bands)
    # Spectral neighbours are alike, which a wrong order of the axes would not give.
    samples = np.asarray(cube.array, "float64")
    assert np.abs(np.diff(samples, axis=2)).mean() < samples.std()


@pytest.mark.parametrize(
    ("pattern", "count", "shape", "dtype"),
    [
        ("labelled/enmap-potsdam/images/*.tif", 18, (32, 32, 224), "float32"),
        ("labelled/enmap-potsdam/labels/*.tif", 18, (32, 32, 1), "float32"),
        ("labelled/neon-idtrees/images/*.tif", 38, (20, 20, 369), "int16"),
    ],
)
def test_labelled_tiles(pattern, count, shape, dtype):
    files = sorted(path_of("").glob(pattern))
    assert len(files) == count
    for file in files:
        cube = io.read(file)
        assert cube.shape == shape
        assert cube.array.dtype.name == dtype
        if shape[2] == 224:
            assert cube.nodata == -32768
            assert (cube.wavelengths[0], cube.wavelength_unit) == (418.24, "Nanometers")
            assert cube.bad_bands.sum() == 6


@pytest.mark.parametrize(
    ("name", "shape"),
    [
        ("labelled/berlin/enmap_80x60_level2_label.npy", (80, 60, 1)),
        ("labelled/berlin/hymap02_100x67_level2_label.npy", (100, 67, 1)),
        ("test/abu-beach-3-map.npy", (100, 100, 1)),
    ],
)
def test_label_maps(name, shape):
    assert io.read(path_of(name)).shape == shape


def test_pixels_of_matrices_are_in_their_places():
    """Abundance maps, stored as images, must look like the cube; transposed they do not."""
    scipy_io = pytest.importorskip("scipy.io")
    for name in ("test/jasper-ridge.mat", "test/samson.mat", "train/moffett.mat"):
        cube = io.read(path_of(name))
        stored = scipy_io.loadmat(path_of(name))
        predicted = stored["S_GT"] @ stored["GT"].astype("float64")
        samples = np.asarray(cube.array, "float64")

        def fit(image, predicted=predicted):
            return np.corrcoef(image.ravel(), predicted.ravel())[0, 1]

        assert fit(samples) > 0.7 > 0.6 > fit(samples.transpose(1, 0, 2))


def test_spectral_details():
    salton = io.read(path_of("train/salton-sea.mat"))
    assert salton.wavelength_unit == "Nanometers"
    assert salton.fwhm[0] == 9.8521
    assert np.array_equal(salton.bad_bands, np.isnan(salton.array).all(axis=(0, 1)))
    assert io.read(path_of("test/neon-sjer.h5")).nodata == -9999
    enmap = io.read(path_of("train/EnMAP_BerlinUrbanGradient.hdr"))
    assert (enmap.nodata, enmap.wavelength_unit) == (-99, "Micrometers")
    assert enmap.metadata["envi"]["map info"][7] == "33"


@pytest.mark.parametrize("suffix", [".hdr", ".tif"])
@pytest.mark.parametrize(
    "name",
    [
        "train/AV_mastercal_testdata.hdr",
        "train/EnMAP_BerlinUrbanGradient.hdr",
        "test/ang20160910t185702_2rdn_img",
        "labelled/enmap-potsdam/images/enmap_potsdam_tile_128_0.tif",
    ],
)
def test_metadata_survives_writing(tmp_path, name, suffix):
    source = io.read(path_of(name))
    io.write(tmp_path / f"a{suffix}", source)
    io.write(tmp_path / "b.hdr", io.read(tmp_path / f"a{suffix}"))
    result = io.read(tmp_path / "b.hdr")
    assert np.array_equal(result.array, source.array)
    assert result.wavelengths.tolist() == source.wavelengths.tolist()
    assert result.wavelength_unit == source.wavelength_unit
    assert (result.fwhm is None) == (source.fwhm is None)
    assert result.nodata == source.nodata
    assert result.metadata["envi"]["map info"]
    if name.startswith("train"):
        assert result.metadata["envi"]["band names"] == source.metadata["envi"]["band names"]
        found = [float(value) for value in result.metadata["envi"]["map info"][1:7]]
        wanted = [float(value) for value in source.metadata["envi"]["map info"][1:7]]
        assert found == pytest.approx(wanted, rel=1e-12)
