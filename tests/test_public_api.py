"""The Python interface: what is public, documented and typed, and what importing it costs."""

import dataclasses
import doctest
import importlib.metadata
import importlib.resources
import inspect
import pkgutil
import subprocess
import sys

import numpy as np
import pytest

import hyspec
from hyspec import Cube, errors, pack

PUBLIC = {
    "Cube", "Damage", "EncodeOptions", "EncodeResult", "Stream", "__version__", "decode", "encode",
    "encode_to", "errors", "intervals", "io", "LineEncoder", "metrics", "open", "synthetic",
}  # fmt: skip


def test_public_names():
    assert set(hyspec.__all__) == PUBLIC
    assert all(hasattr(hyspec, name) for name in PUBLIC)


def test_version():
    assert hyspec.__version__ == importlib.metadata.version("hyspec")


def test_types_are_shipped():
    files = importlib.resources.files("hyspec")
    assert (files / "py.typed").is_file()
    assert (files / "_core.pyi").is_file()


@pytest.mark.skipif("generic-band" not in pack.shipped(), reason="the default pack is not there")
def test_examples_of_the_package():
    found = doctest.testmod(hyspec)
    assert found.attempted >= 5
    assert found.failed == 0


def test_importing_is_light():
    """The runtime needs neither torch nor what only some formats, plots and packs need."""
    script = """
import sys, hyspec
names = ["torch", "onnx", "onnxruntime", "matplotlib", "h5py", "scipy", "constriction"]
found = set(names) & set(sys.modules)
assert not found, found
"""
    subprocess.run([sys.executable, "-c", script], check=True)


def modules(package):
    yield package
    for entry in pkgutil.iter_modules(package.__path__, package.__name__ + "."):
        module = importlib.import_module(entry.name)
        yield from modules(module) if entry.ispkg else [module]


@pytest.mark.parametrize("module", list(modules(hyspec)), ids=lambda module: module.__name__)
def test_everything_public_is_documented(module):
    assert module.__doc__
    for name, member in vars(module).items():
        if name.startswith("_") or getattr(member, "__module__", None) != module.__name__:
            continue
        if inspect.isfunction(member) or inspect.isclass(member):
            assert inspect.getdoc(member), name
        if inspect.isclass(member):
            for key, method in vars(member).items():
                if not key.startswith("_") and callable(getattr(method, "__func__", method)):
                    assert inspect.getdoc(method), f"{name}.{key}"


# ---- errors --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "bases"),
    [
        (errors.UsageError, [ValueError]),
        (errors.DataError, [ValueError]),
        (errors.MissingDependencyError, [ImportError]),
        (errors.TargetError, [ValueError]),
        (errors.StreamError, [ValueError]),
        (errors.UnsupportedVersionError, [errors.StreamError]),
        (errors.LimitError, [errors.StreamError, MemoryError]),
        (errors.PackError, [ValueError]),
        (errors.PackNotFoundError, [errors.PackError, LookupError]),
        (errors.PackIntegrityError, [errors.PackError]),
    ],
)
def test_tree_of_errors(kind, bases):
    error = kind("what was found", hint="what to do")
    assert isinstance(error, errors.HyspecError)
    assert all(isinstance(error, base) for base in bases)
    assert (str(error), error.hint) == ("what was found", "what to do")
    assert kind("found").hint is None


def test_position_of_damage():
    assert errors.StreamError("x", offset=17).offset == 17
    assert errors.StreamError("x").offset == 0


# ---- cubes ---------------------------------------------------------------------------------------


def test_cube():
    array = np.zeros((2, 3, 4), np.int16)
    cube = Cube(array, wavelengths=[1, 2, 3, 4], fwhm=(5, 5, 5, 5), bad_bands=[0, 1, 0, 1])
    assert (cube.rows, cube.columns, cube.bands) == cube.shape == (2, 3, 4)
    assert cube.array is array
    assert cube.wavelengths.dtype == cube.fwhm.dtype == np.float64
    assert cube.bad_bands.tolist() == [False, True, False, True]
    assert cube.metadata == {}
    assert Cube(array).metadata is not Cube(array).metadata


@pytest.mark.parametrize("name", ["wavelengths", "fwhm", "bad_bands"])
@pytest.mark.parametrize("value", [[1, 2, 3], [[1, 2, 3, 4]], 1.0])
def test_one_value_per_band(name, value):
    with pytest.raises(errors.DataError, match=name):
        Cube(np.zeros((2, 3, 4)), **{name: value})


# ---- the short way -------------------------------------------------------------------------------


def test_from_array_to_file_and_back(tmp_path, tiny_pack, scene_cube):
    path = tmp_path / "scene.hyc"
    path.write_bytes(hyspec.encode(scene_cube.array, quality=50, pack=str(tiny_pack)))
    with hyspec.open(str(path), pack=str(tiny_pack)) as stream:
        assert stream[3, 4].shape == (24,)
        cube = stream.read()
    assert isinstance(cube, Cube)
    assert hyspec.metrics.psnr_db(scene_cube, cube) > 19


def test_encode_to_reports_what_it_did(tiny_pack, scene_cube):
    written, phases = [], []
    options = hyspec.EncodeOptions(pack=tiny_pack, bps=0.2, intervals="1-20,21-24", tile=30)
    result = hyspec.encode_to(
        scene_cube, written.append, options, lambda *progress: phases.append(progress)
    )
    data = b"".join(written)
    assert result.bytes == len(data)
    assert result.samples == scene_cube.array.size
    assert result.bps == 8 * len(data) / scene_cube.array.size
    assert result.seconds > 0
    assert (result.profile, result.pack, result.intervals) == ("band", "tiny", "1-20,21-24")
    assert 0 <= result.quality <= 100
    per_chunk = [call for call in phases if call[0] in ("analysis", "encoding")]
    assert per_chunk == [("analysis", k, 4) for k in (1, 2, 3, 4)] + [
        ("encoding", k, 4) for k in (1, 2, 3, 4)
    ]
    with pytest.raises(dataclasses.FrozenInstanceError):
        result.bytes = 0


def test_metadata_of_a_decoded_cube_is_its_own(tiny_pack, scene_cube):
    data = hyspec.encode(scene_cube, pack=tiny_pack)
    stream = hyspec.Stream(data, pack=tiny_pack)
    first = stream.read(rows=(0, 2))
    first.metadata["envi"]["map info"][0] = "changed"
    first.wavelengths[:] = 0
    second = stream.read(rows=(0, 2))
    assert second.metadata == scene_cube.metadata
    assert second.wavelengths[0] == scene_cube.wavelengths[0]


def test_errors_of_the_writer_come_through(tiny_pack, scene_cube):
    def full(_):
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        hyspec.encode_to(scene_cube, full, hyspec.EncodeOptions(pack=tiny_pack))


def test_keyword_settings_are_those_of_the_classes():

    from hyspec import options, stream

    fields = {f.name for f in dataclasses.fields(hyspec.EncodeOptions)}
    assert set(options.EncodeSettings.__annotations__) == fields
    parameters = inspect.signature(hyspec.Stream).parameters
    keywords = {n for n, p in parameters.items() if p.kind is p.KEYWORD_ONLY}
    assert set(stream.StreamSettings.__annotations__) == keywords
