"""Scenes are mapped, not read: what cannot be mapped is copied once, and kept up to date."""

import os
import subprocess
import sys

import numpy as np
import pytest
import scipy.io

from hyspec import Cube, io
from hyspec.errors import DataError
from hyspec_training import cache, data
from hyspec_training.cache import open_scene

#: Opens a cube of 160 MB and draws from it where only 64 MB more may be allocated.
BOUNDED = """
import resource, sys
from pathlib import Path
import numpy as np
from hyspec_training import cache, sampling

def allocated():
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) << 10 for line in lines if line.startswith("VmData"))

path, folder = (Path(argument) for argument in sys.argv[1:])
limit = allocated() + (64 << 20)
resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))
scene = cache.open_scene(path, path.name, folder)
sampler = sampling.PatchSampler([scene], 96, 1)
for step in range(20):
    sampler.batch(step, 16)
list(sampling.validation_planes([scene]))
try:
    np.array(scene.array)
except MemoryError:
    print("bounded", scene.bands.size, scene.mean[0])
"""


@pytest.fixture
def samples():
    return np.random.default_rng(0).integers(0, 4000, (20, 30, 5)).astype(np.uint16)


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "cache").mkdir()
    return tmp_path / "cache"


def copies(folder):
    return sorted(folder.glob("*.npy"))


def is_mapped(array):
    while array is not None and not isinstance(array, np.memmap):
        array = array.base
    return array is not None


def write(path, samples, **options):
    if path.suffix == ".mat":
        scipy.io.savemat(path, {"cube": samples})
    elif path.suffix == ".npy":
        np.save(path, samples)
    else:
        io.write(path, Cube(samples), **options)


@pytest.mark.parametrize(
    ("name", "options", "copied"),
    [
        ("scene.mat", {}, True),
        ("scene.npy", {}, True),  # the bands of a pixel together
        ("scene.hdr", {"interleave": "bip"}, True),
        ("scene.hdr", {"interleave": "bil"}, False),
        ("scene.hdr", {"interleave": "bsq"}, False),
        ("scene.hdr", {"interleave": "bsq", "byte_order": "big"}, False),
        ("scene.tif", {"interleave": "bsq"}, False),
    ],
)
def test_a_scene_is_mapped_band_by_band(tmp_path, folder, samples, name, options, copied):
    path = tmp_path / name
    write(path, samples, **options)
    expected = data.load_scene(path, name)
    for _ in range(2):  # as it is made, and as it is found
        scene = open_scene(path, name, folder)
        assert is_mapped(scene.array)
        assert scene.array.strides[1] == scene.array.itemsize
        np.testing.assert_array_equal(scene.array, samples)
        for field in ("bands", "mean", "std", "models"):
            found = getattr(scene, field)
            np.testing.assert_allclose(found, getattr(expected, field), rtol=1e-14)
            assert found.dtype == getattr(expected, field).dtype
        assert scene.name == name
    assert len(copies(folder)) == copied


@pytest.mark.parametrize("rows", [1, 3, 20, 100])
def test_copies_are_made_in_blocks(tmp_path, folder, samples, monkeypatch, rows):
    monkeypatch.setattr(cache, "_ROWS", rows)
    write(tmp_path / "scene.mat", samples)
    scene = open_scene(tmp_path / "scene.mat", "scene", folder)
    np.testing.assert_array_equal(scene.array, samples)


def test_what_is_found_is_not_made_again(tmp_path, folder, samples, monkeypatch):
    for name in ("scene.mat", "mapped.hdr"):
        write(tmp_path / name, samples)
        open_scene(tmp_path / name, name, folder)
    monkeypatch.setattr(cache, "measured", None)  # any measurement would fail
    for name in ("scene.mat", "mapped.hdr"):
        open_scene(tmp_path / name, name, folder)


@pytest.mark.parametrize("name", ["scene.mat", "scene.hdr"])
def test_a_changed_scene_is_read_again(tmp_path, folder, samples, name):
    path = tmp_path / name
    write(path, samples)
    before = open_scene(path, name, folder)
    mean = before.mean.copy()
    write(path, samples + 1, **({"force": True} if name == "scene.hdr" else {}))
    later = max(p.stat().st_mtime_ns for p in tmp_path.iterdir()) + 10**9
    for file in io.source_files(path):
        os.utime(file, ns=(later, later))
    after = open_scene(path, name, folder)
    np.testing.assert_allclose(after.mean, mean + 1)
    np.testing.assert_array_equal(after.array, samples + 1)


@pytest.mark.parametrize("spoil", ["record", "copy"])
def test_lost_and_damaged_files_are_made_again(tmp_path, folder, samples, spoil):
    write(tmp_path / "scene.mat", samples)
    open_scene(tmp_path / "scene.mat", "scene", folder)
    [copy], [record] = copies(folder), folder.glob("*.json")
    if spoil == "copy":
        copy.unlink()
    else:
        record.write_text(record.read_text()[:20])
    scene = open_scene(tmp_path / "scene.mat", "scene", folder)
    np.testing.assert_array_equal(scene.array, samples)
    assert copies(folder) == [copy]


def test_errors_are_those_of_the_reader(tmp_path, folder):
    with pytest.raises(DataError, match="does not exist"):
        open_scene(tmp_path / "none.mat", "none", folder)
    np.save(tmp_path / "flat.npy", np.full((20, 30, 4), 3, np.uint16))
    with pytest.raises(DataError, match="flat has no band"):
        open_scene(tmp_path / "flat.npy", "flat", folder)
    assert not list(folder.glob("*.json"))


@pytest.mark.skipif(sys.platform != "linux", reason="needs the memory limits of Linux")
@pytest.mark.parametrize("axes", ["brc", "rcb"])
def test_memory_stays_bounded(tmp_path, folder, axes):
    """A cube larger than the memory that may be allocated: mapped, and copied first."""
    shape = {"r": 1000, "c": 800, "b": 100}
    path = tmp_path / "large.npy"
    array = np.lib.format.open_memmap(path, "w+", "<u2", tuple(shape[a] for a in axes))
    array[:, ::7] = 3  # the rest is a hole in the file
    array[3, ::5] = 500
    array.flush()
    expected = array.transpose([axes.index(a) for a in "rcb"])[:, :, 0].mean(dtype=np.float64)
    done = subprocess.run(
        [sys.executable, "-c", BOUNDED, str(path), str(folder)],
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    word, bands, mean = done.stdout.split()
    assert (word, int(bands)) == ("bounded", 100)
    assert float(mean) == pytest.approx(expected, rel=1e-12)
    assert len(copies(folder)) == (axes == "rcb")
