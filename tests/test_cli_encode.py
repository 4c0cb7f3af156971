"""hyspec-encode: settings, and what it prints."""

import time

import numpy as np
import pytest

import hyspec
from golden import make_streams
from hyspec import io, metrics
from hyspec_tools import common, measure, report
from hyspec_tools.encode import main, parser

KEYS = [
    "samples",
    "bytes",
    "bps",
    "psnr_db",
    "psnr_peak",
    "rmse",
    "max_abs_error",
    "sam_deg",
    "snr_db",
    "encode_seconds",
    "decode_seconds",
    "profile",
    "pack",
    "ways",
]


# ---- what it prints ------------------------------------------------------------------------------


def test_the_keys_are_fixed():
    assert list(report.KEYS) == KEYS


def test_json(encode, scene_hdr, scene_cube, out):
    done = encode(scene_hdr, "--json")
    record = done.json
    assert (done.code, done.err) == (0, "")
    assert list(record) == KEYS
    assert record["samples"] == scene_cube.array.size
    assert record["bytes"] == out.stat().st_size
    assert record["bps"] == 8 * record["bytes"] / record["samples"]
    assert record["encode_seconds"] > 0
    assert (record["profile"], record["pack"]) == ("band", "tiny")
    unknown = [key for key, value in record.items() if value is None]
    assert unknown == ["psnr_db", "psnr_peak", "rmse", "max_abs_error", "sam_deg", "snr_db",
                       "decode_seconds"]  # fmt: skip


def test_verify(encode, scene_hdr, scene_cube, tiny_pack, out):
    record = encode(scene_hdr, "--json", "--verify").json
    assert list(record) == KEYS
    decoded = hyspec.decode(out.read_bytes(), pack=tiny_pack)
    found = metrics.compare(scene_cube, decoded)
    assert record["psnr_db"] == found.psnr_db
    assert record["psnr_peak"] == float(np.ptp(scene_cube.array))
    assert record["rmse"] == found.rmse
    assert record["max_abs_error"] == found.max_abs_error
    assert record["sam_deg"] == pytest.approx(found.sam_deg, rel=1e-12)  # summed block by block
    assert record["snr_db"] == found.snr_db
    assert record["samples"] == scene_cube.array.size
    assert record["decode_seconds"] > 0


def opened_with(monkeypatch):
    """Note the settings and parts that streams are opened and read with."""
    found = []
    real = hyspec.Stream.read

    def opened(path, **settings):
        found.append(settings)
        return hyspec.Stream(path.read_bytes(), **settings)

    def read(self, *area, **settings):
        found.append(area)
        return real(self, *area, **settings)

    monkeypatch.setattr(hyspec, "open", opened)
    monkeypatch.setattr(hyspec.Stream, "read", read)
    return found


@pytest.mark.parametrize(
    ("limit", "blocks"),
    [
        (1 << 30, [((0, 40), (0, 36))]),
        (2 * 16 * 36 * 24 * 2, [((0, 32), (0, 36)), ((32, 40), (0, 36))]),
        (16 * 36 * 24 * 2, [((r, min(r + 16, 40)), (0, 36)) for r in (0, 16, 32)]),
        (1, [((r, min(r + 16, 40)), (c, c + 12)) for r in (0, 16, 32) for c in (0, 12, 24)]),
    ],
)
def test_verify_takes_little_memory(encode, scene_hdr, monkeypatch, limit, blocks):
    """It decodes blocks of whole tiles, with the threads asked for, and compares all of them."""
    arguments = (scene_hdr, "--json", "--force", "--verify", "--tile", "16x12", "--threads", "2")
    expected = encode(*arguments).json
    monkeypatch.setattr(measure, "_BLOCK_BYTES", limit)
    found = opened_with(monkeypatch)
    record = encode(*arguments).json
    assert found[0]["threads"] == 2
    assert found[1:] == blocks
    for key in set(KEYS) - {"encode_seconds", "decode_seconds"}:
        if isinstance(expected[key], float):
            assert record[key] == pytest.approx(expected[key], rel=1e-12), key
        else:
            assert record[key] == expected[key], key


def test_verify_of_a_cube_beyond_the_memory_limit(encode, scene_hdr, monkeypatch):
    """The limit protects from streams of others; this one is not thrown away for it."""
    monkeypatch.setitem(hyspec.Stream.__init__.__kwdefaults__, "max_bytes", 1000)
    done = encode(scene_hdr, "--verify")
    assert (done.code, done.err) == (0, "")


