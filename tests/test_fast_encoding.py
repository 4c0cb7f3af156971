"""The option ``fast``: latents are rounded one by one."""

import numpy as np
import pytest

import hyspec
from hyspec import Stream, metrics
from hyspec.errors import UsageError
from hyspec_tools.encode import main


def quantisers_take_turns(data, pack):
    """Whether they do, in all chunks that have planes."""
    stream = Stream(data, pack=pack)
    chunks = [stream._chunks.symbols(tile, 0) for tile in stream.tiles()]
    [found] = {bool(symbols.dependent) for symbols in chunks if len(symbols.scale)}
    return found


@pytest.mark.parametrize("quality", [20, 45, 70])
def test_streams_are_valid_and_larger(tiny_spectral_pack, scene_cube, quality):
    settings = {"pack": tiny_spectral_pack, "quality": quality}
    sizes, errors = [], []
    for fast in (False, True, np.True_):
        data = hyspec.encode(scene_cube, fast=fast, **settings)
        assert quantisers_take_turns(data, tiny_spectral_pack) is (not fast)
        decoded = hyspec.decode(data, pack=tiny_spectral_pack)
        sizes.append(len(data))
        errors.append(metrics.rmse(scene_cube, decoded))
    assert sizes[1] == sizes[2]
    # About 6 dB are worth a bit for each of the samples that have any.
    assert np.log2(sizes[0]) + np.log2(errors[0]) < np.log2(sizes[1]) + np.log2(errors[1])
    assert 0.8 < errors[0] / errors[1] < 1.25


def test_without_it_quantisers_take_turns(tiny_spectral_pack, scene_cube):
    data = hyspec.encode(scene_cube, pack=tiny_spectral_pack)
    assert data == hyspec.encode(scene_cube, pack=tiny_spectral_pack, fast=False)


def test_targets_are_met(tiny_spectral_pack, scene_cube):
    like = hyspec.encode(scene_cube, pack=tiny_spectral_pack, quality=40, fast=True)
    bps = 8 * len(like) / scene_cube.array.size
    data = hyspec.encode(scene_cube, pack=tiny_spectral_pack, bps=bps, fast=True)
    assert 8 * len(data) / scene_cube.array.size == pytest.approx(bps, rel=0.03)


def test_program(run, out, tiny_spectral_pack, scene_hdr):
    pack = ["--pack", tiny_spectral_pack]
    assert run(main, scene_hdr, out, *pack, "--fast", "--quiet").code == 0
    assert not quantisers_take_turns(out.read_bytes(), tiny_spectral_pack)


def test_band_has_no_search(run, out, tiny_pack, scene_hdr, scene_cube):
    with pytest.raises(UsageError, match="no search") as caught:
        hyspec.encode(scene_cube, pack=tiny_pack, fast=True)
    assert "leave it out" in caught.value.hint
    done = run(main, scene_hdr, out, "--pack", tiny_pack, "--fast")
    assert done.code != 0
    assert not out.exists()


@pytest.mark.parametrize("value", [1, "yes", None])
def test_other_values_are_refused(value):
    with pytest.raises(UsageError, match=r"fast is .*; expected True or False"):
        hyspec.EncodeOptions(fast=value)
