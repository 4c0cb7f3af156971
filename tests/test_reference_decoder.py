"""A second decoder, written from the documents in plain Python, decodes what hyspec encodes."""

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

import hyspec
from golden import make_streams
from hyspec import _core
from reference import band, spectral, streams
from reference_cases import BAND, SPECTRAL, Decoders, check_equal
from spectral_payload_cases import SpectralContent

#: Cubes and the options that they are encoded with.
Cases = dict[str, tuple[Callable[[], Any], dict[str, Any]]]


def scene(rows: int, columns: int, bands: int, dtype: str = "uint16") -> npt.NDArray[Any]:
    """Smooth fields with an edge and some noise, around 1000."""
    rng = np.random.default_rng(rows * columns + bands)
    y, x = np.mgrid[:rows, :columns] / 8.0
    field = np.sin(x + y)[..., None] * np.arange(1, bands + 1) * 40 + (x > y)[..., None] * 90
    cube: npt.NDArray[Any] = np.rint(1000 + field + rng.normal(0, 2, field.shape)).astype(dtype)
    return cube


def signed_with_masks() -> hyspec.Cube:
    cube = scene(21, 18, 5, "int16") - 1100
    cube[:5, :7] = -9999
    cube[10:, 3:9, 2] = -9999
    cube[..., 4] = -9999
    return hyspec.Cube(cube.astype(np.int16), nodata=-9999.0)


def floating() -> hyspec.Cube:
    cube = scene(17, 19, 4).astype(np.float32) / np.float32(7)
    cube[3:6, 4:9] = np.nan
    return hyspec.Cube(cube)


def lone_peaks() -> hyspec.Cube:
    """The ends of the range, dozens of standard deviations away from all other samples."""
    cube = np.zeros((40, 40, 2), np.int32)
    cube[20, 20] = 2**31 - 1
    cube[3, 3, 1] = -(2**31)
    return hyspec.Cube(cube)


def constant_bands() -> hyspec.Cube:
    cube = scene(9, 9, 6, "uint32")
    cube[..., 1] = 2**32 - 1
    cube[..., 3] = 0
    return hyspec.Cube(cube)


def around_nodata(dtype: str) -> hyspec.Cube:
    """A band that is coded as its mean, which is nodata, though none of its samples is."""
    cube = scene(16, 16, 2, "int16")
    cube[..., 0] = 99 + 2 * (np.indices((16, 16)).sum(axis=0) % 2)
    cube[0, 0, 1] = 100
    return hyspec.Cube(cube.astype(dtype), nodata=100.0)


BAND_CASES: Cases = {
    "tiles-and-intervals": (
        lambda: scene(37, 26, 7),
        {"tile": (16, 10), "intervals": "1-2,3-6,7-7", "quality": 70},
    ),
    "signed-with-masks": (signed_with_masks, {"tile": 8, "quality": 80, "intervals": "1-3,4-5"}),
    "float": (floating, {"quality": 90}),
    "float64-with-nodata": (
        lambda: hyspec.Cube(scene(8, 8, 3, "float64"), nodata=1000.0),
        {"quality": 60, "float_step": 0.25},
    ),
    "lone-peaks": (lone_peaks, {"quality": 100}),
    "constant-bands": (constant_bands, {"quality": 40, "intervals": "1-6"}),
    "one-pixel": (lambda: scene(1, 1, 3), {}),
    "uint8-clipped": (lambda: (scene(16, 16, 2) > 1040).astype(np.uint8) * 255, {"quality": 20}),
    "nodata-is-the-largest": (
        lambda: hyspec.Cube((scene(16, 16, 2) > 1040).astype(np.uint8) * 254, nodata=255.0),
        {"quality": 20},
    ),
    "mean-is-nodata": (lambda: around_nodata("int16"), {"quality": 0}),
    "mean-is-nodata-float": (lambda: around_nodata("float32"), {"quality": 0}),
    "mean-is-nodata-small-step": (
        lambda: around_nodata("float32"),
        {"quality": 0, "float_step": 2.0**-20},
    ),
    "lowest-quality": (lambda: scene(24, 24, 4), {"quality": 0}),
}


