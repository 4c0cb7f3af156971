"""The folder of a benchmark is strict JSON, from which what is infinite or undefined comes back."""

import json
import math

import pytest

from hyspec_bench import cli, results

MEASURED = {
    "scene": "a",
    "codec": "b",
    "kind": "rate",
    "setting": 1.0,
    "bps": 1.0,
    "mse": 4.0,
    "psnr_db": 30.0,
    "snr_db": 20.0,
    "ms_ssim": 0.9,
    "interval_psnr_db": {"1-2": 29.0, "3-4": 31.0},
    "encode_memory_mib": None,
    "tasks": {"m:f": 1.0},
}


def lines_of(folder):
    """Records of the file as a parser of strict JSON reads them."""

    def refuse(name):
        raise ValueError(f"{name} is not JSON")

    text = (folder / "results.jsonl").read_text()
    return [json.loads(line, parse_constant=refuse) for line in text.splitlines()]


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"mse": 0.0, "psnr_db": math.inf, "snr_db": math.inf},
        {"psnr_db": -math.inf, "snr_db": -math.inf},  # a cube of zeros, wrongly decoded
        {"interval_psnr_db": {"1-2": math.inf, "3-4": 31.0}},
        {"ms_ssim": math.nan},
        {"tasks": {"m:f": math.nan, "m:g": 2.0}},
    ],
)
def test_records_come_back(tmp_path, changes):
    record = MEASURED | changes
    folder = results.Results(tmp_path)
    folder.add(record)
    (line,) = lines_of(tmp_path)
    assert set(line) == set(record)
    again = results.Results(tmp_path)
    assert repr(again.measured()) == repr(folder.measured())
    assert repr(again.measured()) == repr([record])  # NaN is equal to nothing


def test_lossless_coding(run, tmp_path, scene_hdr):
    """From the process of a measurement to the file, and back."""
    out = tmp_path / "out"
    given = ("run", "--scenes", scene_hdr, "--out", out, "--codecs", "jpegls", "--quiet")
    assert run(cli.main, *given, "--max-errors", 2).code == 0
    near, lossless = sorted(lines_of(out), key=lambda r: r["kind"] == "lossless")
    assert lossless["mse"] == 0
    assert lossless["psnr_db"] is lossless["snr_db"] is None
    assert near["psnr_db"] > 30
    records = {r["kind"]: r for r in results.Results(out).measured()}
    assert records["lossless"]["psnr_db"] == records["lossless"]["snr_db"] == math.inf
    assert set(records["lossless"]["interval_psnr_db"].values()) == {math.inf}
    assert records["max_error"]["psnr_db"] == near["psnr_db"]
    assert records["max_error"]["interval_psnr_db"] == near["interval_psnr_db"]
    assert ",inf," in (out / "results.csv").read_text()
