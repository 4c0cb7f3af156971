"""ENVI files: layouts, header fields, and agreement with SPy as an independent reader."""

import gzip

import numpy as np
import pytest
import spectral.io.envi as spy
from hypothesis import given, settings
from hypothesis import strategies as st

from hyspec import io
from hyspec.cube import SAMPLE_DTYPES, Cube
from hyspec.errors import DataError, UsageError
from hyspec.io.envi_header import format_header, parse_header

HEADER = """ENVI
; a comment = not a field
Description = {Two lines, with a comma
and one = sign}
samples = 3
lines = 2
bands = 4
header offset = 0
file type = ENVI Standard
data type = 12
interleave = bil
byte order = 1
map info = {UTM, 1, 1, 500000.5, 4000000, 15, 15, 11, North,WGS-84}
coordinate system string = {PROJCS["a",GEOGCS["b",DATUM["c"]]]}
z plot titles = {wavelength [!7l!3m]!N, reflectance [* 10000]}
band names = {one,
 two,
; another comment
 three, four,
}
wavelength units = Nanometers
wavelength = { 400.5 , 500 , 600.25 , 700 }
fwhm = {10, 11, 12, 13}
bbl = {1, 0, 1, 1}
data ignore value = 65535
"""


def ramp(shape=(2, 3, 4), dtype="uint16"):
    values = np.arange(np.prod(shape)).reshape(shape)
    return (values * 1000 % 251 - 100 * (np.dtype(dtype).kind != "u")).astype(dtype)


def write_source(folder, samples, name="scene.img", header=HEADER):
    (folder / name).write_bytes(samples.transpose(0, 2, 1).astype(">u2").tobytes())
    path = folder / "scene.hdr"
    path.write_text(header)
    return path


def test_reads_every_field(tmp_path):
    cube = io.read(write_source(tmp_path, ramp()))
    np.testing.assert_array_equal(cube.array, ramp())
    assert isinstance(cube.array, np.memmap)
    assert cube.wavelengths.tolist() == [400.5, 500, 600.25, 700]
    assert cube.fwhm.tolist() == [10, 11, 12, 13]
    assert cube.wavelength_unit == "Nanometers"
    assert cube.nodata == 65535
    assert cube.bad_bands.tolist() == [False, True, False, False]
    assert cube.metadata["envi"] == {
        "description": "Two lines, with a comma\nand one = sign",
        "file type": "ENVI Standard",
        "interleave": "bil",
        "byte order": "1",
        "map info": ["UTM", "1", "1", "500000.5", "4000000", "15", "15", "11", "North", "WGS-84"],
        "coordinate system string": 'PROJCS["a",GEOGCS["b",DATUM["c"]]]',
        "z plot titles": ["wavelength [!7l!3m]!N", "reflectance [* 10000]"],
        "band names": ["one", "two", "three", "four"],
    }


def test_same_format_gives_everything_back(tmp_path):
    source = io.read(write_source(tmp_path, ramp()))
    io.write(tmp_path / "copy.hdr", source)
    copy = io.read(tmp_path / "copy.hdr")
    np.testing.assert_array_equal(copy.array, source.array)
    assert copy.array.dtype == source.array.dtype
    assert copy.metadata == source.metadata
    assert copy.wavelengths.tolist() == source.wavelengths.tolist()
    assert copy.fwhm.tolist() == source.fwhm.tolist()
    assert copy.bad_bands.tolist() == source.bad_bands.tolist()
    assert (copy.nodata, copy.wavelength_unit) == (65535, "Nanometers")
    original, copied = (tmp_path / "scene.img").read_bytes(), (tmp_path / "copy.img").read_bytes()
    assert original == copied


