"""Packs: directories and zip files, what identifies them, and everything that can be wrong."""

import hashlib
import io
import json
import shutil
import threading
import zipfile
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import hyspec
from hyspec import errors, pack
from hyspec.options import DEFAULT_PACK

MANIFEST = "manifest.json"


@pytest.fixture
def copy(tmp_path, tiny_pack):
    """A copy of the tiny pack that a test may spoil."""
    return shutil.copytree(tiny_pack, tmp_path / "copy")


def edit(folder, **changes):
    """Change the manifest; a value of ``None`` removes the key."""
    manifest = json.loads((folder / MANIFEST).read_text()) | changes
    manifest = {key: value for key, value in manifest.items() if value is not None}
    (folder / MANIFEST).write_text(json.dumps(manifest))


def replace(folder, name, data):
    """Replace a file and state its new hash."""
    (folder / name).write_bytes(data)
    files = json.loads((folder / MANIFEST).read_text())["files"]
    edit(folder, files=files | {name: hashlib.sha256(data).hexdigest()})


def npy(array):
    buffer = io.BytesIO()
    np.save(buffer, array)
    return buffer.getvalue()


def zipped(folder, path):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in sorted(folder.rglob("*")):
            if file.is_file():
                archive.write(file, file.relative_to(folder).as_posix())
    return path


# ---- sound packs ---------------------------------------------------------------------------------


def test_content(tiny_pack):
    loaded = pack.load(tiny_pack)
    raw = (tiny_pack / MANIFEST).read_bytes()
    assert loaded.id == hashlib.sha256(raw).digest() == pack.identifier(tiny_pack)
    assert (loaded.name, loaded.profile) == ("tiny", "band")
    assert (loaded.stride, loaded.channels, loaded.levels) == (16, 4, 193)
    (model,) = loaded.models
    assert model.name == "any"
    assert model.log2_gain.shape == model.log2_inverse_gain.shape == (193, 4)
    assert (model.tables.channels, model.tables.levels) == (4, 193)


def test_gains_between_and_beyond_the_octaves(tiny_pack):
    """Linear between the trained octaves; beyond the last one octave of gain per octave."""
    (model,) = pack.load(tiny_pack).models
    for values, slope, name in (
        (model.log2_gain, 1.0, "log2_gain"),
        (model.log2_inverse_gain, -1.0, "log2_inverse_gain"),
    ):
        knots = np.load(tiny_pack / "model-0" / f"{name}.npy")
        assert np.allclose(values[: 32 * len(knots) : 32], knots, atol=1e-6)
        assert np.allclose(values[16], (knots[0] + knots[1]) / 2, atol=1e-6)
        last = 32 * (len(knots) - 1)
        assert np.allclose(values[last + 64], knots[-1] + 2 * slope, atol=1e-5)


@pytest.mark.parametrize("kind", [str, lambda path: path])
def test_zip_and_directory_are_the_same_pack(tmp_path, tiny_pack, scene_cube, kind):
    path = kind(zipped(tiny_pack, tmp_path / "tiny.zip"))
    assert pack.load(path).id == pack.load(kind(tiny_pack)).id
    data = hyspec.encode(scene_cube, pack=path)
    assert data == hyspec.encode(scene_cube, pack=kind(tiny_pack))
    first, second = (hyspec.decode(data, pack=p).array for p in (path, kind(tiny_pack)))
    assert np.array_equal(first, second)


def test_relative_path(monkeypatch, tiny_pack):
    monkeypatch.chdir(tiny_pack.parent)
    assert pack.load(tiny_pack.name).id == pack.load(tiny_pack).id


def test_pack_that_was_replaced_is_read_again(copy):
    first = pack.load(copy)
    edit(copy, name="other")
    second = pack.load(copy)
    assert (first.name, second.name) == ("tiny", "other")
    assert first.id != second.id


