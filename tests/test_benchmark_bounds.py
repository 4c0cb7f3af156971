"""The benchmark of bounded errors: what is compared, and which way round its figures are."""

import importlib.util

import numpy as np
import pytest

from hyspec import Cube, io
from hyspec_bench import bounds, scenes, turns

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("hyspec_bench._ccsds123") is None, reason="needs _ccsds123"
)


@pytest.fixture(autouse=True)
def seconds(monkeypatch):
    """Turns that take 1, 2, 4 and 8 seconds."""
    monkeypatch.setattr(turns, "medians", lambda work, *_: [2.0**k for k in range(len(work))])


def scene(array):
    return scenes.Scene("scene", None, Cube(array), 1, "")


@pytest.fixture
def array():
    rng = np.random.default_rng(3)
    smooth = np.add.outer(np.arange(20) ** 2, 7 * np.arange(30))[:, :, None] * np.arange(1, 13)
    return (smooth // 4 + rng.integers(0, 9, smooth.shape)).astype(np.uint16)


def test_figures(array):
    row = bounds.measure(scene(array), 2, 1, None)
    million = array.size / 1e6
    assert row.encode_speed == million
    assert row.tuned_encode_speed == million / 2
    assert row.decode_speed == million / 4
    assert row.tuned_decode_speed == million / 8
    assert row.saved == 1 - row.bps / min(row.default_bps, row.tuned_bps)
    assert row.max_error == 2
    assert bounds.measure(scene(array), 0, 1, None).bps > row.bps > 0


def test_bands_of_a_prediction(array):
    rates = {bounds.measure(scene(array), 0, 1, bands).bps for bands in (1, 8)}
    assert len(rates) == 2


def test_uint32():
    array = np.random.default_rng(1).integers(2**32 - 999, 2**32, (4, 5, 6), dtype=np.uint32)
    assert np.array_equal(bounds.to_chunk(array)[3].astype(np.int64) + 2**31, array[:, :, 3])


def test_program(array, tmp_path, monkeypatch, capsys):
    for name, value in turns.ONE_THREAD.items():
        monkeypatch.setenv(name, value)
    io.write(tmp_path / "scene.hdr", Cube(array))
    assert bounds.main([str(tmp_path / "scene.hdr"), "--limits", "0", "3"]) == 0
    out = capsys.readouterr().out.splitlines()
    assert [text.split()[:2] for text in out[3:5]] == [["scene", "0"], ["scene", "3"]]
    assert out[5].startswith("m = 0: ") and out[6].startswith("m = 3: ")
