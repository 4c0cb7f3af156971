"""Fixtures that many tests share: the tiny pack, small scenes, and running the programs."""

from __future__ import annotations

import contextlib
import json
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import hyspec
from golden import make_streams
from hyspec import Cube, io, synthetic
from made_once import made_once
from stream_cases import INTERVALS, TILE


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Give whole files to processes, so that what the tests of a file share is made once."""
    from xdist.scheduler import LoadFileScheduling

    if config.getoption("dist") != "load":  # asked for another way
        return None
    config.option.loadscopereorder = False
    return LoadFileScheduling(config, log)


@pytest.fixture(scope="session")
def tiny_pack() -> Path:
    """Directory of a ``band`` pack of two small cosine transforms: quick, of poor quality."""
    return make_streams.PACK


@pytest.fixture(scope="session")
def tiny_spectral_pack() -> Path:
    """Directory of a pack of the same networks for the ``spectral`` profile."""
    return make_streams.GOLDEN / "packs" / "tiny-spectral-v2"


@pytest.fixture(scope="session", params=["band", "spectral"])
def each_pack(request, tiny_pack, tiny_spectral_pack) -> Path:
    """A tiny pack of each profile in turn, for what all profiles have to do."""
    return {"band": tiny_pack, "spectral": tiny_spectral_pack}[request.param]


@pytest.fixture
def pack_copy(tmp_path, tiny_pack) -> Path:
    """A copy of the tiny pack that a test may spoil."""
    return shutil.copytree(tiny_pack, tmp_path / "copy")


@pytest.fixture(scope="session")
def codec(each_pack) -> Callable[..., Cube]:
    """Encode with the tiny pack of each profile and decode again."""

    def round_trip(cube, **settings):
        data = hyspec.encode(cube, pack=each_pack, **settings)
        return hyspec.decode(data, pack=each_pack)

    return round_trip


@pytest.fixture(scope="session")
def grid() -> synthetic.SensorGrid:
    """Sensor of 24 bands."""
    return synthetic.SensorGrid(np.linspace(420.0, 2400.0, 24), np.full(24, 90.0), name="24 bands")


@pytest.fixture(scope="session")
def scene_cube(grid) -> Cube:
    """Scene of 40 x 36 pixels and 24 bands, uint16, without nodata; read-only."""
    cube = synthetic.scene(40, 36, sensor=grid, seed=3).cube
    cube.array.flags.writeable = False
    return cube


@pytest.fixture(scope="session")
def nodata_cube(grid) -> Cube:
    """The same with nodata beside the swath and in single pixels, int16."""
    cube = synthetic.scene(40, 36, sensor=grid, seed=3, nodata=True, dtype="int16").cube
    assert 0 < (cube.array == cube.nodata).mean() < 1
    cube.array.flags.writeable = False
    return cube


@pytest.fixture(scope="session")
def scene_stream(tiny_pack, scene_cube) -> bytes:
    """The scene as a stream of 3 x 3 tiles and 3 intervals, of the ``band`` profile."""
    return hyspec.encode(scene_cube, pack=tiny_pack, tile=TILE, intervals=INTERVALS)


@pytest.fixture(scope="session")
def scene_decoded(tiny_pack, scene_stream) -> np.ndarray:
    """All samples of that stream; read-only."""
    samples = hyspec.decode(scene_stream, pack=tiny_pack).array
    samples.flags.writeable = False
    return samples


@pytest.fixture(scope="session")
def each_stream(each_pack, scene_cube) -> bytes:
    """The scene as a stream of 3 x 3 tiles and 3 intervals, of each profile in turn."""
    return hyspec.encode(scene_cube, pack=each_pack, tile=TILE, intervals=INTERVALS)


@pytest.fixture(scope="session")
def each_decoded(each_pack, each_stream) -> np.ndarray:
    """All samples of that stream; read-only."""
    samples = hyspec.decode(each_stream, pack=each_pack).array
    samples.flags.writeable = False
    return samples


@pytest.fixture(scope="session")
def trained(tmp_path_factory, grid):
    """A tiny pack, trained and exported by hyspec-train, with all that went into it."""
    from training_fixtures import train_tiny  # imports PyTorch

    return made_once(tmp_path_factory, "trained", lambda folder: train_tiny(folder, grid))


@pytest.fixture(scope="session")
def trained_spectral(tmp_path_factory, grid, known_exports):
    """A tiny pack of the ``spectral`` profile, made in the same way."""
    from training_fixtures import SPECTRAL, train_tiny

    def train(folder):
        with known_exports():
            return train_tiny(folder, grid, *SPECTRAL)

    return made_once(tmp_path_factory, "trained-spectral", train)


@pytest.fixture(scope="session")
def known_exports(tmp_path_factory):
    """Context in which packs are written with graphs that were exported before, if there are."""
    from exported_once import exported_once
    from hyspec_training import export

    @contextlib.contextmanager
    def known() -> Iterator[None]:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(export, "export_graphs", partial(exported_once, tmp_path_factory))
            yield

    return known


@dataclass(frozen=True)
class Run:
    """What a command-line program did."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> dict[str, Any]:
        """The one line of JSON on standard output; NaN and infinity are no JSON."""

        def refuse(name: str) -> None:
            raise ValueError(f"{name} is not JSON")

        (line,) = self.out.splitlines()
        record: dict[str, Any] = json.loads(line, parse_constant=refuse)
        return record


@pytest.fixture
def run(capsys) -> Callable[..., Run]:
    """Run the ``main`` of a program in this process: ``run(main, "a.hdr", "--quiet")``."""

    def run(main: Callable[..., int], *arguments: object) -> Run:
        capsys.readouterr()
        try:
            code = main([str(argument) for argument in arguments])
        except SystemExit as stop:  # argparse
            code = stop.code
        captured = capsys.readouterr()
        return Run(code, captured.out, captured.err)

    return run


@pytest.fixture
def scene_hdr(tmp_path, scene_cube) -> Path:
    """ENVI header of the scene in the test's own folder, which holds nothing else."""
    path = tmp_path / "scene.hdr"
    io.write(path, scene_cube)
    return path


@pytest.fixture
def scene_hyc(tmp_path, scene_stream) -> Path:
    """The stream of the scene as a file."""
    path = tmp_path / "scene.hyc"
    path.write_bytes(scene_stream)
    return path


@pytest.fixture
def out(tmp_path) -> Path:
    """Where ``encode`` writes."""
    return tmp_path / "out.hyc"


@pytest.fixture
def encode(run, out, tiny_pack) -> Callable[..., Run]:
    """Run hyspec-encode with the tiny pack, to out.hyc: ``encode("a.hdr", "--quiet")``."""
    from hyspec_tools.encode import main

    def encode(source, *arguments, output=out):
        return run(main, source, output, "--pack", tiny_pack, *arguments)

    return encode
