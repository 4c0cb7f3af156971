"""TIFF and GeoTIFF files, with tifffile alone as the independent reader and writer."""

import numpy as np
import pytest
import tifffile

from hyspec import io
from hyspec.cube import SAMPLE_DTYPES, Cube
from hyspec.errors import DataError, MissingDependencyError, UsageError

GEO_TAGS = [
    (33550, 12, 3, (30.0, 30.0, 0.0), True),
    (33922, 12, 6, (0.0, 0.0, 0.0, 366015.0, 5809965.0, 0.0), True),
    (34735, 3, 16, (1, 1, 0, 3, 1024, 0, 1, 1, 1025, 0, 1, 1, 3072, 0, 1, 32633), True),
    (34737, 2, None, "WGS 84 / UTM zone 33N|", True),
]
XML = """<GDALMetadata>
  <Item name="start_time">2022-07-24</Item>
  <Item name="wavelength" sample="0">400.5</Item>
  <Item name="wavelength_units" sample="0">Nanometers</Item>
  <Item name="fwhm" sample="0">7</Item>
  <Item name="bbl" sample="0">1</Item>
  <Item name="SCALE" sample="0" role="scale">0.0001</Item>
  <Item name="wavelength" sample="1">500</Item>
  <Item name="wavelength_units" sample="1">Nanometers</Item>
  <Item name="fwhm" sample="1">8.5</Item>
  <Item name="bbl" sample="1">0</Item>
</GDALMetadata>"""


def ramp(shape=(5, 4, 3), dtype="int16"):
    return (np.arange(np.prod(shape)).reshape(shape) % 120).astype(dtype)


def write_pages(path, samples, **options):
    with tifffile.TiffWriter(path) as writer:
        for band in np.moveaxis(samples, 2, 0):
            writer.write(band, contiguous=False, metadata=None, photometric="minisblack", **options)


@pytest.mark.parametrize("dtype", SAMPLE_DTYPES)
@pytest.mark.parametrize("byte_order", ["little", "big"])
@pytest.mark.parametrize("interleave", ["bsq", "bip"])
def test_layouts_agree_with_tifffile(tmp_path, interleave, byte_order, dtype):
    path = tmp_path / "scene.tif"
    io.write(path, Cube(ramp(dtype=dtype)), interleave=interleave, byte_order=byte_order)
    with tifffile.TiffFile(path) as file:
        page = file.pages[0]
        assert len(file.pages) == 1
        assert page.planarconfig == (1 if interleave == "bip" else 2)
        assert file.byteorder == (">" if byte_order == "big" else "<")
        stored = page.asarray()
    expected = ramp(dtype=dtype)
    np.testing.assert_array_equal(
        stored, expected if interleave == "bip" else np.moveaxis(expected, 2, 0)
    )
    cube = io.read(path)
    np.testing.assert_array_equal(cube.array, expected)
    assert cube.array.dtype.name == dtype
    assert isinstance(cube.array, np.memmap)


@pytest.mark.parametrize(
    "shape", [(1, 4, 3), (5, 1, 3), (1, 1, 3), (5, 4, 1), (1, 1, 1), (6, 5, 2)]
)
@pytest.mark.parametrize("layout", ["contig", "separate", "pages"])
def test_axes_of_length_one(tmp_path, layout, shape):
    path = tmp_path / "scene.tif"
    metadata = {"tiff": {"layout": layout}}
    io.write(path, Cube(ramp(shape), metadata=metadata))
    cube = io.read(path)
    np.testing.assert_array_equal(cube.array, ramp(shape))
    if shape[2] > 1:
        assert cube.metadata["tiff"]["layout"] == layout


@pytest.mark.parametrize("compression", [None, "zlib"])
def test_pages_as_bands(tmp_path, compression):
    path = tmp_path / "scene.tif"
    write_pages(path, ramp(), compression=compression)
    cube = io.read(path)
    np.testing.assert_array_equal(cube.array, ramp())
    io.write(tmp_path / "copy.tif", cube)
    with tifffile.TiffFile(tmp_path / "copy.tif") as file:
        assert len(file.pages) == 3
    np.testing.assert_array_equal(io.read(tmp_path / "copy.tif").array, ramp())


def test_stack_written_by_tifffile(tmp_path):
    path = tmp_path / "scene.tif"
    tifffile.imwrite(path, np.moveaxis(ramp(), 2, 0), photometric="minisblack")
    cube = io.read(path)
    np.testing.assert_array_equal(cube.array, ramp())
    # tifffile's own description of the axes would be wrong in another file
    assert 270 not in [tag[0] for tag in cube.metadata["tiff"]["tags"]]
    # the array was (rows, columns, bands), and its rows became pages
    tifffile.imwrite(path, ramp((5, 4, 6)), photometric="minisblack")
    np.testing.assert_array_equal(io.read(path, axes="rcb").array, ramp((5, 4, 6)))
    assert io.read(path).shape == (4, 6, 5)


