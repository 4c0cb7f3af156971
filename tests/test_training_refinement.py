"""Training of a refinement: coded planes, crops, the network, the program, the graph it exports."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import torch

import hyspec
from hyspec import Cube, inference, pack, synthetic
from hyspec.errors import UsageError
from hyspec.refinement import GUIDES, INPUTS, quantiser_step, surrounding
from hyspec_tools import refine
from hyspec_training import (
    checkpoint,
    coded_planes,
    refinement_config,
    refinement_packing,
    refinement_training,
)
from hyspec_training.coded_planes import CodedChunk
from hyspec_training.local_regression import regressions, windows
from hyspec_training.onnx_graphs import halved
from hyspec_training.recipe import load_scenes
from hyspec_training.refinement import Refinement
from hyspec_training.refinement_training import CropSampler
from training_fixtures import write_scenes

torch.set_num_threads(1)

Array = npt.NDArray[Any]
#: One whose network follows to any quality.
PACK: Path = pack.SHIPPED / "generic-spectral"
RECIPE = """
[data]
scenes = ["scene-*.npy"]
validation = ["scene-2.npy"]

[refinement]
steps = 60
width = 8
blocks = 1
patch = 32
batch = 4
learning_rate = 4e-3
seed = 3
checkpoint_every = 20
"""


class Run:
    """Scenes, a recipe, and what hyspec-refine makes of them."""

    def __init__(self, folder: Path, grid: synthetic.SensorGrid) -> None:
        self.data = write_scenes(folder / "data", grid)
        self.config = folder / "recipe.toml"
        self.config.write_text(RECIPE)
        self.work, self.pack = folder / "work", folder / "pack"
        assert self.again(self.work, self.pack) == 0

    def again(self, work: Path, out: Path, *more: str) -> int:
        arguments = [self.config, PACK, out, "--data", self.data, "--work", work, "--threads", "1"]
        return refine.main([*map(str, arguments), "--quiet", *more])

    def chunks(self) -> tuple[list[CodedChunk], list[CodedChunk]]:
        """Those that were trained on, and those for validation."""
        recipe = refinement_config.load(self.config)
        found = load_scenes(recipe.data, self.data, self.work / "cache")
        of_pack = pack.load(PACK)
        first, second = (
            coded_planes.coded_chunks(scenes, of_pack, self.work / "cache", quiet=True)
            for scenes in found
        )
        return first, second


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory, grid: synthetic.SensorGrid) -> Run:
    return Run(tmp_path_factory.mktemp("refinement"), grid)


# ---- coded planes


def test_planes_are_those_that_the_encoder_codes(trained: Run) -> None:
    """The error of a chunk is that of its planes, and of all that is not in them."""
    chunks, kept = trained.chunks()
    assert {chunk.scene for chunk in chunks} == {"scene-0.npy", "scene-1.npy"}
    assert {chunk.scene for chunk in kept} == {"scene-2.npy"}
    rates = [chunk.rate for chunk in kept]
    assert rates == sorted(rates)
    assert rates[0] < 0.3
    assert rates[-1] > 1.5
    for chunk in chunks + kept:
        error = chunk.error.astype(np.float64)
        in_planes = float(np.square(error).sum())
        assert chunk.decoded.shape == chunk.error.shape
        assert chunk.octave.shape == chunk.decoded.shape[:1]
        assert 0 < in_planes < 1.01 * chunk.squared_error
        assert np.abs(error).mean() < 1.5  # in steps


def test_a_coded_chunk_is_a_decoded_stream(trained: Run) -> None:
    """Its squared error is that of the samples, whose rounding adds a twelfth."""
    _, kept = trained.chunks()
    samples = np.load(trained.data / "scene-2.npy")
    chunk = kept[len(kept) // 2]
    data = hyspec.encode(Cube(samples), pack=PACK, bps=chunk.rate * 1.02)
    decoded = hyspec.decode(data, pack=PACK, fast=True).array
    mean = float(np.square(decoded.astype(np.float64) - samples).mean())
    units = [quantiser_step(step) for step in range(400)]
    found = np.array([chunk.squared_error * unit**2 / samples.size + 1 / 12 for unit in units])
    assert np.abs(found / mean - 1).min() < 0.1


# ---- crops


def chunk_of(rows: int, columns: int, planes: int = 4) -> CodedChunk:
    """Planes that tell where they were cut: row and column in one number; errors are the same."""
    y, x = np.mgrid[:rows, :columns]
    place = (y * 64 + x + 1).astype(np.float32)
    decoded = np.stack([place + 10000 * k for k in range(planes)])
    octave = np.arange(planes, dtype=np.float32)
    return CodedChunk("s", 0.1, decoded, decoded.astype(np.float16), octave, float(decoded.size))


@pytest.mark.parametrize("size", [(48, 56), (16, 40), (21, 19)])
def test_crops_keep_to_the_grid_of_the_transform(size: tuple[int, int]) -> None:
    """Mirrored or turned, every eighth row and column of a crop is one of the plane."""
    sampler = CropSampler([chunk_of(*size, planes=1)], 24, seed=1)
    starts = set()
    for step in range(12):
        seen, errors, _, weights = (t.numpy() for t in sampler.batch(step, 4))
        for planes, error, weight in zip(seen[:, 0], errors[:, 0], weights[:, 0], strict=True):
            place = np.abs(planes) - 1
            y, x = np.divmod(place, 64)
            inside = weight > 0
            assert (y[:1, :1] % 8 == 0).all()
            assert (x[:1, :1] % 8 == 0).all()
            assert weight.sum() == pytest.approx(24 * 24)
            found = np.float32(np.float16(planes[inside]))
            np.testing.assert_array_equal(error[inside], found)
            starts.add((y[0, 0] < y[-1, -1], x[0, 0] < x[-1, -1], np.sign(planes[0, 0])))
    assert len(starts) == 8


def test_draws_depend_on_the_step_alone() -> None:
    chunks = [chunk_of(40, 40), chunk_of(30, 48)]
    first, second = CropSampler(chunks, 16, seed=5), CropSampler(chunks, 16, seed=5)
    first.batch(0, 3)
    for a, b in zip(first.batch(7, 3), second.batch(7, 3), strict=True):
        assert torch.equal(a, b)
    other = CropSampler(chunks, 16, seed=6).batch(7, 3)
    assert not torch.equal(first.batch(7, 3)[0], other[0])


def test_errors_count_relative_to_those_of_the_chunk() -> None:
    """Half the error of the chunk, twice the weight."""
    chunk = chunk_of(32, 32)
    halved_error = CodedChunk(**{**vars(chunk), "squared_error": chunk.squared_error / 2})
    weights = [CropSampler([c], 16, seed=0).batch(0, 2)[3] for c in (chunk, halved_error)]
    assert torch.equal(2 * weights[0], weights[1])


# ---- local regression


def test_windows_are_those_around_cells() -> None:
    planes = torch.arange(2 * 8 * 10.0).reshape(1, 2, 8, 10)
    found = windows(planes)
    assert found.shape == (1, 2, 36, 4, 5)
    expected = planes[0, 1, 2:8, 4:10].flatten()
    assert sorted(found[0, 1, :, 2, 3].tolist()) == sorted(expected.tolist())
    own = planes[0, 1, 4:6, 6:8].flatten()
    assert found[0, 1, 16:20, 2, 3].tolist() == own.tolist()


def test_regressions_are_those_of_least_squares() -> None:
    """By a general solver, at one cell."""
    draws = torch.Generator().manual_seed(2)
    plane = torch.randn(1, 1, 12, 12, generator=draws, dtype=torch.float64)
    guides = 3 * torch.randn(1, 4, 12, 12, generator=draws, dtype=torch.float64)
    differences, explained = regressions(plane, guides)
    y, x = 2, 3
    cut = (..., slice(2 * y - 2, 2 * y + 4), slice(2 * x - 2, 2 * x + 4))
    own = plane[cut].flatten() - plane[cut].mean()
    others = guides[0][cut].flatten(1) - guides[0][cut].flatten(1).mean(1, keepdim=True)
    for place, some in ((0, [0]), (3, [3]), (4, [0, 1, 2, 3])):
        part = others[some]
        covariance = part @ part.T / 36 + 0.2 * torch.eye(len(some), dtype=torch.float64)
        slopes = torch.linalg.solve(covariance, part @ own / 36)
        said = (slopes @ part - own).reshape(6, 6)[2:4, 2:4].flatten()
        torch.testing.assert_close(differences[0, place, :, y, x], said)
        share = slopes @ (part @ own / 36) / (own.square().mean() + 0.2)
        torch.testing.assert_close(explained[0, place, y, x], share)


def test_regressions_of_steep_planes_are_well_conditioned() -> None:
    """A large mean, a slope and equal guides change single precision by little."""
    draws = torch.Generator().manual_seed(3)
    ramp = 50 * torch.arange(16.0)[:, None] + 20 * torch.arange(16.0) + 20000
    plane = torch.randn(1, 1, 16, 16, generator=draws) + 0.01 * ramp
    guide = ramp + torch.randn(1, 1, 16, 16, generator=draws)
    guides = torch.cat([guide, guide, 3 * guide, torch.zeros_like(guide)], 1)
    single = regressions(plane, guides)
    double = regressions(plane.double(), guides.double())
    for a, b in zip(single, double, strict=True):
        torch.testing.assert_close(a.double(), b, rtol=0, atol=1e-2)


# ---- the network


def test_an_untrained_network_changes_nothing() -> None:
    torch.manual_seed(1)
    net = Refinement(8, 1)
    assert not net(torch.randn(2, INPUTS, 16, 8), torch.zeros(2, 1, 1, 1)).any()


@pytest.fixture(scope="module")
def random_network() -> Refinement:
    torch.manual_seed(2)
    net = Refinement(8, 2)
    with torch.no_grad():
        for parameter in net.parameters():
            parameter += 0.1 * torch.randn_like(parameter)
    return net.eval()


def test_corrections_are_bounded(random_network: Refinement) -> None:
    """And finite, whatever a decoder may show."""
    for scale in (1.0, 300.0, 65536.0):
        x = scale * torch.sign(torch.randn(2, INPUTS, 16, 24))
        with torch.no_grad():
            found = random_network(x, torch.full((2, 1, 1, 1), 20.0))
        assert torch.isfinite(found).all()
        assert found.abs().max() <= 1.5


def test_signs_of_other_planes_mean_nothing(random_network: Refinement) -> None:
    x = torch.randn(3, INPUTS, 16, 16)
    signs = torch.ones(INPUTS)
    signs[[1, 2, GUIDES[-1]]] = -1
    octave = torch.ones(3, 1, 1, 1)
    with torch.no_grad():
        found, other = (random_network(v, octave) for v in (x, x * signs[:, None, None]))
    torch.testing.assert_close(found, other, rtol=1e-4, atol=1e-5)


@pytest.fixture(scope="module")
def graph(random_network: Refinement) -> bytes:
    return refinement_packing.export(random_network)


@pytest.mark.parametrize("optimise", [True, False])
@pytest.mark.parametrize("size", [(2, 16, 24), (1, 8, 8), (3, 64, 40)])
def test_the_graph_is_the_network(
    random_network: Refinement, graph: bytes, size: tuple[int, int, int], optimise: bool
) -> None:
    count, rows, columns = size
    x = 4 * torch.randn(count, INPUTS, rows, columns, generator=torch.Generator().manual_seed(1))
    octave = torch.rand(count, 1, 1, 1) * 10
    run = inference.network(graph, optimise=optimise)
    with torch.no_grad():
        expected = halved(random_network)(x, octave).numpy()
    found = run(x.numpy(), octave.numpy())
    assert found.shape == expected.shape == (count, 1, rows, columns)
    assert np.abs(expected).max() > 0.1
    assert np.abs(found - expected).max() < 1e-4


# ---- the program


def test_training_pays(trained: Run) -> None:
    """The error of scenes that were trained on falls; the pack tells what others gain."""
    chunks, kept = trained.chunks()
    net = Refinement(8, 1)
    checkpoint.restore(Path(), checkpoint.load(trained.work / "refinement.pt"), net)
    records = refinement_training.validate(net, chunks)
    assert np.mean([record["gain_db"] for record in records]) > 0.002
    about = json.loads((trained.pack / "manifest.json").read_text())["refinement"]
    assert about["recipe"] == RECIPE
    assert about["scenes"] == ["scene-0.npy", "scene-1.npy"]
    assert [record["bps"] for record in about["validation"]] == [chunk.rate for chunk in kept]


def test_gains_are_those_of_the_decoder(trained: Run) -> None:
    """Validation in planes, against the samples of a stream at about the same rate."""
    about = json.loads((trained.pack / "manifest.json").read_text())["refinement"]
    record = about["validation"][4]
    samples = np.load(trained.data / "scene-2.npy")
    data = hyspec.encode(Cube(samples), pack=trained.pack, bps=record["bps"] * 1.02)
    plain, refined = (
        float(
            np.square(
                hyspec.decode(data, pack=trained.pack, fast=fast).array.astype(np.float64) - samples
            ).mean()
        )
        for fast in (True, False)
    )
    assert 10 * np.log10(plain / refined) == pytest.approx(record["gain_db"], abs=0.1)


def test_all_else_of_the_pack_stays(trained: Run) -> None:
    old, new = (json.loads((p / "manifest.json").read_text()) for p in (PACK, trained.pack))
    added = {f"{network['name']}/refinement.onnx" for network in old["networks"]}
    assert set(new["files"]) == set(old["files"]) | added
    for name in set(old["files"]) - added:
        digest = old["files"][name]
        assert new["files"][name] == digest
        assert (trained.pack / name).read_bytes() == (PACK / name).read_bytes()
    for manifest in (old, new):
        del manifest["files"]
        manifest.pop("refinement", None)
    assert new == old
    network = pack.load(trained.pack).models[0].networks[-1]
    assert network.refinement is not None


def test_an_interrupted_run_ends_the_same(trained: Run, tmp_path: Path) -> None:
    work = tmp_path / "work"
    shutil.copytree(trained.work / "cache", work / "cache")
    stopped = checkpoint.Checkpoint.save

    def save_and_stop(self: checkpoint.Checkpoint, path: Path) -> None:
        stopped(self, path)
        raise KeyboardInterrupt

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(checkpoint.Checkpoint, "save", save_and_stop)
        assert trained.again(work, tmp_path / "pack") == 130
    assert checkpoint.load(work / "refinement.pt").step == 20
    assert trained.again(work, tmp_path / "pack") == 0
    assert pack.load(tmp_path / "pack").id == pack.load(trained.pack).id


def test_refused(trained: Run, tmp_path: Path, tiny_pack: Path, capsys: Any) -> None:
    assert trained.again(trained.work, trained.pack) == 2
    assert "exists already" in capsys.readouterr().err
    arguments = [str(trained.config), str(tiny_pack), str(tmp_path / "p"), "--data", "x"]
    assert refine.main(arguments) == 2
    assert "expected 'spectral'" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("width = 8", "width = 0", "width is 0; expected 1 to 512"),
        ("blocks = 1", "layers = 1", "unknown setting 'layers'"),
        ("steps = 60\n", "", "setting 'steps' is missing"),
        ("patch = 32", "patch = 20", "patch is 20; expected a multiple"),
        ("[refinement]", "[network]", r"expected \['data', 'refinement'\]"),
    ],
)
def test_recipes_are_checked(tmp_path: Path, old: str, new: str, message: str) -> None:
    assert old in RECIPE
    path = tmp_path / "recipe.toml"
    path.write_text(RECIPE.replace(old, new))
    with pytest.raises(UsageError, match=message):
        refinement_config.load(path)


def test_other_settings_need_another_folder(trained: Run, tmp_path: Path, capsys: Any) -> None:
    changed = tmp_path / "recipe.toml"
    changed.write_text(RECIPE.replace("seed = 3", "seed = 4"))
    work = tmp_path / "work"
    work.mkdir()
    shutil.copy(trained.work / "refinement.pt", work)
    shutil.copytree(trained.work / "cache", work / "cache")
    arguments = [changed, PACK, tmp_path / "p", "--data", trained.data, "--work", work]
    assert refine.main([*map(str, arguments), "--quiet"]) == 2
    assert "was made with seed = 3" in capsys.readouterr().err


def test_what_is_seen_has_a_place_for_each_guide() -> None:
    planes = np.arange(9, dtype=np.float32)[:, None, None] * np.ones((9, 2, 2), np.float32)
    assert surrounding(planes, 8)[GUIDES, 0, 0].tolist() == [7, 0, 1, 2]