@pytest.mark.parametrize("dtype", SAMPLE_DTYPES)
@pytest.mark.parametrize("byte_order", ["little", "big"])
@pytest.mark.parametrize("interleave", ["bsq", "bil", "bip"])
def test_layouts_agree_with_spy(tmp_path, interleave, byte_order, dtype):
    samples = ramp(dtype=dtype)
    path = tmp_path / "scene.hdr"
    io.write(path, Cube(samples), interleave=interleave, byte_order=byte_order)
    image = spy.open(str(path))
    np.testing.assert_array_equal(np.asarray(image.open_memmap(interleave="bip")), samples)
    assert image.metadata["interleave"] == interleave
    assert image.metadata["byte order"] == ("1" if byte_order == "big" else "0")
    cube = io.read(path)
    np.testing.assert_array_equal(cube.array, samples)
    assert cube.array.dtype.name == ("int16" if dtype == "int8" else dtype)


@pytest.mark.parametrize("interleave", ["bsq", "bil", "bip"])
def test_reads_what_spy_writes(tmp_path, interleave):
    samples = ramp((3, 5, 2), "float32")
    spy.save_image(
        str(tmp_path / "scene.hdr"),
        samples,
        interleave=interleave,
        byteorder="big",
        metadata={"wavelength": [1.5, 2.5], "band names": ["a", "b"]},
    )
    cube = io.read(tmp_path / "scene.hdr")
    np.testing.assert_array_equal(cube.array, samples)
    assert cube.wavelengths.tolist() == [1.5, 2.5]
    assert cube.metadata["envi"]["band names"] == ["a", "b"]


@pytest.mark.parametrize(
    ("data", "header", "given"),
    [
        ("scene", "scene.hdr", "scene"),
        ("scene.img", "scene.hdr", "scene.img"),
        ("scene.img", "scene.img.hdr", "scene.img"),
        ("scene.img", "scene.img.hdr", "scene.img.hdr"),
        ("scene.bil", "scene.hdr", "scene.hdr"),
        ("scene.RAW", "scene.HDR", "scene.RAW"),
        ("scene_v1.2", "scene_v1.2.hdr", "scene_v1.2"),
    ],
)
def test_finds_header_and_data(tmp_path, data, header, given):
    (tmp_path / "scene.hdr.txt").write_text("not this one")
    write_source(tmp_path, ramp(), data).rename(tmp_path / header)
    np.testing.assert_array_equal(io.read(tmp_path / given).array, ramp())


def test_of_several_data_files_the_one_of_the_right_size_is_read(tmp_path):
    (tmp_path / "scene.bil").write_bytes(b"notes")
    path = write_source(tmp_path, ramp(), "scene.dat")
    np.testing.assert_array_equal(io.read(path).array, ramp())


def test_header_offset(tmp_path):
    path = write_source(
        tmp_path, ramp(), header=HEADER.replace("header offset = 0", "header offset = 7")
    )
    data = tmp_path / "scene.img"
    data.write_bytes(b"padding" + data.read_bytes())
    np.testing.assert_array_equal(io.read(path).array, ramp())


def test_compressed_data_file(tmp_path):
    path = write_source(tmp_path, ramp(), header=HEADER + "file compression = 1\n")
    data = tmp_path / "scene.img"
    content = data.read_bytes()
    data.write_bytes(gzip.compress(content))
    np.testing.assert_array_equal(io.read(path).array, ramp())
    data.write_bytes(gzip.compress(content + bytes(10)))
    with pytest.raises(DataError, match=r"found 49 bytes after .*expected 48 bytes"):
        io.read(path)
    data.write_bytes(b"\x1f\x8b" + bytes(20))
    with pytest.raises(DataError, match="damaged"):
        io.read(path)


def test_optional_fields_may_be_missing(tmp_path):
    header = "ENVI\nsamples=3\nlines=2\nbands=4\ndata type=12\ninterleave=BIL\n"
    (tmp_path / "scene.hdr").write_text(header)
    (tmp_path / "scene.raw").write_bytes(ramp().transpose(0, 2, 1).astype("<u2").tobytes())
    cube = io.read(tmp_path / "scene.hdr")
    np.testing.assert_array_equal(cube.array, ramp())
    assert cube.wavelengths is None
    assert cube.nodata is None
    assert cube.metadata == {"envi": {"interleave": "BIL"}}


