"""hyspec-classify, hyspec-unmix and hyspec-features."""

import struct
import zlib

import numpy as np
import pytest
import tifffile

import hyspec
from analysis_packs import classifier, encoder, graph, unmixer
from hyspec import Cube, analysis, io
from hyspec.analysis import pack, scaling
from hyspec_tools import classify, features, unmix


@pytest.fixture(scope="module")
def fitted(scene_cube):
    return {"scaler": scaling.fit("standard", scene_cube.array)}


@pytest.fixture(scope="module")
def packs(tmp_path_factory, fitted):
    folder = tmp_path_factory.mktemp("packs")
    classes = classifier(
        **fitted,
        classes=pack.named(
            ["water, deep", "trees", "rock"], [(0, 0, 255), (0, 200, 0), (99, 9, 9)]
        ),
    )
    for name, made in (("c", classes), ("u", unmixer(**fitted)), ("f", encoder(**fitted))):
        pack.save(made, folder / name)
    return folder


@pytest.fixture
def placed(tmp_path, nodata_cube):
    """Header of a scene with nodata and a place on a map."""
    path = tmp_path / "placed.hdr"
    io.write(path, nodata_cube)
    return path


def png(path):
    """Pixels (rows, columns, 3) of a picture, by the standard."""
    data = path.read_bytes()
    assert data[:8] == b"\x89PNG\r\n\x1a\n"
    place, chunks = 8, []
    while place < len(data):
        (size,) = struct.unpack(">I", data[place : place + 4])
        kind, body = data[place + 4 : place + 8], data[place + 8 : place + 8 + size]
        assert struct.unpack(">I", data[place + 8 + size : place + 12 + size])[0] == zlib.crc32(
            kind + body
        )
        chunks.append((kind, body))
        place += 12 + size
    assert (chunks[0][0], chunks[-1][0]) == (b"IHDR", b"IEND")
    width, height, *rest = struct.unpack(">2I5B", chunks[0][1])
    assert rest == [8, 2, 0, 0, 0]
    lines = zlib.decompress(b"".join(body for kind, body in chunks if kind == b"IDAT"))
    pixels = np.frombuffer(lines, np.uint8).reshape(height, 1 + 3 * width)
    assert not pixels[:, 0].any()
    return pixels[:, 1:].reshape(height, width, 3)


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_envi_map_of_classes(run, placed, packs, tmp_path, nodata_cube):
    done = run(classify.main, placed, packs / "c", tmp_path / "classes.hdr", "--json")
    assert done.code == 0, done.err
    want = analysis.classify(nodata_cube, packs / "c")
    found = io.read(tmp_path / "classes.hdr")
    np.testing.assert_array_equal(found.array[:, :, 0], want)
    assert (found.array.dtype, found.nodata, found.wavelengths) == (np.uint8, 0.0, None)
    envi = found.metadata["envi"]
    assert envi["file type"] == "ENVI Classification"
    assert envi["classes"] == "4"
    assert envi["class names"] == ["Unclassified", "water; deep", "trees", "rock"]
    assert envi["class lookup"] == ["0", "0", "0", "0", "0", "255", "0", "200", "0", "99", "9", "9"]
    assert envi["map info"] == nodata_cube.metadata["envi"]["map info"]
    record = done.json
    assert record["pixels"] + record["missing"] == 40 * 36
    assert record["missing"] == (want == 0).sum() > 0
    assert [each["name"] for each in record["results"]] == ["water, deep", "trees", "rock"]
    assert [each["pixels"] for each in record["results"]] == [(want == k).sum() for k in (1, 2, 3)]
    assert sum(each["share"] for each in record["results"]) == pytest.approx(1)
    assert record["pack_id"] == pack.load(packs / "c").id.hex()
    table = np.array([(0, 0, 0), (0, 0, 255), (0, 200, 0), (99, 9, 9)])
    np.testing.assert_array_equal(png(tmp_path / "classes.png"), table[want])


