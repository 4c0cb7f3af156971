"""Packs: directories and zip files, what identifies them, and how streams find them."""

import hashlib
import json
import shutil
import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import hyspec
from hyspec import _core, errors, pack
from hyspec.profiles import PROFILES
from pack_files import MANIFEST, edit, npy, replace, zipped


@pytest.fixture
def spectral_copy(tmp_path, tiny_spectral_pack):
    """A copy of the tiny pack of the spectral profile that a test may change."""
    return shutil.copytree(tiny_spectral_pack, tmp_path / "copy")


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


def test_the_entropy_model_is_that_of_the_files(each_pack):
    loaded = pack.load(each_pack)
    kind = {"band": _core.LatentModel, "spectral": _core.PlaneModel}[loaded.profile]
    for network in loaded.models[0].networks:
        assert isinstance(network.latents, kind)
        for name, values in zip(
            ("probability", "count", "mixers", "intra"), network.latents.state, strict=True
        ):
            stored = np.load(each_pack / network.name / f"{name}.npy")
            assert np.array_equal(values, stored)
            assert stored.any()


def test_terms_are_those_of_the_file(spectral_copy, scene_cube):
    """One that weighs more makes another stream."""
    data = hyspec.encode(scene_cube, pack=spectral_copy)
    for network in ("low", "high"):
        terms = np.load(spectral_copy / network / "surroundings.npy")
        terms[:, 6] += 1
        replace(spectral_copy, f"{network}/surroundings.npy", npy(terms))
    changed = hyspec.encode(scene_cube, pack=spectral_copy)
    assert payloads(changed) != payloads(data)


def payloads(data):
    index = _core.read_index(data, *_core.parse_preamble(data))
    chunks = [_core.check_chunk(data, entry) for entry in index.chunks]
    return [data[c.payload_offset : c.payload_offset + c.payload_length] for c in chunks]


def test_surroundings_may_have_no_terms(spectral_copy, scene_cube):
    for network in ("low", "high"):
        replace(spectral_copy, f"{network}/surroundings.npy", npy(np.zeros((0, 7), "<i2")))
    data = hyspec.encode(scene_cube, pack=spectral_copy)
    assert hyspec.decode(data, pack=spectral_copy).shape == scene_cube.shape


def test_models_may_share_networks(pack_copy):
    low, high = (n["name"] for n in json.loads((pack_copy / MANIFEST).read_text())["networks"])
    edit(
        pack_copy,
        models=[
            {"name": "first", "networks": [low, high]},
            {"name": "second", "networks": [high]},
        ],
    )
    first, second = pack.load(pack_copy).models
    assert (first.name, second.name) == ("first", "second")
    assert first.networks[1] is second.networks[0]


def test_quantised_analysis_is_optional(pack_copy):
    assert all(n.analysis_int8 is None for n in pack.load(pack_copy).models[0].networks)
    (pack_copy / "low" / "analysis-int8.onnx").write_bytes(b"quantised")
    assert all(n.analysis_int8 is None for n in pack.load(pack_copy).models[0].networks)
    replace(pack_copy, "low/analysis-int8.onnx", b"quantised")
    low, high = pack.load(pack_copy).models[0].networks
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


def test_pack_that_was_replaced_is_read_again(pack_copy):
    first = pack.load(pack_copy)
    edit(pack_copy, name="other")
    second = pack.load(pack_copy)
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
@pytest.mark.parametrize("profile", PROFILES.values(), ids=lambda p: p.name)
def test_the_default_pack_of_a_profile_is_shipped(scene_cube, profile):
    assert profile.pack in pack.shipped()
    assert pack.load(profile.pack).profile == profile.pack_profile
    bound = {} if profile.has_quality else {"max_error": 8}
    data = hyspec.encode(scene_cube, profile=profile.name, **bound)
    stream = hyspec.Stream(data)
    assert (stream.profile, stream.pack_name) == (profile.name, profile.pack)
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
    header, _ = _core.parse_preamble(hyspec.encode(scene_cube, pack=tiny_pack, intervals="1-24"))
    header.intervals = [(24, 7)]
    writer = _core.StreamWriter(header)
    data = writer.begin() + writer.chunk(0, 0, scene_cube.rows, 0, b"") + writer.finish()
    with pytest.raises(errors.StreamError, match="model 7"):
        hyspec.Stream(data, pack=tiny_pack)[0, 0, 0]
