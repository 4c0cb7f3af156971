"""The metric ``sam``: the encoder keeps spectral angles small in place of squared errors."""

import dataclasses

import numpy as np
import pytest

import hyspec
from hyspec import Cube, _core, metrics, pack
from hyspec.errors import UsageError
from hyspec.sample_type import SampleType
from hyspec.spectral_angle import AngleWeights
from hyspec.spectral_profile import SpectralCoder
from hyspec.tile_coder import CoderSettings, TileSamples
from hyspec_bench import curves, delta
from hyspec_tools.encode import main
from spectral_payload_cases import one_level

QUALITIES = (20.0, 30.0, 40.0, 50.0, 60.0)


@pytest.fixture(scope="module")
def contrasts(scene_cube):
    """The scene in patches of full light and of a tenth of it; read-only."""
    rows, columns, _ = scene_cube.shape
    light = np.where((np.add.outer(np.arange(rows) // 16, np.arange(columns) // 16)) % 2, 0.1, 1.0)
    samples = np.rint(scene_cube.array * light[:, :, None]).astype(np.uint16)
    samples.flags.writeable = False
    return Cube(samples)


@pytest.fixture(scope="module")
def coder(tiny_spectral_pack):
    """Of spectral angles, in a cube whose samples are 1000 in the root mean square."""
    model = pack.load(tiny_spectral_pack).models[0]
    return SpectralCoder(model, CoderSettings(angles=True))


def analysed(coder, samples):
    return coder.analyse(TileSamples(samples, None, SampleType(samples.dtype), 1000.0))


# ---- what it is worth


@pytest.mark.parametrize(
    "settings", [{}, {"tile": (16, 12)}, {"fast": True}, {"intervals": "seed"}]
)
def test_angles_are_smaller_at_equal_rate(tiny_spectral_pack, contrasts, settings):
    angles = []
    for metric in ("mse", "sam"):
        chosen = {"pack": tiny_spectral_pack, "metric": metric, **settings}
        found = curves.encodings(contrasts, chosen, QUALITIES)
        angles.append([(e.bps, e.comparison.sam_deg) for e in found])
    assert delta.angle_change(*angles, delta.ALL_RATES) < -2


def test_the_default_is_the_squared_error(tiny_spectral_pack, contrasts):
    one, other = (
        hyspec.encode(contrasts, pack=tiny_spectral_pack, **settings)
        for settings in ({}, {"metric": "mse"})
    )
    assert one == other
    assert one != hyspec.encode(contrasts, pack=tiny_spectral_pack, metric="sam")


def test_threads_do_not_matter(tiny_spectral_pack, contrasts):
    one, several = (
        hyspec.encode(
            contrasts, pack=tiny_spectral_pack, metric="sam", tile=(16, 12), threads=threads
        )
        for threads in (1, 4)
    )
    assert one == several


@pytest.mark.parametrize(("target", "measure"), [("psnr", "psnr_db"), ("rmse", "rmse")])
def test_targets_mean_the_same(tiny_spectral_pack, contrasts, target, measure):
    """They are met by the errors that there are."""
    settings = {"pack": tiny_spectral_pack, "metric": "sam"}
    middle = hyspec.decode(hyspec.encode(contrasts, quality=45, **settings), pack=settings["pack"])
    wanted = getattr(metrics.compare(contrasts, middle), measure)
    data = hyspec.encode(contrasts, **{target: wanted}, **settings)
    found = getattr(metrics.compare(contrasts, hyspec.decode(data, pack=settings["pack"])), measure)
    assert found == pytest.approx(wanted, **({"abs": 0.2} if target == "psnr" else {"rel": 0.03}))


# ---- cubes of all kinds


def test_nodata(tiny_spectral_pack, nodata_cube):
    data = hyspec.encode(nodata_cube, pack=tiny_spectral_pack, metric="sam", tile=(16, 12))
    decoded = hyspec.decode(data, pack=tiny_spectral_pack).array
    np.testing.assert_array_equal(
        decoded == nodata_cube.nodata, nodata_cube.array == nodata_cube.nodata
    )
    assert metrics.compare(nodata_cube, decoded).psnr_db > 25


@pytest.mark.parametrize("dtype", ["uint8", "int16", "uint32", "float32"])
@pytest.mark.parametrize("level", [0, -60])
def test_zeros_negative_samples_and_constant_bands(tiny_spectral_pack, dtype, level):
    """One tile is zero throughout, another one in part, and some bands are constant."""
    rng = np.random.default_rng(5)
    samples = 60 + level + 10 * rng.normal(0, 1, (32, 24, 1)) * rng.uniform(0.5, 1, 6)
    samples[:16, :12] = 0
    samples[20:, 12:16] = 0
    samples[..., 2] = 7
    if np.dtype(dtype).kind == "u":
        samples = np.maximum(samples, 0)
    cube = Cube(np.rint(samples).astype(dtype))
    settings = {"pack": tiny_spectral_pack, "tile": (16, 12), "quality": 60}
    errors = []
    for metric in ("mse", "sam"):
        data = hyspec.encode(cube, metric=metric, **settings)
        decoded = hyspec.decode(data, pack=tiny_spectral_pack).array
        np.testing.assert_array_equal(decoded[..., 2], cube.array[..., 2])
        np.testing.assert_array_equal(decoded[:16, :12], cube.array[:16, :12])
        errors.append(metrics.rmse(cube, decoded))
    assert errors[1] < 1.5 * errors[0]


# ---- weights


def test_weights_are_of_the_angle():
    """To first order the angle of an error is what weights say, at a plane and pixel."""
    rng = np.random.default_rng(1)
    spectra = rng.uniform(1, 3, (1, 1, 5)) * rng.uniform(1, 4, (16, 16, 1))
    basis = np.linalg.qr(rng.normal(0, 1, (5, 5)))[0].T
    mean = spectra.mean((0, 1))
    planes = np.einsum("kb,rcb->krc", basis, spectra - mean).astype(np.float32)
    energy = np.square(spectra).sum(2)
    found = AngleWeights.of(energy).of_latents(planes, basis @ mean, 1)
    squared = []
    for k in range(5):
        moved = spectra + 1e-4 * basis[k]
        cosine = (moved * spectra).sum(2) / np.sqrt(np.square(moved).sum(2) * energy)
        squared.append(np.maximum(1 - cosine**2, 0).ravel() / 1e-8)
    # Weights are square roots of those of squared angles, to a common factor.
    ratio = np.square(found) / np.array(squared)
    across = np.array(squared) * energy.ravel() > 0.03
    assert across.any()
    np.testing.assert_allclose(ratio[across], ratio[across][0], rtol=1e-2)


def test_weights_do_not_depend_on_the_unit():
    energy = np.random.default_rng(2).uniform(1, 9, (20, 28))
    planes = np.random.default_rng(3).normal(0, 0.3, (3, 20, 28)).astype(np.float32)
    one = AngleWeights.of(energy).of_latents(planes, np.array([1.0, 0.2, 0.0]), 8)
    other = AngleWeights.of(64 * energy).of_latents(8 * planes, np.array([8.0, 1.6, 0.0]), 8)
    assert one.shape == (3, 3 * 4)
    np.testing.assert_allclose(one, other, rtol=1e-6)


def test_spectra_without_direction_count_least():
    energy = np.ones((16, 16))
    energy[:8, :8] = 0
    energy[8:, 8:] = 16
    found = AngleWeights.of(energy)
    weights = found.of_latents(np.zeros((1, 16, 16), np.float32), np.zeros(1), 8).reshape(2, 2)
    assert np.isfinite(weights).all()
    assert weights[0, 0] == weights[1, 1] < weights[0, 1]
    assert (found.covariance > 0).all()


def test_a_dark_tile_has_a_finer_step():
    energy = np.full((8, 8), 4.0)
    assert AngleWeights.of(4 * energy).step_offset(2.0, 4) == 0
    assert AngleWeights.of(energy).step_offset(2.0, 4) == -16  # half an octave for half the light
    assert AngleWeights.of(1e-12 * energy).step_offset(2.0, 4) == -64
    energy[0] = 0  # pixels that are not lit say nothing
    assert AngleWeights.of(energy).step_offset(2.0, 4) == -16
    assert AngleWeights.of(0 * energy).step_offset(2.0, 4) == 0
    assert AngleWeights.of(energy).step_offset(0.0, 4) == 0


class Equal(AngleWeights):
    """All errors count 1."""

    def of_latents(self, planes, _brightness, stride):
        rows, columns = planes.shape[1:]
        return np.ones((len(planes), -(-rows // stride) * -(-columns // stride)), np.float32)


@pytest.mark.parametrize("fast", [False, True])
def test_equal_weights_change_nothing(tiny_spectral_pack, contrasts, fast):
    model = pack.load(tiny_spectral_pack).models[0]
    coder = SpectralCoder(model, CoderSettings(fast=fast))
    analysis = analysed(coder, contrasts.array)
    weights = Equal.of(analysis.statistics.spectra.energy())
    statistics = dataclasses.replace(analysis.statistics, weights=weights)
    equal = dataclasses.replace(analysis, statistics=statistics)
    for step in (64, 128, 256):
        assert coder.encode(analysis, step)[0] == coder.encode(equal, step)[0]


@pytest.mark.parametrize("dependent", [False, True])
def test_heavy_positions_have_smaller_errors(coder, dependent):
    """Of latents that are all alike."""
    grid = (16, 16)
    network = coder._networks[-1]
    stride, channels = network.stride, network.channels
    tile = _core.BandTile(4, grid[0] * stride, grid[1] * stride)
    latents = np.random.default_rng(4).laplace(0, 1.5, (4, channels, 256)).astype(np.float32)
    heavy = np.arange(256) % 3 == 0
    weights = np.tile(np.where(heavy, 3.0, 0.3).astype(np.float32), (4, 1))
    scale = np.full(4, 65, np.int32)
    symbols = (np.ones(4, np.uint8), np.zeros(4, np.int32), one_level(np.eye(4, dtype=np.int32)))
    level = _core.band_levels(scale, 0, network.levels)[0]
    size = latents * network.inverse_gain[level][None, :, None]
    given = (coder._core, tile, 0, None, 0, coder._number, None, *symbols, scale)
    _, _, rounded = _core.encode_spectral_payload(*given, size, 0.12, dependent, weights)
    step = _core.DEPENDENT_STEP if dependent else 1.0
    squares = np.square(0.5 * step * rounded - latents)
    assert squares[..., heavy].mean() < 0.8 * squares[..., ~heavy].mean()


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        (np.ones((1, 3), np.float32), "do not fit"),
        (np.full((1, 4), -1, np.float32), "not within"),
        (np.full((1, 4), np.nan, np.float32), "not within"),
        (np.full((1, 4), np.inf, np.float32), "not within"),
    ],
)
def test_the_core_refuses_what_are_no_weights(coder, weights, message):
    network = coder._networks[-1]
    tile = _core.BandTile(1, 2 * network.stride, 2 * network.stride)
    one = np.ones(1, np.int32)
    latents = np.zeros((1, network.channels, 4), np.float32)
    symbols = (one.astype(np.uint8), one, one_level(one[:, None]), 65 * one)
    given = (coder._core, tile, 0, None, 0, coder._number, None, *symbols)
    with pytest.raises(_core.CoreError, match=message):
        _core.encode_spectral_payload(*given, latents, 0.1, True, weights)


# ---- options


def test_result_and_program(run, out, tiny_spectral_pack, scene_hdr):
    options = hyspec.EncodeOptions(pack=tiny_spectral_pack, metric="sam")
    pieces = []
    assert hyspec.encode_to(hyspec.io.read(scene_hdr), pieces.append, options).metric == "sam"
    given = (scene_hdr, out, "--pack", tiny_spectral_pack, "--metric", "sam", "--quiet")
    assert run(main, *given).code == 0
    assert out.read_bytes() == b"".join(pieces)


def test_band_has_one_metric(run, out, tiny_pack, scene_hdr, scene_cube):
    with pytest.raises(UsageError, match="no metric 'sam'") as caught:
        hyspec.encode(scene_cube, pack=tiny_pack, metric="sam")
    assert "--profile spectral" in caught.value.hint
    assert run(main, scene_hdr, out, "--pack", tiny_pack, "--metric", "sam").code != 0
    assert not out.exists()


@pytest.mark.parametrize("value", ["angle", "SAM", "", None, 1])
def test_other_metrics_are_refused(value):
    with pytest.raises(UsageError, match="metric"):
        hyspec.EncodeOptions(metric=value)
