"""The refinement of decoded planes: what it sees, what it changes, and who leaves it out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

import hyspec
from golden import make_streams
from hyspec import Cube, _core, errors, inference, pack, plane_networks, refinement
from pack_files import replace
from refinement_cases import weighted_sum, with_refinement

Array = npt.NDArray[Any]
PLAIN: Path = make_streams.SPECTRAL_PACK
#: A correction that is easy to see: half of the plane, less a quarter of the plane after it.
WEIGHTS = [0.5, 0.0, -0.25, 0.0, 0.0, 0.0, 0.0, 0.0]


@pytest.fixture(scope="module")
def refining(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("packs") / "refining"
    return with_refinement(PLAIN, folder, weighted_sum(WEIGHTS))


@pytest.fixture(scope="module")
def stream(refining: Path, scene_cube: Cube) -> bytes:
    return hyspec.encode(scene_cube, pack=refining, quality=50, tile=(16, 36))


def planes_of(count: int, rows: int, columns: int) -> npt.NDArray[np.float32]:
    rng = np.random.default_rng(count)
    return rng.normal(0, 100, (count, rows, columns)).astype(np.float32)


# ---- what the network sees


def test_planes_around_a_plane() -> None:
    """Itself, before, after, two before, two after, and the first ones before all of these."""
    planes = np.arange(1.0, 7.0, dtype=np.float32)[:, None, None] * np.ones((6, 2, 3), np.float32)
    seen = [refinement.surrounding(planes, k)[:, 0, 0].tolist() for k in (0, 3, 5)]
    assert seen == [
        [1, 0, 2, 0, 3, 0, 0, 0],
        [4, 3, 5, 2, 6, 1, 0, 0],
        [6, 5, 0, 4, 0, 1, 2, 3],
    ]
    assert refinement.surrounding(planes[:1], 0)[:, 1, 2].tolist() == [1, 0, 0, 0, 0, 0, 0, 0]


@pytest.mark.parametrize("batch", [1 << 17, 1])
def test_units_edges_and_levels(batch: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Planes in quantiser steps, extended to whole strides; whatever fits into a batch."""
    network = pack.load(PLAIN).models[0].networks[1]
    tile, step = _core.BandTile(9, 11, 13), 40
    planes, levels = planes_of(4, 11, 13), np.array([100, 64, 16, 0], np.int32)
    unit = 8 * 2 ** (step / 32)
    seen: list[tuple[Array, Array]] = []

    def network_of(graph: bytes, *, optimise: bool) -> Any:
        assert graph == b"graph"
        assert not optimise

        def run(x: Array, octave: Array) -> Array:
            seen.append((x, octave))
            return 0.5 * x[:, :1] + octave

        return run

    monkeypatch.setattr(inference, "network", network_of)
    monkeypatch.setattr(plane_networks, "_BATCH_SAMPLES", batch)
    found = refinement.refined(network, b"graph", tile, planes, levels, step, optimise=False)
    assert len(seen) == (1 if batch > 1 else 4)
    x, octave = (np.concatenate(parts) for parts in zip(*seen, strict=True))
    assert x.dtype == octave.dtype == np.float32
    assert x.shape == (4, 8, 16, 16)
    np.testing.assert_allclose(x[:, 0, :11, :13], planes / unit, rtol=1e-6)
    np.testing.assert_array_equal(x[:, :, 11:], x[:, :, 10:11].repeat(5, 2))
    np.testing.assert_array_equal(x[..., 13:], x[..., 12:13].repeat(3, 3))
    assert octave.ravel().tolist() == [100 / 32, 2, 0.5, 0]
    expected = 1.5 * planes + unit * (levels / 32)[:, None, None]
    np.testing.assert_allclose(found, expected, rtol=1e-5)


