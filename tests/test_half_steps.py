"""What half steps of latents stand for in samples: section 6.2 of docs/spectral_profile.md."""

from __future__ import annotations

import numpy as np
import pytest

import hyspec
from hyspec import _core
from payload_cases import Int32Array, positions
from reference import container_builder, streams
from reference.container import TYPES
from reference_cases import SPECTRAL as PLAIN
from small_streams import SPECTRAL
from spectral_payload_cases import SpectralContent


def stream(network: int, latents: Int32Array, *, dependent: bool) -> bytes:
    """One tile of three bands that vary, from three planes at even levels of quantiser 0."""
    content = SpectralContent(
        tile=_core.BandTile(3, 16, 24),
        step=32,
        network=network,
        valid=None,
        varies=np.ones(3, np.uint8),
        mean=np.array([4, 5, -6], np.int32),
        scale=np.array([250, 240, 200], np.int32),
        entries=np.array([[9, 1, 2], [1, -8, 0], [0, 1, 7]], np.int32),
        dependent=dependent,
        latents=latents,
    )
    forger = SPECTRAL.forger.single((16, 24, 3), *content.write(SPECTRAL.networks))
    forger.fields[3] = bytes([TYPES.index("float64")]) + container_builder.f64(1.0)
    return bytes(forger.seal())


@pytest.mark.parametrize("network", [0, 1])
def test_quantisers_that_take_turns_have_wider_steps(network: int) -> None:
    """By a quarter: 8 half steps of theirs are 10 of the others."""
    stride, model = SPECTRAL.networks[network]
    shape = (3, model.channels, positions(_core.BandTile(3, 16, 24), stride))
    integers = np.random.default_rng(5).integers(-9, 10, shape).astype(np.int32)
    turning = stream(network, 8 * integers, dependent=True)
    plain = stream(network, 10 * integers, dependent=False)
    found = hyspec.decode(turning, pack=SPECTRAL.pack).array
    assert np.ptp(found) > 1000
    np.testing.assert_array_equal(found, hyspec.decode(plain, pack=SPECTRAL.pack).array)
    narrow = stream(network, 8 * integers, dependent=False)
    other = hyspec.decode(narrow, pack=SPECTRAL.pack).array
    assert np.abs(found - other).max() > 100
    # One whole number apart at most from what the document says, as read in plain Python.
    for data in (turning, narrow):
        expected = streams.read_cube(data, PLAIN.pack)
        first = hyspec.decode(data, pack=SPECTRAL.pack).array
        assert np.abs(first - expected).max() <= 1 + 1e-6 * np.ptp(expected)
