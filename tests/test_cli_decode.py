"""hyspec-decode: formats, parts of a cube, recovery, and what survives on the way."""

import contextlib
import shutil
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

import hyspec
from hyspec import Cube, io
from hyspec_tools.decode import main, parser
from hyspec_tools.encode import main as encode_main


@pytest.fixture
def decode(run, tmp_path, tiny_pack, scene_hyc):
    """Run hyspec-decode on the stream of the scene."""

    def decode(name, *arguments, source=scene_hyc):
        return run(main, source, tmp_path / name, "--pack", tiny_pack, *arguments)

    return decode


@pytest.fixture
def whole(scene_hyc, tiny_pack):
    with hyspec.open(scene_hyc, pack=tiny_pack) as stream:
        return stream.read()


def files(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}


def damaged(path, which=4):
    """Flip a bit in the payload of one chunk."""
    data = bytearray(path.read_bytes())
    entry = hyspec.Stream(bytes(data)).index.chunks[which]
    data[entry.offset + entry.length - 1] ^= 1
    path.write_bytes(data)


# ---- formats -------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["a.hdr", "a.tif", "a.tiff", "a.npy", "a.mat", "a.h5", "a.HDR"])
def test_formats(decode, tmp_path, whole, name):
    if name.endswith(".mat"):
        pytest.importorskip("scipy.io")
    assert decode(name).code == 0
    found = io.read(tmp_path / name)
    assert np.array_equal(found.array, whole.array)
    assert found.array.dtype == np.uint16
    if not name.endswith(".npy"):
        assert np.array_equal(found.wavelengths, whole.wavelengths)
        assert np.array_equal(found.fwhm, whole.fwhm)
        assert found.wavelength_unit == whole.wavelength_unit
        assert np.array_equal(found.bad_bands, whole.bad_bands)
    if name.endswith((".hdr", ".tif")):
        info = io.read(tmp_path / name).metadata
        io.write(tmp_path / "again.hdr", Cube(found.array, metadata=info))
        again = io.read(tmp_path / "again.hdr").metadata["envi"]
        expected = whole.metadata["envi"]["map info"]
        assert again["map info"][0] == "UTM"
        assert [float(x) for x in again["map info"][1:8]] == [float(x) for x in expected[1:8]]
        assert again["description"] == "synthetic scene, seed 3"


@pytest.mark.parametrize("name", ["a", "a.xyz", "a.hyc", "a.jpg"])
def test_unknown_formats(decode, tmp_path, name):
    before = files(tmp_path)
    done = decode(name)
    assert done.code == 2
    assert "no format is known" in done.err
    assert ".hdr, .tif" in done.err
    assert files(tmp_path) == before


@pytest.mark.parametrize(
    "dtype", ["uint8", "int8", "uint16", "int16", "uint32", "int32", "float32", "float64"]
)
@pytest.mark.parametrize("suffix", [".hdr", ".tif", ".npy", ".mat", ".h5"])
def test_sample_types(run, tmp_path, tiny_pack, dtype, suffix):
    samples = np.random.default_rng(0).integers(0, 100, (8, 9, 5)).astype(dtype)
    path = tmp_path / "a.hyc"
    path.write_bytes(hyspec.encode(samples, pack=tiny_pack))
    assert run(main, path, tmp_path / f"b{suffix}", "--pack", tiny_pack).code == 0
    found = io.read(tmp_path / f"b{suffix}").array
    # ENVI has no signed bytes and holds them as int16.
    assert found.dtype.name == ("int16" if (dtype, suffix) == ("int8", ".hdr") else dtype)
    assert np.array_equal(found, hyspec.decode(path.read_bytes(), pack=tiny_pack).array)


