"""Which graphs encode: the options ``network`` and ``precision``, in Python and as arguments."""

import json
import shutil

import numpy as np
import pytest

import hyspec
from hyspec import _core, pack
from hyspec.errors import PackError, UsageError
from hyspec.options import EncodeOptions
from hyspec_tools.encode import main
from integer_graphs import write_pack

SETTINGS = {"intervals": "1-8,9-24", "tile": (16, 20)}


def payloads(data, where):
    """Of each chunk what its payload says: step, network, mask, scale, mean, latents, checksum."""
    header, size = _core.parse_preamble(data)
    [model] = pack.load(where).models
    networks = [(network.stride, network.latents) for network in model.networks]
    found = []
    for entry in _core.read_index(data, header, size).chunks:
        chunk = _core.check_chunk(data, entry)
        # Tiles of 16 x 20 pixels in a scene of 40 x 36.
        columns = 16 if chunk.tile % 2 else 20
        tile = _core.BandTile(header.intervals[chunk.interval][0], chunk.rows, columns)
        payload = data[chunk.payload_offset : chunk.payload_offset + chunk.payload_length]
        found.append(_core.decode_band_payload(networks, tile, payload))
    assert len(found) == 2 * 3 * 2
    return found


def networks_of(data, where):
    return {payload[1] for payload in payloads(data, where)}


# ---- network -------------------------------------------------------------------------------------


@pytest.mark.parametrize("quality", [15, 80])
@pytest.mark.parametrize("network", [0, 1, np.int64(1)])
def test_all_tiles_are_encoded_with_the_network(scene_cube, tiny_pack, network, quality):
    settings = {**SETTINGS, "pack": tiny_pack, "quality": quality}
    data = hyspec.encode(scene_cube, network=network, **settings)
    assert networks_of(data, tiny_pack) == {network}
    decoded = hyspec.decode(data, pack=tiny_pack).array
    assert decoded.shape == scene_cube.shape
    assert np.abs(decoded - scene_cube.array.astype(float)).mean() < 0.5 * scene_cube.array.std()


def test_without_it_the_quality_decides(scene_cube, tiny_pack):
    found = [
        networks_of(hyspec.encode(scene_cube, pack=tiny_pack, quality=q, **SETTINGS), tiny_pack)
        for q in (0, 80)
    ]
    assert found == [{0}, {1}]


def test_a_target_is_met_with_the_network(scene_cube, tiny_pack):
    data = hyspec.encode(scene_cube, pack=tiny_pack, network=1, bps=0.6, **SETTINGS)
    assert networks_of(data, tiny_pack) == {1}
    assert 8 * len(data) / scene_cube.array.size == pytest.approx(0.6, rel=0.03)


@pytest.mark.parametrize("network", [2, 3, 2**40])
def test_a_network_that_the_pack_lacks(scene_cube, tiny_pack, network):
    with pytest.raises(UsageError, match=f"network is {network}; expected less than 2") as caught:
        hyspec.encode(scene_cube, pack=tiny_pack, network=network)
    assert "models of pack 'tiny' have 2" in str(caught.value)
    assert "--network" in caught.value.hint