def test_decoding_time_leaves_out_the_comparison(encode, scene_hdr, monkeypatch):
    real = metrics.Accumulator.add

    def slow(self, *blocks):
        time.sleep(0.5)
        real(self, *blocks)

    quick = encode(scene_hdr, "--verify", "--json").json["decode_seconds"]
    monkeypatch.setattr(metrics.Accumulator, "add", slow)
    record = encode(scene_hdr, "--verify", "--json", "--force").json
    assert 0 < record["decode_seconds"] < quick + 0.5


def test_progress_of_verification(encode, scene_hdr, monkeypatch):
    """Its phase counts every chunk of the stream once, and says so under its own name."""
    seen = []
    monkeypatch.setattr(common.ProgressBars, "__call__", lambda _, *report: seen.append(report))
    monkeypatch.setattr(measure, "_BLOCK_BYTES", 1)
    assert encode(scene_hdr, "--verify", "--tile", "16x12", "--intervals", "1-8,9-24").code == 0
    comparing = [report[1:] for report in seen if report[0] == "comparing"]
    assert comparing == [(k, 18) for k in range(1, 19)]
    assert "decoding" not in {report[0] for report in seen}


@pytest.mark.parametrize("value", [7, -9999])
def test_undefined_and_infinite_metrics_are_null(encode, tmp_path, value):
    np.save(tmp_path / "flat.npy", np.full((8, 8, 4), value, np.int16))
    record = encode(tmp_path / "flat.npy", "--nodata", -9999, "--json", "--verify").json
    assert list(record) == KEYS
    assert record["psnr_db"] is None
    assert record["rmse"] == (0 if value == 7 else None)
    table = encode(tmp_path / "flat.npy", "--nodata", -9999, "--verify", "--force").out
    assert ("infinite" if value == 7 else "undefined") in table


def test_table(encode, scene_hdr, out):
    done = encode(scene_hdr, "--verify")
    assert done.code == 0
    lines = dict(line.split(maxsplit=1) for line in done.out.splitlines())
    assert lines["samples"] == "34,560"
    assert lines["bytes"] == f"{out.stat().st_size:,}"
    assert lines["rate"].endswith("bit/sample")
    assert lines["PSNR"].endswith("dB")
    assert lines["pack"] == "tiny"
    assert "nan" not in done.out.lower()
    plain = encode(scene_hdr, "--force").out
    assert "PSNR" not in plain
    assert "decoding" not in plain


def test_quiet(encode, scene_hdr, out):
    done = encode(scene_hdr, "--quiet", "--verify")
    assert (done.code, done.out, done.err) == (0, "", "")
    assert out.exists()


def test_help_mentions_every_option(run):
    done = run(main, "--help")
    assert done.code == 0
    for action in parser()._actions:
        assert all(option in done.out for option in action.option_strings)
        assert action.help, action


# ---- settings ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "settings"),
    [
        ([], {}),
        (["--profile", "band", "--quality", "30"], {"quality": 30}),
        (["--bps", "0.2"], {"bps": 0.2}),
        (["--psnr", "28"], {"psnr": 28}),
        (["--rmse", "200"], {"rmse": 200}),
        (["--intervals", "auto"], {"intervals": "auto"}),
        (["--intervals", "1-4,5-24"], {"intervals": "1-4,5-24"}),
        (["--intervals", "seed"], {"intervals": "seed"}),
        (["--tile", "16"], {"tile": 16}),
        (["--tile", "16x8"], {"tile": (16, 8)}),
        (["--threads", "1"], {"threads": 1}),
        (["--bad-bands", "drop"], {"bad_bands": "drop"}),
    ],
)
def test_settings_reach_the_encoder(encode, scene_hdr, tiny_pack, out, arguments, settings):
    assert encode(scene_hdr, *arguments).code == 0
    assert out.read_bytes() == hyspec.encode(io.read(scene_hdr), pack=tiny_pack, **settings)


def test_joint_intervals_reach_the_encoder(run, scene_hdr, out):
    arguments = ("--intervals", "1-4,5-24", "--joint", "--bad-bands", "drop", "--quality", "40")
    pack = make_streams.SPECTRAL_PACK
    assert run(main, scene_hdr, out, "--pack", pack, *arguments).code == 0
    settings = {"intervals": "1-4,5-24", "joint": True, "bad_bands": "drop", "quality": 40}
    assert out.read_bytes() == hyspec.encode(io.read(scene_hdr), pack=pack, **settings)


def test_float_step(encode, tmp_path, out, scene_cube):
    np.save(tmp_path / "f.npy", scene_cube.array.astype("f4") / 7)
    assert encode(tmp_path / "f.npy", "--float-step", "0.5").code == 0
    assert hyspec.Stream(out.read_bytes()).header.step == 0.5