def test_metadata_of_an_envi_file_survive_the_programs(run, tmp_path, tiny_pack, nodata_cube):
    """ENVI in, ENVI out: every field of the header, the interleave and the byte order."""
    envi = {
        "description": "line one\nline two",
        "map info": ["UTM", "1.5", "1.5", "351000.25", "4100000", "15", "15", "33", "North",
                     "WGS-84", "units=Meters", "rotation=12.5"],
        "band names": [f"channel {k}" for k in range(24)],
        "sensor type": "Imager, model 3",
        "default bands": ["3", "2", "1"],
        "my own field": "kept",
    }  # fmt: skip
    bad = np.arange(24) % 7 == 0
    cube = Cube(nodata_cube.array, nodata_cube.wavelengths, nodata_cube.fwhm, "Nanometers",
                -9999.0, bad, {"envi": envi})  # fmt: skip
    source, target = tmp_path / "in.hdr", tmp_path / "out.hdr"
    io.write(source, cube, interleave="bil", byte_order="big")
    assert run(encode_main, source, tmp_path / "a.hyc", "--pack", tiny_pack).code == 0
    assert run(main, tmp_path / "a.hyc", target, "--pack", tiny_pack).code == 0
    before, after = io.read(source), io.read(target)
    assert after.metadata == before.metadata
    assert after.metadata["envi"].items() >= envi.items()
    assert after.metadata["envi"]["interleave"] == "bil"
    assert after.array.dtype == np.dtype(">i2")
    assert (after.nodata, after.wavelength_unit) == (-9999, "Nanometers")
    assert np.array_equal(after.array == -9999, before.array == -9999)
    for name in ("wavelengths", "fwhm", "bad_bands"):
        assert np.array_equal(getattr(after, name), getattr(before, name))
    assert source.with_suffix(".img").stat().st_size == target.with_suffix(".img").stat().st_size


def test_georeference_crosses_to_geotiff_and_back(run, tmp_path, tiny_pack, scene_hdr):
    assert run(encode_main, scene_hdr, tmp_path / "a.hyc", "--pack", tiny_pack).code == 0
    assert run(main, tmp_path / "a.hyc", tmp_path / "a.tif", "--pack", tiny_pack).code == 0
    assert run(encode_main, tmp_path / "a.tif", tmp_path / "b.hyc", "--pack", tiny_pack).code == 0
    assert run(main, tmp_path / "b.hyc", tmp_path / "b.hdr", "--pack", tiny_pack).code == 0
    first, last = io.read(scene_hdr), io.read(tmp_path / "b.hdr")
    info = [m.metadata["envi"]["map info"] for m in (first, last)]
    assert [float(x) for x in info[0][1:7]] == [float(x) for x in info[1][1:7]]
    assert info[0][7:9] == info[1][7:9]
    assert np.array_equal(first.wavelengths, last.wavelengths)


# ---- parts ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "part"),
    [
        (["--rows", "3:21"], np.s_[3:21]),
        (["--cols", "5:", "--bands", ":7"], np.s_[:, 5:, :7]),
        (["--rows", "-3:", "--cols", ":-30"], np.s_[-3:, :-30]),
        (["--rows=-3:-1", "--bands=-1:"], np.s_[-3:-1, :, -1:]),
        (["--rows", ":"], np.s_[:]),
        (["--rows", "7:8", "--cols", "9:10", "--bands", "23:24"], np.s_[7:8, 9:10, 23:24]),
    ],
)
def test_parts(decode, tmp_path, whole, arguments, part):
    assert decode("a.hdr", *arguments).code == 0
    found = io.read(tmp_path / "a.hdr")
    assert np.array_equal(found.array, whole.array[part])
    bands = part[2] if isinstance(part, tuple) and len(part) == 3 else slice(None)
    assert np.array_equal(found.wavelengths, whole.wavelengths[bands])


@pytest.mark.parametrize("suffix", [".hdr", ".tif"])
def test_georeference_of_a_part(decode, tmp_path, suffix):
    """A pixel keeps its map coordinates: 500000 east, 4100000 north at the corner, 15 m pixels."""
    from hyspec.io import georeference

    assert decode(f"a{suffix}", "--rows", "10:20", "--cols", "4:").code == 0
    metadata = io.read(tmp_path / f"a{suffix}").metadata
    if suffix == ".hdr":
        geo = georeference.from_envi(metadata["envi"])
    else:
        geo = georeference.from_tags(georeference.tags_of(metadata["tiff"]))
    assert geo.origin == (500000 + 4 * 15, 4100000 - 10 * 15)


