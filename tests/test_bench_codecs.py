"""Codecs of the benchmark: targets are kept, and bytes alone give the cube back."""

import numpy as np
import pytest

import hyspec
from hyspec import Cube, pack
from hyspec.errors import StreamError, UsageError
from hyspec.profiles import PROFILES
from hyspec_bench import registry
from hyspec_bench.codecs import basis_coder, framing, klt, scientific, spectral_dwt
from hyspec_bench.codecs.codec import Kind, Target
from hyspec_bench.codecs.rate_search import nearest

RIVALS = [name for name in registry.available() if not name.startswith("hyspec_")]
#: Rivals of extension modules that may not be built, and what a machine must have all the same.
ALWAYS = {"j2k_bb", "j2k_mc", "dwt_j2k", "klt_j2k", "ccsds121_spectral", "jpegls", "sperr", "sz3"}


def of_kind(kind):
    return [name for name in RIVALS if kind in registry.create(name).kinds]


@pytest.fixture(scope="module", params=["unsigned", "signed"])
def cube(request, scene_cube):
    """A crop of the synthetic scene; shifted so that some samples are negative."""
    samples = scene_cube.array[:34, :32].astype(np.int16)
    if request.param == "signed":
        samples = samples - np.int16(np.percentile(samples, 10))
        assert samples.min() < 0
    return Cube(samples)


def test_names():
    assert set(RIVALS) >= ALWAYS
    with pytest.raises(UsageError, match="j3k"):
        registry.create("j3k")
    with pytest.raises(UsageError) as refused:
        registry.create("j2k_mc@generic-band")
    assert "take a pack" in str(refused.value.hint)


@pytest.mark.parametrize("network", [0, 1])
def test_a_network_of_hyspec(scene_cube, tiny_pack, network):
    codec = registry.create(f"hyspec_band@{tiny_pack}#{network}")
    assert codec.settings()["network"] == network
    like = hyspec.encode(scene_cube, pack=tiny_pack, quality=20, network=network)
    bps = 8 * len(like) / scene_cube.array.size
    found = codec.encode(scene_cube, Target(Kind.RATE, bps))
    assert found == hyspec.encode(scene_cube, pack=tiny_pack, bps=bps, network=network)
    assert found != hyspec.encode(scene_cube, pack=tiny_pack, bps=bps, network=1 - network)
    assert registry.create("hyspec_band").settings()["network"] is None


@pytest.mark.parametrize(
    "name", ["hyspec_band@generic-band#", "hyspec_band@p#x", "hyspec_band@p#-1"]
)
def test_networks_that_are_no_numbers(name):
    with pytest.raises(UsageError, match="expected a number from 0"):
        registry.create(name)


@pytest.mark.parametrize("name", of_kind(Kind.LOSSLESS))
def test_lossless(name, cube):
    data = registry.create(name).encode(cube, Target(Kind.LOSSLESS))
    decoded = registry.create(name).decode(data)
    assert np.array_equal(decoded, cube.array)
    assert len(data) < cube.array.nbytes


@pytest.mark.parametrize("limit", [1, 7])
@pytest.mark.parametrize("name", of_kind(Kind.MAX_ERROR))
def test_max_error(name, limit, cube):
    data = registry.create(name).encode(cube, Target(Kind.MAX_ERROR, limit))
    error = np.abs(registry.create(name).decode(data).astype(int) - cube.array)
    assert error.max() == limit  # a codec that leaves room is weaker than it need be


@pytest.mark.parametrize("name", of_kind(Kind.RATE))
def test_rate(name, cube):
    """More bits, less error; and the rate is met, but by codecs whose parameter is coarse."""
    codec = registry.create(name)
    squared_errors = []
    for bps in (1.0, 3.0):
        data = codec.encode(cube, Target(Kind.RATE, bps))
        decoded = registry.create(name).decode(data)
        assert decoded.shape == cube.shape
        squared_errors.append(np.square(decoded.astype(float) - cube.array).mean())
        coarse = name in ("j2k_bb", "zfp", "jpegxl", "sz3")
        assert 8 * len(data) / cube.array.size == pytest.approx(bps, rel=0.5 if coarse else 0.06)
    assert squared_errors[1] < 0.5 * squared_errors[0]


def test_transforms_beat_bands(cube):
    """Spectral redundancy is worth a lot: if these orders break, a rival has become weak."""
    error = {}
    for name in ("j2k_bb", "j2k_mc", "dwt_j2k", "klt_j2k_ns", "klt_j2k"):
        codec = registry.create(name)
        decoded = codec.decode(codec.encode(cube, Target(Kind.RATE, 1.0)))
        error[name] = np.square(decoded.astype(float) - cube.array).mean()
    assert error["j2k_mc"] < error["j2k_bb"]
    assert error["dwt_j2k"] < 0.8 * error["j2k_mc"]
    assert error["klt_j2k"] < 0.8 * error["dwt_j2k"]
    assert error["klt_j2k"] <= error["klt_j2k_ns"] * 1.001


