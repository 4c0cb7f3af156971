"""The benchmark of rate and distortion: its records are those of the programs."""

import pytest

from hyspec import io, pack
from hyspec_bench import rates
from hyspec_tools import report


def test_records(run, tmp_path, nodata_cube, each_pack):
    io.write(tmp_path / "scene.hdr", nodata_cube)
    record = run(rates.main, tmp_path / "scene.hdr", "--bps", 0.3, "--pack", each_pack).json
    chosen = pack.load(each_pack)
    assert (record["profile"], record["pack"]) == (chosen.profile, chosen.name)
    assert list(record) == ["scene", "target_bps", "shape", *report.KEYS]
    assert record["samples"] == nodata_cube.array.size  # nodata included, as in the rate
    assert record["bps"] == 8 * record["bytes"] / record["samples"]
    assert record["bps"] == pytest.approx(0.3, rel=0.03)
    assert record["decode_seconds"] > 0
    assert record["encode_seconds"] > 0


def test_table_says_where_a_rate_was_missed():
    record = {"psnr_db": 41.234, "sam_deg": 1.5}
    records = [
        {"scene": "a", "target_bps": 0.1, "bps": 0.102, **record},
        {"scene": "a", "target_bps": 0.25, "bps": 0.2345, **record},
        {"scene": "b", "target_bps": 0.25, "bps": 0.25, **record},
    ]
    assert rates.markdown(records).splitlines()[2:] == [
        "| a | 41.23 / 1.50 | 41.23 / 1.50 at 0.234 |",
        "| b | - | 41.23 / 1.50 |",
    ]