@pytest.mark.parametrize("planar", ["contig", "separate"])
def test_tiled_and_compressed(tmp_path, planar):
    samples = ramp((40, 50, 3))
    stored = samples if planar == "contig" else np.moveaxis(samples, 2, 0)
    tifffile.imwrite(
        tmp_path / "a.tif",
        stored,
        planarconfig=planar,
        photometric="minisblack",
        tile=(16, 16),
        compression="zlib",
        predictor=True,
    )
    np.testing.assert_array_equal(io.read(tmp_path / "a.tif").array, samples)


def geotiff(path):
    tifffile.imwrite(
        path,
        ramp((5, 4, 2), "float32"),
        planarconfig="contig",
        photometric="minisblack",
        metadata=None,
        description="Füllhorn".encode(),
        software="maker 1.0",
        datetime="2020:01:02 03:04:05",
        extratags=[
            *GEO_TAGS,
            (42112, 2, None, XML, True),
            (42113, 2, None, "-3.4028235e+38", True),
        ],
    )
    return path


def test_geotiff_fields(tmp_path):
    cube = io.read(geotiff(tmp_path / "a.tif"))
    assert cube.wavelengths.tolist() == [400.5, 500]
    assert cube.wavelength_unit == "Nanometers"
    assert cube.fwhm.tolist() == [7, 8.5]
    assert cube.bad_bands.tolist() == [False, True]
    assert cube.nodata == float(np.finfo("float32").min)


def test_same_format_gives_everything_back(tmp_path):
    source = io.read(geotiff(tmp_path / "a.tif"))
    io.write(tmp_path / "b.tif", source)
    copy = io.read(tmp_path / "b.tif")
    assert copy.wavelengths.tolist() == [400.5, 500]
    assert copy.fwhm.tolist() == [7, 8.5]
    assert copy.bad_bands.tolist() == [False, True]
    assert copy.nodata == source.nodata
    with tifffile.TiffFile(tmp_path / "a.tif") as a, tifffile.TiffFile(tmp_path / "b.tif") as b:
        first, second = a.pages[0].tags, b.pages[0].tags
        for code in (270, 305, 306, 284, 33550, 33922, 34735, 34737):
            assert first[code].value == second[code].value
        for item in ("start_time", "SCALE", 'role="scale"'):
            assert item in second[42112].value


def test_items_of_single_bands_go_when_the_bands_change(tmp_path):
    source = io.read(geotiff(tmp_path / "a.tif"))
    part = Cube(source.array[:, :, 1:], source.wavelengths[1:], metadata=source.metadata)
    io.write(tmp_path / "b.tif", part)
    with tifffile.TiffFile(tmp_path / "b.tif") as file:
        xml = file.pages[0].tags[42112].value
    assert "start_time" in xml
    assert "SCALE" not in xml
    assert io.read(tmp_path / "b.tif").wavelengths.tolist() == [500]


@pytest.mark.parametrize(
    ("xml", "wavelengths", "fwhm"),
    [
        (
            '<Item name="CENTRAL_WAVELENGTH_UM" sample="0" domain="IMAGERY">0.4</Item>'
            '<Item name="CENTRAL_WAVELENGTH_UM" sample="1" domain="IMAGERY">0.5</Item>'
            '<Item name="FWHM_UM" sample="0" domain="IMAGERY">0.01</Item>'
            '<Item name="FWHM_UM" sample="1" domain="IMAGERY">0.02</Item>',
            [0.4, 0.5],
            [0.01, 0.02],
        ),
        (
            '<Item name="DESCRIPTION" sample="0" role="description">B1 (0.4 um)</Item>'
            '<Item name="DESCRIPTION" sample="1" role="description">B2 (0.5 um)</Item>',
            [0.4, 0.5],
            None,
        ),
        ('<Item name="wavelength" sample="0">400</Item>', None, None),
        ('<Item name="wavelength" sample="x">blue</Item><Item/>', None, None),
        ("<Item", None, None),
    ],
)
def test_other_spectral_metadata(tmp_path, xml, wavelengths, fwhm):
    tifffile.imwrite(
        tmp_path / "a.tif",
        ramp((5, 4, 2)),
        planarconfig="contig",
        photometric="minisblack",
        metadata=None,
        extratags=[(42112, 2, None, f"<GDALMetadata>{xml}</GDALMetadata>", True)],
    )
    cube = io.read(tmp_path / "a.tif")
    for found, expected in ((cube.wavelengths, wavelengths), (cube.fwhm, fwhm)):
        assert found is None if expected is None else found.tolist() == expected


def test_overviews_are_ignored(tmp_path):
    with tifffile.TiffWriter(tmp_path / "a.tif") as writer:
        options = {"planarconfig": "contig", "photometric": "minisblack", "metadata": None}
        writer.write(ramp((32, 32, 3)), **options)
        writer.write(ramp((16, 16, 3)), subfiletype=1, **options)
    assert io.read(tmp_path / "a.tif").shape == (32, 32, 3)


