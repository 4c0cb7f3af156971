"""Features from streams: those of the decoded samples, without decoding a sample."""

from dataclasses import replace

import numpy as np
import pytest

import hyspec
from hyspec import Cube, synthetic
from hyspec.analysis import stream_features
from hyspec.errors import DataError, UsageError


@pytest.fixture(scope="module")
def cube(grid):
    scene = synthetic.scene(40, 48, sensor=grid, seed=2).cube
    return replace(scene, array=scene.array + 2000)  # far from 0, where decoders would clip


@pytest.fixture(scope="module", params=["one tile", "tiles", "intervals", "float"])
def coded(request, cube, tiny_spectral_pack):
    """A stream, its pack, and what decoding it gives."""
    options = {
        "one tile": {},
        "tiles": {"tile": 16},
        "intervals": {"intervals": "auto"},
        "float": {"tile": 16},
    }[request.param]
    if request.param == "float":
        cube = Cube((cube.array / 1000).astype(np.float32))
    data = hyspec.encode(cube, pack=tiny_spectral_pack, quality=80, **options)
    with hyspec.Stream(data, pack=tiny_spectral_pack) as stream:
        yield stream, stream.read().array


def test_features_are_those_of_the_decoded_samples(coded):
    stream, decoded = coded
    found = stream_features.frame(stream, 6)
    step = np.diff(np.unique(decoded)).min() if decoded.dtype.kind == "f" else 1.0
    # Samples are rounded to steps, which moves a feature by half a step per band at most.
    most = 0.5 * step * np.abs(found.axes).sum(axis=1) * 1.01 + 1e-3 * step
    expected = found.of_spectra(decoded.astype(np.float64))
    actual = stream_features.features(stream, found)
    assert actual.shape == (40, 48, 6)
    assert (np.abs(actual - expected) <= most).all()


def test_the_frame_is_that_of_the_principal_components(coded):
    """The first axis catches as much of the decoded scene's variance as its best one."""
    stream, decoded = coded
    found = stream_features.frame(stream, 4)
    np.testing.assert_allclose(found.axes @ found.axes.T, np.eye(4), atol=1e-9)
    if len(stream.intervals) > 1:  # what intervals have in common is not known
        return
    flat = decoded.reshape(-1, decoded.shape[2]).astype(np.float64)
    best = np.linalg.eigvalsh(np.cov(flat.T))[::-1]
    np.testing.assert_allclose(found.of_spectra(flat).var(axis=0)[:2], best[:2], rtol=0.01)


def test_one_frame_serves_streams_of_other_rates(cube, tiny_spectral_pack):
    streams = [
        hyspec.Stream(
            hyspec.encode(cube, pack=tiny_spectral_pack, quality=quality), pack=tiny_spectral_pack
        )
        for quality in (80, 60)
    ]
    found = stream_features.frame(streams[0], 3)
    fine, coarse = (stream_features.features(stream, found) for stream in streams)
    assert np.corrcoef(fine[..., 0].ravel(), coarse[..., 0].ravel())[0, 1] > 0.99


def test_what_has_no_planes(tiny_pack, cube, tiny_spectral_pack):
    stream = hyspec.Stream(hyspec.encode(cube, pack=tiny_pack, quality=60), pack=tiny_pack)
    with pytest.raises(UsageError, match="profile 'band' has no planes"):
        stream_features.frame(stream, 3)
    stream = hyspec.Stream(
        hyspec.encode(cube, pack=tiny_spectral_pack, quality=60), pack=tiny_spectral_pack
    )
    with pytest.raises(UsageError, match="25 features; expected 1 to 24"):
        stream_features.frame(stream, 25)
    other = stream_features.Frame(np.zeros(3), np.eye(3))
    with pytest.raises(DataError, match="the frame has 3 bands, the stream 24"):
        stream_features.features(stream, other)
    with pytest.raises(DataError, match="the frame has 3 bands"):
        other.of_spectra(np.zeros((2, 4)))
