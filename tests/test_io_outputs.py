"""Outputs are complete or absent, inputs are named when they are missing, formats are found."""

import errno
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from hyspec import io
from hyspec.cube import Cube
from hyspec.errors import DataError, HyspecError, UsageError

SUFFIXES = io.WRITABLE_SUFFIXES
MAPPED = [suffix for suffix in SUFFIXES if suffix != ".mat"]


def ramp(shape=(5, 4, 3)):
    return np.arange(np.prod(shape), dtype="uint16").reshape(shape)


def names(folder):
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_created_file_is_filled_piece_by_piece(tmp_path, suffix):
    path = tmp_path / f"a{suffix}"
    template = io.Template((5, 4, 3), np.dtype("uint16"), wavelengths=np.array([1.0, 2, 3]))
    with io.create(path, template) as output:
        assert output.array.shape == (5, 4, 3)
        assert isinstance(output.array, np.memmap) == (suffix in MAPPED)
        for row in range(5):
            for band in range(3):
                output.array[row, :, band] = ramp()[row, :, band]
        assert not path.exists()
    np.testing.assert_array_equal(io.read(path).array, ramp())
    assert len(names(tmp_path)) == (2 if suffix == ".hdr" else 1)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_failure_leaves_nothing(tmp_path, suffix):
    with pytest.raises(KeyboardInterrupt), io.create(tmp_path / f"a{suffix}", Cube(ramp())) as out:
        out.array[0] = 1
        raise KeyboardInterrupt
    assert names(tmp_path) == []


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_failure_leaves_the_old_file(tmp_path, suffix):
    path = tmp_path / f"a{suffix}"
    io.write(path, Cube(ramp()))
    before = {file.name: file.read_bytes() for file in tmp_path.iterdir()}
    with pytest.raises(RuntimeError), io.create(path, Cube(ramp()), force=True) as output:
        output.array[...] = 7
        raise RuntimeError
    assert {file.name: file.read_bytes() for file in tmp_path.iterdir()} == before


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_existing_output_is_kept_unless_forced(tmp_path, suffix):
    path = tmp_path / f"a{suffix}"
    io.write(path, Cube(ramp()))
    with pytest.raises(UsageError, match="exists already") as error:
        io.write(path, Cube(ramp() + 1))
    assert "--force" in error.value.hint
    np.testing.assert_array_equal(io.read(path).array, ramp())
    io.write(path, Cube(ramp() + 1), force=True)
    np.testing.assert_array_equal(io.read(path).array, ramp() + 1)
    assert len(names(tmp_path)) == (2 if suffix == ".hdr" else 1)


def test_data_file_alone_is_not_overwritten(tmp_path):
    (tmp_path / "a.img").write_bytes(b"precious")
    with pytest.raises(UsageError, match=r"a\.img exists"):
        io.write(tmp_path / "a.hdr", Cube(ramp()))
    assert names(tmp_path) == ["a.img"]


@pytest.mark.parametrize("suffix", MAPPED)
def test_a_cube_can_replace_the_file_it_is_mapped_from(tmp_path, suffix):
    path = tmp_path / f"a{suffix}"
    io.write(path, Cube(ramp()))
    cube = io.read(path)
    cube.array = cube.array[::-1]
    io.write(path, cube, force=True)
    np.testing.assert_array_equal(io.read(path).array, ramp()[::-1])


def test_second_rename_fails(tmp_path, monkeypatch):
    """Header and data file change together or not at all."""
    path = tmp_path / "a.hdr"
    io.write(path, Cube(ramp()))
    before = {file.name: file.read_bytes() for file in tmp_path.iterdir()}
    original = Path.replace

    def fail_for_the_header(self, target):
        if Path(target) == path and not self.name.endswith(".bak") and fail_for_the_header.armed:
            fail_for_the_header.armed = False
            raise OSError(errno.EACCES, "Permission denied")
        return original(self, target)

    fail_for_the_header.armed = True
    monkeypatch.setattr(Path, "replace", fail_for_the_header)
    with pytest.raises(DataError, match="Permission denied"):
        io.write(path, Cube(ramp() + 1), force=True)
    assert not fail_for_the_header.armed
    assert {file.name: file.read_bytes() for file in tmp_path.iterdir()} == before


@pytest.mark.skipif(not hasattr(os, "posix_fallocate"), reason="needs posix_fallocate")
@pytest.mark.parametrize("suffix", MAPPED)
def test_full_disk(tmp_path, monkeypatch, suffix):
    def refuse(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "posix_fallocate", refuse)
    with pytest.raises(DataError, match="No space left") as error:
        io.write(tmp_path / f"a{suffix}", Cube(ramp()))
    assert error.value.hint
    assert names(tmp_path) == []


@pytest.mark.skipif(not hasattr(os, "posix_fallocate"), reason="needs posix_fallocate")
def test_file_system_without_allocation(tmp_path, monkeypatch):
    def refuse(*_):
        raise OSError(errno.EOPNOTSUPP, "Operation not supported")

    monkeypatch.setattr(os, "posix_fallocate", refuse)
    io.write(tmp_path / "a.hdr", Cube(ramp()))
    np.testing.assert_array_equal(io.read(tmp_path / "a.hdr").array, ramp())


