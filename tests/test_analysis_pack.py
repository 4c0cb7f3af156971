"""Analysis packs: what is written comes back, and whatever is wrong is refused."""

import hashlib
import json

import numpy as np
import pytest

from analysis_packs import classifier, encoder, scaler, unmixer
from hyspec import errors, pack_storage
from hyspec.analysis import pack
from hyspec.analysis.palette import colours
from pack_files import MANIFEST, edit, zipped

ABOUT = {
    "description": "Wälder",
    "licence": "CC-BY-4.0",
    "opset": 18,
    "recipe": "[model]\nname = 1\n",
    "training": {"seeds": [1, 2], "leakage": 0.0},
    "measured": {"overall accuracy": 0.75},
}
WAVELENGTHS = np.linspace(420.0, 2400.0, 24)


def saved(path, made=None, **changes):
    made = made or classifier(wavelengths=WAVELENGTHS, about=ABOUT, **changes)
    pack.save(made, path)
    return path


def refused(path, match, kind=errors.PackError):
    with pytest.raises(kind, match=match) as caught:
        pack.load(path)
    assert isinstance(caught.value, errors.PackError)
    assert str(path) in str(caught.value)
    return caught.value


@pytest.mark.parametrize("name", ["directory", "archive.zip"])
@pytest.mark.parametrize("make", [classifier, unmixer, encoder])
def test_what_is_saved_is_loaded(tmp_path, name, make):
    made = make(about=ABOUT, wavelengths=WAVELENGTHS, fwhm=np.full(24, 9.5),
                source_bands=30, selected=tuple(range(3, 27)))  # fmt: skip
    identifier = pack.save(made, tmp_path / name)
    found = pack.load(tmp_path / name)
    assert found.id.hex() == identifier
    for key in ("name", "model", "task", "patch", "whole_scenes", "bands", "latents", "about",
                "source_bands", "selected", "classes", "endmembers", "graphs", "graphs_int8",
                "outputs"):  # fmt: skip
        assert getattr(found, key) == getattr(made, key), key
    assert found.scaler.record() == made.scaler.record()
    np.testing.assert_array_equal(found.wavelengths, WAVELENGTHS)
    np.testing.assert_array_equal(found.fwhm, made.fwhm)


def test_identifier_is_the_hash_of_the_manifest_in_both_forms(tmp_path):
    folder, archive = saved(tmp_path / "x"), saved(tmp_path / "x.zip")
    want = hashlib.sha256((folder / MANIFEST).read_bytes()).digest()
    assert pack.load(folder).id == pack.load(archive).id == want
    assert pack.load(zipped(folder, tmp_path / "y.zip")).id == want
    assert archive.read_bytes() == saved(tmp_path / "z.zip").read_bytes()


def test_integer_graphs_are_files_of_their_own(tmp_path):
    made = classifier(graphs_int8={"scores": b"8 bits"})
    folder = saved(tmp_path / "x", made)
    assert (folder / "scores-int8.onnx").read_bytes() == b"8 bits"
    assert pack.load(folder).graphs_int8 == {"scores": b"8 bits"}


def test_any_number_of_bands(tmp_path):
    made = encoder(bands=None, graphs={"encoder": b"x"}, scaler=scaler(1), task="shared-encoder")
    assert pack.load(saved(tmp_path / "x", made)).bands is None
    with pytest.raises(errors.PackError, match="scaler is of 3 bands"):
        encoder(bands=None, graphs={"encoder": b"x"}, scaler=scaler(3))


def test_existing_packs_are_replaced_only_if_asked(tmp_path):
    for name in ("x", "x.zip"):
        path = saved(tmp_path / name)
        with pytest.raises(errors.UsageError, match="exists already"):
            pack.save(classifier(), path)
        identifier = pack.save(classifier(name="new"), path, force=True)
        assert pack.load(path).id.hex() == identifier
    assert {each.name for each in tmp_path.iterdir()} == {"x", "x.zip"}
    with pytest.raises(errors.UsageError, match="does not exist"):
        pack.save(classifier(), tmp_path / "nowhere" / "x")
    (tmp_path / "file").write_text("")
    with pytest.raises(errors.UsageError, match="file already"):
        pack.save(classifier(), tmp_path / "file", force=True)
    (tmp_path / "d.zip").mkdir()
    with pytest.raises(errors.UsageError, match="directory already"):
        pack.save(classifier(), tmp_path / "d.zip", force=True)


