"""Georeference, spectral axis, nodata and bad bands across ENVI and GeoTIFF."""

import math

import numpy as np
import pytest
import tifffile
from hypothesis import given, settings
from hypothesis import strategies as st

from hyspec import io
from hyspec.cube import Cube
from hyspec.io import georeference as geo
from hyspec.io.georeference import Georeference

UTM = ["UTM", "1", "1", "366015", "5809965", "30", "20", "33", "North", "WGS-84", "units=Meters"]
LATLON = ["Geographic Lat/Lon", "1", "1", "11.5", "48.25", "0.001", "0.002", "WGS-84"]
LATLON += ["units=Degrees"]


def envi_cube(info, **fields):
    return Cube(
        np.arange(24, dtype="int16").reshape(2, 3, 4),
        wavelengths=np.array([0.4, 0.5, 0.6, 2.4]),
        fwhm=np.array([0.01, 0.011, 0.012, 0.013]),
        wavelength_unit="Micrometers",
        nodata=-99.0,
        bad_bands=np.array([False, True, False, False]),
        metadata={"envi": {"map info": info, **fields}},
    )


def test_envi_to_tiff_to_envi(tmp_path):
    fields = {
        "description": "Flight 7, line 3",
        "sensor type": "HyMap",
        "band names": ["a", "b", "c", "d & e"],
        "z plot titles": ["x", "y"],
    }
    io.write(tmp_path / "a.hdr", envi_cube(UTM, **fields))
    source = io.read(tmp_path / "a.hdr")
    io.write(tmp_path / "b.tif", source)
    middle = io.read(tmp_path / "b.tif")
    io.write(tmp_path / "c.hdr", middle)
    result = io.read(tmp_path / "c.hdr")
    for cube in (middle, result):
        np.testing.assert_array_equal(cube.array, source.array)
        assert cube.wavelengths.tolist() == source.wavelengths.tolist()
        assert cube.fwhm.tolist() == source.fwhm.tolist()
        assert cube.wavelength_unit == "Micrometers"
        assert cube.nodata == -99
        assert cube.bad_bands.tolist() == [False, True, False, False]
    assert result.metadata["envi"]["map info"] == UTM
    assert "UTM_Zone_33N" in result.metadata["envi"]["coordinate system string"]
    assert {name: result.metadata["envi"][name] for name in fields} == fields


def test_tags_of_utm(tmp_path):
    io.write(tmp_path / "a.tif", envi_cube(UTM))
    with tifffile.TiffFile(tmp_path / "a.tif") as file:
        page = file.pages[0]
        assert page.tags[33550].value == (30, 20, 0)
        assert page.tags[33922].value == (0, 0, 0, 366015, 5809965, 0)
        assert page.geotiff_tags["GTModelTypeGeoKey"] == 1
        assert page.geotiff_tags["GTRasterTypeGeoKey"] == 1
        assert page.geotiff_tags["ProjectedCSTypeGeoKey"] == 32633
        assert page.tags[42113].value == "-99"
        assert "map_info" not in page.tags[42112].value


def test_tags_of_longitude_and_latitude(tmp_path):
    io.write(tmp_path / "a.tif", envi_cube(LATLON))
    with tifffile.TiffFile(tmp_path / "a.tif") as file:
        tags = file.pages[0].geotiff_tags
        assert tags["GTModelTypeGeoKey"] == 2
        assert tags["GeographicTypeGeoKey"] == 4326
    io.write(tmp_path / "b.hdr", io.read(tmp_path / "a.tif"))
    assert io.read(tmp_path / "b.hdr").metadata["envi"]["map info"] == LATLON


def test_unknown_systems_are_carried(tmp_path):
    info = ["Albers", "1", "1", "5", "6", "30", "30", "NAD27", "units=Meters"]
    fields = {"coordinate system string": 'PROJCS["Albers",GEOGCS["NAD27"]]'}
    io.write(tmp_path / "a.tif", envi_cube(info, **fields))
    with tifffile.TiffFile(tmp_path / "a.tif") as file:
        assert 34735 not in file.pages[0].tags
    io.write(tmp_path / "b.hdr", io.read(tmp_path / "a.tif"))
    result = io.read(tmp_path / "b.hdr").metadata["envi"]
    assert result["map info"] == info
    assert result["coordinate system string"] == fields["coordinate system string"]


def test_unknown_tags_give_no_map_info(tmp_path):
    directory = (1, 1, 0, 2, 1024, 0, 1, 1, 3072, 0, 1, 3035)
    tags = [
        [33550, 12, 3, [10.0, 10.0, 0.0]],
        [33922, 12, 6, [0.0] * 6],
        [34735, 3, 12, list(directory)],
    ]
    cube = Cube(np.zeros((2, 3, 4), "uint8"), metadata={"tiff": {"tags": tags}})
    io.write(tmp_path / "a.hdr", cube)
    assert "map info" not in io.read(tmp_path / "a.hdr").metadata["envi"]
    io.write(tmp_path / "a.tif", cube)
    with tifffile.TiffFile(tmp_path / "a.tif") as file:
        assert file.pages[0].tags[34735].value == directory