@pytest.mark.parametrize(
    ("names", "wavelengths", "unit"),
    [
        ("400.5 Nanometers, 500 Nanometers", [400.5, 500], "Nanometers"),
        ("band 1 (0.4554 Micrometers), band 2 (0.4694 Micrometers)", [0.4554, 0.4694], None),
        ("R1: 450nm, R2: 550nm", [450, 550], "nm"),
        ("band 1, band 2", None, None),
        ("450 nm, band 2", None, None),
        ("450 nm, 0.55 um", None, None),
        ("450 nm to 460 nm, 550 nm to 560 nm", None, None),
    ],
)
def test_wavelengths_in_band_names(tmp_path, names, wavelengths, unit):
    header = (
        f"ENVI\nsamples=1\nlines=1\nbands=2\ndata type=1\ninterleave=bsq\nband names={{{names}}}"
    )
    (tmp_path / "scene.hdr").write_text(header)
    (tmp_path / "scene.img").write_bytes(b"ab")
    cube = io.read(tmp_path / "scene.hdr")
    assert (cube.wavelengths is None) == (wavelengths is None)
    if wavelengths is not None:
        assert cube.wavelengths.tolist() == wavelengths
        assert cube.wavelength_unit == (unit or "Micrometers")


def test_latin_1_header(tmp_path):
    path = write_source(tmp_path, ramp())
    path.write_bytes(HEADER.replace("Nanometers", "\N{MICRO SIGN}m").encode("latin-1"))
    cube = io.read(path)
    assert cube.wavelength_unit == "\N{MICRO SIGN}m"
    io.write(tmp_path / "copy.hdr", cube)
    assert io.read(tmp_path / "copy.hdr").wavelength_unit == "\N{MICRO SIGN}m"


def test_64_bit_integers_become_the_smallest_type(tmp_path):
    header = "ENVI\nsamples=2\nlines=1\nbands=1\ndata type={}\ninterleave=bsq\n"
    for code, dtype, values, expected in [
        (14, "<i8", [-5, 70000], "int32"),
        (14, "<i8", [0, 255], "uint8"),
        (15, "<u8", [0, 2**32 - 1], "uint32"),
    ]:
        (tmp_path / "scene.hdr").write_text(header.format(code))
        (tmp_path / "scene.img").write_bytes(np.array(values, dtype).tobytes())
        cube = io.read(tmp_path / "scene.hdr")
        assert cube.array.dtype.name == expected
        assert cube.array.ravel().tolist() == values
    (tmp_path / "scene.img").write_bytes(np.array([0, 2**32], "<u8").tobytes())
    with pytest.raises(DataError, match="do not fit"):
        io.read(tmp_path / "scene.hdr")


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("ENVI\n", "Hello\n", "no ENVI header"),
        ("lines = 2", "lines = 3", r"found 48 bytes; expected 72 bytes"),
        ("lines = 2", "lines = 1", r"found 48 bytes; expected 24 bytes"),
        ("lines = 2", "lines = 9223372036854775807", "found 48 bytes"),
        ("lines = 2", "lines = 0", "lines = '0'"),
        ("lines = 2", "lines = two", "lines = 'two'"),
        ("lines = 2", "lines = -2", "lines = '-2'"),
        ("lines = 2\n", "", "'lines' is missing"),
        ("data type = 12", "data type = 6", "complex"),
        ("data type = 12", "data type = 9", "complex"),
        ("data type = 12", "data type = 99", "data type '99'"),
        ("interleave = bil", "interleave = tiled", "interleave 'tiled'"),
        ("byte order = 1", "byte order = 2", "byte order '2'"),
        ("bbl = {1, 0, 1, 1}", "bbl = {1, 0, 1}", "'bbl' has 3 entries; expected 4"),
        ("fwhm = {10,", "fwhm = {ten,", "'fwhm' holds text"),
        ("ignore value = 65535", "ignore value = zero", "nodata value 'zero'"),
        ("bbl = {1, 0, 1, 1}", "bbl = {1, 0, 1, 1", "'bbl' are not closed"),
        ("bbl", "major frame offsets = {1, 2}\nbbl", "frame offsets"),
        ("ENVI Standard", "ENVI Spectral Library", "spectral library"),
    ],
)
def test_bad_headers(tmp_path, old, new, message):
    assert old in HEADER
    path = write_source(tmp_path, ramp(), header=HEADER.replace(old, new, 1))
    with pytest.raises(DataError, match=message) as error:
        io.read(path)
    assert error.value.hint or "library" in message


