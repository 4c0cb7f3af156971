"""What the encoder measures of bands at the ends of the range of whole numbers."""

import numpy as np
import pytest

import hyspec
from hyspec import Cube, pack
from hyspec.band_profile import BandCoder
from hyspec.sample_type import SampleType

LOWEST, HIGHEST = -(2**31), 2**31 - 1


def measure(path, array):
    loaded = pack.load(path)
    coder = BandCoder(loaded, loaded.models[0])
    return coder.analyse(array, None, SampleType(array.dtype))


@pytest.mark.parametrize("dtype", ["int32", "uint32"])
def test_means_at_the_ends_of_the_range(tiny_pack, dtype):
    """Means lie among the samples: none of them leaves int32, in any unit."""
    ends = np.iinfo(dtype)
    array = np.empty((20, 24, 6), dtype)
    array[..., :2] = ends.min, ends.max
    array[..., 2:4] = ends.min, ends.max
    array[3, 4, 2:4] += np.array([1, -1]).astype(dtype)
    array[..., 4:] = ends.min, ends.max
    array[0, 0, 4:] = ends.max, ends.min
    found = measure(tiny_pack, array)
    assert found.mean[:4].tolist() == [LOWEST, HIGHEST, LOWEST, HIGHEST]
    assert found.scale[:2].tolist() == [0, 0]
    assert found.mean[4] < 0 < found.mean[5]  # in units of an eighth of a huge deviation
    unit = 2.0 ** np.maximum(0, (found.scale[4:] - 65) // 16 - 3)
    shift = 2**31 if dtype == "uint32" else 0
    expected = array[..., 4:].mean(axis=(0, 1), dtype=np.float64) - shift
    assert np.abs(found.mean[4:] * unit - expected).max() <= unit.max() / 2

    data = hyspec.encode(Cube(array), pack=tiny_pack, intervals="1-6")
    decoded = hyspec.decode(data, pack=tiny_pack).array
    np.testing.assert_array_equal(decoded[..., :2], array[..., :2])


def test_a_mean_beyond_the_range_is_clipped(tiny_pack, monkeypatch):
    """As the sum of very many samples at the end of the range may leave it, by rounding."""
    from hyspec import band_profile

    measured = np.array([HIGHEST + 1.0, LOWEST - 1.0]), np.zeros(2)
    monkeypatch.setattr(band_profile, "_statistics", lambda *_: measured)
    array = np.broadcast_to(np.array([HIGHEST, LOWEST], np.int32), (4, 4, 2))
    assert measure(tiny_pack, array).mean.tolist() == [HIGHEST, LOWEST]
