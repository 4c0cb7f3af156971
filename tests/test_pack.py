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
    (model,) = loaded.models
    assert model.name == "any"
    manifest = json.loads(raw)
    assert [n.name for n in model.networks] == manifest["models"][0]["networks"]
    for network, stated in zip(model.networks, manifest["networks"], strict=True):
        for name in ("name", "stride", "channels", "levels", "context_bands", "from_level"):
            assert getattr(network, name) == stated[name]
        assert network.inverse_gain.shape == (network.levels, network.channels)
        assert (network.latents.channels, network.latents.levels) == (
            network.channels,
            network.levels,
        )
    assert loaded.levels == max(n.levels for n in model.networks)
    assert loaded.latents_per_sample == max(n.channels / n.stride**2 for n in model.networks)


def test_a_level_is_a_32nd_of_an_octave_of_gain(tiny_pack):
    """Beyond the trained octaves at the latest; what one gain takes, the inverse gives back."""
    for network in pack.load(tiny_pack).models[0].networks:
        codes = np.load(tiny_pack / network.name / "inverse_gain.npy")
        assert np.allclose(network.inverse_gain, 2.0 ** (codes / 256), rtol=1e-6)
        assert np.allclose(network.inverse_gain[-33] / network.inverse_gain[-1], 2, rtol=0.01)
        assert (np.diff(network.inverse_gain, axis=0) < 0).mean() > 0.9


def test_the_entropy_model_is_that_of_the_files(tiny_pack):
    for network in pack.load(tiny_pack).models[0].networks:
        for name, values in zip(
            ("probability", "count", "mixers", "intra"), network.latents.state, strict=True
        ):
            stored = np.load(tiny_pack / network.name / f"{name}.npy")
            assert np.array_equal(values, stored)
            assert stored.any()


def test_models_may_share_networks(copy):
    low, high = (n["name"] for n in json.loads((copy / MANIFEST).read_text())["networks"])
    edit(
        copy,
        models=[
            {"name": "first", "networks": [low, high]},
            {"name": "second", "networks": [high]},
        ],
    )
    first, second = pack.load(copy).models
    assert (first.name, second.name) == ("first", "second")
    assert first.networks[1] is second.networks[0]


def test_quantised_analysis_is_optional(copy):
    assert all(n.analysis_int8 is None for n in pack.load(copy).models[0].networks)
    (copy / "low" / "analysis-int8.onnx").write_bytes(b"quantised")
    assert all(n.analysis_int8 is None for n in pack.load(copy).models[0].networks)
    replace(copy, "low/analysis-int8.onnx", b"quantised")
    low, high = pack.load(copy).models[0].networks
    assert (low.analysis_int8, high.analysis_int8) == (b"quantised", None)


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


@pytest.mark.parametrize("name", ["analysis.onnx", "gain.npy", "probability.npy", "mixers.npy"])
@pytest.mark.parametrize("as_zip", [False, True])
def test_wrong_hash(copy, tmp_path, name, as_zip):
    file = copy / "high" / name
    data = bytearray(file.read_bytes())
    data[-1] ^= 1
    file.write_bytes(data)
    path = zipped(copy, tmp_path / "x.zip") if as_zip else copy
    error = refused(path, f"{name}.*hash", errors.PackIntegrityError)
    assert "install it again" in error.hint


@pytest.mark.parametrize("name", [MANIFEST, "low/synthesis.onnx", "high/intra.npy"])
@pytest.mark.parametrize("as_zip", [False, True])
def test_missing_file(copy, tmp_path, name, as_zip):
    (copy / name).unlink()
    refused(zipped(copy, tmp_path / "x.zip") if as_zip else copy, name)


def test_file_without_a_hash(copy):
    files = json.loads((copy / MANIFEST).read_text())["files"]
    del files["low/count.npy"]
    edit(copy, files=files)
    refused(copy, r"count\.npy")


def test_formats_of_other_versions(copy):
    """Whatever else such a manifest holds, its version is what is reported."""
    for version, remedy in ((pack.FORMAT_VERSION + 1, "newer hyspec"), (1, "train it again")):
        edit(copy, format_version=version, files=None, models="elsewhere")
        error = refused(copy, f"format {version}; .* reads {pack.FORMAT_VERSION}")
        assert remedy in error.hint


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
        ({"models": [{"name": "any", "networks": []}]}, "no network"),
        ({"models": [{"name": "any", "networks": ["low", "middle"]}]}, "middle"),
        ({"models": [{"name": "any", "networks": "low"}]}, "malformed"),
        ({"networks": []}, "malformed"),
        ({"networks": {"low": {}}}, "malformed"),
        ({"networks": None}, "malformed"),
        ({"name": None}, "malformed"),
    ],
)
def test_malformed_manifest(copy, changes, match):
    edit(copy, **changes)
    refused(copy, match)


