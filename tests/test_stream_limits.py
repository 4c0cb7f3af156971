"""Streams beyond the limits, of other versions, or none at all."""

import re

import numpy as np
import pytest

import hyspec
from hyspec import Stream, _core, errors
from hyspec.band_profile import PROFILE_VERSION


def test_memory_limit_for_the_cube(tiny_pack):
    cube = hyspec.synthetic.scene(96, 64, seed=4).cube
    data = hyspec.encode(cube, pack=tiny_pack, tile=(16, 16), intervals="seed")
    stream = Stream(data, pack=tiny_pack, max_bytes=cube.array.nbytes - 1)
    with pytest.raises(errors.LimitError, match="the decoded cube") as caught:
        stream[:]
    assert "max_bytes" in caught.value.hint
    assert np.array_equal(stream[:10], hyspec.decode(data, pack=tiny_pack).array[:10])
    assert isinstance(caught.value, MemoryError)


def test_memory_limit_for_a_chunk(tiny_pack, scene_stream):
    with pytest.raises(errors.LimitError, match="one chunk"):
        Stream(scene_stream, pack=tiny_pack, max_bytes=2_000)[0, 0, 0]
    for read in (lambda s: s.check(), lambda s: s.template(range(1), range(1), range(1))):
        with pytest.raises(errors.LimitError, match="one chunk"):
            read(Stream(scene_stream, pack=tiny_pack, max_bytes=2_000, on_damage="fill"))


def lying_header(**changes):
    """A stream whose valid header announces a huge cube, with one chunk of nothing."""
    values = {
        "rows": 1,
        "columns": 1,
        "bands": 1,
        "sample_type": "uint8",
        "tile_rows": 1,
        "tile_columns": 1,
        "profile": 1,
        "profile_version": PROFILE_VERSION,
        "intervals": [(1, 0)],
        "pack": (bytes(32), "tiny"),
    } | changes
    writer = _core.StreamWriter(_core.Header(**values))
    return writer.begin() + writer.chunk(0, 0, values["tile_rows"], 0, b"\0" * 8)


def test_recovery_of_a_lying_shape_is_refused():
    most = 2**31 - 1
    data = lying_header(rows=most, columns=1, tile_rows=1)
    with pytest.raises(errors.LimitError, match="missing"):
        Stream(data, on_damage="fill")


def test_huge_chunk_is_refused_before_anything_is_reserved():
    data = lying_header(
        rows=8192,
        columns=8192,
        tile_rows=8192,
        tile_columns=8192,
        bands=65535,
        intervals=[(65535, 0)],
    )
    stream = Stream(data, on_damage="fill")
    for read in (lambda: stream[0, 0, 0], stream.check):
        with pytest.raises(errors.LimitError, match="one chunk"):
            read()


def test_unknown_profile():
    for changes in ({"profile": 2}, {"profile_version": PROFILE_VERSION + 1}):
        with pytest.raises(errors.UnsupportedVersionError, match="profile") as caught:
            Stream(lying_header(**changes), on_damage="fill").read()
        assert "newer" in caught.value.hint
    with pytest.raises(errors.StreamError, match="pack"):
        Stream(lying_header(pack=None), on_damage="fill").read()


@pytest.mark.parametrize("content", [b"", b"x", b"BZh91AY" * 20, b"\x89HYC\r\n\x1a\n"])
def test_files_that_are_no_streams(tmp_path, content):
    path = tmp_path / "a.hyc"
    path.write_bytes(content)
    with pytest.raises(errors.StreamError):
        hyspec.open(path)
    with pytest.raises(errors.StreamError):
        hyspec.decode(content)


def test_file_that_is_not_there(tmp_path):
    for path in (tmp_path / "absent.hyc", tmp_path):
        with pytest.raises(errors.DataError, match=re.escape(str(path))):
            hyspec.open(path)


def test_newer_major_version(scene_stream):
    newer = scene_stream[:8] + b"\x02" + scene_stream[9:]
    with pytest.raises(errors.UnsupportedVersionError) as caught:
        hyspec.decode(newer)
    assert "newer" in caught.value.hint


@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview])
def test_any_buffer(tiny_pack, scene_stream, scene_decoded, kind):
    assert np.array_equal(hyspec.decode(kind(scene_stream), pack=tiny_pack).array, scene_decoded)


def test_a_path_is_no_stream(tmp_path):
    with pytest.raises(errors.UsageError, match="expected the bytes") as caught:
        hyspec.decode(str(tmp_path / "a.hyc"))
    assert "hyspec.open" in caught.value.hint
