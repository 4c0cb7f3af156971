"""Symbols at the ends of their ranges, behind correct checksums: finite samples, no warnings."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from band_payload_cases import BandContent
from half_steps import half_steps
from hyspec import _core, plane_networks
from payload_cases import HIGHEST, LOWEST, MAX_SCALE, Array, Content, Int32Array, positions
from reference import container_builder as b
from reference.container import TYPES
from small_streams import BAND, SPECTRAL, SmallStream
from spectral_payload_cases import SpectralContent

each_sample_type = pytest.mark.parametrize("sample_type", TYPES)
each_network = pytest.mark.parametrize("network", [0, 1])


def extreme_latents(count: int, tile: _core.BandTile, network: Any, value: int) -> Int32Array:
    """One value, and the opposite one in every other channel."""
    stride, model = network
    latents = np.full((count, model.channels, positions(tile, stride)), value, np.int32)
    latents[:, ::2] = -1 - latents[:, ::2]
    return latents


def decoded(
    stream: SmallStream,
    content: Content,
    sample_type: str,
    float_step: float | None,
    nodata_values: tuple[float | None, ...],
) -> Iterator[Array]:
    """Samples of streams that hold the content alone, for each value of nodata."""
    tile = content.tile
    shape = (tile.rows, tile.columns, tile.bands)
    forger = stream.forger.single(shape, *content.write(stream.networks))
    forger.fields[3] = bytes([TYPES.index(sample_type)])
    forger.fields[3] += b"" if float_step is None else b.f64(float_step)
    for nodata in nodata_values:
        forger.fields.pop(13, None)
        if nodata is not None:
            forger.fields[13] = b.f64(nodata)
        found = stream.decode(forger.seal())
        assert found.shape == shape
        assert found.dtype == sample_type
        assert np.isfinite(found).all()
        yield found


# ---- the band profile


def two_bands(network: int, scale: int, mean: int, step: int, latent: int) -> BandContent:
    tile, (_, model) = _core.BandTile(2, 8, 9), BAND.networks[network]
    scales, means = np.full(2, scale, np.int32), np.full(2, mean, np.int32)
    active = int((_core.band_levels(scales, step, model.levels) >= 0).sum())
    latents = extreme_latents(active, tile, BAND.networks[network], latent)
    return BandContent(tile, step, network, None, scales, means, latents)


@each_network
@each_sample_type
def test_bands(sample_type: str, network: int) -> None:
    steps = (5e-324, 1e-30, 1.0, 1e38, 1e308) if sample_type.startswith("float") else (None,)
    contents = [
        two_bands(network, scale, mean, step, latent)
        for scale in (0, 1, MAX_SCALE)
        for mean in (LOWEST, HIGHEST)
        for step in (_core.MIN_STEP, _core.MAX_STEP)
        for latent in (0, LOWEST, HIGHEST)
    ]
    for float_step in steps:
        for content in contents:
            nodata = (None, -999.0, 1e300, math.inf, math.nan)
            assert len(list(decoded(BAND, content, sample_type, float_step, nodata))) == 5


# ---- the spectral profile


def three_bands(
    network: int, scale: int, mean: int, step: int, latent: int, entries: list[list[int]]
) -> SpectralContent:
    """Two bands that vary and one that does not, with as many planes as rows are given."""
    tile, planes = _core.BandTile(3, 8, 9), len(entries)
    return SpectralContent(
        tile,
        step,
        network,
        None,
        varies=np.array([1, 0, 1], np.uint8),
        mean=np.full(3, mean, np.int32),
        scale=np.full(planes, scale, np.int32),
        entries=np.array(entries, np.int32).reshape(-1, 2),
        dependent=network == 1,
        latents=half_steps(
            extreme_latents(planes, tile, SPECTRAL.networks[network], latent), network == 1
        ),
    )


BASES: list[list[list[int]]] = [
    [],
    [[0, 0]],
    [[LOWEST, HIGHEST], [HIGHEST, LOWEST]],
    [[LOWEST, LOWEST], [LOWEST, LOWEST]],
]


@each_network
@each_sample_type
def test_planes(sample_type: str, network: int) -> None:
    steps = (5e-324, 1.0, 1e308) if sample_type.startswith("float") else (None,)
    contents = [
        (mean, three_bands(network, scale, mean, step, latent, entries))
        for entries in BASES
        for mean in (LOWEST, HIGHEST)
        for scale in (1, MAX_SCALE)
        for step in (_core.MIN_STEP, _core.MAX_STEP)
        for latent in (0, LOWEST, HIGHEST)
    ]
    for float_step in steps:
        for mean, content in contents:
            nodata = (None, -999.0, math.nan)
            for found in decoded(SPECTRAL, content, sample_type, float_step, nodata):
                check_constant(found[..., 1], mean, sample_type, float_step)


def check_constant(band: Array, mean: int, sample_type: str, float_step: float | None) -> None:
    """A band that does not vary is exact, whatever the planes are."""
    assert (band == band[0, 0]).all()
    if float_step is None:
        limits = np.iinfo(sample_type)
        shift = 2**31 if sample_type == "uint32" else 0
        assert band[0, 0] == np.clip(mean + shift, limits.min, limits.max)


def test_planes_that_are_not_finite_spare_bands_that_do_not_vary(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As networks may return them for extreme latents."""

    def infinite(*arguments: Any, **_: Any) -> Any:
        tile, which = arguments[1], arguments[-1]
        return np.full((len(which), tile.rows, tile.columns), np.inf, np.float32)

    monkeypatch.setattr(plane_networks, "synthesise", infinite)
    content = three_bands(0, MAX_SCALE, 7, 0, 1, [[3, 4]])
    for found in decoded(SPECTRAL, content, "int16", None, (-999.0,)):
        np.testing.assert_array_equal(found[..., 1], 7)