def test_threads_load_a_pack_once(tiny_pack):
    pack._load.cache_clear()
    start = threading.Barrier(4)

    def load(_):
        start.wait()
        return pack.load(tiny_pack)

    with ThreadPoolExecutor(4) as pool:
        first, *others = pool.map(load, range(4))
    assert all(other is first for other in others)
    assert pack._load.cache_info().misses == 1


def test_shipped_packs():
    for name in pack.shipped():
        loaded = pack.load(name)
        assert loaded.name == name
        assert loaded.manifest["licence"]
        assert loaded.manifest["recipe"]


@pytest.mark.skipif(not pack.shipped(), reason="this copy of hyspec ships no pack")
def test_default_pack_is_shipped(scene_cube):
    assert DEFAULT_PACK in pack.shipped()
    data = hyspec.encode(scene_cube)
    assert hyspec.Stream(data).pack_name == DEFAULT_PACK
    assert hyspec.decode(data).shape == scene_cube.shape


# ---- finding -------------------------------------------------------------------------------------


@pytest.fixture
def shelf(monkeypatch, tmp_path, tiny_pack):
    """A folder of shipped packs: a, and another with the same name in its manifest."""
    shelf = tmp_path / "packs"
    for name in ("a", "b"):
        shutil.copytree(tiny_pack, shelf / name)
    edit(shelf / "b", description="another one")
    (shelf / "no-pack").mkdir()
    (shelf / "README").write_text("not a pack")
    monkeypatch.setattr(pack, "SHIPPED", shelf)
    return shelf


@pytest.mark.usefixtures("shelf")
def test_shipped_names():
    assert pack.shipped() == ["a", "b"]
    assert pack.load("b").manifest["description"] == "another one"
    for name in ("c", "no-pack", "a/b", "nowhere/pack.zip"):
        with pytest.raises(errors.PackNotFoundError, match=name) as caught:
            pack.load(name)
        assert caught.value.hint == "shipped packs: a, b"
    assert isinstance(caught.value, LookupError)


def test_no_pack_is_shipped(monkeypatch, tmp_path):
    monkeypatch.setattr(pack, "SHIPPED", tmp_path / "absent")
    assert pack.shipped() == []
    with pytest.raises(errors.PackNotFoundError) as caught:
        pack.load("generic")
    assert caught.value.hint == "shipped packs: none"


def test_a_stream_finds_its_pack_by_identifier(shelf, scene_cube):
    for name in ("a", "b"):
        data = hyspec.encode(scene_cube, pack=name)
        stream = hyspec.Stream(data)
        assert stream.pack_id == pack.identifier(shelf / name)
        assert stream[:3].shape == (3, 36, 24)
    with pytest.raises(errors.PackNotFoundError, match="not installed"):
        pack.find(bytes(32), "a")
    assert pack.find(pack.identifier(shelf / "b"), "any name").id == pack.identifier(shelf / "b")


def test_the_given_pack_must_be_the_one_of_the_stream(shelf, scene_cube):
    data = hyspec.encode(scene_cube, pack=shelf / "a")
    with pytest.raises(errors.PackNotFoundError, match="written with 'tiny'"):
        hyspec.decode(data, pack=shelf / "b")
    with pytest.raises(errors.PackNotFoundError, match="no pack"):
        hyspec.decode(data, pack=shelf / "c")
    # Damaged chunks may be filled; a missing pack is not damage.
    with pytest.raises(errors.PackNotFoundError):
        hyspec.decode(data, pack=shelf / "b", on_damage="fill")


def test_stream_of_a_pack_with_fewer_models(tiny_pack, scene_cube):
    data = hyspec.encode(scene_cube, pack=tiny_pack)
    stream = hyspec.Stream(data, pack=tiny_pack)
    stream.header.intervals = [(count, 7) for count, _ in stream.header.intervals]
    with pytest.raises(errors.StreamError, match="model 7"):
        stream[0, 0, 0]


# ---- spoilt packs --------------------------------------------------------------------------------