def test_geotiff_map_of_classes(run, placed, packs, tmp_path, nodata_cube):
    done = run(classify.main, placed, packs / "c", tmp_path / "classes.tif", "--no-picture")
    assert done.code == 0, done.err
    assert "trees" in done.out
    want = analysis.classify(nodata_cube, packs / "c")
    with tifffile.TiffFile(tmp_path / "classes.tif") as file:
        page = file.pages[0]
        assert page.photometric == tifffile.PHOTOMETRIC.PALETTE
        np.testing.assert_array_equal(page.asarray(), want)
        np.testing.assert_array_equal(page.colormap[:, 1] // 257, (0, 0, 255))
        np.testing.assert_array_equal(page.colormap[:, 3] // 257, (99, 9, 9))
        tags = file.geotiff_metadata
        assert tags["ProjectedCSTypeGeoKey"] == 32611
        assert tags["ModelTiepoint"][3:5] == [500000.0, 4100000.0]
    found = io.read(tmp_path / "classes.tif")
    np.testing.assert_array_equal(found.array[:, :, 0], want)
    assert found.nodata == 0
    assert "classes.png" not in names(tmp_path)


def test_georeference_of_a_geotiff_is_kept(run, placed, packs, tmp_path):
    io.write(tmp_path / "scene.tif", io.read(placed))
    for name in ("a.tif", "a.hdr"):
        done = run(unmix.main, tmp_path / "scene.tif", packs / "u", tmp_path / name, "--no-picture")
        assert done.code == 0, done.err
    source = tifffile.TiffFile(tmp_path / "scene.tif")
    found = tifffile.TiffFile(tmp_path / "a.tif")
    with source, found:
        assert found.geotiff_metadata == source.geotiff_metadata
        assert "wavelength" not in str(found.pages[0].tags[42112].value)
    assert io.read(tmp_path / "a.hdr").metadata["envi"]["map info"][:5] == [
        "UTM", "1", "1", "500000", "4100000",
    ]  # fmt: skip


def test_abundances(run, placed, packs, tmp_path, nodata_cube):
    done = run(unmix.main, placed, packs / "u", tmp_path / "a.tif", "--json", "--threads", 2)
    assert done.code == 0, done.err
    want = analysis.unmix(nodata_cube, packs / "u")
    found = io.read(tmp_path / "a.tif")
    np.testing.assert_array_equal(found.array, want)
    assert np.isnan(found.nodata)
    assert found.metadata["envi"]["band names"] == ["e0", "e1", "e2"]
    valid = want[np.isfinite(want).all(axis=2)].astype(np.float64)
    assert done.json["pixels"] == len(valid)
    for k, each in enumerate(done.json["results"]):
        assert each["mean"] == pytest.approx(valid[:, k].mean())
        assert each["deviation"] == pytest.approx(valid[:, k].std())
        assert (each["least"], each["greatest"]) == (valid[:, k].min(), valid[:, k].max())
    picture = png(tmp_path / "a.png")
    assert picture.shape == (2 * 40 + 4, 2 * 36 + 4, 3)
    colours = [each.colour for each in pack.load(packs / "u").endmembers]
    known = np.isfinite(want[:, :, 1])
    panel = np.where(
        known[:, :, None], np.rint(np.nan_to_num(want[:, :, 1:2]) * np.array(colours[1])), 48
    )
    np.testing.assert_allclose(picture[:40, 40:76], panel, atol=1)
    assert (picture[44:, 40:] == 48).all()  # there is no fourth endmember


def test_features_of_a_stream(run, scene_stream, packs, tmp_path, tiny_pack):
    (tmp_path / "scene.hyc").write_bytes(scene_stream)
    done = run(features.main, tmp_path / "scene.hyc", packs / "f", tmp_path / "f.npy",
               "--codec-pack", tiny_pack)  # fmt: skip
    assert done.code == 0, done.err
    assert "feature 4" in done.out
    with hyspec.open(tmp_path / "scene.hyc", pack=tiny_pack) as stream:
        want = analysis.features(stream, packs / "f")
    np.testing.assert_array_equal(np.load(tmp_path / "f.npy"), want)
    picture = png(tmp_path / "f.png")
    assert picture.shape == (84, 76, 3)
    assert (picture == picture[:, :, :1]).all()
    assert {0, 255} < set(np.unique(picture))


def test_scene_without_any_measurement(run, packs, tmp_path):
    io.write(tmp_path / "x.hdr", Cube(np.zeros((5, 4, 24), np.int16), nodata=0))
    done = run(unmix.main, tmp_path / "x.hdr", packs / "u", tmp_path / "a.tif", "--json")
    assert done.code == 0, done.err
    assert (done.json["pixels"], done.json["missing"]) == (0, 20)
    assert done.json["results"][0] == {
        "name": "e0", "mean": None, "deviation": None, "least": None, "greatest": None,
    }  # fmt: skip
    assert (png(tmp_path / "a.png") == 48).all()


@pytest.mark.parametrize(
    ("choice", "numbers"), [("2-25", range(1, 25)), ("24-1", None), ("1-4,6-25", None)]
)
def test_numbers_of_bands_count_from_one(run, packs, tmp_path, scene_cube, choice, numbers):
    wide = np.concatenate([scene_cube.array[:, :, :1], scene_cube.array], axis=2)
    io.write(tmp_path / "wide.hdr", Cube(wide))
    done = run(classify.main, tmp_path / "wide.hdr", packs / "c", tmp_path / "c.npy",
               "--bands", choice)  # fmt: skip
    if choice == "24-1":
        assert done.code == 2
        assert "such as 1-40,43-97" in done.err
        return
    assert done.code == 0, done.err
    picked = wide[:, :, list(numbers or [*range(4), *range(5, 25)])]
    want = analysis.classify(Cube(picked), packs / "c")
    np.testing.assert_array_equal(np.load(tmp_path / "c.npy")[..., 0], want)


def test_numbers_of_bands_have_to_fit(run, scene_hdr, packs, tmp_path):
    for choice, code, message in (
        ("1-25", 2, "bands 0 to 24; the scene has 0 to 23"),
        ("1-3", 1, "3 bands were chosen"),
        ("pick", 1, "wavelengths of pack"),
        ("0-3", 2, "such as"),
        ("most", 2, "such as"),
    ):
        done = run(classify.main, scene_hdr, packs / "c", tmp_path / "c.npy", "--bands", choice)
        assert (done.code, message in done.err) == (code, True), done.err


def test_existing_outputs(run, scene_hdr, packs, tmp_path):
    (tmp_path / "c.png").write_bytes(b"mine")
    before = names(tmp_path)
    arguments = (classify.main, scene_hdr, packs / "c", tmp_path / "c.tif")
    done = run(*arguments)
    assert done.code == 2
    assert "c.png exists already" in done.err
    assert names(tmp_path) == before
    assert run(*arguments, "--no-picture").code == 0
    assert (tmp_path / "c.png").read_bytes() == b"mine"
    assert run(*arguments).code == 2
    assert run(*arguments, "--force").code == 0
    assert png(tmp_path / "c.png").shape == (40, 36, 3)
    assert run(classify.main, scene_hdr, packs / "c", scene_hdr, "--force").code == 2


def test_no_output_on_failure(run, scene_hdr, packs, tmp_path, fitted, monkeypatch):
    """Whatever fails, and however late, nothing is left and nothing is lost."""
    from onnx import helper

    before = names(tmp_path)
    nodes = [helper.make_node("Identity", ["spectra"], ["scores"])]
    pack.save(classifier(**fitted, graphs={"scores": graph(nodes, {}, 24, 24)}), tmp_path / "p.zip")
    done = run(classify.main, scene_hdr, tmp_path / "p.zip", tmp_path / "c.tif")
    assert done.code == 1
    assert "graph 'scores' of pack 'tiny classes' gives (24, " in done.err
    (tmp_path / "p.zip").unlink()
    done = run(classify.main, scene_hdr, packs / "u", tmp_path / "c.tif")
    assert done.code == 1
    assert "hint: classification: hyspec-classify; unmixing: hyspec-unmix" in done.err

    def late(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(classify, "class_picture", late)
    done = run(classify.main, scene_hdr, packs / "c", tmp_path / "c.hdr")
    assert (done.code, done.out) == (1, "")
    assert names(tmp_path) == before


def test_streams_say_themselves_how_they_are_read(run, scene_hyc, scene_hdr, packs, tmp_path):
    done = run(classify.main, scene_hyc, packs / "c", tmp_path / "c.tif", "--nodata", "-1")
    assert done.code == 2
    assert "--nodata of a stream" in done.err
    done = run(classify.main, scene_hdr, packs / "c", tmp_path / "c.tif", "--codec-pack", "x")
    assert done.code == 2
    done = run(classify.main, scene_hyc, packs / "c", tmp_path / "c.tif")
    assert done.code == 1
    assert "pack of the codec with --codec-pack" in done.err
    done = run(classify.main, scene_hyc, packs / "c", tmp_path / "c.tif", "--max-bytes", "1k")
    assert done.code == 1
    assert "the map would take 1440 bytes" in done.err


def test_programs_are_silent_if_asked(run, scene_hdr, packs, tmp_path):
    done = run(classify.main, scene_hdr, packs / "c", tmp_path / "c.tif", "--quiet")
    assert (done.code, done.out, done.err) == (0, "", "")


def test_keys_of_the_record(run, scene_hdr, packs, tmp_path):
    done = run(features.main, scene_hdr, packs / "f", tmp_path / "c.tif", "--json")
    assert set(done.json) == {
        "task", "pack", "pack_id", "rows", "columns", "seconds", "pixels", "missing", "results",
    }  # fmt: skip