def test_missing_parts(tmp_path):
    path = write_source(tmp_path, ramp())
    (tmp_path / "scene.img").unlink()
    with pytest.raises(DataError, match=r"data file of .* is missing") as error:
        io.read(path)
    assert "scene.bil" in error.value.hint
    (tmp_path / "alone.img").write_bytes(bytes(48))
    with pytest.raises(DataError, match="no ENVI header beside") as error:
        io.read(tmp_path / "alone.img")
    assert "alone.img.hdr" in error.value.hint
    with pytest.raises(UsageError, match="variable"):
        io.read(path, variable="x")


def test_per_band_fields_of_another_number_of_bands_are_dropped(tmp_path):
    source = io.read(write_source(tmp_path, ramp()))
    part = Cube(source.array[:, :, :3], metadata=source.metadata)
    io.write(tmp_path / "part.hdr", part)
    fields = io.read(tmp_path / "part.hdr").metadata["envi"]
    assert "band names" not in fields
    assert fields["map info"] == source.metadata["envi"]["map info"]


def test_foreign_metadata_cannot_break_the_header(tmp_path):
    fields = {"sensor type": "a}\nbands = 9", "notes": ["{", "}"], "description": "}\n{"}
    io.write(tmp_path / "a.hdr", Cube(ramp(), metadata={"envi": fields}))
    assert io.read(tmp_path / "a.hdr").shape == (2, 3, 4)
    for odd in ({"a": 1}, {"a = b": "c"}, ["x"], {"a": ["b", 3]}):
        io.write(tmp_path / "a.hdr", Cube(ramp(), metadata={"envi": odd}), force=True)
        assert io.read(tmp_path / "a.hdr").shape == (2, 3, 4)


WORDS = st.text(
    st.characters(blacklist_categories=("Cs", "Cc", "Zl", "Zp"), blacklist_characters="{},=;"),
    min_size=1,
    max_size=12,
).map(lambda text: " ".join(text.split()) or "x")


@settings(deadline=None)
@given(st.dictionaries(WORDS.map(str.lower), WORDS | st.lists(WORDS, min_size=1, max_size=40)))
def test_header_survives_formatting_and_parsing(fields):
    fields = {name.lower(): value for name, value in fields.items() if name != "description"}
    assert parse_header(format_header(fields), "test") == fields


def test_a_second_data_file_is_never_taken_for_the_first(tmp_path):
    cube = Cube(np.arange(60, dtype=np.uint16).reshape(4, 5, 3))
    io.write(tmp_path / "flight.hdr", cube)
    (tmp_path / "flight.img").rename(tmp_path / "flight.bsq")
    (tmp_path / "flight.hdr").rename(tmp_path / "flight.bsq.hdr")
    for force in (False, True):
        with pytest.raises(UsageError, match="lies beside"):
            io.write(tmp_path / "flight.hdr", cube, force=force)
    assert not (tmp_path / "flight.hdr").exists()
    assert not (tmp_path / "flight.img").exists()
    # Somebody else put both there: which one is meant?
    (tmp_path / "flight.bsq.hdr").rename(tmp_path / "flight.hdr")
    (tmp_path / "flight.img").write_bytes(bytes(120))
    with pytest.raises(DataError, match="could both be the data"):
        io.read(tmp_path / "flight.hdr")
    assert np.array_equal(io.read(tmp_path / "flight.bsq").array, cube.array)
    assert not io.read(tmp_path / "flight.img").array.any()
