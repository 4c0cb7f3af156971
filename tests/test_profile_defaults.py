"""What profile, pack and intervals are where they are not given: each follows from the others."""

import dataclasses

import numpy as np
import pytest

import hyspec
from hyspec import encoding_plan, errors, options, pack, profiles
from hyspec_tools import compare, decode, demo, info, report
from hyspec_tools.encode import main as encode_main


@pytest.fixture
def shipped(monkeypatch, tiny_pack, tiny_spectral_pack):
    """Have the tiny packs stand in for the shipped ones of their profiles."""
    for name, path in (("BAND", tiny_pack), ("SPECTRAL", tiny_spectral_pack)):
        changed = dataclasses.replace(getattr(profiles, name), pack=str(path))
        monkeypatch.setitem(profiles.PROFILES, changed.name, changed)
    monkeypatch.setattr(encoding_plan, "SPECTRAL", profiles.PROFILES["spectral"])
    return {"band": tiny_pack, "spectral": tiny_spectral_pack}


def described(data):
    stream = hyspec.Stream(data)
    return stream.profile, stream.pack_name, hyspec.intervals.format_intervals(stream.intervals)


@pytest.fixture(scope="module")
def seed(scene_cube):
    found = hyspec.intervals.seed_intervals(
        scene_cube.bands, scene_cube.wavelengths, scene_cube.wavelength_unit
    )
    text = hyspec.intervals.format_intervals(found.intervals)
    assert text.count(",") == 4
    return text


@pytest.mark.parametrize(
    ("profile", "given", "expected"),
    [
        (None, None, "spectral"),
        ("spectral", None, "spectral"),
        ("band", None, "band"),
        (None, "band", "band"),
        (None, "spectral", "spectral"),
        ("band", "band", "band"),
        ("spectral", "spectral", "spectral"),
    ],
)
def test_profile_and_pack(shipped, scene_cube, seed, profile, given, expected):
    chosen = None if given is None else shipped[given]
    data = hyspec.encode(scene_cube, profile=profile, pack=chosen)
    name = {"band": "tiny", "spectral": "tiny-spectral"}[expected]
    assert described(data) == (expected, name, seed if expected == "band" else "1-24")
    # What was left out and what is said in full are the same.
    full = {"profile": expected, "intervals": {"band": "seed", "spectral": "all"}[expected]}
    assert hyspec.encode(scene_cube, pack=shipped[expected], **full) == data
    written = []
    options = hyspec.EncodeOptions(profile=profile, pack=chosen)
    assert hyspec.encode_to(scene_cube, written.append, options).profile == expected
    assert b"".join(written) == data


@pytest.mark.parametrize("profile", ["band", "spectral"])
def test_intervals_of_either_kind(shipped, scene_cube, seed, profile):
    for intervals, expected in (("all", "1-24"), ("seed", seed), ("1-3,4-24", "1-3,4-24")):
        data = hyspec.encode(scene_cube, profile=profile, intervals=intervals)
        assert described(data)[2] == expected
        decoded = hyspec.decode(data, pack=shipped[profile])
        assert hyspec.metrics.psnr_db(scene_cube, decoded) > 20


@pytest.mark.parametrize(("profile", "other"), [("band", "spectral"), ("spectral", "band")])
def test_a_pack_of_another_profile(shipped, scene_cube, profile, other):
    with pytest.raises(errors.PackError, match=f"serves profile '{other}', not '{profile}'") as no:
        hyspec.encode(scene_cube, profile=profile, pack=shipped[other])
    assert "leave out --profile" in no.value.hint
    assert profiles.PROFILES[profile].pack in no.value.hint


@pytest.mark.parametrize("profile", ["band", "spectral"])
def test_a_stream_whose_pack_has_another_profile(shipped, scene_cube, profile):
    """As only a faulty encoder would write it: refused by name, not decoded into anything."""
    other = {"band": "spectral", "spectral": "band"}[profile]
    stream = hyspec.Stream(hyspec.encode(scene_cube, profile=profile), pack=shipped[other])
    stream.header.pack = (pack.identifier(shipped[other]), "wrong")
    with pytest.raises(errors.PackError, match=f"serves profile '{other}'.*for '{profile}'"):
        stream[0, 0, 0]


def test_a_stream_of_a_profile_that_is_not_known(scene_cube, each_pack):
    stream = hyspec.Stream(hyspec.encode(scene_cube, pack=each_pack), pack=each_pack)
    stream._chunks._profile = profiles.find(200, 1)
    assert stream.profile == f"{stream.header.profile} version {stream.header.profile_version}"
    with pytest.raises(errors.UnsupportedVersionError, match=r"1 \(band\).*2 \(spectral\)"):
        stream[0, 0, 0]


