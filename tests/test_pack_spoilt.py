"""Packs in which something is wrong: refused, whatever it is."""

import json
import shutil

import numpy as np
import pytest

import hyspec
from hyspec import errors, pack, pack_storage
from pack_files import MANIFEST, edit, npy, replace, zipped


def refused(path, match, kind=errors.PackError):
    with pytest.raises(kind, match=match) as caught:
        pack.load(path)
    assert isinstance(caught.value, errors.PackError)
    return caught.value


@pytest.mark.parametrize("name", ["analysis.onnx", "gain.npy", "probability.npy", "mixers.npy"])
@pytest.mark.parametrize("as_zip", [False, True])
def test_wrong_hash(pack_copy, tmp_path, name, as_zip):
    file = pack_copy / "high" / name
    data = bytearray(file.read_bytes())
    data[-1] ^= 1
    file.write_bytes(data)
    path = zipped(pack_copy, tmp_path / "x.zip") if as_zip else pack_copy
    error = refused(path, f"{name}.*hash", errors.PackIntegrityError)
    assert "install it again" in error.hint


def test_missing_surroundings(spectral_copy):
    (spectral_copy / "high" / "surroundings.npy").unlink()
    refused(spectral_copy, r"surroundings\.npy")


@pytest.mark.parametrize("name", [MANIFEST, "low/synthesis.onnx", "high/intra.npy"])
@pytest.mark.parametrize("as_zip", [False, True])
def test_missing_file(pack_copy, tmp_path, name, as_zip):
    (pack_copy / name).unlink()
    refused(zipped(pack_copy, tmp_path / "x.zip") if as_zip else pack_copy, name)


def test_file_without_a_hash(pack_copy):
    files = json.loads((pack_copy / MANIFEST).read_text())["files"]
    del files["low/count.npy"]
    edit(pack_copy, files=files)
    refused(pack_copy, r"count\.npy")


def test_formats_of_other_versions(pack_copy):
    """Whatever else such a manifest holds, its version is what is reported."""
    for version, remedy in ((pack.FORMAT_VERSION + 1, "newer hyspec"), (1, "train it again")):
        edit(pack_copy, format_version=version, files=None, models="elsewhere")
        error = refused(pack_copy, f"format {version}; .* reads {pack.FORMAT_VERSION}")
        assert remedy in error.hint


@pytest.mark.parametrize(
    ("changes", "match"),
    [
        ({"format": "zip"}, "not that of a hyspec pack"),
        ({"format": None}, "malformed"),
        ({"format_version": "one"}, "malformed"),
        ({"files": [1, 2]}, "malformed"),
        ({"profile": "bounded"}, "profile 'bounded' .* not known"),
        ({"profile": ["band"]}, "profile"),
        ({"profile": None}, "malformed"),
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
def test_malformed_manifest(pack_copy, changes, match):
    edit(pack_copy, **changes)
    refused(pack_copy, match)


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
def test_malformed_networks(pack_copy, changes, match):
    networks = json.loads((pack_copy / MANIFEST).read_text())["networks"]
    edit(pack_copy, networks=[networks[0] | changes, *networks[1:]])
    refused(pack_copy, match)


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "3", "null", '{"format": "hyspec-pack"}', "[" * 9999]
)
def test_manifest_that_is_none(pack_copy, text):
    (pack_copy / MANIFEST).write_text(text)
    refused(pack_copy, "malformed")


def test_manifest_that_is_not_text(pack_copy):
    (pack_copy / MANIFEST).write_bytes(b"\xff\xfe\x00")
    refused(pack_copy, "malformed")


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
def test_malformed_arrays(pack_copy, name, content, match):
    low = pack.load(pack_copy).models[0].networks[0]
    assert (low.name, low.levels, low.channels) == ("low", 193, 4)
    replace(pack_copy, f"low/{name}.npy", content)
    refused(pack_copy, match)


@pytest.fixture
def spectral_copy(tmp_path, tiny_spectral_pack):
    return shutil.copytree(tiny_spectral_pack, tmp_path / "spectral")


@pytest.mark.parametrize(
    ("name", "content", "match"),
    [
        ("probability", npy(np.zeros(10, "u2")), "models"),
        ("count", npy(np.full(57536, 128, "u1")), "out of range"),
        ("mixers", npy(np.zeros(1024, "i4")), "models"),
        ("mixers", npy(np.full(2600, 2**30, "i4")), "out of range"),
        ("intra", npy(np.zeros(12, "i4")), "models"),
        ("intra", npy(np.full(3, 2**20 + 1, "i4")), "out of range"),
        ("surroundings", b"not an array", "malformed"),
        ("surroundings", npy(np.zeros((4, 15), "i2")), "surroundings"),
        ("surroundings", npy(np.zeros(7, "i2")), "surroundings|malformed"),
        ("surroundings", npy(np.zeros((2, 7), "i4")), "int32"),
        ("surroundings", npy(np.zeros((2, 7), ">i2")), ">i2"),
        ("surroundings", npy(np.zeros((2, 7), "i2")), "surroundings"),
    ],
)
def test_malformed_models_of_planes(spectral_copy, name, content, match):
    low = pack.load(spectral_copy).models[0].networks[0]
    assert (low.name, low.channels) == ("low", 4)
    replace(spectral_copy, f"low/{name}.npy", content)
    refused(spectral_copy, match)


