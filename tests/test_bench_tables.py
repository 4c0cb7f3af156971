"""Tables of the benchmark, from records written by hand."""

import pytest

from hyspec_bench import summary, table


def record(codec, setting, *psnr, kind="rate", scene="a"):
    parts = dict(zip(("1-2", "3-9"), psnr, strict=True))
    return {
        "scene": scene,
        "codec": codec,
        "kind": kind,
        "setting": setting,
        "interval_psnr_db": parts,
    }


def test_intervals():
    """A column per interval, with the PSNR at the rates nearest to 0.1, 0.5 and 2."""
    records = [
        record("x", 0.05, 1, 1),
        record("x", 0.1, 20.004, 30),
        record("x", 0.4, 21, 31.126),
        record("x", 1.0, 22, 32),
        record("y", 0.1, 23, 33),
        record("y", 1.0, float("inf"), 34),
        record("z", 5.0, 2, 2, kind="max_error"),
        record("x", 0.5, 3, 3, scene="b"),
    ]
    found = summary.interval_table(records, "a")
    assert (
        found.title == "a: PSNR in dB of each band interval at 0.1 / 0.4 / 1 bit/sample of the cube"
    )
    assert found.header == ["codec", "bands 1-2", "bands 3-9"]
    assert found.rows == [
        ["x", "20.00 / 21.00 / 22.00", "30.00 / 31.13 / 32.00"],
        ["y", "23.00 / - / inf", "33.00 / - / 34.00"],
    ]
    assert summary.interval_table(records, "b").rows == [["x", "3.00", "3.00"]]
    assert not summary.interval_table(records[6:7], "a").rows


@pytest.mark.parametrize(("wanted", "expected"), [(0.1, 0.1), (0.19, 0.1), (0.21, 0.4), (9, 0.4)])
def test_nearest_by_ratio(wanted, expected):
    assert table.nearest([0.4, 0.1], wanted) == expected