def test_one_of_several_images(tmp_path):
    with tifffile.TiffWriter(tmp_path / "a.tif") as writer:
        for shape in ((6, 5, 4), (7, 5, 4)):
            writer.write(
                ramp(shape), planarconfig="contig", photometric="minisblack", metadata=None
            )
    with pytest.raises(DataError, match="2 images") as error:
        io.read(tmp_path / "a.tif")
    assert "--variable" in error.value.hint
    assert io.read(tmp_path / "a.tif", variable="1").shape == (7, 5, 4)
    with pytest.raises(UsageError, match="no image '2'"):
        io.read(tmp_path / "a.tif", variable="2")


def test_four_axes_are_no_cube(tmp_path):
    tifffile.imwrite(tmp_path / "a.tif", np.zeros((2, 3, 8, 8), "uint8"), photometric="minisblack")
    with pytest.raises(DataError, match="no cube"):
        io.read(tmp_path / "a.tif")


def test_complex_samples(tmp_path):
    tifffile.imwrite(tmp_path / "a.tif", np.zeros((8, 8), "complex64"), photometric="minisblack")
    with pytest.raises(DataError, match="complex64"):
        io.read(tmp_path / "a.tif")


@pytest.mark.parametrize("kind", ["contig", "pages", "deflate", "deflated pages"])
def test_truncated_at_any_length(tmp_path, kind):
    """No part of a file passes for the whole, though libtiff-style readers skip lost pages."""
    path = tmp_path / "whole.tif"
    samples = ramp((9, 8, 4))
    compression = "zlib" if "deflate" in kind else None
    if "pages" in kind:
        write_pages(path, samples, compression=compression)
    else:
        options = {"photometric": "minisblack", "planarconfig": "contig", "metadata": None}
        tifffile.imwrite(path, samples, compression=compression, **options)
    content = path.read_bytes()
    part = tmp_path / "part.tif"
    for length in [*range(0, len(content) - 1, 23), len(content) - 2]:
        part.write_bytes(content[:length])
        with pytest.raises(DataError):
            io.read(part)


def test_text_is_no_tiff(tmp_path):
    (tmp_path / "a.tif").write_text("This is a text.")
    with pytest.raises(DataError, match="no readable TIFF") as error:
        io.read(tmp_path / "a.tif")
    assert error.value.hint


def test_missing_codec(tmp_path, monkeypatch):
    tifffile.imwrite(tmp_path / "a.tif", ramp(), photometric="minisblack", compression="zlib")

    def refuse(*_, **__):
        raise ValueError("<COMPRESSION.LZW: 5> requires the 'imagecodecs' package")

    monkeypatch.setattr(tifffile.TiffPageSeries, "asarray", refuse)
    with pytest.raises(MissingDependencyError, match="imagecodecs"):
        io.read(tmp_path / "a.tif")


def test_no_line_interleave(tmp_path):
    with pytest.raises(UsageError, match="line interleave"):
        io.write(tmp_path / "a.tif", Cube(ramp()), interleave="bil")
    assert not list(tmp_path.iterdir())


TABLE = [[0, 0, 0], [255, 0, 3], [9, 99, 200]]


def test_numbers_of_colours(tmp_path):
    array = np.array([[[0], [1]], [[2], [1]]], np.uint8)
    io.write(tmp_path / "map.tif", Cube(array, metadata={"tiff": {"colours": TABLE}}))
    with tifffile.TiffFile(tmp_path / "map.tif") as file:
        page = file.pages[0]
        assert page.photometric == tifffile.PHOTOMETRIC.PALETTE
        np.testing.assert_array_equal(page.colormap[:, :3].T // 257, TABLE)
        assert not page.colormap[:, 3:].any()
    np.testing.assert_array_equal(io.read(tmp_path / "map.tif").array, array)


@pytest.mark.parametrize(
    ("dtype", "bands", "colours"),
    [
        ("uint16", 1, TABLE),
        ("uint8", 2, TABLE),
        ("uint8", 1, [[0, 0]]),
        ("uint8", 1, [[0, 0, 256]]),
        ("uint8", 1, [[0, 0, None]]),
        ("uint8", 1, [[0, 0], [1]]),
        ("uint8", 1, [[0, 0, 0]] * 257),
        ("uint8", 1, "red"),
        ("uint8", 1, {"red": 1}),
        ("uint8", 1, []),
    ],
)
def test_colours_that_are_none(tmp_path, dtype, bands, colours):
    """Metadata come from anywhere: what is no table of colours for this cube is left alone."""
    cube = Cube(np.ones((2, 2, bands), dtype), metadata={"tiff": {"colours": colours}})
    io.write(tmp_path / "map.tif", cube)
    with tifffile.TiffFile(tmp_path / "map.tif") as file:
        assert file.pages[0].photometric == tifffile.PHOTOMETRIC.MINISBLACK
