"""The benchmark of 8-bit analysis graphs: what it compares, and the signs of what it reports."""

import dataclasses
import json

import numpy as np
import pytest

import hyspec
from hyspec import io
from hyspec_bench import precision

QUALITIES = (5.0, 10.0, 15.0, 20.0, 25.0)


@pytest.fixture
def encoder(monkeypatch):
    """An encoder that adds an offset to all samples before int8 graphs; returns its calls."""
    original = hyspec.encode
    calls = []

    def use(offset):
        def encode(cube, *, precision, **settings):
            calls.append((precision, settings["quality"], settings["threads"]))
            if precision == "int8":
                cube = dataclasses.replace(cube, array=cube.array + np.uint16(offset))
            return original(cube, **settings)

        monkeypatch.setattr(hyspec, "encode", encode)
        return calls

    return use


def test_the_same_graph_twice_loses_nothing(encoder, scene_cube, tiny_pack):
    calls = encoder(0)
    row = precision.measure(
        "scene", scene_cube, str(tiny_pack), threads=1, rounds=2, qualities=QUALITIES
    )
    assert row.bd_psnr == pytest.approx(0, abs=1e-9)
    assert row.bd_rate == pytest.approx(0, abs=1e-9)
    assert row.fp32_curve == row.int8_curve
    assert row.ratio == row.fp32_seconds / row.int8_seconds > 0
    assert row.rates == (row.fp32_curve[0][0], row.fp32_curve[-1][0])
    timed = [("fp32", 15.0, 1), ("int8", 15.0, 1)] * 3
    assert calls[:6] == timed
    assert calls[6:] == [(p, q, 1) for p in ("fp32", "int8") for q in QUALITIES]


def test_a_loss_is_negative_in_decibels_and_positive_in_rate(encoder, scene_cube, tiny_pack):
    encoder(np.ptp(scene_cube.array) // 100)
    row = precision.measure(
        "scene", scene_cube, str(tiny_pack), threads=1, rounds=1, qualities=QUALITIES
    )
    assert row.bd_psnr < -0.05
    assert row.bd_rate > 0.5
    assert len(row.fp32_curve) == len(row.int8_curve) == len(QUALITIES)
    for rate, psnr in row.fp32_curve:
        assert 0 < rate < 4
        assert 10 < psnr < 60


def test_common_rates():
    first, second = [(0.1, 30.0), (0.5, 35.0)], [(0.2, 31.0), (0.7, 36.0)]
    assert precision.common_rates(first, second) == precision.common_rates(second, first)
    assert precision.common_rates(first, second) == (0.2, 0.5)


def test_program(run, encoder, tmp_path, scene_cube, tiny_pack):
    encoder(0)
    io.write(tmp_path / "scene.hdr", scene_cube)
    arguments = [tmp_path / "scene.hdr", "--pack", tiny_pack, "--rounds", 1]
    found = run(precision.main, *arguments, "--json")
    assert found.code == 0
    assert json.loads(found.out)["bd_psnr"] == pytest.approx(0, abs=1e-9)
    table = run(precision.main, *arguments, "--threads", 2)
    assert table.code == 0
    assert "2 threads" in table.out
    assert table.out.splitlines()[-1].split()[0] == "scene"


def test_program_without_the_file(run, tmp_path):
    found = run(precision.main, tmp_path / "missing.hdr")
    assert found.code == 1
    assert found.err.startswith(str(tmp_path / "missing.hdr"))