def test_facts_that_are_no_json(tmp_path):
    for fact in (float("nan"), b"bytes", {1, 2}, "\ud800"):
        with pytest.raises(errors.PackError, match="no JSON"):
            pack.save(classifier(about={"measured": {"x": fact}}), tmp_path / "x")
    assert not list(tmp_path.iterdir())


def test_missing_colours_are_chosen(tmp_path):
    folder = saved(tmp_path / "x")
    edit(folder, classes=[{"name": "a"}, {"name": "b", "colour": [1, 2, 3]}, {"name": "c"}])
    first, second, third = (each.colour for each in pack.load(folder).classes)
    assert (first, second, third) == (colours(3)[0], (1, 2, 3), colours(3)[2])


def test_colours_can_be_told_apart():
    found = np.array(colours(16), float)
    distance = np.linalg.norm(found[:, None] - found, axis=2) + np.eye(16) * 999
    assert distance.min() > 30
    assert np.linalg.norm(found, axis=1).min() > 100  # none is near to what marks no class
    assert colours(5) == colours(16)[:5]


def test_nothing_there(tmp_path):
    with pytest.raises(errors.PackNotFoundError, match="no analysis pack"):
        pack.load(tmp_path / "x")


def test_pack_of_the_codec(tiny_pack):
    assert "hyspec-encode" in refused(tiny_pack, "not that of an analysis pack").hint


@pytest.mark.parametrize("as_zip", [False, True])
def test_damaged_and_missing_graphs(tmp_path, as_zip):
    folder = saved(tmp_path / "x")
    file = folder / "scores.onnx"
    data = bytearray(file.read_bytes())
    data[-1] ^= 1
    file.write_bytes(data)
    path = zipped(folder, tmp_path / "a.zip") if as_zip else folder
    assert refused(path, "hash", errors.PackIntegrityError).hint
    file.unlink()
    path = zipped(folder, tmp_path / "b.zip") if as_zip else folder
    refused(path, r"scores\.onnx")


def test_too_large_files(tmp_path, monkeypatch):
    folder = saved(tmp_path / "x")
    monkeypatch.setattr(pack, "MAX_FILE_BYTES", 100)
    refused(folder, r"scores\.onnx is larger than 100")
    monkeypatch.setattr(pack_storage, "MAX_FILE_BYTES", 50)
    refused(zipped(folder, tmp_path / "x.zip"), r"manifest\.json is larger than 50")


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04", b"text"])
def test_file_that_is_no_archive(tmp_path, content):
    (tmp_path / "x").write_bytes(content)
    refused(tmp_path / "x", "neither a pack directory nor a zip file")


LINE = {"kind": "standard", "offset": [0.0] * 24, "scale": [1.0] * 24}