SPECTRAL_CASES: Cases = {
    name.removeprefix("spectral-"): ((lambda cube=cube: cube), options)
    for name, (cube, options) in make_streams.CUBES.items()
    if name.startswith("spectral-")
}


@pytest.mark.parametrize(
    ("decoders", "make", "options"),
    [
        *(pytest.param(BAND, *case, id=f"band-{name}") for name, case in BAND_CASES.items()),
        *(
            pytest.param(SPECTRAL, *case, id=f"spectral-{name}")
            for name, case in SPECTRAL_CASES.items()
        ),
    ],
)
def test_symbols_and_pixels(
    decoders: Decoders, make: Callable[[], Any], options: dict[str, Any]
) -> None:
    cube = make()
    data = hyspec.encode(cube, pack=decoders.path, **options)
    check_symbols(decoders, data)
    first = hyspec.decode(data, pack=decoders.path).array
    second = streams.read_cube(data, decoders.pack)
    assert first.dtype == second.dtype
    header, _ = _core.parse_preamble(data)
    unit = header.step or 1
    # Nodata is exact, and so are bands without latents.
    original = cube.array if isinstance(cube, hyspec.Cube) else cube
    lost = np.isnan(first)
    if header.nodata is not None:
        lost |= first == header.nodata
        np.testing.assert_array_equal(lost, original == header.nodata)
    np.testing.assert_array_equal(np.isnan(first), np.isnan(original))
    np.testing.assert_array_equal(first[lost], second[lost])
    # One part in a million of the deviation where that is more than a whole number.
    slack = unit * (1 + 1e-6 * largest_sigma(decoders, data))
    difference = np.abs(first[~lost].astype(np.float64) - second[~lost].astype(np.float64))
    assert difference.max(initial=0) <= slack


def largest_sigma(decoders: Decoders, data: bytes) -> float:
    _, _, chunks = streams.read_chunks(data, decoders.pack)
    return max((band.sigma(s) for c in chunks for s in c.symbols.scale), default=0.0)


def check_symbols(decoders: Decoders, data: bytes) -> None:
    """Both decoders see the same symbols in every chunk."""
    _, rows, chunks = streams.read_chunks(data, decoders.pack)
    index = _core.read_index(data, *_core.parse_preamble(data))
    assert index.rows == rows
    shared: dict[tuple[int, int], _core.SharedBasis] = {}
    for chunk, entry in zip(chunks, index.chunks, strict=True):
        assert (chunk.tile, chunk.interval) == (entry.tile, entry.interval)
        info = _core.check_chunk(data, entry)
        payload = data[info.payload_offset : info.payload_offset + info.payload_length]
        tile = _core.BandTile(chunk.size.bands, entry.rows, chunk.size.columns)
        if decoders is SPECTRAL:
            back = _core.spectral_payload_back(payload)
            if not back:
                basis = _core.decode_spectral_basis(len(decoders.core), tile, payload)
                shared[entry.tile, entry.interval] = basis
            carrier = shared[entry.tile - back, entry.interval] if back else None
            found, checksum = SpectralContent.read(decoders.core, tile, payload, carrier)
            check_equal(found, checksum, chunk.symbols)
        else:
            check_equal(*decoders.content.read(decoders.core, tile, payload), chunk.symbols)
        assert chunk.symbols.checksum == info.symbols_crc


def symbols_of(decoders: Decoders, cases: Cases) -> dict[str, list[Any]]:
    """Those of every chunk, as the plain Python decoder finds them."""
    seen = {}
    for name, (make, options) in cases.items():
        data = hyspec.encode(make(), pack=decoders.path, **options)
        seen[name] = [chunk.symbols for chunk in streams.read_chunks(data, decoders.pack)[2]]
    return seen