@pytest.mark.parametrize("option", ["--rows", "--cols", "--bands"])
@pytest.mark.parametrize("text", ["5", "5:5", "9:3", "0:99", "a:b", "1:2:3", "", "1.5:3", "-99:3"])
def test_bad_parts(decode, tmp_path, option, text):
    before = files(tmp_path)
    done = decode("a.npy", option, text)
    assert done.code == 2
    assert done.err.startswith(f"error: {option}") or f"error: {option[2:]} " in done.err
    assert "\nhint: " in done.err
    assert files(tmp_path) == before


# ---- output --------------------------------------------------------------------------------------


def test_json(decode, scene_hyc):
    record = decode("a.npy", "--json").json
    assert list(record)[:3] == ["samples", "bytes", "bps"]
    assert record["samples"] == 40 * 36 * 24
    assert record["bytes"] == scene_hyc.stat().st_size
    assert record["bps"] == 8 * record["bytes"] / record["samples"]
    assert record["decode_seconds"] > 0
    assert (record["profile"], record["pack"]) == ("band", "tiny")
    assert record["psnr_db"] is None
    part = decode("b.npy", "--json", "--rows", "0:2").json
    assert list(part) == list(record)
    assert part["samples"] == 2 * 36 * 24
    assert part["bytes"] is part["bps"] is None  # those of the file are not those of the part


def test_decoding_time_leaves_out_the_writer(decode, monkeypatch):
    """What a format does before and after the samples are decoded is not part of it."""
    real = io.create

    @contextlib.contextmanager
    def slow(*arguments, **settings):
        time.sleep(0.5)
        with real(*arguments, **settings) as output:
            yield output
            time.sleep(0.5)

    quick = decode("a.npy", "--json").json["decode_seconds"]
    monkeypatch.setattr(io, "create", slow)
    assert 0 < decode("b.npy", "--json").json["decode_seconds"] < quick + 0.5


def test_table_and_quiet(decode):
    done = decode("a.npy")
    assert "decoding" in done.out
    assert "34,560" in done.out
    done = decode("b.npy", "--quiet")
    assert (done.code, done.out, done.err) == (0, "", "")


def test_help_mentions_every_option(run):
    done = run(main, "--help")
    assert done.code == 0
    for action in parser()._actions:
        assert all(option in done.out for option in action.option_strings)
        assert action.help, action


def test_existing_output(decode, tmp_path, whole):
    for name in ("a.hdr", "a.img"):
        (tmp_path / name).write_bytes(b"precious")
        done = decode("a.hdr")
        assert done.code == 2
        assert "exists already" in done.err
        assert (tmp_path / name).read_bytes() == b"precious"
        (tmp_path / name).unlink()
    assert decode("a.hdr").code == 0
    assert decode("a.hdr", "--force").code == 0
    assert np.array_equal(io.read(tmp_path / "a.hdr").array, whole.array)


@pytest.mark.parametrize("name", ["scene.npy", "link.npy", "scene.hdr", "link.hdr"])
@pytest.mark.parametrize("force", [[], ["--force"]])
def test_the_input_is_never_overwritten(decode, tmp_path, scene_hyc, name, force):
    """Not even when the stream has the name of the data file of an ENVI output."""
    path = tmp_path / ("scene.npy" if name.endswith(".npy") else "scene.img")
    scene_hyc.rename(path)
    (tmp_path / f"link{path.suffix}").symlink_to(path)
    before = files(tmp_path)
    done = decode(name, *force, source=path)
    assert done.code == 2
    assert "is the input itself" in done.err
    assert files(tmp_path) == before


@pytest.mark.parametrize("suffix", [".hdr", ".tif", ".npy", ".mat", ".h5"])
@pytest.mark.parametrize("previous", [False, True])
def test_failure_leaves_nothing(decode, tmp_path, scene_hyc, suffix, previous):
    damaged(scene_hyc)
    if previous:
        (tmp_path / f"a{suffix}").write_bytes(b"precious")
    before = files(tmp_path)
    done = decode(f"a{suffix}", "--force")
    assert done.code == 1
    assert done.err.startswith("error: tile 1, bands 9-20: ")
    assert files(tmp_path) == before