def refused(path, match, kind=errors.PackError):
    with pytest.raises(kind, match=match) as caught:
        pack.load(path)
    assert isinstance(caught.value, errors.PackError)
    return caught.value


@pytest.mark.parametrize("name", ["analysis.onnx", "freq.npy", "ladder.npy", "log2_gain.npy"])
@pytest.mark.parametrize("as_zip", [False, True])
def test_wrong_hash(copy, tmp_path, name, as_zip):
    file = copy / "model-0" / name
    data = bytearray(file.read_bytes())
    data[-1] ^= 1
    file.write_bytes(data)
    path = zipped(copy, tmp_path / "x.zip") if as_zip else copy
    error = refused(path, f"{name}.*hash", errors.PackIntegrityError)
    assert "install it again" in error.hint


@pytest.mark.parametrize("name", [MANIFEST, "model-0/synthesis.onnx", "model-0/start.npy"])
@pytest.mark.parametrize("as_zip", [False, True])
def test_missing_file(copy, tmp_path, name, as_zip):
    (copy / name).unlink()
    refused(zipped(copy, tmp_path / "x.zip") if as_zip else copy, name)


def test_file_without_a_hash(copy):
    files = json.loads((copy / MANIFEST).read_text())["files"]
    del files["model-0/ladder.npy"]
    edit(copy, files=files)
    refused(copy, r"ladder\.npy")


def test_newer_format(copy):
    """Whatever else a newer manifest holds, its version is what is reported."""
    edit(copy, format_version=2, files=None, models="elsewhere")
    error = refused(copy, "format 2 is newer than 1")
    assert "newer hyspec" in error.hint


@pytest.mark.parametrize(
    ("changes", "match"),
    [
        ({"format": "zip"}, "not that of a hyspec pack"),
        ({"format": None}, "malformed"),
        ({"format_version": "one"}, "malformed"),
        ({"files": [1, 2]}, "malformed"),
        ({"profile": "spectral"}, "spectral"),
        ({"models": []}, "no model"),
        ({"models": 3}, "malformed"),
        ({"models": [{}]}, "malformed"),
        ({"models": [{"name": "any"}, {"name": "more"}]}, "model-1"),
        ({"channels": 5}, "shape"),
        ({"channels": 0}, "not positive"),
        ({"channels": 2**70}, r"shape|malformed"),
        ({"levels": 7}, "shape"),
        ({"levels": -1}, "not positive"),
        ({"rungs": 12}, "tables"),
        ({"rungs": 0}, "not positive"),
        ({"stride": 0}, "not positive"),
        ({"stride": None}, "malformed"),
        ({"levels_per_octave": 0}, "not positive"),
        ({"levels_per_octave": "many"}, "malformed"),
        ({"name": None}, "malformed"),
    ],
)
def test_malformed_manifest(copy, changes, match):
    edit(copy, **changes)
    refused(copy, match)


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "3", "null", '{"format": "hyspec-pack"}', "[" * 9999]
)
def test_manifest_that_is_none(copy, text):
    (copy / MANIFEST).write_text(text)
    refused(copy, "malformed")


def test_manifest_that_is_not_text(copy):
    (copy / MANIFEST).write_bytes(b"\xff\xfe\x00")
    refused(copy, "malformed")


@pytest.mark.parametrize(
    ("name", "content", "match"),
    [
        ("freq", b"not an array", "malformed"),
        ("freq", b"", "malformed"),
        ("freq", npy(np.zeros(10, "u2")), "tables"),
        ("freq", npy(np.zeros(10, "i8")), "int64"),
        ("freq", npy(np.array([None, {}])), "malformed"),
        ("start", npy(np.zeros((2, 2), "u4")), r"tables|malformed"),
        ("first", npy(np.zeros(3, "i4")), "tables"),
        ("ladder", npy(np.zeros((193, 3), "u1")), "shape"),
        ("ladder", npy(np.full((193, 4), 200, "u1")), "rung"),
        ("log2_gain", npy(np.zeros((4, 3), "f4")), "shape"),
        ("log2_gain", npy(np.zeros((1, 4), "f4")), "shape"),
        ("log2_gain", npy(np.zeros(4, "f4")), "shape"),
        ("log2_gain", npy(np.full((4, 4), np.nan, "f4")), "finite"),
        ("log2_inverse_gain", npy(np.full((4, 4), np.inf, "f4")), "finite"),
        ("log2_gain", npy(np.zeros((4, 4), "f8")), "float64"),
    ],
)
def test_malformed_arrays(copy, name, content, match):
    replace(copy, f"model-0/{name}.npy", content)
    refused(copy, match)