@pytest.mark.parametrize("profile", ["band", "spectral"])
def test_product(cube, tiny_pack, tiny_spectral_pack, profile):
    path = {"band": tiny_pack, "spectral": tiny_spectral_pack}[profile]
    codec = registry.create(f"hyspec_{profile}@{path}")
    settings = codec.settings()
    assert (settings["profile"], settings["pack_sha256"]) == (
        profile,
        pack.identifier(path).hex(),
    )
    data = codec.encode(cube, Target(Kind.RATE, 0.8))
    assert 8 * len(data) / cube.array.size == pytest.approx(0.8, rel=0.1)
    assert codec.decode(data).dtype == cube.array.dtype


@pytest.mark.parametrize("profile", PROFILES.values(), ids=PROFILES)
def test_the_pack_of_a_profile_is_its_own_by_default(profile):
    assert f"hyspec_{profile.name}" in registry.available()
    assert (f"hyspec_{profile.name}" in registry.QUICK) == (profile.name != "bounded")
    assert registry.create(f"hyspec_{profile.name}").settings()["pack"] == profile.pack


@pytest.mark.parametrize("bands", [1, 2, 3, 8, 31, 198])
def test_wavelets_invert(bands):
    planes = np.random.default_rng(2).integers(-500, 500, (bands, 3, 4))
    assert np.array_equal(spectral_dwt.inverse_53(spectral_dwt.forward_53(planes)), planes)
    exact = planes.astype(float)
    assert np.allclose(spectral_dwt.inverse_97(spectral_dwt.forward_97(exact)), exact)


def test_wavelets_of_smooth_spectra():
    """A constant spectrum has no detail, and the low-pass filter keeps its energy."""
    constant = np.full((64, 1, 1), 7.0)
    coefficients = spectral_dwt.forward_97(constant)[:, 0, 0]
    assert np.allclose(coefficients[2:], 0, atol=1e-9)
    assert np.square(coefficients).sum() == pytest.approx(np.square(constant).sum(), rel=1e-6)
    line = np.arange(64)[:, None, None] * 6
    assert not np.abs(spectral_dwt.forward_53(line, levels=1)[32:-1]).any()


def test_synthesis_norms():
    """Nearly orthonormal filters: uniform noise in the planes is uniform noise in the samples."""
    norms = spectral_dwt.synthesis_norms(64)
    assert np.all((norms > 0.7) & (norms < 1.4))


def test_basis_coder():
    rng = np.random.default_rng(3)
    rows = np.vstack(
        [
            np.cumsum(rng.integers(-9, 10, 50)) + 100_000,
            rng.integers(-3000, 3000, 50),
            np.zeros(50),
            [1] + 49 * [0],
        ]
    ).astype(np.int32)
    data = basis_coder.encode(rows)
    assert np.array_equal(basis_coder.decode(data), rows)
    # 4.2 bits for steps of 19 values, 12.6 for 6000 values, nearly none for zeros.
    assert 8 * len(data) < 50 * (4.2 + 12.6 + 2 * 0.7) * 1.15 + 200


def test_water_filling_keeps_what_is_there():
    """Three strong components in weak noise: three are kept, and the basis step fits the level."""
    rng = np.random.default_rng(4)
    images = rng.normal(size=(32 * 32, 3)) * [500, 200, 100]
    basis = np.linalg.qr(rng.normal(size=(20, 3)))[0]
    noise = rng.normal(size=(32 * 32, 20))
    samples = np.rint(1000 + images @ basis.T + noise).astype(np.int16)
    scene = klt._Statistics(Cube(samples.reshape(32, 32, 20)))
    assert klt.water_filling(scene, budget=32 * 32 * 2).components == 3
    generous = klt.water_filling(scene, budget=32 * 32 * 20)
    assert generous.components == 20


def test_sz3_of_a_rate(cube):
    """Its rate is not steady in the limit; none of many limits and orders does better."""
    codec = registry.create("sz3")
    budget = int(1.0 * cube.array.size / 8)
    data = codec.encode(cube, Target(Kind.RATE, 1.0))
    assert len(data) <= budget

    def squared_error(data):
        return np.square(codec.decode(data).astype(float) - cube.array).sum()

    for limit in (10.0, 20.0, 40.0, 80.0):
        for axes in scientific._AXES:
            other = scientific._sz3(cube, axes, limit)
            assert len(other) > budget or squared_error(other) >= squared_error(data)


def test_search_of_rates():
    lengths = []

    def encode(parameter):
        lengths.append(round(1000 / parameter))
        return bytes(lengths[-1])

    assert len(nearest(encode, 400, 0.1, 100.0)) == pytest.approx(400, rel=0.01)
    assert len(nearest(encode, 3, 0.1, 100.0)) == 10  # nothing shorter can be had
    assert max(lengths) <= 10_000


def test_framing():
    values = [0, 1, 127, 128, 300, 2**40]
    reader = framing.Reader(framing.numbers(values) + framing.parts([b"", b"abc"]))
    assert [reader.number() for _ in values] == values
    assert list(reader.parts()) == [b"", b"abc"]
    for value in (0, -1, 1, -64, 64, -(2**31)):
        assert framing.Reader(framing.signed(value)).signed() == value
    with pytest.raises(StreamError, match="expected 3"):
        framing.Reader(b"\3ab").part()