def test_outputs_that_make_no_sense(tmp_path):
    cube = Cube(ramp())
    with pytest.raises(UsageError, match=r"suffix '\.jpg'") as error:
        io.write(tmp_path / "a.jpg", cube)
    assert ".hdr" in error.value.hint
    with pytest.raises(UsageError, match=r"directory .* does not exist"):
        io.write(tmp_path / "no" / "a.npy", cube)
    (tmp_path / "dir.npy").mkdir()
    with pytest.raises(UsageError, match="is a directory"):
        io.write(tmp_path / "dir.npy", cube, force=True)
    with pytest.raises(UsageError, match="no choice"):
        io.write(tmp_path / "a.npy", cube, interleave="bsq")
    with pytest.raises(UsageError, match="interleave 'bad'"):
        io.write(tmp_path / "a.hdr", cube, interleave="bad")
    with pytest.raises(UsageError, match="byte order 'bad'"):
        io.write(tmp_path / "a.hdr", cube, byte_order="bad")
    assert names(tmp_path) == ["dir.npy"]


def test_template_is_checked():
    with pytest.raises(DataError, match="wavelengths"):
        io.Template((5, 4, 3), np.dtype("uint8"), wavelengths=np.array([1.0, 2]))
    with pytest.raises(DataError, match="complex"):
        io.Template((5, 4, 3), np.dtype("complex64"))


@pytest.mark.parametrize(
    "name", ["a.hdr", "a.img", "a.tif", "a.npy", "a.mat", "a.h5", "a.nc", "a", "a.xyz"]
)
def test_missing_empty_and_directory(tmp_path, name):
    with pytest.raises(DataError, match="does not exist") as error:
        io.read(tmp_path / name)
    assert error.value.hint
    (tmp_path / name).write_bytes(b"")
    with pytest.raises(DataError, match="is empty: found 0 bytes"):
        io.read(tmp_path / name)
    (tmp_path / name).unlink()
    (tmp_path / name).mkdir()
    with pytest.raises(DataError, match="is a directory"):
        io.read(tmp_path / name)


@pytest.mark.parametrize("name", ["a.hdr", "a.tif", "a.npy", "a.mat", "a.h5", "a.nc", "a", "a.xyz"])
def test_text_is_no_cube(tmp_path, name):
    (tmp_path / name).write_text("To be, or not to be, that is the question.\n" * 20)
    with pytest.raises(DataError) as error:
        io.read(tmp_path / name)
    assert error.value.hint


@pytest.mark.parametrize("suffix", [".hdr", ".tif", ".npy", ".mat", ".h5"])
def test_damaged_bytes_give_a_cube_or_a_clear_error(tmp_path, suffix):
    cube = Cube(
        ramp(),
        wavelengths=np.array([1.0, 2, 3]),
        nodata=-1.0,
        metadata={"envi": {"map info": ["UTM", "1", "1", "2", "3", "4", "5", "33", "North"]}},
    )
    path = tmp_path / f"a{suffix}"
    io.write(path, cube)
    content = path.read_bytes()
    random = np.random.default_rng(7)
    outcomes = set()
    for _ in range(150):
        damaged = bytearray(content)
        for position in random.integers(0, min(len(content), 900), random.integers(1, 4)):
            damaged[position] = random.integers(256)
        path.write_bytes(damaged)
        try:
            outcomes.add(io.read(path).array.ndim)
        except HyspecError as error:
            assert str(error)
            outcomes.add(type(error))
    assert DataError in outcomes


@pytest.mark.parametrize("suffix", [".tif", ".npy", ".mat", ".h5"])
def test_format_is_found_by_content(tmp_path, suffix):
    io.write(tmp_path / f"a{suffix}", Cube(ramp()))
    (tmp_path / f"a{suffix}").rename(tmp_path / "renamed.data")
    np.testing.assert_array_equal(io.read(tmp_path / "renamed.data").array, ramp())


def test_nodata_given_by_the_caller(tmp_path):
    io.write(tmp_path / "a.hdr", Cube(ramp().astype("float32"), nodata=5.0))
    assert io.read(tmp_path / "a.hdr").nodata == 5
    assert io.read(tmp_path / "a.hdr", nodata=-3.4028235e38).nodata == np.finfo("f4").min
    io.write(tmp_path / "b.hdr", Cube(ramp().astype("float32"), nodata=float("nan")))
    assert np.isnan(io.read(tmp_path / "b.hdr").nodata)


def test_file_permissions_follow_the_umask(tmp_path):
    io.write(tmp_path / "a.hdr", Cube(ramp()))
    (tmp_path / "plain").write_bytes(b"")
    expected = (tmp_path / "plain").stat().st_mode
    assert all(file.stat().st_mode == expected for file in tmp_path.iterdir())


def test_import_needs_no_optional_package():
    code = (
        "import sys\n"
        "for name in ('scipy', 'h5py', 'matplotlib', 'torch', 'onnx', 'spectral'):\n"
        "    sys.modules[name] = None\n"
        "import hyspec.io\n"
    )
    subprocess.run([sys.executable, "-W", "error", "-c", code], check=True)