@pytest.mark.parametrize(
    ("changes", "match"),
    [
        ({"name": "elsewhere"}, "elsewhere"),
        ({"name": "../low"}, "low|leaves the pack"),
        ({"channels": 5}, "shape"),
        ({"channels": 0}, "out of range"),
        ({"channels": 2**70}, r"shape|malformed"),
        ({"channels": "many"}, "malformed"),
        ({"levels": 7}, "shape"),
        ({"levels": -1}, "out of range"),
        ({"stride": 0}, "out of range"),
        ({"stride": None}, "malformed"),
        ({"context_bands": 2}, "out of range"),
        ({"context_bands": -1}, "out of range"),
        ({"from_level": "low"}, "malformed"),
    ],
)
def test_malformed_networks(copy, changes, match):
    networks = json.loads((copy / MANIFEST).read_text())["networks"]
    edit(copy, networks=[networks[0] | changes, *networks[1:]])
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
        ("probability", b"not an array", "malformed"),
        ("probability", b"", "malformed"),
        ("probability", npy(np.zeros(10, "u2")), "models"),
        ("probability", npy(np.zeros(10, "i8")), "int64"),
        ("probability", npy(np.zeros(10, ">u2")), ">u2"),
        ("probability", npy(np.array([None, {}])), "malformed"),
        ("count", npy(np.zeros((2, 2), "u1")), "malformed"),
        ("count", npy(np.zeros(3, "u1")), "models"),
        ("mixers", npy(np.zeros(1024, "f4")), "float32"),
        ("mixers", npy(np.full(1024, 2**30, "i4")), "out of range"),
        ("intra", npy(np.zeros(3, "i4")), "models"),
        ("gain", npy(np.zeros((4, 3), "i2")), "shape"),
        ("gain", npy(np.zeros(4, "i2")), "shape"),
        ("gain", npy(np.full((193, 4), 5000, "i2")), "gain is out of range"),
        ("inverse_gain", npy(np.zeros((193, 3), "i2")), "shape"),
        ("inverse_gain", npy(np.zeros((193, 4), "f4")), "float32"),
    ],
)
def test_malformed_arrays(copy, name, content, match):
    low = pack.load(copy).models[0].networks[0]
    assert (low.name, low.levels, low.channels) == ("low", 193, 4)
    replace(copy, f"low/{name}.npy", content)
    refused(copy, match)


def test_array_that_claims_to_be_huge(copy):
    header = npy(np.zeros(1, "u2")).replace(b"(1,)", b"(1" + b"0" * 15 + b",)")
    replace(copy, "low/probability.npy", header)
    refused(copy, "malformed")


def test_file_that_is_too_large(copy, monkeypatch):
    monkeypatch.setattr(pack, "_MAX_FILE_BYTES", 10_000)
    replace(copy, "low/analysis.onnx", bytes(20_000))
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
    shutil.copy(copy / "low" / "count.npy", secret)
    (copy / "low" / "count.npy").unlink()
    (copy / "low" / "count.npy").symlink_to(secret)
    refused(copy, "leaves the pack")


@pytest.mark.parametrize("name", ["../outside", "/etc/hostname", "low/../../outside"])
def test_names_in_the_manifest_lead_nowhere(copy, tmp_path, name):
    """Which files are read does not depend on the names that a manifest lists."""
    (tmp_path / "outside").write_text("x")
    files = json.loads((copy / MANIFEST).read_text())["files"]
    edit(copy, files=files | {name: "0" * 64})
    assert name not in str(pack.load(copy).models)


@pytest.mark.parametrize("name", ["analysis", "synthesis"])
def test_graph_that_is_none(copy, scene_cube, name):
    data = hyspec.encode(scene_cube, pack=copy)
    for network in ("low", "high"):
        replace(copy, f"{network}/{name}.onnx", b"no graph")
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
    for network in ("low", "high"):
        analysis, synthesis = (
            (copy / network / f"{name}.onnx").read_bytes() for name in ("analysis", "synthesis")
        )
        replace(copy, f"{network}/analysis.onnx", synthesis)
        replace(copy, f"{network}/synthesis.onnx", analysis)
    with pytest.raises(errors.PackError, match="graph of the pack"):
        hyspec.encode(scene_cube, pack=copy)