@pytest.mark.parametrize(
    ("changes", "match"),
    [
        ({"format": None}, "malformed"),
        ({"format": "zip"}, "not that of an analysis pack"),
        ({"format_version": 2}, "format 2; .* reads 1"),
        ({"format_version": True}, "format_version"),
        ({"name": None}, "malformed"),
        ({"name": ""}, "name ''"),
        ({"name": "a\nb"}, "printable"),
        ({"name": "x" * 256}, "255 printable"),
        ({"name": 5}, "expected a text"),
        ({"task": "seeing"}, "task 'seeing'"),
        ({"task": "unmixing"}, "classes, endmembers or latents"),
        ({"patch": 0}, "patch"),
        ({"patch": 256}, "patches of 256"),
        ({"patch": 3.0}, "whole number"),
        ({"whole_scenes": 1}, "true or false"),
        ({"bands": 25}, "scaler is of 24 bands; expected 25"),
        ({"bands": 10**30}, "bands"),
        ({"bands": "24"}, "whole number"),
        ({"wavelengths": [500.0]}, r"wavelengths of shape \(1,\)"),
        ({"wavelengths": [0.0] * 24}, "positive"),
        ({"wavelengths": ["500"] * 24}, "array of numbers"),
        ({"fwhm": {"a": 1}}, "array of numbers"),
        ({"source_bands": 30}, "0 selected bands of 30"),
        ({"selected": list(range(24))}, "24 selected bands of None"),
        ({"source_bands": 23, "selected": list(range(24))}, "24 selected bands of 23"),
        ({"source_bands": 30, "selected": [*range(23), 22]}, "ascending"),
        ({"source_bands": 30, "selected": [True] * 24}, "array of integers"),
        ({"source_bands": 99999, "selected": list(range(24))}, "selected bands of 99999"),
        ({"scaling": None}, "malformed"),
        ({"scaling": {}}, "scaler"),
        ({"scaling": {**LINE, "kind": "log"}}, "scaler"),
        ({"scaling": {**LINE, "scale": [0.0] * 24}}, "scaler"),
        ({"scaling": {**LINE, "offset": [0.0] * 23}}, "scaler"),
        ({"classes": []}, "0 classes"),
        ({"classes": 3}, "array of objects"),
        ({"classes": [3]}, "malformed"),
        ({"classes": [{"name": "a", "colour": [1, 2]}]}, "malformed"),
        ({"classes": [{"name": "a", "colour": [1, 2, 256]}]}, "colour"),
        ({"classes": [{"name": "a", "colour": [1, 2, 0.5]}]}, "colours"),
        ({"classes": [{"name": "a", "spectrum": [1.0] * 24}]}, "expected that of an endmember"),
        ({"classes": [{"colour": [1, 2, 3]}]}, "malformed"),
        ({"endmembers": [{"name": "e"}]}, "task classification has not"),
        ({"latents": 3}, "task classification has not"),
        ({"files": None}, "malformed"),
        ({"files": [1]}, "malformed"),
        ({"files": {}}, "'scores', which task classification needs, is missing"),
    ],
)
def test_malformed_manifest(tmp_path, changes, match):
    folder = saved(tmp_path / "x")
    edit(folder, **changes)
    refused(folder, match)


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", "3", "null", "[" * 9999, '{"format": "hyspec-analysis-pack"}', "\xff\x00"],
)
def test_manifest_that_is_none(tmp_path, text):
    folder = saved(tmp_path / "x")
    (folder / MANIFEST).write_bytes(text.encode("latin-1"))
    refused(folder, "malformed|not that of")


@pytest.mark.parametrize("number", ["NaN", "1e999", "-Infinity", str(10**400)])
@pytest.mark.parametrize("where", ["wavelengths", "scaling", "endmembers"])
def test_numbers_that_are_not_finite(tmp_path, where, number):
    folder = saved(tmp_path / "x", unmixer(wavelengths=WAVELENGTHS))
    manifest = json.loads((folder / MANIFEST).read_text())
    place = {
        "wavelengths": manifest["wavelengths"],
        "scaling": manifest["scaling"]["offset"],
        "endmembers": manifest["endmembers"][0]["spectrum"],
    }[where]
    place[3] = "here"
    (folder / MANIFEST).write_text(json.dumps(manifest).replace('"here"', number))
    refused(folder, "finite|malformed|scaler")


def test_attributes_that_do_not_fit():
    for changes, match in (
        ({"graphs": {}}, "is missing"),
        ({"graphs": {"scores": b"", "decoder": b""}}, "graph 'decoder'"),
        ({"graphs_int8": {"encoder": b""}}, "graph 'encoder'"),
        ({"about": {"weather": "fine"}}, "weather"),
    ):
        with pytest.raises(errors.PackError, match=match):
            classifier(**changes)
    with pytest.raises(errors.PackError, match="2 names, 3 colours"):
        pack.named(["a", "b"], colours(3))