def test_the_band_streams_show_what_they_are_for() -> None:
    """Both networks, inactive bands, the highest level, masks: all occur."""
    seen = symbols_of(BAND, BAND_CASES)
    with_latents = [s for symbols in seen.values() for s in symbols if s.latents]
    assert {s.network for s in with_latents} == {0, 1}
    assert max(len(s.latents) for s in with_latents) > 3
    highest = BAND.networks[1].levels - 1
    assert highest in {n for s in seen["lone-peaks"] for n in s.levels}
    assert {None} < {n for s in seen["lowest-quality"] for n in s.levels}
    assert any(s.valid is not None for s in seen["signed-with-masks"])
    assert len(seen["tiles-and-intervals"]) == 27
    for name, mean in (("mean-is-nodata", 100), ("mean-is-nodata-small-step", 100 * 2**20)):
        assert seen[name][0].levels[0] is None
        assert seen[name][0].mean[0] * 2 ** band.exponent(seen[name][0].scale[0]) == mean
    constant = seen["constant-bands"][0]
    assert (constant.scale[1], constant.mean[1]) == (0, 2**31 - 1)


def test_the_spectral_streams_show_what_they_are_for() -> None:
    """Both networks, several planes, bands that do not vary, no planes at all: all occur."""
    seen = symbols_of(SPECTRAL, SPECTRAL_CASES)
    everything = [symbols for found in seen.values() for symbols in found]
    assert {s.network for s in everything if s.latents} == {0, 1}
    assert {min(len(s.latents), 4) for s in everything} >= {0, 1, 2, 4}
    assert any(s.valid is not None for s in seen["int16-nodata"])
    assert seen["uint8-constant-bands"][0].varies == [1, 0, 0, 1, 1]
    assert seen["uint8-constant-bands"][0].mean[1:3] == [255, 0]
    assert len(seen["tiles-2d"]) == 18
    shared = [s for s in seen["shared-basis"] if s.back]
    assert {s.back for s in shared} >= {1, 2, 3}
    assert {sum(s.varies) for s in shared} >= {48, 47, 1}  # of the carrier, all vary
    assert any(len(s.scale) < len(s.basis.entries) for s in shared)
    assert all(len(s.basis.sizes) == 3 for s in seen["joint"])
    assert all(s.varies[10] == 0 for s in seen["bad-bands-dropped"][1::2])
    assert any(spectral.exponent(1, s.step, s.fineness) > 0 for s in everything if s.latents)
    assert {s.dependent for s in everything if len(s.latents) > 1} == {False, True}
    odd = [s for s in everything if any((z & 1).any() for z in s.latents)]
    assert odd
    assert all(s.dependent for s in odd)


def test_levels_of_bands() -> None:
    """The core chooses those of the plain Python decoder; inactive bands have none."""
    for name, found in symbols_of(BAND, BAND_CASES).items():
        for symbols in found:
            levels = [-1 if n is None else n for n in symbols.levels]
            scale, most = np.array(symbols.scale, np.int32), BAND.networks[symbols.network].levels
            assert _core.band_levels(scale, symbols.step, most).tolist() == levels, name


def test_the_synthesis_sees_its_neighbours_and_the_level() -> None:
    """Section 6.2: own latents, the band before, the band after, and the octave, in this order."""
    network = BAND.networks[1]
    rng = np.random.default_rng(5)
    latents = [rng.integers(-9, 10, (network.channels, 2, 3)) for _ in range(3)]
    alone = band.synthesise(network, [latents[1]] * 3, [64, 64, 64])[1]
    found = band.synthesise(network, latents, [64, 64, 64])[1]
    slope = band.synthesise(network, [latents[2] - latents[0]], [64])[0]
    share = 0.02 / (1 + 64 / 32)
    np.testing.assert_allclose(found, alone + share * slope, atol=1e-5)
    assert np.abs(slope * share).max() > 1e-3