def test_strips_leave_no_seams(monkeypatch: pytest.MonkeyPatch) -> None:
    """Large planes are cut; with the shipped network, corrections are those of the whole planes."""
    network = pack.load("generic-spectral").models[0].networks[0]
    graph = network.refinement
    assert graph is not None
    tile, levels = _core.BandTile(9, 250, 41), np.array([200, 100, 80], np.int32)
    y, x = np.mgrid[:250, :41]
    planes = planes_of(3, 250, 41) / 20 + (40 * np.sin(y / 9 + x / 5)).astype(np.float32)

    def refined() -> Array:
        return refinement.refined(network, graph, tile, planes, levels, 0, optimise=True)

    whole = refined()
    assert np.abs(whole - planes).std() > 0.1
    monkeypatch.setattr(refinement, "_STRIP_SAMPLES", 70 * 48)
    strips = refinement._strips(256, 48, 8)
    assert [s.start for s in strips] == [0, 72, 144, 216]
    np.testing.assert_allclose(refined(), whole, rtol=0, atol=1e-3)


def test_memory_does_not_grow_with_the_rows() -> None:
    assert refinement.most_bytes(10**6, 1000) == refinement.most_bytes(10**4, 1000) < 1 << 30
    assert refinement.most_bytes(100, 100) == 100 * refinement.most_bytes(10, 10)


def test_a_graph_of_another_shape_is_refused(refining: Path) -> None:
    network = pack.load(refining).models[0].networks[1]
    levels = np.zeros(2, np.int32)
    with pytest.raises(errors.PackError):
        refinement.refined(
            network,
            network.analysis,
            _core.BandTile(2, 8, 8),
            planes_of(2, 8, 8),
            levels,
            0,
            optimise=True,
        )


# ---- who refines


def test_decoders_refine_unless_they_are_asked_not_to(
    refining: Path, stream: bytes, scene_cube: Cube
) -> None:
    """Without it, samples are those of the pack that has none."""
    plain_stream = hyspec.encode(scene_cube, pack=PLAIN, quality=50, tile=(16, 36))
    plain = hyspec.decode(plain_stream, pack=PLAIN).array
    fast = hyspec.decode(stream, pack=refining, fast=True).array
    np.testing.assert_array_equal(fast, plain)
    refined = hyspec.decode(stream, pack=refining).array
    assert (refined != plain).mean() > 0.5
    np.testing.assert_array_equal(hyspec.decode(plain_stream, pack=PLAIN, fast=True).array, plain)


def test_a_correction_is_that_of_the_planes(tmp_path: Path, scene_cube: Cube) -> None:
    """Half of every plane again: samples lie half as far again from the means."""
    graph = weighted_sum([0.5, 0, 0, 0, 0, 0, 0, 0])
    folder = with_refinement(PLAIN, tmp_path / "half", graph)
    cube = Cube(scene_cube.array.astype(np.int32))
    data = hyspec.encode(cube, pack=folder, quality=60)
    plain = hyspec.decode(data, pack=folder, fast=True).array.astype(np.float64)
    refined = hyspec.decode(data, pack=folder).array.astype(np.float64)
    mean = 3 * plain - 2 * refined  # of each band, up to rounding
    assert np.abs(mean - mean.mean((0, 1))).max() <= 2.5


def test_targets_are_met_without_it(refining: Path, scene_cube: Cube) -> None:
    """The encoder measures what any decoder reaches."""
    for target in ({"psnr": 31.0}, {"bps": 0.8}):
        streams = [hyspec.encode(scene_cube, pack=p, **target) for p in (PLAIN, refining)]
        plain, fast = (
            hyspec.decode(s, pack=p, fast=True).array
            for s, p in zip(streams, (PLAIN, refining), strict=True)
        )
        np.testing.assert_array_equal(plain, fast)


def test_parts_are_those_of_the_whole(refining: Path, stream: bytes) -> None:
    whole = hyspec.decode(stream, pack=refining).array
    part = hyspec.decode(stream, (10, 20), (5, 9), (3, 5), pack=refining).array
    assert np.abs(part.astype(int) - whole[10:20, 5:9, 3:5]).max() <= 1


