"""The benchmark of speed: what takes turns, and which way round its ratios are."""

import numpy as np
import pytest

from hyspec import io, pack
from hyspec_bench import throughput, turns

RIVALS = ("j2k_mc_ns", "klt_j2k_ns")


@pytest.fixture
def one_thread(monkeypatch):
    """Have the program run in this process."""
    for name, value in turns.ONE_THREAD.items():
        monkeypatch.setenv(name, value)


@pytest.fixture
def clocked(monkeypatch):
    """Seconds of each function by its number, in place of a clock."""
    ran = []

    def medians(functions, rounds, _clock):
        assert rounds == 3
        ran.extend(function() for function in functions)
        return [2.0**k for k in range(len(functions))]

    monkeypatch.setattr(turns, "medians", medians)
    return ran


def options(*arguments):
    return throughput.parser().parse_args(["--rounds", "3", *map(str, arguments)])


def test_ratios_are_of_speeds(scene_cube, tiny_pack, clocked):
    rows = throughput.measure("scene", scene_cube, 0.5, options("--pack", tiny_pack))
    assert [row.rival for row in rows] == list(RIVALS)
    million = scene_cube.array.size / 1e6
    # Turns: by rate 1 s, by quality 2 s, decoding 4 s, refined 8 s, then encoding and decoding of
    # each rival.
    for row, encoding in zip(rows, (16.0, 64.0), strict=True):
        assert (row.rate_encode_ratio, row.quality_encode_ratio) == (encoding, encoding / 2)
        assert row.decode_ratio == 2 * encoding / 4
        assert row.rate_encode_speed == million
        assert row.decode_speed == million / 4
        assert row.refined_decode_speed == million / 8
        assert row.rival_encode_speed == million / encoding
        assert row.rival_decode_speed == million / (2 * encoding)
        assert row.hyspec_bps == pytest.approx(0.5, rel=0.03)
        assert row.rival_bps == pytest.approx(0.5, rel=0.06)
    by_rate, by_quality, decoded, refined, *others = clocked
    assert by_rate == by_quality
    assert decoded.shape == refined.shape == scene_cube.shape
    for data, samples, row in zip(others[::2], others[1::2], rows, strict=True):
        assert 8 * len(data) / scene_cube.array.size == row.rival_bps
        assert samples.shape == scene_cube.shape


def test_profiles(scene_cube, each_pack, clocked):
    chosen = pack.load(each_pack)
    for more in ([], ["--profile", chosen.profile]):
        (row,) = throughput.measure(
            "scene", scene_cube, 0.5, options("--pack", each_pack, "--rivals", "j2k_mc_ns", *more)
        )
        assert (row.profile, row.pack) == (chosen.profile, chosen.name)
    assert clocked


@pytest.mark.usefixtures("one_thread")
def test_program(run, tmp_path, scene_cube, tiny_pack):
    io.write(tmp_path / "scene.hdr", scene_cube)
    arguments = ["--scenes", tmp_path / "scene.hdr", "--synthetic", "--pack", tiny_pack]
    arguments += ["--rates", 0.5, "--rounds", 1, "--rivals", "j2k_mc_ns"]
    record = run(throughput.main, *arguments, "--json").json
    assert (record["scene"], record["rival"], record["profile"]) == ("scene", "j2k_mc_ns", "band")
    speeds = [value for key, value in record.items() if key.endswith(("speed", "ratio"))]
    assert len(speeds) == 9
    assert np.greater(speeds, 0).all()
    table = run(throughput.main, *arguments)
    assert table.code == 0
    *_, head, row = table.out.splitlines()
    assert len(head) == len(row)
    assert row.split()[0] == "scene"
