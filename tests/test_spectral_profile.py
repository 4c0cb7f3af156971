"""The spectral profile from cubes to cubes: what is exact, and how quality falls with the step."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

import hyspec
from golden import make_streams
from hyspec import Cube, _core, errors, pack, synthetic
from hyspec.sample_type import SampleType
from hyspec.spectral_profile import SpectralCoder
from hyspec.spectral_symbols import SpectralAnalysis, SpectralSymbols
from hyspec.synthetic import SensorGrid
from hyspec.tile_coder import CoderSettings, TileSamples

Array = npt.NDArray[Any]
TINY: Path = make_streams.SPECTRAL_PACK
MODEL = pack.load(TINY).models[0]
GRID = SensorGrid(np.linspace(420.0, 2400.0, 24), np.full(24, 90.0), name="24 bands")
INTERVALS = "1-8,9-20,21-24"
TYPES = ["uint8", "int16", "uint16", "int32", "uint32", "float32"]


@pytest.fixture(scope="module")
def cube() -> Cube:
    """40 x 36 pixels, 24 bands, uint16."""
    found = synthetic.scene(40, 36, sensor=GRID, seed=3).cube
    found.array.flags.writeable = False
    return found


@pytest.fixture(scope="module")
def stream(cube: Cube) -> bytes:
    """3 x 3 tiles, 3 intervals."""
    return hyspec.encode(cube, pack=TINY, tile=(16, 12), intervals=INTERVALS, quality=60)


@pytest.fixture(scope="module")
def decoded(stream: bytes) -> Array:
    samples = hyspec.decode(stream, pack=TINY).array
    samples.flags.writeable = False
    return samples


def rmse(first: Array, second: Array) -> float:
    return float(np.sqrt(np.square(first.astype(np.float64) - second).mean()))


# ---- quality


def analysed(array: Array, **settings: Any) -> tuple[SpectralCoder, SpectralAnalysis]:
    coder = SpectralCoder(MODEL, CoderSettings(**settings))
    return coder, coder.analyse(TileSamples(array, None, SampleType(array.dtype)))


def reconstructed(
    coder: SpectralCoder, analysis: SpectralAnalysis, symbols: SpectralSymbols, bands: int
) -> Array:
    found = np.empty((analysis.tile.rows, analysis.tile.columns, bands))
    for where, planes in coder.synthesise(analysis.tile, symbols, np.arange(bands)):
        found[..., where] = planes.transpose(1, 2, 0)
    return found


def test_finer_steps_cost_more_and_are_nearer(cube: Cube) -> None:
    """Octave by octave; from the one at which the mean is all there is."""
    coder, analysis = analysed(cube.array)
    sizes, wrong, planes = [], [], []
    for step in range(448, 63, -32):
        payload, checksum, symbols = coder.encode(analysis, step)
        read = coder.read(analysis.tile, payload, checksum)
        wrong.append(rmse(reconstructed(coder, analysis, read, 24), cube.array))
        sizes.append(len(payload))
        planes.append(len(symbols.scale))
    assert planes[0] == 0
    assert planes == sorted(planes)
    assert sizes == sorted(sizes)
    assert sizes[-1] > 10 * sizes[0]
    # The tiny networks do not follow to the end; until then half the step is nearer by a good deal.
    assert all(b < 1.05 * a for a, b in pairwise(wrong))
    assert wrong[-1] < 0.3 * wrong[0]


def test_order_of_the_steps_does_not_matter(cube: Cube) -> None:
    """Of what the analysis keeps, nothing is stale: other octaves, the same ones again."""
    coder, analysis = analysed(cube.array[:20, :20])
    alone = {}
    for step in (96, 100, 127, 128, 200):
        alone[step] = coder.encode(analysed(cube.array[:20, :20])[1], step)[:2]
    for step in (128, 96, 200, 100, 96, 127, 128):
        assert coder.encode(analysis, step)[:2] == alone[step]


def test_planes_are_sent_in_the_order_of_their_variance(cube: Cube) -> None:
    coder, analysis = analysed(cube.array)
    symbols = coder.encode(analysis, 96)[2]
    assert len(symbols.scale) > 2
    assert (np.diff(symbols.scale) <= 1).all()  # by one step of their own rounding
    assert symbols.basis.entries.shape == (len(symbols.scale), 24)
    levels = _core.band_levels(symbols.scale, 96, 400)
    assert levels[-1] >= 26  # a variance of about D^2 / 20


def test_the_last_network_is_taken_unless_another_one_is_wanted(cube: Cube) -> None:
    for wanted, number in ((None, 1), (0, 0), (1, 1)):
        coder, analysis = analysed(cube.array, network=wanted)
        symbols = coder.encode(analysis, 128)[2]
        assert symbols.network == number
        assert symbols.latents.shape[1] == MODEL.networks[number].channels


def test_a_wrong_checksum_is_told(cube: Cube) -> None:
    coder, analysis = analysed(cube.array[:9, :9])
    payload, checksum, _ = coder.encode(analysis, 128)
    with pytest.raises(errors.StreamError, match=f"{checksum:08x}"):
        coder.read(analysis.tile, payload, checksum ^ 1)


def test_scenes_gain_from_the_transform(cube: Cube) -> None:
    """At the size that the same networks need band by band, far nearer to the original."""
    bands = hyspec.encode(cube, pack=make_streams.PACK, intervals="all", quality=40)
    rate = 8 * len(bands) / cube.array.size
    planes = hyspec.encode(cube, pack=TINY, bps=rate)
    assert len(planes) < 1.03 * len(bands)
    by_band = rmse(hyspec.decode(bands, pack=make_streams.PACK).array, cube.array)
    assert rmse(hyspec.decode(planes, pack=TINY).array, cube.array) < by_band


# ---- samples


def as_type(cube: Cube, dtype: str) -> Array:
    unit = (cube.array - float(cube.array.min())) / np.ptp(cube.array)
    if np.dtype(dtype).kind == "f":
        return (unit * 0.8 - 0.1).astype(dtype)
    limits = np.iinfo(dtype)
    return (limits.min + unit * (float(limits.max) - limits.min)).astype(dtype)


@pytest.mark.parametrize("dtype", TYPES)
def test_every_sample_type(cube: Cube, dtype: str) -> None:
    """The same scene is as near in all of them, but for the rounding of the coarse ones."""
    array = as_type(cube, dtype)
    data = hyspec.encode(array, pack=TINY, quality=70)
    found = hyspec.decode(data, pack=TINY).array
    assert (found.dtype, found.shape) == (array.dtype, array.shape)
    spread = float(array.astype(np.float64).std())
    assert rmse(found, array.astype(np.float64)) < 0.35 * spread


@pytest.mark.parametrize("dtype", TYPES)
def test_constant_bands_are_exact(cube: Cube, dtype: str) -> None:
    array = as_type(cube, dtype)
    ends = (0.5, -0.25) if array.dtype.kind == "f" else (np.iinfo(dtype).min, np.iinfo(dtype).max)
    array[..., 3], array[..., 17] = ends
    step = {"float_step": 2.0**-12} if array.dtype.kind == "f" else {}
    for quality in (0, 60):
        data = hyspec.encode(array, pack=TINY, quality=quality, **step)
        found = hyspec.decode(data, pack=TINY).array
        np.testing.assert_array_equal(found[..., [3, 17]], array[..., [3, 17]])


@pytest.mark.parametrize("shape", [(1, 1, 1), (1, 1, 30), (20, 17, 1), (3, 4, 60), (1, 40, 5)])
def test_shapes(shape: tuple[int, int, int]) -> None:
    """One pixel and constant cubes come back exactly; the others within their own spread."""
    rng = np.random.default_rng(sum(shape))
    array = rng.normal(1000, 50, (shape[0], shape[1], 1)) + 3 * np.arange(shape[2])
    array = np.rint(array).astype(np.int16)
    found = hyspec.decode(hyspec.encode(array, pack=TINY, quality=90), pack=TINY).array
    assert found.shape == shape
    if shape[:2] == (1, 1):
        np.testing.assert_array_equal(found, array)
    else:
        assert rmse(found, array) < 1.1 * float(array.std(axis=(0, 1)).mean())
    constant = np.broadcast_to(np.arange(shape[2], dtype=np.int16) - 9, shape)
    data = hyspec.encode(constant, pack=TINY, quality=10)
    np.testing.assert_array_equal(hyspec.decode(data, pack=TINY).array, constant)


def test_nodata_comes_back_exactly_and_does_not_disturb(cube: Cube) -> None:
    """What the invalid samples hold makes no difference to the stream but for the value itself."""
    array = cube.array.astype(np.int32)
    array[5:12, 7:20] = -9999
    array[:, 30] = -9999
    array[..., 4] = -9999
    array[20, :, 9] = -9999
    data = hyspec.encode(Cube(array, nodata=-9999.0), pack=TINY, quality=60)
    found = hyspec.decode(data, pack=TINY).array
    lost = array == -9999
    np.testing.assert_array_equal(found == -9999, lost)
    other = np.where(lost, 2**31 - 1, array).astype(np.int32)
    again = hyspec.encode(Cube(other, nodata=2.0**31 - 1), pack=TINY, quality=60)
    np.testing.assert_array_equal(hyspec.decode(again, pack=TINY).array[~lost], found[~lost])
    whole = hyspec.decode(hyspec.encode(cube, pack=TINY, quality=60), pack=TINY).array
    near = rmse(whole[~lost], cube.array[~lost])
    assert rmse(found[~lost], array[~lost]) < 1.5 * near


def test_a_cube_of_nodata() -> None:
    array = np.full((9, 8, 5), 7, np.int16)
    data = hyspec.encode(Cube(array, nodata=7.0), pack=TINY)
    np.testing.assert_array_equal(hyspec.decode(data, pack=TINY).array, array)


# ---- parts of a cube


@pytest.mark.parametrize(
    ("rows", "cols", "bands"),
    [
        ((0, 40), (0, 36), (5, 6)),
        ((15, 17), (11, 13), (0, 24)),
        ((3, 4), (0, 36), (7, 21)),
        ((39, 40), (35, 36), (23, 24)),
    ],
)
def test_parts_equal_the_whole(
    stream: bytes,
    decoded: Array,
    rows: tuple[int, int],
    cols: tuple[int, int],
    bands: tuple[int, int],
) -> None:
    """But for the last digit: bands are made of the planes in other batches."""
    part = hyspec.decode(stream, rows=rows, cols=cols, bands=bands, pack=TINY).array
    whole = decoded[slice(*rows), slice(*cols), slice(*bands)]
    assert part.shape == whole.shape
    assert np.abs(part.astype(np.int64) - whole).max() <= 1


def test_bands_in_any_order(cube: Cube) -> None:
    coder, analysis = analysed(cube.array)
    symbols = coder.encode(analysis, 128)[2]
    whole = reconstructed(coder, analysis, symbols, 24)
    wanted = np.array([23, 0, 7])
    found = np.empty((3, 40, 36))
    for where, planes in coder.synthesise(analysis.tile, symbols, wanted):
        found[where] = planes
    np.testing.assert_allclose(found, whole[..., wanted].transpose(2, 0, 1), rtol=0, atol=1e-6)


# ---- threads, and targets


def test_threads_make_no_difference(cube: Cube, stream: bytes, decoded: Array) -> None:
    settings = {"pack": TINY, "tile": (16, 12), "intervals": INTERVALS, "quality": 60}
    for threads in (1, 2, 5):
        assert hyspec.encode(cube, threads=threads, **settings) == stream
        found = hyspec.decode(stream, pack=TINY, threads=threads).array
        np.testing.assert_array_equal(found, decoded)


@pytest.mark.parametrize("target", [{"bps": 0.3}, {"psnr": 32.0}, {"rmse": 120.0}])
def test_targets_are_met(cube: Cube, target: dict[str, float]) -> None:
    [(name, wanted)] = target.items()
    peak = float(cube.array.max()) - float(cube.array.min())
    data = hyspec.encode(cube, pack=TINY, tile=(16, 12), **target)
    wrong = rmse(hyspec.decode(data, pack=TINY).array, cube.array)
    if name == "bps":
        assert 8 * len(data) / cube.array.size == pytest.approx(wanted, rel=0.02)
    elif name == "psnr":
        assert 20 * np.log10(peak / wrong) == pytest.approx(wanted, abs=0.2)
    else:
        assert wrong == pytest.approx(wanted, rel=0.02)


@pytest.mark.parametrize("valid", [1, 3, 20])
def test_a_few_valid_pixels_of_a_large_tile(valid: int) -> None:
    rng = np.random.default_rng(valid)
    array = np.full((256, 256, 6), -9999, np.int16)
    rows, columns = rng.integers(0, 256, (2, valid))
    array[rows, columns] = rng.integers(0, 3000, (valid, 6))
    cube = Cube(array, nodata=-9999.0)
    decoded = hyspec.decode(hyspec.encode(cube, quality=100)).array
    np.testing.assert_array_equal(decoded == -9999, array == -9999)
    assert np.abs(decoded.astype(int) - array)[array != -9999].max() <= 8


def test_one_pixel_unlike_all_others_is_coded() -> None:
    array = np.full((256, 256, 6), 100, np.uint16)
    array[101, 77] = [60000, 10, 30000, 100, 5000, 65535]
    decoded = hyspec.decode(hyspec.encode(array, quality=100)).array
    assert np.abs(decoded.astype(int) - array).max() <= 64


@pytest.mark.parametrize("dtype", ["int32", "uint32"])
def test_extreme_samples_of_all_bands_at_once(dtype: str) -> None:
    limits = np.iinfo(dtype)
    ends = np.random.default_rng(3).integers(0, 2, (16, 16, 1)) * np.ones(20, int)
    array = np.where(ends == 0, limits.min, limits.max).astype(dtype)
    decoded = hyspec.decode(hyspec.encode(array, quality=60)).array
    error = np.abs(decoded.astype(np.float64) - array.astype(np.float64))
    assert error.max() < 2**31 * 0.2