def test_malformed_tags_are_ignored(tmp_path):
    for tags in ([[33550, 12, 3]], [["a", 12, 3, [1]]], [[33550, 12, 3, [None]]], "text", None):
        cube = Cube(np.zeros((2, 3, 4), "uint8"), metadata={"tiff": {"tags": tags}})
        io.write(tmp_path / "a.tif", cube, force=True)
        assert io.read(tmp_path / "a.tif").shape == (2, 3, 4)


def test_without_a_coordinate_system():
    reference = Georeference((5.0, 9.0), (2.0, 0.0), (0.0, -2.0), None)
    info = geo.to_envi(reference)["map info"]
    assert info[:7] == ["Arbitrary", "1", "1", "5", "9", "2", "2"]
    assert geo.from_envi({"map info": info}) == reference
    assert geo.from_tags(geo.to_tags(reference)) == reference


def test_reference_pixel():
    moved = ["UTM", "3", "2.5", *UTM[3:]]
    reference = geo.from_envi({"map info": moved})
    assert reference.origin == (366015 - 2 * 30, 5809965 + 1.5 * 20)


def test_rotation_is_counter_clockwise():
    reference = geo.from_envi({"map info": [*UTM[:5], "10", "10", *UTM[7:], "rotation=30"]})
    assert reference.column_step == pytest.approx((10 * math.cos(math.pi / 6), 5))
    assert reference.row_step == pytest.approx((5, -10 * math.cos(math.pi / 6)))


def test_pixel_is_point():
    tags = geo.to_tags(geo.from_envi({"map info": UTM}))
    directory = tags[-1][3]
    assert directory[8:12] == [1025, 0, 1, 1]
    directory[11] = 2
    assert geo.from_tags(tags).origin == (366015 - 15, 5809965 + 10)


@pytest.mark.parametrize(
    "info",
    [
        ["UTM", "1", "1"],
        ["UTM", "1", "one", *UTM[3:]],
        [*UTM[:7], "61", *UTM[8:]],
        [*UTM[:9], "NAD-27"],
        "UTM",
    ],
)
def test_unusable_map_info(info):
    assert geo.from_envi({"map info": info}) is None


COORDINATE = st.floats(-1e7, 1e7)
SIZE = st.floats(1e-4, 1e4)


@settings(deadline=None)
@given(
    x=COORDINATE,
    y=COORDINATE,
    width=SIZE,
    height=SIZE,
    angle=st.integers(-179, 180),
    epsg=st.sampled_from([None, 4326, 32601, 32660, 32701, 32733]),
)
def test_both_forms_describe_the_same_map(x, y, width, height, angle, epsg):
    cos, sin = math.cos(math.radians(angle)), math.sin(math.radians(angle))
    reference = Georeference(
        (x, y), (width * cos, width * sin), (height * sin, -height * cos), epsg
    )
    assert geo.from_tags(geo.to_tags(reference)) == reference
    result = geo.from_envi(geo.to_envi(reference))
    assert result.epsg == epsg
    assert result.origin == (x, y)
    assert result.column_step == pytest.approx(reference.column_step, rel=1e-6, abs=1e-6 * width)
    assert result.row_step == pytest.approx(reference.row_step, rel=1e-6, abs=1e-6 * height)


def test_shear_is_not_expressible_in_envi():
    assert geo.to_envi(Georeference((0, 0), (1, 0), (0.5, -1), 4326)) == {}


@pytest.mark.parametrize("rotation", [[], ["rotation=30"]])
def test_cutting_out_moves_the_origin(rotation):
    metadata = {
        "envi": {"map info": [*UTM, *rotation], "x start": "5", "description": "kept"},
        "other": 1,
    }
    reference = geo.from_envi(metadata["envi"])
    tags = geo.to_tags(reference)
    metadata["tiff"] = {"tags": tags, "layout": "contig"}
    cut = geo.shifted(metadata, row=7, column=2)
    expected = tuple(
        start + 2 * column + 7 * row
        for start, column, row in zip(
            reference.origin, reference.column_step, reference.row_step, strict=True
        )
    )
    assert geo.from_envi(cut["envi"]).origin == pytest.approx(expected)
    assert geo.from_tags(cut["tiff"]["tags"]).origin == pytest.approx(expected)
    assert cut["envi"]["x start"] == "7"
    assert cut["envi"]["description"] == "kept"
    assert (cut["other"], cut["tiff"]["layout"]) == (1, "contig")
    assert geo.from_envi(metadata["envi"]) == reference  # the original is as it was


def test_place_alone():
    """Maps of a scene lie where it does; nothing else about it holds for them."""
    cube = envi_cube(UTM, description="noise", sensor="EnMAP")
    cube.metadata["tiff"] = {"tags": [[33550, 12, 3, [1.0, 1.0, 0.0]], [270, 2, 2, "x"], "odd"]}
    assert io.metadata_of_place(cube.metadata) == {
        "envi": {"map info": UTM},
        "tiff": {"tags": [[33550, 12, 3, [1.0, 1.0, 0.0]]]},
    }
    assert io.metadata_of_place({"envi": {"description": "x"}, "tiff": 3, "mat": {}}) == {}