def test_profiles_are_found_by_number():
    for profile in profiles.PROFILES.values():
        assert profiles.find(profile.number, profile.version) is profile
        assert profiles.find(profile.number, profile.version + 1) is None
    assert len({profile.number for profile in profiles.PROFILES.values()}) == 3


# ---- on the command line -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ([], ("spectral", "tiny-spectral", "1-24")),
        (["--profile", "band"], ("band", "tiny", "seed")),
        (["--pack", "band"], ("band", "tiny", "seed")),
        (["--pack", "spectral"], ("spectral", "tiny-spectral", "1-24")),
        (["--pack", "spectral", "--profile", "spectral", "--intervals", "seed"],
         ("spectral", "tiny-spectral", "seed")),
        (["--profile", "band", "--intervals", "all"], ("band", "tiny", "1-24")),
    ],
)  # fmt: skip
def test_program(run, shipped, scene_hdr, out, seed, arguments, expected):
    where = {"band": shipped["band"], "spectral": shipped["spectral"]}
    pairs = zip(["", *arguments], arguments, strict=False)
    arguments = [where[value] if name == "--pack" else value for name, value in pairs]
    record = run(encode_main, scene_hdr, out, "--json", *arguments).json
    profile, name, intervals = expected
    assert (record["profile"], record["pack"]) == (profile, name)
    assert described(out.read_bytes()) == (
        profile,
        name,
        seed if intervals == "seed" else intervals,
    )


@pytest.mark.parametrize(("profile", "other"), [("band", "spectral"), ("spectral", "band")])
def test_program_with_a_pack_of_another_profile(run, shipped, scene_hdr, out, profile, other):
    done = run(encode_main, scene_hdr, out, "--profile", profile, "--pack", shipped[other])
    assert done.code == 1
    assert done.err.startswith(f"error: pack {pack.load(shipped[other]).name!r} serves profile")
    assert "\nhint: leave out --profile" in done.err
    assert not out.exists()


def test_programs_work_with_each_profile(run, tmp_path, scene_hdr, each_pack):
    """Encode, look at, check, decode a part, and compare: with the stream and with the samples."""
    chosen = pack.load(each_pack)
    stream, decoded = tmp_path / "a.hyc", tmp_path / "a.npy"
    verified = run(encode_main, scene_hdr, stream, "--pack", each_pack, "--verify", "--json").json
    assert (verified["profile"], verified["pack"]) == (chosen.profile, chosen.name)
    record = run(info.main, stream, "--check", "--pack", each_pack, "--json").json
    assert (record["profile"], record["pack"], record["damage"]) == (
        chosen.profile,
        chosen.name,
        [],
    )
    assert f"profile      {chosen.profile}, pack {chosen.name} (" in run(info.main, stream).out
    assert run(decode.main, stream, decoded, "--pack", each_pack, "--quiet").code == 0
    whole = np.load(decoded)
    assert np.array_equal(whole, hyspec.decode(stream.read_bytes(), pack=each_pack).array)
    part = tmp_path / "part.npy"
    arguments = ("--rows", "3:9", "--bands", "20:24", "--pack", each_pack)
    assert run(decode.main, stream, part, *arguments, "--quiet").code == 0
    assert np.array_equal(np.load(part), whole[3:9, :, 20:24])
    with_stream = run(compare.main, scene_hdr, stream, "--pack", each_pack, "--json").json
    with_samples = run(compare.main, scene_hdr, decoded, "--json").json
    assert with_stream["profile"] == chosen.profile
    for key in ("psnr_db", "rmse", "sam_deg", "max_abs_error"):
        assert with_stream[key] == pytest.approx(verified[key], rel=1e-12)
        assert with_samples[key] == pytest.approx(verified[key], rel=1e-12)


@pytest.mark.skipif("generic-spectral" not in pack.shipped(), reason="no pack is shipped")
@pytest.mark.parametrize("profile", [None, "band", "spectral"])
def test_demo(run, tmp_path, profile):
    """With the shipped packs, which are found again without being named."""
    pytest.importorskip("matplotlib")
    given = () if profile is None else ("--profile", profile)
    record = run(demo.main, tmp_path / "demo", "--size", 24, *given, "--json").json
    assert list(record) == list(report.KEYS)
    expected = profile or "spectral"
    assert (record["profile"], record["pack"]) == (expected, f"generic-{expected}")
    assert (tmp_path / "demo" / "comparison.png").stat().st_size > 10_000


def test_packs_serve_the_profiles_that_there_are():
    served = {p.pack_profile for p in profiles.PROFILES.values()}
    assert set(pack.SERVED_PROFILES) == served == set(profiles.PROFILES) - {"bounded"}
    assert {p.name for p in profiles.PROFILES.values() if not p.needs_pack} == {"bounded"}
    assert set(profiles.PROFILES) == set(options.PROFILES)
