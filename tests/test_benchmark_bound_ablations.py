"""The ablations of the bounded profile: forms really differ, and what is printed of them."""

import json

import numpy as np
import pytest

from hyspec import Cube, encode, io
from hyspec_bench import bound_ablations
from hyspec_bench.bound_ablations import Row


@pytest.fixture(scope="module")
def cube():
    rng = np.random.default_rng(5)
    one = rng.integers(0, 200, (96, 12, 1)).cumsum(axis=0) % 251
    noise = rng.integers(0, 4, (96, 12, 40))
    return Cube((one * np.linspace(1, 3, 40) + noise).astype(np.uint16))


def test_forms(cube):
    rows = list(bound_ablations.measure("scene", cube, 0))
    rates = {row.form: row.bps for row in rows}
    assert len(rates) == len(bound_ablations.FORMS)
    assert rates.pop("with corrections") == rows[0].predicted_bps  # lossless
    assert len(set(rates.values())) == len(rates)
    default = 8 * len(encode(cube, lossless=True)) / cube.array.size
    assert {row.predicted_bps for row in rows} == {default}
    # Other bands tell nearly all of a sample, of which its neighbours tell nothing.
    assert rates["0 bands"] > 1.3 * rates["1 band"] > 1.3 * rates["8 bands"]
    tile = 8 * len(encode(cube, lossless=True, tile=32)) / cube.array.size
    assert rates["tiles of 32 rows"] == tile > default


def test_corrections(cube, monkeypatch):
    monkeypatch.setattr(bound_ablations, "FORMS", bound_ablations.FORMS[:1])
    (row,) = bound_ablations.measure("scene", cube, 60)
    assert row.form == "with corrections"
    assert row.bps == 8 * len(encode(cube, max_error=60)) / cube.array.size
    assert row.change == 100 * (row.bps / row.predicted_bps - 1) < 0


def test_tables():
    rows = [
        Row(scene, 5, form, 1.0, 0.8, change)
        for scene, change in (("a", 25.0), ("b", 5.0))
        for form in ("0 bands", "1 band")
    ]
    (table,) = bound_ablations.tables(rows)
    assert list(table.header) == ["scene", "prediction", "0 bands", "1 band"]
    assert list(table.rows) == [
        ["a", "0.800", "+25.0", "+25.0"],
        ["b", "0.800", "+5.0", "+5.0"],
        ["mean", "", "+15.0", "+15.0"],
    ]


def test_program(cube, tmp_path, run, monkeypatch):
    monkeypatch.setattr(bound_ablations, "FORMS", bound_ablations.FORMS[1:2])
    io.write(tmp_path / "crop.hdr", cube)
    found = run(bound_ablations.main, tmp_path / "crop.hdr", "--limits", "0", "4", "--json")
    assert found.code == 0
    records = [json.loads(line) for line in found.out.splitlines()]
    assert [(r["max_error"], r["form"]) for r in records] == [(0, "0 bands"), (4, "0 bands")]
    table = run(bound_ablations.main, tmp_path / "crop.hdr", "--limits", "4")
    assert "Largest error 4" in table.out
    np.save(tmp_path / "reals.npy", np.sqrt(np.arange(60, dtype=np.float32)).reshape(3, 4, 5))
    assert run(bound_ablations.main, tmp_path / "reals.npy").code == 1


def test_the_limit_is_checked(cube, monkeypatch):
    monkeypatch.setattr(
        bound_ablations.hyspec, "decode", lambda *_, **__: Cube(cube.array + np.uint16(3))
    )
    with pytest.raises(AssertionError, match="off by 3; expected at most 2"):
        list(bound_ablations.measure("scene", cube, 2))