def test_largest_output(decode, tmp_path, monkeypatch):
    """Refused before any room is reserved for it."""
    size = 40 * 36 * 24 * 2
    before = files(tmp_path)

    def reserved(*_args, **_kwargs):
        raise AssertionError("too late")

    with monkeypatch.context() as patch:
        patch.setattr(io, "create", reserved)
        done = decode("a.npy", "--max-bytes", size - 1)
    assert (done.code, done.out) == (1, "")
    assert f"would take {size} bytes; --max-bytes allows {size - 1}\nhint: " in done.err
    assert files(tmp_path) == before
    assert decode("a.npy", "--max-bytes", size).code == 0
    assert decode("b.npy", "--max-bytes", "34k", "--bands", "0:12").code == 0
    assert decode("c.npy", "--max-bytes", "33k", "--bands", "0:12").code == 1


def test_largest_output_by_default(decode, tmp_path, monkeypatch):
    """No more than 64 GiB, which a header of a few bytes can claim."""
    monkeypatch.setattr(
        hyspec.Stream,
        "template",
        lambda *_: io.Template(shape=(1 << 20, 1 << 16, 1001), dtype=np.dtype("u1")),
    )
    done = decode("a.npy")
    assert done.code == 1
    assert f"would take {1001 << 36} bytes; --max-bytes allows {64 << 30}" in done.err
    assert not (tmp_path / "a.npy").exists()


# ---- recovery ------------------------------------------------------------------------------------


def test_recover(decode, tmp_path, scene_hyc, whole):
    damaged(scene_hyc)
    done = decode("a.npy", "--recover", "--quiet")
    assert done.code == 0
    assert done.err.startswith(
        "warning: lost rows 0:16, columns 12:24, bands 8:20: tile 1, bands 9-20: "
    )
    found = np.load(tmp_path / "a.npy")
    expected = whole.array.copy()
    expected[:16, 12:24, 8:20] = 0
    assert np.array_equal(found, expected)


def test_recover_a_cut_off_stream(decode, tmp_path, scene_hyc, whole):
    data = scene_hyc.read_bytes()
    chunks = hyspec.Stream(data).index.chunks
    scene_hyc.write_bytes(data[: chunks[9].offset])  # the first row of tiles is complete
    done = decode("a.npy")
    assert done.code == 1
    assert "hint: " in done.err
    assert "--recover" in done.err
    assert not (tmp_path / "a.npy").exists()
    done = decode("a.npy", "--recover")
    assert done.code == 0
    assert done.err.count("warning: lost") == 18
    found = np.load(tmp_path / "a.npy")
    assert np.array_equal(found[:16], whole.array[:16])
    assert not found[16:].any()


def test_recover_a_sound_stream(decode, tmp_path, whole):
    done = decode("a.npy", "--recover")
    assert (done.code, done.err) == (0, "")
    assert np.array_equal(np.load(tmp_path / "a.npy"), whole.array)


def test_recover_what_is_no_stream(decode, tmp_path):
    (tmp_path / "x.hyc").write_bytes(b"something else")
    done = decode("a.npy", "--recover", source=tmp_path / "x.hyc")
    assert done.code == 1
    assert "hint: expected a .hyc file" in done.err


# ---- packs ---------------------------------------------------------------------------------------


def test_pack_that_is_not_installed(run, tmp_path, scene_hyc):
    before = files(tmp_path)
    done = run(main, scene_hyc, tmp_path / "a.npy")
    assert done.code == 1
    assert "needs pack 'tiny'" in done.err
    assert "--pack" in done.err
    assert files(tmp_path) == before


def test_another_pack(run, tmp_path, scene_hyc, tiny_pack):
    other = shutil.copytree(tiny_pack, tmp_path / "other")
    manifest = other / "manifest.json"
    manifest.write_text(manifest.read_text().replace("Apache-2.0", "MIT"))
    done = run(main, scene_hyc, tmp_path / "a.npy", "--pack", other)
    assert done.code == 1
    assert "the stream was written with 'tiny'" in done.err
    assert not (tmp_path / "a.npy").exists()


# ---- as a program --------------------------------------------------------------------------------


def test_installed_program(scene_hyc, tmp_path, tiny_pack, whole):
    name = shutil.which("hyspec-decode", path=Path(sys.executable).parent)
    assert name, "install the package to have its programs"
    command = [name, scene_hyc.name, "a.npy", "--pack", tiny_pack, "--bands", "-4:"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    assert np.array_equal(np.load(tmp_path / "a.npy"), whole.array[..., -4:])