def test_without_rewriting_and_with_threads(refining: Path, stream: bytes) -> None:
    """Within rounding of each other."""
    whole = hyspec.decode(stream, pack=refining, threads=3).array.astype(int)
    plain = hyspec.decode(stream, pack=refining, optimise=False).array
    assert np.abs(whole - plain).max() <= 1


def test_streams_of_the_band_profile_have_nothing_to_leave_out(
    tiny_pack: Path, scene_stream: bytes, scene_decoded: Array
) -> None:
    found = hyspec.decode(scene_stream, pack=tiny_pack, fast=True).array
    np.testing.assert_array_equal(found, scene_decoded)


# ---- hostile packs and streams


def test_a_changed_refinement_is_refused(tmp_path: Path, stream: bytes) -> None:
    folder = with_refinement(PLAIN, tmp_path / "copy", weighted_sum(WEIGHTS))
    for file in folder.glob("*/refinement.onnx"):
        file.write_bytes(weighted_sum(WEIGHTS, per_octave=1))
    with pytest.raises(errors.PackIntegrityError, match=r"refinement\.onnx"):
        hyspec.decode(stream, pack=folder)


def test_a_refinement_that_is_no_graph_spoils_only_itself(tmp_path: Path, scene_cube: Cube) -> None:
    folder = with_refinement(PLAIN, tmp_path / "copy", b"")
    replace(folder, _of(folder), b"no graph")
    data = hyspec.encode(scene_cube, pack=folder, quality=40)
    assert hyspec.decode(data, pack=folder, fast=True).shape == scene_cube.shape
    with pytest.raises(errors.PackError, match="cannot load a graph"):
        hyspec.decode(data, pack=folder)


def _of(folder: Path) -> str:
    """File of the refinement of the network that encodes."""
    name = pack.load(folder).models[0].networks[-1].name
    return f"{name}/refinement.onnx"


@pytest.mark.parametrize("value", [np.inf, np.nan, 3e38])
def test_planes_that_are_not_finite_spare_bands_that_do_not_vary(
    value: float, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the synthesis returns for extreme latents reaches the refinement within bounds."""
    folder = with_refinement(PLAIN, tmp_path / "copy", weighted_sum([1] * 8))
    array = np.random.default_rng(1).integers(0, 4000, (16, 16, 6)).astype(np.uint16)
    array[:, :, 2] = 77
    data = hyspec.encode(Cube(array), pack=folder, quality=60)

    def extreme(_: Any, tile: Any, *others: Any, **__: Any) -> Array:
        return np.full((len(others[2]), tile.rows, tile.columns), value, np.float32)

    monkeypatch.setattr(plane_networks, "synthesise", extreme)
    seen: list[Array] = []
    shown = inference.Network.__call__

    def noted(self: Any, x: Array, octave: Array | None = None) -> Array:
        seen.append(x)
        return shown(self, x, octave)

    monkeypatch.setattr(inference.Network, "__call__", noted)
    found = hyspec.decode(data, pack=folder).array
    np.testing.assert_array_equal(found[:, :, 2], 77)
    assert seen
    assert all(np.abs(x).max() <= 65536 for x in seen)


# ---- where it pays


def test_many_planes_are_left_as_they_are(tmp_path: Path, scene_cube: Cube) -> None:
    """More than 32, and than a quarter of the bands that vary: docs/spectral_profile.md, 6.5."""
    found = {(k, v): refinement.pays(k, v) for k in (32, 33, 40, 41) for v in (48, 160, 164)}
    assert [key for key, yes in found.items() if not yes] == [
        (33, 48),
        (40, 48),
        (41, 48),
        (41, 160),
    ]
    folder = with_refinement(PLAIN, tmp_path / "copy", weighted_sum(WEIGHTS))
    noise = np.random.default_rng(2).integers(0, 4000, (16, 16, 40)).astype(np.uint16)
    for array, refined in ((scene_cube.array, True), (noise, False)):
        data = hyspec.encode(Cube(array), pack=folder, quality=80)
        plain, other = (hyspec.decode(data, pack=folder, fast=f).array for f in (True, False))
        assert (plain != other).any() == refined