@pytest.mark.parametrize(
    "more",
    [
        [(4, 0, 1, 0, 0, 0, 9)],  # there are four channels
        [(0, 0, 0, 0, 0, 0, 9)],  # the latent itself
        [(0, 0, 0, 1, 0, -1, 9)],  # a channel that is not decoded yet
        [(0, 0, 3, 0, 0, 0, 9)],
        [(0, 0, 0, 0, 0, -1, 1025)],
        [(0, 0, 0, 0, 0, -1, 9)] * 32,
    ],
)
def test_malformed_terms(spectral_copy, more):
    sound = (0, 0, 0, 0, 0, -1, 9)
    replace(spectral_copy, "low/surroundings.npy", npy(np.array([sound], "<i2")))
    assert pack.load(spectral_copy).name == "tiny-spectral"
    replace(spectral_copy, "low/surroundings.npy", npy(np.array([sound, *more], "<i2")))
    refused(spectral_copy, "surroundings")


def test_packs_of_the_other_profile(pack_copy, spectral_copy):
    """Their models do not fit, whatever their manifests say."""
    edit(pack_copy, profile="spectral")
    refused(pack_copy, "surroundings")
    edit(spectral_copy, profile="band")
    refused(spectral_copy, "models")


def test_array_that_claims_to_be_huge(pack_copy):
    header = npy(np.zeros(1, "u2")).replace(b"(1,)", b"(1" + b"0" * 15 + b",)")
    replace(pack_copy, "low/probability.npy", header)
    refused(pack_copy, "malformed")


def test_file_that_is_too_large(pack_copy, monkeypatch):
    monkeypatch.setattr(pack_storage, "MAX_FILE_BYTES", 10_000)
    replace(pack_copy, "low/analysis.onnx", bytes(20_000))
    refused(pack_copy, "larger than")


@pytest.mark.parametrize("content", [b"", b"PK", b"not a zip file at all" * 30])
def test_file_that_is_no_zip(tmp_path, content):
    (tmp_path / "pack.zip").write_bytes(content)
    refused(tmp_path / "pack.zip", "neither a pack directory nor a zip file")


def test_damaged_zip(pack_copy, tmp_path):
    path = zipped(pack_copy, tmp_path / "pack.zip")
    data = bytearray(path.read_bytes())
    for position in range(60, len(data) - 400, 211):
        data[position] ^= 0x55
    path.write_bytes(data)
    refused(path, r"pack\.zip")


def test_empty_directory(tmp_path):
    refused(tmp_path, MANIFEST)


def test_links_out_of_a_pack_are_not_followed(pack_copy, tmp_path):
    secret = tmp_path / "secret.npy"
    shutil.copy(pack_copy / "low" / "count.npy", secret)
    (pack_copy / "low" / "count.npy").unlink()
    (pack_copy / "low" / "count.npy").symlink_to(secret)
    refused(pack_copy, "leaves the pack")


@pytest.mark.parametrize("name", ["../outside", "/etc/hostname", "low/../../outside"])
def test_names_in_the_manifest_lead_nowhere(pack_copy, tmp_path, name):
    """Which files are read does not depend on the names that a manifest lists."""
    (tmp_path / "outside").write_text("x")
    files = json.loads((pack_copy / MANIFEST).read_text())["files"]
    edit(pack_copy, files=files | {name: "0" * 64})
    assert name not in str(pack.load(pack_copy).models)


@pytest.mark.parametrize("name", ["analysis", "synthesis"])
def test_graph_that_is_none(pack_copy, scene_cube, name):
    data = hyspec.encode(scene_cube, pack=pack_copy)
    for network in ("low", "high"):
        replace(pack_copy, f"{network}/{name}.onnx", b"no graph")
    with pytest.raises(errors.PackError, match="cannot load a graph"):
        if name == "analysis":
            hyspec.encode(scene_cube, pack=pack_copy)
        else:
            stream = hyspec.Stream(data, pack=pack_copy)
            stream.header.pack = (pack.identifier(pack_copy), "tiny")
            stream.read()


def test_graphs_that_are_exchanged(pack_copy, scene_cube):
    """A graph of another kind is refused, not squeezed into shape."""
    for network in ("low", "high"):
        analysis, synthesis = (
            (pack_copy / network / f"{name}.onnx").read_bytes()
            for name in ("analysis", "synthesis")
        )
        replace(pack_copy, f"{network}/analysis.onnx", synthesis)
        replace(pack_copy, f"{network}/synthesis.onnx", analysis)
    with pytest.raises(errors.PackError, match="graph of the pack"):
        hyspec.encode(scene_cube, pack=pack_copy)
