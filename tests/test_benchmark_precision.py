"""The benchmark of 8-bit analysis graphs: what it compares, and the signs of what it reports."""

import numpy as np
import pytest

import hyspec
from hyspec import io, pack
from hyspec_bench import precision
from integer_graphs import write_pack

QUALITIES = (5.0, 10.0, 15.0, 20.0, 25.0)


@pytest.fixture
def with_int8(tmp_path, tiny_pack):
    """Write the tiny pack with graphs in the place of integer ones; return its path."""

    def write(factor):
        folder = write_pack(tiny_pack, tmp_path / "pack", factor)
        assert pack.load(folder).models[0].networks[0].analysis_int8
        return str(folder)

    return write


def test_the_same_graph_twice_loses_nothing(with_int8, scene_cube):
    row = precision.measure(
        "scene", scene_cube, with_int8(1), threads=1, rounds=2, qualities=QUALITIES
    )
    assert row.bd_psnr == pytest.approx(0, abs=1e-9)
    assert row.bd_rate == pytest.approx(0, abs=1e-9)
    assert row.fp32_curve == row.int8_curve
    assert row.ratio == row.fp32_seconds / row.int8_seconds > 0
    assert row.network_ratio > 0
    assert row.rates == (row.fp32_curve[0][0], row.fp32_curve[-1][0])
    assert row.quality == 15
    assert row.samples == scene_cube.array.size


def test_a_loss_is_negative_in_decibels_and_positive_in_rate(with_int8, scene_cube):
    row = precision.measure(
        "scene", scene_cube, with_int8(0.8), threads=1, rounds=1, qualities=QUALITIES
    )
    assert row.bd_psnr < -0.05
    assert row.bd_rate > 0.5
    assert len(row.fp32_curve) == len(row.int8_curve) == len(QUALITIES)
    for rate, psnr in row.fp32_curve:
        assert 0 < rate < 4
        assert 10 < psnr < 60


@pytest.mark.parametrize("network", [0, 1])
def test_network(with_int8, scene_cube, network):
    """All encodings go through the network that is asked for."""
    path = with_int8(0.8)
    row = precision.measure(
        "scene", scene_cube, path, threads=1, rounds=1, qualities=QUALITIES, network=network
    )
    for name, found in (("fp32", row.fp32_curve), ("int8", row.int8_curve)):
        data = hyspec.encode(
            scene_cube, pack=path, quality=QUALITIES[0], network=network, precision=name
        )
        assert found[0][0] == 8 * len(data) / scene_cube.array.size


def test_normalised_planes(scene_cube):
    planes = precision.normalised_planes(scene_cube, 16)
    rows, columns, bands = scene_cube.shape
    assert planes.shape == (bands, 1, 48, 48)
    assert planes.dtype == np.float32
    inside = planes[:, 0, :rows, :columns]
    np.testing.assert_allclose(inside.mean((1, 2)), 0, atol=1e-4)
    np.testing.assert_allclose(inside.std((1, 2)), 1, rtol=1e-4)
    assert not np.ptp(planes[:, 0, rows - 1 :, :columns], axis=1).any()


def test_program(run, with_int8, tmp_path, scene_cube):
    io.write(tmp_path / "scene.hdr", scene_cube)
    arguments = [tmp_path / "scene.hdr", "--pack", with_int8(1), "--rounds", 1]
    arguments += ["--qualities", 10, 20]
    found = run(precision.main, *arguments, "--json")
    assert found.code == 0
    assert found.json["quality"] == 20
    assert len(found.json["int8_curve"]) == 2
    assert found.json["bd_psnr"] == pytest.approx(0, abs=1e-9)
    table = run(precision.main, *arguments, "--threads", 2)
    assert table.code == 0
    assert "2 threads" in table.out
    assert table.out.splitlines()[-1].split()[0] == "scene"


def test_program_with_a_pack_without_integer_graphs(run, tmp_path, scene_cube, tiny_pack):
    io.write(tmp_path / "scene.hdr", scene_cube)
    found = run(precision.main, tmp_path / "scene.hdr", "--pack", tiny_pack)
    assert found.code == 1
    assert "no analysis graph in 8-bit integers" in found.err


def test_program_without_the_file(run, tmp_path):
    found = run(precision.main, tmp_path / "missing.hdr")
    assert found.code == 1
    assert found.err.startswith(str(tmp_path / "missing.hdr"))