def test_every_model_must_have_the_network(scene_cube, tiny_pack, tmp_path):
    """Also one that this cube might not need."""
    folder = tmp_path / "pack"
    shutil.copytree(tiny_pack, folder)
    manifest = json.loads((folder / "manifest.json").read_text())
    both, one = {"name": "both", "networks": ["low", "high"]}, {"name": "one", "networks": ["low"]}
    manifest["models"] = [both, both, one, both, both]
    (folder / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(UsageError, match=r"less than 1: .* pack 'tiny' have 1 or 2"):
        hyspec.encode(scene_cube, pack=folder, network=1)
    hyspec.encode(scene_cube, pack=folder, network=0)


@pytest.mark.parametrize("network", [-1, "0", 1.0, True, [0]])
def test_values_that_are_no_number_of_a_network(network):
    with pytest.raises(UsageError, match=r"network is .*; expected") as caught:
        EncodeOptions(network=network)
    assert repr(network) in str(caught.value)


# ---- precision -----------------------------------------------------------------------------------


def test_int8_takes_the_graphs_in_integers(scene_cube, tiny_pack, tmp_path):
    """Here they yield nothing but zeros, so that it is noticed."""
    silent = write_pack(tiny_pack, tmp_path / "pack", 0.0)
    latents = {}
    for precision in ("fp32", "int8"):
        data = hyspec.encode(scene_cube, pack=silent, precision=precision, quality=60, **SETTINGS)
        assert hyspec.decode(data, pack=silent).array.shape == scene_cube.shape
        latents[precision] = np.concatenate([p[5].ravel() for p in payloads(data, silent)])
    assert latents["fp32"].size == latents["int8"].size > 0
    assert latents["fp32"].any()
    assert not latents["int8"].any()


def test_int8_without_such_graphs(scene_cube, tiny_pack):
    with pytest.raises(PackError, match="pack 'tiny' has no analysis graphs in 8-bit") as caught:
        hyspec.encode(scene_cube, pack=tiny_pack, precision="int8")
    assert "fp32" in caught.value.hint
    assert "--int8" in caught.value.hint


@pytest.mark.parametrize("precision", ["fp16", "INT8", ""])
def test_unknown_precisions(precision):
    with pytest.raises(UsageError, match=f"precision {precision!r} is not one of fp32, int8"):
        EncodeOptions(precision=precision)


@pytest.mark.parametrize("precision", [None, 8, b"int8"])
def test_precisions_of_wrong_types(precision):
    with pytest.raises(UsageError, match=r"precision is .*; expected a text") as caught:
        EncodeOptions(precision=precision)
    assert repr(precision) in str(caught.value)


# ---- arguments -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "settings", "quality"),
    [
        (["--network", "0"], {"network": 0}, 80),
        (["--network", "1"], {"network": 1}, 5),
        (["--precision", "int8"], {"precision": "int8"}, 60),
        (["--precision", "fp32", "--network", "1"], {"network": 1}, 5),
    ],
)
def test_the_program_writes_what_python_does(
    run, scene_hdr, tiny_pack, tmp_path, arguments, settings, quality
):
    """At qualities where the encoder alone would choose otherwise."""
    where = write_pack(tiny_pack, tmp_path / "pack", 0.5)
    output = tmp_path / "out.hyc"
    chosen = ["--pack", where, "--quality", quality, "--quiet"]
    assert run(main, scene_hdr, output, *chosen, *arguments).code == 0
    cube = hyspec.io.read(scene_hdr)
    assert output.read_bytes() == hyspec.encode(cube, pack=where, quality=quality, **settings)
    assert output.read_bytes() != hyspec.encode(cube, pack=where, quality=quality)


@pytest.mark.parametrize(
    ("arguments", "code", "texts"),
    [
        (["--network", "2"], 2, ["network is 2; expected less than 2", "'tiny'", "hint: "]),
        (["--network", "-1"], 2, ["network is -1; expected 0 or more"]),
        (["--network", "1.0"], 2, ["--network", "'1.0'"]),
        (["--network", "low"], 2, ["--network", "'low'"]),
        (["--precision", "fp16"], 2, ["'fp16'", "fp32, int8"]),
        (["--precision", "int8"], 1, ["'tiny'", "8-bit", "hyspec-export --int8"]),
    ],
)
def test_the_program_refuses(run, scene_hdr, tiny_pack, tmp_path, arguments, code, texts):
    output = tmp_path / "out.hyc"
    done = run(main, scene_hdr, output, "--pack", tiny_pack, *arguments)
    assert done.code == code
    assert done.err.startswith("error: ")
    assert all(text in done.err for text in texts)
    assert not output.exists()


def test_int8_of_a_network_that_has_none(scene_cube):
    """Of the shipped pack, the first network has such a graph and the second one has not."""
    assert hyspec.encode(scene_cube, pack="generic-band", precision="int8", network=0)
    with pytest.raises(PackError, match="network 1, has no analysis graphs in 8-bit"):
        hyspec.encode(scene_cube, pack="generic-band", precision="int8", network=1)