def test_array_that_claims_to_be_huge(copy):
    header = npy(np.zeros(1, "u2")).replace(b"(1,)", b"(1" + b"0" * 15 + b",)")
    replace(copy, "model-0/freq.npy", header)
    refused(copy, "malformed")


def test_file_that_is_too_large(copy, monkeypatch):
    monkeypatch.setattr(pack, "_MAX_FILE_BYTES", 10_000)
    replace(copy, "model-0/analysis.onnx", bytes(20_000))
    refused(copy, "larger than")


@pytest.mark.parametrize("content", [b"", b"PK", b"not a zip file at all" * 30])
def test_file_that_is_no_zip(tmp_path, content):
    (tmp_path / "pack.zip").write_bytes(content)
    refused(tmp_path / "pack.zip", "neither a pack directory nor a zip file")


def test_damaged_zip(copy, tmp_path):
    path = zipped(copy, tmp_path / "pack.zip")
    data = bytearray(path.read_bytes())
    for position in range(60, len(data) - 400, 211):
        data[position] ^= 0x55
    path.write_bytes(data)
    refused(path, r"pack\.zip")


def test_empty_directory(tmp_path):
    refused(tmp_path, MANIFEST)


def test_links_out_of_a_pack_are_not_followed(copy, tmp_path):
    secret = tmp_path / "secret.npy"
    shutil.copy(copy / "model-0" / "ladder.npy", secret)
    (copy / "model-0" / "ladder.npy").unlink()
    (copy / "model-0" / "ladder.npy").symlink_to(secret)
    refused(copy, "leaves the pack")


@pytest.mark.parametrize("name", ["../outside", "/etc/hostname", "model-0/../../outside"])
def test_names_in_the_manifest_lead_nowhere(copy, tmp_path, name):
    """Which files are read does not depend on the names that a manifest lists."""
    (tmp_path / "outside").write_text("x")
    files = json.loads((copy / MANIFEST).read_text())["files"]
    edit(copy, files=files | {name: "0" * 64})
    assert name not in str(pack.load(copy).models)


@pytest.mark.parametrize("name", ["analysis", "synthesis"])
def test_graph_that_is_none(copy, scene_cube, name):
    data = hyspec.encode(scene_cube, pack=copy)
    replace(copy, f"model-0/{name}.onnx", b"no graph")
    with pytest.raises(errors.PackError, match="cannot load a graph"):
        if name == "analysis":
            hyspec.encode(scene_cube, pack=copy)
        else:
            stream = hyspec.Stream(data)
            stream.header.pack = (pack.identifier(copy), "tiny")
            stream._given_pack = copy
            stream.read()


def test_graphs_that_are_exchanged(copy, scene_cube):
    """A graph of another kind is refused, not squeezed into shape."""
    for first, second in (("analysis", "synthesis"), ("synthesis", "analysis")):
        data = (copy / "model-0" / f"{first}.onnx").read_bytes()
        (copy / "model-0" / f"{second}.new").write_bytes(data)
    for name in ("analysis", "synthesis"):
        replace(copy, f"model-0/{name}.onnx", (copy / "model-0" / f"{name}.new").read_bytes())
    with pytest.raises(errors.PackError, match="graph of the pack"):
        hyspec.encode(scene_cube, pack=copy)
